/* SPDX-License-Identifier: MIT */
/* What is counted of a network card, for each of its queues: known to both halves. */
#ifndef PVB_NET_STATS_H
#define PVB_NET_STATS_H

#include <stdint.h>

#include "net_conf.h"
#include "stats.h"

/*
 * Counters; written by the queue's thread only. "tx" is the guest's way out, "rx" its way
 * in, as the guest sees it.
 */
#define NET_STATS(X)                                                            \
	X(requests)  /* slots taken from the rings */                           \
	X(answers)   /* of these, answered, whatever the status */              \
	X(tx_frames) /* handed to the TAP */                                    \
	X(tx_bytes)                                                             \
	X(tx_refused) /* slots break a rule: answered with an error */          \
	X(tx_grants)  /* dropped: a copy from its grants failed */              \
	X(tx_headers) /* dropped: offloads that its headers do not bear */      \
	/* sent as another: dropped, or with "log" only counted */              \
	X(tx_spoof_mac)                                                         \
	X(tx_spoof_ipv4)                                                        \
	X(tx_spoof_ipv6)                                                        \
	X(tx_spoof_arp)                                                         \
	X(tx_spoof_nd)                                                          \
	X(tx_spoof_hidden) /* headers that cannot be judged */                  \
	X(tx_spoof_other)  /* neither IP nor ARP, of a guest with a list */     \
	X(tx_tap)          /* dropped: the TAP would not have it */             \
	X(tx_held)         /* times that the TAP was full, and frames waited */ \
	X(tx_limited)      /* times that a limit was used up */                 \
	X(rx_limited)      /* the same, to the guest */                         \
	X(rx_frames)       /* put into the guest's slots */                     \
	X(rx_bytes)                                                             \
	X(rx_grants)   /* lost: a copy to its grants failed */                  \
	X(rx_headers)  /* dropped: not for this guest, as it takes no such */   \
	X(rx_filtered) /* for a group that the guest does not listen to */      \
	X(rx_expired)  /* dropped: slots were missing for too long */           \
	X(rx_starved)  /* times that slots were missing */                      \
	X(copy_calls)  /* grant copies: calls, segments */                      \
	X(copy_segs)                                                            \
	X(batches)  /* publications of responses */                             \
	X(notifies) /* of which the guest had asked for an event */             \
	X(events)   /* events received */                                       \
	X(sleeps)

struct net_stats {
#define X(name) uint64_t name;
	NET_STATS(X)
#undef X
};

#define X(name) #name,
static const char *const net_counter_names[] = { NET_STATS(X) };
#undef X

_Static_assert(sizeof(struct net_stats) ==
                       sizeof(uint64_t) * ARRAY_SIZE(net_counter_names),
               "a name for each counter");

static const struct stats_table net_stats_table = {
	.counter = net_counter_names,
	.ncounters = ARRAY_SIZE(net_counter_names),
	.queues = NET_QUEUES_MAX,
};

#endif
