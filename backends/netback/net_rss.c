/* SPDX-License-Identifier: MIT */
#include "net_rss.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/if_tun.h>

#include "log.h"
#include "net_memory.h"

void net_rss_init(struct net_rss *r, const char *tag)
{
	r->tag = tag;
	r->tap = r->prog = -1;
	pthread_mutex_init(&r->lock, NULL);
}

int net_rss_open(struct net_rss *r, int tap, int fd[NET_STEER_FDS], const uint8_t *spread,
                 char *text, size_t text_size)
{
	int rc;

	r->spread = spread;
	r->steer = net_memory_open(fd[NET_STEER_MAP], sizeof(*r->steer));
	rc = r->steer ? 0 : -errno;
	if (!rc) {
		r->tap = fcntl(tap, F_DUPFD_CLOEXEC, 0);
		rc = r->tap < 0 ? -errno : 0;
	}
	if (rc)
		snprintf(text, text_size, "cannot have its queues chosen: %s",
		         strerror(-rc));
	else
		r->prog = take_fd(&fd[NET_STEER_PROG]);
	return rc;
}

void net_rss_end(struct net_rss *r)
{
	net_memory_close(r->steer, sizeof(*r->steer));
	if (r->tap >= 0)
		close(r->tap);
	if (r->prog >= 0)
		close(r->prog);
	pthread_mutex_destroy(&r->lock);
}

/* A predecessor may have done it already. */
static void steer(struct net_rss *r)
{
	if (ioctl(r->tap, TUNSETSTEERINGEBPF, &r->prog))
		log_err(r->tag, "its queues cannot be chosen: TUNSETSTEERINGEBPF: %m");
	close(take_fd(&r->prog));
}

void net_rss_set(struct net_rss *r, const struct net_hash_conf *c, uint32_t nqueues)
{
	/* What the program finds is right before it is asked for the first time. */
	net_steer_set(r->steer, c, nqueues, r->spread);
	if (r->prog >= 0)
		steer(r);
	pthread_mutex_lock(&r->lock);
	r->conf = *c;
	atomic_fetch_add(&r->changes, 1);
	pthread_mutex_unlock(&r->lock);
}

void net_rss_update(struct net_rss *r, struct net_rss_view *v)
{
	struct net_hash_conf c;

	pthread_mutex_lock(&r->lock);
	c = r->conf;
	v->seen = r->changes;
	pthread_mutex_unlock(&r->lock);
	v->types = net_hash_on(&c) ? c.types : 0;
	net_toeplitz_init(&v->toeplitz, c.key);
}
