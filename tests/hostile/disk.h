/* SPDX-License-Identifier: MIT */
/* A disk of the rig's guest: the ring by hand, an event channel, and the image. */
#ifndef PVB_DISK_H
#define PVB_DISK_H

#include "blk_conf.h"
#include "blk_stats.h"
#include "rig.h"

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

/** image_new() - An unlinked file of DISK_SECTORS, filled with a pattern */
int image_new(void);

/** disk_share() - The guest's half: ring, pages, port, image; nothing is sent yet */
void disk_share(struct disk *d, struct worker *w, uint32_t flags);

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

/**
 * struct disk_rig - What a test begins with: a worker, and disks that it serves
 * @flags:	Of them
 * @pages:	Of their rings; 0 is 1
 */
struct disk_rig {
	struct worker *w;
	struct disk *disk[2];
	uint32_t flags, pages;
};

/** disk_setup(), disk_teardown() - For cmocka; *state is the rig */
int disk_setup(void **state);
int disk_teardown(void **state);

#define DISK_TEST(f, rig) \
	cmocka_unit_test_prestate_setup_teardown(f, disk_setup, disk_teardown, rig)

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

#endif
