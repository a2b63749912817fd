/* SPDX-License-Identifier: MIT */
/*
 * nbdkit plugin: storage with a volatile cache, for `torture`.
 *
 * What is written goes to memory, and to FILE when it is flushed, or earlier by chance.
 * Whoever kills nbdkit cuts the power: FILE is what is left. The writes are those of
 * `torture`: storage looks at their order (witness.h), and says in LOG what is out of it.
 * With delay=MS,PERMILLE so many of a thousand writes take so long before they land.
 * With hold=PATH a write that comes while there is such a file does not land before that
 * is gone; one at a time: those that come after it overtake it. LOG says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "history.h"
#include "num.h"
#include "witness.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* What is not flushed is kept all the same: one of so many writes. */
#define EARLY 4U

static const char *file, *said, *hold;
static uint64_t seed = 1;
static uint32_t delay_ms, delay_permille;

/*
 * @now:	What is read and written; @kept is FILE
 * @dirty:	Of each sector: they differ
 * @holding:	A write is held
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *now, *kept;
static bool *dirty, holding;
static int64_t size;
static uint64_t rng = 1, writes, flushes;
static struct witness *witness;

static uint32_t below(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 24) % n;
}

static void say(const char *text)
{
	FILE *f = fopen(said, "ae");

	if (!f)
		return;
	fprintf(f, "%s\n", text);
	fclose(f);
}

static int witness_config(const char *key, const char *value)
{
	char *comma;

	if (strcmp(key, "file") == 0) {
		file = nbdkit_absolute_path(value);
		return file ? 0 : -1;
	}
	if (strcmp(key, "log") == 0) {
		said = nbdkit_absolute_path(value);
		return said ? 0 : -1;
	}
	if (strcmp(key, "hold") == 0) {
		hold = nbdkit_absolute_path(value);
		return hold ? 0 : -1;
	}
	if (strcmp(key, "seed") == 0 && num_u64(value, UINT64_MAX, &seed) == 0)
		return 0;
	if (strcmp(key, "delay") == 0) {
		autofree char *ms = strdup(value);

		comma = ms ? strchr(ms, ',') : NULL;
		if (comma) {
			*comma = '\0';
			if (num_u32(ms, 60000, &delay_ms) == 0 &&
			    num_u32(comma + 1, 1000, &delay_permille) == 0)
				return 0;
		}
	}
	nbdkit_error("%s=%s", key, value);
	return -1;
}

static int witness_get_ready(void)
{
	struct stat st;
	int fd;

	if (!file || !said) {
		nbdkit_error("file= and log= are needed");
		return -1;
	}
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		nbdkit_error("%s: %s", file, strerror(errno));
		return -1;
	}
	size = st.st_size;
	kept = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	now = malloc((size_t)size);
	dirty = calloc((size_t)size / STAMP_BYTES, sizeof(*dirty));
	if (kept == MAP_FAILED || !now || !dirty ||
	    witness_new(&witness, 1U << HISTORY_FLUSH | 1U << HISTORY_BARRIER)) {
		nbdkit_error("out of memory");
		return -1;
	}
	memcpy(now, kept, (size_t)size);
	return 0;
}

static void witness_unload(void)
{
	char text[120];

	if (!witness)
		return;
	snprintf(text, sizeof(text), "%llu writes, %llu of them again, %llu flushes",
	         (unsigned long long)writes, (unsigned long long)witness_again(witness),
	         (unsigned long long)flushes);
	say(text);
	witness_free(witness);
	free(now);
	free(dirty);
}

static void *witness_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t witness_get_size(void *handle)
{
	(void)handle;
	return size;
}

static int can(void *handle)
{
	(void)handle;
	return 1;
}

static int witness_pread(void *handle, void *buf, uint32_t n, uint64_t at, uint32_t flags)
{
	(void)handle;
	(void)flags;
	pthread_mutex_lock(&lock);
	memcpy(buf, now + at, n);
	pthread_mutex_unlock(&lock);
	return 0;
}

static void keep(uint64_t from, uint64_t to)
{
	for (uint64_t i = from / STAMP_BYTES; i * STAMP_BYTES < to; i++) {
		if (!dirty[i])
			continue;
		memcpy(kept + i * STAMP_BYTES, now + i * STAMP_BYTES, STAMP_BYTES);
		dirty[i] = false;
	}
}

static void land(const void *buf, uint32_t n, uint64_t at)
{
	if (buf)
		memcpy(now + at, buf, n);
	else
		memset(now + at, 0, n);
	for (uint64_t i = at / STAMP_BYTES; i * STAMP_BYTES < at + n; i++)
		dirty[i] = true;
	if (below(EARLY) == 0)
		keep(at, at + n);
}

/* Sectors of one write in a row, from @at on. Return: bytes; @s: the first's. */
static uint32_t run_of(const uint8_t *buf, uint32_t n, struct stamp *s)
{
	uint32_t len = STAMP_BYTES;
	struct stamp next;

	if (n < STAMP_BYTES || stamp_get(buf, seed, s) != STAMP_OK) {
		s->n = 0;
		return n < STAMP_BYTES ? n : len;
	}
	while (len + STAMP_BYTES <= n && stamp_get(buf + len, seed, &next) == STAMP_OK &&
	       next.write == s->write)
		len += STAMP_BYTES;
	return len;
}

/* With the lock held: what begins, or ends, in this write. */
static void look(const uint8_t *buf, uint32_t n, bool begins)
{
	char why[256];

	for (uint32_t at = 0, len; at < n; at += len) {
		struct stamp s;

		len = run_of(buf + at, n - at, &s);
		if (!s.n)
			continue;
		if (!begins)
			witness_end(witness, &s);
		else if (!witness_begin(witness, &s, len / STAMP_BYTES, why, sizeof(why)))
			say(why);
	}
}

static void hold_on(void)
{
	say("held");
	while (access(hold, F_OK) == 0)
		nbdkit_nanosleep(0, 5000000);
}

static int witness_pwrite(void *handle, const void *buf, uint32_t n, uint64_t at,
                          uint32_t flags)
{
	bool late, held;

	(void)handle;
	pthread_mutex_lock(&lock);
	writes++;
	look(buf, n, true);
	late = below(1000) < delay_permille;
	held = hold && !holding && access(hold, F_OK) == 0;
	holding |= held;
	pthread_mutex_unlock(&lock);
	if (held)
		hold_on();
	if (late)
		nbdkit_nanosleep(delay_ms / 1000, delay_ms % 1000 * 1000000);
	pthread_mutex_lock(&lock);
	land(buf, n, at);
	if (flags & NBDKIT_FLAG_FUA)
		keep(at, at + n);
	look(buf, n, false);
	if (held) {
		holding = false;
		say("landed");
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int zero(uint32_t n, uint64_t at, uint32_t flags)
{
	pthread_mutex_lock(&lock);
	land(NULL, n, at);
	if (flags & NBDKIT_FLAG_FUA)
		keep(at, at + n);
	pthread_mutex_unlock(&lock);
	return 0;
}

static int witness_trim(void *handle, uint32_t n, uint64_t at, uint32_t flags)
{
	(void)handle;
	return zero(n, at, flags);
}

static int witness_zero(void *handle, uint32_t n, uint64_t at, uint32_t flags)
{
	(void)handle;
	return zero(n, at, flags);
}

static int witness_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	pthread_mutex_lock(&lock);
	keep(0, (uint64_t)size);
	flushes++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int can_fua(void *handle)
{
	(void)handle;
	return NBDKIT_FUA_NATIVE;
}

static struct nbdkit_plugin plugin = {
	.name = "witness",
	.version = "1",
	.unload = witness_unload,
	.config = witness_config,
	.config_help = "file=FILE log=FILE [seed=N] [delay=MS,PERMILLE] [hold=PATH]",
	.get_ready = witness_get_ready,
	.open = witness_open,
	.get_size = witness_get_size,
	.can_write = can,
	.can_flush = can,
	.can_trim = can,
	.can_zero = can,
	.can_multi_conn = can,
	.can_fua = can_fua,
	.pread = witness_pread,
	.pwrite = witness_pwrite,
	.trim = witness_trim,
	.zero = witness_zero,
	.flush = witness_flush,
};

/* nbdkit's header defines it without declaring it. */
struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
