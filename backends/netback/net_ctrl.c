/* SPDX-License-Identifier: MIT */
#include "net_ctrl.h"

#include <string.h>

#define OKAY     XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_SUP  XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define INVALID  XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define OVERFLOW XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW

bool net_ctrl_known(uint16_t type)
{
	return type > XEN_NETIF_CTRL_TYPE_INVALID &&
	       type <= XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING;
}

static uint32_t set_algorithm(struct net_hash_conf *c, uint32_t algorithm)
{
	if (algorithm > XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return INVALID;
	c->algorithm = algorithm;
	return OKAY;
}

static uint32_t set_types(struct net_hash_conf *c, uint32_t types)
{
	if (c->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE ||
	    types & ~(uint32_t)NET_HASH_TYPES)
		return INVALID;
	c->types = types;
	return OKAY;
}

static uint32_t set_size(struct net_hash_conf *c, uint32_t size)
{
	if (size > NET_HASH_MAP)
		return INVALID;
	c->size = size;
	memset(c->to, 0, sizeof(c->to));
	return OKAY;
}

/* A key of no bytes is one: all zeros. */
static uint32_t ask_key(struct net_hash_conf *c, uint32_t len)
{
	if (len > NET_HASH_KEY)
		return OVERFLOW;
	if (!len)
		memset(c->key, 0, sizeof(c->key));
	return OKAY;
}

/* @len entries from entry @first on: neither may wrap the other around. */
static uint32_t ask_map(const struct net_hash_conf *c, uint32_t len, uint32_t first)
{
	if (len > NET_HASH_MAP)
		return OVERFLOW;
	return len > c->size || first > c->size - len ? INVALID : OKAY;
}

uint32_t net_ctrl_ask(const struct xen_netif_ctrl_request *req, struct net_hash_conf *c,
                      struct xen_netif_ctrl_response *rsp)
{
	*rsp = (struct xen_netif_ctrl_response){ .id = req->id, .type = req->type };
	switch (req->type) {
	case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
		if (c->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE)
			rsp->status = NOT_SUP;
		else
			rsp->data = NET_HASH_TYPES;
		return 0;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
		rsp->status = set_types(c, req->data[0]);
		return 0;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
		rsp->status = ask_key(c, req->data[1]);
		return rsp->status == OKAY ? req->data[1] : 0;
	case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
		rsp->data = NET_HASH_MAP;
		return 0;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
		rsp->status = set_size(c, req->data[0]);
		return 0;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
		rsp->status = ask_map(c, req->data[1], req->data[2]);
		return rsp->status == OKAY ? req->data[1] * 4 : 0;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
		rsp->status = set_algorithm(c, req->data[0]);
		return 0;
	default: /* data grants are never kept mapped */
		rsp->status = NOT_SUP;
		return 0;
	}
}

static uint32_t take_map(struct net_hash_conf *c, const uint8_t *data, uint32_t len,
                         uint32_t first, uint32_t nqueues)
{
	struct net_hash_conf to = *c;

	for (uint32_t i = 0; i < len; i++) {
		uint32_t queue;

		memcpy(&queue, data + (size_t)i * 4, sizeof(queue));
		if (queue >= nqueues)
			return INVALID;
		to.to[first + i] = (uint8_t)queue;
	}
	*c = to;
	return OKAY;
}

void net_ctrl_copied(const struct xen_netif_ctrl_request *req, const uint8_t *data,
                     uint32_t nqueues, struct net_hash_conf *c,
                     struct xen_netif_ctrl_response *rsp)
{
	if (!data) {
		rsp->status = INVALID;
		return;
	}
	if (req->type == XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING) {
		rsp->status = take_map(c, data, req->data[1], req->data[2], nqueues);
		return;
	}
	memset(c->key, 0, sizeof(c->key));
	memcpy(c->key, data, req->data[1]);
}
