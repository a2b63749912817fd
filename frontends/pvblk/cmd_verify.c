/* SPDX-License-Identifier: MIT */
/* pvblk verify, pvblk cycle. */
#include <inttypes.h>
#include <stdio.h>

/* SHA-256 as sha256sum has it: one small library of plain functions, no set-up. */
#include <nettle/sha2.h>

#include "blkfront_io.h"
#include "log.h"
#include "pattern.h"
#include "pvblk.h"

struct verify {
	const struct opts *o;
	struct blkfront *bf;
	struct sha256_ctx sha;
};

static int pattern_put(void *arg, uint64_t offset, void *buf, size_t *len)
{
	const struct verify *v = arg;

	pattern_fill(buf, *len, v->o->seed, offset, v->o->sequence);
	return 0;
}

static int pattern_get(void *arg, uint64_t offset, void *buf, size_t *len)
{
	struct verify *v = arg;
	char why[256];

	sha256_update(&v->sha, *len, buf);
	if (pattern_check(buf, *len, v->o->seed, offset, v->o->sequence, why,
	                  sizeof(why)))
		return 0;
	log_err(blkfront_tag(v->bf), "wrong data at %s", why);
	return -EBADMSG;
}

static int verify_pass(struct verify *v, uint8_t op, uint64_t end)
{
	struct stream s = {
		.bf = v->bf,
		.op = op,
		.offset = v->o->offset,
		.end = end,
		.move = op == BLKIF_OP_READ ? pattern_get : pattern_put,
		.arg = v,
		.timeout_ms = v->o->conf.timeout_ms,
	};

	return stream_run(&s);
}

int cmd_verify(const struct opts *o, struct blkfront *bf)
{
	uint64_t length = o->size == UINT64_MAX ? o->length : o->size;
	struct verify v = { .o = o, .bf = bf };
	uint8_t digest[SHA256_DIGEST_SIZE];
	uint64_t end;
	int rc = region_set(bf, o->offset, length, PATTERN_BLOCK, &end);

	sha256_init(&v.sha);
	if (!rc && o->write) {
		rc = verify_pass(&v, BLKIF_OP_WRITE, end);
		if (!rc)
			rc = flush_disk(bf, o->conf.timeout_ms);
	}
	if (!rc)
		rc = verify_pass(&v, BLKIF_OP_READ, end);
	if (rc)
		return rc;
	sha256_digest(&v.sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	printf("  %" PRIu64 " bytes from offset %" PRIu64 ", seed %" PRIu64
	       ", sequence %" PRIu64 "\n",
	       end - o->offset, o->offset, o->seed, o->sequence);
	return 0;
}

int cmd_cycle(const struct opts *o, struct blkfront *bf)
{
	char sector[XEN_PAGE];

	for (uint32_t i = 0;;) {
		uint32_t size = blkfront_info(bf)->sector_size;
		int rc = 0;

		if (blkfront_info(bf)->bytes)
			rc = io_report(bf, "read", 0,
			               blkio_sync(bf, BLKIF_OP_READ, 0, sector, size,
			                          o->conf.timeout_ms));
		if (rc)
			return rc;
		if (++i == o->count)
			break;
		rc = blkfront_reconnect(bf);
		if (rc)
			return rc;
	}
	printf("%u connections\n", o->count);
	return 0;
}
