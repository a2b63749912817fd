/* SPDX-License-Identifier: MIT */
#include "pcapng.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "version.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
};

/* Options; what a number means depends on the block. */
enum {
	OPT_COMMENT = 1,
	OPT_SECTION_APPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_DESCRIPTION = 3,
	OPT_IF_TSRESOL = 9,
	OPT_PACKET_FLAGS = 2,
	OPT_PACKET_QUEUE = 6,
	OPT_STAT_START = 2,
	OPT_STAT_END = 3,
	OPT_STAT_RECEIVED = 4,
	OPT_STAT_OSDROP = 7,
	OPT_STAT_DELIVERED = 8,
};

#define LINKTYPE_ETHERNET 1
#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define NANOSECONDS       9
#define INBOUND           1U
#define OUTBOUND          2U

/**
 * struct block - One that is being made
 * @at:	Its beginning
 * @n:	Bytes that it has
 */
struct block {
	uint8_t *at;
	size_t n;
};

static void put(struct block *b, const void *p, size_t n)
{
	static const uint8_t zero[4];
	size_t pad = (4 - n % 4) % 4;

	assert(b->n + n + pad <= PCAPNG_BLOCK_MAX);
	memcpy(b->at + b->n, p, n);
	memcpy(b->at + b->n + n, zero, pad);
	b->n += n + pad;
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static struct block block(uint8_t *out, uint32_t type)
{
	struct block b = { .at = out };

	put32(&b, type);
	put32(&b, 0);
	return b;
}

static void option(struct block *b, uint16_t code, const void *p, size_t n)
{
	const uint16_t head[2] = { code, (uint16_t)n };

	put(b, head, sizeof(head));
	put(b, p, n);
}

static void option_text(struct block *b, uint16_t code, const char *s)
{
	option(b, code, s, strlen(s));
}

/* The end of the options, and the length in both places. Return: that. */
static size_t block_end(struct block *b)
{
	uint32_t len;

	put32(b, 0);
	len = (uint32_t)b->n + 4;
	put32(b, len);
	memcpy(b->at + 4, &len, sizeof(len));
	return b->n;
}

/* High word first, whatever the byte order. */
static void put_time(struct block *b, uint64_t ns)
{
	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void option_time(struct block *b, uint16_t code, uint64_t ns)
{
	const uint32_t v[2] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	option(b, code, v, sizeof(v));
}

size_t pcapng_begin(uint8_t *out, const char *interface, const char *about,
                    uint32_t snaplen)
{
	static const uint16_t version[2] = { 1, 0 }, link[2] = { LINKTYPE_ETHERNET, 0 };
	static const uint8_t resolution = NANOSECONDS;
	const uint64_t unknown = UINT64_MAX;
	struct block b = block(out, BLOCK_SECTION);
	size_t n;

	put32(&b, BYTE_ORDER_MAGIC);
	put(&b, version, sizeof(version));
	put(&b, &unknown, sizeof(unknown));
	option_text(&b, OPT_SECTION_APPL, "pvbackctl " PVB_VERSION);
	n = block_end(&b);
	b = block(out + n, BLOCK_INTERFACE);
	put(&b, link, sizeof(link));
	put32(&b, snaplen);
	option_text(&b, OPT_IF_NAME, interface);
	option_text(&b, OPT_IF_DESCRIPTION, about);
	option(&b, OPT_IF_TSRESOL, &resolution, sizeof(resolution));
	return n + block_end(&b);
}

void pcapng_comment(char out[256], const struct capture_rec *r)
{
	static const char *const gso[] = { "", "tcpv4", "tcpv6" };
	char *p = out, *end = out + 256;

	p += snprintf(p, (size_t)(end - p), "%s queue %u",
	              r->dir == CAPTURE_TX ? "tx" : "rx", r->queue);
	if (!(r->flags & CAPTURE_LOOSE))
		p += snprintf(p, (size_t)(end - p), " index %u slots %u", r->index,
		              r->slots);
	if (r->gso_type)
		p += snprintf(p, (size_t)(end - p), " gso %s %u",
		              r->gso_type < ARRAY_SIZE(gso) ? gso[r->gso_type] : "?",
		              r->gso_size);
	if (r->flags & CAPTURE_CSUM_BLANK)
		p += snprintf(p, (size_t)(end - p), " csum-blank");
	if (r->flags & CAPTURE_VALIDATED)
		p += snprintf(p, (size_t)(end - p), " validated");
	snprintf(p, (size_t)(end - p), ": %s%s",
	         r->flags & CAPTURE_LOST ? "dropped, " : "passed",
	         r->flags & CAPTURE_LOST ? r->what : "");
}

size_t pcapng_frame(uint8_t *out, const struct capture_rec *r, const uint8_t *data)
{
	const uint32_t flags = r->dir == CAPTURE_TX ? OUTBOUND : INBOUND;
	const uint32_t queue = r->queue;
	struct block b = block(out, BLOCK_PACKET);
	char comment[256];

	put32(&b, 0);
	put_time(&b, r->ns);
	put32(&b, r->data);
	put32(&b, r->len);
	put(&b, data, r->data);
	pcapng_comment(comment, r);
	option_text(&b, OPT_COMMENT, comment);
	option(&b, OPT_PACKET_FLAGS, &flags, sizeof(flags));
	option(&b, OPT_PACKET_QUEUE, &queue, sizeof(queue));
	return block_end(&b);
}

size_t pcapng_end(uint8_t *out, const struct capture_count *count, uint64_t written,
                  uint64_t start, uint64_t end)
{
	struct block b = block(out, BLOCK_STATISTICS);

	put32(&b, 0);
	put_time(&b, end);
	option_time(&b, OPT_STAT_START, start);
	option_time(&b, OPT_STAT_END, end);
	option(&b, OPT_STAT_RECEIVED, &count->seen, sizeof(count->seen));
	option(&b, OPT_STAT_OSDROP, &count->dropped, sizeof(count->dropped));
	option(&b, OPT_STAT_DELIVERED, &written, sizeof(written));
	return block_end(&b);
}
