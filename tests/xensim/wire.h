/* SPDX-License-Identifier: MIT */
/*
 * What a simulated process and the broker say to each other: one SOCK_SEQPACKET message
 * each way, in turns; a request is struct wire_req and an array of uint32_t, an answer
 * struct wire_rep, an array, and file descriptors.
 */
#ifndef XENSIM_WIRE_H
#define XENSIM_WIRE_H

#include <stdint.h>

#define WIRE_VERSION 1u
#define WIRE_SOCKET  "broker"
#define WIRE_MAX_TAIL \
	32768u /* uint32_t in a message; the socket's buffer takes no more */
#define WIRE_MAX_REFS (WIRE_MAX_TAIL / 2)
#define WIRE_MAX_FDS  250u /* SCM_MAX_FD is 253 */
#define WIRE_NAME     32u
#define WIRE_TEXT     160u

enum handle_kind {
	HANDLE_EVTCHN,
	HANDLE_GNTTAB,
	HANDLE_GNTSHR,
	HANDLE_CALL,
	HANDLE_FMEM,
	HANDLE_LIFE, /* a domain lives as long as somebody holds it */
	HANDLE_KINDS
};

/*
 * What each request takes and, after the arrow, what its answer holds: members of the two
 * structs below, then "tail" for the array and "fd" for descriptors.
 */
enum wire_op {
	/* domid, hello, text: program -> fd of struct shm_host */
	OP_HELLO,
	/* domid, open.kind -> value: handle, value2: copy slot, fd */
	OP_OPEN,
	/* open.kind, open.ino -> value: handle, value2: domid */
	OP_ADOPT,
	/* handle: release it if it is closed everywhere */
	OP_CLOSE,
	/* handle, domid */
	OP_RESTRICT,
	/* domid -> value2: pages, fd */
	OP_DOMAIN_FD,

	/* handle of the reader -> fd to write to */
	OP_QUEUE_FD,
	/* domid, port: queue an event that is claimed */
	OP_QUEUE,
	/* handle, domid -> value: port */
	OP_BIND_UNBOUND,
	/* handle, domid, port -> value: port */
	OP_BIND_INTERDOMAIN,
	/* handle, port: the VIRQ -> value: port */
	OP_BIND_VIRQ,
	/* handle, port */
	OP_UNBIND,
	/* handle, domid, port: remote domid -> value: port */
	OP_PORT_ALLOC,
	/* handle, domid, port -> value: EVTCHNSTAT_*, value2: as port_pack() */
	OP_PORT_STATUS,

	/* handle, domid, count, grant -> value: track, tail: refs, frames; fd */
	OP_SHARE,
	/* handle, track */
	OP_UNSHARE,
	/* handle, count, grant, tail: domids, refs
	 * -> value: track, tail: frames, index in fds; fds */
	OP_MAP,
	/* handle, track */
	OP_UNMAP,
	/* handle, domid, grant.writable -> value: pages, fd */
	OP_FOREIGN,

	/* domid, count: pages, text: name -> value: handle, value2: gen, fd */
	OP_CREATE,
	/* handle, domid */
	OP_DESTROY,
	/* handle, domid, count: SHUTDOWN_* */
	OP_SHUTDOWN,
	/* handle, domid: first, count: most -> value: count, tail: struct wire_domain */
	OP_INFO,
	/* handle, domid, param -> value2 */
	OP_PARAM,

	/* domid, text: fault, or fault \n program; "" forgets all */
	OP_FAULT,
	/* domid, fault.kind, text: point -> value: enum fault_action, value2: its value
	 */
	OP_FAULT_HIT,
	/* count: enum status_form -> value: 1 if something leaks, fd of a text */
	OP_STATUS,
	/* end all processes that are connected, then the broker; no answer */
	OP_POWEROFF,
	OP_COUNT
};

enum status_form {
	STATUS_TABLE,
	STATUS_JSON,
	STATUS_LEAKS
};

/**
 * struct wire_req - A request
 * @op:		enum wire_op
 * @handle:	The handle it is made through; 0 for the operator of the host
 */
struct wire_req {
	uint32_t op;
	uint32_t handle;
	uint32_t domid;
	uint32_t count;
	union {
		struct {
			uint32_t version;
			uint32_t gen;
		} hello;
		struct {
			uint64_t ino;
			uint32_t kind;
			uint32_t pad;
		} open;
		struct {
			uint32_t port;
		};
		struct {
			uint32_t track;
		};
		struct {
			uint32_t writable;
			uint32_t notify_off;  /* >= SIM_PAGE_SIZE: none */
			uint32_t notify_port; /* UINT32_MAX: none */
		} grant;
		struct {
			uint64_t value;
			uint32_t index;
			uint32_t set;
		} param;
		struct {
			uint32_t kind;
		} fault;
	};
	char text[WIRE_TEXT];
};
_Static_assert(sizeof(struct wire_req) == 32 + WIRE_TEXT,
               "no hidden padding on the socket");

/**
 * struct wire_rep - An answer
 * @err:	0 or -errno
 * @count:	uint32_t that follow
 */
struct wire_rep {
	int32_t err;
	uint32_t count;
	uint32_t value;
	uint32_t pad;
	uint64_t value2;
};
_Static_assert(sizeof(struct wire_rep) == 24, "no hidden padding on the socket");

#define DOM_DYING    1u
#define DOM_SHUTDOWN 2u

/**
 * struct wire_domain - A domain as the toolstack sees it; a multiple of uint32_t
 * @mapped:	Pages of it that others have mapped: they keep a dying domain
 * @gen:	Tells it from earlier domains of the same number
 * @keeper:	The process that holds its lifeline, 0 if none does
 */
struct wire_domain {
	uint32_t domid;
	uint32_t flags;
	uint32_t reason;
	uint32_t pages;
	uint32_t max_pages;
	uint32_t mapped;
	uint32_t gen;
	int32_t keeper;
	uint8_t uuid[16];
	char name[WIRE_NAME];
};
_Static_assert(sizeof(struct wire_domain) == 80, "no hidden padding on the socket");

#endif
