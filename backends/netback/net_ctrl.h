/* SPDX-License-Identifier: MIT */
/*
 * What a guest asks for on its control ring, judged. Pure: no I/O, no pointer into shared
 * memory.
 *
 * A request that brings a key or a mapping names a grant. What is there is copied first,
 * and only the copy is judged and used: the guest may change the page at any time
 * (XSA-270). What is refused changes nothing.
 */
#ifndef PVB_NET_CTRL_H
#define PVB_NET_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "net_hash.h"
#include "xenabi.h"

/* Most bytes that a request has copied: a mapping. */
#define NET_CTRL_COPY 512U

_Static_assert(NET_CTRL_COPY == NET_HASH_MAP * sizeof(uint32_t), "a mapping");

/**
 * net_ctrl_ask() - Judge a request
 * @req:	Private copy
 * @c:		What is in effect; changed if that is all that is asked for
 * @rsp:	The answer, complete unless something is to be copied
 *
 * Return: bytes to copy from the beginning of the grant data[0], for net_ctrl_copied(); 0
 * if there is nothing to copy.
 */
uint32_t must_check net_ctrl_ask(const struct xen_netif_ctrl_request *req,
                                 struct net_hash_conf *c,
                                 struct xen_netif_ctrl_response *rsp);

/**
 * net_ctrl_copied() - Judge what was copied
 * @data:	As many bytes as net_ctrl_ask() wanted; NULL: they could not be had
 */
void net_ctrl_copied(const struct xen_netif_ctrl_request *req, const uint8_t *data,
                     uint32_t nqueues, struct net_hash_conf *c,
                     struct xen_netif_ctrl_response *rsp);

/** net_ctrl_known() - There is such a request in netif.h */
bool net_ctrl_known(uint16_t type);

#endif
