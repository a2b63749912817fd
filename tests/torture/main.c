/* SPDX-License-Identifier: MIT */
/*
 * torture - a guest that reads, writes, flushes, discards and sets barriers on a disk in
 * its own way, as hard as it can, and judges every answer exactly. It notices nothing of
 * what happens to the backend meanwhile; or it says what, and ends with 1.
 *
 * The disk must be all zero. SIGTERM ends it: all is answered then, and read once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drive.h"
#include "log.h"
#include "num.h"
#include "vdev.h"

static volatile sig_atomic_t stop;

static void on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

/** struct conf - The command line. @cut: what storage keeps when it is cut off, or NULL
 */
struct conf {
	struct blkfront_conf front;
	struct drive drive;
	uint32_t mib;
	const char *cut;
};

static int usage(void)
{
	fprintf(stderr, "usage: torture [OPTION...] DISK\n"
	                "  --seed N        other requests\n"
	                "  --size MIB      so much of the disk, by default 2\n"
	                "  --queues N --order N --segments N --depth N --copy --x86-32\n"
	                "                  as pvblk has them\n"
	                "  --no-discard    leave discards out\n"
	                "  --may-fail      storage may fail; then end, all answered\n"
	                "  --cut FILE      it will be cut off, and has kept FILE\n");
	return 2;
}

static int parse_number(struct conf *c, int opt, const char *text)
{
	const struct {
		int opt;
		uint32_t max, *out;
	} numbers[] = {
		{ 'm', 1024, &c->mib },
		{ 'q', BLKFRONT_QUEUES_MAX, &c->front.queues },
		{ 'o', BLKFRONT_ORDER_MAX, &c->front.order },
		{ 'g', BLKFRONT_INDIRECT, &c->front.segments },
		{ 'd', BLKFRONT_SLOTS_MAX, &c->drive.depth },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].opt == opt)
			return num_u32(text, numbers[i].max, numbers[i].out);
	return -EINVAL;
}

static int parse(struct conf *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'm' },
		{ "queues", required_argument, NULL, 'q' },
		{ "order", required_argument, NULL, 'o' },
		{ "segments", required_argument, NULL, 'g' },
		{ "depth", required_argument, NULL, 'd' },
		{ "copy", no_argument, NULL, 'c' },
		{ "x86-32", no_argument, NULL, '3' },
		{ "no-discard", no_argument, NULL, 'n' },
		{ "may-fail", no_argument, NULL, 'f' },
		{ "cut", required_argument, NULL, 'k' },
		{ 0 },
	};
	int opt, rc = 0;

	while (!rc && (opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			rc = num_u64(optarg, UINT64_MAX, &c->drive.seed);
			break;
		case 'c':
			c->front.persistent = false;
			break;
		case '3':
			c->front.protocol = BLKFRONT_X86_32;
			break;
		case 'n':
			c->drive.weight[HISTORY_DISCARD] = 0;
			break;
		case 'k':
			c->cut = optarg;
			/* fall through */
		case 'f':
			c->drive.may_fail = true;
			break;
		default:
			rc = parse_number(c, opt, optarg);
		}
	}
	return rc || argc - optind != 1 ? usage() : 0;
}

/* What the disk does not offer is not asked for. */
static void fit(struct drive *d)
{
	const struct blkfront_info *info = blkfront_info(d->bf);
	unsigned int slots = BLKFRONT_SLOTS(info->order);

	if (!d->depth || d->depth > slots)
		d->depth = slots;
	if (!info->flush)
		d->weight[HISTORY_FLUSH] = 0;
	if (!info->barrier)
		d->weight[HISTORY_BARRIER] = 0;
	if (!info->discard)
		d->weight[HISTORY_DISCARD] = 0;
	if (d->sectors > info->bytes / BLK_SECTOR)
		d->sectors = info->bytes / BLK_SECTOR;
}

static int survived(const struct conf *c)
{
	int fd = open(c->cut, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return log_errno(NULL, "%s", c->cut);
	rc = drive_survived(&c->drive, fd);
	close(fd);
	return rc;
}

static void report(const struct drive *d, int rc)
{
	printf("torture: seed %" PRIu64 ": %" PRIu64 " requests, %s:", d->seed, d->begun,
	       rc ? "WRONG" : "each answered once");
	for (unsigned int k = 0; k < HISTORY_KINDS; k++)
		printf(" %" PRIu64 " %ss", d->done[k], history_kind_name[k]);
	printf("; %" PRIu64 " sectors read and right%s\n", d->sectors_read,
	       d->failed ? "; storage has failed" : "");
}

static int run(struct conf *c)
{
	struct drive *d = &c->drive;
	int rc;

	fit(d);
	rc = history_new(&d->h, d->sectors, c->cut != NULL);
	if (rc)
		return rc;
	rc = drive_run(d);
	if (!rc && !d->failed)
		rc = drive_read_all(d);
	if (!rc && c->cut)
		rc = survived(c);
	report(d, rc);
	history_free(d->h);
	return rc;
}

int main(int argc, char **argv)
{
	struct conf c = { .front = BLKFRONT_DEFAULTS,
		          .drive = { .seed = 1,
		                     .stop = &stop,
		                     .weight = { [HISTORY_READ] = 38,
		                                 [HISTORY_WRITE] = 40,
		                                 [HISTORY_DISCARD] = 8,
		                                 [HISTORY_FLUSH] = 8,
		                                 [HISTORY_BARRIER] = 3 } },
		          .mib = 2 };
	const struct sigaction sa = { .sa_handler = on_signal };
	uint32_t devid;
	int rc, closed;

	log_init("torture", LOG_STDERR);
	log_set_level(LOG_LVL_WARN);
	rc = parse(&c, argc, argv);
	if (rc)
		return rc;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.drive.rng = c.drive.seed;
	c.drive.sectors = (uint64_t)c.mib << 11;
	rc = blkfront_find(argv[optind], &devid);
	rc = rc ? rc : blkfront_open(&c.drive.bf, devid, &c.front);
	if (rc)
		return 1;
	rc = run(&c);
	closed = blkfront_close(c.drive.bf);
	return rc || closed ? 1 : 0;
}
