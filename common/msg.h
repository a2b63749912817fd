/* SPDX-License-Identifier: MIT */
/*
 * What supervisor and worker say to each other: one SOCK_SEQPACKET socket per worker, one
 * datagram per message, a fixed header, the type's payload, an optional blob that only
 * the backend's two halves understand, and file descriptors.
 *
 * The table below is the protocol. The receiver checks sender, payload size, blob and
 * descriptor count against it before anyone looks at the content; the supervisor treats a
 * breach as a broken worker, because a guest may have taken it over.
 */
#ifndef PVB_MSG_H
#define PVB_MSG_H

#include <stdint.h>

#include "compiler.h"
#include "thread_name.h"

/*
 * Spoken by both sides; a worker of another version is refused at its HELLO. HELLO and
 * ADOPT are the same in all versions, so that each side can say which one it is.
 */
#ifndef MSG_VERSION /* a test builds another one */
#define MSG_VERSION 6
#endif
#define MSG_BLOB_MAX      2048
#define MSG_FDS_MAX       16
#define MSG_UPDATE_MAX    64
/*
 * How a worker is started: "pvbackd-worker --domid N --log-level LEVEL", stdin is
 * /dev/null, log lines go to stderr, a pipe; its end of the socket is MSG_WORKER_FD. The
 * next descriptor is a socket that is bound, for it to listen on, so that another
 * supervisor can adopt it; no other is open. At end of file on its socket a worker
 * without devices exits; one with devices goes on serving until it is adopted. Without
 * that second socket it lets go of its devices and exits.
 */
#define MSG_WORKER_FD     3
#define MSG_WORKER_LISTEN 4

enum msg_side {
	MSG_SUPER,
	MSG_WORKER
};

/** struct msg_none - Types whose header says it all */
struct msg_none {
};

/**
 * struct msg_hello - First message of a worker, and of a supervisor that adopts one
 * @version:	MSG_VERSION it was built with
 * @domid:	Guest it was started for, echoed
 */
struct msg_hello {
	uint32_t version;
	uint32_t domid;
};

/**
 * struct msg_connect - Serve a device; everything that its backend needs is in the blob
 *
 * The first descriptor is the memfd of its statistics (stats.h), the others are the
 * backend's.
 * @kind:	XenStore kind, "vbd": selects the backend; NUL-terminated
 * @tag:	Name for log lines, "guest 3 vbd-51712"; NUL-terminated
 * @devid:	Its number in XenStore, for HELD
 */
struct msg_connect {
	char kind[16];
	char tag[48];
	uint32_t devid;
	uint32_t pad;
};

/**
 * struct msg_held - A device that a worker has; blob and descriptors as in CONNECT
 * @stopping:	DISCONNECT was sent: DISCONNECTED will follow
 */
struct msg_held {
	struct msg_connect what;
	uint32_t stopping;
	uint32_t pad;
};

/** struct msg_log_level - Say less or more from now on; enum log_level */
struct msg_log_level {
	uint32_t level;
};

/** struct msg_capture - What passes a device is to be seen: so many bytes of each */
struct msg_capture {
	uint32_t snaplen;
};

/**
 * struct msg_result - How it went
 * @err:	0 or a positive errno
 * @text:	What went wrong and where, for the log and the error node; NUL-terminated
 */
struct msg_result {
	int32_t err;
	char text[252];
};

/**
 * struct msg_crashed - Why a worker is about to end
 * @signal:	That ends it
 * @thread:	Name of the thread that was at it, thread_name(); NUL-terminated
 */
struct msg_crashed {
	int32_t signal;
	char thread[THREAD_NAME];
};

_Static_assert(sizeof(struct msg_hello) == 8, "no padding on the socket");
_Static_assert(sizeof(struct msg_connect) == 72, "no padding on the socket");
_Static_assert(sizeof(struct msg_held) == 80, "no padding on the socket");
_Static_assert(sizeof(struct msg_log_level) == 4, "no padding on the socket");
_Static_assert(sizeof(struct msg_capture) == 4, "no padding on the socket");
_Static_assert(sizeof(struct msg_result) == 256, "no padding on the socket");
_Static_assert(sizeof(struct msg_crashed) == 20, "no padding on the socket");

/*
 * Type, sender, payload, largest blob, most descriptors.
 *
 * A device's life in a worker: CONNECT -> CONNECTED; if that said err != 0 the worker has
 * released everything and forgotten the device. DISCONNECT -> DISCONNECTED: every request
 * taken is answered, nothing is mapped or bound, all descriptors are closed. FAILED may
 * come once while connected: the ring is not trustworthy or cannot be served any more;
 * the supervisor then disconnects, and ignores a FAILED that crosses its DISCONNECT.
 * UPDATE -> UPDATED while connected: what the blob says is so from then on. STATUS: what
 * is wrong with the device, or, with err 0, not wrong any more; it is served on. CAPTURE
 * has a socket and a memfd, and is answered on that socket (capture.h). CRASHED may come
 * at any time: nothing follows.
 *
 * A supervisor that comes later sends ADOPT, with where log lines are to go. The answer
 * is HELLO, HELD for each device, and ALL_HELD; then it goes on as with any worker.
 */
#define MSG_LIST(X)                                                          \
	X(HELLO, MSG_WORKER, struct msg_hello, 0, 0)                         \
	X(ADOPT, MSG_SUPER, struct msg_hello, 0, 1)                          \
	X(HELD, MSG_WORKER, struct msg_held, MSG_BLOB_MAX, MSG_FDS_MAX)      \
	X(ALL_HELD, MSG_WORKER, struct msg_none, 0, 0)                       \
	X(CONNECT, MSG_SUPER, struct msg_connect, MSG_BLOB_MAX, MSG_FDS_MAX) \
	X(CONNECTED, MSG_WORKER, struct msg_result, 0, 0)                    \
	X(DISCONNECT, MSG_SUPER, struct msg_none, 0, 0)                      \
	X(DISCONNECTED, MSG_WORKER, struct msg_none, 0, 0)                   \
	X(FAILED, MSG_WORKER, struct msg_result, 0, 0)                       \
	X(UPDATE, MSG_SUPER, struct msg_none, MSG_UPDATE_MAX, 0)             \
	X(UPDATED, MSG_WORKER, struct msg_none, 0, 0)                        \
	X(STATUS, MSG_WORKER, struct msg_result, 0, 0)                       \
	X(LOG_LEVEL, MSG_SUPER, struct msg_log_level, 0, 0)                  \
	X(CAPTURE, MSG_SUPER, struct msg_capture, 0, 2)                      \
	X(CRASHED, MSG_WORKER, struct msg_crashed, 0, 0)

enum msg_type {
#define X(name, from, payload, blob, fds) MSG_##name,
	MSG_LIST(X)
#undef X
	MSG_NTYPES
};

/**
 * struct msg - A message received and checked against the table
 * @dev:	Handle the supervisor chose at CONNECT, unique for the worker's life; 0 in
 * HELLO
 * @u:		Payload of @type
 * @fds:	@nfds descriptors, close-on-exec, the receiver's to close: msg_close_fds()
 */
struct msg {
	enum msg_type type;
	uint32_t dev;
	union {
		struct msg_hello hello;
		struct msg_connect connect;
		struct msg_held held;
		struct msg_result result;
		struct msg_log_level log_level;
		struct msg_capture capture;
		struct msg_crashed crashed;
	} u;
	uint32_t blob_len;
	uint32_t nfds;
	uint8_t blob[MSG_BLOB_MAX];
	int fds[MSG_FDS_MAX];
};

const char *msg_name(enum msg_type type);

/**
 * msg_send() - Send one message, without blocking
 * @from:	The side that calls; sending what the table gives to the other is a bug
 * @payload:	The type's struct, or NULL for struct msg_none
 *
 * Return: 0, -EAGAIN when the peer does not read, -EPIPE when it is gone, other -errno.
 */
int must_check msg_send(int sock, enum msg_side from, enum msg_type type, uint32_t dev,
                        const void *payload, const void *blob, size_t blob_len,
                        const int *fds, unsigned int nfds);

/**
 * msg_recv() - Receive one message
 * @from:	The side the peer is on
 *
 * Return: 1 with a message, 0 at end of file, -EAGAIN, or -EPROTO when the peer breaks
 * the protocol (nothing is leaked), other -errno.
 */
int must_check msg_recv(int sock, enum msg_side from, struct msg *m);

/** msg_take_fd() - Take the ownership of descriptor @i */
int msg_take_fd(struct msg *m, unsigned int i);
void msg_close_fds(struct msg *m);

#endif
