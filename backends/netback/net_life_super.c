/* SPDX-License-Identifier: MIT */
#include "net_life_super.h"

#include <errno.h>
#include <string.h>

#include "net_journal.h"

_Static_assert(NET_QUEUES_MAX + NET_FDS <= BDEV_FDS_MAX, "a descriptor for each queue");

int net_life_begin(struct bdev *d, struct net_life *l, const struct net_conf *c)
{
	net_life_end(l);
	l->conf = *c;
	l->journal = bdev_file_new(d, "journal", NULL, 0);
	l->on = l->journal >= 0;
	return l->on ? 0 : l->journal;
}

int net_life_conf(struct bdev *d, const struct bdev_conf *conf, struct net_conf *c)
{
	if (conf->len == sizeof(*c)) {
		memcpy(c, conf->blob, sizeof(*c));
		if (c->nqueues && c->nqueues <= NET_QUEUES_MAX &&
		    (!conf->nfds || conf->nfds == c->nqueues + NET_FDS))
			return 0;
	}
	bdev_fault(d, "its worker was told what this pvbackd does not understand");
	return -EPROTO;
}

int net_life_adopt(struct bdev *d, struct net_life *l, const struct net_conf *c,
                   struct bdev_conf *conf)
{
	int fd = conf->nfds ? take_fd(&conf->fds[c->nqueues]) : bdev_file(d, "journal");

	net_life_end(l);
	if (fd < 0)
		return fd;
	*l = (struct net_life){ .on = true, .conf = *c, .journal = fd };
	return 0;
}

void net_life_tell(const struct net_life *l, const struct net_tap *t,
                   struct bdev_conf *conf)
{
	*conf = (struct bdev_conf){ .len = sizeof(l->conf), .nqueues = l->conf.nqueues };
	memcpy(conf->blob, &l->conf, sizeof(l->conf));
	for (uint32_t i = 0; i < l->conf.nqueues; i++)
		conf->fds[conf->nfds++] = net_tap_queue(t, i);
	conf->fds[conf->nfds++] = l->journal;
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
	*l = (struct net_life){ 0 };
}
