/* SPDX-License-Identifier: MIT */
/*
 * A guest that may lie, and a supervisor, around the real pvbackd-worker.
 *
 * The test plays a guest with Xen's own libraries and speaks the ring by hand: it
 * shares nothing with the project's frontends. As the supervisor it speaks common/msg.h.
 * Every wait has an end; one that fails ends the test.
 */
#ifndef PVB_RIG_H
#define PVB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "blk_conf.h"
#include "blk_stats.h"
#include "msg.h"
#include "xenabi.h"

/* Guests, made by tests/hostile/on-xensim: the one, another, and one that dies. */
#define RIG_GUEST      5U
#define RIG_OTHER      6U
#define RIG_MORTAL     7U
#define RIG_WAIT_MS    20000
#define RIG_PAGES      64U
#define RIG_RING       32U
/* Persistent grants it may have, less than it has pages: both ways are taken. */
#define RIG_PERSISTENT 352U
#define DISK_SECTORS   4096U

#define READ    BLKIF_OP_READ
#define WRITE   BLKIF_OP_WRITE
#define FLUSH   BLKIF_OP_FLUSH_DISKCACHE
#define OKAY    BLKIF_RSP_OKAY
#define ERROR   BLKIF_RSP_ERROR
#define NOT_SUP BLKIF_RSP_EOPNOTSUPP

/**
 * struct worker - The process, seen from the supervisor; its stderr is a file
 * @domid:	Its guest
 * @shr:	The guest's handle
 */
struct worker {
	pid_t pid;
	uint32_t domid;
	int sock;
	int log;
	uint32_t next_handle;
	xengntshr_handle *shr;
};

/**
 * struct disk - One device, seen from the guest
 * @image:	Descriptor of the image, the test's own
 * @ring:	Its ring, of @slots
 * @pages:	RIG_PAGES shared pages
 * @pushed:	Requests put on the ring; ids count from 0
 * @seen:	Responses taken off it
 * @answers:	By id: how often answered, with what
 */
struct disk {
	struct worker *w;
	uint32_t handle;
	int image;
	struct blk_conf conf;
	struct blkif_sring *ring;
	uint32_t slots, ring_pages;
	uint32_t ring_ref;
	xenevtchn_handle *xce;
	evtchn_port_t port;
	uint8_t *pages;
	uint32_t refs[RIG_PAGES];
	uint32_t pushed, seen;
	uint32_t answers[8192];
	int16_t status[8192];
	uint8_t op[8192];
};

/** worker_up() - Start one for guest RIG_GUEST, take its HELLO */
void worker_up(struct worker *w);

/**
 * worker_start() - Start one
 * @before:	Called in the new process before it becomes the worker, or NULL
 */
void worker_start(struct worker *w, uint32_t domid, void (*before)(void));

/** worker_wait() - It must end by itself, with this status of waitpid() */
void worker_wait(struct worker *w, int status);

/** worker_exits() - Close its socket; it must exit with status 0 */
void worker_exits(struct worker *w);

/** worker_down() - The same, if that has not happened yet, and free everything */
void worker_down(struct worker *w);
bool worker_alive(struct worker *w);

/** worker_log() - What it has written to stderr so far; the caller frees it */
char *worker_log(struct worker *w);

/** worker_served() - Value of a counter in the last "served" line of its log */
uint64_t worker_served(struct worker *w, const char *name);

/** worker_count() - Entries in a directory below /proc/PID, "fd" or "task" */
unsigned int worker_count(struct worker *w, const char *dir);

/** worker_holds() - Pages it has mapped and ports it has bound, by the simulator's books
 */
unsigned int worker_holds(struct worker *w);

/** worker_cpu_us() - Time it has run */
uint64_t worker_cpu_us(struct worker *w);

/** worker_recv() - The next message, which must be of @type */
void worker_recv(struct worker *w, enum msg_type type, struct msg *m);

/** worker_silent() - No message is waiting */
bool worker_silent(struct worker *w);

/** image_new() - An unlinked file of DISK_SECTORS, filled with a pattern */
int image_new(void);

/** disk_share() - The guest's half: ring, pages, port, image; nothing is sent yet */
void disk_share(struct disk *d, struct worker *w, uint32_t flags);

/** disk_share_as() - The same, with a ring of so many pages */
void disk_share_as(struct disk *d, struct worker *w, uint32_t flags, uint32_t pages);

/** disk_add_ring() - Make the ring of @other, which is shared only, the next one of @d */
void disk_add_ring(struct disk *d, const struct disk *other);

/** disk_connect() - Send CONNECT with @d->conf. Return: err of CONNECTED. */
int disk_connect(struct disk *d, const char **text);

/** disk_up() - Both of them, and it must work */
void disk_up(struct disk *d, struct worker *w, uint32_t flags);

/** disk_disconnect() - Ask for the end and wait for it */
void disk_disconnect(struct disk *d);

/** disk_unshare() - Give the guest's half back; nothing may be mapped any more */
void disk_unshare(struct disk *d);

/** disk_down() - Both of them */
void disk_down(struct disk *d);

/** disk_slot() - Request slot number @idx, free-running */
struct blkif_request *disk_slot(struct disk *d, uint32_t idx);

/** disk_add() - Write a request of @nseg whole pages into the ring, not published */
struct blkif_request *disk_add(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page,
                               uint64_t sector);

/** disk_push() - Publish what was added; with an event if the backend asked for one */
void disk_push(struct disk *d);
void disk_notify(struct disk *d);

/** disk_collect() - Take what is answered; no answer may be repeated or invented */
void disk_collect(struct disk *d);

/** disk_wait() - Until all that was pushed is answered */
void disk_wait(struct disk *d);

/** disk_run() - One request of whole pages, to its end. Return: status. */
int disk_run(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page, uint64_t sector);

/** disk_works() - Write and read back, compare with the image */
void disk_works(struct disk *d);

static inline uint8_t *disk_page(struct disk *d, uint32_t n)
{
	return d->pages + (size_t)n * XEN_PAGE;
}

uint64_t now_ms(void);

/** as_guest() - Handles opened by @fn(arg) belong to domain @domid */
void as_guest(uint32_t domid, void (*fn)(void *arg), void *arg);

#endif
