/* SPDX-License-Identifier: MIT */
#include "net_stall.h"

static bool due(uint64_t from, uint64_t ns, uint64_t now)
{
	return ns && now - from >= ns;
}

enum net_stall_do net_stall_look(struct net_stall *s, bool starved, uint64_t now)
{
	bool was = s->stalled;

	if (!starved) {
		s->since = 0;
		s->stalled = false;
		return was ? NET_STALL_ON : NET_STALL_NOTHING;
	}
	if (!s->since)
		s->since = s->drained = now;
	if (!was && due(s->since, s->after, now))
		return NET_STALL_OFF;
	return due(s->drained, s->drain, now) ? NET_STALL_DROP : NET_STALL_NOTHING;
}

void net_stall_dropped(struct net_stall *s, bool off, uint64_t now)
{
	s->drained = now;
	s->stalled |= off;
}

void net_stall_idle(struct net_stall *s, uint64_t now)
{
	s->drained = now;
	if (!s->stalled)
		s->since = now;
}

static int64_t left(uint64_t from, uint64_t ns, uint64_t now)
{
	return now - from >= ns ? 0 : (int64_t)(ns - (now - from));
}

int64_t net_stall_wait(const struct net_stall *s, uint64_t now)
{
	int64_t ns = -1;

	if (!s->since)
		return -1;
	if (s->drain)
		ns = left(s->drained, s->drain, now);
	if (s->after && !s->stalled && (ns < 0 || left(s->since, s->after, now) < ns))
		ns = left(s->since, s->after, now);
	return ns;
}
