/* SPDX-License-Identifier: MIT */
#include "blk_life_super.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "blk_journal.h"

int blk_life_begin(struct bdev *d, struct blk_life *l, const struct blk_conf *c)
{
	int rc;

	blk_life_end(l);
	l->conf = *c;
	l->fence = -1;
	l->journal = memfd_create("pvbackd-journal", MFD_CLOEXEC);
	l->on = l->journal >= 0;
	if (l->on)
		return 0;
	rc = -errno;
	bdev_fault(d, "no memory for the journal: %s", strerror(-rc));
	return rc;
}

void blk_life_adopt(struct blk_life *l, const struct blk_conf *c, int *fds)
{
	blk_life_end(l);
	l->on = true;
	l->conf = *c;
	l->conf.flags &= ~BLK_RECOVER;
	l->journal = take_fd(&fds[BLK_FD_JOURNAL]);
	l->fence = take_fd(&fds[BLK_FD_FENCE_READ]);
}

int blk_life_tell(struct bdev *d, struct blk_life *l, bool recover,
                  struct bdev_conf *conf)
{
	struct blk_conf c = l->conf;
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = -errno;
		bdev_fault(d, "no descriptors for a worker: %s", strerror(-rc));
		return rc;
	}
	if (l->fence >= 0)
		close(l->fence);
	l->fence = fd[0];
	c.flags |= recover ? BLK_RECOVER : 0;
	memcpy(conf->blob, &c, sizeof(c));
	conf->len = sizeof(c);
	conf->nqueues = c.nqueues;
	conf->fds[conf->nfds++] = l->journal;
	conf->fds[conf->nfds++] = l->fence;
	conf->once = 1U << conf->nfds;
	conf->fds[conf->nfds++] = fd[1];
	return 0;
}

/* Return: whether @look is true of the head of the journal of any ring. */
static bool any_ring(const struct blk_life *l,
                     bool (*look)(const struct blk_life *l, off_t at))
{
	size_t size = blk_journal_size(BLK_RING_SLOTS * l->conf.ring_pages, BLK_WIRE_MAX);

	for (uint32_t i = 0; i < l->conf.nqueues; i++)
		if (look(l, (off_t)(i * size)))
			return true;
	return false;
}

/* What a worker may have made of it is not trusted, nor mapped: it could be cut short. */
static bool ring_in_flight(const struct blk_life *l, off_t at)
{
	size_t size = blk_journal_size(BLK_RING_SLOTS * l->conf.ring_pages, BLK_WIRE_MAX);
	autofree uint8_t *mem = malloc(size);

	return !mem || pread(l->journal, mem, size, at) != (ssize_t)size ||
	       blk_journal_in_flight(mem, size);
}

static bool ring_busy(const struct blk_life *l, off_t at)
{
	uint8_t head[BLK_JOURNAL_HEAD];

	return pread(l->journal, head, sizeof(head), at) == (ssize_t)sizeof(head) &&
	       blk_journal_is_busy(head);
}

int blk_life_fence(const struct blk_life *l)
{
	struct pollfd p = { .fd = l->fence, .events = POLLIN };

	if (!l->on || l->fence < 0 || (poll(&p, 1, 0) > 0 && p.revents & POLLHUP))
		return 0;
	/* The kernel takes its time to take an I/O ring apart, whether it was in use or
	 * not: what no request was taken for is not in flight. */
	return any_ring(l, ring_in_flight) ? -EAGAIN : 0;
}

bool blk_life_serving(const struct blk_life *l)
{
	return l->on && any_ring(l, ring_busy);
}

void blk_life_end(struct blk_life *l)
{
	if (!l->on)
		return;
	close(l->journal);
	if (l->fence >= 0)
		close(l->fence);
	*l = (struct blk_life){ 0 };
}
