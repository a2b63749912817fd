/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CACHE_LINE 64U
#define PAGE       4096U

/* ---- Layout ----------------------------------------------------------------------- */

static uint32_t round_up(size_t n, uint32_t to)
{
	return (uint32_t)((n + to - 1) / to * to);
}

/* The one layout that there is for these numbers; they are within their bounds. */
static struct stats_head layout(uint32_t ncounters, uint32_t nhists, uint32_t nqueues)
{
	struct stats_head h = { .magic = STATS_MAGIC,
		                .version = STATS_VERSION,
		                .ncounters = ncounters,
		                .nhists = nhists,
		                .nqueues = nqueues,
		                .buckets = HIST_BUCKETS,
		                .sub_bits = HIST_SUB_BITS };

	h.names_end = (uint32_t)stats_names_end(&h);
	h.hists_at = round_up(ncounters * sizeof(uint64_t), CACHE_LINE);
	h.hist_size = round_up(sizeof(struct hist), CACHE_LINE);
	/* Queues are written by different processors. */
	h.queue_size = round_up(h.hists_at + (size_t)nhists * h.hist_size, PAGE);
	h.queues_at = round_up(h.names_end, PAGE);
	h.size = h.queues_at + nqueues * h.queue_size;
	return h;
}

_Static_assert(STATS_QUEUES_MAX *(STATS_COUNTERS_MAX * 8 + PAGE +
                                  STATS_HISTS_MAX * (sizeof(struct hist) + CACHE_LINE)) <
                       INT32_MAX,
               "the size fits");

size_t stats_names_end(const struct stats_head *h)
{
	return sizeof(*h) + ((size_t)h->ncounters + h->nhists) * STATS_NAME;
}

static bool bounded(uint32_t ncounters, uint32_t nhists, uint32_t nqueues)
{
	return ncounters && ncounters <= STATS_COUNTERS_MAX &&
	       nhists <= STATS_HISTS_MAX && nqueues && nqueues <= STATS_QUEUES_MAX;
}

static struct stats_head layout_of(const struct stats_table *t)
{
	assert(bounded(t->ncounters, t->nhists, t->queues));
	return layout(t->ncounters, t->nhists, t->queues);
}

/* Lower case, digits and _; then zeros to the end. */
static bool name_ok(const char name[STATS_NAME])
{
	static const char zero[STATS_NAME];
	size_t n = 0;

	while (n < STATS_NAME && ((name[n] >= 'a' && name[n] <= 'z') ||
	                          (name[n] >= '0' && name[n] <= '9') || name[n] == '_'))
		n++;
	return n && n < STATS_NAME && memcmp(name + n, zero, STATS_NAME - n) == 0;
}

int stats_judge(const void *copy, size_t len, uint64_t size)
{
	struct stats_head h, want;
	const char(*name)[STATS_NAME];

	if (len < sizeof(h))
		return -EPROTO;
	memcpy(&h, copy, sizeof(h));
	if (!bounded(h.ncounters, h.nhists, h.nqueues))
		return -EPROTO;
	want = layout(h.ncounters, h.nhists, h.nqueues);
	if (memcmp(&h, &want, sizeof(h)) != 0 || h.size != size ||
	    len < stats_names_end(&h))
		return -EPROTO;
	name = (const void *)((const uint8_t *)copy + sizeof(h));
	for (uint32_t i = 0; i < h.ncounters + h.nhists; i++) {
		if (!name_ok(name[i]))
			return -EPROTO;
		/* A counter may be called as a histogram is. */
		for (uint32_t k = i < h.ncounters ? 0 : h.ncounters; k < i; k++)
			if (memcmp(name[i], name[k], STATS_NAME) == 0)
				return -EPROTO;
	}
	return 0;
}

/* ---- Supervisor ------------------------------------------------------------------- */

/* Head and names, for @t. Return: its length. */
static size_t describe(const struct stats_table *t, uint8_t *buf)
{
	struct stats_head h = layout_of(t);
	char(*name)[STATS_NAME] = (void *)(buf + sizeof(h));

	memcpy(buf, &h, sizeof(h));
	for (uint32_t i = 0; i < t->ncounters + t->nhists; i++) {
		const char *s = i < t->ncounters ? t->counter[i]
		                                 : t->hist[i - t->ncounters];

		assert(strlen(s) < STATS_NAME);
		strncpy(name[i], s, STATS_NAME);
	}
	return stats_names_end(&h);
}

#define DESCRIPTION_MAX              \
	(sizeof(struct stats_head) + \
	 (size_t)(STATS_COUNTERS_MAX + STATS_HISTS_MAX) * STATS_NAME)

static int fill(int fd, const struct stats_table *t)
{
	uint8_t buf[DESCRIPTION_MAX];
	size_t len = describe(t, buf);
	ssize_t n;

	assert(stats_judge(buf, len, layout_of(t).size) == 0);
	if (ftruncate(fd, layout_of(t).size) < 0)
		return -errno;
	n = pwrite(fd, buf, len, 0);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	/* Nobody can make a reader run into the end of it. */
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0
	               ? -errno
	               : 0;
}

int stats_create(const struct stats_table *t)
{
	autoclose int fd = memfd_create("pvbackd-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fill(fd, t);
	return rc ? rc : take_fd(&fd);
}

/* All of @len bytes; a file of sealed size has them. */
static int read_at(int fd, void *buf, size_t len, uint32_t at)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		p += n;
		at += (uint32_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Head and names are copied to @buf, which has DESCRIPTION_MAX bytes. */
static int read_description(int fd, uint8_t *buf, struct stats_head *h)
{
	struct stat st;
	int rc = fstat(fd, &st) < 0 ? -errno : 0;

	if (rc || st.st_size < (off_t)DESCRIPTION_MAX)
		return rc ? rc : -EPROTO;
	rc = read_at(fd, buf, DESCRIPTION_MAX, 0);
	rc = rc ? rc : stats_judge(buf, DESCRIPTION_MAX, (uint64_t)st.st_size);
	if (!rc)
		memcpy(h, buf, sizeof(*h));
	return rc;
}

static uint8_t *snap_queue(const struct stats_snap *s, uint32_t queue)
{
	assert(queue < s->nqueues);
	return s->copy + s->head.queues_at + (size_t)queue * s->head.queue_size;
}

static struct hist *snap_hist(const struct stats_snap *s, uint32_t queue, uint32_t i)
{
	assert(i < s->head.nhists);
	return (void *)(snap_queue(s, queue) + s->head.hists_at +
	                (size_t)i * s->head.hist_size);
}

int stats_read(int fd, uint32_t nqueues, struct stats_snap *snap)
{
	struct stats_snap s = { 0 };
	uint8_t buf[DESCRIPTION_MAX];
	int rc = read_description(fd, buf, &s.head);

	if (rc)
		return rc;
	s.nqueues = nqueues < s.head.nqueues ? nqueues : s.head.nqueues;
	s.copy = malloc(s.head.queues_at + (size_t)s.nqueues * s.head.queue_size);
	if (!s.copy)
		return -ENOMEM;
	memcpy(s.copy, buf, sizeof(buf));
	s.name = (const void *)(s.copy + sizeof(s.head));
	rc = read_at(fd, s.copy + s.head.queues_at, (size_t)s.nqueues * s.head.queue_size,
	             s.head.queues_at);
	if (rc) {
		free(s.copy);
		return rc;
	}
	for (uint32_t q = 0; q < s.nqueues; q++)
		for (uint32_t i = 0; i < s.head.nhists; i++)
			hist_mend(snap_hist(&s, q, i));
	*snap = s;
	return 0;
}

void stats_snap_free(struct stats_snap *s)
{
	free(s->copy);
	*s = (struct stats_snap){ 0 };
}

const uint64_t *stats_snap_counters(const struct stats_snap *s, uint32_t queue)
{
	return (const void *)snap_queue(s, queue);
}

const struct hist *stats_snap_hist(const struct stats_snap *s, uint32_t queue, uint32_t i)
{
	return snap_hist(s, queue, i);
}

/* ---- Worker ----------------------------------------------------------------------- */

struct stats {
	struct stats_head head;
	uint8_t *map;
};

int stats_map(int fd, const struct stats_table *t, struct stats **out)
{
	autofree struct stats *s = calloc(1, sizeof(*s));
	uint8_t want[DESCRIPTION_MAX], buf[DESCRIPTION_MAX];
	size_t len = describe(t, want);
	int rc;

	if (!s)
		return -ENOMEM;
	rc = read_description(fd, buf, &s->head);
	if (rc)
		return rc;
	if (memcmp(buf, want, len) != 0)
		return -EPROTO;
	s->map = mmap(NULL, s->head.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->map == MAP_FAILED)
		return -errno;
	*out = take_ptr(s);
	return 0;
}

void stats_unmap(struct stats *s)
{
	if (!s)
		return;
	munmap(s->map, s->head.size);
	free(s);
}

static uint8_t *stats_queue(struct stats *s, uint32_t queue)
{
	assert(queue < s->head.nqueues);
	return s->map + s->head.queues_at + (size_t)queue * s->head.queue_size;
}

uint64_t *stats_counters(struct stats *s, uint32_t queue)
{
	return (void *)stats_queue(s, queue);
}

struct hist *stats_hist(struct stats *s, uint32_t queue, uint32_t i)
{
	assert(i < s->head.nhists);
	return (void *)(stats_queue(s, queue) + s->head.hists_at +
	                (size_t)i * s->head.hist_size);
}
