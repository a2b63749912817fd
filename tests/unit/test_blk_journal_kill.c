/* SPDX-License-Identifier: MIT */
/*
 * A worker that is killed between any two instructions.
 *
 * A process serves a small ring with the journal and is run one instruction at a time.
 * Whenever the memory that would outlive it has changed, a successor takes a copy of that
 * memory up, finishes the work, and the guest's view of it is judged: each request
 * answered once, the order kept. Then the successor is run one instruction at a time, in
 * turn.
 */
#include "steps.h"

#include "blk_journal.h"
#include "ring.h"

#define SLOTS   4U
#define NREQ    14U
#define SECTORS 4U

/** struct wire - A request on this ring; a response is its first 8 bytes */
struct wire {
	uint32_t id;
	uint32_t op;
	uint32_t sector;
	uint32_t value;
};

enum {
	READ,
	WRITE,
	FLUSH,
	DISCARD,
	BAD
};

/*
 * What the guest asks for, as early as the ring has room. Writes to one sector are in
 * flight together.
 */
static const struct wire script[NREQ] = {
	{ 0, WRITE, 0, 10 },  { 1, WRITE, 0, 11 },  { 2, FLUSH, 0, 0 },
	{ 3, WRITE, 1, 13 },  { 4, BAD, 0, 0 },     { 5, READ, 0, 0 },
	{ 6, WRITE, 0, 16 },  { 7, DISCARD, 1, 0 }, { 8, WRITE, 2, 18 },
	{ 9, FLUSH, 0, 0 },   { 10, WRITE, 2, 20 }, { 11, BAD, 0, 0 },
	{ 12, WRITE, 3, 22 }, { 13, FLUSH, 0, 0 },
};

#define BAD_STATUS (-1)

/** struct world - All that a worker's death leaves: ring, journal, disk; and the guest */
struct world {
	uint32_t ring[(64 + SLOTS * sizeof(struct wire)) / 4];
	uint8_t journal[4096];
	uint32_t disk[SECTORS], stable[SECTORS];
	/* The guest's own; it does not die: @busy in the middle of a turn. */
	uint32_t busy, sent, seen;
	uint32_t answers[NREQ];
	int32_t status[NREQ];
	/* When, in steps of the guest: a write may be undone by none that came later. */
	uint32_t sent_at[NREQ], seen_at[NREQ], clock;
};

/** struct server - What dies with a worker */
struct server {
	struct world *w;
	struct ring_back ring;
	struct blk_journal j;
	uint32_t n;
	uint16_t rec[SLOTS];
	bool answered[SLOTS];
	/* By index of the ring: the record for the next request, or of the response. */
	uint16_t order[SLOTS];
};

/* ---- The guest -------------------------------------------------------------------- */

static void guest_turn(struct world *w)
{
	struct ring_page *p = (struct ring_page *)(void *)w->ring;
	struct wire *slot = (struct wire *)(void *)p->slots;

	__atomic_store_n(&w->busy, 1, __ATOMIC_SEQ_CST);
	w->clock++;
	for (; w->seen != p->rsp_prod; w->seen++) {
		const struct wire *r = &slot[w->seen % SLOTS];

		assert_true(r->id < NREQ);
		w->seen_at[r->id] = w->clock;
		w->status[r->id] = (int32_t)r->op;
		w->answers[r->id]++;
	}
	while (w->sent < NREQ && w->sent - w->seen < SLOTS) {
		slot[w->sent % SLOTS] = script[w->sent];
		w->sent_at[w->sent] = w->clock;
		w->sent++;
	}
	__atomic_store_n(&p->req_prod, w->sent, __ATOMIC_RELEASE);
	__atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE);
}

static void guest_judge(const struct world *w)
{
	for (uint32_t i = 0; i < NREQ; i++) {
		assert_int_equal(w->answers[i], 1);
		assert_int_equal(w->status[i], script[i].op == BAD ? BAD_STATUS : 0);
	}
	/* What is there was written by one that no other write came after. */
	for (uint32_t s = 0; s < SECTORS; s++) {
		bool found = false;

		for (uint32_t i = 0; i < NREQ; i++) {
			bool late = script[i].op == WRITE || script[i].op == DISCARD;

			if (!late || script[i].sector != s)
				continue;
			for (uint32_t k = 0; k < NREQ; k++)
				if ((script[k].op == WRITE || script[k].op == DISCARD) &&
				    script[k].sector == s &&
				    w->sent_at[k] >= w->seen_at[i] && k != i)
					late = false;
			found |= late && w->disk[s] == script[i].value;
		}
		assert_true(found);
		assert_int_equal(w->disk[s], w->stable[s]);
	}
}

/* ---- The worker ------------------------------------------------------------------- */

static void serve(struct server *sv, uint32_t rec)
{
	const struct wire *q = (const void *)blk_journal_rec(&sv->j, rec)->req;

	switch (q->op) {
	case WRITE:
	case DISCARD:
		sv->w->disk[q->sector] = q->value;
		break;
	case FLUSH:
		memcpy(sv->w->stable, sv->w->disk, sizeof(sv->w->disk));
		break;
	default:
		break;
	}
}

static void respond(struct server *sv, uint32_t k, int16_t status)
{
	const struct wire *q = (const void *)blk_journal_rec(&sv->j, sv->rec[k])->req;
	uint32_t rsp[2] = { q->id, (uint32_t)(int32_t)status };
	uint32_t index = sv->ring.rsp_prod;

	sv->order[index % SLOTS] = sv->rec[k];
	ring_respond(&sv->ring, rsp, sizeof(rsp));
	blk_journal_answer(blk_journal_rec(&sv->j, sv->rec[k]), index, status);
	sv->answered[k] = true;
}

static void publish(struct server *sv)
{
	uint32_t left = 0;

	blk_journal_showing(&sv->j, sv->ring.rsp_prod);
	ring_publish(&sv->ring);
	blk_journal_shown(&sv->j, sv->ring.rsp_prod);
	for (uint32_t k = 0; k < sv->n; k++) {
		if (sv->answered[k])
			continue;
		sv->answered[left] = false;
		sv->rec[left++] = sv->rec[k];
	}
	sv->n = left;
}

static void take(struct server *sv)
{
	uint32_t waiting;

	assert_int_equal(ring_requests(&sv->ring, &waiting), V_OK);
	while (waiting--) {
		uint32_t index = sv->ring.req_cons, i = sv->order[index % SLOTS];

		ring_take(&sv->ring, blk_journal_rec(&sv->j, i)->req,
		          sizeof(struct wire));
		blk_journal_take(blk_journal_rec(&sv->j, i), index);
		sv->rec[sv->n] = (uint16_t)i;
		sv->answered[sv->n++] = false;
	}
}

/*
 * A turn: the youngest first, and the oldest waits for another turn as long as there is
 * one younger; a flush comes after what it covers.
 */
static void turn(struct server *sv)
{
	uint32_t keep;

	take(sv);
	keep = sv->n > 1 ? 1 : 0;
	for (uint32_t k = sv->n; k-- > keep;) {
		const struct wire *q =
			(const void *)blk_journal_rec(&sv->j, sv->rec[k])->req;

		if (q->op == BAD) {
			respond(sv, k, BAD_STATUS);
		} else if (q->op == FLUSH) {
			for (uint32_t o = 0; o < k; o++)
				serve(sv, sv->rec[o]);
			serve(sv, sv->rec[k]);
			respond(sv, k, 0);
		} else {
			serve(sv, sv->rec[k]);
			respond(sv, k, 0);
		}
	}
	publish(sv);
}

static void server_init(struct server *sv, struct world *w)
{
	char text[128];

	*sv = (struct server){ .w = w };
	assert_int_equal(blk_journal_open(&sv->j, w->journal, sizeof(w->journal), SLOTS,
	                                  sizeof(struct wire), text, sizeof(text)),
	                 0);
	ring_init(&sv->ring, w->ring, sizeof(w->ring), sizeof(struct wire));
	assert_int_equal(sv->ring.size, SLOTS);
}

/* The first @n of @rec are in use. */
static void order_records(struct server *sv, const uint16_t *rec, uint32_t n)
{
	uint32_t index = sv->ring.req_cons;

	for (uint16_t i = 0; i < SLOTS; i++) {
		bool used = false;

		for (uint32_t k = 0; k < n; k++)
			used |= rec[k] == i;
		if (!used)
			sv->order[index++ % SLOTS] = i;
	}
}

static void serve_to_the_end(struct server *sv)
{
	while (sv->w->seen < NREQ) {
		guest_turn(sv->w);
		turn(sv);
		guest_turn(sv->w);
	}
}

static void first_life(void *w)
{
	struct server sv;

	server_init(&sv, w);
	blk_journal_start(&sv.j, 0);
	order_records(&sv, NULL, 0);
	serve_to_the_end(&sv);
}

/* Take up, finish what was left in order, go on. */
static void next_life(void *world)
{
	struct world *w = world;
	struct ring_page *p = (struct ring_page *)(void *)w->ring;
	struct blk_journal_left left;
	struct server sv;
	uint32_t last = 0;
	char text[128];
	int16_t status;

	server_init(&sv, w);
	if (!blk_journal_started(&sv.j)) {
		blk_journal_start(&sv.j, 0);
		order_records(&sv, NULL, 0);
	} else {
		assert_int_equal(blk_journal_take_up(&sv.j, p->rsp_prod, &left, text,
		                                     sizeof(text)),
		                 0);
		sv.ring.rsp_prod = sv.ring.rsp_pub = left.prod;
		sv.ring.req_cons = left.cons;
		order_records(&sv, left.rec, left.n);
		for (uint32_t k = 0; k < left.n; k++) {
			uint32_t i = left.rec[k];
			const struct wire *q =
				(const void *)blk_journal_rec(&sv.j, i)->req;

			assert_true(!k || q->id > last);
			last = q->id;
			sv.rec[sv.n] = (uint16_t)i;
			sv.answered[sv.n++] = false;
			if (blk_journal_state(&sv.j, i, &status) != BLK_JOURNAL_DONE) {
				serve(&sv, i);
				status = q->op == BAD ? BAD_STATUS : 0;
			}
			respond(&sv, k, status);
			/* Not all at once: the guest goes on meanwhile. */
			if (k % 2) {
				uint32_t before = sv.n;

				publish(&sv);
				guest_turn(w);
				k -= before - sv.n;
				left.n -= before - sv.n;
				memmove(left.rec, left.rec + (before - sv.n),
				        left.n * sizeof(left.rec[0]));
			}
		}
		publish(&sv);
	}
	serve_to_the_end(&sv);
}

/* ---- One instruction at a time --------------------------------------------------- */

static struct world *new_world(void)
{
	struct world *w = steps_world(sizeof(*w));

	blk_journal_make(w->journal, SLOTS, sizeof(struct wire));
	return w;
}

static bool guest_rests(const void *world)
{
	const struct world *w = world;

	return !__atomic_load_n(&w->busy, __ATOMIC_ACQUIRE);
}

static long successors;

static void succeed(const void *w, long n)
{
	struct world *copy = calloc(1, sizeof(*copy));

	(void)n;
	assert_non_null(copy);
	memcpy(copy, w, sizeof(*copy));
	next_life(copy);
	guest_judge(copy);
	free(copy);
	successors++;
}

/* The successor is killed as well, each 23rd of them: a number prime to the work's. */
static void succeed_twice(const void *w, long n)
{
	static const struct steps next = { next_life, guest_rests, succeed,
		                           sizeof(struct world) };
	struct world *copy;

	succeed(w, n);
	if (n % 23)
		return;
	copy = new_world();
	memcpy(copy, w, sizeof(*copy));
	steps_run(&next, copy);
	guest_judge(copy);
	munmap(copy, sizeof(*copy));
}

static void killed_between_any_two_instructions(void **state)
{
	static const struct steps first = { first_life, guest_rests, succeed_twice,
		                            sizeof(struct world) };
	struct world *w = new_world();
	long n = steps_run(&first, w);

	(void)state;
	if (n < 0) {
		print_message("processes cannot be traced here\n");
		skip();
	}
	guest_judge(w);
	munmap(w, sizeof(*w));
	/* Each request is taken and answered, by several stores each. */
	assert_true(n > (long)NREQ * 7);
	assert_true(successors > n * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_between_any_two_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
