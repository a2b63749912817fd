/* SPDX-License-Identifier: MIT */
#include "netfront.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "log.h"
#include "netfront_queue.h"

/**
 * struct netfront - A device
 * @queue:	NETFRONT_QUEUES_MAX, of which @info.queues are used
 */
struct netfront {
	struct front front;
	struct netfront_conf conf;
	struct netfront_info info;
	struct netfront_queue *queue;
};

/* Keys that mean one connection. */
static const char *const keys_ours[] = {
	"tx-ring-ref",
	"rx-ring-ref",
	"event-channel",
	"event-channel-tx",
	"event-channel-rx",
	"request-rx-copy",
	"feature-rx-notify",
	"feature-sg",
	"feature-gso-tcpv4",
	"feature-gso-tcpv6",
	"feature-no-csum-offload",
	"feature-ipv6-csum-offload",
	"multi-queue-num-queues",
	"request-multicast-control",
	"queue-*",
	NULL,
};

const struct netfront_info *netfront_info(const struct netfront *nf)
{
	return &nf->info;
}

const char *netfront_tag(const struct netfront *nf)
{
	return nf->front.tag;
}

struct netfront_queue *netfront_queue(struct netfront *nf, uint32_t i)
{
	assert(i < nf->info.queues);
	return &nf->queue[i];
}

struct netfront_stats netfront_stats(const struct netfront *nf)
{
	struct netfront_stats sum = { 0 };

	for (uint32_t i = 0; i < NETFRONT_QUEUES_MAX; i++) {
		struct netfront_stats s = netfront_queue_stats(&nf->queue[i]);

		sum.tx_frames += s.tx_frames;
		sum.tx_errors += s.tx_errors;
		sum.rx_frames += s.rx_frames;
		sum.rx_errors += s.rx_errors;
		sum.notifies += s.notifies;
		sum.events += s.events;
	}
	return sum;
}

/* ---- Connecting and closing ----------------------------------------------------------
 */

/* @dir is "", or "queue-0/" and so on. */
static int queue_write(struct netfront *nf, struct xst *xs, xst_t t, const char *dir,
                       const struct netfront_queue *q)
{
	const struct {
		const char *key;
		uint32_t value;
	} key[] = {
		{ "tx-ring-ref", q->ring_ref[0] },
		{ "rx-ring-ref", q->ring_ref[1] },
		{ q->split ? "event-channel-tx" : "event-channel", q->chan[0].port },
		{ q->split ? "event-channel-rx" : "event-channel",
		  netfront_queue_rx_port(q) },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(key) && !rc; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s%s", dir, key[i].key);
		rc = xst_printf(xs, t, nf->front.dir, name, "%u", key[i].value);
	}
	return rc;
}

/* netif.h: the keys of one queue are the device's own, those of several queue-N/. */
static int queues_write(struct netfront *nf, struct xst *xs, xst_t t)
{
	uint32_t n = nf->info.queues;
	int rc;

	if (n == 1)
		return queue_write(nf, xs, t, "", &nf->queue[0]);
	rc = xst_printf(xs, t, nf->front.dir, "multi-queue-num-queues", "%u", n);
	for (uint32_t i = 0; i < n && !rc; i++) {
		char dir[20];

		snprintf(dir, sizeof(dir), "queue-%u/", i);
		rc = queue_write(nf, xs, t, dir, &nf->queue[i]);
	}
	return rc;
}

static int keys_write(struct xst *xs, xst_t t, void *arg)
{
	struct netfront *nf = arg;
	const struct netfront_conf *c = &nf->conf;
	const struct {
		const char *key;
		bool value, said;
	} key[] = {
		{ "request-rx-copy", true, true },
		{ "feature-sg", c->sg, true },
		{ "feature-gso-tcpv4", c->gso, true },
		{ "feature-gso-tcpv6", c->gso, true },
		{ "feature-ipv6-csum-offload", c->csum, true },
		{ "feature-rx-notify", true, c->rx_notify },
		{ "feature-no-csum-offload", true, !c->csum },
		{ "request-multicast-control", true, c->mcast },
	};
	int rc = queues_write(nf, xs, t);

	for (size_t i = 0; i < ARRAY_SIZE(key) && !rc; i++)
		if (key[i].said)
			rc = xst_printf(xs, t, nf->front.dir, key[i].key, "%d",
			                key[i].value);
	return rc;
}

static bool offered(struct netfront *nf, const char *key)
{
	uint32_t v;
	struct front *f = &nf->front;

	return xst_read_u32(f->xs, XST_NULL, UINT32_MAX, &v, "%s/%s", f->backend, key) ==
	               0 &&
	       v;
}

static int mac_read(struct netfront *nf)
{
	autofree char *text = NULL;
	uint8_t *m = nf->info.mac;
	int rc = xst_read(nf->front.xs, XST_NULL, &text, "%s/mac", nf->front.dir);

	if (!rc && sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &m[0], &m[1],
	                  &m[2], &m[3], &m[4], &m[5]) == 6)
		return 0;
	log_err(nf->front.tag, "its mac is %s%s%s", text ? "\"" : "",
	        text ? text : "not in XenStore", text ? "\"" : "");
	return rc ? rc : -EPROTO;
}

static int info_read(struct netfront *nf)
{
	struct front *f = &nf->front;
	int rc = mac_read(nf);

	if (rc)
		return rc;
	if (!offered(nf, "feature-rx-copy")) {
		log_err(f->tag, "the backend does not copy to receive slots");
		return -EPROTO;
	}
	nf->info.sg = offered(nf, "feature-sg");
	nf->info.csum6 = offered(nf, "feature-ipv6-csum-offload");
	nf->info.gso4 = nf->info.sg && offered(nf, "feature-gso-tcpv4");
	nf->info.gso6 = nf->info.sg && nf->info.csum6 && offered(nf, "feature-gso-tcpv6");
	nf->info.mcast = offered(nf, "feature-multicast-control");
	nf->info.split = nf->conf.split && offered(nf, "feature-split-event-channels");
	if (xst_read_u32(f->xs, XST_NULL, UINT32_MAX, &nf->info.max_queues,
	                 "%s/multi-queue-max-queues", f->backend) ||
	    !nf->info.max_queues)
		nf->info.max_queues = 1;
	nf->info.queues = nf->conf.queues < nf->info.max_queues ? nf->conf.queues
	                                                        : nf->info.max_queues;
	/* It is the toolstack's, which leaves it out if it has nothing to say. */
	if (xst_read_u32(f->xs, XST_NULL, 65535, &nf->info.mtu, "%s/mtu", f->dir))
		nf->info.mtu = 0;
	return 0;
}

static int queues_share(struct netfront *nf)
{
	int rc = 0;

	for (uint32_t i = 0; i < nf->info.queues && !rc; i++) {
		struct netfront_queue *q = &nf->queue[i];

		q->split = nf->info.split;
		q->rx_notify = nf->conf.rx_notify;
		rc = netfront_queue_share(q, nf->front.backend_id, nf->conf.rx_slots);
	}
	return rc;
}

static void queues_unshare(struct netfront *nf)
{
	for (uint32_t i = 0; i < NETFRONT_QUEUES_MAX; i++)
		netfront_queue_unshare(&nf->queue[i]);
}

static int netfront_connect(struct netfront *nf)
{
	struct front *f = &nf->front;
	int rc = front_start(f, nf->conf.reset, false, nf->conf.timeout_ms);

	rc = rc ? rc : info_read(nf);
	rc = rc ? rc : queues_share(nf);
	rc = rc ? rc : front_publish(f, XenbusStateConnected, keys_write, nf);
	rc = rc ? rc : front_await(f, nf->conf.timeout_ms);
	if (!rc)
		return 0;
	/* Somebody else's device is not ours to close. */
	if (rc != -EBUSY)
		front_stop(f, keys_ours, nf->conf.timeout_ms);
	queues_unshare(nf);
	return rc;
}

static void netfront_free(struct netfront *nf)
{
	front_close(&nf->front);
	free(nf->queue);
	free(nf);
}

int netfront_open(struct netfront **out, uint32_t devid, const struct netfront_conf *conf)
{
	struct netfront *nf = calloc(1, sizeof(*nf));
	int rc;

	assert(conf->rx_slots <= NETFRONT_RING && conf->queues &&
	       conf->queues <= NETFRONT_QUEUES_MAX);
	if (nf)
		nf->queue = calloc(NETFRONT_QUEUES_MAX, sizeof(*nf->queue));
	if (!nf || !nf->queue) {
		free(nf);
		return -ENOMEM;
	}
	nf->conf = *conf;
	rc = front_open(&nf->front, "vif", devid, conf->wake_fd);
	for (uint32_t i = 0; i < NETFRONT_QUEUES_MAX; i++)
		nf->queue[i].tag = nf->front.tag;
	rc = rc ? rc : netfront_connect(nf);
	if (rc) {
		netfront_free(nf);
		return rc;
	}
	*out = nf;
	return 0;
}

static int netfront_disconnect(struct netfront *nf)
{
	int rc = front_stop(&nf->front, keys_ours, nf->conf.timeout_ms);

	queues_unshare(nf);
	return rc;
}

int netfront_reconnect(struct netfront *nf)
{
	int rc = netfront_disconnect(nf);

	return rc ? rc : netfront_connect(nf);
}

int netfront_close(struct netfront *nf)
{
	int rc;

	if (!nf)
		return 0;
	rc = netfront_disconnect(nf);
	netfront_free(nf);
	return rc;
}

/* ---- Waiting -------------------------------------------------------------------------
 */

/* Take what the descriptors have to say: XenStore's, then those of the queues. */
static int take_events(struct netfront *nf, const struct pollfd *fd)
{
	int rc = fd->revents ? front_connected(&nf->front) : 0;

	if (rc)
		log_err(nf->front.tag, "disabled for further use");
	for (uint32_t i = 0; i < nf->info.queues && !rc; i++)
		rc = netfront_queue_events(&nf->queue[i],
		                           fd + 1 + (size_t)i * NETFRONT_QUEUE_FDS);
	for (uint32_t i = 0; i < nf->info.queues && rc; i++)
		nf->queue[i].error = rc;
	return rc;
}

int netfront_wait(struct netfront *nf, struct pollfd *extra, int timeout_ms)
{
	struct pollfd fd[3 + NETFRONT_QUEUES_MAX * NETFRONT_QUEUE_FDS];
	nfds_t nfds = 3 + nf->info.queues * NETFRONT_QUEUE_FDS;
	int n;

	for (uint32_t i = 0; i < nf->info.queues; i++) {
		struct netfront_queue *q = &nf->queue[i];

		if (q->error)
			return q->error;
		if (netfront_queue_watch(q, fd + 3 + (size_t)i * NETFRONT_QUEUE_FDS))
			timeout_ms = 0;
	}
	fd[0] = *extra;
	fd[1] = (struct pollfd){ .fd = nf->conf.wake_fd, .events = POLLIN };
	fd[2] = (struct pollfd){ .fd = front_fd(&nf->front), .events = POLLIN };
	n = poll(fd, nfds, timeout_ms);
	extra->revents = n > 0 ? fd[0].revents : 0;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return timeout_ms ? -ETIMEDOUT : 0;
	n = take_events(nf, fd + 2);
	return n ? n : fd[1].revents != 0;
}
