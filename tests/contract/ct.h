/* SPDX-License-Identifier: MIT */
/* The fixture of the contract tests: handles of this domain and an agent in the guest. */
#ifndef CT_H
#define CT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "pattern.h"
#include "peer.h"

#define CT_PAGE 4096ul

enum {
	CT_SOON = 10000,         /* ms within which what must happen has happened */
	CT_NO_DOMAIN = 32000,    /* domain id that nothing on the host has */
	CT_NO_PORT = 0x7ffff000, /* beyond any event channel */
	CT_NO_REF = 0x7ffff000,  /* beyond any grant table */
};

struct ct;

/* ms for which what must not happen is looked for; more where Xen is slow */
extern int ct_quiet;

/**
 * struct property - Something that Xen promises, and how to see whether it holds
 */
struct property {
	const char *says;
	void (*test)(struct ct *ct);
};

/**
 * struct ct - What each test starts with
 * @domid:	The guest
 * @guest:	An agent in it, of this test alone
 */
struct ct {
	uint32_t domid;
	xenevtchn_handle *evt;
	xengnttab_handle *gnt;
	xengntshr_handle *shr;
	xc_interface *xch;
	struct xs_handle *xs;
	struct peer *guest;
	const struct property *property;
};

/* The call fails, with just this errno. */
#define assert_errno(failed, code)                        \
	do {                                              \
		errno = 0;                                \
		int failed_ = !!(failed), errno_ = errno; \
		assert_true(failed_);                     \
		assert_int_equal(errno_, code);           \
	} while (0)

/* ct_main() - Run @tests, or skip where there is no guest to run them with; main()'s
 * result. */
int ct_main(const char *name, const struct property *tests, size_t n);

#define CT_MAIN(name, tests) ct_main(name, tests, sizeof(tests) / sizeof((tests)[0]))

/* evt_next() - The next port of @h with an event within @ms, or -1. */
int evt_next(xenevtchn_handle *h, int ms);

/* evt_take() - Take an event that must come, on this port, and unmask it. */
void evt_take(xenevtchn_handle *h, int port);

/**
 * evt_link() - Connect a port of the guest's agent with a new one of ours
 * @remote:	The guest's port
 *
 * Return: our port, its first event taken
 */
int evt_link(struct ct *ct, int *remote);

/**
 * guest_share() - Let the guest share pages with a domain
 * @refs:	Room for @pages references
 *
 * Return: the agent's region
 */
long guest_share(struct ct *ct, uint32_t domid, uint32_t pages, int writable,
                 uint32_t *refs);

/* guest_map() - Map @pages of the guest's, which must work. */
uint8_t *guest_map(struct ct *ct, uint32_t pages, uint32_t *refs, int prot);

/* faults() - Does a read (or write) of *@p end in SIGSEGV or SIGBUS? */
int faults(volatile uint8_t *p, int write);

#endif
