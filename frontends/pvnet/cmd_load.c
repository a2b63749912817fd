/* SPDX-License-Identifier: MIT */
/*
 * pvnet load: send and check at once, with another pvnet load at the other side. Of each
 * flow only so many frames are under way that nobody's queue need overflow.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow.h"
#include "front.h"
#include "log.h"
#include "mix.h"
#include "pvnet.h"

/* Frames of all flows under way: a TAP's queue has 1000. */
#define WINDOW   384U
/* Frames put before what has come is looked at. */
#define BATCH    32U
/* Nothing has come of what is under way: another frame is sent to find out. */
#define PROBE_MS 20
/* How long the other side is waited for. */
#define MEET_MS  20000

/**
 * struct load - One side of it
 * @sent, @at:	By flow: serial number and place of what was sent last
 * @nr:		Of the flow that is to be tried next
 */
struct load {
	const struct opts *o;
	struct netfront *nf;
	struct mix mix;
	struct flow_check check;
	uint32_t sent[FLOWS_MAX];
	uint64_t at[FLOWS_MAX];
	uint32_t nr;
	uint64_t frames, bytes;
};

static bool met(const struct load *l)
{
	for (uint32_t i = 0; i < l->o->flows; i++)
		if (l->check.seen[i].met)
			return true;
	return false;
}

static struct netfront_queue *queue(const struct load *l, uint32_t flow)
{
	return netfront_queue(l->nf, flow % netfront_info(l->nf)->queues);
}

/* Return: 0, -EAGAIN for a full ring, other -errno. */
static int put(struct load *l, uint32_t flow, bool hello)
{
	static uint8_t frame[UINT16_MAX + 1];
	struct mix before = l->mix;
	struct netfront_layout layout;
	struct netfront_meta m;
	struct flow_frame f;
	uint32_t payload;
	int rc;

	mix_next(&l->mix, flow, hello ? 0 : l->sent[flow] + 1, &f, &layout);
	f.from = netfront_info(l->nf)->mac;
	f.to = l->o->to;
	f.at = hello ? 0 : l->at[flow];
	/* Cut into segments, it would look as if it had a place. */
	f.segment = hello ? 0 : f.segment;
	f.ack = l->check.seen[flow].serial;
	payload = flow_make(&f, frame, &m);
	rc = netfront_send(queue(l, flow), &m, frame, f.len, &layout);
	if (rc) {
		l->mix = before;
		return rc;
	}
	if (hello)
		return 0;
	l->sent[flow]++;
	l->at[flow] += payload;
	l->frames++;
	l->bytes += payload;
	return 0;
}

static bool open_window(const struct load *l, uint32_t flow)
{
	return l->sent[flow] - l->check.seen[flow].ack < l->o->window;
}

/* Return: frames put, or -errno. */
static int put_some(struct load *l)
{
	uint32_t tries = 0;
	int n = 0;

	while (n < (int)BATCH && tries++ < l->o->flows) {
		uint32_t flow = l->nr++ % l->o->flows;
		int rc;

		if (!open_window(l, flow))
			continue;
		if (netfront_room(queue(l, flow)) < NETFRONT_SLOTS)
			continue;
		rc = put(l, flow, false);
		if (rc)
			return rc == -EAGAIN ? n : rc;
		tries = 0;
		n++;
	}
	return n;
}

/* One frame of each flow: what is under way may be lost, or nobody is there yet. */
static int probe(struct load *l, bool hello)
{
	for (uint32_t i = 0; i < l->o->flows; i++) {
		int rc = netfront_room(queue(l, i)) < NETFRONT_SLOTS ? -EAGAIN
		                                                     : put(l, i, hello);

		if (rc)
			return rc == -EAGAIN ? 0 : rc;
	}
	return 0;
}

/* Take what there is, or sleep until there is something. Return: frames, or -errno. */
static int take(struct load *l, int sleep_ms)
{
	struct pollfd none = { .fd = -1 };
	int rc, n = check_some(l->nf, &l->check);

	if (n || !sleep_ms)
		return n;
	rc = netfront_wait(l->nf, &none, sleep_ms);
	if (rc && rc != -ETIMEDOUT)
		return rc < 0 ? rc : -EINTR;
	return 0;
}

static int meet(struct load *l)
{
	int64_t end = front_ms() + MEET_MS, next = 0;
	int rc = 0;

	while (rc >= 0 && !met(l)) {
		if (!front_left(end)) {
			log_err(netfront_tag(l->nf), "nobody has answered");
			return -ETIMEDOUT;
		}
		if (!front_left(next)) {
			rc = probe(l, true);
			next = front_ms() + PROBE_MS;
		}
		rc = rc ? rc : take(l, PROBE_MS);
	}
	/* It may not have heard of us. */
	return rc < 0 ? rc : probe(l, true);
}

static int exchange(struct load *l)
{
	int64_t end = front_ms() + l->o->seconds * INT64_C(1000);
	int64_t heard = front_ms();
	int rc = 0;

	while (!rc && front_left(end)) {
		int in = 0, out = put_some(l);

		if (out >= 0)
			in = take(l, out ? 0 : PROBE_MS);
		if (out < 0 || in < 0)
			return out < 0 ? out : in;
		if (!in && !out && front_ms() - heard >= PROBE_MS)
			rc = probe(l, false);
		else if (!in && !out)
			continue;
		heard = front_ms();
	}
	return rc;
}

/* What is under way is waited for. */
static int finish(struct load *l)
{
	int64_t end = front_ms() + l->o->idle_ms;
	int n = 0;

	while (n >= 0 && front_left(end)) {
		n = take(l, front_left(end));
		if (n > 0)
			end = front_ms() + l->o->idle_ms;
	}
	return n < 0 ? n : 0;
}

int cmd_load(const struct opts *o, struct netfront *nf)
{
	const struct netfront_info *i = netfront_info(nf);
	struct load l = { .o = o,
		          .nf = nf,
		          .mix = { .seed = o->seed,
		                   .min = o->min,
		                   .max = o->max,
		                   .mtu = i->mtu ? i->mtu : 1500,
		                   .info = *i },
		          .check = { .me = i->mac,
		                     .from = o->to,
		                     .seed = o->seed,
		                     .takes = netfront_takes(&o->conf) } };
	struct flow_seen sum;
	unsigned int flows;
	int rc;

	if (!o->have_to) {
		log_err(NULL, "--to is needed");
		return -EINVAL;
	}
	rc = meet(&l);
	rc = rc ? rc : exchange(&l);
	rc = rc ? rc : finish(&l);
	flows = flow_sum(&l.check, &sum);
	printf("%s: %u flows; sent %llu frames, %llu bytes, %llu slots refused; received "
	       "%llu frames, %llu bytes, %llu to be segmented; %llu lost\n",
	       rc == -EILSEQ ? "wrong" : "right", flows, (unsigned long long)l.frames,
	       (unsigned long long)l.bytes,
	       (unsigned long long)netfront_stats(nf).tx_errors,
	       (unsigned long long)sum.frames, (unsigned long long)sum.bytes,
	       (unsigned long long)sum.segmented, (unsigned long long)sum.lost);
	return rc;
}
