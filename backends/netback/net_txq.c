/* SPDX-License-Identifier: MIT */
#include "net_txq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- What becomes of a frame ----------------------------------------------------- */

static seldom void txq_captured(const struct net_txq *q, const struct net_tx_work *w,
                                const char *what, bool lost, const struct iovec *iov,
                                uint32_t n)
{
	struct net_captured f = { .dir = CAPTURE_TX,
		                  .what = what,
		                  .queue = q->nr,
		                  .index = q->ring.req_cons - q->taken + w->slot,
		                  .slots = w->f.nslots,
		                  .len = w->f.len,
		                  .lost = lost,
		                  .csum_blank = w->f.csum_blank,
		                  .validated = w->f.validated,
		                  .gso_type = w->f.gso_type,
		                  .gso_size = w->f.gso_size };

	net_capture_add(q->capture, &f, iov, n);
}

/* It is not sent, and that is counted; @iov: what is there of it. */
static seldom void txq_lose(struct net_txq *q, const struct net_tx_work *w,
                            const struct net_loss *why, const struct iovec *iov,
                            uint32_t n)
{
	net_loss_add(q->stats, why);
	if (q->capture)
		txq_captured(q, w, why->name, true, iov, n);
}

/* ---- Take and judge --------------------------------------------------------------- */

static enum verdict txq_take(struct net_txq *q, const char **why)
{
	uint32_t n;

	/* What waits for its turn goes first; the guest publishes whole frames. */
	if (q->judged != q->taken)
		return V_OK;
	q->taken = q->judged = 0;
	if (ring_requests(&q->ring, &n) != V_OK) {
		*why = "the ring's index cannot be: more slots than the ring has";
		return V_FATAL;
	}
	if (!n)
		return V_OK;
	stats_add(&q->stats->requests, n);
	q->since = net_turn_ns(q->now);
	for (; q->taken < n; q->taken++)
		ring_take(&q->ring, &q->slot[q->taken], sizeof(q->slot[0]));
	return V_OK;
}

/* Memory for a part of a frame that does not cross a page: each would be a copy more. */
static uint8_t *txq_place(struct net_txq *q, size_t *at, uint32_t len)
{
	uint8_t *p;

	if (*at % XEN_PAGE + len > XEN_PAGE)
		*at = (*at | (XEN_PAGE - 1)) + 1;
	p = q->arena + *at;
	*at += len;
	assert(*at <= NET_TX_ARENA);
	return p;
}

static void txq_copy(struct net_txq *q, struct net_tx_work *w, size_t *at)
{
	/* Of the TAP's header and the frame, the second is what is aligned. */
	*at = (*at + NET_TX_ALIGN - 1) / NET_TX_ALIGN * NET_TX_ALIGN + NET_TX_ALIGN;
	for (uint32_t i = 0; i < w->f.nfrag; i++) {
		const struct net_tx_frag *frag = &w->f.frag[i];

		w->data[i] = txq_place(q, at, frag->len);
		if (frag->len)
			gnt_batch_add(q->batch, GNT_FROM_GUEST, frag->gref, frag->off,
			              w->data[i], frag->len);
	}
}

static enum verdict txq_judge(struct net_txq *q, uint64_t *wait, const char **why)
{
	static const struct net_loss refused[NET_TX_NCAUSES] = {
		[NET_TX_SLOTS] = NET_LOSS(tx_refused_slots),
		[NET_TX_SIZE] = NET_LOSS(tx_refused_size),
		[NET_TX_SHORT] = NET_LOSS(tx_refused_short),
	};
	size_t at = 0;

	*wait = 0;
	q->nwork = 0;
	while (q->judged < q->taken && at < (size_t)NET_TX_PAGES * XEN_PAGE) {
		struct net_tx_work *w = &q->work[q->nwork];

		w->slot = q->judged;
		w->v = net_tx_parse(&q->slot[q->judged], q->taken - q->judged, &w->f,
		                    why);
		if (w->v == V_FATAL) {
			if (q->capture)
				txq_captured(q, w, "ring_broken", true, NULL, 0);
			return V_FATAL;
		}
		if (w->v == V_REJECT) {
			txq_lose(q, w, &refused[w->f.cause], NULL, 0);
			log_guest(&q->limit, q->tag, "frame refused: %s", *why);
		} else if (w->f.kind == NET_TX_FRAME) {
			*wait = q->allow(q->arg, w->f.len);
			if (*wait) {
				stats_add(&q->stats->tx_limited, 1);
				return V_OK;
			}
			txq_copy(q, w, &at);
		}
		q->judged += w->f.nslots;
		q->nwork++;
	}
	return V_OK;
}

/* ---- Answer ----------------------------------------------------------------------- */

static forced_inline void txq_answer(struct net_txq *q, const struct net_tx_work *w,
                                     uint32_t i, int16_t status)
{
	struct netif_tx_response rsp =
		net_tx_answer(&q->slot[w->slot], w->f.nextra, i, status);

	net_journal_respond(q->journal, &q->ring, &rsp, sizeof(rsp));
}

static void txq_answer_all(struct net_txq *q, const struct net_tx_work *w, int16_t status)
{
	for (uint32_t i = 0; i < w->f.nslots; i++)
		txq_answer(q, w, i, status);
	stats_add(&q->stats->answers, w->f.nslots);
}

/*
 * Slots of a frame, an error for those that could not be copied; @copy: the next of the
 * turn's. Return: all could.
 */
static seldom bool txq_answer_copied(struct net_txq *q, const struct net_tx_work *w,
                                     uint32_t *copy)
{
	bool all = true;

	for (uint32_t i = 0, frag = 0; i < w->f.nslots; i++) {
		bool ok = true;

		if ((i < 1 || i > w->f.nextra) && w->f.frag[frag++].len)
			ok = gnt_batch_ok(q->batch, (*copy)++, 1);
		all &= ok;
		txq_answer(q, w, i, ok ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
	}
	stats_add(&q->stats->answers, w->f.nslots);
	return all;
}

/* ---- Frames for the TAP ----------------------------------------------------------- */

static void out_add(struct net_tx_out *o, uint8_t *data, size_t len)
{
	struct iovec *last = &o->iov[o->niov - 1];

	if (!len)
		return;
	if ((uint8_t *)last->iov_base + last->iov_len == data)
		last->iov_len += len;
	else
		o->iov[o->niov++] = (struct iovec){ data, len };
}

/* The first @n bytes of the frame, wherever they are, into one place. */
static void head_gather(const struct net_tx_work *w, uint8_t *head, uint32_t n)
{
	for (uint32_t i = 0, done = 0; done < n; i++) {
		uint32_t part = w->f.frag[i].len;

		if (part > n - done)
			part = n - done;
		memcpy(head + done, w->data[i], part);
		done += part;
	}
}

/* Make @o a frame of which the TAP has been told all. Return: V_OK or V_REJECT. */
static enum verdict out_fill(struct net_tx_out *o, const struct net_tx_work *w)
{
	uint32_t n = w->f.len < NET_HEAD_MAX ? w->f.len : NET_HEAD_MAX;
	bool whole = w->f.frag[0].len >= n;
	uint8_t *head = whole ? w->data[0] : o->head + NET_TX_ALIGN;
	uint32_t first = whole ? w->f.frag[0].len : n, skip = whole ? 0 : n;
	struct virtio_net_hdr hdr;
	enum verdict v;

	/* The headers that are judged are the ones that are sent (XSA-423). */
	if (!whole)
		head_gather(w, head, n);
	v = net_vnet_from_tx(&w->f, head, n, &hdr);
	memcpy(head - sizeof(hdr), &hdr, sizeof(hdr));
	o->iov[0] = (struct iovec){ head - sizeof(hdr), sizeof(hdr) + first };
	o->niov = 1;
	o->len = w->f.len;
	o->work = w;
	o->first = head;
	for (uint32_t i = whole; i < w->f.nfrag; i++) {
		uint32_t len = w->f.frag[i].len, cut = len < skip ? len : skip;

		out_add(o, w->data[i] + cut, len - cut);
		skip -= cut;
	}
	return v;
}

/* The frame alone, once the TAP has no use for its header any more; for who looks on. */
static seldom const struct iovec *out_data(struct net_tx_out *o)
{
	o->iov[0].iov_base =
		(uint8_t *)o->iov[0].iov_base + sizeof(struct virtio_net_hdr);
	o->iov[0].iov_len -= sizeof(struct virtio_net_hdr);
	return o->iov;
}

/* It is not sent, and that is counted. */
static seldom void out_lose(struct net_txq *q, struct net_tx_out *o,
                            const struct net_loss *why)
{
	txq_lose(q, o->work, why, out_data(o), o->niov);
}

static int16_t txq_mcast(struct net_txq *q, const struct net_tx_frame *f)
{
	if (f->kind == NET_TX_MCAST_DEL)
		net_mcast_del(q->mcast, f->mac);
	else if (net_mcast_add(q->mcast, f->mac))
		return NETIF_RSP_ERROR;
	return NETIF_RSP_OKAY;
}

/* Return: it is not to be sent. */
static seldom bool txq_foreign(struct net_txq *q, struct net_tx_out *o,
                               enum net_spoof why)
{
	static const struct {
		struct net_loss loss;
		const char *text;
	} row[] = {
#define X(name, text) [NET_SPOOF_##name] = { NET_LOSS(tx_spoof_##name), text },
		NET_SPOOFS(X)
#undef X
	};
	bool drop = q->spoof->mode == NET_SPOOF_DROP;

	log_guest(&q->limit, q->tag, "frame %s: %s",
	          drop ? "dropped" : "that may not be, but is sent", row[why].text);
	if (drop)
		out_lose(q, o, &row[why].loss);
	else
		net_loss_add(q->stats, &row[why].loss);
	return drop;
}

/* Does the guest send it as another, and is it not to? */
static bool txq_spoofed(struct net_txq *q, struct net_tx_out *o)
{
	enum net_spoof s;

	if (!q->spoof)
		return false;
	s = net_spoof_judge(q->spoof, o->first,
	                    o->len < NET_HEAD_MAX ? o->len : NET_HEAD_MAX, o->len);
	return s != NET_SPOOF_clean && txq_foreign(q, o, s);
}

/* @copy: the next of the turn's, or NULL: all of them went well. */
static void txq_finish(struct net_txq *q, const struct net_tx_work *w, uint32_t *copy)
{
	static const struct net_loss grants = NET_LOSS(tx_grants),
				     headers = NET_LOSS(tx_headers);
	struct net_tx_out *o = &q->out[q->nout];

	if (w->v != V_OK || w->f.kind != NET_TX_FRAME) {
		txq_answer_all(q, w,
		               w->v == V_OK ? txq_mcast(q, &w->f) : NETIF_RSP_ERROR);
		return;
	}
	if (!copy)
		txq_answer_all(q, w, NETIF_RSP_OKAY);
	if (copy && !txq_answer_copied(q, w, copy)) {
		txq_lose(q, w, &grants, NULL, 0);
		log_guest(&q->limit, q->tag, "frame dropped: a grant cannot be copied");
	} else if (out_fill(o, w) != V_OK) {
		out_lose(q, o, &headers);
		log_guest(&q->limit, q->tag,
		          "frame dropped: its headers are not what its offloads need");
	} else if (!txq_spoofed(q, o)) {
		q->nout++;
	}
}

enum verdict net_txq_turn(struct net_txq *q, uint64_t *wait, const char **why)
{
	uint32_t ncopies, copy = 0;
	enum verdict v;
	bool copied;

	*wait = 0;
	if (net_txq_held(q))
		return V_OK;
	q->nout = q->written = 0;
	v = txq_take(q, why);
	if (v == V_OK)
		v = txq_judge(q, wait, why);
	else
		q->nwork = 0;
	ncopies = gnt_batch_len(q->batch);
	if (ncopies) {
		stats_add(&q->stats->copy_calls, 1);
		stats_add(&q->stats->copy_segs, ncopies);
		gnt_batch_run(q->batch);
	}
	copied = gnt_batch_ok(q->batch, 0, ncopies);
	for (uint32_t i = 0; i < q->nwork; i++)
		txq_finish(q, &q->work[i], copied ? NULL : &copy);
	return v;
}

void net_txq_shown(struct net_txq *q, uint64_t now)
{
	if (q->nwork)
		hist_add_many(q->hist, now - q->since, q->nwork);
	q->nwork = 0;
}

/* ---- Write ------------------------------------------------------------------------ */

static ssize_t out_write(int tap, const struct net_tx_out *o)
{
	return o->niov == 1 ? write(tap, o->iov[0].iov_base, o->iov[0].iov_len)
	                    : writev(tap, o->iov, (int)o->niov);
}

void net_txq_write(struct net_txq *q)
{
	/* Or out of memory, or it doubts the header. */
	static const struct net_loss down = NET_LOSS(tx_down), tap = NET_LOSS(tx_tap);

	while (net_txq_held(q) && !q->dead) {
		struct net_tx_out *o = &q->out[q->written];
		ssize_t n = out_write(q->tap, o);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			stats_add(&q->stats->tx_held, 1);
			return;
		}
		q->written++;
		q->dead = n < 0 && errno == EBADFD;
		if (n < 0) {
			out_lose(q, o, errno == EIO ? &down : &tap);
			continue;
		}
		stats_add(&q->stats->tx_frames, 1);
		stats_add(&q->stats->tx_bytes, o->len);
		if (q->capture)
			txq_captured(q, o->work, "tx_frames", false, out_data(o),
			             o->niov);
	}
}
