/* SPDX-License-Identifier: MIT */
#include "net_mcast.h"

#include <errno.h>

#define THERE (1ULL << 48)
#define ALL   0xffffffffffffULL

static uint64_t value(const uint8_t mac[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

/* Put @to where @from is. Return: it was somewhere. */
static bool change(struct net_mcast *m, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < NET_MCAST_MAX; i++) {
		uint64_t is = from;

		if (__atomic_compare_exchange_n(&m->slot[i], &is, to, false,
		                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

int net_mcast_add(struct net_mcast *m, const uint8_t mac[6])
{
	const uint64_t to = value(mac) | THERE;

	/* A worker that takes over from one that died may be told for the second time. */
	return change(m, to, to) || change(m, 0, to) ? 0 : -ENOSPC;
}

void net_mcast_del(struct net_mcast *m, const uint8_t mac[6])
{
	change(m, value(mac) | THERE, 0);
}

bool net_mcast_pass(const struct net_mcast *m, const uint8_t mac[6])
{
	uint64_t want = value(mac);

	if (!(mac[0] & 1) || want == ALL)
		return true;
	for (uint32_t i = 0; i < NET_MCAST_MAX; i++)
		if (__atomic_load_n(&m->slot[i], __ATOMIC_RELAXED) == (want | THERE))
			return true;
	return false;
}
