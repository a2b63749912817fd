/* SPDX-License-Identifier: MIT */
#include "opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "num.h"
#include "opts_value.h"

/* Largest block of `load`. */
#define BS_MAX       (16U << 20)
/* How long it runs unless the command line says how long or how much. */
#define LOAD_TIME_MS 10000

static int opt_offset(struct opts *o, const char *arg)
{
	return parse_size(arg, &o->offset);
}

static int opt_length(struct opts *o, const char *arg)
{
	return parse_size(arg, &o->length);
}

static int opt_size(struct opts *o, const char *arg)
{
	return parse_size(arg, &o->size);
}

static int opt_seed(struct opts *o, const char *arg)
{
	return num_u64(arg, UINT64_MAX, &o->seed);
}

static int opt_sequence(struct opts *o, const char *arg)
{
	return num_u64(arg, UINT64_MAX, &o->sequence);
}

static int opt_bs(struct opts *o, const char *arg)
{
	uint64_t v;
	int rc = parse_size(arg, &v);

	if (rc)
		return rc;
	if (v == 0 || v % BLK_SECTOR || v > BS_MAX)
		return -ERANGE;
	o->bs = (uint32_t)v;
	return 0;
}

static int opt_rw(struct opts *o, const char *arg)
{
	return parse_mode(arg, &o->mode);
}

static int opt_mix(struct opts *o, const char *arg)
{
	return num_u32(arg, 100, &o->mix);
}

static int opt_time(struct opts *o, const char *arg)
{
	return parse_duration(arg, &o->time_ms);
}

static int opt_count(struct opts *o, const char *arg)
{
	int rc = num_u32(arg, UINT32_MAX, &o->count);

	return rc ? rc : o->count ? 0 : -ERANGE;
}

/* A number from @min to @max. */
static int number(const char *arg, uint32_t min, uint32_t max, unsigned int *out)
{
	uint32_t v;
	int rc = num_u32(arg, max, &v);

	if (rc || v < min)
		return rc ? rc : -ERANGE;
	*out = v;
	return 0;
}

static int opt_depth(struct opts *o, const char *arg)
{
	return number(arg, 1, BLKFRONT_SLOTS_MAX, &o->depth);
}

static int opt_rate(struct opts *o, const char *arg)
{
	return number(arg, 1, LOAD_RATE_MAX, &o->rate);
}

static int opt_queues(struct opts *o, const char *arg)
{
	return number(arg, 1, BLKFRONT_QUEUES_MAX, &o->conf.queues);
}

static int opt_ring_order(struct opts *o, const char *arg)
{
	return number(arg, 0, BLKFRONT_ORDER_MAX, &o->conf.order);
}

static int opt_segments(struct opts *o, const char *arg)
{
	return number(arg, BLKFRONT_DIRECT, BLKFRONT_INDIRECT, &o->conf.segments);
}

static int opt_indirect(struct opts *o, const char *arg)
{
	(void)arg;
	o->conf.indirect = true;
	return 0;
}

static int opt_protocol(struct opts *o, const char *arg)
{
	static const struct {
		const char *name;
		enum blkfront_protocol protocol;
		bool unsaid;
	} names[] = { { "x86_64", BLKFRONT_X86_64, false },
		      { "x86_32", BLKFRONT_X86_32, false },
		      { "native", BLKFRONT_X86_64, true } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(arg, names[i].name) == 0) {
			o->conf.protocol = names[i].protocol;
			o->conf.unsaid |= names[i].unsaid;
			return 0;
		}
	return -EINVAL;
}

static int opt_unsaid(struct opts *o, const char *arg)
{
	(void)arg;
	o->conf.unsaid = true;
	return 0;
}

static int opt_keys(struct opts *o, const char *arg)
{
	static const char *const names[] = {
		[BLKFRONT_KEYS_LINUX] = "linux",     [BLKFRONT_KEYS_ORDER] = "order",
		[BLKFRONT_KEYS_PLAIN] = "plain",     [BLKFRONT_KEYS_PAGES] = "pages",
		[BLKFRONT_KEYS_WINDOWS] = "windows",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(arg, names[i]) == 0) {
			o->conf.keys = (enum blkfront_keys)i;
			return 0;
		}
	return -EINVAL;
}

static int opt_hasty(struct opts *o, const char *arg)
{
	(void)arg;
	o->conf.hasty = true;
	return 0;
}

static int opt_watch(struct opts *o, const char *arg)
{
	(void)arg;
	o->watch = true;
	return 0;
}

static int opt_persistent(struct opts *o, const char *arg)
{
	o->conf.persistent = strcmp(arg, "on") == 0;
	return o->conf.persistent || strcmp(arg, "off") == 0 ? 0 : -EINVAL;
}

static int opt_rotate(struct opts *o, const char *arg)
{
	int rc = num_u32(arg, UINT32_MAX, &o->conf.rotate);

	return rc ? rc : o->conf.rotate ? 0 : -ERANGE;
}

static int opt_timeout(struct opts *o, const char *arg)
{
	return parse_duration(arg, &o->conf.timeout_ms);
}

static int opt_reset(struct opts *o, const char *arg)
{
	(void)arg;
	o->conf.reset = true;
	return 0;
}

static int opt_write(struct opts *o, const char *arg)
{
	(void)arg;
	o->write = true;
	return 0;
}

static int opt_verify(struct opts *o, const char *arg)
{
	(void)arg;
	o->verify = true;
	return 0;
}

static int opt_json(struct opts *o, const char *arg)
{
	(void)arg;
	o->json = true;
	return 0;
}

static int opt_debug(struct opts *o, const char *arg)
{
	(void)o;
	(void)arg;
	log_set_level(LOG_LVL_DEBUG);
	return 0;
}

#define IN(cmd) (1U << CMD_##cmd)
#define IN_ALL  ((1U << CMD_COUNT) - 1)

/**
 * struct opt_desc - An option
 * @letter:	Short form, or 0
 * @arg:	Name of its value for the help; NULL: it has none
 * @help:	What it does, and what its value must be
 * @in:		Commands that know it
 */
static const struct opt_desc {
	const char *name;
	char letter;
	const char *arg;
	const char *help;
	unsigned int in;
	int (*parse)(struct opts *o, const char *arg);
} descs[] = {
	{ "offset", 'o', "OFF", "first byte, e.g. 0, 512, 64M (default 0)",
	  IN(READ) | IN(WRITE) | IN(VERIFY) | IN(LOAD), opt_offset },
	{ "length", 'l', "LEN", "bytes from there on, e.g. 4k, 1G (default: to the end)",
	  IN(READ) | IN(VERIFY) | IN(LOAD), opt_length },
	{ "size", 's', "N", "bytes: load stops after so many, verify is as --length",
	  IN(VERIFY) | IN(LOAD), opt_size },
	{ "time", 't', "TIME", "stop after e.g. 5s, 200ms, 2m (load: default 10s)",
	  IN(LOAD), opt_time },
	{ "rw", 0, "MODE",
	  "[rand]read, [rand]write, [rand]trim, mixed, or weights such as "
	  "read:70,write:20,barrier:2,flush:3,trim:5 (default randread)",
	  IN(LOAD), opt_rw },
	{ "mix", 0, "N", "percentage of reads in mixed, 0 to 100 (default 70)", IN(LOAD),
	  opt_mix },
	{ "bs", 'b', "SIZE", "block, whole sectors up to 16M (default 4k)", IN(LOAD),
	  opt_bs },
	{ "rate", 0, "N", "blocks begun in a second on each queue, 1 to 1000000",
	  IN(LOAD), opt_rate },
	{ "verify", 0, NULL,
	  "write blocks that say what they are, check all that is read", IN(LOAD),
	  opt_verify },
	{ "write", 'w', NULL, "write the pattern first, then read it back", IN(VERIFY),
	  opt_write },
	{ "seed", 0, "S",
	  "number the pattern, or the random offsets, follow from (default 1)",
	  IN(VERIFY) | IN(LOAD), opt_seed },
	{ "sequence", 0, "N", "number of the pass, part of the pattern (default 1)",
	  IN(VERIFY), opt_sequence },
	{ "count", 'n', "N", "how many times, at least 1 (default 100)", IN(CYCLE),
	  opt_count },
	{ "json", 'j', NULL, "print one JSON object", IN(INFO) | IN(LOAD), opt_json },
	{ "watch", 0, NULL, "print a line each time the capacity changes", IN(INFO),
	  opt_watch },
	{ "queues", 'q', "N", "queues to ask for, 1 to 16 (default 1)", IN_ALL,
	  opt_queues },
	{ "ring-order", 0, "N", "2^N pages for each ring, 0 to 4 (default 0)", IN_ALL,
	  opt_ring_order },
	{ "depth", 'd', "N",
	  "requests (load: blocks) in flight for each queue, 1 to 512 (default: the "
	  "ring)",
	  IN_ALL, opt_depth },
	{ "segments", 0, "N",
	  "pages in a request, 11 to 4096; beyond 11 it is indirect (default 11)", IN_ALL,
	  opt_segments },
	{ "indirect", 0, NULL, "send every read and write as an indirect request", IN_ALL,
	  opt_indirect },
	{ "protocol", 0, "ABI",
	  "layout of the ring: x86_64, x86_32, or native: that, without saying so "
	  "(default x86_64)",
	  IN_ALL, opt_protocol },
	{ "unsaid", 0, NULL, "do not write the protocol key", IN_ALL, opt_unsaid },
	{ "keys", 0, "HABIT",
	  "name the ring's pages as linux, order, plain, pages or windows (default "
	  "linux)",
	  IN_ALL, opt_keys },
	{ "hasty", 0, NULL, "connect without waiting for the backend, as mini-os does",
	  IN_ALL, opt_hasty },
	{ "persistent", 'p', "on|off", "offer to keep grants mapped (default on)", IN_ALL,
	  opt_persistent },
	{ "rotate", 0, "N", "with --persistent=off: new grants after N uses (default 1)",
	  IN_ALL, opt_rotate },
	{ "reset", 'r', NULL, "take over a device whose last user has died", IN_ALL,
	  opt_reset },
	{ "timeout", 0, "TIME", "longest wait for the backend (default 30s)", IN_ALL,
	  opt_timeout },
	{ "debug", 0, NULL, "log each change of state", IN_ALL, opt_debug },
};

enum {
	OPT_HELP = 1000,
	OPT_FIRST
};

static void help_all(void)
{
	printf("usage: pvblk COMMAND [DEV] [OPTION]...\n\n"
	       "Use a paravirtual disk of this Xen domain from user space.\n"
	       "DEV is a name (xvda, hda1, d0p1) or a number (51712); it may be left out "
	       "when "
	       "there is one disk.\n\n");
	for (size_t i = 0; i < CMD_COUNT; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	printf("\npvblk COMMAND --help lists its options.\n"
	       "Exit status: 0 done, 1 I/O error or wrong data, 2 usage, 3 the backend "
	       "breaks "
	       "the protocol,\n4 no such device, in use, or no answer in time, 128+N "
	       "ended by "
	       "signal N.\n");
}

static void help_command(const struct command *cmd)
{
	unsigned int bit = 1U << (cmd - commands);

	printf("usage: pvblk %s [DEV] [OPTION]...\n\n%s.\n\n", cmd->name, cmd->summary);
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		const struct opt_desc *d = &descs[i];
		char form[40], letter[5] = "    ";

		if (!(d->in & bit))
			continue;
		if (d->letter)
			snprintf(letter, sizeof(letter), "-%c, ", d->letter);
		snprintf(form, sizeof(form), "%s%s%s", d->name, d->arg ? "=" : "",
		         d->arg ? d->arg : "");
		printf("  %s--%-20s %s\n", letter, form, d->help);
	}
	printf("      --%-20s %s\n", "help", "this text");
}

/* getopt's two descriptions of the options that @cmd knows. */
static void getopt_fill(const struct command *cmd, struct option *longs, char *shorts)
{
	unsigned int bit = 1U << (cmd - commands);
	size_t n = 0, at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		const struct opt_desc *d = &descs[i];

		if (!(d->in & bit))
			continue;
		longs[n++] = (struct option){
			.name = d->name,
			.has_arg = d->arg ? required_argument : no_argument,
			.val = OPT_FIRST + (int)i,
		};
		if (!d->letter)
			continue;
		shorts[at++] = d->letter;
		if (d->arg)
			shorts[at++] = ':';
	}
	longs[n++] = (struct option){ .name = "help", .val = OPT_HELP };
	longs[n] = (struct option){ 0 };
	shorts[at] = '\0';
}

static const struct opt_desc *desc_of(int val)
{
	if (val >= OPT_FIRST)
		return &descs[val - OPT_FIRST];
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++)
		if (descs[i].letter == val)
			return &descs[i];
	return NULL;
}

static int usage(const struct command *cmd)
{
	fprintf(stderr, "Try 'pvblk %s%s--help'.\n", cmd ? cmd->name : "",
	        cmd ? " " : "");
	return -EINVAL;
}

/* What follows from several options together. */
static void opts_finish(struct opts *o, const struct command *cmd)
{
	if (!o->time_ms && o->size == UINT64_MAX)
		o->time_ms = LOAD_TIME_MS;
	if (strcmp(o->mode.name, "mixed") == 0) {
		o->mode.weight[LOAD_READ] = o->mix;
		o->mode.weight[LOAD_WRITE] = 100 - o->mix;
	}
	/* A block of `load` may be several requests: it counts blocks itself. */
	if (cmd != &commands[CMD_LOAD])
		o->conf.depth = o->depth;
}

static int command_parse(struct opts *o, int argc, char **argv, const struct command *cmd,
                         bool *done)
{
	struct option longs[ARRAY_SIZE(descs) + 2];
	char shorts[2 * ARRAY_SIZE(descs) + 1];
	int val;

	getopt_fill(cmd, longs, shorts);
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct opt_desc *d;

		if (val == '?')
			return usage(cmd);
		if (val == OPT_HELP) {
			help_command(cmd);
			*done = true;
			return 0;
		}
		d = desc_of(val);
		if (d->parse(o, optarg)) {
			fprintf(stderr, "pvblk %s: --%s %s: not valid; %s\n", cmd->name,
			        d->name, optarg, d->help);
			return usage(cmd);
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "pvblk %s: one device at a time, not also %s\n",
		        cmd->name, argv[optind + 1]);
		return usage(cmd);
	}
	o->dev = argv[optind];
	opts_finish(o, cmd);
	return 0;
}

int opts_parse(struct opts *o, int argc, char **argv, const struct command **cmd,
               bool *done)
{
	*o = (struct opts){
		.conf = BLKFRONT_DEFAULTS,
		.length = UINT64_MAX,
		.size = UINT64_MAX,
		.seed = 1,
		.sequence = 1,
		.bs = 4096,
		.mode = { .name = "randread", .random = true, .weight = { 1 } },
		.mix = 70,
		.count = 100,
	};
	if (argc < 2) {
		fprintf(stderr, "pvblk: a command is missing\n");
		return usage(NULL);
	}
	*done = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0;
	if (*done) {
		help_all();
		return 0;
	}
	for (size_t i = 0; i < CMD_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0) {
			*cmd = &commands[i];
			argv[1] = argv[0];
			return command_parse(o, argc - 1, argv + 1, *cmd, done);
		}
	fprintf(stderr, "pvblk: no such command: %s\n", argv[1]);
	return usage(NULL);
}
