/* SPDX-License-Identifier: MIT */
/* pvnet send and pvnet check: both ends of the flows of flow.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"
#include "front.h"
#include "log.h"
#include "pvnet.h"

/* Times the idle time that the first frame is waited for. */
#define PATIENCE 10

/* Frames put before the backend is told. */
#define BATCH 32

/* A length for frame number @n, between the two of the command line. */
static uint32_t pick(const struct opts *o, uint32_t n)
{
	uint64_t x = (o->seed + n) * 0x9e3779b97f4a7c15ULL;
	uint32_t least = o->v6 ? 80 : 60;
	uint32_t min = o->min < least ? least : o->min;
	uint32_t max = o->max < min ? min : o->max;

	return min + (uint32_t)(x >> 33) % (max - min + 1);
}

static void kick_all(struct netfront *nf)
{
	for (uint32_t i = 0; i < netfront_info(nf)->queues; i++)
		netfront_kick(netfront_queue(nf, i));
}

/* Wait until there is so much room in the ring. */
static int send_wait(struct netfront *nf, struct netfront_queue *q, uint32_t room)
{
	struct pollfd none = { .fd = -1 };
	int rc = 0;

	kick_all(nf);
	while (!rc && netfront_room(q) < room)
		rc = netfront_wait(nf, &none, -1);
	return rc > 0 ? -EINTR : rc;
}

/* A bridge takes nothing of a port whose link it has not seen come up. */
static int send_hold(struct netfront *nf)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int rc = 0;

	printf("ready\n");
	fflush(stdout);
	while (!rc && !in.revents)
		rc = netfront_wait(nf, &in, -1);
	return rc > 0 ? -EINTR : rc;
}

int cmd_send(const struct opts *o, struct netfront *nf)
{
	static uint8_t frame[UINT16_MAX + 1];
	uint64_t at[FLOWS_MAX] = { 0 }, bytes = 0;
	uint32_t n, total = o->count * o->flows;
	int rc = 0;

	if (!o->have_to) {
		log_err(NULL, "--to is needed");
		return -EINVAL;
	}
	if (o->hold)
		rc = send_hold(nf);
	for (n = 0; n < total && !rc; n++) {
		struct flow_frame f = { .from = netfront_info(nf)->mac,
			                .to = o->to,
			                .v6 = o->v6,
			                .udp = o->udp,
			                .full = o->full,
			                .flow = n % o->flows,
			                .len = pick(o, n),
			                .serial = n / o->flows + 1,
			                .seed = o->seed,
			                .segment = o->segment };
		struct netfront_queue *q =
			netfront_queue(nf, f.flow % netfront_info(nf)->queues);
		struct netfront_layout layout;
		struct netfront_meta m;

		f.at = at[f.flow];
		at[f.flow] += flow_make(&f, frame, &m);
		bytes += f.len;
		netfront_lay(&layout, f.len, o->first);
		/* Its buffer is the first one, behind which there are others. */
		if (o->cross && !n)
			layout.cut[0].off = XEN_PAGE - 1;
		if (netfront_room(q) < NETFRONT_SLOTS)
			rc = send_wait(nf, q, NETFRONT_SLOTS);
		rc = rc ? rc : netfront_send(q, &m, frame, f.len, &layout);
		if (n % BATCH == BATCH - 1)
			kick_all(nf);
	}
	for (uint32_t i = 0; i < netfront_info(nf)->queues && !rc; i++)
		rc = send_wait(nf, netfront_queue(nf, i), NETFRONT_RING);
	printf("sent %u frames, %llu bytes, %llu slots refused\n", n,
	       (unsigned long long)bytes,
	       (unsigned long long)netfront_stats(nf).tx_errors);
	return rc;
}

static int check_queue(struct netfront *nf, struct netfront_queue *q,
                       struct flow_check *c)
{
	static uint8_t frame[NETFRONT_FRAME_MAX];
	struct netfront_meta m;
	char why[128];
	int len, ours = 0;

	while ((len = netfront_recv(q, &m, frame)) > 0) {
		int rc = flow_check(c, frame, (uint32_t)len, &m, why, sizeof(why));

		if (rc < 0) {
			log_err(netfront_tag(nf), "wrong frame: %s", why);
			return rc;
		}
		ours += rc;
	}
	return len < 0 ? len : ours;
}

int check_some(struct netfront *nf, struct flow_check *c)
{
	int ours = 0;

	for (uint32_t i = 0; i < netfront_info(nf)->queues; i++) {
		int n = check_queue(nf, netfront_queue(nf, i), c);

		if (n < 0)
			return n;
		ours += n;
	}
	kick_all(nf);
	return ours;
}

static int check_all(const struct opts *o, struct netfront *nf, struct flow_check *c)
{
	int64_t end = front_ms() + PATIENCE * (int64_t)o->idle_ms;
	struct pollfd none = { .fd = -1 };
	int rc = 0;

	/* Frames that are not of ours may come for ever. */
	while (rc == 0 && front_left(end)) {
		int ours = check_some(nf, c);

		if (ours < 0)
			return ours;
		if (ours)
			end = front_ms() + o->idle_ms;
		rc = netfront_wait(nf, &none, front_left(end));
	}
	/* A signal, or silence, is how it ends. */
	return rc == -ETIMEDOUT || rc > 0 ? 0 : rc;
}

int cmd_check(const struct opts *o, struct netfront *nf)
{
	struct flow_check c = { .me = netfront_info(nf)->mac,
		                .seed = o->seed,
		                .takes = netfront_takes(&o->conf) };
	struct flow_seen sum;
	unsigned int flows;
	int rc;

	printf("ready\n");
	fflush(stdout);
	rc = check_all(o, nf, &c);
	flows = flow_sum(&c, &sum);
	printf("%llu checksums were blank\n", (unsigned long long)sum.blank);
	printf("%s: %u flows, %llu frames, of which %llu to be segmented, %llu bytes, "
	       "%llu gaps\n",
	       rc == -EILSEQ ? "wrong" : "right", flows, (unsigned long long)sum.frames,
	       (unsigned long long)sum.segmented, (unsigned long long)sum.bytes,
	       (unsigned long long)sum.gaps);
	return rc;
}
