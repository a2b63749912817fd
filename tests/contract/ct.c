/* SPDX-License-Identifier: MIT */
/* The fixture: who the guest is, handles opened for each test and closed after it. */
#include "ct.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int ct_quiet = 10;

static uint32_t guest_domid;

static int ct_setup(void **state)
{
	static unsigned int count;
	struct ct *ct = calloc(1, sizeof(*ct));
	char name[PEER_NAME];

	if (!ct)
		return -1;
	ct->property = *state;
	*state = ct;
	ct->domid = guest_domid;
	ct->evt = xenevtchn_open(NULL, 0);
	ct->gnt = xengnttab_open(NULL, 0);
	ct->shr = xengntshr_open(NULL, 0);
	ct->xch = xc_interface_open(NULL, NULL, 0);
	ct->xs = xs_open(0);
	snprintf(name, sizeof(name), "%d-%u", getpid(), count++);
	ct->guest = peer_spawn(guest_domid, name, -1);
	if (ct->evt && ct->gnt && ct->shr && ct->xch && ct->xs && ct->guest)
		return 0;
	print_error("cannot set up: %s\n", strerror(errno));
	return -1;
}

static int ct_teardown(void **state)
{
	struct ct *ct = *state;

	peer_kill(ct->guest);
	if (ct->gnt)
		xengnttab_close(ct->gnt);
	if (ct->shr)
		xengntshr_close(ct->shr);
	if (ct->evt)
		xenevtchn_close(ct->evt);
	xs_close(ct->xs);
	xc_interface_close(ct->xch);
	free(ct);
	return 0;
}

static void ct_run(void **state)
{
	struct ct *ct = *state;

	ct->property->test(ct);
}

static int ct_skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 77;
}

int ct_main(const char *name, const struct property *tests, size_t n)
{
	const char *guest = getenv("CONTRACT_GUEST"),
		   *quiet = getenv("CONTRACT_QUIET_MS");
	struct CMUnitTest run[64] = { 0 };
	struct xs_handle *xs;

	if (!guest)
		return ct_skip("CONTRACT_GUEST is not set; see tests/contract/README.md");
	guest_domid = (uint32_t)strtoul(guest, NULL, 10);
	if (quiet)
		ct_quiet = atoi(quiet);
	xs = xs_open(0);
	if (!xs)
		return ct_skip("no XenStore here");
	xs_close(xs);
	if (n > sizeof(run) / sizeof(run[0]))
		return 2;
	for (size_t i = 0; i < n; i++) {
		run[i].name = tests[i].says;
		run[i].test_func = ct_run;
		run[i].setup_func = ct_setup;
		run[i].teardown_func = ct_teardown;
		run[i].initial_state = (void *)(uintptr_t)&tests[i];
	}
	return _cmocka_run_group_tests(name, run, n, NULL, NULL);
}

int evt_next(xenevtchn_handle *h, int ms)
{
	struct pollfd p = { .fd = xenevtchn_fd(h), .events = POLLIN };

	return poll(&p, 1, ms) == 1 ? xenevtchn_pending(h) : -1;
}

void evt_take(xenevtchn_handle *h, int port)
{
	assert_int_equal(evt_next(h, CT_SOON), port);
	assert_int_equal(xenevtchn_unmask(h, (evtchn_port_t)port), 0);
}

int evt_link(struct ct *ct, int *remote)
{
	int port;

	*remote = (int)peer_call(ct->guest, "evt.unbound 0");
	assert_true(*remote > 0);
	port = xenevtchn_bind_interdomain(ct->evt, ct->domid, (evtchn_port_t)*remote);
	assert_true(port > 0);
	evt_take(ct->evt, port);
	return port;
}

long guest_share(struct ct *ct, uint32_t domid, uint32_t pages, int writable,
                 uint32_t *refs)
{
	long region = peer_call(ct->guest, "shr.share %u %u %d", domid, pages, writable);

	assert_true(region >= 0);
	assert_int_equal(ct->guest->nvalue, pages);
	for (uint32_t i = 0; i < pages; i++)
		refs[i] = (uint32_t)ct->guest->value[i];
	return region;
}

uint8_t *guest_map(struct ct *ct, uint32_t pages, uint32_t *refs, int prot)
{
	uint8_t *p =
		xengnttab_map_domain_grant_refs(ct->gnt, pages, ct->domid, refs, prot);

	assert_non_null(p);
	return p;
}

static sigjmp_buf fault_jump;

static void on_fault(int sig)
{
	siglongjmp(fault_jump, sig);
}

int faults(volatile uint8_t *p, int write)
{
	struct sigaction act = { .sa_handler = on_fault }, segv, bus;
	int hit;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	hit = sigsetjmp(fault_jump, 1);
	if (!hit) {
		uint8_t byte = *p;

		if (write)
			*p = byte;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return hit != 0;
}
