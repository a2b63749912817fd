/* SPDX-License-Identifier: MIT */
#include "flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Our flows are known by this port, and are numbered from the other one. */
#define PORT      9876U
#define FLOW_PORT 20000U

static uint32_t be(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static uint8_t *put(uint8_t *p, uint32_t v, int n)
{
	for (int i = n - 1; i >= 0; i--)
		*p++ = (uint8_t)(v >> (8 * i));
	return p;
}

/* Eight bytes of the stream at a time: @at / 8 is what they follow from. */
static uint64_t mix(uint64_t seed, uint32_t flow, uint64_t block)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + ((uint64_t)flow << 48) + block;

	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void stream(uint64_t seed, uint32_t flow, uint64_t at, uint8_t *out, uint32_t len)
{
	while (len) {
		uint64_t word = mix(seed, flow, at / 8);
		uint32_t skip = at % 8, n = 8 - skip < len ? 8 - skip : len;

		memcpy(out, (uint8_t *)&word + skip, n);
		out += n;
		at += n;
		len -= n;
	}
}

/* RFC 1071 over @len bytes, on top of @sum. */
static uint32_t add_words(uint32_t sum, const uint8_t *p, uint32_t len)
{
	uint64_t s = sum;

	for (; len >= 2; p += 2, len -= 2)
		s += be(p, 2);
	if (len)
		s += (uint32_t)p[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint32_t)s;
}

static uint32_t pseudo(const uint8_t *ip, bool v6, uint32_t proto, uint32_t bytes)
{
	uint32_t sum = v6 ? add_words(0, ip + 8, 32) : add_words(0, ip + 12, 8);
	uint8_t tail[8];

	put(put(tail, bytes, 4), proto, 4);
	return add_words(sum, tail, sizeof(tail));
}

static uint8_t *make_ip(const struct flow_frame *f, uint8_t *p, uint32_t bytes)
{
	uint32_t proto = f->udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint8_t *ip = p;

	if (f->v6) {
		p = put(put(put(p, 0x60000000, 4), bytes, 2), proto << 8 | 64, 2);
		memset(p, 0, 32);
		p[0] = p[16] = 0xfd;
		p[15] = f->from[5];
		p[31] = f->to[5];
		return p + 32;
	}
	p = put(put(put(p, 0x4500, 2), bytes + 20, 2), f->at & 0xffff, 2);
	p = put(put(put(p, 0x4000, 2), 64 << 8 | proto, 2), 0, 2);
	p = put(put(p, 0x0a090000U | f->from[5], 4), 0x0a090000U | f->to[5], 4);
	put(ip + 10, ~add_words(0, ip, 20) & 0xffff, 2);
	return p;
}

uint32_t flow_make(const struct flow_frame *f, uint8_t *out, struct netfront_meta *m)
{
	uint32_t at = f->v6 ? 54 : 34, bytes = f->len - at, csum = f->udp ? 6 : 16, sum;
	uint8_t *p = out, *l4 = out + at;
	uint32_t payload;

	*m = (struct netfront_meta){ .csum_blank = !f->full };
	memcpy(p, f->to, 6);
	memcpy(p + 6, f->from, 6);
	p = make_ip(f, put(p + 12, f->v6 ? 0x86dd : 0x0800, 2), bytes);
	p = put(put(p, FLOW_PORT + f->flow, 2), PORT, 2);
	if (f->udp)
		p = put(put(put(p, bytes, 2), 0, 2), (uint32_t)f->at, 4);
	else
		p = put(put(put(put(p, (uint32_t)f->at, 4), 1, 4), 0x5010ffff, 4), 0, 4);
	payload = (uint32_t)(out + f->len - p);
	stream(f->seed, f->flow, f->at, p, payload);
	sum = pseudo(out + 14, f->v6, f->udp ? IPPROTO_UDP : IPPROTO_TCP, bytes);
	if (f->full) {
		sum = ~add_words(sum, l4, bytes) & 0xffff;
		sum = sum || !f->udp ? sum : 0xffff;
	}
	put(l4 + csum, sum, 2);
	if (f->segment && !f->udp && payload > f->segment) {
		m->gso_type = f->v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
		m->gso_size = (uint16_t)f->segment;
	}
	return payload;
}

/**
 * struct parsed - A frame of ours
 * @bytes:	Of TCP or UDP
 */
struct parsed {
	bool v6, udp;
	const uint8_t *ip, *l4, *data;
	uint32_t bytes, payload, flow, at;
};

/* Return: it is one of ours. */
static bool parse(const uint8_t *me, const uint8_t *frame, uint32_t len, struct parsed *p)
{
	uint32_t type, start;

	if (len < 60 || memcmp(frame, me, 6) != 0)
		return false;
	type = be(frame + 12, 2);
	p->v6 = type == 0x86dd;
	start = p->v6 ? 54 : 34;
	p->ip = frame + 14;
	p->l4 = frame + start;
	p->udp = p->ip[p->v6 ? 6 : 9] == IPPROTO_UDP;
	if ((type != 0x0800 && !p->v6) || len < start + 20 || be(p->l4 + 2, 2) != PORT)
		return false;
	p->bytes = p->v6 ? be(p->ip + 4, 2) : be(p->ip + 2, 2) - 20;
	p->flow = be(p->l4, 2) - FLOW_PORT;
	p->data = p->l4 + (p->udp ? 12 : 20);
	p->at = be(p->l4 + (p->udp ? 8 : 4), 4);
	return p->flow < FLOWS_MAX;
}

static const char *check_sums(const struct parsed *p, const struct netfront_meta *m)
{
	uint32_t proto = p->udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint32_t sum = pseudo(p->ip, p->v6, proto, p->bytes);

	if (!p->v6 && add_words(0, p->ip, 20) != 0xffff)
		return "its IP checksum is wrong";
	if (m->csum_blank)
		return be(p->l4 + (p->udp ? 6 : 16), 2) == sum
		               ? NULL
		               : "its blank checksum is not that of the pseudo header";
	return add_words(sum, p->l4, p->bytes) == 0xffff ? NULL : "its checksum is wrong";
}

static const char *check_place(const struct parsed *p, struct flow_seen *s)
{
	/* The stream is longer than what a frame can say of its place. */
	uint32_t ahead = p->at - (uint32_t)s->next;

	if (ahead > UINT32_MAX / 2)
		return "it is out of order, or came twice";
	s->gaps += ahead != 0;
	s->next += ahead;
	return NULL;
}

static const char *check_data(const struct parsed *p, uint64_t seed,
                              const struct flow_seen *s)
{
	uint8_t want[2048];

	for (uint32_t off = 0; off < p->payload; off += sizeof(want)) {
		uint32_t n = p->payload - off;

		n = n < sizeof(want) ? n : sizeof(want);
		stream(seed, p->flow, s->next + off, want, n);
		if (memcmp(want, p->data + off, n) != 0)
			return "its data is wrong";
	}
	return NULL;
}

int flow_check(const uint8_t *me, uint64_t seed, const uint8_t *frame, uint32_t len,
               const struct netfront_meta *m, struct flow_seen *seen, char *why,
               size_t why_size)
{
	struct parsed p = { 0 };
	const char *fault = NULL;
	struct flow_seen *s;

	if (!parse(me, frame, len, &p))
		return 0;
	s = &seen[p.flow];
	if (p.l4 + p.bytes > frame + len || p.data > p.l4 + p.bytes)
		fault = "it is shorter than it says";
	else
		p.payload = (uint32_t)(p.l4 + p.bytes - p.data);
	fault = fault ? fault : check_sums(&p, m);
	fault = fault ? fault : check_place(&p, s);
	fault = fault ? fault : check_data(&p, seed, s);
	if (!fault && m->gso_type && (p.udp || m->gso_size >= p.payload))
		fault = "it is to be segmented, and is a segment";
	if (fault) {
		snprintf(why, why_size, "flow %u, place %u, %u bytes: %s", p.flow, p.at,
		         len, fault);
		return -EILSEQ;
	}
	s->next += p.payload;
	s->bytes += p.payload;
	s->frames++;
	s->segmented += m->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	return 1;
}
