/* SPDX-License-Identifier: MIT */
#include "blkfront_info.h"

#include <errno.h>
#include <inttypes.h>

#include "log.h"
#include "num.h"

/* One number the backend publishes; a missing one is @missing unless that is negative. */
static int key_read(struct front *f, const char *key, uint64_t max, int64_t missing,
                    uint64_t *out)
{
	autofree char *text = NULL;
	int rc = xst_read(f->xs, XST_NULL, &text, "%s/%s", f->backend, key);

	if (rc == -ENOENT && missing >= 0) {
		*out = (uint64_t)missing;
		return 0;
	}
	if (!rc && num_u64(text, max, out) == 0)
		return 0;
	if (xst_broken(rc))
		return rc;
	log_err(f->tag,
	        "the backend publishes %s = \"%s\", which must be a number up to "
	        "%" PRIu64,
	        key, text ? text : "(nothing)", max);
	return -EPROTO;
}

static int flag_read(struct front *f, const char *key, bool *out)
{
	uint64_t v;
	int rc = key_read(f, key, 1, 0, &v);

	if (!rc)
		*out = v;
	return rc;
}

static int u32_read(struct front *f, const char *key, int64_t missing, uint32_t *out)
{
	uint64_t v;
	int rc = key_read(f, key, UINT32_MAX, missing, &v);

	if (!rc)
		*out = (uint32_t)v;
	return rc;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The deprecated spelling counts pages. */
static int order_read(struct front *f, uint32_t *order)
{
	uint32_t pages;
	int rc = u32_read(f, "max-ring-pages", 1, &pages);

	if (rc)
		return rc;
	return u32_read(f, "max-ring-page-order", pages ? 31 - __builtin_clz(pages) : 0,
	                order);
}

int blkfront_agree(struct front *f, const struct blkfront_conf *conf,
                   struct blkfront_info *info)
{
	struct blkfront_offer *o = &info->offer;
	int rc = 0;

	*info = (struct blkfront_info){ .offer = { .queues = 1 } };
	if (!conf->hasty) {
		rc = u32_read(f, "multi-queue-max-queues", 1, &o->queues);
		if (!rc)
			rc = order_read(f, &o->order);
		if (!rc)
			rc = u32_read(f, "feature-max-indirect-segments", 0,
			              &o->segments);
	}
	if (!o->queues)
		o->queues = 1;
	info->queues = least(conf->queues, o->queues);
	info->order = least(conf->order, o->order);
	info->segments = least(conf->segments, o->segments > BLKFRONT_DIRECT
	                                               ? o->segments
	                                               : BLKFRONT_DIRECT);
	return rc;
}

static int features_read(struct front *f, struct blkfront_info *info)
{
	int rc = flag_read(f, "feature-flush-cache", &info->flush);

	if (!rc)
		rc = flag_read(f, "feature-barrier", &info->barrier);
	if (!rc)
		rc = flag_read(f, "feature-discard", &info->discard);
	if (!rc)
		rc = flag_read(f, "discard-secure", &info->secure);
	if (!rc)
		rc = u32_read(f, "discard-granularity", info->physical_size,
		              &info->granularity);
	if (!rc)
		rc = u32_read(f, "discard-alignment", 0, &info->alignment);
	info->secure = info->secure && info->discard;
	return rc;
}

static int sectors_read(struct front *f, uint64_t *sectors)
{
	return key_read(f, "sectors", INT64_MAX / BLK_SECTOR, -1, sectors);
}

static int capacity(struct front *f, uint64_t sectors, uint64_t sector_size,
                    uint64_t *bytes)
{
	*bytes = sectors * BLK_SECTOR;
	if (sector_size >= BLK_SECTOR && !(sector_size & (sector_size - 1)) &&
	    *bytes % sector_size == 0)
		return 0;
	log_err(f->tag,
	        "the backend publishes sector-size %" PRIu64 ", sectors %" PRIu64
	        ": not a power of two from 512 to 4096, or not whole sectors",
	        sector_size, sectors);
	return -EPROTO;
}

int blkfront_info_read(struct front *f, const struct blkfront_conf *conf,
                       struct blkfront_info *out)
{
	uint64_t sectors, info, size, physical, bytes = 0;
	bool keeps;
	int rc = sectors_read(f, &sectors);

	if (!rc)
		rc = key_read(f, "info", UINT32_MAX, -1, &info);
	if (!rc)
		rc = key_read(f, "sector-size", XEN_PAGE, -1, &size);
	if (!rc)
		rc = key_read(f, "physical-sector-size", INT32_MAX, (int64_t)size,
		              &physical);
	if (!rc)
		rc = capacity(f, sectors, size, &bytes);
	if (!rc)
		rc = flag_read(f, "feature-persistent", &keeps);
	if (rc)
		return rc;
	out->bytes = bytes;
	out->sector_size = (uint32_t)size;
	out->physical_size = (uint32_t)physical;
	out->readonly = info & VDISK_READONLY;
	out->cdrom = info & VDISK_CDROM;
	out->persistent = conf->persistent && keeps;
	return features_read(f, out);
}

int blkfront_capacity_read(struct front *f, struct blkfront_info *info)
{
	uint64_t sectors, bytes = info->bytes;
	int rc = sectors_read(f, &sectors);

	if (!rc)
		rc = capacity(f, sectors, info->sector_size, &bytes);
	if (rc || bytes == info->bytes)
		return rc;
	log_info(f->tag, "the disk has %" PRIu64 " bytes now, it had %" PRIu64, bytes,
	         info->bytes);
	/* Other queues' threads read it. */
	__atomic_store_n(&info->bytes, bytes, __ATOMIC_RELAXED);
	return 0;
}

static bool op_served(const struct blkfront_info *info, uint8_t op)
{
	switch (op) {
	case BLKIF_OP_FLUSH_DISKCACHE:
		return info->flush;
	case BLKIF_OP_WRITE_BARRIER:
		return info->barrier;
	case BLKIF_OP_DISCARD:
		return info->discard;
	default:
		return true;
	}
}

bool blkfront_may_be_empty(uint8_t op)
{
	return op == BLKIF_OP_FLUSH_DISKCACHE || op == BLKIF_OP_WRITE_BARRIER;
}

int blkfront_check(const struct blkfront_info *info, uint8_t op, uint64_t offset,
                   uint64_t len)
{
	uint64_t bytes = __atomic_load_n(&info->bytes, __ATOMIC_RELAXED);

	if (!op_served(info, op))
		return -EOPNOTSUPP;
	if (len == 0 && blkfront_may_be_empty(op))
		return 0;
	if ((offset | len) % info->sector_size)
		return -EINVAL;
	if (offset > bytes || len > bytes - offset)
		return -ENOSPC;
	return op != BLKIF_OP_READ && info->readonly ? -EROFS : 0;
}

uint64_t blkfront_req_max(const struct blkfront_info *info, uint8_t op, uint64_t offset)
{
	bool transfer = op == BLKIF_OP_READ || op == BLKIF_OP_WRITE;
	unsigned int segments = info->segments;

	if (op == BLKIF_OP_DISCARD)
		return UINT64_MAX;
	/* Only these two may be indirect. */
	if (!transfer && segments > BLKFRONT_DIRECT)
		segments = BLKFRONT_DIRECT;
	return (uint64_t)segments * XEN_PAGE - offset % XEN_PAGE;
}
