/* SPDX-License-Identifier: MIT */
/*
 * Event channels: one handle with one port, bound to one guest. The only user of
 * libxenevtchn on the backends' side.
 */
#ifndef PVB_EVT_H
#define PVB_EVT_H

#include <stdint.h>

#include "compiler.h"

struct evt;

/**
 * evt_open() - Open /dev/xen/evtchn, restricted by the kernel to ports of one guest
 *
 * Domain 0 as a guest cannot be restricted to.
 */
int must_check evt_open(uint32_t domid, struct evt **out);

/** evt_close() - Unbind the port, close the handle; NULL is accepted */
void evt_close(struct evt *e);

/**
 * evt_bind() - Bind to the port the guest offers; once per handle
 *
 * The first event comes at once: notifications sent before are not lost.
 */
int must_check evt_bind(struct evt *e, uint32_t remote_port);

/** evt_fd() - Readable when an event is pending */
int evt_fd(const struct evt *e);

/**
 * evt_take() - Take the event and leave the port masked; only when evt_fd() is readable
 *
 * Return: 0, or -errno when the handle is of no use any more.
 */
int must_check evt_take(struct evt *e);

/** evt_unmask() - Let the next event through; one that came meanwhile comes now */
void evt_unmask(struct evt *e);

/** evt_notify() - Send an event. One to a port that the guest has closed is dropped. */
void evt_notify(struct evt *e);

#endif
