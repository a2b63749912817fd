/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int image_new(void)
{
	uint8_t block[BLK_SECTOR];
	char path[PATH_MAX];
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/image.XXXXXX", dir ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	for (uint32_t s = 0; s < DISK_SECTORS; s++) {
		memset(block, (int)(s * 7 + 1), sizeof(block));
		memcpy(block, &s, sizeof(s));
		if (write(fd, block, sizeof(block)) != sizeof(block))
			fail_msg("cannot write an image");
	}
	return fd;
}

void disk_add_ring(struct disk *d, const struct disk *other)
{
	d->conf.queue[d->conf.nqueues++] = other->conf.queue[0];
}

/* With rings of so many pages. */
static void disk_share_as(struct disk *d, struct worker *w, uint32_t flags,
                          uint32_t pages)
{
	uint32_t refs[BLK_RING_PAGES_MAX];

	memset(d, 0, sizeof(*d));
	d->w = w;
	d->handle = ++w->next_handle;
	d->image = image_new();
	d->port = guest_port(w, &d->xce);
	d->ring_pages = pages;
	d->slots = RIG_RING * pages;
	d->ring = xengntshr_share_pages(w->shr, 0, (int)pages, refs, 1);
	assert_non_null(d->ring);
	d->ring_ref = refs[0];
	memset(d->ring, 0xa5, XEN_PAGE * (size_t)pages);
	SHARED_RING_INIT(d->ring);
	d->pages = xengntshr_share_pages(w->shr, 0, RIG_PAGES, d->refs, 1);
	assert_non_null(d->pages);
	d->conf = (struct blk_conf){ .sectors = DISK_SECTORS,
		                     .sector_size = BLK_SECTOR,
		                     .align = 1,
		                     .flags = flags,
		                     .nqueues = 1,
		                     .ring_pages = pages,
		                     .persistent = RIG_PERSISTENT };
	memcpy(d->conf.queue[0].ref, refs, pages * sizeof(refs[0]));
	d->conf.queue[0].evtchn = d->port;
}

void disk_share(struct disk *d, struct worker *w, uint32_t flags)
{
	disk_share_as(d, w, flags, 1);
}

int disk_connect(struct disk *d, const char **text)
{
	struct msg_connect c = { .kind = "vbd" };
	int fds[1 + BLK_QUEUES_MAX + BLK_FDS] = { stats_create(&blk_stats_table) };
	int *more = fds + 1 + d->conf.nqueues, pipe[2];
	int rc;

	assert_true(fds[0] >= 0);
	for (uint32_t i = 0; i < d->conf.nqueues; i++)
		fds[1 + i] = d->image;
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	more[BLK_FD_JOURNAL] = memfd_create("journal", MFD_CLOEXEC);
	more[BLK_FD_FENCE_LOOK] = pipe[0];
	more[BLK_FD_FENCE] = pipe[1];
	snprintf(c.tag, sizeof(c.tag), "guest %u vbd-%u", d->w->domid, d->handle);
	rc = msg_send(d->w->sock, MSG_SUPER, MSG_CONNECT, d->handle, &c, &d->conf,
	              sizeof(d->conf), fds, 1 + d->conf.nqueues + BLK_FDS);
	assert_int_equal(rc, 0);
	close(fds[0]);
	for (int i = 0; i < BLK_FDS; i++)
		close(more[i]);
	return worker_connected(d->w, d->handle, text);
}

static void disk_up_as(struct disk *d, struct worker *w, uint32_t flags, uint32_t pages)
{
	const char *text;

	disk_share_as(d, w, flags, pages);
	if (disk_connect(d, &text))
		fail_msg("CONNECTED says: %s", text);
}

void disk_up(struct disk *d, struct worker *w, uint32_t flags)
{
	disk_up_as(d, w, flags, 1);
}

void disk_disconnect(struct disk *d)
{
	worker_disconnect(d->w, d->handle);
}

void disk_unshare(struct disk *d)
{
	xengntshr_unshare(d->w->shr, d->ring, d->ring_pages);
	if (d->pages)
		xengntshr_unshare(d->w->shr, d->pages, RIG_PAGES);
	xenevtchn_close(d->xce);
	close(d->image);
}

void disk_down(struct disk *d)
{
	disk_disconnect(d);
	disk_unshare(d);
}

int disk_setup(void **state)
{
	const struct disk_rig *rig = *state;

	worker_up(rig->w);
	for (size_t i = 0; i < ARRAY_SIZE(rig->disk) && rig->disk[i]; i++)
		disk_up_as(rig->disk[i], rig->w, rig->flags, rig->pages ? rig->pages : 1);
	return 0;
}

int disk_teardown(void **state)
{
	const struct disk_rig *rig = *state;

	for (size_t i = ARRAY_SIZE(rig->disk); i--;)
		if (rig->disk[i])
			disk_down(rig->disk[i]);
	worker_down(rig->w);
	return 0;
}

struct blkif_request *disk_slot(struct disk *d, uint32_t idx)
{
	union blkif_sring_entry *slots =
		(void *)((char *)d->ring + offsetof(struct blkif_sring, ring));

	return &slots[idx % d->slots].req;
}

struct blkif_request *disk_add(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page,
                               uint64_t sector)
{
	struct blkif_request *q = disk_slot(d, d->pushed);

	assert_true(d->pushed < ARRAY_SIZE(d->answers));
	q->operation = op;
	q->nr_segments = nseg;
	q->handle = 0;
	q->id = d->pushed++;
	q->sector_number = sector;
	for (uint32_t i = 0; i < nseg && i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		q->seg[i] = (struct blkif_request_segment){
			.gref = d->refs[(page + i) % RIG_PAGES], .last_sect = 7
		};
	return q;
}

void disk_notify(struct disk *d)
{
	xenevtchn_notify(d->xce, d->port);
}

void disk_push(struct disk *d)
{
	uint32_t old = d->ring->req_prod;

	__atomic_store_n(&d->ring->req_prod, d->pushed, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (d->pushed - d->ring->req_event < d->pushed - old)
		disk_notify(d);
}

void disk_collect(struct disk *d)
{
	uint32_t prod = __atomic_load_n(&d->ring->rsp_prod, __ATOMIC_ACQUIRE);

	assert_true(prod - d->seen <= d->pushed - d->seen);
	while (d->seen != prod) {
		uint8_t *raw = (uint8_t *)disk_slot(d, d->seen++);
		static const uint8_t zero[4];
		struct blkif_response rsp;

		memcpy(&rsp, raw, sizeof(rsp));
		assert_true(rsp.id < d->pushed);
		/* XSA-216: nothing of the backend's memory between the fields. */
		assert_int_equal(raw[9], 0);
		assert_memory_equal(raw + 12, zero, sizeof(zero));
		assert_int_equal(d->answers[rsp.id], 0);
		d->answers[rsp.id]++;
		d->status[rsp.id] = rsp.status;
		d->op[rsp.id] = rsp.operation;
	}
}

/* Sleep until the backend notifies. */
static void disk_sleep(struct disk *d, uint64_t end)
{
	struct pollfd p = { .fd = xenevtchn_fd(d->xce), .events = POLLIN };

	d->ring->rsp_event = d->seen + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->ring->rsp_prod, __ATOMIC_ACQUIRE) != d->seen)
		return;
	if (now_ms() > end || poll(&p, 1, RIG_WAIT_MS) != 1) {
		char *log = worker_log(d->w);

		fail_msg("%u requests, %u answers, and no more; log:\n%s", d->pushed,
		         d->seen, log);
	}
	assert_int_equal(xenevtchn_pending(d->xce), d->port);
	xenevtchn_unmask(d->xce, d->port);
}

void disk_wait(struct disk *d)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;

	disk_collect(d);
	while (d->seen != d->pushed) {
		disk_sleep(d, end);
		disk_collect(d);
	}
}

int disk_run(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page, uint64_t sector)
{
	uint64_t id = disk_add(d, op, nseg, page, sector)->id;

	disk_push(d);
	disk_wait(d);
	assert_int_equal(d->op[id], op);
	return d->status[id];
}

void disk_works(struct disk *d)
{
	uint8_t block[XEN_PAGE];
	uint32_t at = d->pushed % (DISK_SECTORS / BLK_PAGE_SECTORS);

	memset(disk_page(d, 60), (int)d->pushed | 1, XEN_PAGE);
	assert_int_equal(disk_run(d, WRITE, 1, 60, (uint64_t)at * BLK_PAGE_SECTORS),
	                 OKAY);
	assert_int_equal(pread(d->image, block, sizeof(block), (off_t)at * XEN_PAGE),
	                 sizeof(block));
	assert_memory_equal(block, disk_page(d, 60), XEN_PAGE);
	memset(disk_page(d, 61), 0, XEN_PAGE);
	assert_int_equal(disk_run(d, READ, 1, 61, (uint64_t)at * BLK_PAGE_SECTORS), OKAY);
	assert_memory_equal(block, disk_page(d, 61), XEN_PAGE);
}
