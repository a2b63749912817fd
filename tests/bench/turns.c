/* SPDX-License-Identifier: MIT */
/*
 * turns null|uring|tmpfs REQUESTS [FILE] - serve a ring in one thread, for counting
 * instructions: 4 KiB reads, 32 at a time, over mapped grants.
 *
 * Real: the ring page and all that serves it (blk_ring_turn(), ring_publish()), and with
 * "uring" and "tmpfs" the engine, on FILE, which is on tmpfs. Played: the guest, which
 * fills the ring and waits until it is answered, and its grants, pages of this process.
 * "null" is an engine that completes at once and moves nothing. What counts is in
 * serve(), which callgrind can tell apart; a worker adds its event channel and its sleep,
 * once for each turn and not each request.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blk_ring.h"
#include "fake_guest.h"
#include "store_io.h"

#define BATCH 32U
#define USAGE "usage: turns null|uring|tmpfs REQUESTS [FILE]"

static union {
	uint8_t bytes[XEN_PAGE];
	struct blkif_sring ring;
} page __attribute__((aligned(XEN_PAGE)));

static struct blk_ring r;
static struct blk_stats stats;
static struct hist hist[BLK_NHISTS];

/* ---- The engine that does nothing ------------------------------------------------ */

static struct store_list completed;

static void null_submit(struct store *s, struct store_io *io)
{
	(void)s;
	store_list_put_all(&completed, io);
	for (; io; io = io->next)
		io->err = 0;
}

static struct store_io *null_reap(struct store *s)
{
	(void)s;
	return store_list_take(&completed);
}

static unsigned int null_wait(struct store *s, int64_t ns)
{
	(void)s;
	(void)ns;
	return 0;
}

static const struct store_ops null_ops = {
	.name = "null", .submit = null_submit, .reap = null_reap, .wait = null_wait
};
static struct store null = { .ops = &null_ops };

/* ---- What is counted ------------------------------------------------------------- */

static uint32_t asked;

/* As blk_queue does it, with a guest that is always awake and so asks for no event. */
static __attribute__((noinline)) void serve(void)
{
	if (blk_ring_turn(&r, true) != V_OK)
		errx(1, "the ring is broken");
	asked += blk_ring_publish(&r);
	if (!blk_ring_idle(&r))
		r.store->ops->wait(r.store, STORE_FOREVER);
}

/* ---- The guest ------------------------------------------------------------------- */

static uint32_t pushed, seen;

/* ring[] is declared with one entry. */
static union blkif_sring_entry *slot(uint32_t index)
{
	return (union blkif_sring_entry *)(void *)(page.bytes +
	                                           offsetof(struct blkif_sring, ring)) +
	       index % BATCH;
}

static void push(uint64_t blocks)
{
	struct blkif_request *q = &slot(pushed)->req;

	memset(q, 0, sizeof(*q));
	q->operation = BLKIF_OP_READ;
	q->nr_segments = 1;
	q->id = pushed;
	/* Far apart, so that none is served by its neighbour's I/O. */
	q->sector_number = pushed * UINT64_C(7919) % blocks * 8;
	q->seg[0].gref = GUEST_REF + pushed % BATCH;
	q->seg[0].last_sect = 7;
	pushed++;
}

static void collect(void)
{
	while (seen != page.ring.rsp_prod)
		if (slot(seen++)->rsp.status != BLKIF_RSP_OKAY)
			errx(1, "request %u failed", seen - 1);
}

static uint64_t open_store(const char *engine, const char *file)
{
	bool tmpfs = strcmp(engine, "tmpfs") == 0;
	struct store_conf c = { .engine = tmpfs ? STORE_AUTO : STORE_URING,
		                .fence = -1,
		                .depth = BATCH };
	struct stat st;
	char text[256];

	if (strcmp(engine, "null") == 0) {
		store_list_init(&completed);
		r.store = &null;
		return 1U << 20;
	}
	c.fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if ((!tmpfs && strcmp(engine, "uring") != 0) || c.fd < 0 || fstat(c.fd, &st))
		errx(2, USAGE);
	if (store_open(&c, &r.store, text, sizeof(text)))
		errx(77, "%s", text);
	r.store->ops->start(r.store);
	return (uint64_t)st.st_size / XEN_PAGE;
}

static void open_ring(uint64_t blocks)
{
	static bool flush_failed;
	static uint8_t journal[2 * XEN_PAGE] __attribute__((aligned(XEN_PAGE)));
	char text[128];
	struct blk_ring_conf c = { .page = &page,
		                   .journal = journal,
		                   .pages = 1,
		                   .protocol = BLK_PROTO_X86_64,
		                   .persistent = BLK_PERSISTENT_MAX };

	r.tag = "guest 1 vbd-51712";
	r.stats = &stats;
	for (uint32_t i = 0; i < BLK_NHISTS; i++)
		r.hist[i] = &hist[i];
	r.flush_failed = &flush_failed;
	r.lim = (struct blk_lim){ .sectors = blocks * 8, .sector_size = 512 };
	if (sizeof(journal) < blk_ring_journal_size(1) ||
	    blk_ring_open(&r, &c, text, sizeof(text)))
		errx(1, "no ring");
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t blocks;

	if (argc < 3 || !n || n % BATCH)
		errx(2, USAGE);
	guest_up();
	blocks = open_store(argv[1], argv[3]);
	open_ring(blocks);
	while (pushed < n) {
		for (uint32_t i = 0; i < BATCH; i++)
			push(blocks);
		__atomic_store_n(&page.ring.req_prod, pushed, __ATOMIC_RELEASE);
		while (seen != pushed) {
			serve();
			collect();
		}
	}
	printf("{\"requests\":%lu,\"publications\":%llu,\"notifies\":%u,"
	       "\"syscalls\":%llu}\n",
	       n, (unsigned long long)stats.batches, asked,
	       (unsigned long long)r.store->calls);
	return 0;
}
