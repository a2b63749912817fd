/* SPDX-License-Identifier: MIT */
#include "netfront_ctrl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "front_ring.h"
#include "log.h"

/* Requests that fit one page. */
#define RING_SLOTS 128U

_Static_assert(__CONST_RING_SIZE(xen_netif_ctrl, XEN_PAGE) == RING_SLOTS, "ring size");

static int page_share(struct netfront_ctrl *c, uint32_t *ref, void **out)
{
	int rc = front_chan_share(&c->chan, 1, true, ref, out);

	if (rc)
		log_err(c->tag, "cannot grant a page of the control ring: %s",
		        strerror(-rc));
	return rc;
}

int netfront_ctrl_open(struct netfront_ctrl *c, uint32_t backend, const char *tag)
{
	xen_netif_ctrl_sring_t *sring;
	int rc;

	*c = (struct netfront_ctrl){ .tag = tag };
	rc = front_chan_open(&c->chan, backend, tag);
	rc = rc ? rc : page_share(c, &c->ref, &c->page);
	rc = rc ? rc : page_share(c, &c->data_ref, &c->data);
	if (rc)
		return rc;
	sring = c->page;
	SHARED_RING_INIT(sring);
	c->front.nr_ents = RING_SLOTS;
	c->front.sring = sring;
	return 0;
}

void netfront_ctrl_close(struct netfront_ctrl *c)
{
	front_chan_unshare(&c->chan, c->page, 1);
	front_chan_unshare(&c->chan, c->data, 1);
	front_chan_close(&c->chan);
	*c = (struct netfront_ctrl){ 0 };
}

/* Return: 0, or -errno. */
static int await_answer(struct netfront_ctrl *c, int timeout_ms)
{
	struct pollfd fd = { .fd = front_chan_fd(&c->chan), .events = POLLIN };
	unsigned int waiting;
	int rc = 0;

	for (;;) {
		RING_FINAL_CHECK_FOR_RESPONSES(&c->front, waiting);
		if (waiting || rc)
			return rc;
		rc = poll(&fd, 1, timeout_ms);
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc == 0)
			return -ETIMEDOUT;
		rc = rc > 0 ? front_chan_event(&c->chan) : 0;
	}
}

/* Return: 0 and @rsp, or -errno, logged. */
static int take_answer(struct netfront_ctrl *c, const struct xen_netif_ctrl_request *req,
                       struct xen_netif_ctrl_response *rsp)
{
	uint32_t prod = __atomic_load_n(&c->front.sring->rsp_prod, __ATOMIC_ACQUIRE);

	memcpy(rsp, RING_GET_RESPONSE(&c->front, c->front.rsp_cons), sizeof(*rsp));
	if (prod - c->front.rsp_cons == 1 && rsp->id == req->id &&
	    rsp->type == req->type) {
		c->front.rsp_cons++;
		return 0;
	}
	log_err(c->tag, "the backend's answers to control request %u are wrong", req->id);
	return -EPROTO;
}

static int ask(struct netfront_ctrl *c, uint16_t type, uint32_t a, uint32_t b, uint32_t d,
               int timeout_ms)
{
	struct xen_netif_ctrl_request req = { .id = ++c->id,
		                              .type = type,
		                              .data = { a, b, d } };
	struct xen_netif_ctrl_response rsp;
	int rc = 0;

	*RING_GET_REQUEST(&c->front, c->front.req_prod_pvt) = req;
	c->front.req_prod_pvt++;
	if (front_ring_push(c))
		rc = front_chan_notify(&c->chan);
	rc = rc ? rc : await_answer(c, timeout_ms);
	if (rc) {
		log_err(c->tag, "no answer to a control request of type %u: %s", type,
		        strerror(-rc));
		return rc;
	}
	rc = take_answer(c, &req, &rsp);
	if (rc || rsp.status == XEN_NETIF_CTRL_STATUS_SUCCESS)
		return rc;
	log_err(c->tag, "the backend refuses a control request of type %u: status %u",
	        type, rsp.status);
	return -EPROTO;
}

/* The requests, in the order of XCP-ng's win-xenvif. */
int netfront_ctrl_hash(struct netfront_ctrl *c, const struct netfront_hash *h,
                       int timeout_ms)
{
	int rc = ask(c, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
	             h ? XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
	               : XEN_NETIF_CTRL_HASH_ALGORITHM_NONE,
	             0, 0, timeout_ms);

	if (rc || !h)
		return rc;
	rc = ask(c, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, h->size, 0, 0, timeout_ms);
	memcpy(c->data, h->to, sizeof(h->to));
	rc = rc ? rc
	        : ask(c, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, c->data_ref, h->size, 0,
	              timeout_ms);
	memcpy(c->data, h->key, sizeof(h->key));
	rc = rc ? rc
	        : ask(c, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, c->data_ref, sizeof(h->key), 0,
	              timeout_ms);
	return rc ? rc
	          : ask(c, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, h->types, 0, 0,
	                timeout_ms);
}
