/* SPDX-License-Identifier: MIT */
/*
 * The worker of a network card that is killed between any two instructions.
 *
 * A process answers a transmit and a receive ring through the journal and is run one
 * instruction at a time. Whenever the memory that would outlive it has changed, a
 * successor goes on with a copy of it, and the guest judges: each slot is answered once,
 * in order, each taken slot was one of its own, and what was lost is within the bound.
 * Then the successor is run one instruction at a time, in turn.
 */
#include "steps.h"

#include "net_journal.h"
#include "ring.h"
#include "xenabi.h"

#define SLOTS 256U
/* Slots of each ring that are to be answered, and most in a turn; the guest keeps the
 * rings full, so that each slot that was answered is used again at once. */
#define DONE  16U
#define NREQ  (DONE + TURN + SLOTS)
#define TURN  3U
#define TEXT  128U
/* It wraps on the way. */
#define BEGIN (SLOTS - 10U)

/** struct world - All that a worker's death leaves; and the guest */
struct world {
	uint32_t tx[XEN_PAGE / 4], rx[XEN_PAGE / 4];
	uint8_t journal[NET_JOURNAL_SIZE];
	/* Each slot of either ring that was served, by the number its guest knows it by.
	 */
	uint16_t served[2][NREQ];
	/* The guest's own. */
	uint32_t busy;
	uint32_t sent[2], seen[2];
};

#define TX 0
#define RX 1

static struct ring_page *page(struct world *w, int which)
{
	return (struct ring_page *)(void *)(which == TX ? w->tx : w->rx);
}

/* ---- The guest ------------------------------------------------------------------- */

static void tx_put(struct world *w, uint32_t i)
{
	struct netif_tx_request q = { .gref = 0x10000 + i,
		                      .offset = (uint16_t)i,
		                      .id = (uint16_t)i,
		                      .size = (uint16_t)(i + 1) };
	char *slot = (char *)page(w, TX)->slots;

	memcpy(slot + ((BEGIN + i) % SLOTS) * sizeof(union netif_tx_sring_entry), &q,
	       sizeof(q));
}

static void rx_put(struct world *w, uint32_t i)
{
	struct netif_rx_request q = { .id = (uint16_t)i, .gref = 0x20000 + i };
	char *slot = (char *)page(w, RX)->slots;

	memcpy(slot + ((BEGIN + i) % SLOTS) * sizeof(union netif_rx_sring_entry), &q,
	       sizeof(q));
}

static void tx_see(struct world *w, uint32_t i)
{
	const char *slot = (char *)page(w, TX)->slots;
	struct netif_tx_response a;

	memcpy(&a, slot + ((BEGIN + i) % SLOTS) * sizeof(union netif_tx_sring_entry),
	       sizeof(a));
	assert_int_equal(a.id, (uint16_t)i);
	assert_int_equal(a.status, NETIF_RSP_OKAY);
}

static void rx_see(struct world *w, uint32_t i)
{
	const char *slot = (char *)page(w, RX)->slots;
	struct netif_rx_response a;

	memcpy(&a, slot + ((BEGIN + i) % SLOTS) * sizeof(union netif_rx_sring_entry),
	       sizeof(a));
	assert_int_equal(a.id, (uint16_t)i);
	assert_int_equal(a.status, (int16_t)(i % 100 + 1));
}

/* Answers come in order. */
static void guest_turn(struct world *w)
{
	static void (*const put[])(struct world * w, uint32_t i) = { tx_put, rx_put };
	static void (*const see[])(struct world * w, uint32_t i) = { tx_see, rx_see };

	__atomic_store_n(&w->busy, 1, __ATOMIC_SEQ_CST);
	for (int r = TX; r <= RX; r++) {
		struct ring_page *p = page(w, r);

		for (; BEGIN + w->seen[r] != p->rsp_prod; w->seen[r]++) {
			assert_true(w->seen[r] < w->sent[r]);
			see[r](w, w->seen[r]);
		}
		while (w->sent[r] < NREQ && w->sent[r] - w->seen[r] < SLOTS)
			put[r](w, w->sent[r]++);
		__atomic_store_n(&p->req_prod, BEGIN + w->sent[r], __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE);
}

/* What waits in a ring is as the guest has put it there. */
static void waiting_judge(struct world *w)
{
	const char *tx = (char *)page(w, TX)->slots, *rx = (char *)page(w, RX)->slots;
	struct netif_tx_request t;
	struct netif_rx_request r;

	for (uint32_t i = w->seen[TX]; i < w->sent[TX]; i++) {
		memcpy(&t,
		       tx + ((BEGIN + i) % SLOTS) * sizeof(union netif_tx_sring_entry),
		       sizeof(t));
		assert_int_equal(t.gref, 0x10000 + i);
	}
	for (uint32_t i = w->seen[RX]; i < w->sent[RX]; i++) {
		memcpy(&r,
		       rx + ((BEGIN + i) % SLOTS) * sizeof(union netif_rx_sring_entry),
		       sizeof(r));
		assert_int_equal(r.gref, 0x20000 + i);
	}
}

/* Who was taken at the moment of a kill is served again; nobody is left out. */
static void guest_judge(struct world *w, uint32_t kills)
{
	waiting_judge(w);
	for (int r = TX; r <= RX; r++) {
		uint32_t again = 0;

		assert_true(w->seen[r] >= DONE);
		for (uint32_t i = 0; i < w->seen[r]; i++) {
			assert_true(w->served[r][i] >= 1);
			again += w->served[r][i] - 1U;
		}
		assert_true(again <= kills * TURN);
	}
}

/* ---- The worker ------------------------------------------------------------------ */

/** struct server - What dies with a worker */
struct server {
	struct world *w;
	struct net_journal *j;
	struct ring_back tx, rx;
};

static void turn_tx(struct server *sv)
{
	struct netif_tx_request q;
	uint32_t n;

	assert_int_equal(ring_requests(&sv->tx, &n), V_OK);
	n = n < TURN ? n : TURN;
	while (n--) {
		struct netif_tx_response a = { .status = NETIF_RSP_OKAY };

		ring_take(&sv->tx, &q, sizeof(q));
		/* What is taken is what the guest has put there, not a response. */
		assert_true(q.gref >= 0x10000 && q.gref < 0x10000 + NREQ);
		assert_int_equal(q.offset, (uint16_t)(q.gref - 0x10000));
		assert_int_equal(q.size, (uint16_t)(q.id + 1));
		sv->w->served[TX][q.gref - 0x10000]++;
		a.id = q.id;
		net_journal_respond(&sv->j->tx, &sv->tx, &a, sizeof(a));
	}
	net_journal_publish(&sv->j->tx, &sv->tx);
}

static void turn_rx(struct server *sv)
{
	struct netif_rx_request q;
	uint32_t n;

	assert_int_equal(ring_requests(&sv->rx, &n), V_OK);
	n = n < TURN ? n : TURN;
	while (n--) {
		struct netif_rx_response a = { 0 };

		ring_take(&sv->rx, &q, sizeof(q));
		assert_true(q.gref >= 0x20000 && q.gref < 0x20000 + NREQ);
		assert_int_equal(q.id, (uint16_t)(q.gref - 0x20000));
		sv->w->served[RX][q.gref - 0x20000]++;
		a.id = q.id;
		a.status = (int16_t)((q.gref - 0x20000) % 100 + 1);
		net_journal_respond(&sv->j->rx, &sv->rx, &a, sizeof(a));
	}
	net_journal_publish(&sv->j->rx, &sv->rx);
}

static struct server server_of(struct world *w)
{
	struct server sv = { .w = w, .j = (struct net_journal *)(void *)w->journal };

	ring_init(&sv.tx, w->tx, XEN_PAGE, sizeof(union netif_tx_sring_entry));
	ring_init(&sv.rx, w->rx, XEN_PAGE, sizeof(union netif_rx_sring_entry));
	return sv;
}

static int attach(struct server *sv, bool resume, char text[TEXT])
{
	return net_journal_attach(sv->j, &sv->tx, &sv->rx, resume, text, TEXT);
}

/* The first one and all that come after it: they begin in the same way. */
static void life(void *world)
{
	struct server sv = server_of(world);
	char text[TEXT];

	assert_int_equal(attach(&sv, true, text), 0);
	guest_turn(sv.w);
	while (sv.w->seen[TX] < DONE || sv.w->seen[RX] < DONE) {
		turn_tx(&sv);
		turn_rx(&sv);
		guest_turn(sv.w);
	}
}

/* ---- One instruction at a time ---------------------------------------------------- */

static bool guest_rests(const void *world)
{
	const struct world *w = world;

	return !__atomic_load_n(&w->busy, __ATOMIC_ACQUIRE);
}

static long successors;

static void succeed_after(const void *w, uint32_t kills)
{
	struct world *copy = malloc(sizeof(*copy));

	assert_non_null(copy);
	memcpy(copy, w, sizeof(*copy));
	/* The guest goes on meanwhile. */
	guest_turn(copy);
	life(copy);
	guest_judge(copy, kills);
	free(copy);
	successors++;
}

static void succeed_second(const void *w, long n)
{
	(void)n;
	succeed_after(w, 2);
}

/* The successor is killed as well, some of them: a number prime to the work's. */
static void succeed(const void *w, long n)
{
	static const struct steps next = { life, guest_rests, succeed_second,
		                           sizeof(struct world) };
	struct world *copy;

	succeed_after(w, 1);
	if (n % 59)
		return;
	copy = steps_world(sizeof(*copy));
	memcpy(copy, w, sizeof(*copy));
	guest_turn(copy);
	steps_run(&next, copy);
	guest_judge(copy, 1);
	munmap(copy, sizeof(*copy));
}

static void killed_between_any_two_instructions(void **state)
{
	static const struct steps first = { life, guest_rests, succeed,
		                            sizeof(struct world) };
	struct world *w = steps_world(sizeof(*w));
	long n;

	(void)state;
	/* As an orderly stop has left them. */
	for (int r = TX; r <= RX; r++)
		page(w, r)->req_prod = page(w, r)->rsp_prod = BEGIN;
	n = steps_run(&first, w);
	if (n < 0) {
		print_message("processes cannot be traced here\n");
		skip();
	}
	guest_judge(w, 0);
	munmap(w, sizeof(*w));
	/* Each slot is counted, its answer written twice, each turn announced and shown.
	 */
	assert_true(n > (long)DONE * 2 * 3);
	assert_true(successors > n);
}

/* ---- What cannot be taken up ------------------------------------------------------ */

static void a_moved_index_is_refused(void **state)
{
	struct world *w = steps_world(sizeof(*w));
	struct server sv = server_of(w);
	char text[TEXT];

	(void)state;
	assert_int_equal(attach(&sv, false, text), 0);
	page(w, RX)->rsp_prod = 1;
	assert_int_equal(attach(&sv, false, text), -EILSEQ);
	assert_non_null(strstr(text, "rsp_prod to 1"));
	page(w, RX)->rsp_prod = 0;
	assert_int_equal(attach(&sv, false, text), 0);
	sv.j->rx.shown = (uint64_t)(SLOTS + 1) << 32;
	assert_int_equal(attach(&sv, false, text), -EPROTO);
	assert_non_null(strstr(text, "damaged"));
	sv.j->version++;
	assert_int_equal(attach(&sv, false, text), -EPROTO);
	assert_non_null(strstr(text, "is of version 2, this worker knows 1"));
	munmap(w, sizeof(*w));
}

/* A worker that died before it came to the rings has left them as they were. */
static void what_was_not_begun_is_begun(void **state)
{
	struct world *w = steps_world(sizeof(*w));
	struct server sv = server_of(w);
	char text[TEXT];

	(void)state;
	page(w, TX)->req_prod = SLOTS + 1;
	assert_int_equal(attach(&sv, true, text), -EPROTO);
	assert_false(sv.j->started);
	page(w, TX)->req_prod = 7;
	page(w, TX)->rsp_prod = 5;
	assert_int_equal(attach(&sv, true, text), 0);
	assert_true(sv.j->started);
	assert_int_equal(sv.tx.req_cons, 5);
	assert_int_equal(sv.tx.rsp_prod, 5);
	munmap(w, sizeof(*w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_between_any_two_instructions),
		cmocka_unit_test(a_moved_index_is_refused),
		cmocka_unit_test(what_was_not_begun_is_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
