/* SPDX-License-Identifier: MIT */
/*
 * The contract that every backend meets.
 *
 * A backend is a folder with two halves that share nothing but a blob of plain data: the
 * supervisor half (files *_super.c, linked into pvbackd) speaks XenStore and opens
 * things; the worker half (the rest, linked into pvbackd-worker) serves the rings of one
 * guest with the descriptors it is handed. backends.def lists the backends. A new one
 * needs no edit in supervisor/, worker/ or common/.
 */
#ifndef PVB_BACKEND_H
#define PVB_BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "log.h"
#include "msg.h"
#include "stats.h"
#include "xs.h"

/* ---- Supervisor half ------------------------------------------------------------- */

/**
 * struct bdev - A device as the supervisor half of its backend sees it
 * @domid:	The guest, from our own directory's path, never from a key
 * @devid:	Device number in that path
 * @tag:	"guest 3 vbd-51712", for log lines
 * @path:	Our directory, "/local/domain/0/backend/vbd/3/51712"
 * @front:	The frontend's, "/local/domain/3/device/vbd/51712": written by the guest,
 *		so nothing that has a meaning on the host is read from it
 * @xs:		XenStore; do not keep it between calls
 * @limit:	Allowance of log lines about the device: a guest can have it closed and
 *		opened at will
 * @touched:	In update(): something in our directory has changed, or in the frontend's
 *		if the backend has live_front; else a second passed
 * @ailing:	Its worker has said that something is wrong, and not that it is right
 *		again
 * @again:	In update(), while it is ailing: an administrator says that what was wrong
 *		is right again. The backend takes it back when it has heeded it.
 * @held:	In probe(): what a worker that outlived another pvbackd was told of it,
 *		as for adopt(); else NULL
 * @priv:	The backend's own; allocated in probe(), freed in release()
 */
struct bdev_conf;
struct bdev {
	uint32_t domid;
	uint32_t devid;
	const char *tag;
	const char *path;
	const char *front;
	struct xst *xs;
	struct log_limit *limit;
	bool touched;
	bool ailing;
	bool again;
	const struct bdev_conf *held;
	void *priv;
};

/* Descriptors of CONNECT but the first, which is that of the statistics. */
#define BDEV_FDS_MAX  (MSG_FDS_MAX - 1)
#define BDEV_NAME_MAX 24

/**
 * struct bdev_conf - What a worker is to be told: blob and descriptors of CONNECT
 * @once:	A bit for each descriptor that is the worker's alone: closed when it was
 *		told. The others stay the backend's until release() or close().
 * @nqueues:	Queues that will be served; 0 is taken for 1
 */
struct bdev_conf {
	uint8_t blob[MSG_BLOB_MAX];
	size_t len;
	int fds[BDEV_FDS_MAX];
	unsigned int nfds;
	unsigned int once;
	unsigned int nqueues;
};

/**
 * struct bdev_op - Something that a device does, as a row of statistics
 * @name:	"read"
 * @count:	Counter of how often
 * @bytes:	Counter of how much, or NULL
 * @hist:	Histogram of how long, or NULL
 */
struct bdev_op {
	const char *name, *count, *bytes, *hist;
};

/**
 * struct bdev_stats - What a kind of device counts
 * @table:	All of it, for each queue; counters "requests", "answers" and "notifies"
 *		are known to pvbackctl, which shows what is in flight
 * @op:		Rows to show, @nops
 * @loss:	Counters of what was not done, and why, @nlosses; shown when they grow
 */
struct bdev_stats {
	const struct stats_table *table;
	const struct bdev_op *op;
	unsigned int nops;
	const char *const *loss;
	unsigned int nlosses;
};

/**
 * bdev_fact(), bdev_fact_num(), bdev_fact_bool() - Say something about a device to an
 * administrator, in describe()
 * @key:	Lower case, digits and -. What it serves is its "image" or "interface",
 *		its "mode" is r or w: these are shown in lists.
 */
struct bdev_facts;
void bdev_fact(struct bdev_facts *f, const char *key, const char *fmt, ...)
	printf_like(3, 4);
void bdev_fact_num(struct bdev_facts *f, const char *key, uint64_t value);
void bdev_fact_bool(struct bdev_facts *f, const char *key, bool value);

/**
 * bdev_fault() - Say why a device cannot be served; the last thing before returning an
 * error
 *
 * The supervisor logs the text with the tag and writes it to the `error` node. It should
 * name the key or object, its value, and what to do. Before -EAGAIN it says what is wrong
 * while the device waits, which is reported once for as long as it is the same.
 */
void bdev_fault(struct bdev *d, const char *fmt, ...) printf_like(2, 3);

/**
 * bdev_file() - A file of the device that is there when pvbackd and its worker have died
 * @name:	"journal" or "fence"
 *
 * Return: a descriptor of its own, or -errno after bdev_fault().
 */
int must_check bdev_file(struct bdev *d, const char *name);

/**
 * bdev_file_new() - Put one of this content in the place of any that there is
 *
 * Whenever pvbackd is killed there is the old one or the new one, whole. It goes when the
 * device closes, after close(). RUN_DIR is on a tmpfs: a file of so many bytes is so much
 * memory.
 *
 * Return: as above.
 */
int must_check bdev_file_new(struct bdev *d, const char *name, const void *content,
                             size_t len);

/**
 * bdev_file_any() - Is a word of 32 bits not 0 in one of its parts?
 * @at:		Where it is in the first of @n parts of @size bytes
 *
 * What a worker may have made of the file is not trusted, nor mapped: it could be cut
 * short. A word that is not there is 0.
 */
bool bdev_file_any(int fd, size_t at, size_t size, uint32_t n);

/**
 * struct bdev_update - What a worker is to be told while it serves: blob of UPDATE
 */
struct bdev_update {
	uint8_t blob[MSG_UPDATE_MAX];
	size_t len;
};

/**
 * struct bdev_job - Something that may wait for storage, in a thread of its own
 *
 * All calls are the main thread's. Between start and end the job's argument is the
 * thread's: run() looks at nothing else and calls nothing of this header.
 */
struct bdev_job;

/**
 * bdev_job_start() - Have @run(@arg) called
 * @drop:	Releases @arg, if it is not taken
 *
 * The device gets a turn when it is over, and each second until then.
 *
 * Return: 0; -EAGAIN when too many jobs of the guest hang, or -errno; both after
 * bdev_fault(), and with @arg still the caller's.
 */
int must_check bdev_job_start(struct bdev *d, void (*run)(void *arg),
                              void (*drop)(void *arg), void *arg, struct bdev_job **out);
bool bdev_job_over(struct bdev_job *j);

/** bdev_job_seconds() - Since its start */
unsigned int bdev_job_seconds(const struct bdev_job *j);

/** bdev_job_take() - Of one that is over. Return: its argument, the caller's again. */
void *bdev_job_take(struct bdev_job **j);

/** bdev_job_leave() - Nobody asks any more: @drop is called when it is over. NULL inside
 * is accepted. */
void bdev_job_leave(struct bdev_job **j);

/** bdev_job_finish() - The same, but first wait for it, at most @ms, if nothing hangs */
void bdev_job_finish(struct bdev_job **j, unsigned int ms);

/**
 * struct super_backend - Supervisor half
 *
 * Calls come from one thread and must not wait for a guest. Return values: 0; -EAGAIN,
 * "not yet": keys are missing that may still come, called again after the next change;
 * any other -errno: the device goes to Closed, bdev_fault() has said why.
 *
 * Order: probe, offer, {open, connect, publish, close}..., remove, release.
 */
struct super_backend {
	/* XenStore kind: backend/KIND/DOMID/DEVID. */
	const char *kind;

	/* What its devices count. */
	const struct bdev_stats *stats;

	/* What passes its devices can be captured: the worker half has capture(). */
	bool captures;

	/* Its frontends change keys while they are connected: their whole directory is
	 * watched, for update(). */
	bool live_front;

	/* Optional. What people call device @devid, "xvda"; else it is "KIND-DEVID". */
	void (*name)(uint32_t devid, char name[BDEV_NAME_MAX]);

	/*
	 * Optional. What the device is, and what was agreed on with the frontend: @conf
	 * is what connect() has filled, or NULL while there is no connection. Between
	 * probe() and release().
	 */
	void (*describe)(const struct bdev *d, const struct bdev_conf *conf,
	                 struct bdev_facts *f);

	/*
	 * Optional. A line "KIND.KEY = VALUE" of pvbackd.conf; for devices that connect
	 * from now on. Return: 0, -ENOENT: no such key, or -EINVAL and in @want what the
	 * value must be.
	 */
	int (*configure)(const char *key, const char *value, const char **want);

	/*
	 * Optional. All lines have been read: with @take they are in effect from now on,
	 * and what none of them says has its default again; else they are forgotten.
	 */
	void (*configured)(bool take);

	/*
	 * Our directory has appeared: read and judge the toolstack's keys. release() is
	 * due after success, or if it has left @priv set.
	 */
	int (*probe)(struct bdev *d);

	/*
	 * Optional. Write the keys a frontend reads in InitWait; committed together with
	 * state 2.
	 */
	int (*offer)(struct bdev *d, xst_t t);

	/*
	 * The toolstack's part is done, or not (-EAGAIN): hotplug-status and what the
	 * hotplug script wrote. Open the storage or device.
	 */
	int (*open)(struct bdev *d);

	/*
	 * The frontend is Initialised or Connected: read and judge its keys, fill @conf.
	 * @resume: the ring was left by an orderly stop, with nothing in flight.
	 */
	int (*connect)(struct bdev *d, bool resume, struct bdev_conf *conf);

	/*
	 * Optional, recover: the guest does not notice when a worker dies. With it,
	 * fence for what may outlive a worker, and serving.
	 *
	 * fence: -EAGAIN for as long as I/O of the worker that died may reach the
	 * storage; called until it returns 0, before recover() and before anything else
	 * is done.
	 *
	 * recover: fill @conf anew with what connect() has said, for another worker that
	 * goes on where the one that died was. XenStore may be away.
	 *
	 * serving: the worker that died was at work on this device at that moment.
	 */
	int (*fence)(struct bdev *d);
	int (*recover)(struct bdev *d, struct bdev_conf *conf);
	bool (*serving)(struct bdev *d);

	/*
	 * Optional. A worker that outlived another pvbackd serves the device; @conf is
	 * what connect() had told it, and bdev's held in probe(). open() has succeeded.
	 * Takes the descriptors that it keeps, and sets them to -1, and fills in
	 * @nqueues; recover() can follow. There are none if the worker has died as well
	 * before it could hand them over: then there are the files of bdev_file(), and
	 * fence() and recover() do follow.
	 */
	int (*adopt)(struct bdev *d, struct bdev_conf *conf);

	/*
	 * Optional. Can a worker let go of the device without the guest noticing, if
	 * another one takes it up with recover()? Without this it can.
	 */
	bool (*drains)(struct bdev *d);

	/*
	 * Optional. Write the keys a frontend reads when we are Connected; committed with
	 * state 4.
	 */
	int (*publish)(struct bdev *d, xst_t t);

	/*
	 * Optional. It is Connected, and a second has passed or something in our
	 * directory has changed: has something changed of the device that the worker has
	 * to know? @told is what it was told in CONNECT, to be kept up to date for a
	 * next one. When the worker has taken it, publish() is called, if there is one,
	 * and our state is written again, for the frontend to look. Must be cheap: no
	 * file, no XenStore unless there is a reason. Return: 1 with @u, 0, or -errno
	 * after bdev_fault(): it is to be what it cannot be, and stays as it was, which
	 * is reported for as long as it is so.
	 */
	int (*update)(struct bdev *d, struct bdev_conf *told, struct bdev_update *u);

	/*
	 * Optional. An administrator changes something of a device that is there, in
	 * words that pvbackctl has made; what comes of it, update() finds. Return: 0 or
	 * -errno and in @why, a line, why not.
	 */
	int (*tune)(struct bdev *d, const char *what, char *why, size_t why_size);

	/*
	 * Optional. open() has said -EAGAIN and is not called again for now: let go of
	 * what it has begun.
	 */
	void (*abandon)(struct bdev *d);

	/* The worker has let go: undo open(). */
	void (*close)(struct bdev *d);

	/*
	 * Optional. The directory is gone or was written anew: take from the host what
	 * probe() made there and what outlives us, a network interface. Not called when
	 * we stop. With it, probe() is called once for a directory, not again when the
	 * frontend starts over: what was made stays as it is meanwhile.
	 */
	void (*remove)(struct bdev *d);

	/* The directory is gone, or we stop: undo probe(); close() has been called. */
	void (*release)(struct bdev *d);
};

/* ---- Worker half ------------------------------------------------------------------ */

struct gnt;

/**
 * struct wdev - A device as the worker half of its backend sees it
 * @handle:	Its number on the socket
 * @domid:	The guest
 * @tag:	For log lines
 * @gnt:	The guest's grants; one handle for all devices and threads of the worker
 * @stats:	What is counted of it, until wdev_disconnected(); a thread for each queue
 * @limit:	Allowance of log lines about what the guest does; main thread only
 * @priv:	The backend's own; allocated in connect(), freed before
 * wdev_disconnected()
 */
struct wdev {
	uint32_t handle;
	uint32_t domid;
	char tag[48];
	struct gnt *gnt;
	struct stats *stats;
	struct log_limit limit;
	void *priv;
};

/**
 * wdev_failed() - The ring cannot be served any more; callable from any thread, once
 *
 * The backend goes on holding everything until disconnect() is called.
 */
void wdev_failed(struct wdev *d, int err, const char *fmt, ...) printf_like(3, 4);

/**
 * wdev_status() - Something is wrong, or with @err 0 not any more; it is served on
 *
 * Callable from any thread. The text goes to the log and to the error node.
 */
void wdev_status(struct wdev *d, int err, const char *fmt, ...) printf_like(3, 4);

/**
 * wdev_disconnected() - What disconnect() began is complete; callable from any thread
 *
 * Every request taken is answered, nothing is mapped or bound, threads have ended or are
 * about to without touching @d, descriptors are closed.
 */
void wdev_disconnected(struct wdev *d);

/**
 * wdev_thread_name() - Name the thread of a queue for top: "vbd-51712", without the
 * guest, and with the queue's number if there are several
 */
void wdev_thread_name(const struct wdev *d, pthread_t thread, uint32_t queue,
                      uint32_t nqueues);

/** struct worker_backend - Worker half; calls come from the main thread */
struct worker_backend {
	const char *kind;

	/* What it counts: that of the supervisor half. */
	const struct stats_table *stats;

	/*
	 * Map the rings, bind the event channels, start to serve. Takes the descriptors
	 * it keeps (and sets them to -1 in @fds); the caller closes the rest.
	 * Return: 0, or -errno with everything released and @text saying what failed.
	 */
	int (*connect)(struct wdev *d, const void *blob, size_t len, int *fds,
	               unsigned int nfds, char *text, size_t text_size);

	/*
	 * Optional. What the supervisor half's update() has said; the rest stays. It is
	 * so for every request that the guest makes after this has returned.
	 */
	void (*update)(struct wdev *d, const void *blob, size_t len);

	/*
	 * Optional. Somebody wants to see what passes; @fds are his socket and his
	 * counts (capture.h). Sets to -1 what it keeps, the caller closes the rest.
	 */
	void (*capture)(struct wdev *d, uint32_t snaplen, int fds[2]);

	/*
	 * Begin to stop: take no more requests, let those taken finish, answer them,
	 * release everything, then call wdev_disconnected(). Must not block.
	 */
	void (*disconnect)(struct wdev *d);
};

#define BACKEND(kind, name)                             \
	extern const struct super_backend name##_super; \
	extern const struct worker_backend name##_worker;
#include "backends.def"
#undef BACKEND

#endif
