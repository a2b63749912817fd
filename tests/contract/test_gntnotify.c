/* SPDX-License-Identifier: MIT */
/*
 * Unmap notification: the byte cleared and the event sent when a mapping or a shared page
 * goes, by whatever way it goes. libxenvchan lives by it.
 */
#include "ct.h"

enum {
	RW = PROT_READ | PROT_WRITE,
	NO_BYTE = -1,
	NO_PORT = -1
};

static uint8_t *map_notify(struct ct *ct, uint32_t ref, int off, int port)
{
	return xengnttab_map_grant_ref_notify(ct->gnt, ct->domid, ref, RW, (uint32_t)off,
	                                      (evtchn_port_t)port);
}

static int guest_byte(struct ct *ct, long region, int off)
{
	return (int)peer_call(ct->guest, "mem.get %ld %d", region, off);
}

static void unmap_tells(struct ct *ct)
{
	static const int offsets[] = { 0, 1, 2048, 4095 };
	int remote, port = evt_link(ct, &remote);
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		int off = offsets[i];
		uint8_t *p = map_notify(ct, ref, off, port);

		assert_non_null(p);
		memset(p, 0xaa, CT_PAGE);
		assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet),
		                 -ETIMEDOUT);
		assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
		assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
		assert_int_equal(peer_call(ct->guest, "evt.unmask %d", remote), 0);
		assert_int_equal(guest_byte(ct, region, off), 0);
		assert_int_equal(guest_byte(ct, region, (off + 1) % 4096), 0xaa);
		assert_int_equal(guest_byte(ct, region, (off + 4095) % 4096), 0xaa);
	}
}

static void byte_only(struct ct *ct)
{
	int remote;
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = map_notify(ct, ref, 5, NO_PORT);

	evt_link(ct, &remote);
	assert_non_null(p);
	p[5] = 1;
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
	assert_int_equal(guest_byte(ct, region, 5), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet), -ETIMEDOUT);
}

static void event_only(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = map_notify(ct, ref, NO_BYTE, port);

	assert_non_null(p);
	pattern_fill(p, CT_PAGE, 3);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 3", region), 1);
}

/* The byte of a page that is mapped read-only cannot be cleared; nor can a port be
 * unknown. */
static void refused(struct ct *ct)
{
	uint32_t ref;
	uint8_t *p;

	guest_share(ct, 0, 1, 1, &ref);
	assert_errno(!xengnttab_map_grant_ref_notify(ct->gnt, ct->domid, ref, PROT_READ,
	                                             0, (evtchn_port_t)NO_PORT),
	             EINVAL);
	assert_errno(!map_notify(ct, ref, 0, CT_NO_PORT), EINVAL);
	p = map_notify(ct, ref, 0, NO_PORT);
	assert_non_null(p);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

/* The mapping keeps the port it is to notify: closing the handle first changes nothing.
 */
static void port_is_kept(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	uint32_t ref;
	uint8_t *p;

	guest_share(ct, 0, 1, 1, &ref);
	p = map_notify(ct, ref, 0, port);
	assert_non_null(p);
	assert_int_equal(xenevtchn_close(ct->evt), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet), -ETIMEDOUT);
	ct->evt = xenevtchn_open(NULL, 0);
	for (int i = 0; i < 200; i++) { /* none of these is it */
		int other = xenevtchn_bind_unbound_port(ct->evt, ct->domid);

		assert_true(other > 0);
		assert_int_not_equal(other, port);
	}
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
}

/* What tells is the end of the mapping, not that of the handle. */
static void close_then_munmap(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = map_notify(ct, ref, 3, port);

	assert_non_null(p);
	p[3] = 1;
	assert_int_equal(xengnttab_close(ct->gnt), 0);
	ct->gnt = xengnttab_open(NULL, 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet), -ETIMEDOUT);
	assert_int_equal(guest_byte(ct, region, 3), 1);
	assert_int_equal(munmap(p, CT_PAGE), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_int_equal(guest_byte(ct, region, 3), 0);
}

static void mapper_is_killed(struct ct *ct)
{
	struct peer *backend = peer_spawn(0, "backend", -1);
	int remote = (int)peer_call(ct->guest, "evt.unbound 0"), port;
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref), theirs;

	assert_non_null(backend);
	port = (int)peer_call(backend, "evt.bind %u %d", ct->domid, remote);
	assert_true(port > 0);
	theirs = peer_call(backend, "gnt.notify %u %u 4095 %d", ct->domid, ref, port);
	assert_true(theirs >= 0);
	assert_int_equal(peer_call(backend, "mem.set %ld 4095 1", theirs), 0);
	assert_int_equal(guest_byte(ct, region, 4095), 1);
	peer_kill(backend);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_int_equal(guest_byte(ct, region, 4095), 0);
}

/* The same from the other side: the one who shares goes. */
static uint8_t *shared_notify(struct ct *ct, int *port, long *region)
{
	int remote;
	uint32_t ref;
	uint8_t *p;

	*port = evt_link(ct, &remote);
	*region = peer_call(ct->guest, "shr.notify 0 1 17 %d", remote);
	assert_true(*region >= 0);
	ref = (uint32_t)ct->guest->value[0];
	p = guest_map(ct, 1, &ref, RW);
	memset(p, 0xaa, CT_PAGE);
	assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
	return p;
}

static void owner_unshares(struct ct *ct)
{
	int port;
	long region;
	uint8_t *p = shared_notify(ct, &port, &region);

	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	evt_take(ct->evt, port);
	assert_int_equal(p[17], 0);
	assert_int_equal(p[16], 0xaa);
	assert_int_equal(p[18], 0xaa);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

static void owner_is_killed(struct ct *ct)
{
	int port;
	long region;
	uint8_t *p = shared_notify(ct, &port, &region);

	peer_kill(ct->guest);
	ct->guest = NULL;
	evt_take(ct->evt, port);
	assert_int_equal(p[17], 0);
	assert_int_equal(p[18], 0xaa);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

int main(void)
{
	static const struct property tests[] = {
		{ "unmap clears the byte and sends the event", unmap_tells },
		{ "a byte alone", byte_only },
		{ "an event alone", event_only },
		{ "a byte of a read-only mapping, a port that is not ours: EINVAL",
		  refused },
		{ "the mapping keeps its port open", port_is_kept },
		{ "closing the handle does not tell, the last munmap does",
		  close_then_munmap },
		{ "the mapping process is killed: byte and event", mapper_is_killed },
		{ "the owner unshares: byte and event", owner_unshares },
		{ "the owner is killed: byte and event", owner_is_killed },
	};

	return CT_MAIN("gntnotify", tests);
}
