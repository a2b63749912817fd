/* SPDX-License-Identifier: MIT */
/*
 * The whole: XenStore, the guests and their devices, and the turn each device gets.
 *
 * Watch events only mark devices; a marked device is looked at when its turn comes, one
 * device after the other, a bounded number per turn of the loop. So what a guest writes
 * costs a bounded amount of memory and delays nobody for long.
 */
#ifndef PVB_SUPER_H
#define PVB_SUPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "compiler.h"
#include "log.h"

struct config;
struct device;
struct domains;
struct guest;
struct jobs;
struct loop;
struct loop_src;
struct xst;

LIST_HEAD(guest_list, guest);
TAILQ_HEAD(device_queue, device);

/**
 * struct super - pvbackd
 * @xs:		Connection to XenStore, NULL while there is none
 * @broken:	It has failed; it is replaced when the present device is done
 * @domid:	The domain we run in
 * @domains:	NULL when the hypervisor may not be asked
 * @dirty:	Devices that are to be looked at, in the order of their turns
 * @last_id:	Of the device made last
 * @backoff_ms:	Pause before the next attempt to reach XenStore
 * @started_ns:	When, CLOCK_MONOTONIC: which one of those with our process number
 * @program:	Path of pvbackd
 * @replace:	Puts the program that is installed now in our place; returns if it cannot
 * @stopping:	No new connections; ends when nothing is connected
 * @exit_status: What loop_run()'s caller exits with
 */
struct super {
	const struct config *conf;
	struct loop *loop;
	struct xst *xs;
	bool broken;
	uint32_t domid;
	struct domains *domains;
	struct jobs *jobs;
	struct guest_list guests;
	struct device_queue dirty;
	uint64_t last_id;
	struct loop_src *xs_src, *turn, *tick, *again, *reconnect, *deadline;
	uint32_t backoff_ms;
	uint64_t started_ns;
	const char *program;
	void (*replace)(void *arg);
	void *replace_arg;
	bool stopping;
	int exit_status;
};

/**
 * super_open() - Connect to XenStore and look at what is there
 *
 * Return: 0, or -errno (logged).
 */
int must_check super_open(struct super *s, const struct config *conf, struct loop *loop);
void super_close(struct super *s);

/** super_stop() - Let go of all devices in good order, then end the loop */
void super_stop(struct super *s);

/** super_queue() - Give a device a turn */
void super_queue(struct super *s, struct device *d);

/** super_wake() - Something changed that may be the last thing a stop waits for */
void super_wake(struct super *s);

/** super_queue_guest() - Give all devices of a guest a turn */
void super_queue_guest(struct super *s, struct guest *g);

void super_queue_all(struct super *s);

/** super_check_guests() - Ask for each guest whether it still lives */
void super_check_guests(struct super *s);

/** super_log_level() - Set it, for us and for all workers */
void super_log_level(struct super *s, enum log_level level);

/** super_again() - Give all devices a turn in a moment: XenStore was in the way */
void super_again(struct super *s);

/** super_storage_freed() - Devices may be waiting for what another has just closed */
void super_storage_freed(struct super *s);

#endif
