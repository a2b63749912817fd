/* SPDX-License-Identifier: MIT */
/* nbdkit plugin: a paravirtual disk of this domain as an NBD export. */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log.h"
#include "num.h"
#include "ring_threads.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* Requests of this size keep the ring busy; what NBD clients take as a hint. */
#define PREFERRED_IO  (64U << 10)
#define MAX_IO        (32U << 20)
#define TIMEOUT_MAX_S 3600U

static struct blkfront_conf conf;
static unsigned int timeout_s = 30;
static char *dev;
static uint32_t devid;
static struct ring_threads *ring;

static void pvblk_load(void)
{
	log_init("nbdkit-pvblk", LOG_STDERR);
	conf = BLKFRONT_DEFAULTS;
}

static void pvblk_unload(void)
{
	free(dev);
}

/* Return: 1, it is one of the numbers, 0 it is none, or -1, with the complaint made. */
static int config_number(const char *key, const char *value)
{
	const struct {
		const char *key;
		uint32_t min, max;
		unsigned int *out;
	} row[] = {
		{ "depth", 1, BLKFRONT_SLOTS_MAX, &conf.depth },
		{ "queues", 1, BLKFRONT_QUEUES_MAX, &conf.queues },
		{ "ring-order", 0, BLKFRONT_ORDER_MAX, &conf.order },
		{ "segments", BLKFRONT_DIRECT, BLKFRONT_INDIRECT, &conf.segments },
		{ "timeout", 1, TIMEOUT_MAX_S, &timeout_s },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint32_t v;

		if (strcmp(key, row[i].key) != 0)
			continue;
		if (num_u32(value, row[i].max, &v) || v < row[i].min) {
			nbdkit_error("%s=%s: must be a number from %u to %u", key, value,
			             row[i].min, row[i].max);
			return -1;
		}
		*row[i].out = v;
		return 1;
	}
	return 0;
}

static int config_bool(const char *value, bool *out)
{
	int v = nbdkit_parse_bool(value);

	if (v < 0)
		return -1;
	*out = v;
	return 0;
}

static int pvblk_config(const char *key, const char *value)
{
	int rc;

	if (strcmp(key, "dev") == 0) {
		free(dev);
		dev = strdup(value);
		return dev ? 0 : -1;
	}
	if (strcmp(key, "persistent") == 0)
		return config_bool(value, &conf.persistent);
	if (strcmp(key, "reset") == 0)
		return config_bool(value, &conf.reset);
	rc = config_number(key, value);
	if (rc == 0)
		nbdkit_error("%s: no such parameter; there are dev, depth, persistent, "
		             "queues, reset, ring-order, segments, timeout",
		             key);
	return rc > 0 ? 0 : -1;
}

static int pvblk_get_ready(void)
{
	int rc = blkfront_find(dev, &devid);

	if (rc)
		nbdkit_error("no disk to serve: %s", strerror(-rc));
	return rc ? -1 : 0;
}

/* Neither grants nor event channels survive the fork into the background. */
static int pvblk_after_fork(void)
{
	int rc;

	conf.timeout_ms = (int)timeout_s * 1000;
	rc = ring_threads_start(&ring, devid, &conf);
	if (rc)
		nbdkit_error("cannot connect to vbd-%u: %s", devid, strerror(-rc));
	return rc ? -1 : 0;
}

static void pvblk_cleanup(void)
{
	ring_threads_stop(ring);
	ring = NULL;
}

static void *pvblk_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t pvblk_get_size(void *handle)
{
	(void)handle;
	return (int64_t)ring_threads_bytes(ring);
}

static int pvblk_can_write(void *handle)
{
	(void)handle;
	return !ring_threads_info(ring)->readonly;
}

static int pvblk_can_flush(void *handle)
{
	(void)handle;
	return ring_threads_info(ring)->flush;
}

/* blkif has no FUA: nbdkit flushes after the write. */
static int pvblk_can_fua(void *handle)
{
	(void)handle;
	return ring_threads_info(ring)->flush ? NBDKIT_FUA_EMULATE : NBDKIT_FUA_NONE;
}

static int pvblk_can_trim(void *handle)
{
	(void)handle;
	return ring_threads_info(ring)->discard;
}

/*
 * All connections share the queues, and a flush of the disk on one of them covers what
 * was answered on any.
 */
static int pvblk_can_multi_conn(void *handle)
{
	(void)handle;
	return 1;
}

static int pvblk_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
                            uint32_t *maximum)
{
	(void)handle;
	*minimum = ring_threads_info(ring)->sector_size;
	*preferred = PREFERRED_IO;
	*maximum = MAX_IO;
	return 0;
}

static int pvblk_do(const char *what, uint8_t op, uint64_t offset, void *buf, size_t len)
{
	static atomic_flag gone = ATOMIC_FLAG_INIT;
	int rc = ring_threads_do(ring, op, offset, buf, len);

	if (!rc)
		return 0;
	/* Of a disk that is gone one message is enough: all that follows fails. */
	if (rc != -ESHUTDOWN || !atomic_flag_test_and_set(&gone))
		nbdkit_error("%s of %zu bytes at offset %llu: %s", what, len,
		             (unsigned long long)offset, strerror(-rc));
	nbdkit_set_error(-rc);
	return -1;
}

static int pvblk_pread(void *handle, void *buf, uint32_t count, uint64_t offset,
                       uint32_t flags)
{
	(void)handle;
	(void)flags;
	return pvblk_do("read", BLKIF_OP_READ, offset, buf, count);
}

static int pvblk_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset,
                        uint32_t flags)
{
	(void)handle;
	(void)flags;
	/* A write only reads from it. */
	return pvblk_do("write", BLKIF_OP_WRITE, offset, (void *)(uintptr_t)buf, count);
}

static int pvblk_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return pvblk_do("flush", BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0);
}

/* A hint: what is not whole sectors of it may be kept. */
static int pvblk_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	uint32_t unit = ring_threads_info(ring)->sector_size;
	uint64_t end = (offset + count) / unit * unit;

	(void)handle;
	(void)flags;
	offset = (offset + unit - 1) / unit * unit;
	if (offset >= end)
		return 0;
	return pvblk_do("trim", BLKIF_OP_DISCARD, offset, NULL, end - offset);
}

static struct nbdkit_plugin plugin = {
	.name = "pvblk",
	.longname = "Xen paravirtual disk",
	.description = "Serve a paravirtual disk of this Xen domain",
	.config_help =
		"[dev=]NAME        xvda, sdb1, 51712, ... (default: the only disk)\n"
		"queues=N          queues to ask for, 1 to 16 (default 1)\n"
		"ring-order=N      2^N pages for each ring, 0 to 4 (default 0)\n"
		"depth=N           requests in flight for each queue (default: the "
		"ring)\n"
		"segments=N        pages in a request, 11 to 4096 (default 11)\n"
		"persistent=BOOL   offer to keep grants mapped (default on)\n"
		"reset=BOOL        take over a disk whose last user has died\n"
		"timeout=SECONDS   longest wait for the backend to connect or close (30)",
	.magic_config_key = "dev",
	.load = pvblk_load,
	.unload = pvblk_unload,
	.config = pvblk_config,
	.get_ready = pvblk_get_ready,
	.after_fork = pvblk_after_fork,
	.cleanup = pvblk_cleanup,
	.open = pvblk_open,
	.get_size = pvblk_get_size,
	.block_size = pvblk_block_size,
	.can_write = pvblk_can_write,
	.can_flush = pvblk_can_flush,
	.can_fua = pvblk_can_fua,
	.can_trim = pvblk_can_trim,
	.can_multi_conn = pvblk_can_multi_conn,
	.pread = pvblk_pread,
	.pwrite = pvblk_pwrite,
	.flush = pvblk_flush,
	.trim = pvblk_trim,
};

/* nbdkit's header defines it without declaring it. */
struct nbdkit_plugin *plugin_init(void);

NBDKIT_REGISTER_PLUGIN(plugin)
