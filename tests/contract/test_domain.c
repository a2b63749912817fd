/* SPDX-License-Identifier: MIT */
/*
 * Domains: how they are listed, and what remains of one that dies.
 *
 * CONTRACT_CREATE is a shell command that creates a domain with an agent in it and prints
 * the domain's id as its last line. What is created is destroyed here.
 */
#include "ct.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	BOOT_MS = 180000
};

static void info_of_one(struct ct *ct)
{
	xc_dominfo_t info;

	assert_int_equal(xc_domain_getinfo(ct->xch, ct->domid, 1, &info), 1);
	assert_int_equal(info.domid, ct->domid);
	assert_false(info.dying);
	assert_false(info.shutdown);
}

/* The call enumerates: it answers with the next domain if the one asked for is not there.
 */
static void info_enumerates(struct ct *ct)
{
	xc_dominfo_t info[64];
	int n = xc_domain_getinfo(ct->xch, 0, 64, info), mine = 0;

	assert_true(n >= 2);
	assert_int_equal(info[0].domid, 0);
	for (int i = 0; i < n; i++) {
		mine += info[i].domid == ct->domid;
		if (i)
			assert_true(info[i].domid > info[i - 1].domid);
	}
	assert_int_equal(mine, 1);
	assert_int_equal(xc_domain_getinfo(ct->xch, info[n - 2].domid + 1, 1, info), 1);
	assert_true(info[0].domid >= ct->domid);
	assert_errno(xc_domain_getinfo(ct->xch, CT_NO_DOMAIN, 1, info) < 0, ESRCH);
}

static void guest_may_not(struct ct *ct)
{
	assert_int_equal(peer_call(ct->guest, "xc.getinfo %u", ct->domid), -EPERM);
	assert_int_equal(peer_call(ct->guest, "xc.getinfo 0"), -EPERM);
}

static void destroy_nothing(struct ct *ct)
{
	assert_errno(xc_domain_destroy(ct->xch, CT_NO_DOMAIN) < 0, ESRCH);
}

/* Wait for a watch event with @token. */
static bool event_seen(struct ct *ct, const char *token, int ms)
{
	struct pollfd p = { .fd = xs_fileno(ct->xs), .events = POLLIN };
	bool seen = false;

	while (!seen) {
		char **event = xs_check_watch(ct->xs);

		if (event)
			seen = !strcmp(event[XS_WATCH_TOKEN], token);
		else if (poll(&p, 1, ms) <= 0)
			break;
		free(event);
	}
	return seen;
}

static void watch_quietly(struct ct *ct, const char *path, const char *token)
{
	assert_true(xs_watch(ct->xs, path, token));
	assert_true(event_seen(ct, token, CT_SOON)); /* each watch starts with an event */
}

/* Create a domain, see it introduced, and start an agent in it. */
static struct peer *create(struct ct *ct)
{
	const char *cmd = getenv("CONTRACT_CREATE");
	char line[64] = "", path[64], *text;
	unsigned int len;
	struct peer *p;
	uint32_t domid;
	FILE *out;

	assert_non_null(cmd);
	watch_quietly(ct, "@introduceDomain", "introduced");
	out = popen(cmd, "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out))
		;
	assert_int_equal(pclose(out), 0);
	domid = (uint32_t)strtoul(line, NULL, 10);
	assert_true(domid > 0);
	assert_true(event_seen(ct, "introduced", CT_SOON));
	assert_true(xs_is_domain_introduced(ct->xs, domid));
	snprintf(path, sizeof(path), "/local/domain/%u/data/contract/main/rep", domid);
	assert_true(xs_watch(ct->xs, path, "booted"));
	while (!(text = xs_read(ct->xs, XBT_NULL, path, &len)))
		assert_true(event_seen(ct, "booted", BOOT_MS));
	free(text);
	p = peer_spawn(domid, "victim", -1);
	assert_non_null(p);
	return p;
}

static bool listed(struct ct *ct, uint32_t domid, xc_dominfo_t *info)
{
	return xc_domain_getinfo(ct->xch, domid, 1, info) == 1 && info->domid == domid;
}

/* Wait until the domain is no longer there, however long its memory takes to go. */
static bool vanishes(struct ct *ct, uint32_t domid)
{
	xc_dominfo_t info;

	for (int ms = 0; ms < CT_SOON && listed(ct, domid, &info); ms += 10)
		poll(NULL, 0, 10);
	return !listed(ct, domid, &info);
}

static void death(struct ct *ct)
{
	struct peer *victim = create(ct);
	uint32_t domid = victim->domid;
	int remote = (int)peer_call(victim, "evt.unbound 0"), port;
	struct xs_permissions own = { .id = domid, .perms = XS_PERM_NONE };
	unsigned int len;

	port = xenevtchn_bind_interdomain(ct->evt, domid, (evtchn_port_t)remote);
	assert_true(port > 0);
	evt_take(ct->evt, port);
	assert_true(xs_write(ct->xs, XBT_NULL, "/contract-owned", "x", 1));
	assert_true(xs_set_permissions(ct->xs, XBT_NULL, "/contract-owned", &own, 1));
	watch_quietly(ct, "@releaseDomain", "released");

	assert_int_equal(xc_domain_destroy(ct->xch, domid), 0);
	assert_true(event_seen(ct, "released", CT_SOON));
	assert_true(vanishes(ct, domid));
	assert_false(xs_is_domain_introduced(ct->xs, domid));
	/* Its nodes go with it, its ports too, and nobody is told of those. */
	assert_errno(!xs_read(ct->xs, XBT_NULL, "/contract-owned", &len), ENOENT);
	assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_errno(xenevtchn_bind_interdomain(ct->evt, domid, (evtchn_port_t)remote) <
	                     0,
	             ESRCH);
	peer_detach(victim);
}

static void death_while_mapped(struct ct *ct)
{
	struct peer *victim = create(ct);
	uint32_t domid = victim->domid, refs[2];
	long region = peer_call(victim, "shr.share 0 2 1");
	xc_dominfo_t info;
	uint8_t *p;

	assert_true(region >= 0);
	refs[0] = (uint32_t)victim->value[0];
	refs[1] = (uint32_t)victim->value[1];
	assert_int_equal(peer_call(victim, "mem.fill %ld 6", region), 0);
	p = xengnttab_map_grant_ref(ct->gnt, domid, refs[0], PROT_READ | PROT_WRITE);
	assert_non_null(p);
	watch_quietly(ct, "@releaseDomain", "released");

	assert_int_equal(xc_domain_destroy(ct->xch, domid), 0);
	assert_true(event_seen(ct, "released", CT_SOON));
	assert_true(listed(ct, domid, &info));
	assert_true(info.dying);
	assert_true(pattern_is(p, CT_PAGE, 6));
	assert_false(faults(p, 1));
	assert_errno(!xengnttab_map_grant_ref(ct->gnt, domid, refs[1], PROT_READ),
	             EINVAL);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
	assert_true(vanishes(ct, domid));
	peer_detach(victim);
}

int main(void)
{
	static const struct property tests[] = {
		{ "xc_domain_getinfo tells of a domain that runs", info_of_one },
		{ "xc_domain_getinfo enumerates upwards, ESRCH beyond the last",
		  info_enumerates },
		{ "a guest may not ask the hypervisor about domains: EPERM",
		  guest_may_not },
		{ "destroying a domain that does not exist: ESRCH", destroy_nothing },
		{ "a domain is introduced, dies, is released; its nodes and ports are "
		  "gone",
		  death },
		{ "a domain dies while mapped: dying, page usable, gone at the unmap",
		  death_while_mapped },
	};

	if (!getenv("CONTRACT_CREATE")) {
		printf("1..0 # SKIP CONTRACT_CREATE is not set; see "
		       "tests/contract/README.md\n");
		return 77;
	}
	return CT_MAIN("domain", tests);
}
