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
#include "ring_thread.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* Requests of this size keep the ring busy; what NBD clients take as a hint. */
#define PREFERRED_IO  (64U << 10)
#define MAX_IO        (32U << 20)
#define TIMEOUT_MAX_S 3600U

static struct blkfront_conf conf;
static char *dev;
static uint32_t devid;
static struct ring_thread *ring;

static void pvblk_load(void)
{
	log_init("nbdkit-pvblk", LOG_STDERR);
	conf = BLKFRONT_DEFAULTS;
}

static void pvblk_unload(void)
{
	free(dev);
}

static int config_number(const char *key, const char *value, uint32_t max, uint32_t *out)
{
	if (num_u32(value, max, out) == 0 && *out > 0)
		return 0;
	nbdkit_error("%s=%s: must be a number from 1 to %u", key, value, max);
	return -1;
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
	uint32_t seconds;

	if (strcmp(key, "dev") == 0) {
		free(dev);
		dev = strdup(value);
		return dev ? 0 : -1;
	}
	if (strcmp(key, "depth") == 0)
		return config_number(key, value, BLKFRONT_RING_SIZE, &conf.depth);
	if (strcmp(key, "persistent") == 0)
		return config_bool(value, &conf.persistent);
	if (strcmp(key, "reset") == 0)
		return config_bool(value, &conf.reset);
	if (strcmp(key, "timeout") == 0) {
		if (config_number(key, value, TIMEOUT_MAX_S, &seconds))
			return -1;
		conf.timeout_ms = (int)seconds * 1000;
		return 0;
	}
	nbdkit_error(
		"%s: no such parameter; there are dev, depth, persistent, reset, timeout",
		key);
	return -1;
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
	int rc = ring_thread_start(&ring, devid, &conf);

	if (rc)
		nbdkit_error("cannot connect to vbd-%u: %s", devid, strerror(-rc));
	return rc ? -1 : 0;
}

static void pvblk_cleanup(void)
{
	ring_thread_stop(ring);
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
	return (int64_t)ring_thread_info(ring)->bytes;
}

static int pvblk_can_write(void *handle)
{
	(void)handle;
	return !ring_thread_info(ring)->readonly;
}

static int pvblk_can_flush(void *handle)
{
	(void)handle;
	return ring_thread_info(ring)->flush;
}

/* blkif has no FUA: nbdkit flushes after the write. */
static int pvblk_can_fua(void *handle)
{
	(void)handle;
	return ring_thread_info(ring)->flush ? NBDKIT_FUA_EMULATE : NBDKIT_FUA_NONE;
}

/* All connections share the ring: a flush on one covers what was answered on any. */
static int pvblk_can_multi_conn(void *handle)
{
	(void)handle;
	return 1;
}

static int pvblk_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
                            uint32_t *maximum)
{
	(void)handle;
	*minimum = ring_thread_info(ring)->sector_size;
	*preferred = PREFERRED_IO;
	*maximum = MAX_IO;
	return 0;
}

static int pvblk_do(const char *what, uint8_t op, uint64_t offset, void *buf, size_t len)
{
	static atomic_flag gone = ATOMIC_FLAG_INIT;
	int rc = ring_thread_do(ring, op, offset, buf, len);

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

static struct nbdkit_plugin plugin = {
	.name = "pvblk",
	.longname = "Xen paravirtual disk",
	.description = "Serve a paravirtual disk of this Xen domain",
	.config_help =
		"[dev=]NAME        xvda, sdb1, 51712, ... (default: the only disk)\n"
		"depth=N           requests in flight, 1 to 32 (default 32)\n"
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
	.can_multi_conn = pvblk_can_multi_conn,
	.pread = pvblk_pread,
	.pwrite = pvblk_pwrite,
	.flush = pvblk_flush,
};

/* nbdkit's header defines it without declaring it. */
struct nbdkit_plugin *plugin_init(void);

NBDKIT_REGISTER_PLUGIN(plugin)
