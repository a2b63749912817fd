/* SPDX-License-Identifier: MIT */
/*
 * The memory that simulated processes share: what the hot paths need, and no more.
 *
 * The broker owns all state and is the only writer of bindings and grants. A process sees
 * them read-only by convention and writes three things only: the event word of a port it
 * may notify or unmask, its own copy counter, and the pages of domains. Each is one
 * atomic word, so that a process may be killed between any two instructions and leave
 * nothing to repair but a claimed event, which the broker finishes (see event.h).
 *
 * Each domain is one memfd: its RAM from offset 0, so that a frame number times the page
 * size is an offset, and struct shm_domain far behind it at SHM_INFO_OFF.
 */
#ifndef XENSIM_SHM_H
#define XENSIM_SHM_H

#include <stdatomic.h>
#include <stdint.h>

#define SIM_PAGE_SHIFT 12
#define SIM_PAGE_SIZE  4096u
#define SIM_MAX_DOMID  0x7ff0u /* DOMID_FIRST_RESERVED */

#define SHM_INFO_OFF   (1ull << 40)
#define SHM_MAX_PORTS  131072u /* EVTCHN_FIFO_NR_CHANNELS */
#define SHM_MAX_GRANTS 1048576u
#define SHM_MAX_SLOTS  65536u

/* Event word of a port; event.h has the transitions. */
#define EV_PENDING 1u /* arrived while the port was busy */
#define EV_BUSY    2u /* queued, or read and not yet unmasked */
#define EV_CLAIMED 4u /* somebody is about to queue it */

enum port_state {
	PORT_FREE,
	PORT_UNBOUND,     /* waits for the peer domain to bind */
	PORT_INTERDOMAIN, /* bound to a port of the peer domain */
	PORT_VIRQ,
};

/**
 * struct shm_port - One event channel port of a domain
 * @peer:	Binding as port_pack() makes it; one word, so a notifier never sees half
 * of one
 * @word:	EV_* bits
 * @owner:	Id of the event channel handle that reads this port, 0 for none
 */
struct shm_port {
	_Atomic uint64_t peer;
	_Atomic uint32_t word;
	_Atomic uint32_t owner;
};
_Static_assert(sizeof(struct shm_port) == 16, "ports are indexed by multiplication");

static inline uint64_t port_pack(enum port_state state, uint32_t domid, uint32_t port)
{
	return (uint64_t)state << 48 | (uint64_t)domid << 32 | port;
}

static inline enum port_state port_state(uint64_t peer)
{
	return (enum port_state)(peer >> 48);
}

static inline uint32_t port_peer_domid(uint64_t peer)
{
	return (uint32_t)(peer >> 32) & 0xffff;
}

static inline uint32_t port_peer_port(uint64_t peer)
{
	return (uint32_t)peer;
}

/* A grant entry: flags, the domain it is for, the frame. One word, as in grant table v1.
 */
#define GRANT_VALID    (1ull << 63)
#define GRANT_READONLY (1ull << 62)

static inline uint64_t grant_pack(uint32_t domid, uint32_t frame, int writable)
{
	return GRANT_VALID | (writable ? 0 : GRANT_READONLY) | (uint64_t)domid << 32 |
	       frame;
}

static inline uint32_t grant_domid(uint64_t grant)
{
	return (uint32_t)(grant >> 32) & 0xffff;
}

static inline uint32_t grant_frame(uint64_t grant)
{
	return (uint32_t)grant;
}

/**
 * struct shm_domain - What others must know of a domain without asking
 * @alive:	Cleared for good when the domain starts to die; a process that has it
 *		mapped then asks the broker for the next domain of that number
 * @pages:	RAM in pages
 * @nr_grants:	Size of the grant table; it grows by GRANTS_PER_FRAME
 */
struct shm_domain {
	uint32_t domid;
	_Atomic uint32_t alive;
	uint64_t pages;
	_Atomic uint32_t nr_grants;
	uint32_t pad[1019];
	struct shm_port ports[SHM_MAX_PORTS];
	_Atomic uint64_t grants[SHM_MAX_GRANTS];
};
_Static_assert(sizeof(struct shm_domain) % SIM_PAGE_SIZE == 0, "it is mapped whole");

#define GRANTS_PER_FRAME 512u /* v1 entries of 8 bytes */

/**
 * struct shm_host - One per simulated host
 * @faults:	Faults that the library must ask the broker about; 0 on the hot path
 * @copying:	One counter per grant-mapping handle, odd while it copies. The broker
 *		gives a revoked page away again only when no copy that may have seen the
 *		grant runs.
 */
struct shm_host {
	_Atomic uint32_t faults;
	uint32_t pad[1023];
	_Atomic uint32_t copying[SHM_MAX_SLOTS];
};

#endif
