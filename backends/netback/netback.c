/* SPDX-License-Identifier: MIT */
/* Worker half of the network backend: what the supervisor says, judged and set going. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "backend.h"
#include "clock.h"
#include "net_conf.h"
#include "net_ctrlq.h"
#include "net_journal.h"
#include "net_keep.h"
#include "net_memory.h"
#include "net_queue.h"
#include "net_rx.h"
#include "net_stats.h"

static size_t journal_size(const struct net_conf *c)
{
	return (size_t)c->nqueues * NET_JOURNAL_SIZE + NET_KEEP_SIZE;
}

static void vif_free(struct net_vif *v)
{
	if (v->journal)
		munmap(v->journal, journal_size(&v->conf));
	close(v->stop);
	net_capture_end(&v->capture);
	pthread_mutex_destroy(&v->capture.lock);
	net_pass_end(&v->pass);
	net_rss_end(&v->rss);
	net_memory_close(v->bound, sizeof(*v->bound));
	pthread_mutex_destroy(&v->lock);
	free(v);
}

void net_vif_ended(struct net_vif *v)
{
	struct wdev *dev = v->dev;

	if (atomic_fetch_sub(&v->live, 1) != 1)
		return;
	vif_free(v);
	wdev_disconnected(dev);
}

bool net_vif_begins(struct net_vif *v)
{
	bool go;

	pthread_mutex_lock(&v->lock);
	go = v->go;
	pthread_mutex_unlock(&v->lock);
	if (go)
		pthread_detach(pthread_self());
	return go;
}

void net_vif_failed(struct net_vif *v, int err, const char *why)
{
	if (!atomic_flag_test_and_set(&v->failed))
		wdev_failed(v->dev, err, "%s", why);
}

/* Return: NULL with errno when memory or descriptors are short. */
static struct net_vif *vif_new(struct wdev *d, const struct net_conf *c)
{
	struct net_vif *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->stop < 0) {
		free(v);
		return NULL;
	}
	v->dev = d;
	v->conf = *c;
	pthread_mutex_init(&v->lock, NULL);
	atomic_flag_clear(&v->failed);
	net_lives_set(&v->lives, &c->live);
	net_pass_init(&v->pass, &c->live.limits);
	net_capture_init(&v->capture, d->tag);
	net_rss_init(&v->rss, d->tag);
	return v;
}

void net_vif_stalled(struct net_vif *v, const struct net_queue *q, bool stalled)
{
	/* What is said is said in the order in which it was so. */
	pthread_mutex_lock(&v->lock);
	if (stalled)
		v->stalled++;
	else
		v->stalled--;
	if (stalled && v->stalled == 1) {
		net_queue_carrier(q, 0);
		wdev_status(v->dev, ETIMEDOUT,
		            "it has posted too few receive slots for %u ms: no carrier "
		            "until it does",
		            v->conf.stall_ms);
	} else if (!stalled && !v->stalled) {
		net_queue_carrier(q, 1);
		wdev_status(v->dev, 0, "it receives again");
	}
	pthread_mutex_unlock(&v->lock);
}

/* All threads, or none. */
static int vif_run(struct net_vif *v)
{
	const uint32_t queues = v->conf.nqueues, all = queues + (v->ctrl ? 1U : 0U);
	pthread_t thread[NET_QUEUES_MAX + 1];
	uint32_t n = 0;
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	while (!rc && n < all) {
		rc = n < queues
		             ? -pthread_create(&thread[n], NULL, net_queue_run,
		                               v->queue[n])
		             : -pthread_create(&thread[n], NULL, net_ctrlq_run, v->ctrl);
		if (!rc) {
			wdev_thread_name(v->dev, thread[n], n, n < queues ? queues : all);
			n++;
		}
	}
	v->go = !rc;
	atomic_store(&v->live, n);
	pthread_mutex_unlock(&v->lock);
	/* With success @v is theirs. */
	while (rc && n--)
		pthread_join(thread[n], NULL);
	return rc;
}

struct net_journal *net_vif_journal(const struct net_vif *v, uint32_t i)
{
	/* From the start of a page: aligned. */
	return (struct net_journal *)(void *)(v->journal + (size_t)i * NET_JOURNAL_SIZE);
}

/* What the last connection was told was left behind with its journal. */
static void vif_keep(struct net_vif *v)
{
	v->keep->known = !(v->conf.flags & NET_RESUME);
	/* Without, all can tell which queue a flow is given, and no more. */
	if (getrandom(v->keep->spread, NET_HASH_KEY, GRND_NONBLOCK) != NET_HASH_KEY)
		memset(v->keep->spread, 0x6d, NET_HASH_KEY);
}

static int vif_journal(struct net_vif *v, int fd, char *text, size_t size)
{
	size_t len = journal_size(&v->conf);
	void *mem = MAP_FAILED;
	int rc;

	/* A new one is empty; one that was in use has this size. No memory for it is an
	 * error now, not a signal later. */
	if (fallocate(fd, 0, 0, (off_t)len) == 0)
		mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		           fd, 0);
	if (mem != MAP_FAILED) {
		v->journal = mem;
		v->keep = (struct net_keep *)(void *)(v->journal +
		                                      (size_t)v->conf.nqueues *
		                                              NET_JOURNAL_SIZE);
		if (!net_vif_journal(v, 0)->started)
			vif_keep(v);
		return 0;
	}
	rc = -errno;
	snprintf(text, size, "cannot map the journal: %s", strerror(-rc));
	return rc;
}

/* What is to be hashed, and which queue a frame is for, is known before one is read. */
static int vif_steer(struct net_vif *v, const int *tap, int *steer, char *text,
                     size_t size)
{
	static const struct net_hash_conf nothing;
	int rc = net_rss_open(&v->rss, *tap, steer, v->keep->spread, text, size);

	if (!rc && v->conf.ctrl_port)
		return net_ctrlq_open(v, text, size);
	if (!rc)
		net_rss_set(&v->rss, &nothing, v->conf.nqueues);
	return rc;
}

/* @fd: The last one. */
static int vif_bound(struct net_vif *v, int fd, char *text, size_t size)
{
	int rc;

	v->bound = net_memory_open(fd, sizeof(*v->bound));
	rc = v->bound ? 0 : -errno;
	if (rc)
		snprintf(text, size, "cannot map the bound of its queues: %s",
		         strerror(-rc));
	return rc;
}

static int vif_start(struct net_vif *v, int *fds, char *text, size_t size)
{
	int *journal = &fds[v->conf.nqueues];
	int rc = vif_journal(v, *journal, text, size);

	if (!rc && v->conf.flags & NET_STEERED)
		rc = vif_steer(v, fds, journal + NET_FDS, text, size);
	if (!rc && v->conf.rx_bytes)
		rc = vif_bound(v, fds[net_conf_fds(&v->conf) - 1], text, size);
	for (uint32_t i = 0; !rc && i < v->conf.nqueues; i++)
		rc = net_queue_open(v, i, &fds[i], text, size);
	if (!rc) {
		net_queue_carrier(v->queue[0], 1);
		rc = vif_run(v);
		if (rc)
			snprintf(text, size, "cannot start a thread: %s", strerror(-rc));
	}
	for (uint32_t i = 0; rc && i < v->conf.nqueues; i++)
		net_queue_close(v->queue[i]);
	if (rc)
		net_ctrlq_close(v->ctrl);
	return rc;
}

static bool live_ok(const struct net_live *l)
{
	return net_limits_ok(&l->limits) && l->mcast <= 1 &&
	       l->headroom <= NET_HEADROOM_MAX;
}

static bool conf_ok(const struct net_conf *c)
{
	return c->nqueues && c->nqueues <= NET_QUEUES_MAX && !(c->flags & ~NET_FLAGS) &&
	       net_conf_ctrl_ok(c) && net_spoof_conf_ok(&c->spoof) && live_ok(&c->live);
}

static int net_connect(struct wdev *d, const void *blob, size_t len, int *fds,
                       unsigned int nfds, char *text, size_t text_size)
{
	struct net_vif *v;
	struct net_conf c;
	int rc;

	if (len != sizeof(c)) {
		snprintf(text, text_size, "CONNECT of a vif with %zu bytes", len);
		return -EPROTO;
	}
	memcpy(&c, blob, sizeof(c));
	if (!conf_ok(&c) || nfds != net_conf_fds(&c)) {
		snprintf(text, text_size,
		         "cannot serve %u queues with %u descriptors, flags %#x",
		         c.nqueues, nfds, c.flags);
		return -EINVAL;
	}
	v = vif_new(d, &c);
	if (!v) {
		snprintf(text, text_size, "no memory or descriptors: %m");
		return -ENOMEM;
	}
	/* Before the thread runs: it may be done with it at any time. */
	d->priv = v;
	log_info(d->tag, "serving%s%s%s%s%s%s, %u queue%s with %s event channel%s%s",
	         c.flags & NET_SG ? " sg" : "", c.flags & NET_CSUM4 ? " csum4" : "",
	         c.flags & NET_CSUM6 ? " csum6" : "", c.flags & NET_GSO4 ? " gso4" : "",
	         c.flags & NET_GSO6 ? " gso6" : "",
	         c.flags & NET_RX_NOTIFY ? "" : " without rx-notify", c.nqueues,
	         c.nqueues > 1 ? "s" : "", c.queue[0].rx_port ? "two" : "one",
	         c.queue[0].rx_port ? "s" : "", c.ctrl_port ? ", a control ring" : "");
	rc = vif_start(v, fds, text, text_size);
	if (rc)
		vif_free(v);
	return rc;
}

static void net_update(struct wdev *d, const void *blob, size_t len)
{
	struct net_vif *v = d->priv;
	struct net_live l;

	if (len == sizeof(l))
		memcpy(&l, blob, sizeof(l));
	if (len != sizeof(l) || !live_ok(&l)) {
		log_err(d->tag, "UPDATE of a vif with %zu bytes", len);
		return;
	}
	net_pass_set(&v->pass, &l.limits);
	net_lives_set(&v->lives, &l);
	for (uint32_t i = 0; i < v->conf.nqueues; i++)
		net_queue_await(v->queue[i]);
}

static void net_capture(struct wdev *d, uint32_t snaplen, int fds[2])
{
	struct net_vif *v = d->priv;

	net_capture_begin(&v->capture, snaplen, fds);
}

static void net_disconnect(struct wdev *d)
{
	struct net_vif *v = d->priv;
	uint64_t one = 1;
	ssize_t n = write(v->stop, &one, sizeof(one));

	/* The vif may be gone by now. */
	assert(n == sizeof(one));
	(void)n;
}

const struct worker_backend net_worker = {
	.kind = "vif",
	.stats = &net_stats_table,
	.connect = net_connect,
	.update = net_update,
	.capture = net_capture,
	.disconnect = net_disconnect,
};
