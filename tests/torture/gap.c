/* SPDX-License-Identifier: MIT */
/*
 * gap DISK - a guest whose disk is idle, and that asks for a sector at the moment at
 * which the worker is killed. Reads numbers of processes, a line each; kills each, reads
 * the first sector, and prints how long it took from the kill to the answer:
 * microseconds.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "blkfront.h"
#include "blkfront_io.h"
#include "clock.h"
#include "log.h"
#include "num.h"
#include "vdev.h"

#define TIMEOUT_MS 30000

static int gap(struct blkfront *bf, const char *line)
{
	static uint8_t sector[BLK_SECTOR];
	uint64_t since = clock_ns();
	uint32_t pid;
	int rc = num_u32(line, INT32_MAX, &pid);

	if (!rc && kill((pid_t)pid, SIGKILL) < 0)
		rc = -errno;
	if (!rc)
		rc = blkio_sync(bf, BLKIF_OP_READ, 0, sector, sizeof(sector), TIMEOUT_MS);
	if (rc)
		log_err(blkfront_tag(bf), "process %s: %s", line, strerror(-rc));
	else
		printf("%llu\n", (unsigned long long)(clock_ns() - since) / 1000);
	return rc;
}

int main(int argc, char **argv)
{
	struct blkfront_conf conf = BLKFRONT_DEFAULTS;
	struct blkfront *bf;
	char line[32];
	uint32_t devid;
	int closed, rc;

	log_init("gap", LOG_STDERR);
	if (argc != 2)
		return 2;
	rc = blkfront_find(argv[1], &devid);
	rc = rc ? rc : blkfront_open(&bf, devid, &conf);
	if (rc)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!rc && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		rc = gap(bf, line);
	}
	closed = blkfront_close(bf);
	return rc || closed;
}
