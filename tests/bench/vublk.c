/* SPDX-License-Identifier: MIT */
/*
 * vublk SOCKET RW BS DEPTH MILLISECONDS [IMAGE] - load a vhost-user block device, and
 * report as `pvblk load --json` does.
 *
 * RW is randread, read, randwrite or write. With IMAGE, the file that is served, what is
 * read is compared with it. A block is one piece of memory, so a request of 1 MiB is one
 * descriptor: no guest's request is cheaper.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "hist.h"
#include "rng.h"
#include "vhost_user.h"

/* A back end that has not answered for so long never will. */
#define DEAD_NS UINT64_C(10000000000)

struct job {
	struct vu vu;
	bool write;
	bool random;
	uint32_t bs;
	uint32_t depth;
	uint64_t blocks;
	uint64_t next;
	uint64_t rng;
	const uint8_t *image;
	uint64_t requests;
	uint32_t active;
	/* By request, in flight or not. */
	bool busy[VU_DEPTH];
	uint64_t offset[VU_DEPTH];
	uint64_t start[VU_DEPTH];
	struct hist lat;
};

static void job_fill(struct job *j, uint64_t now)
{
	for (uint32_t i = 0; i < j->depth; i++) {
		if (j->busy[i])
			continue;
		j->offset[i] =
			(j->random ? rng_next(&j->rng) : j->next++) % j->blocks * j->bs;
		j->start[i] = now;
		j->busy[i] = true;
		j->active++;
		j->requests++;
		vu_post(&j->vu, i, j->write, j->offset[i]);
	}
	vu_kick(&j->vu);
}

static void job_done(struct job *j, int i, uint64_t now)
{
	if (!j->busy[i])
		errx(1, "request %d is answered twice", i);
	if (j->image &&
	    memcmp(vu_buffer(&j->vu, (uint32_t)i), j->image + j->offset[i], j->bs) != 0)
		errx(1, "wrong data at %" PRIu64, j->offset[i]);
	hist_add(&j->lat, now - j->start[i]);
	j->busy[i] = false;
	j->active--;
}

/* Return: how long it took, ns. */
static uint64_t job_run(struct job *j, uint64_t ns)
{
	uint64_t begin = clock_ns(), now = begin, progress = begin;

	for (;;) {
		bool some = false;
		int i;

		if (now - begin < ns)
			job_fill(j, now);
		else if (!j->active)
			return now - begin;
		while ((i = vu_take(&j->vu)) >= 0) {
			if (!some)
				now = clock_ns();
			some = true;
			job_done(j, i, now);
		}
		if (some) {
			progress = now;
			continue;
		}
		vu_wait(&j->vu, 1000);
		now = clock_ns();
		if (now - progress > DEAD_NS)
			errx(1, "no answer for 10 s");
	}
}

static uint32_t number(const char *s, uint32_t max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end || v == 0 || v > max)
		errx(2, "%s: not a number from 1 to %u", s, max);
	return (uint32_t)v;
}

static const uint8_t *image_map(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		err(2, "%s", path);
	if ((uint64_t)st.st_size != bytes)
		errx(1, "%s has %jd bytes, the device %" PRIu64, path,
		     (intmax_t)st.st_size, bytes);
	p = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(2, "%s", path);
	close(fd);
	return p;
}

static void report(const struct job *j, uint64_t ns)
{
	printf("{\"seconds\":%.6f,\"%s\":{\"ios\":%" PRIu64
	       ",\"latency_ns\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 "}},"
	       "\"requests\":%" PRIu64 ",\"notifies_sent\":%" PRIu64
	       ",\"events_received\":%" PRIu64 "}\n",
	       (double)ns / 1e9, j->write ? "write" : "read", j->lat.count,
	       hist_percentile(&j->lat, 50), hist_percentile(&j->lat, 99), j->requests,
	       j->vu.kicks, j->vu.calls);
}

int main(int argc, char **argv)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t ns;

	if (!j)
		err(1, "memory");
	if (argc < 6 || argc > 7)
		errx(2, "usage: vublk SOCKET RW BS DEPTH MILLISECONDS [IMAGE]");
	j->random = strncmp(argv[2], "rand", 4) == 0;
	j->write = strcmp(argv[2] + (j->random ? 4 : 0), "write") == 0;
	if (!j->write && strcmp(argv[2] + (j->random ? 4 : 0), "read") != 0)
		errx(2, "%s: not randread, read, randwrite or write", argv[2]);
	j->bs = number(argv[3], 16U << 20);
	j->depth = number(argv[4], VU_DEPTH);
	ns = number(argv[5], 3600000) * UINT64_C(1000000);
	vu_open(&j->vu, argv[1], j->bs);
	j->blocks = j->vu.bytes / j->bs;
	if (!j->blocks || j->bs % 512)
		errx(2, "no room for blocks of %u bytes", j->bs);
	if (argc == 7)
		j->image = image_map(argv[6], j->vu.bytes);
	ns = job_run(j, ns);
	vu_close(&j->vu);
	report(j, ns);
	return 0;
}
