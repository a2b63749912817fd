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

uint64_t flow_hash(uint64_t seed, uint32_t flow, uint64_t n)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + ((uint64_t)flow << 48) + n;

	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint32_t flow_segment(uint64_t seed, uint32_t flow, uint32_t serial)
{
	return 400 + (uint32_t)(flow_hash(~seed, flow, serial) >> 33) % 1000;
}

/* Eight bytes of the stream at a time: @at / 8 is what they follow from. */
static void stream(uint64_t seed, uint32_t flow, uint64_t at, uint8_t *out, uint32_t len)
{
	while (len) {
		uint64_t word = flow_hash(seed, flow, at / 8);
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
		s += (uint32_t)p[0] << 8 | p[1];
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
	if (f->udp) {
		p = put(put(put(p, bytes, 2), 0, 2), (uint32_t)f->at, 4);
		p = put(put(p, f->ack, 4), f->serial, 4);
	} else {
		p = put(put(put(p, (uint32_t)f->at, 4), f->ack, 4), 0x5010, 2);
		p = put(put(put(p, f->serial >> 16, 2), 0, 2), f->serial & 0xffff, 2);
	}
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
	uint32_t bytes, payload, flow, at, serial, ack;
};

/* What is behind the IP header; all of it lies at the same place for TCP and UDP. */
static void parse_l4(struct parsed *p)
{
	const uint8_t *at = p->l4 + (p->udp ? 8 : 4);

	p->flow = be(p->l4, 2) - FLOW_PORT;
	p->at = be(at, 4);
	p->ack = be(at + 4, 4);
	p->serial = p->udp ? be(at + 8, 4) : be(p->l4 + 14, 2) << 16 | be(p->l4 + 18, 2);
	p->data = p->l4 + 20;
}

/* Return: it is one of ours. */
static bool parse(const uint8_t *frame, uint32_t len, struct parsed *p)
{
	uint32_t type, start;

	/* The last segment of a frame may be shorter than any that a wire has. */
	if (len < 54)
		return false;
	type = be(frame + 12, 2);
	p->v6 = type == 0x86dd;
	start = p->v6 ? 54 : 34;
	p->ip = frame + 14;
	p->l4 = frame + start;
	if ((type != 0x0800 && !p->v6) || len < start + 20 || be(p->l4 + 2, 2) != PORT)
		return false;
	p->udp = p->ip[p->v6 ? 6 : 9] == IPPROTO_UDP;
	p->bytes = p->v6 ? be(p->ip + 4, 2) : be(p->ip + 2, 2) - 20;
	parse_l4(p);
	if (p->flow >= FLOWS_MAX || p->bytes < 20)
		return false;
	p->payload = p->bytes - 20;
	return p->l4 + p->bytes == frame + len;
}

/* Two headers are equal but for what segmentation changes, and sums, checked elsewhere.
 */
static const char *check_headers(const struct parsed *p, const struct flow_check *c,
                                 const uint8_t *frame)
{
	const struct flow_frame f = { .from = c->from ? c->from : frame + 6,
		                      .to = c->me,
		                      .v6 = p->v6,
		                      .udp = p->udp };
	uint8_t want[40];

	if (memcmp(frame + 6, f.from, 6) != 0)
		return "it is of a wrong station";
	make_ip(&f, want, p->bytes);
	if (!p->v6) {
		memcpy(want + 4, p->ip + 4, 2);
		memcpy(want + 10, p->ip + 10, 2);
	}
	if (memcmp(p->ip, want, p->v6 ? 40 : 20) != 0)
		return "its IP header is wrong";
	if (p->udp ? be(p->l4 + 4, 2) != p->bytes : be(p->l4 + 12, 2) != 0x5010)
		return "its TCP or UDP header is wrong";
	return NULL;
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

static const char *check_taken(const struct parsed *p, const struct netfront_takes *t,
                               const struct netfront_meta *m, uint32_t len)
{
	if (m->csum_blank && !(p->v6 ? t->csum6 : t->csum4))
		return "its checksum is blank, which was not asked for";
	if (m->gso_type && !(p->v6 ? t->gso6 : t->gso4))
		return "it is to be segmented, which was not asked for";
	return len > XEN_PAGE && !t->sg ? "it has several slots, which was not asked for"
	                                : NULL;
}

static const char *check_place(const struct parsed *p, struct flow_seen *s)
{
	/* The stream is longer than what a frame can say of its place. */
	uint32_t ahead = p->at - (uint32_t)s->next;

	if (!p->serial)
		return p->at > FLOW_BYE
		               ? "it is no part of the flow, and has a place in it"
		               : NULL;
	if (ahead > UINT32_MAX / 2 || p->serial < s->serial)
		return "it is out of order, or came twice";
	s->gaps += ahead != 0;
	s->next += ahead;
	/* Segments of a frame have its number. */
	if (p->serial > s->serial)
		s->lost += p->serial - s->serial - 1;
	s->serial = p->serial;
	return NULL;
}

static const char *check_data(const struct parsed *p, uint64_t seed,
                              const struct flow_seen *s)
{
	uint64_t at = p->serial ? s->next : p->at;
	uint8_t want[2048];

	for (uint32_t off = 0; off < p->payload; off += sizeof(want)) {
		uint32_t n = p->payload - off;

		n = n < sizeof(want) ? n : sizeof(want);
		stream(seed, p->flow, at + off, want, n);
		if (memcmp(want, p->data + off, n) != 0)
			return "its data is wrong";
	}
	return NULL;
}

/* Whole and to be segmented, or cut into such segments; none of them is a whole frame. */
static const char *check_segments(const struct parsed *p, const struct flow_check *c,
                                  const struct netfront_meta *m)
{
	const struct flow_seen *s = &c->seen[p->flow];
	uint32_t size = c->from ? flow_segment(c->seed, p->flow, p->serial) : 0;

	if (m->gso_type && (p->udp || m->gso_size >= p->payload))
		return "it is to be segmented, and is a segment";
	if (m->gso_type && p->v6 != (m->gso_type == XEN_NETIF_GSO_TYPE_TCPV6))
		return "it is to be segmented as what it is not";
	if (!size || !p->serial)
		return NULL;
	if (m->gso_type && m->gso_size != size)
		return "it is to be segmented otherwise than its sender has said";
	if (p->serial == s->serial && (s->payload != size || p->payload > size))
		return "it is not the segment that was to be made of it";
	return NULL;
}

static void seen_add(struct flow_seen *s, const struct parsed *p,
                     const struct netfront_meta *m)
{
	s->met = true;
	if (p->ack - s->ack <= UINT32_MAX / 2)
		s->ack = p->ack;
	s->bye |= !p->serial && p->at == FLOW_BYE;
	if (!p->serial)
		return;
	s->next += p->payload;
	s->payload = p->payload;
	s->bytes += p->payload;
	s->frames++;
	s->segmented += m->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	s->blank += m->csum_blank;
}

int flow_check(struct flow_check *c, const uint8_t *frame, uint32_t len,
               const struct netfront_meta *m, char *why, size_t why_size)
{
	struct parsed p = { 0 };
	const char *fault = NULL;
	struct flow_seen *s;

	if (len < 14 || memcmp(frame, c->me, 6) != 0)
		return 0;
	if (!parse(frame, len, &p)) {
		if (!c->from)
			return 0;
		snprintf(why, why_size, "%u bytes for us that are none of ours", len);
		return -EILSEQ;
	}
	s = &c->seen[p.flow];
	fault = check_taken(&p, &c->takes, m, len);
	fault = fault ? fault : check_headers(&p, c, frame);
	fault = fault ? fault : check_sums(&p, m);
	fault = fault ? fault : check_segments(&p, c, m);
	fault = fault ? fault : check_place(&p, s);
	fault = fault ? fault : check_data(&p, c->seed, s);
	if (fault) {
		snprintf(why, why_size, "flow %u, place %u, serial %u, %u bytes: %s",
		         p.flow, p.at, p.serial, len, fault);
		return -EILSEQ;
	}
	seen_add(s, &p, m);
	return 1;
}

unsigned int flow_sum(const struct flow_check *c, struct flow_seen *sum)
{
	unsigned int flows = 0;

	*sum = (struct flow_seen){ 0 };
	for (const struct flow_seen *s = c->seen; s < c->seen + FLOWS_MAX; s++) {
		flows += s->frames != 0;
		sum->frames += s->frames;
		sum->bytes += s->bytes;
		sum->segmented += s->segmented;
		sum->blank += s->blank;
		sum->gaps += s->gaps;
		sum->lost += s->lost;
	}
	return flows;
}
