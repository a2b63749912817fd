/* SPDX-License-Identifier: MIT */
/* What a process may still do once it has bound itself to one guest. */
#include "ct.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xentoolcore.h>

static void event_handle(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	int other = (int)peer_call(ct->guest, "evt.unbound 0");
	xenevtchn_handle *own = xenevtchn_open(NULL, 0);
	int ours = xenevtchn_bind_unbound_port(own, 0);

	assert_true(ours > 0);
	assert_errno(xenevtchn_restrict(ct->evt, 0) < 0, EINVAL);
	assert_int_equal(xenevtchn_restrict(ct->evt, (domid_t)ct->domid), 0);
	assert_errno(xenevtchn_restrict(ct->evt, (domid_t)ct->domid) < 0, EACCES);
	assert_errno(xenevtchn_restrict(ct->evt, CT_NO_DOMAIN) < 0, EACCES);
	assert_errno(xenevtchn_bind_virq(ct->evt, VIRQ_TBUF) < 0, EACCES);
	assert_errno(xenevtchn_bind_unbound_port(ct->evt, ct->domid) < 0, EACCES);
	assert_errno(xenevtchn_bind_interdomain(ct->evt, 0, (evtchn_port_t)ours) < 0,
	             EACCES);

	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	port = xenevtchn_bind_interdomain(ct->evt, ct->domid, (evtchn_port_t)other);
	assert_true(port > 0);
	evt_take(ct->evt, port);
	xenevtchn_close(own);
}

/* The checks of the child below: the first that fails says which. */
#define CHECK(what)                                                         \
	do {                                                                \
		if (!(what)) {                                              \
			fprintf(stderr, "# %d: %s: %m\n", __LINE__, #what); \
			_exit(1);                                           \
		}                                                           \
	} while (0)

/* Handles of its own, opened before the restriction as a device model would. */
static void restricted_child(const struct ct *ct, int linked, int spare, uint32_t *refs)
{
	xenevtchn_handle *evt = xenevtchn_open(NULL, 0);
	xengnttab_handle *gnt = xengnttab_open(NULL, 0);
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	struct xs_handle *xs = xs_open(0);
	int port = xenevtchn_bind_interdomain(evt, ct->domid, (evtchn_port_t)linked);
	uint8_t *p =
		xengnttab_map_grant_ref(gnt, ct->domid, refs[0], PROT_READ | PROT_WRITE);
	xc_dominfo_t info;
	unsigned int len;

	CHECK(port > 0 && p && xch && xs);
	CHECK(xc_domain_getinfo(xch, ct->domid, 1, &info) == 1);
	CHECK(xs_read(xs, XBT_NULL, "/local/domain/0/domid", &len) || errno == ENOENT);
	CHECK(xentoolcore_restrict_all((domid_t)ct->domid) == 0);

	CHECK(p[5] == 42); /* what is mapped stays mapped */
	p[6] = 43;
	CHECK(!xengnttab_map_grant_ref(gnt, ct->domid, refs[1], PROT_READ));
	CHECK(!xs_read(xs, XBT_NULL, "/", &len));
	CHECK(xc_domain_getinfo(xch, ct->domid, 1, &info) < 0);
	CHECK(xenevtchn_bind_virq(evt, VIRQ_TBUF) < 0 && errno == EACCES);
	CHECK(xenevtchn_bind_interdomain(evt, 0, 1) < 0 && errno == EACCES);
	CHECK(xenevtchn_bind_interdomain(evt, ct->domid, (evtchn_port_t)spare) > 0);
	CHECK(xenevtchn_notify(evt, (evtchn_port_t)port) == 0);
	_exit(0);
}

static void all_handles(struct ct *ct)
{
	int linked = (int)peer_call(ct->guest, "evt.unbound 0"), status;
	int spare = (int)peer_call(ct->guest, "evt.unbound 0");
	uint32_t refs[2];
	long region = guest_share(ct, 0, 2, 1, refs);
	pid_t pid;

	assert_int_equal(peer_call(ct->guest, "mem.set %ld 5 42", region), 0);
	pid = fork();
	if (pid == 0)
		restricted_child(ct, linked, spare, refs);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), linked);
	assert_int_equal(peer_call(ct->guest, "mem.get %ld 6", region), 43);
}

int main(void)
{
	static const struct property tests[] = {
		{ "an event channel handle restricted to the guest binds to nothing else",
		  event_handle },
		{ "xentoolcore_restrict_all leaves mappings and the guest's ports, "
		  "nothing else",
		  all_handles },
	};

	return CT_MAIN("restrict", tests);
}
