/* SPDX-License-Identifier: MIT */
/*
 * pvnet flood and pvnet drain: frames out and in as fast as they go, and how fast that
 * was. A frame's bytes are put into the pages once, as a guest's own memory is its data.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "flow.h"
#include "front.h"
#include "log.h"
#include "pvnet.h"

/* Frames put before the clock is looked at. */
#define BATCH 32U

static double now(void)
{
	return (double)clock_ns() / 1e9;
}

static void report(const struct netfront *nf, uint64_t frames, uint64_t bytes,
                   double seconds)
{
	struct netfront_stats s = netfront_stats(nf);
	unsigned long long errors = s.tx_errors + s.rx_errors;

	printf("{\"frames\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"notifies_sent\":%llu,"
	       "\"events_received\":%llu,\"errors\":%llu}\n",
	       (unsigned long long)frames, (unsigned long long)bytes, seconds,
	       (unsigned long long)s.notifies, (unsigned long long)s.events, errors);
}

static int flood_wait(struct netfront *nf, struct netfront_queue *q, uint32_t room)
{
	struct pollfd none = { .fd = -1 };
	int rc = 0;

	netfront_kick(q);
	while (!rc && netfront_room(q) < room)
		rc = netfront_wait(nf, &none, -1);
	return rc > 0 ? -EINTR : rc;
}

int cmd_flood(const struct opts *o, struct netfront *nf)
{
	static uint8_t frame[UINT16_MAX + 1];
	struct netfront_queue *q = netfront_queue(nf, 0);
	struct flow_frame f = { .from = netfront_info(nf)->mac,
		                .to = o->to,
		                .v6 = o->v6,
		                .udp = o->udp,
		                .full = o->full,
		                .len = o->max,
		                .seed = o->seed,
		                .segment = o->segment };
	double began = now(), ended;
	struct netfront_meta m;
	uint64_t frames = 0;
	int rc = 0;

	if (!o->have_to) {
		log_err(NULL, "--to is needed");
		return -EINVAL;
	}
	flow_make(&f, frame, &m);
	netfront_fill(q, frame, f.len);
	do {
		for (uint32_t i = 0; i < BATCH && !rc; i++, frames++) {
			rc = netfront_send(q, &m, NULL, f.len, NULL);
			if (rc == -EAGAIN) {
				rc = flood_wait(nf, q, NETFRONT_RING / 2);
				rc = rc ? rc : netfront_send(q, &m, NULL, f.len, NULL);
			}
		}
		netfront_kick(q);
		ended = now();
	} while (!rc && ended - began < o->seconds);
	rc = rc ? rc : flood_wait(nf, q, NETFRONT_RING);
	report(nf, frames, frames * f.len, now() - began);
	return rc;
}

int cmd_drain(const struct opts *o, struct netfront *nf)
{
	static uint8_t frame[NETFRONT_FRAME_MAX];
	struct netfront_queue *q = netfront_queue(nf, 0);
	struct pollfd none = { .fd = -1 };
	double first = 0, last = 0;
	uint64_t frames = 0, bytes = 0;
	struct netfront_meta m;
	int rc = 0;

	printf("ready\n");
	fflush(stdout);
	while (!rc && frames < o->count) {
		int len, n = 0;

		while ((len = netfront_recv(q, &m, frame)) > 0) {
			bytes += (uint64_t)len;
			n++;
		}
		frames += (uint64_t)n;
		if (n)
			last = now();
		first = first > 0 ? first : last;
		netfront_kick(q);
		if (!n)
			rc = netfront_wait(nf, &none, (int)o->idle_ms);
	}
	report(nf, frames, bytes, last - first);
	return rc == -ETIMEDOUT && frames ? 0 : rc > 0 ? -EINTR : rc;
}
