/* SPDX-License-Identifier: MIT */
/*
 * Inside xensimd, the hypervisor of a simulated host.
 *
 * One thread owns all state, so nothing here is ever seen half done: a client that is
 * killed in the middle of a call has made it or not. What a client held is released when
 * the pipe of its handle has no reader left (handle.c).
 *
 * A domain's life:
 *   alive    -> dying  domain_destroy(): its processes are killed, its ports closed, its
 *                      grants revoked; pages that others have mapped stay
 *   dying    -> gone   when the last of them is unmapped; the number is free again
 */
#ifndef XENSIM_BROKER_H
#define XENSIM_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <xen/xen.h>

#include "fault.h"
#include "hmap.h"
#include "list.h"
#include "shm.h"
#include "wire.h"

/* ---- main.c: the event loop ---- */

/** struct source - Something the loop waits for; embedded in what it belongs to */
struct source {
	void (*fn)(struct source *source, uint32_t events);
	void (*free)(struct source *source);
	struct source *next;
};

int source_add(struct source *source, int fd, uint32_t events);
void source_close(int fd);

/** source_free() - Never call it again, and free it when no event may still name it */
void source_free(struct source *source);

/** loop_soon() - Call loop_tick()'s parts again within a millisecond or some */
void loop_soon(void);

/* ---- domain.c ---- */

/* What a domain knows of a grant: shm has the part that others may use. */
enum grant_state {
	GRANT_FREE,
	GRANT_SHARED,
	GRANT_ZOMBIE
};

/**
 * struct grant - A grant reference
 * @maps:	Mappings of it; a revoked one with mappings is a zombie until the last is
 * gone
 */
struct grant {
	uint32_t frame;
	uint32_t maps;
	uint32_t next_free;
	enum grant_state state;
};

/**
 * struct port - An event channel port
 * @refs:	Unmap notifications that name it; unbound meanwhile it is closed after
 * them
 */
struct port {
	struct handle *owner;
	struct list in_owner;
	uint32_t refs;
	bool closing;
};

struct domain {
	uint32_t domid;
	uint32_t gen;
	uint32_t refs;
	pid_t keeper; /* who holds its lifeline */
	bool dying;
	bool gone;
	bool shutdown;
	uint32_t reason;
	char name[WIRE_NAME];
	uint8_t uuid[16];
	int fd;
	struct shm_domain *shm;
	uint32_t pages;
	uint32_t pages_used;
	uint64_t *frames; /* a bit for each page in use */
	struct port *ports;
	uint32_t nports;
	uint32_t port_hint; /* none below it is free */
	struct grant *grants;
	uint32_t ngrants;
	uint32_t grant_free; /* head of the free list, 0 if empty */
	uint32_t mapped;
	uint32_t virq[NR_VIRQS];
	uint64_t *params;
	struct list handles;
	struct list foreign; /* tracks that map its frames */
};

int domain_create(uint32_t domid, uint32_t pages, const char *name,
                  struct domain **domain);
struct domain *domain_find(uint32_t domid);
struct domain *domain_next(uint32_t first);
struct domain *domain_get(struct domain *domain);
void domain_put(struct domain *domain);
void domain_destroy(struct domain *domain);
void domain_shutdown(struct domain *domain, uint32_t reason);
void domain_unmapped(struct domain *domain);

/* ---- mem.c: pages of a domain ---- */
int mem_init(struct domain *domain, uint32_t pages);
void mem_fini(struct domain *domain);
int mem_alloc(struct domain *domain, uint32_t count, uint32_t *frames);

/** mem_free() - Give a page back at the next mem_flush(); its grant is revoked */
void mem_free(struct domain *domain, uint32_t frame);
void mem_flush(void);

/** mem_tick() - Try again what waits for copies; Return: true if some still wait */
bool mem_tick(void);
bool mem_waiting(void);

/* A counter for a handle that copies; see struct shm_host */
uint32_t slot_alloc(void);
void slot_free(uint32_t slot);

/* ---- handle.c ---- */
struct handle {
	struct source source;
	uint32_t id;
	enum handle_kind kind;
	struct domain *domain;
	int wfd; /* the pipe's write end, -1 once it is closed */
	uint64_t ino;
	uint32_t slot;
	uint32_t restricted; /* only this domain, DOMID_INVALID for any */
	uint32_t nports;
	uint32_t foreign_sweep;
	pid_t pid;
	char prog[16];
	struct list in_domain;
	struct list ports;
	struct list tracks;
};

extern const char *const handle_kind_name[HANDLE_KINDS];

int handle_open(struct domain *domain, enum handle_kind kind, pid_t pid, const char *prog,
                struct handle **handle, int *rfd);
struct handle *handle_find(uint32_t id);
struct handle *handle_find_ino(uint64_t ino);
bool handle_held(const struct handle *handle);
void handle_release(struct handle *handle);
void handle_strip(struct handle *handle);
extern struct hmap handles;

/* ---- evtchn.c ---- */
int port_alloc(struct domain *domain, struct handle *owner, uint64_t peer);
int port_bind_unbound(struct handle *handle, uint32_t domid);
int port_bind_interdomain(struct handle *handle, uint32_t domid, uint32_t rport);
int port_bind_virq(struct handle *handle, uint32_t virq);
int port_unbind(struct handle *handle, uint32_t port);
void port_close(struct domain *domain, uint32_t port);
void port_notify(struct domain *domain, uint32_t port);
void port_queue(struct domain *domain, uint32_t port);
int port_ref(struct domain *domain, uint32_t port);
void port_unref(struct domain *domain, uint32_t port);
void virq_raise(struct domain *domain, uint32_t virq);

/* ---- grant.c and track.c ---- */
enum track_kind {
	TRACK_MAP,
	TRACK_SHARE,
	TRACK_FOREIGN
};

/**
 * struct track - One call that mapped pages, and what it holds
 *
 * The descriptions of open files that were sent to the client for it hold a lock on byte
 * TRACK_LOCK_OFF + id of the memory they map: as long as somebody holds the lock, the
 * pages are mapped, whatever has become of the handle.
 */
struct track {
	uint32_t id;
	enum track_kind kind;
	struct handle *handle; /* NULL: its handle is closed, but it is still mapped */
	struct domain *domain; /* who made it */
	struct list list;      /* in handle->tracks or the orphans */
	struct list in_foreign;
	bool writable;
	uint32_t notify_off;
	uint32_t notify_port;
	uint32_t count;
	struct track_page {
		struct domain *domain;
		uint32_t ref;
	} pages[];
};

struct track *track_new(struct handle *handle, enum track_kind kind, uint32_t count,
                        const struct wire_req *req, int *err);
int track_file(struct track *track, struct domain *domain);
struct track *track_find(uint32_t id);
void track_release(struct track *track);
void track_cancel(struct track *track);
void track_orphan(struct track *track);
bool track_mapped(const struct track *track);
bool track_tick(void);
extern struct hmap tracks;
extern struct list orphans;

int grant_set(struct domain *domain, uint32_t ref, uint32_t domid, bool writable,
              uint32_t frame);
int grant_alloc(struct domain *domain, uint32_t domid, bool writable, uint32_t frame);
void grant_revoke(struct domain *domain, uint32_t ref);
int grant_map(struct domain *domain, uint32_t ref, uint32_t domid, bool writable,
              uint32_t *frame);
void grant_unmap(struct domain *domain, uint32_t ref);

/* ---- client.c ---- */
struct client {
	struct source source;
	int fd;
	int pidfd;
	pid_t pid;
	uint32_t domid;
	uint32_t gen;
	char prog[16];
	struct list list;
};

extern struct list clients;
int client_listen(const char *dir);
void clients_kill(uint32_t domid, uint32_t gen);

/**
 * struct call - A request that is being answered
 * @nin:	uint32_t that came with it in @in
 * @fds:	Sent with the answer; those that are marked are closed then
 */
struct call {
	struct client *client;
	const struct wire_req *req;
	uint32_t *in;
	uint32_t nin;
	struct wire_rep rep;
	uint32_t *out;
	uint32_t nfds;
	int fds[WIRE_MAX_FDS];
	bool close_fd[WIRE_MAX_FDS];
};

int call_dispatch(struct call *call);

/* ---- host.c: what there is one of ---- */
extern struct host {
	char tag[17]; /* in the environment of all its processes */
	int fd;
	struct shm_host *shm;
} host;

int host_init(const char *dir);

/* ---- reap.c: processes of dead domains ---- */
void reap_domain(uint32_t domid, uint32_t gen);
bool reap_tick(void);

/* ---- faults.c ---- */
void faults_print(FILE *out);

/* ---- status.c ---- */
int status_write(FILE *out, enum status_form form);
unsigned int audit(FILE *out);

#endif
