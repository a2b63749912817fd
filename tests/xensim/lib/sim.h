/* SPDX-License-Identifier: MIT */
/*
 * Inside libxensim: the connection to the broker, handles, and views of domains.
 *
 * Locks, outermost first: handle->lock, the view table's, the link's. None is held while
 * a call may block on an event, and none is taken by a close, which must work in the
 * child of a fork of a threaded program.
 */
#ifndef XENSIM_SIM_H
#define XENSIM_SIM_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <xen/xen.h>

#include "hmap.h"
#include "rpc.h"
#include "shm.h"

#define array_size(a) (sizeof(a) / sizeof(*(a)))

/* ---- link.c: the process's connection ---- */

/** sim_call() - rpc_call() on the process's connection, made when needed and after a fork
 */
int sim_call(struct rpc *rpc);

/** sim_host() - The host's shared page; valid once a sim_call() has succeeded */
struct shm_host *sim_host(void);

/** sim_env_domid() - The domain that this process plays, $XENSIM_DOMID */
uint32_t sim_env_domid(void);

/** sim_fail() - Set errno from -errno; Return: -1 */
static inline int sim_fail(int err)
{
	errno = -err;
	return -1;
}

/**
 * struct fd_mark - What a descriptor of ours was when we got it
 *
 * Programs close descriptors they did not open, and the numbers are used again: look
 * before each use, so that nothing is ever written to a stranger.
 */
struct fd_mark {
	dev_t dev;
	ino_t ino;
};

struct fd_mark fd_mark(int fd);
bool fd_is(int fd, struct fd_mark mark);

/* ---- view.c: memory of domains ---- */

/**
 * struct view - A domain's memory as mapped in this process, shared by its handles
 * @info:	What the broker publishes of it
 * @ram:	@pages of RAM
 */
struct view {
	struct shm_domain *info;
	uint8_t *ram;
	uint64_t pages;
	uint32_t domid;
	uint32_t refs;
};

/** struct views - The views that one handle holds, by domid */
struct views {
	struct view **by_domid;
	uint32_t size;
};

/** views_lock(), views_unlock() - Around a fork, so that the child finds them unlocked */
void views_lock(void);
void views_unlock(void);

/* views_slow() - Look again: NULL with errno if there is no such domain */
struct view *views_slow(struct views *views, uint32_t domid);
void views_free(struct views *views);

/** views_get() - A living domain's view; the caller holds the handle's lock */
static inline struct view *views_get(struct views *views, uint32_t domid)
{
	struct view *view = domid < views->size ? views->by_domid[domid] : NULL;

	if (view && atomic_load_explicit(&view->info->alive, memory_order_relaxed))
		return view;
	return views_slow(views, domid);
}

/* ---- handle.c ---- */

/* Layout of libxentoolcore's list element, which has no public header. */
struct tc_handle {
	int (*restrict_callback)(struct tc_handle *tc, domid_t domid);
	struct tc_handle *next, **prev;
};

/**
 * struct handle - What an open Xen device is here
 * @fd:		Read end of a pipe whose write end the broker holds: it is how the broker
 *		learns of the last close, across fork, exec and death, and it carries
 *		events
 * @domid:	The domain the process played when it opened the handle
 * @slot:	Its counter in shm_host.copying
 * @dead:	Restricted away by xentoolcore_restrict_all()
 * @tracks:	Address of each mapping to its struct track
 */
struct handle {
	struct tc_handle tc;
	enum handle_kind kind;
	int fd;
	struct fd_mark mark;
	uint32_t id;
	uint32_t domid;
	uint32_t slot;
	atomic_bool dead;
	pthread_mutex_t lock;
	struct views views;
	struct hmap tracks;
};

/** struct track - One map or share call that is still mapped */
struct track {
	uint32_t id;
	uint32_t count;
};

/** handle_init() - Open @kind as this process's domain; Return: 0 or -errno */
int handle_init(struct handle *h, enum handle_kind kind, bool cloexec);

/** handle_adopt() - Be the handle that @fd is an inherited descriptor of */
int handle_adopt(struct handle *h, enum handle_kind kind, int fd);

/** handle_fini() - Close; what is still mapped stays mapped, as with the kernel's devices
 */
void handle_fini(struct handle *h);

/** handle_call() - sim_call() through a handle; -ENOTTY if it was restricted away */
int handle_call(struct handle *h, struct rpc *rpc);

/**
 * handle_map() - Map pages that the broker has accounted to track @id
 * @frames:	Frame of each page
 * @index:	Which of @fds it is in, NULL if all are in the first
 *
 * Return: the address, or NULL with errno; the track is then released
 */
void *handle_map(struct handle *h, uint32_t id, uint32_t count, const uint32_t *frames,
                 const uint32_t *index, const int *fds, int prot);

/** handle_unmap() - Undo handle_map(); Return: 0 or -errno */
int handle_unmap(struct handle *h, void *addr, uint32_t count, enum wire_op op);

/* ---- libxentoolcore.so ---- */
void xentoolcore__register_active_handle(struct tc_handle *tc);
void xentoolcore__deregister_active_handle(struct tc_handle *tc);
int xentoolcore__restrict_by_dup2_null(int fd);

#endif
