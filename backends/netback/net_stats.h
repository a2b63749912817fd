/* SPDX-License-Identifier: MIT */
/* What is counted of a network card, for each of its queues: known to both halves. */
#ifndef PVB_NET_STATS_H
#define PVB_NET_STATS_H

#include <stdint.h>

#include "clock.h"
#include "net_conf.h"
#include "stats.h"

/*
 * Counters; written by the queue's thread only. "tx" is the guest's way out, "rx" its way
 * in, as the guest sees it. First those of frames that were not passed on, by cause.
 */
#define NET_LOSSES(X)                                                                    \
	X(tx_refused_slots) /* slots break a rule: too many for a frame */               \
	X(tx_refused_size)  /* the same: parts larger than the frame, or 64 KiB */       \
	X(tx_refused_short) /* the same: no Ethernet header in the first */              \
	X(tx_grants)        /* dropped: a copy from its grants failed */                 \
	X(tx_headers)       /* dropped: offloads that its headers do not bear */         \
	/* sent as another: dropped, or with "log" only counted */                       \
	X(tx_spoof_mac)                                                                  \
	X(tx_spoof_ipv4)                                                                 \
	X(tx_spoof_ipv6)                                                                 \
	X(tx_spoof_arp)                                                                  \
	X(tx_spoof_nd)                                                                   \
	X(tx_spoof_hidden) /* headers that cannot be judged */                           \
	X(tx_spoof_other)  /* neither IP nor ARP, of a guest with a list */              \
	X(tx_down)         /* dropped: the host's interface is down */                   \
	X(tx_tap)          /* dropped: the TAP would not have it */                      \
	X(rx_grants)       /* lost: a copy to its grants failed */                       \
	X(rx_refused_size) /* dropped: larger than this guest takes */                   \
	X(rx_refused_gso) /* the same: to be segmented in a way that it does not take */ \
	X(rx_refused_csum) /* the same: a checksum that is nowhere */                    \
	X(rx_expired)      /* dropped: slots were missing for too long */                \
	X(rx_full)         /* dropped by the host: as much as may waited already */

#define NET_STATS(X)                                                       \
	X(requests)  /* slots taken from the rings */                      \
	X(answers)   /* of these, answered, whatever the status */         \
	X(tx_frames) /* handed to the TAP */                               \
	X(tx_bytes)                                                        \
	X(tx_held)    /* times that the TAP was full, and frames waited */ \
	X(tx_limited) /* times that a limit was used up */                 \
	X(rx_limited) /* the same, to the guest */                         \
	X(rx_frames)  /* put into the guest's slots */                     \
	X(rx_bytes)                                                        \
	X(rx_filtered) /* for a group that the guest does not listen to */ \
	X(rx_starved)  /* times that slots were missing */                 \
	X(rx_hashed)   /* of which the guest was told a hash */            \
	X(copy_calls)  /* grant copies: calls, segments */                 \
	X(copy_segs)                                                       \
	X(batches)  /* publications of responses */                        \
	X(notifies) /* of which the guest had asked for an event */        \
	X(events)   /* events received */                                  \
	X(sleeps)                                                          \
	/* of the control ring, in the first queue's; of these, refused */ \
	X(ctrl_requests)                                                   \
	X(ctrl_refused)                                                    \
	NET_LOSSES(X)

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

/**
 * struct net_loss - A counter of frames that were not passed on, and so a cause
 * @at:		Its place in struct net_stats
 */
struct net_loss {
	size_t at;
	const char *name;
};

#define NET_LOSS(name)                                  \
	{                                               \
		offsetof(struct net_stats, name), #name \
	}

static inline void net_loss_add(struct net_stats *s, const struct net_loss *l)
{
	stats_add((uint64_t *)(void *)((char *)s + l->at), 1);
}

/** net_turn_ns() - The clock, asked once for a turn; @now is 0 at its beginning */
static inline uint64_t net_turn_ns(uint64_t *now)
{
	if (!*now)
		*now = clock_ns();
	return *now;
}

/* How long a slot was in our hands until its answer was shown; a frame, since it was
 * read.
 */
#define NET_HISTS(X) \
	X(transmit)  \
	X(receive)

enum net_hist {
#define X(name) NET_HIST_##name,
	NET_HISTS(X)
#undef X
	NET_NHISTS
};

#define X(name) #name,
static const char *const net_hist_names[] = { NET_HISTS(X) };
#undef X

static const struct stats_table net_stats_table = {
	.counter = net_counter_names,
	.hist = net_hist_names,
	.ncounters = ARRAY_SIZE(net_counter_names),
	.nhists = NET_NHISTS,
	.queues = NET_QUEUES_MAX,
};

#endif
