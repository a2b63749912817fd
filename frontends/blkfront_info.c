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

int blkfront_info_read(struct front *f, bool persistent, struct blkfront_info *out)
{
	uint64_t sectors, info, size, physical, flush, keeps;
	int rc = key_read(f, "sectors", INT64_MAX / BLK_SECTOR, -1, &sectors);

	if (!rc)
		rc = key_read(f, "info", UINT32_MAX, -1, &info);
	if (!rc)
		rc = key_read(f, "sector-size", XEN_PAGE, -1, &size);
	if (!rc)
		rc = key_read(f, "physical-sector-size", INT32_MAX, (int64_t)size,
		              &physical);
	if (!rc)
		rc = key_read(f, "feature-flush-cache", 1, 0, &flush);
	if (!rc)
		rc = key_read(f, "feature-persistent", 1, 0, &keeps);
	if (rc)
		return rc;
	if (size < BLK_SECTOR || (size & (size - 1)) || sectors * BLK_SECTOR % size) {
		log_err(f->tag,
		        "the backend publishes sector-size %" PRIu64 ", sectors %" PRIu64
		        ": not a power of two from 512 to 4096, or not whole sectors",
		        size, sectors);
		return -EPROTO;
	}
	*out = (struct blkfront_info){
		.bytes = sectors * BLK_SECTOR,
		.sector_size = (uint32_t)size,
		.physical_size = (uint32_t)physical,
		.readonly = info & VDISK_READONLY,
		.cdrom = info & VDISK_CDROM,
		.flush = flush,
		.persistent = persistent && keeps,
	};
	return 0;
}

int blkfront_check(const struct blkfront_info *info, uint8_t op, uint64_t offset,
                   uint64_t len)
{
	if (op == BLKIF_OP_FLUSH_DISKCACHE)
		return info->flush ? 0 : -EOPNOTSUPP;
	if ((offset | len) % info->sector_size)
		return -EINVAL;
	if (offset > info->bytes || len > info->bytes - offset)
		return -ENOSPC;
	return op == BLKIF_OP_WRITE && info->readonly ? -EROFS : 0;
}

uint32_t blkfront_req_max(uint64_t offset)
{
	return (uint32_t)(BLKFRONT_REQ_MAX - offset % XEN_PAGE);
}
