/* SPDX-License-Identifier: MIT */
#include "blk_life_super.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "blk_journal.h"

int blk_life_begin(struct bdev *d, struct blk_life *l, const struct blk_conf *c)
{
	blk_life_end(l);
	l->conf = *c;
	l->fence = -1;
	l->journal = bdev_file_new(d, "journal", NULL, 0);
	l->on = l->journal >= 0;
	return l->on ? 0 : l->journal;
}

void blk_life_adopt(struct blk_life *l, const struct blk_conf *c, int *fds)
{
	blk_life_end(l);
	l->on = true;
	l->conf = *c;
	l->conf.flags &= ~BLK_RECOVER;
	l->journal = take_fd(&fds[BLK_FD_JOURNAL]);
	l->fence = take_fd(&fds[BLK_FD_FENCE_LOOK]);
}

/* Which file it is, without asking storage, which may hang. Return: 0 or -errno. */
static int identify(int fd, struct blk_identity *id)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
		return -errno;
	*id = (struct blk_identity){ makedev(st.stx_dev_major, st.stx_dev_minor),
		                     st.stx_ino,
		                     makedev(st.stx_rdev_major, st.stx_rdev_minor) };
	return 0;
}

bool blk_life_same(int a, int b)
{
	struct blk_identity x, y;

	return identify(a, &x) == 0 && identify(b, &y) == 0 &&
	       memcmp(&x, &y, sizeof(x)) == 0;
}

int blk_life_find(struct bdev *d, struct blk_life *l, const struct blk_conf *c, int image)
{
	int fds[BLK_FDS] = { bdev_file(d, "journal"), -1, -1 };
	struct blk_identity was, is;

	if (fds[BLK_FD_JOURNAL] < 0)
		return fds[BLK_FD_JOURNAL];
	fds[BLK_FD_FENCE_LOOK] = bdev_file(d, "fence");
	if (fds[BLK_FD_FENCE_LOOK] < 0) {
		close(fds[BLK_FD_JOURNAL]);
		return fds[BLK_FD_FENCE_LOOK];
	}
	blk_life_adopt(l, c, fds);
	if (pread(l->fence, &was, sizeof(was), 0) == (ssize_t)sizeof(was) &&
	    identify(image, &is) == 0 && memcmp(&was, &is, sizeof(is)) == 0)
		return 0;
	blk_life_end(l);
	return -ESTALE;
}

/*
 * A new one: what may be left of the last worker has the old file. Locked by a
 * description that will be the worker's alone. Return: 0, or -errno after bdev_fault().
 */
static int fence_make(struct bdev *d, struct blk_life *l, int image, int *locked)
{
	struct blk_identity id;
	autoclose int lock = -1;
	int look, rc = identify(image, &id);

	if (rc) {
		bdev_fault(d, "its image: %s", strerror(-rc));
		return rc;
	}
	lock = bdev_file_new(d, "fence", &id, sizeof(id));
	if (lock < 0)
		return lock;
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		rc = -errno;
		bdev_fault(d, "its file \"fence\": %s", strerror(-rc));
		return rc;
	}
	look = bdev_file(d, "fence");
	if (look < 0)
		return look;
	if (l->fence >= 0)
		close(l->fence);
	l->fence = look;
	*locked = take_fd(&lock);
	return 0;
}

int blk_life_tell(struct bdev *d, struct blk_life *l, bool recover,
                  struct bdev_conf *conf)
{
	struct blk_conf c = l->conf;
	int locked = -1, rc = fence_make(d, l, conf->fds[0], &locked);

	if (rc)
		return rc;
	c.flags |= recover ? BLK_RECOVER : 0;
	memcpy(conf->blob, &c, sizeof(c));
	conf->len = sizeof(c);
	conf->nqueues = c.nqueues;
	conf->fds[conf->nfds++] = l->journal;
	conf->fds[conf->nfds++] = l->fence;
	conf->once = 1U << conf->nfds;
	conf->fds[conf->nfds++] = locked;
	return 0;
}

/* Of the journal of one ring. */
static size_t ring_size(const struct blk_life *l)
{
	return blk_journal_size(BLK_RING_SLOTS * l->conf.ring_pages, BLK_WIRE_MAX);
}

/* What a worker may have made of it is not trusted, nor mapped: it could be cut short. */
static bool any_in_flight(const struct blk_life *l)
{
	size_t size = ring_size(l);
	autofree uint8_t *mem = malloc(size);

	for (uint32_t i = 0; i < l->conf.nqueues; i++)
		if (!mem ||
		    pread(l->journal, mem, size, (off_t)(i * size)) != (ssize_t)size ||
		    blk_journal_in_flight(mem, size))
			return true;
	return false;
}

int blk_life_fence(const struct blk_life *l)
{
	if (!l->on || l->fence < 0)
		return 0;
	if (flock(l->fence, LOCK_SH | LOCK_NB) == 0) {
		flock(l->fence, LOCK_UN);
		return 0;
	}
	/* The kernel takes its time to take an I/O ring apart, whether it was in use or
	 * not: what no request was taken for is not in flight. */
	return any_in_flight(l) ? -EAGAIN : 0;
}

bool blk_life_serving(const struct blk_life *l)
{
	return l->on && bdev_file_any(l->journal, offsetof(struct blk_journal_head, busy),
	                              ring_size(l), l->conf.nqueues);
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
