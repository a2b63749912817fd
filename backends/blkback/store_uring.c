/* SPDX-License-Identifier: MIT */
/*
 * A file or block device by io_uring: one system call starts a batch and sleeps for
 * completions, events and control alike.
 */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include <liburing.h>

#include "blk_point.h"
#include "clock.h"
#include "pace.h"
#include "store_io.h"
#include "store_pieces.h"
#include "store_pool.h"
#include "store_sqe.h"
#include "store_sync.h"

/* The thread's eventfd is listened to as the watches are. */
#define URING_WATCHES (STORE_WATCHES + 1)
#define URING_THREAD  STORE_WATCHES

/*
 * Storage often completes much at once, one interrupt after the other. One I/O that is
 * complete waits a moment, ns, for others that are on their way: then the guest is
 * notified once for all, and sends its next requests together. One alone never waits.
 */
#define URING_LOOK_NS 4000U

/*
 * With no more than this in flight waking up may take longer than storage does: then look
 * for an I/O first, so long, ns. It is tried, and goes on while it succeeds: slow storage
 * has it tried seldom.
 */
#define URING_FEW    16U
#define URING_FEW_NS 12000U
/* So many are collected together. */
#define URING_CROWD  5U

/* user_data: an I/O's address, a watch's number, or this. */
#define URING_CANCEL URING_WATCHES

/**
 * struct uring
 * @discards:	Wait for the one that is being done
 * @discarding:	It is with the kernel or the thread
 * @thread:	Discards of a block device: io_uring learned to do them in Linux 6.12
 */
struct uring {
	struct store store;
	struct io_uring ring;
	int fd;
	struct store_pieces pieces;
	bool bdev;
	bool discarding;
	struct store_list discards;
	struct store_pool *thread;
	int watch[URING_WATCHES];
	/* Watches with a poll in the kernel; watches found readable. */
	unsigned int armed;
	unsigned int ready;
	/* Completed, oldest first. */
	struct store_list done;
	/* Reads and writes that the kernel has. */
	unsigned int flying;
	/* Looking before sleeping when it has few. */
	struct pace_try few;
};

/*
 * Best first; kernels before 6.1 lack some. All start disabled: the thread that enables
 * a ring becomes its single issuer.
 */
static const unsigned int uring_flags[] = {
	IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_R_DISABLED,
};

static struct io_uring_sqe *uring_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	assert(sqe);
	return sqe;
}

static void uring_queue(struct uring *u, struct store_io *io)
{
	struct io_uring_sqe *sqe = uring_sqe(u);

	switch (io->op) {
	case STORE_READ:
	case STORE_WRITE:
		store_sqe_rw(sqe, io, u->pieces.fixed[io->piece]);
		break;
	case STORE_FLUSH:
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
		break;
	case STORE_DISCARD:
		io_uring_prep_fallocate(
			sqe, 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)io->off, (off_t)store_io_piece(io, STORE_CHUNK_FILE));
		break;
	}
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, io);
}

/* Discards are done one at a time, a guest does not wait for them. */
static void uring_discard_next(struct uring *u)
{
	struct store_io *io = u->discarding ? NULL : store_list_pop(&u->discards);
	struct store_list one;

	if (!io)
		return;
	u->discarding = true;
	if (!u->bdev) {
		uring_queue(u, io);
		return;
	}
	/* Nothing is there to get; it is to tell. */
	store_list_init(&one);
	store_pool_get(u->thread, &one, &u->store.calls, true);
	store_list_put(&one, io);
	store_pool_put(u->thread, &one);
}

static bool moves_data(const struct store_io *io)
{
	return io->op == STORE_READ || io->op == STORE_WRITE;
}

static void uring_done(struct uring *u, struct store_io *io)
{
	u->flying -= moves_data(io);
	store_list_put(&u->done, io);
	if (io->op == STORE_DISCARD) {
		u->discarding = false;
		uring_discard_next(u);
	}
}

/* Return: 0, or -errno when there is nobody who could do @io, a discard. */
static int uring_can_discard(struct uring *u, const struct store_io *io)
{
	int rc = 0;

	if (!u->bdev)
		return io->secure ? -EOPNOTSUPP : 0;
	if (!u->thread)
		rc = store_pool_new(u->fd, 1, &u->thread);
	if (!rc)
		u->watch[URING_THREAD] = store_pool_fd(u->thread);
	return rc;
}

static seldom void uring_discard(struct uring *u, struct store_io *io)
{
	io->err = uring_can_discard(u, io);
	if (io->err) {
		store_list_put(&u->done, io);
		return;
	}
	store_list_put(&u->discards, io);
	uring_discard_next(u);
}

static void hot_loop uring_submit(struct store *s, struct store_io *io)
{
	struct uring *u = container_of(s, struct uring, store);
	struct store_io *next;

	for (; io; io = next) {
		next = io->next;
		store_io_begin(io);
		u->flying += moves_data(io);
		if (io->op == STORE_DISCARD)
			uring_discard(u, io);
		else
			uring_queue(u, io);
	}
}

/* A short one goes on where it stopped. */
static void uring_complete(struct uring *u, struct store_io *io, int res)
{
	/* As nearly all do: everything at once. */
	if (res > 0 && (uint32_t)res == io->left) {
		io->err = 0;
		uring_done(u, io);
	} else if (store_io_step(io, res, STORE_CHUNK_FILE)) {
		uring_done(u, io);
	} else {
		uring_queue(u, io);
	}
}

/* The thread has a discard done. */
static void uring_thread(struct uring *u)
{
	struct store_list over;

	if (!(u->ready & 1U << URING_THREAD))
		return;
	u->ready &= ~(1U << URING_THREAD);
	store_list_init(&over);
	store_pool_get(u->thread, &over, &u->store.calls, false);
	for (struct store_io *io; (io = store_list_pop(&over));)
		uring_done(u, io);
}

static void hot_loop uring_collect(struct uring *u)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe)
	{
		uint64_t data = cqe->user_data;

		n++;
		if (data < URING_WATCHES) {
			u->armed &= ~(1U << data);
			if (cqe->res > 0)
				u->ready |= 1U << data;
		} else if (data != URING_CANCEL) {
			uring_complete(u, (struct store_io *)(uintptr_t)data, cqe->res);
		}
	}
	io_uring_cq_advance(&u->ring, n);
	uring_thread(u);
}

static struct store_io *uring_reap(struct store *s)
{
	struct uring *u = container_of(s, struct uring, store);

	return store_list_take(&u->done);
}

static void uring_watch(struct store *s, unsigned int slot, int fd)
{
	struct uring *u = container_of(s, struct uring, store);

	assert(slot < STORE_WATCHES && !(u->armed & 1U << slot));
	u->watch[slot] = fd;
}

static void uring_arm(struct uring *u)
{
	for (unsigned int i = 0; i < URING_WATCHES; i++) {
		struct io_uring_sqe *sqe;

		if (u->watch[i] < 0 || u->armed & 1U << i)
			continue;
		sqe = uring_sqe(u);
		io_uring_prep_poll_add(sqe, u->watch[i], POLLIN);
		io_uring_sqe_set_data64(sqe, i);
		u->armed |= 1U << i;
	}
}

/* One system call: submit, and with @sleep wait for a completion. */
static void uring_enter(struct uring *u, bool sleep, int64_t ns)
{
	struct __kernel_timespec ts = { .tv_sec = ns / 1000000000,
		                        .tv_nsec = ns % 1000000000 };
	struct io_uring_cqe *cqe;
	int rc;

	u->store.calls++;
	if (sleep)
		rc = io_uring_submit_and_wait_timeout(
			&u->ring, &cqe, 1, ns == STORE_FOREVER ? NULL : &ts, NULL);
	else
		rc = io_uring_submit_and_get_events(&u->ring);
	if (rc > 0 && u->flying)
		blk_point(entered, (const uint8_t *)NULL);
	/*
	 * EAGAIN: the kernel is out of memory for the moment, what was queued stays
	 * queued; let others run. EBUSY: collect first.
	 */
	if (rc == -EAGAIN)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert(rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY || rc == -ETIME);
}

/* Something for uring_collect(), perhaps after a system call. */
static bool uring_news(struct uring *u)
{
	return io_uring_cq_ready(&u->ring) ||
	       IO_URING_READ_ONCE(*u->ring.sq.kflags) & IORING_SQ_TASKRUN;
}

/*
 * Look for @ns, at most until @first something is there to do, or until nothing is in
 * flight any more. Of a crowd each would cost a system call: it is collected at the end,
 * together.
 */
static void uring_look(struct uring *u, uint64_t ns, bool first)
{
	uint64_t end = clock_ns() + ns;
	bool over = false;

	while (!over && !u->ready && (first ? !u->done.head : u->flying > 0)) {
		for (int i = 0; i < 8; i++)
			__builtin_ia32_pause();
		over = clock_ns() >= end;
		if (uring_news(u) && (over || first || u->flying < URING_CROWD)) {
			uring_enter(u, false, 0);
			uring_collect(u);
		}
	}
}

/* Submit, look, sleep: until something is there to do. */
static void uring_sleep(struct uring *u, int64_t ns)
{
	bool slept = false;

	if (u->flying && u->flying <= URING_FEW && pace_try(&u->few)) {
		if (io_uring_sq_ready(&u->ring))
			uring_enter(u, false, 0);
		uring_look(u, URING_FEW_NS, true);
		pace_tried(&u->few, u->done.head || u->ready);
	}
	if (!u->done.head && !u->ready) {
		uring_enter(u, true, ns);
		uring_collect(u);
		slept = true;
	}
	/* An I/O is complete; are others about to be? */
	if (u->done.head && (slept || u->flying >= URING_CROWD))
		uring_look(u, URING_LOOK_NS, false);
}

static unsigned int uring_wait(struct store *s, int64_t ns)
{
	struct uring *u = container_of(s, struct uring, store);
	unsigned int ready;

	uring_arm(u);
	uring_collect(u);
	if (ns && !u->done.head && !u->ready)
		uring_sleep(u, ns);
	else if (io_uring_sq_ready(&u->ring) || uring_news(u)) {
		uring_enter(u, false, 0);
		uring_collect(u);
	}
	ready = u->ready;
	u->ready = 0;
	return ready;
}

static void uring_start(struct store *s)
{
	struct uring *u = container_of(s, struct uring, store);
	/* liburing 2.3 declares io_uring_enable_rings(), and does not export it. */
	long rc = syscall(__NR_io_uring_register, u->ring.ring_fd,
	                  IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	/* Fails only for a ring that is enabled already. */
	assert(rc == 0);
	(void)rc;
}

/*
 * The kernel takes a closed ring apart later, and holds its files until then: so nothing
 * is left in it when it is closed.
 */
static void uring_close(struct store *s)
{
	struct uring *u = container_of(s, struct uring, store);

	for (unsigned int i = 0; i < URING_WATCHES; i++) {
		struct io_uring_sqe *sqe;

		if (!(u->armed & 1U << i))
			continue;
		sqe = uring_sqe(u);
		io_uring_prep_cancel64(sqe, i, 0);
		io_uring_sqe_set_data64(sqe, URING_CANCEL);
	}
	while (u->armed) {
		uring_enter(u, true, STORE_FOREVER);
		uring_collect(u);
	}
	assert(!u->done.head && !u->discarding);
	io_uring_unregister_files(&u->ring);
	if (u->pieces.table)
		io_uring_unregister_buffers(&u->ring);
	io_uring_queue_exit(&u->ring);
	store_pool_free(u->thread);
	close(u->fd);
	free(u);
}

static void uring_memory(struct store *s, unsigned int n, void *addr, size_t len)
{
	struct uring *u = container_of(s, struct uring, store);

	store_piece(&u->pieces, &u->ring, n, addr, len);
}

static const struct store_ops uring_ops = {
	.name = "io_uring",
	.memory = uring_memory,
	.start = uring_start,
	.submit = uring_submit,
	.reap = uring_reap,
	.watch = uring_watch,
	.wait = uring_wait,
	.close = uring_close,
};

static int uring_setup(struct io_uring *ring, unsigned int depth)
{
	/* Each I/O and each watch has at most one entry queued; a cancel for each watch.
	 */
	unsigned int entries = depth + 2 * URING_WATCHES;
	int rc = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(uring_flags) && rc == -EINVAL; i++)
		rc = io_uring_queue_init(entries, ring, uring_flags[i]);
	/* Sleeping with a limit needs it: Linux 5.11. */
	if (!rc && !(ring->features & IORING_FEAT_EXT_ARG)) {
		io_uring_queue_exit(ring);
		rc = -ENOSYS;
	}
	return rc;
}

int store_uring_open(const struct store_conf *c, struct store **out, char *text,
                     size_t text_size)
{
	/* Of a process that dies the kernel keeps what its I/O needs, and all files. */
	int files[] = { c->fd, c->fence };
	autofree struct uring *u = calloc(1, sizeof(*u));
	int rc;

	if (!u) {
		snprintf(text, text_size, "out of memory for the I/O engine");
		return -ENOMEM;
	}
	rc = uring_setup(&u->ring, c->depth);
	if (rc) {
		snprintf(text, text_size,
		         "io_uring is not to be had: %s; it takes Linux 5.11, sysctl "
		         "kernel.io_uring_disabled=0, a container's seccomp policy that "
		         "allows it, and 64 KiB of locked memory (ulimit -l)",
		         strerror(-rc));
		return rc;
	}
	rc = io_uring_register_files(&u->ring, files, c->fence < 0 ? 1 : 2);
	if (rc) {
		snprintf(text, text_size, "io_uring does not take the image: %s",
		         strerror(-rc));
		io_uring_queue_exit(&u->ring);
		return rc;
	}
	u->store.ops = &uring_ops;
	store_list_init(&u->done);
	store_list_init(&u->discards);
	u->fd = c->fd;
	u->bdev = store_is_bdev(c->fd);
	for (unsigned int i = 0; i < URING_WATCHES; i++)
		u->watch[i] = -1;
	*out = &take_ptr(u)->store;
	return 0;
}
