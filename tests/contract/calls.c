/* SPDX-License-Identifier: MIT */
/*
 * calls KIND N DOMID - make N calls of a kind, and say in a word how each ended.
 *
 * "ok", an errno, the number of a segment's status, "lost" for an event that did not
 * arrive, "late" for a call that took its time. DOMID runs a contract-agent called
 * "main".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "peer.h"

enum {
	SEGMENTS = 2,
	LOST_MS = 400,
	LATE_MS = 300
};

static struct {
	struct peer *guest;
	xenevtchn_handle *evt;
	xengnttab_handle *gnt;
	xengntshr_handle *shr;
	long region;
	uint32_t ref;
	int remote, port;
} c;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *word(bool good)
{
	return good ? "ok" : strerrorname_np(errno);
}

static const char *call_open(void)
{
	xenevtchn_handle *h = xenevtchn_open(NULL, 0);
	const char *how = word(h != NULL);

	if (h)
		xenevtchn_close(h);
	return how;
}

static const char *call_alloc(void)
{
	return word(xenevtchn_bind_unbound_port(c.evt, c.guest->domid) > 0);
}

static const char *call_bind(void)
{
	evtchn_port_t remote = (evtchn_port_t)peer_call(c.guest, "evt.unbound 0");

	return word(xenevtchn_bind_interdomain(c.evt, c.guest->domid, remote) > 0);
}

static const char *call_notify(void)
{
	long start = now_ms();
	bool late;

	if (xenevtchn_notify(c.evt, (evtchn_port_t)c.port) < 0)
		return word(false);
	late = now_ms() - start >= LATE_MS;
	if (peer_call(c.guest, "evt.wait %d", LOST_MS) != c.remote)
		return "lost";
	peer_call(c.guest, "evt.unmask %d", c.remote);
	return late ? "late" : "ok";
}

static const char *call_share(void)
{
	uint32_t ref;
	void *p = xengntshr_share_pages(c.shr, c.guest->domid, 1, &ref, 1);
	const char *how = word(p != NULL);

	if (p)
		xengntshr_unshare(c.shr, p, 1);
	return how;
}

static const char *call_map(void)
{
	void *p = xengnttab_map_grant_ref(c.gnt, c.guest->domid, c.ref, PROT_READ);
	const char *how = word(p != NULL);

	if (p)
		xengnttab_unmap(c.gnt, p, 1);
	return how;
}

/* Two segments: "ok", or the status of both. */
static const char *call_copy(void)
{
	static char statuses[32];
	xengnttab_grant_copy_segment_t seg[SEGMENTS];
	uint8_t buf[SEGMENTS];

	for (int i = 0; i < SEGMENTS; i++) {
		seg[i] = (xengnttab_grant_copy_segment_t){ .len = 1,
			                                   .flags = GNTCOPY_source_gref };
		seg[i].source.foreign.ref = c.ref;
		seg[i].source.foreign.domid = (uint16_t)c.guest->domid;
		seg[i].dest.virt = &buf[i];
	}
	if (xengnttab_grant_copy(c.gnt, SEGMENTS, seg) < 0)
		return word(false);
	if (!seg[0].status && !seg[1].status)
		return "ok";
	snprintf(statuses, sizeof(statuses), "%d,%d", seg[0].status, seg[1].status);
	return statuses;
}

static const struct {
	const char *name;
	const char *(*call)(void);
} kinds[] = {
	{ "open", call_open },     { "alloc", call_alloc }, { "bind", call_bind },
	{ "notify", call_notify }, { "share", call_share }, { "map", call_map },
	{ "copy", call_copy },
};

/* One more of each than what is counted: faults are counted from the first call on. */
static bool set_up(const char *kind, const char *domid)
{
	c.guest = peer_attach((uint32_t)strtoul(domid, NULL, 10), "main");
	c.evt = xenevtchn_open(NULL, 0);
	c.gnt = xengnttab_open(NULL, 0);
	c.shr = xengntshr_open(NULL, 0);
	if (!c.guest || !c.evt || !c.gnt || !c.shr)
		return false;
	c.region = peer_call(c.guest, "shr.share 0 1 1");
	c.ref = (uint32_t)c.guest->value[0];
	if (c.region < 0 || strcmp(kind, "notify") != 0)
		return c.region >= 0;
	c.remote = (int)peer_call(c.guest, "evt.unbound 0");
	c.port = xenevtchn_bind_interdomain(c.evt, c.guest->domid,
	                                    (evtchn_port_t)c.remote);
	return c.port > 0;
}

int main(int argc, char **argv)
{
	if (argc != 4 || !set_up(argv[1], argv[3])) {
		fprintf(stderr, "calls: %s\n", argc == 4 ? strerror(errno) : "usage?");
		return 1;
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (int i = 0; !strcmp(kinds[k].name, argv[1]) && i < atoi(argv[2]);
		     i++) {
			printf("%s%s", i ? " " : "", kinds[k].call());
			fflush(stdout);
		}
	}
	printf("\n");
	peer_call(c.guest, "mem.release %ld", c.region);
	peer_call(c.guest, "evt.close");
	peer_detach(c.guest);
	xengntshr_close(c.shr);
	xengnttab_close(c.gnt);
	xenevtchn_close(c.evt);
	return 0;
}
