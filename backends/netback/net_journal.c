/* SPDX-License-Identifier: MIT */
#include "net_journal.h"

#include <errno.h>
#include <stdio.h>

#include "shown.h"

#define JOURNAL_MAGIC 0x4e425650U /* "PVBN" */

/* A process that is killed has done what comes before, as the code has it. */
static void in_this_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void net_journal_answer(struct net_journal_ring *j, struct ring_back *r,
                        const struct xen_netif_ctrl_response *rsp)
{
	uint8_t *to =
		j->rsp + (r->rsp_prod % NET_JOURNAL_CTRL) * (size_t)NET_JOURNAL_ANSWER;

	assert(r->size == NET_JOURNAL_CTRL && r->rsp_prod != r->req_cons);
	memset(to, 0, NET_JOURNAL_ANSWER);
	memcpy(to, rsp, sizeof(*rsp));
	r->rsp_prod++;
}

static forced_inline void write_out(const struct net_journal_ring *j,
                                    const struct ring_back *r, uint32_t slots,
                                    uint32_t bytes)
{
	for (uint32_t i = r->rsp_pub; i != r->rsp_prod; i++)
		ring_move(ring_slot(r, i), j->rsp + (i % slots) * (size_t)bytes, bytes);
}

bool net_journal_publish(struct net_journal_ring *j, struct ring_back *r)
{
	bool notify;

	if (r->rsp_prod == r->rsp_pub)
		return false;
	shown_next(&j->shown, r->rsp_prod);
	in_this_order();
	if (r->size == NET_JOURNAL_SLOTS)
		write_out(j, r, NET_JOURNAL_SLOTS, NET_JOURNAL_RSP);
	else
		write_out(j, r, NET_JOURNAL_CTRL, NET_JOURNAL_ANSWER);
	notify = ring_publish(r);
	shown_done(&j->shown, r->rsp_prod);
	return notify;
}

int net_journal_begin(struct net_journal_ring *j, struct ring_back *r, bool resume,
                      char *text, size_t size)
{
	if (resume && ring_resume(r) != V_OK) {
		snprintf(text, size, "a ring's indices cannot be");
		return -EPROTO;
	}
	shown_done(&j->shown, r->rsp_prod);
	return 0;
}

int net_journal_go_on(struct net_journal_ring *j, struct ring_back *r, char *text,
                      size_t size)
{
	uint32_t prod = ring_shown(r), showing;
	int rc = shown_find(&j->shown, r->size, prod, &showing, text, size);

	if (rc)
		return rc;
	ring_continue(r, showing, prod);
	r->rsp_prod = showing;
	net_journal_publish(j, r);
	shown_done(&j->shown, showing);
	return 0;
}

int net_journal_attach(struct net_journal *j, struct ring_back *tx, struct ring_back *rx,
                       bool resume, char *text, size_t text_size)
{
	int rc;

	if (j->started) {
		if (j->magic != JOURNAL_MAGIC || j->version != NET_JOURNAL_VERSION) {
			snprintf(text, text_size,
			         "the journal is of version %u, this worker knows %u",
			         j->version, NET_JOURNAL_VERSION);
			return -EPROTO;
		}
		rc = net_journal_go_on(&j->tx, tx, text, text_size);
		return rc ? rc : net_journal_go_on(&j->rx, rx, text, text_size);
	}
	j->magic = JOURNAL_MAGIC;
	j->version = NET_JOURNAL_VERSION;
	rc = net_journal_begin(&j->tx, tx, resume, text, text_size);
	rc = rc ? rc : net_journal_begin(&j->rx, rx, resume, text, text_size);
	if (!rc)
		__atomic_store_n(&j->started, 1, __ATOMIC_RELEASE);
	return rc;
}
