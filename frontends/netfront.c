/* SPDX-License-Identifier: MIT */
#include "netfront.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "front_chan.h"
#include "log.h"

/**
 * struct netfront - A device
 * @chan:	Of the transmit ring and of all pages; of the receive ring, if it has one
 * @ring:	The two ring pages, or NULL while not connected
 * @tx_buf:	A page for each id of the transmit ring
 * @rx_buf:	The same for the receive ring
 * @error:	0, or why it is disabled
 */
struct netfront {
	struct front front;
	struct front_chan chan[2];
	struct netfront_conf conf;
	struct netfront_info info;
	struct netfront_tx tx;
	struct netfront_rx rx;
	uint8_t *ring, *tx_buf, *rx_buf;
	uint32_t ring_ref[2];
	uint32_t tx_ref[NETFRONT_RING], rx_ref[NETFRONT_RING];
	int error;
	struct netfront_stats stats;
};

/* Keys that mean one connection. */
static bool key_ours(const char *key)
{
	static const char *const names[] = {
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
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

const struct netfront_info *netfront_info(const struct netfront *nf)
{
	return &nf->info;
}

const char *netfront_tag(const struct netfront *nf)
{
	return nf->front.tag;
}

struct netfront_stats netfront_stats(const struct netfront *nf)
{
	struct netfront_stats s = nf->stats;

	s.tx_errors += nf->tx.errors;
	for (int i = 0; i < 2; i++) {
		s.notifies += nf->chan[i].sent;
		s.events += nf->chan[i].received;
	}
	return s;
}

/* ---- Connecting and closing ----------------------------------------------------------
 */

static struct front_chan *rx_chan(struct netfront *nf)
{
	return &nf->chan[nf->info.split];
}

static int key_write(struct netfront *nf, struct xst *xs, xst_t t, const char *key,
                     uint32_t value)
{
	return xst_printf(xs, t, nf->front.dir, key, "%u", value);
}

static int keys_write(struct xst *xs, xst_t t, void *arg)
{
	struct netfront *nf = arg;
	const struct netfront_conf *c = &nf->conf;
	bool split = nf->info.split;
	const struct {
		const char *key;
		uint32_t value;
	} key[] = {
		{ "tx-ring-ref", nf->ring_ref[0] },
		{ "rx-ring-ref", nf->ring_ref[1] },
		{ split ? "event-channel-tx" : "event-channel", nf->chan[0].port },
		{ split ? "event-channel-rx" : "event-channel", rx_chan(nf)->port },
		{ "request-rx-copy", 1 },
		{ "feature-sg", c->sg },
		{ "feature-gso-tcpv4", c->gso },
		{ "feature-gso-tcpv6", c->gso },
		{ "feature-ipv6-csum-offload", c->csum },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(key) && !rc; i++)
		rc = key_write(nf, xs, t, key[i].key, key[i].value);
	if (!rc && c->rx_notify)
		rc = key_write(nf, xs, t, "feature-rx-notify", 1);
	if (!rc && !c->csum)
		rc = key_write(nf, xs, t, "feature-no-csum-offload", 1);
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
	nf->info.split = nf->conf.split && offered(nf, "feature-split-event-channels");
	/* It is the toolstack's, which leaves it out if it has nothing to say. */
	if (xst_read_u32(f->xs, XST_NULL, 65535, &nf->info.mtu, "%s/mtu", f->dir))
		nf->info.mtu = 0;
	return 0;
}

static int share(struct netfront *nf, unsigned int n, bool writable, uint32_t *refs,
                 uint8_t **out)
{
	void *p = NULL;
	int rc = front_chan_share(&nf->chan[0], n, writable, refs, &p);

	if (rc)
		log_err(nf->front.tag, "cannot grant %u pages: %s", n, strerror(-rc));
	*out = p;
	return rc;
}

static int rings_share(struct netfront *nf)
{
	uint32_t backend = nf->front.backend_id;
	int rc = front_chan_open(&nf->chan[0], backend, nf->front.tag);

	if (!rc && nf->info.split)
		rc = front_chan_open(&nf->chan[1], backend, nf->front.tag);
	rc = rc ? rc : share(nf, 2, true, nf->ring_ref, &nf->ring);
	rc = rc ? rc : share(nf, NETFRONT_RING, false, nf->tx_ref, &nf->tx_buf);
	rc = rc ? rc : share(nf, NETFRONT_RING, true, nf->rx_ref, &nf->rx_buf);
	if (rc)
		return rc;
	netfront_tx_init(&nf->tx, nf->ring);
	netfront_rx_init(&nf->rx, nf->ring + XEN_PAGE);
	for (unsigned int i = 0; i < nf->conf.rx_slots; i++)
		netfront_rx_post(&nf->rx, nf->rx_ref);
	netfront_rx_push(&nf->rx);
	return 0;
}

static void unshare_all(struct netfront *nf)
{
	nf->stats = netfront_stats(nf);
	nf->tx.errors = 0;
	front_chan_unshare(&nf->chan[0], nf->ring, 2);
	front_chan_unshare(&nf->chan[0], nf->tx_buf, NETFRONT_RING);
	front_chan_unshare(&nf->chan[0], nf->rx_buf, NETFRONT_RING);
	nf->ring = nf->tx_buf = nf->rx_buf = NULL;
	for (int i = 0; i < 2; i++) {
		front_chan_close(&nf->chan[i]);
		nf->chan[i] = (struct front_chan){ 0 };
	}
}

static int netfront_connect(struct netfront *nf)
{
	struct front *f = &nf->front;
	int rc = front_start(f, nf->conf.reset, false, nf->conf.timeout_ms);

	nf->error = 0;
	rc = rc ? rc : info_read(nf);
	rc = rc ? rc : rings_share(nf);
	rc = rc ? rc : front_publish(f, XenbusStateConnected, keys_write, nf);
	rc = rc ? rc : front_await(f, nf->conf.timeout_ms);
	if (!rc)
		return 0;
	nf->error = rc;
	/* Somebody else's device is not ours to close. */
	if (rc != -EBUSY)
		front_stop(f, key_ours, nf->conf.timeout_ms);
	unshare_all(nf);
	return rc;
}

int netfront_open(struct netfront **out, uint32_t devid, const struct netfront_conf *conf)
{
	struct netfront *nf = calloc(1, sizeof(*nf));
	int rc;

	assert(conf->rx_slots <= NETFRONT_RING);
	if (!nf)
		return -ENOMEM;
	nf->conf = *conf;
	rc = front_open(&nf->front, "vif", devid, conf->wake_fd);
	rc = rc ? rc : netfront_connect(nf);
	if (rc) {
		front_close(&nf->front);
		free(nf);
		return rc;
	}
	*out = nf;
	return 0;
}

static int netfront_disconnect(struct netfront *nf)
{
	int rc = front_stop(&nf->front, key_ours, nf->conf.timeout_ms);

	unshare_all(nf);
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
	front_close(&nf->front);
	free(nf);
	return rc;
}

static int netfront_disable(struct netfront *nf, int error, const char *why)
{
	log_err(nf->front.tag, "%s%sdisabled for further use", why, *why ? ": " : "");
	nf->error = error;
	return error;
}

/* ---- Frames --------------------------------------------------------------------------
 */

static int netfront_reap(struct netfront *nf)
{
	char why[256];

	if (nf->error || netfront_tx_reap(&nf->tx, why, sizeof(why)) == 0)
		return nf->error;
	return netfront_disable(nf, -EPROTO, why);
}

uint32_t netfront_room(struct netfront *nf)
{
	return netfront_reap(nf) ? 0 : netfront_tx_room(&nf->tx);
}

bool netfront_sent(const struct netfront *nf)
{
	return nf->tx.nfree == NETFRONT_RING;
}

static void send_slot(struct netfront *nf, const void *data,
                      const struct netfront_cut *at, uint32_t size, unsigned int flags)
{
	uint16_t id = netfront_tx_id(&nf->tx);
	struct netif_tx_request req = { .gref = nf->tx_ref[id],
		                        .offset = at->off,
		                        .flags = (uint16_t)flags,
		                        .id = id,
		                        .size = (uint16_t)size };

	memcpy(nf->tx_buf + (size_t)id * XEN_PAGE + at->off, data, at->len);
	netfront_tx_put(&nf->tx, &req);
}

static unsigned int meta_flags(const struct netfront_meta *m)
{
	return (m->csum_blank ? NETTXF_csum_blank | NETTXF_data_validated : 0U) |
	       (m->validated ? NETTXF_data_validated : 0U) |
	       (m->gso_type ? NETTXF_extra_info : 0U);
}

/* The last of several extras of a type is the one that counts. */
static void send_extras(struct netfront *nf, const struct netfront_meta *m, bool twice)
{
	struct netif_extra_info x = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		                      .flags = XEN_NETIF_EXTRA_FLAG_MORE,
		                      .u.gso = { .size = 8, .type = m->gso_type } };

	if (twice)
		netfront_tx_put_extra(&nf->tx, &x);
	x.flags = 0;
	x.u.gso.size = m->gso_size;
	netfront_tx_put_extra(&nf->tx, &x);
}

void netfront_lay(struct netfront_layout *l, uint32_t len, uint32_t first)
{
	uint32_t part = first && first < len ? first : len < XEN_PAGE ? len : XEN_PAGE;

	l->n = 0;
	l->twice = false;
	do {
		l->cut[l->n++] = (struct netfront_cut){ 0, (uint16_t)part };
		len -= part;
		part = len < XEN_PAGE ? len : XEN_PAGE;
	} while (len);
}

int netfront_send(struct netfront *nf, const struct netfront_meta *m, const void *frame,
                  uint32_t len, const struct netfront_layout *layout)
{
	struct netfront_layout plain;
	const uint8_t *p = frame;
	uint32_t extras = m->gso_type ? 1U : 0U;

	assert(len && len <= UINT16_MAX);
	if (!layout) {
		netfront_lay(&plain, len, 0);
		layout = &plain;
	}
	extras += extras && layout->twice;
	if (netfront_reap(nf))
		return nf->error;
	if (netfront_tx_room(&nf->tx) < layout->n + extras)
		return -EAGAIN;
	for (uint32_t i = 0; i < layout->n; i++) {
		const struct netfront_cut *at = &layout->cut[i];
		unsigned int more = i + 1 < layout->n ? NETTXF_more_data : 0;

		send_slot(nf, p, at, i ? at->len : len, more | (i ? 0 : meta_flags(m)));
		if (!i && extras)
			send_extras(nf, m, extras > 1);
		p += at->len;
	}
	assert(p == (const uint8_t *)frame + len);
	nf->stats.tx_frames++;
	return 0;
}

/* Copy the frame out, give its slots back. */
static bool frame_take(struct netfront *nf, const struct netfront_frame *f, uint8_t *out)
{
	bool good = !f->bad && f->len <= NETFRONT_FRAME_MAX;

	for (uint32_t i = 0; i < f->nparts && good; i++) {
		const struct netfront_part *p = &f->part[i];

		memcpy(out, nf->rx_buf + (size_t)p->id * XEN_PAGE + p->off, p->len);
		out += p->len;
	}
	for (uint32_t i = 0; i < f->slots; i++)
		netfront_rx_post(&nf->rx, nf->rx_ref);
	if (good)
		nf->stats.rx_frames++;
	else
		nf->stats.rx_errors++;
	return good;
}

int netfront_recv(struct netfront *nf, struct netfront_meta *m, void *frame)
{
	struct netfront_frame f;
	char why[256];
	int rc;

	if (nf->error)
		return nf->error;
	while ((rc = netfront_rx_take(&nf->rx, &f, why, sizeof(why))) == 1)
		if (frame_take(nf, &f, frame)) {
			*m = f.meta;
			return (int)f.len;
		}
	return rc ? netfront_disable(nf, rc, why) : 0;
}

static void chan_notify(struct netfront *nf, struct front_chan *c)
{
	int rc = front_chan_notify(c);

	if (rc)
		netfront_disable(nf, rc, strerror(-rc));
}

void netfront_kick(struct netfront *nf)
{
	bool tx, rx;

	if (nf->error)
		return;
	tx = netfront_tx_push(&nf->tx);
	rx = netfront_rx_push(&nf->rx) && nf->conf.rx_notify;
	if (tx || (rx && !nf->info.split))
		chan_notify(nf, &nf->chan[0]);
	if (rx && nf->info.split && !nf->error)
		chan_notify(nf, &nf->chan[1]);
}

/* Take what the descriptors have to say. */
static int take_events(struct netfront *nf, const struct pollfd *fd)
{
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++)
		if (fd[i].revents)
			rc = front_chan_event(&nf->chan[i]);
	if (rc)
		return netfront_disable(nf, rc, "its event channel fails");
	if (fd[2].revents)
		rc = front_connected(&nf->front);
	return rc ? netfront_disable(nf, rc, "") : 0;
}

int netfront_wait(struct netfront *nf, struct pollfd *extra, int timeout_ms)
{
	struct pollfd fd[5];
	int n;

	if (nf->error)
		return nf->error;
	if (netfront_rx_arm(&nf->rx) || netfront_tx_arm(&nf->tx))
		timeout_ms = 0;
	fd[0] = (struct pollfd){ .fd = front_chan_fd(&nf->chan[0]), .events = POLLIN };
	fd[1] = (struct pollfd){ .fd = nf->info.split ? front_chan_fd(&nf->chan[1]) : -1,
		                 .events = POLLIN };
	fd[2] = (struct pollfd){ .fd = front_fd(&nf->front), .events = POLLIN };
	fd[3] = (struct pollfd){ .fd = nf->conf.wake_fd, .events = POLLIN };
	fd[4] = *extra;
	n = poll(fd, ARRAY_SIZE(fd), timeout_ms);
	extra->revents = n > 0 ? fd[4].revents : 0;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return timeout_ms ? -ETIMEDOUT : 0;
	n = take_events(nf, fd);
	return n ? n : fd[3].revents != 0;
}
