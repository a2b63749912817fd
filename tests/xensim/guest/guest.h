/* SPDX-License-Identifier: MIT */
/*
 * Inside xensim-guest, which is a guest's kernel and the toolstack that started it.
 *
 *   program --unix socket--> mux.c --bytes--> ring.c --XenStore ring--> xenstored
 *
 * It stays in domain 0's process group of tags, so that it survives its guest's death and
 * can clear XenStore, as the toolstack's monitor does.
 */
#ifndef XENSIM_GUEST_H
#define XENSIM_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenevtchn.h>

/** struct buf - Bytes that wait to be sent */
struct buf {
	char *data;
	size_t len;
	size_t size;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_drop(struct buf *buf, size_t len);
void buf_free(struct buf *buf);

/** guest_die() - Say what failed and end, and with it the domain */
__attribute__((noreturn, format(printf, 1, 2))) void guest_die(const char *fmt, ...);

/* ---- ring.c: the guest's end of its XenStore ring ---- */
struct xenstore_domain_interface;

struct ring {
	struct xenstore_domain_interface *page;
	xenevtchn_handle *xce;
	evtchn_port_t port;
	struct buf out; /* requests that did not fit */
	struct buf in;  /* less than a whole answer */
};

/** ring_send() - Queue bytes for xenstored */
void ring_send(struct ring *ring, const void *data, size_t len);

/** ring_move() - Move what can be moved both ways; tell xenstored if anything was */
void ring_move(struct ring *ring);

/* ---- mux.c: many programs on one ring, as xenbus_dev_frontend does it ---- */
struct mux;

struct mux *mux_new(struct ring *ring, const char *path);

/** mux_nfds() - Descriptors that mux_fds() fills */
struct pollfd;
size_t mux_nfds(const struct mux *mux);
void mux_fds(struct mux *mux, struct pollfd *fds);
void mux_ready(struct mux *mux, const struct pollfd *fds, size_t n);

/** mux_answers() - Route what has arrived on the ring to the programs */
void mux_answers(struct mux *mux);

/* ---- console.c ---- */
struct xencons_interface;

/** struct console - Unused while @page is NULL */
struct console {
	struct xencons_interface *page;
	xenevtchn_handle *xce;
	evtchn_port_t port;
	int in, out;
	int program_in, program_out;
	struct buf backlog;
};

void console_init(struct console *con);

/** console_program(), console_started() - In the program's process, and in this one after
 */
void console_program(const struct console *con);
void console_started(struct console *con);

/** console_move() - Move what can be moved; Return: true if the daemon has not read all
 */
bool console_move(struct console *con);

/** console_fd() - What to wait for beside the port */
void console_fd(const struct console *con, struct pollfd *fd);

/* ---- toolstack.c ---- */
struct guest {
	uint32_t domid;
	uint32_t gen;
	uint32_t pages;
	const char *name;
	uint8_t uuid[16];
	evtchn_port_t store_port;
	evtchn_port_t console_port;
};

/** toolstack_introduce() - Write what libxl writes for a domain with no devices */
void toolstack_introduce(const struct guest *guest);

/** toolstack_forget() - Remove a dead domain's nodes */
void toolstack_forget(const struct guest *guest);

#endif
