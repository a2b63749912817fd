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

enum kind {
	FRAME,
	HELLO,
	BYE,
};

/**
 * struct load - One side of it
 * @sent, @at:	By flow: serial number and place of what was sent last
 * @nr:		Of the flow that is to be tried next
 * @next:	Another headroom when so many frames are sent
 * @changes:	Begun
 */
struct load {
	const struct opts *o;
	struct netfront *nf;
	struct mix mix;
	struct flow_check check;
	uint32_t sent[FLOWS_MAX];
	uint64_t at[FLOWS_MAX];
	uint32_t nr;
	uint32_t changes;
	uint64_t next;
	uint64_t frames, bytes;
};

/*
 * On each flow: where no program of the backend's chooses, a TAP of several queues gives
 * a flow to the queue that it was last sent from, and what was given to another one
 * before may come later (tun_flow_update()).
 */
static bool met(const struct load *l)
{
	for (uint32_t i = 0; i < l->o->flows; i++)
		if (!l->check.seen[i].met)
			return false;
	return true;
}

static struct netfront_queue *queue(const struct load *l, uint32_t flow)
{
	return netfront_queue(l->nf, flow % netfront_info(l->nf)->queues);
}

/* Return: 0, -EAGAIN for a full ring, other -errno. */
static int put(struct load *l, uint32_t flow, enum kind kind)
{
	static uint8_t frame[UINT16_MAX + 1];
	struct mix before = l->mix;
	struct netfront_layout layout;
	struct netfront_meta m;
	struct flow_frame f;
	uint32_t payload;
	int rc;

	mix_next(&l->mix, flow, kind == FRAME ? l->sent[flow] + 1 : 0, &f, &layout);
	f.from = netfront_info(l->nf)->mac;
	f.to = l->o->to;
	f.at = kind == FRAME ? l->at[flow] : kind == BYE ? FLOW_BYE : 0;
	/* Cut into segments, it would look as if it had a place. */
	f.segment = kind == FRAME ? f.segment : 0;
	f.ack = l->check.seen[flow].serial;
	payload = flow_make(&f, frame, &m);
	rc = netfront_send(queue(l, flow), &m, frame, f.len, &layout);
	if (rc) {
		l->mix = before;
		return rc;
	}
	if (kind != FRAME)
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
		rc = put(l, flow, FRAME);
		if (rc)
			return rc == -EAGAIN ? n : rc;
		tries = 0;
		n++;
	}
	return n;
}

/* One frame of each flow: what is under way may be lost, or nobody is there yet. */
static int probe(struct load *l, enum kind kind)
{
	for (uint32_t i = 0; i < l->o->flows; i++) {
		int rc = netfront_room(queue(l, i)) < NETFRONT_SLOTS ? -EAGAIN
		                                                     : put(l, i, kind);

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
			rc = probe(l, HELLO);
			next = front_ms() + PROBE_MS;
		}
		rc = rc ? rc : take(l, PROBE_MS);
	}
	/* It may not have heard of us. */
	return rc < 0 ? rc : probe(l, HELLO);
}

static bool changed(const struct load *l)
{
	return netfront_stats(l->nf).reconfigured == l->o->changes;
}

/* Another headroom, when the last change is through and frames have gone. */
static int change(struct load *l)
{
	int rc;

	if (l->changes == l->o->changes || l->frames < l->next)
		return 0;
	rc = netfront_headroom(l->nf, l->changes % 2 ? l->o->conf.headroom : 0);
	if (rc == -EBUSY) {
		struct pollfd none = { .fd = -1 };

		/* Where frames never end nothing else looks at XenStore. */
		rc = netfront_wait(l->nf, &none, 0);
		return rc > 0 ? -EINTR : rc;
	}
	if (rc)
		return rc;
	l->changes++;
	l->next = l->frames + WINDOW;
	return 0;
}

static int exchange(struct load *l)
{
	int64_t end = front_ms() + l->o->seconds * INT64_C(1000);
	int64_t heard = front_ms();
	int rc = 0;

	while (!rc && (front_left(end) || !changed(l))) {
		int in = 0, out = put_some(l);

		if (out >= 0)
			in = take(l, out ? 0 : PROBE_MS);
		if (out < 0 || in < 0)
			return out < 0 ? out : in;
		rc = change(l);
		if (rc)
			return rc;
		if (!in && !out && front_ms() - heard >= PROBE_MS)
			rc = probe(l, FRAME);
		else if (!in && !out)
			continue;
		heard = front_ms();
	}
	return rc;
}

static bool all_acked(const struct load *l)
{
	for (uint32_t i = 0; i < l->o->flows; i++)
		if (l->check.seen[i].ack != l->sent[i])
			return false;
	return true;
}

static bool all_came(const struct load *l)
{
	for (uint32_t i = 0; i < l->o->flows; i++)
		if (!l->check.seen[i].bye)
			return false;
	return true;
}

static bool all_gone(struct load *l)
{
	for (uint32_t i = 0; i < netfront_info(l->nf)->queues; i++)
		if (netfront_room(netfront_queue(l->nf, i)) < NETFRONT_RING)
			return false;
	return true;
}

/* What is under way, both ways, is waited for, and that the other side knows it. */
static int finish(struct load *l)
{
	int64_t end = front_ms() + l->o->idle_ms, next = 0;
	struct flow_seen was, is;
	int rc = 0;

	flow_sum(&l->check, &was);
	while (rc >= 0 && front_left(end) && !(all_acked(l) && all_came(l))) {
		if (!front_left(next)) {
			rc = probe(l, all_acked(l) ? BYE : HELLO);
			next = front_ms() + PROBE_MS;
		}
		rc = rc ? rc : take(l, PROBE_MS);
		flow_sum(&l->check, &is);
		if (is.frames != was.frames)
			end = front_ms() + l->o->idle_ms;
		was = is;
	}
	rc = rc < 0 ? rc : probe(l, BYE);
	while (rc >= 0 && front_left(end) && !all_gone(l))
		rc = take(l, PROBE_MS);
	return rc < 0 ? rc : 0;
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
	if (o->changes)
		printf("headroom has changed %llu times\n",
		       (unsigned long long)netfront_stats(nf).reconfigured);
	return rc;
}
