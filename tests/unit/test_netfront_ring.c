/* SPDX-License-Identifier: MIT */
/* A frontend's rings against a backend that keeps to the protocol, or does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "netfront_ring.h"

#define MORE  NETRXF_more_data
#define EXTRA NETRXF_extra_info
#define BLANK NETRXF_csum_blank
#define VALID NETRXF_data_validated

static union {
	netif_tx_sring_t tx;
	netif_rx_sring_t rx;
	uint8_t page[XEN_PAGE];
} page;
static struct netfront_tx tx;
static struct netfront_rx rx;
static char why[128];

/* ---- Transmit --------------------------------------------------------------------- */

static void tx_answer(uint32_t at, uint16_t id, int16_t status)
{
	/* Xen's ring has one slot as the compiler sees it. */
	union netif_tx_sring_entry *slots = page.tx.ring;

	slots[at % NETFRONT_RING].rsp =
		(struct netif_tx_response){ .id = id, .status = status };
	page.tx.rsp_prod = at + 1;
}

static int setup_tx(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	netfront_tx_init(&tx, &page, 0);
	return 0;
}

/* Put @n slots; their ids into @id. */
static void tx_slots(uint32_t n, uint16_t *id)
{
	for (uint32_t i = 0; i < n; i++) {
		struct netif_tx_request req = { .id = netfront_tx_id(&tx), .size = 60 };

		id[i] = req.id;
		netfront_tx_put(&tx, &req);
	}
	netfront_tx_push(&tx);
}

static void tx_all_around(void **state)
{
	struct netif_extra_info x = { .type = XEN_NETIF_EXTRA_TYPE_GSO };
	uint32_t at = 0;
	uint16_t id[2];

	(void)state;
	for (int round = 0; round < 1000; round++) {
		tx_slots(1, id);
		netfront_tx_put_extra(&tx, &x);
		tx_slots(1, id + 1);
		assert_int_equal(netfront_tx_room(&tx), NETFRONT_RING - 3);
		/* In another order than they were put, which is legal between frames. */
		tx_answer(at++, id[1], NETIF_RSP_OKAY);
		tx_answer(at++, 0, NETIF_RSP_NULL);
		tx_answer(at++, id[0], round % 2 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
		assert_int_equal(netfront_tx_reap(&tx, why, sizeof(why)), 0);
		assert_int_equal(tx.nfree, NETFRONT_RING);
	}
	assert_int_equal(tx.errors, 500);
}

static void tx_full(void **state)
{
	static uint16_t id[NETFRONT_RING];

	(void)state;
	tx_slots(NETFRONT_RING, id);
	assert_int_equal(netfront_tx_room(&tx), 0);
	for (uint32_t i = 0; i < NETFRONT_RING; i++)
		tx_answer(i, id[i], NETIF_RSP_OKAY);
	assert_int_equal(netfront_tx_reap(&tx, why, sizeof(why)), 0);
	assert_int_equal(netfront_tx_room(&tx), NETFRONT_RING);
}

/* Each is a breach, and is told. */
static void tx_breaches(void **state)
{
	static const struct {
		const char *says;
		uint16_t add; /* to the id */
		int16_t status;
		uint32_t times, beyond;
	} rows[] = {
		{ "unknown id", NETFRONT_RING, NETIF_RSP_OKAY, 1, 0 },
		{ "for the second time", 0, NETIF_RSP_OKAY, 2, 0 },
		{ "for the second time", 1, NETIF_RSP_OKAY, 1, 0 },
		{ "status that does not exist", 0, 7, 1, 0 },
		{ "an extra that was not put", 0, NETIF_RSP_NULL, 1, 0 },
		{ "more responses than requests", 0, NETIF_RSP_OKAY, 1, 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t id[2];

		setup_tx(state);
		tx_slots(1, id);
		tx.pushed++; /* a second one, so that twice is within the requests */
		for (uint32_t k = 0; k < rows[i].times; k++)
			tx_answer(k, (uint16_t)(id[0] + rows[i].add), rows[i].status);
		page.tx.rsp_prod += rows[i].beyond;
		assert_int_equal(netfront_tx_reap(&tx, why, sizeof(why)), -EPROTO);
		if (!strstr(why, rows[i].says))
			fail_msg("%s: %s", rows[i].says, why);
	}
}

/* ---- Receive ---------------------------------------------------------------------- */

static int setup_rx(void **state)
{
	static uint32_t ref[NETFRONT_RING];

	(void)state;
	memset(&page, 0, sizeof(page));
	netfront_rx_init(&rx, &page);
	for (uint32_t i = 0; i < NETFRONT_RING; i++)
		netfront_rx_post(&rx, ref);
	netfront_rx_push(&rx);
	return 0;
}

/* A response, or with @type an extra. */
struct rsp {
	int16_t status;
	uint16_t flags;
	uint16_t gso;
	uint16_t offset;
	uint16_t id_off;
	uint8_t type;
	uint8_t hash_type, algorithm;
	bool more;
};

static void rx_respond(const struct rsp *r, uint32_t n)
{
	union netif_rx_sring_entry *slots = page.rx.ring;
	uint32_t at = page.rx.rsp_prod;

	for (uint32_t i = 0; i < n; i++, at++) {
		struct netif_rx_response *p = &slots[at % NETFRONT_RING].rsp;
		struct netif_extra_info x = {
			.type = r[i].type,
			.u.gso = { .size = r[i].gso, .type = XEN_NETIF_GSO_TYPE_TCPV4 }
		};

		if (r[i].type == XEN_NETIF_EXTRA_TYPE_HASH)
			x.u.hash = (__typeof__(x.u.hash)){ .type = r[i].hash_type,
				                           .algorithm = r[i].algorithm,
				                           .value = { 4, 3, 2, 1 } };
		x.flags = r[i].more ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
		*p = (struct netif_rx_response){ .id = (uint16_t)(at % NETFRONT_RING +
			                                          r[i].id_off),
			                         .offset = r[i].offset,
			                         .flags = r[i].flags,
			                         .status = r[i].status };
		if (r[i].type)
			memcpy(p, &x, sizeof(x));
	}
	page.rx.rsp_prod = at;
}

static const struct {
	const char *what;
	struct rsp rsp[20];
	uint32_t n;
	int rc;
	uint32_t len, nparts;
	const char *says;
} rx_rows[] = {
	{ "nothing", { { 0 } }, 0, 0, 0, 0, NULL },
	{ "a frame", { { .status = 60 } }, 1, 1, 60, 1, NULL },
	{ "at an offset", { { .status = 60, .offset = 4036 } }, 1, 1, 60, 1, NULL },
	{ "two slots",
	  { { .status = 4096, .flags = MORE }, { .status = 5 } },
	  2,
	  1,
	  4101,
	  2,
	  NULL },
	{ "to be segmented",
	  { { .status = 4096, .flags = MORE | EXTRA | BLANK | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_GSO, .gso = 1448 },
	    { .status = 904 } },
	  3,
	  1,
	  5000,
	  2,
	  NULL },
	{ "not all of it",
	  { { .status = 4096, .flags = MORE } },
	  1,
	  -EPROTO,
	  0,
	  0,
	  "in the middle of a frame" },
	{ "without its extra",
	  { { .status = 4096, .flags = EXTRA } },
	  1,
	  -EPROTO,
	  0,
	  0,
	  "in the middle of a frame" },
	{ "in another place",
	  { { .status = 60, .id_off = 1 } },
	  1,
	  -EPROTO,
	  0,
	  0,
	  "does not stand where its request stood" },
	{ "over the end of the page",
	  { { .status = 60, .offset = 4037 } },
	  1,
	  -EPROTO,
	  0,
	  0,
	  "more data than a page" },
	{ "blank and not vouched for",
	  { { .status = 60, .flags = BLANK } },
	  1,
	  -EPROTO,
	  0,
	  0,
	  "not vouched for" },
	{ "to be segmented with a full checksum",
	  { { .status = 4096, .flags = EXTRA | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_GSO, .gso = 1448 } },
	  2,
	  -EPROTO,
	  0,
	  0,
	  "not blank" },
	{ "segments of no size",
	  { { .status = 4096, .flags = EXTRA | BLANK | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_GSO } },
	  2,
	  -EPROTO,
	  0,
	  0,
	  "no segmentation" },
	{ "an extra of another type",
	  { { .status = 4096, .flags = EXTRA | BLANK | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD, .gso = 1448 } },
	  2,
	  -EPROTO,
	  0,
	  0,
	  "no frontend takes" },
	{ "a hash",
	  { { .status = 100, .flags = EXTRA },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH, .hash_type = 3, .algorithm = 1 } },
	  2,
	  1,
	  100,
	  1,
	  NULL },
	{ "to be segmented, with a hash",
	  { { .status = 4096, .flags = MORE | EXTRA | BLANK | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_GSO, .gso = 1448, .more = true },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH, .hash_type = 1, .algorithm = 1 },
	    { .status = 904 } },
	  4,
	  1,
	  5000,
	  2,
	  NULL },
	{ "the other way around",
	  { { .status = 4096, .flags = EXTRA | BLANK | VALID },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH,
	      .hash_type = 1,
	      .algorithm = 1,
	      .more = true },
	    { .type = XEN_NETIF_EXTRA_TYPE_GSO, .gso = 1448 } },
	  3,
	  -EPROTO,
	  0,
	  0,
	  "no segmentation" },
	{ "two hashes",
	  { { .status = 100, .flags = EXTRA },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH,
	      .hash_type = 1,
	      .algorithm = 1,
	      .more = true },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH, .hash_type = 1, .algorithm = 1 } },
	  3,
	  -EPROTO,
	  0,
	  0,
	  "no hash" },
	{ "a hash of a type that does not exist",
	  { { .status = 100, .flags = EXTRA },
	    { .type = XEN_NETIF_EXTRA_TYPE_HASH, .hash_type = 4, .algorithm = 1 } },
	  2,
	  -EPROTO,
	  0,
	  0,
	  "no hash" },
	{ "a hash of no algorithm",
	  { { .status = 100, .flags = EXTRA }, { .type = XEN_NETIF_EXTRA_TYPE_HASH } },
	  2,
	  -EPROTO,
	  0,
	  0,
	  "no hash" },
};

static void rx_each(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rx_rows); i++) {
		struct netfront_frame f;
		int rc;

		setup_rx(state);
		rx_respond(rx_rows[i].rsp, rx_rows[i].n);
		rc = netfront_rx_take(&rx, &f, why, sizeof(why));
		if (rc != rx_rows[i].rc)
			fail_msg("%s: %d (%s)", rx_rows[i].what, rc, why);
		if (rc < 0 && !strstr(why, rx_rows[i].says))
			fail_msg("%s: %s", rx_rows[i].what, why);
		if (rc == 1) {
			assert_int_equal(f.len, rx_rows[i].len);
			assert_int_equal(f.nparts, rx_rows[i].nparts);
			assert_int_equal(f.slots, rx_rows[i].n);
			if (f.meta.hashed)
				assert_int_equal(f.meta.hash, 0x01020304);
		}
	}
}

/* One frame in one slot. Return: as netfront_rx_take(). */
static int rx_behind(uint16_t headroom, uint16_t offset)
{
	struct rsp r[] = {
		{ .status = 60, .offset = offset, .flags = headroom ? EXTRA : 0 },
		{ .type = XEN_NETIF_EXTRA_TYPE_XDP, .gso = headroom }
	};
	struct netfront_frame f;

	rx_respond(r, headroom ? 2 : 1);
	return netfront_rx_take(&rx, &f, why, sizeof(why));
}

/* What was asked for must be there, and what was there before until it is settled. */
static void rx_headroom(void **state)
{
	assert_int_equal(rx_behind(256, 256), -EPROTO);
	assert_non_null(strstr(why, "another one than what was asked for"));
	setup_rx(state);
	netfront_rx_headroom(&rx, 256);
	assert_int_equal(rx_behind(0, 0), 1);
	assert_int_equal(rx_behind(256, 256), 1);
	assert_int_equal(rx_behind(128, 128), -EPROTO);
	setup_rx(state);
	netfront_rx_headroom(&rx, 256);
	netfront_rx_settled(&rx);
	assert_int_equal(rx_behind(256, 256), 1);
	assert_int_equal(rx_behind(0, 0), -EPROTO);
	setup_rx(state);
	netfront_rx_headroom(&rx, 256);
	netfront_rx_settled(&rx);
	assert_int_equal(rx_behind(256, 0), -EPROTO);
	assert_non_null(strstr(why, "does not begin behind its headroom"));
	/* What was shown before may still be read afterwards. */
	setup_rx(state);
	netfront_rx_headroom(&rx, 256);
	rx_respond(&(struct rsp){ .status = 60 }, 1);
	netfront_rx_settled(&rx);
	assert_int_equal(rx_behind(256, 256), 1);
	assert_int_equal(rx_behind(256, 256), 1);
}

static void rx_more_than_posted(void **state)
{
	struct netfront_frame f;

	(void)state;
	page.rx.rsp_prod = NETFRONT_RING + 1;
	assert_int_equal(netfront_rx_take(&rx, &f, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "beyond the requests"));
}

/* 18 slots of data and an extra are a frame, 19 are none. */
static void rx_slots_of_a_frame(void **state)
{
	struct netfront_frame f;
	struct rsp r[20];

	for (uint32_t n = 18; n <= 19; n++) {
		setup_rx(state);
		for (uint32_t i = 0; i < n; i++)
			r[i] = (struct rsp){ .status = 100,
				             .flags = i < n - 1 ? MORE : 0 };
		rx_respond(r, n);
		assert_int_equal(netfront_rx_take(&rx, &f, why, sizeof(why)),
		                 n == 18 ? 1 : -EPROTO);
	}
}

/* A slot that could not be copied makes the frame a bad one, and the ring goes on. */
static void rx_bad_slot(void **state)
{
	static const struct rsp bad[] = { { .status = 4096, .flags = MORE },
		                          { .status = NETIF_RSP_ERROR, .flags = MORE },
		                          { .status = 10 } };
	static const struct rsp good = { .status = 60 };
	struct netfront_frame f;

	(void)state;
	rx_respond(bad, 3);
	rx_respond(&good, 1);
	assert_int_equal(netfront_rx_take(&rx, &f, why, sizeof(why)), 1);
	assert_true(f.bad);
	assert_int_equal(f.slots, 3);
	assert_int_equal(netfront_rx_take(&rx, &f, why, sizeof(why)), 1);
	assert_false(f.bad);
	assert_int_equal(f.part[0].id, 3);
	assert_int_equal(netfront_rx_take(&rx, &f, why, sizeof(why)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tx_all_around, setup_tx),
		cmocka_unit_test_setup(tx_full, setup_tx),
		cmocka_unit_test(tx_breaches),
		cmocka_unit_test(rx_each),
		cmocka_unit_test_setup(rx_headroom, setup_rx),
		cmocka_unit_test_setup(rx_more_than_posted, setup_rx),
		cmocka_unit_test(rx_slots_of_a_frame),
		cmocka_unit_test_setup(rx_bad_slot, setup_rx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
