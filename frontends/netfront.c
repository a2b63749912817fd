/* SPDX-License-Identifier: MIT */
#include "netfront.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "log.h"
#include "netfront_ctrl.h"
#include "netfront_keys.h"
#include "netfront_queue.h"

/**
 * struct netfront - A device
 * @reconfiguring: The backend is waited for
 * @reconfigured: So often
 * @queue:	NETFRONT_QUEUES_MAX, of which @info.queues are used
 */
struct netfront {
	struct front front;
	struct netfront_conf conf;
	struct netfront_info info;
	bool reconfiguring;
	uint64_t reconfigured;
	struct netfront_queue *queue;
	struct netfront_ctrl ctrl;
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
	struct netfront_stats sum = { .reconfigured = nf->reconfigured };

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

/* ---- Connecting and closing ------------------------------------------------------- */

static const struct netfront_way *way(const struct netfront *nf)
{
	return &netfront_ways[nf->conf.habit];
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

	nf->info.queues = nf->info.max_queues = 1;
	nf->info.ctrl = false;
	if (rc || way(nf)->hasty)
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
	nf->info.ctrl = (nf->conf.hash || way(nf)->controls) &&
	                offered(nf, "feature-ctrl-ring");
	nf->info.headroom = offered(nf, "feature-xdp-headroom");
	nf->info.split = nf->conf.split && nf->conf.habit != NETFRONT_FREEBSD &&
	                 offered(nf, "feature-split-event-channels");
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

	if (nf->info.ctrl)
		rc = netfront_ctrl_open(&nf->ctrl, nf->front.backend_id, nf->front.tag);
	for (uint32_t i = 0; i < nf->info.queues && !rc; i++) {
		struct netfront_queue *q = &nf->queue[i];

		q->split = nf->info.split;
		q->rx_notify = nf->conf.rx_notify;
		rc = netfront_queue_share(q, nf->front.backend_id, way(nf)->first_id);
		q->rx.headroom = nf->info.headroom ? nf->conf.headroom : 0;
		if (!rc && !way(nf)->late)
			netfront_queue_post(q, nf->conf.rx_slots);
	}
	return rc;
}

static void queues_unshare(struct netfront *nf)
{
	netfront_ctrl_close(&nf->ctrl);
	for (uint32_t i = 0; i < NETFRONT_QUEUES_MAX; i++)
		netfront_queue_unshare(&nf->queue[i]);
}

/* Connected: what is to be hashed. */
static int hash_set(struct netfront *nf)
{
	int rc = 0, timeout = nf->conf.timeout_ms;

	if (nf->conf.hash && !nf->info.ctrl) {
		log_err(nf->front.tag, "the backend has no control ring");
		return -EPROTO;
	}
	if (way(nf)->controls && nf->info.ctrl)
		rc = netfront_ctrl_hash(&nf->ctrl, NULL, timeout);
	if (!rc && nf->conf.hash)
		rc = netfront_ctrl_hash(&nf->ctrl, nf->conf.hash, timeout);
	return rc;
}

static int keys_publish(struct netfront *nf)
{
	struct front *f = &nf->front;
	struct netfront_keys_arg arg = { f->dir, &nf->conf, &nf->info, nf->queue,
		                         &nf->ctrl };
	bool apart = way(nf)->apart;
	int rc = front_publish(f, apart ? XenbusStateInitialising : XenbusStateConnected,
	                       netfront_keys_write, &arg);

	return rc || !apart ? rc : front_set_state(f, XenbusStateConnected);
}

static int netfront_connect(struct netfront *nf)
{
	int rc, timeout = nf->conf.timeout_ms;
	struct front *f = &nf->front;

	rc = front_start(f, nf->conf.reset, way(nf)->hasty, timeout);
	if (!rc && way(nf)->cycles) {
		rc = front_close_first(f, timeout);
		rc = rc ? rc : front_start(f, false, false, timeout);
	}
	rc = rc ? rc : info_read(nf);
	rc = rc ? rc : queues_share(nf);
	rc = rc ? rc : keys_publish(nf);
	rc = rc ? rc : front_await(f, timeout);
	rc = rc ? rc : hash_set(nf);
	for (uint32_t i = 0; i < nf->info.queues && !rc && way(nf)->late; i++) {
		netfront_queue_post(&nf->queue[i], nf->conf.rx_slots);
		netfront_kick(&nf->queue[i]);
	}
	if (!rc)
		return 0;
	/* Somebody else's device is not ours to close. */
	if (rc != -EBUSY)
		front_stop(f, netfront_keys_ours, timeout);
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
	const char *const *ours = netfront_keys_ours;
	struct front *f = &nf->front;
	int rc;

	nf->reconfiguring = false;
	if (way(nf)->straight)
		rc = front_drop(f, nf->conf.timeout_ms);
	else
		rc = front_stop(f, way(nf)->keeps || way(nf)->reopens ? NULL : ours,
		                nf->conf.timeout_ms);
	queues_unshare(nf);
	if (rc || !way(nf)->reopens || f->gone)
		return rc;
	rc = front_start(f, false, false, nf->conf.timeout_ms);
	return rc ? rc : front_clear(f->xs, XST_NULL, f->dir, ours);
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

/* ---- Changes ---------------------------------------------------------------------- */

int netfront_headroom(struct netfront *nf, uint16_t bytes)
{
	struct front *f = &nf->front;
	int rc;

	if (!nf->info.headroom)
		return -EOPNOTSUPP;
	if (nf->reconfiguring || f->backend_state != XenbusStateConnected)
		return -EBUSY;
	for (uint32_t i = 0; i < nf->info.queues; i++)
		netfront_rx_headroom(&nf->queue[i].rx, bytes);
	/* In Linux's order: the backend may look before it is said. */
	rc = front_set_state(f, XenbusStateReconfiguring);
	rc = rc ? rc : xst_printf(f->xs, XST_NULL, f->dir, "xdp-headroom", "%u", bytes);
	nf->reconfiguring = !rc;
	return rc;
}

static int take_reconfigured(struct netfront *nf)
{
	if (!nf->reconfiguring || nf->front.backend_state != XenbusStateReconfigured)
		return 0;
	nf->reconfiguring = false;
	nf->reconfigured++;
	for (uint32_t i = 0; i < nf->info.queues; i++)
		netfront_rx_settled(&nf->queue[i].rx);
	return front_set_state(&nf->front, XenbusStateConnected);
}

/* ---- Waiting ---------------------------------------------------------------------- */

/* Take what the descriptors have to say: XenStore's, then those of the queues. */
static int take_events(struct netfront *nf, const struct pollfd *fd)
{
	int rc = fd->revents ? front_connected(&nf->front) : 0;

	rc = rc ? rc : take_reconfigured(nf);
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
