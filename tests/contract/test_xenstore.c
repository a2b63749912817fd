/* SPDX-License-Identifier: MIT */
/* XenStore between this domain and a guest: values, rights, watches, listings. */
#include "ct.h"

#include <poll.h>
#include <stdio.h>

static char *home(struct ct *ct, const char *leaf)
{
	static char path[4][192];
	static unsigned int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "/local/domain/%u/%s", ct->domid, leaf);
	return p;
}

/* Room for one test below the guest's data/, which both may write. */
static char *scratch(struct ct *ct, const char *leaf)
{
	char name[96];

	snprintf(name, sizeof(name), "data/contract/%s/t%s%s", ct->guest->name,
	         *leaf ? "/" : "", leaf);
	return home(ct, name);
}

static void set_perms(struct ct *ct, const char *path, const char *owner,
                      const char *other)
{
	struct xs_permissions p[2];

	assert_true(xs_strings_to_perms(&p[0], 1, owner));
	assert_true(xs_strings_to_perms(&p[1], 1, other));
	assert_true(xs_set_permissions(ct->xs, XBT_NULL, path, p, 2));
}

static void values_of_all_lengths(struct ct *ct)
{
	static const unsigned int lens[] = { 0, 1, 2, 1000, 1023, 1024, 1025, 1900 };
	uint8_t want[2048], *got;
	unsigned int n;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		unsigned int len = lens[i];
		const char *path = scratch(ct, "value");

		assert_int_equal(peer_call(ct->guest, "xs.write 0 %s @%u", path, len), 0);
		got = xs_read(ct->xs, XBT_NULL, path, &n);
		assert_non_null(got);
		assert_int_equal(n, len);
		assert_true(pattern_is(got, len, len));
		free(got);

		pattern_fill(want, len, len);
		path = scratch(ct, "back");
		assert_true(xs_write(ct->xs, XBT_NULL, path, want, len));
		assert_int_equal(peer_call(ct->guest, "xs.check 0 %s", path), len);
	}
}

static void relative_paths_are_the_home(struct ct *ct)
{
	char path[96];
	unsigned int n;
	char *got;

	snprintf(path, sizeof(path), "data/contract/%s/rel", ct->guest->name);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s here", path), 0);
	got = xs_read(ct->xs, XBT_NULL, home(ct, path), &n);
	assert_non_null(got);
	assert_string_equal(got, "here");
	free(got);
	assert_true(peer_call(ct->guest, "xs.read 0 domid") > 0);
	assert_int_equal(ct->guest->value[0], ct->domid);
}

static void guest_writes_at_home_only(struct ct *ct)
{
	static const char *const denied[] = {
		"/contract-x",       "/tool/contract-x",  "/local/domain/0/contract-x",
		"/local/contract-x", "device/contract-x", "contract-x",
	};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		assert_int_equal(peer_call(ct->guest, "xs.write 0 %s 1", denied[i]),
		                 -EACCES);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s 1", scratch(ct, "mine")), 0);
	assert_int_equal(peer_call(ct->guest, "xs.rm 0 %s", scratch(ct, "mine")), 0);
	assert_int_equal(peer_call(ct->guest, "xs.rm 0 domid"), -EACCES);
}

static void rights_are_kept(struct ct *ct)
{
	const char *path = "/local/domain/0/contract-rights";
	char perm[16];

	assert_true(xs_write(ct->xs, XBT_NULL, path, "secret", 6));
	set_perms(ct, path, "n0", "n0");
	assert_int_equal(peer_call(ct->guest, "xs.read 0 %s", path), -EACCES);
	snprintf(perm, sizeof(perm), "r%u", ct->domid);
	set_perms(ct, path, "n0", perm);
	assert_int_equal(peer_call(ct->guest, "xs.read 0 %s", path), 6);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s new", path), -EACCES);
	assert_int_equal(peer_call(ct->guest, "xs.perms %s n0 b%u", path, ct->domid),
	                 -EACCES);
	perm[0] = 'w';
	set_perms(ct, path, "n0", perm);
	assert_int_equal(peer_call(ct->guest, "xs.read 0 %s", path), -EACCES);
	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s new", path), 0);
	perm[0] = 'b';
	set_perms(ct, path, "n0", perm);
	assert_int_equal(peer_call(ct->guest, "xs.read 0 %s", path), 3);
	assert_true(xs_rm(ct->xs, XBT_NULL, path));
}

static void owners(struct ct *ct)
{
	struct xs_permissions *p;
	unsigned int n;

	assert_int_equal(peer_call(ct->guest, "xs.write 0 %s 1", scratch(ct, "own")), 0);
	p = xs_get_permissions(ct->xs, XBT_NULL, scratch(ct, "own"), &n);
	assert_non_null(p);
	assert_int_equal(p[0].id, ct->domid);
	free(p);
	/* Its owner may open it to others but not make it another's. */
	assert_int_equal(
		peer_call(ct->guest, "xs.perms %s n%u r0", scratch(ct, "own"), ct->domid),
		0);
	assert_int_equal(
		peer_call(ct->guest, "xs.perms %s n0 b%u", scratch(ct, "own"), ct->domid),
		-EPERM);
}

static void watches(struct ct *ct)
{
	struct peer *g = ct->guest;
	const char *top = scratch(ct, "w"), *leaf = scratch(ct, "w/x"),
		   *beside = scratch(ct, "v");
	char want[200];

	/* Once at the start, whether the node exists or not. */
	assert_int_equal(peer_call(g, "xs.watch %s tok", top), 0);
	snprintf(want, sizeof(want), "%s tok", top);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_string_equal(g->text, want);
	/* Then for the node and what is below it, by the name of what changed. */
	assert_true(xs_write(ct->xs, XBT_NULL, beside, "1", 1));
	assert_true(xs_write(ct->xs, XBT_NULL, leaf, "1", 1));
	snprintf(want, sizeof(want), "%s tok", leaf);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_string_equal(g->text, want);
	assert_true(xs_rm(ct->xs, XBT_NULL, top));
	snprintf(want, sizeof(want), "%s tok", top);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_string_equal(g->text, want);
	assert_int_equal(peer_call(g, "xs.unwatch %s tok", top), 0);
	assert_true(xs_write(ct->xs, XBT_NULL, leaf, "2", 1));
	assert_int_equal(peer_call(g, "xs.event %d", ct_quiet), -ETIMEDOUT);
}

/* A watch by relative path reports relative paths. */
static void watch_relative(struct ct *ct)
{
	struct peer *g = ct->guest;
	char rel[96], want[128];

	snprintf(rel, sizeof(rel), "data/contract/%s/t/r", g->name);
	snprintf(want, sizeof(want), "%s tok", rel);
	assert_int_equal(peer_call(g, "xs.watch %s tok", rel), 0);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_string_equal(g->text, want);
	assert_true(xs_write(ct->xs, XBT_NULL, scratch(ct, "r"), "1", 1));
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_string_equal(g->text, want);
}

/* No event tells of a node that one may not read (XSA-115). */
static void watch_needs_rights(struct ct *ct)
{
	const char *path = "/local/domain/0/contract-hidden";
	struct peer *g = ct->guest;
	char perm[16];

	assert_int_equal(peer_call(g, "xs.watch %s tok", path), 0);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_true(xs_write(ct->xs, XBT_NULL, path, "1", 1));
	assert_true(xs_write(ct->xs, XBT_NULL, path, "2", 1));
	assert_int_equal(peer_call(g, "xs.event %d", ct_quiet), -ETIMEDOUT);
	snprintf(perm, sizeof(perm), "r%u", ct->domid);
	set_perms(ct, path, "n0", perm);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_true(xs_write(ct->xs, XBT_NULL, path, "3", 1));
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_true(xs_rm(ct->xs, XBT_NULL, path));
}

/* Two programs in one guest use the same path and token, and do not notice. */
static void watches_of_two_programs(struct ct *ct)
{
	const char *path = scratch(ct, "both");
	struct peer *g = ct->guest, *h;

	h = peer_spawn(ct->domid, "second", -1);
	assert_non_null(h);
	assert_int_equal(peer_call(g, "xs.watch %s tok", path), 0);
	assert_int_equal(peer_call(h, "xs.watch %s tok", path), 0);
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_int_equal(peer_call(h, "xs.event %d", CT_SOON), 0);
	assert_true(xs_write(ct->xs, XBT_NULL, path, "1", 1));
	assert_int_equal(peer_call(g, "xs.event %d", CT_SOON), 0);
	assert_int_equal(peer_call(h, "xs.event %d", CT_SOON), 0);
	assert_int_equal(peer_call(g, "xs.unwatch %s tok", path), 0);
	assert_true(xs_write(ct->xs, XBT_NULL, path, "2", 1));
	assert_int_equal(peer_call(g, "xs.event %d", ct_quiet), -ETIMEDOUT);
	assert_int_equal(peer_call(h, "xs.event %d", CT_SOON), 0);
	peer_kill(h);
}

/* A listing longer than a message (4096 bytes) arrives whole. */
static void long_listing(struct ct *ct)
{
	enum {
		NODES = 150
	};
	char name[96];
	unsigned int n;

	for (int i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "dir/a-name-that-is-longer-than-need-be-%d",
		         i);
		assert_true(xs_mkdir(ct->xs, XBT_NULL, scratch(ct, name)));
	}
	free(xs_directory(ct->xs, XBT_NULL, scratch(ct, "dir"), &n));
	assert_int_equal(n, NODES);
	assert_int_equal(peer_call(ct->guest, "xs.list 0 %s", scratch(ct, "dir")), NODES);
	assert_int_equal(peer_call(ct->guest, "xs.rm 0 %s", scratch(ct, "dir")), 0);
	assert_int_equal(peer_call(ct->guest, "xs.list 0 %s", scratch(ct, "dir")),
	                 -ENOENT);
}

static void domain_paths(struct ct *ct)
{
	char *path = xs_get_domain_path(ct->xs, ct->domid);

	assert_non_null(path);
	assert_memory_equal(path, home(ct, ""), strlen(path));
	free(path);
	assert_true(xs_is_domain_introduced(ct->xs, ct->domid));
	assert_false(xs_is_domain_introduced(ct->xs, CT_NO_DOMAIN));
}

int main(void)
{
	static const struct property tests[] = {
		{ "values of 0 to 1900 bytes pass both ways", values_of_all_lengths },
		{ "a guest's relative paths are below its home",
		  relative_paths_are_the_home },
		{ "a guest writes below its data/ only: else EACCES",
		  guest_writes_at_home_only },
		{ "read and write rights are apart, and kept", rights_are_kept },
		{ "a guest owns what it makes and cannot give it away", owners },
		{ "a watch fires at once, for the node, and for those below it",
		  watches },
		{ "a relative watch reports relative paths", watch_relative },
		{ "a watch does not tell of nodes that may not be read",
		  watch_needs_rights },
		{ "two programs of a guest with the same watch and token",
		  watches_of_two_programs },
		{ "a listing of more than 4096 bytes", long_listing },
		{ "the path of a domain, and whether it is introduced", domain_paths },
	};

	return CT_MAIN("xenstore", tests);
}
