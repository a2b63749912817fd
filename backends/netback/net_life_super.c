/* SPDX-License-Identifier: MIT */
#include "net_life_super.h"

#include <errno.h>
#include <string.h>

#include "net_bound_super.h"
#include "net_journal.h"
#include "net_keep.h"
#include "net_steer_super.h"

_Static_assert(NET_QUEUES_MAX + NET_FDS + NET_STEER_FDS + 1 <= BDEV_FDS_MAX,
               "a descriptor for each queue");

/* A card is served without, where the kernel lets no program look at frames. */
static void life_bound(struct net_life *l, const struct net_tap *t)
{
	l->bound = net_bound_put(t->fd, l->conf.rx_bytes);
	if (l->bound < 0)
		l->conf.rx_bytes = 0;
}

/* A card without a control ring is served without, too: the kernel chooses then. */
static int life_steer(struct net_life *l)
{
	int rc = net_steer_make(l->steer);

	if (!rc || l->conf.ctrl_port)
		return rc;
	l->conf.flags &= ~NET_STEERED;
	return 0;
}

/*
 * With NET_STEERED there is what chooses queues. @journal is taken, and @bound, which is
 * -1 if there is none yet.
 */
static int life_on(struct bdev *d, struct net_life *l, const struct net_tap *t,
                   const struct net_conf *c, int journal, int bound)
{
	int rc = 0;

	*l = (struct net_life){ .conf = *c, .journal = journal, .bound = bound };
	if (c->flags & NET_STEERED)
		rc = life_steer(l);
	if (!rc && c->rx_bytes && bound < 0)
		life_bound(l, t);
	l->on = !rc;
	if (!rc)
		return 0;
	close(journal);
	if (bound >= 0)
		close(bound);
	bdev_fault(d, "the kernel lets no program choose its queues: %s", strerror(-rc));
	return rc;
}

int net_life_begin(struct bdev *d, struct net_life *l, const struct net_tap *t,
                   const struct net_conf *c)
{
	int fd;

	net_life_end(l);
	fd = bdev_file_new(d, "journal", NULL, 0);
	return fd < 0 ? fd : life_on(d, l, t, c, fd, -1);
}

int net_life_conf(struct bdev *d, const struct bdev_conf *conf, struct net_conf *c)
{
	if (conf->len == sizeof(*c)) {
		memcpy(c, conf->blob, sizeof(*c));
		if (c->nqueues && c->nqueues <= NET_QUEUES_MAX && net_conf_ctrl_ok(c) &&
		    (!conf->nfds || conf->nfds == net_conf_fds(c)))
			return 0;
	}
	bdev_fault(d, "its worker was told what this pvbackd does not understand");
	return -EPROTO;
}

int net_life_adopt(struct bdev *d, struct net_life *l, const struct net_tap *t,
                   const struct net_conf *c, struct bdev_conf *conf)
{
	int fd = conf->nfds ? take_fd(&conf->fds[c->nqueues]) : bdev_file(d, "journal");
	int bound = -1;

	net_life_end(l);
	if (fd < 0)
		return fd;
	/* The TAP has a program that the worker's memory is of. */
	if (conf->nfds && c->rx_bytes)
		bound = take_fd(&conf->fds[conf->nfds - 1]);
	/* A worker keeps its map and its program; the next one is not given those. */
	return life_on(d, l, t, c, fd, bound);
}

void net_life_tell(const struct net_life *l, const struct net_tap *t,
                   struct bdev_conf *conf)
{
	*conf = (struct bdev_conf){ .len = sizeof(l->conf), .nqueues = l->conf.nqueues };
	memcpy(conf->blob, &l->conf, sizeof(l->conf));
	for (uint32_t i = 0; i < l->conf.nqueues; i++)
		conf->fds[conf->nfds++] = net_tap_queue(t, i);
	conf->fds[conf->nfds++] = l->journal;
	for (int i = 0; i < NET_STEER_FDS && l->conf.flags & NET_STEERED; i++)
		conf->fds[conf->nfds++] = l->steer[i];
	if (l->conf.rx_bytes)
		conf->fds[conf->nfds++] = l->bound;
}

/* What a worker may have made of it is not trusted, nor mapped: it could be cut short. */
bool net_life_hash(const struct net_life *l, struct net_hash_conf *c)
{
	off_t at = (off_t)(l->conf.nqueues * (size_t)NET_JOURNAL_SIZE +
	                   offsetof(struct net_keep, hash));
	struct net_hash_keep k;
	const size_t len = offsetof(struct net_hash_keep, ring);

	if (!l->on || !l->conf.ctrl_port ||
	    pread(l->journal, &k, len, at) != (ssize_t)len)
		return false;
	*c = k.conf[k.which & 1];
	return net_hash_conf_ok(c, l->conf.nqueues) && net_hash_on(c);
}

bool net_life_serving(const struct net_life *l)
{
	return l->on && bdev_file_any(l->journal, offsetof(struct net_journal, busy),
	                              NET_JOURNAL_SIZE, l->conf.nqueues);
}

void net_life_end(struct net_life *l)
{
	if (l->on)
		close(l->journal);
	if (l->on && l->conf.flags & NET_STEERED)
		net_steer_free(l->steer);
	if (l->on && l->conf.rx_bytes)
		close(l->bound);
	*l = (struct net_life){ 0 };
}
