/* SPDX-License-Identifier: MIT */
/* XenStore: transactions, and the quotas that keep a guest from using it up. */
#include "ct.h"

#include <stdio.h>

static const char *scratch(struct ct *ct)
{
	static char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/data/contract/%s/t", ct->domid,
	         ct->guest->name);
	return path;
}

static long begin(struct peer *p)
{
	long t = peer_call(p, "xs.begin");

	assert_true(t > 0);
	return t;
}

static bool holds(struct ct *ct, const char *path, const char *value)
{
	unsigned int n;
	char *got = xs_read(ct->xs, XBT_NULL, path, &n);
	bool same = got && !strcmp(got, value);

	free(got);
	return same;
}

static void commit_shows_all(struct ct *ct)
{
	const char *path = scratch(ct);
	long t = begin(ct->guest);

	assert_int_equal(peer_call(ct->guest, "xs.write %ld %s new", t, path), 0);
	assert_false(holds(ct, path, "new"));
	assert_int_equal(peer_call(ct->guest, "xs.read %ld %s", t, path), 3);
	assert_int_equal(peer_call(ct->guest, "xs.end %ld 0", t), 0);
	assert_true(holds(ct, path, "new"));
	assert_int_equal(peer_call(ct->guest, "xs.end %ld 0", t), -ENOENT);
}

static void abort_shows_nothing(struct ct *ct)
{
	const char *path = scratch(ct);
	long t = begin(ct->guest);

	assert_int_equal(peer_call(ct->guest, "xs.write %ld %s new", t, path), 0);
	assert_int_equal(peer_call(ct->guest, "xs.end %ld 1", t), 0);
	assert_false(holds(ct, path, "new"));
}

/* What was read has changed since: the commit says EAGAIN and does nothing. */
static void conflict(struct ct *ct)
{
	const char *path = scratch(ct);
	long t;
	xs_transaction_t mine;
	unsigned int n;

	assert_true(xs_write(ct->xs, XBT_NULL, path, "0", 1));
	t = begin(ct->guest);
	assert_int_equal(peer_call(ct->guest, "xs.read %ld %s", t, path), 1);
	assert_true(xs_write(ct->xs, XBT_NULL, path, "1", 1));
	assert_int_equal(peer_call(ct->guest, "xs.write %ld %s 2", t, path), 0);
	assert_int_equal(peer_call(ct->guest, "xs.end %ld 0", t), -EAGAIN);
	assert_true(holds(ct, path, "1"));

	mine = xs_transaction_start(ct->xs);
	free(xs_read(ct->xs, mine, path, &n));
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s 3", path), 0);
	assert_true(xs_write(ct->xs, mine, path, "4", 1));
	assert_errno(!xs_transaction_end(ct->xs, mine, false), EAGAIN);
	assert_true(holds(ct, path, "3"));
}

static void events_come_with_the_commit(struct ct *ct)
{
	const char *path = scratch(ct);
	xs_transaction_t t;

	assert_int_equal(peer_call(ct->guest, "xs.watch %s tok", path), 0);
	assert_int_equal(peer_call(ct->guest, "xs.event %d", CT_SOON), 0);
	t = xs_transaction_start(ct->xs);
	assert_true(xs_write(ct->xs, t, path, "1", 1));
	assert_int_equal(peer_call(ct->guest, "xs.event %d", ct_quiet), -ETIMEDOUT);
	assert_true(xs_transaction_end(ct->xs, t, false));
	assert_int_equal(peer_call(ct->guest, "xs.event %d", CT_SOON), 0);
}

static void transactions_of_two_programs(struct ct *ct)
{
	struct peer *h = peer_spawn(ct->domid, "second", -1);
	long t = begin(ct->guest), u;

	assert_non_null(h);
	u = begin(h);
	assert_int_equal(peer_call(h, "xs.write %ld %s two", u, scratch(ct)), 0);
	assert_int_equal(peer_call(ct->guest, "xs.write %ld %s one", t, scratch(ct)), 0);
	assert_int_equal(peer_call(h, "xs.end %ld 1", u), 0);
	assert_int_equal(peer_call(ct->guest, "xs.end %ld 0", t), 0);
	assert_true(holds(ct, scratch(ct), "one"));
	peer_kill(h);
}

/* Programs that die or hang up leave no transaction behind, nor a watch. */
static void left_behind(struct ct *ct)
{
	for (int i = 0; i < 12; i++) {
		begin(ct->guest);
		assert_int_equal(peer_call(ct->guest, "xs.watch %s tok", scratch(ct)), 0);
		assert_int_equal(peer_call(ct->guest, "xs.close"), 0);
	}
	for (int i = 0; i < 12; i++) {
		struct peer *h = peer_spawn(ct->domid, "second", -1);

		assert_non_null(h);
		begin(h);
		peer_kill(h);
	}
	assert_true(xs_write(ct->xs, XBT_NULL, scratch(ct), "1", 1));
	assert_int_equal(peer_call(ct->guest, "xs.event %d", ct_quiet), -ETIMEDOUT);
}

/* Make things until refused: with this errno, and not before @low nor after @high of
 * them. */
static void exhaust(struct ct *ct, const char *kind, int err, long low, long high)
{
	long made =
		peer_call(ct->guest, "xs.exhaust %s %ld %s", kind, high + 1, scratch(ct));

	assert_in_range(made, low, high);
	assert_int_equal(ct->guest->value[0], err);
	assert_int_equal(peer_call(ct->guest, "xs.close"), 0);
}

static void quota_of_nodes(struct ct *ct)
{
	exhaust(ct, "nodes", ENOSPC, 850, 1000);
	assert_int_equal(peer_call(ct->guest, "xs.rm 0 %s", scratch(ct)), 0);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s 1", scratch(ct)), 0);
}

static void quota_of_watches(struct ct *ct)
{
	exhaust(ct, "watches", E2BIG, 64, 130);
	assert_int_equal(peer_call(ct->guest, "xs.watch %s tok", scratch(ct)), 0);
}

static void quota_of_transactions(struct ct *ct)
{
	exhaust(ct, "transactions", ENOSPC, 8, 11);
	begin(ct->guest);
}

static void quota_of_size(struct ct *ct)
{
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s @2049", scratch(ct)),
	                 -ENOSPC);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s @1900", scratch(ct)), 0);
}

int main(void)
{
	static const struct property tests[] = {
		{ "a transaction is seen at its commit", commit_shows_all },
		{ "an aborted transaction is not", abort_shows_nothing },
		{ "a transaction that lost a race: EAGAIN, and not done", conflict },
		{ "watch events come with the commit", events_come_with_the_commit },
		{ "two programs of a guest have transactions at once",
		  transactions_of_two_programs },
		{ "programs that go leave no transaction and no watch", left_behind },
		{ "a guest's nodes are limited: ENOSPC", quota_of_nodes },
		{ "a guest's watches are limited: E2BIG", quota_of_watches },
		{ "a guest's transactions are limited: ENOSPC", quota_of_transactions },
		{ "the size of a guest's node is limited: ENOSPC", quota_of_size },
	};

	return CT_MAIN("xslimits", tests);
}
