/* SPDX-License-Identifier: MIT */
/* pvbackctl: ask a running pvbackd, and tell it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "cmds.h"
#include "num.h"
#include "version.h"

#define EVERY_MS  1000
#define EVERY_MAX 3600
#define COUNT_MAX 1000000000U
#define LIMIT_MAX 1000000000000000ULL

enum arg {
	ARG_NONE,
	ARG_MAY,
	ARG_MUST
};

/**
 * struct command - Something to do
 * @takes:	Options it has, by their letters
 */
static const struct command {
	const char *name;
	int (*run)(struct conn *c, const struct opts *o);
	enum arg arg;
	const char *what, *takes, *help;
} commands[] = {
	{ "list", cmd_list, ARG_MAY, "GUEST|DEVICE", "jr",
	  "What is served: a table of devices, their states and rates." },
	{ "show", cmd_show, ARG_MUST, "DEVICE", "jr",
	  "Everything that is known of a device: what it is, what was agreed on with\n"
	  "the guest, statistics, latency histograms, XenStore's keys." },
	{ "stats", cmd_stats, ARG_MAY, "GUEST|DEVICE", "jric",
	  "What devices do now: operations per second, MB/s, latencies. The figures\n"
	  "are of one second, or of the time that --watch is given." },
	{ "log", cmd_log, ARG_MAY, "LEVEL", "r",
	  "Set the log level of pvbackd and of all workers: err, warn, info or debug.\n"
	  "Without LEVEL print it." },
	{ "resume", cmd_resume, ARG_MUST, "DEVICE", "r",
	  "Say that the storage that a guest's requests wait for is there again: they "
	  "are\n"
	  "tried at once." },
	{ "limit", cmd_limit, ARG_MUST, "DEVICE", "rABCD",
	  "How much may pass a network card, per second; at once, and kept until it is\n"
	  "detached. Without options print it." },
	{ "capture", cmd_capture, ARG_MUST, "DEVICE", "rwcs",
	  "Write what passes a network card, both ways, to a pcapng file; each frame\n"
	  "with what was said of it on the ring, and what became of it." },
	{ "upgrade", cmd_upgrade, ARG_NONE, NULL, "r",
	  "Put the program that is installed now in the place of pvbackd and of each\n"
	  "worker, one after the other. Guests see a pause of their I/O, no more; what\n"
	  "each device went through is printed." },
	{ "version", cmd_version, ARG_NONE, NULL, "jr",
	  "The version of pvbackctl and of the pvbackd that runs." },
};

static const struct {
	char letter;
	struct option opt;
	const char *help;
} options[] = {
	{ 'j',
	  { "json", no_argument, NULL, 'j' },
	  "  --json              a line of JSON for each device" },
	{ 'i',
	  { "watch", optional_argument, NULL, 'i' },
	  "  --watch[=SECONDS]   go on; the default is every second" },
	{ 'c',
	  { "count", required_argument, NULL, 'c' },
	  "  --count=N           N times, with --watch; N frames" },
	{ 'w',
	  { "write", required_argument, NULL, 'w' },
	  "  -w, --write=FILE    the file; - is standard output" },
	{ 's',
	  { "snaplen", required_argument, NULL, 's' },
	  "  --snaplen=N         no more than N bytes of each frame" },
	{ 'A',
	  { "tx-bytes", required_argument, NULL, 'A' },
	  "  --tx-bytes=N        bytes from the guest; 0 or none: no limit" },
	{ 'B',
	  { "rx-bytes", required_argument, NULL, 'B' },
	  "  --rx-bytes=N        bytes to the guest" },
	{ 'C',
	  { "tx-packets", required_argument, NULL, 'C' },
	  "  --tx-packets=N      frames from the guest" },
	{ 'D',
	  { "rx-packets", required_argument, NULL, 'D' },
	  "  --rx-packets=N      frames to the guest" },
	{ 'r',
	  { "run-dir", required_argument, NULL, 'r' },
	  "  --run-dir=DIR       that of pvbackd (default: /run/pvbackd)" },
	{ 'h', { "help", no_argument, NULL, 'h' }, "  --help              this text" },
};

void wait_ms(uint32_t ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	fflush(stdout);
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static void usage(void)
{
	printf("usage: pvbackctl COMMAND [ARGUMENT] [OPTION]...\n"
	       "See what pvbackd serves, and how well.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		printf("  %-8s %-14s %.*s\n", c->name, c->what ? c->what : "",
		       (int)strcspn(c->help, ":.;\n"), c->help);
	}
	printf("\nA device is 3/xvda, GUESTNAME/xvda, vbd-3-51712 or vif3.0.\n"
	       "pvbackctl COMMAND --help says what a command takes.\n\n"
	       "  --version           the version\n%s\n",
	       options[ARRAY_SIZE(options) - 1].help);
}

static void usage_of(const struct command *c)
{
	printf("usage: pvbackctl %s", c->name);
	if (c->what)
		printf(c->arg == ARG_MUST ? " %s" : " [%s]", c->what);
	printf(" [OPTION]...\n%s\n\n", c->help);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strchr(c->takes, options[i].letter) || options[i].letter == 'h')
			puts(options[i].help);
}

static int wrong(const struct command *c, const char *what)
{
	fprintf(stderr, "pvbackctl: %s (try pvbackctl %s%s--help)\n", what,
	        c ? c->name : "", c ? " " : "");
	return EXIT_USAGE;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Seconds, with at most three digits after the point. Return: 0 or -EINVAL. */
static int parse_seconds(const char *s, uint32_t *ms)
{
	const char *point = strchr(s, '.');
	uint32_t whole, part = 0;
	char digits[4] = "000", text[8];
	size_t len = point ? (size_t)(point - s) : strlen(s);

	if (len >= sizeof(text) || (point && (!point[1] || strlen(point + 1) > 3)))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = 0;
	if (point)
		memcpy(digits, point + 1, strlen(point + 1));
	if (num_u32(text, EVERY_MAX, &whole) || num_u32(digits, 999, &part))
		return -EINVAL;
	*ms = whole * 1000 + part;
	return *ms ? 0 : -EINVAL;
}

/* A limit's name is its option's. */
static int take_limit(struct opts *o, int opt, const char *value)
{
	size_t have = strlen(o->limits), left = sizeof(o->limits) - have;
	const char *name = NULL;
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].letter == opt)
			name = options[i].opt.name;
	if (strcmp(value, "none") != 0 && num_u64(value, LIMIT_MAX, &n))
		return -EINVAL;
	return snprintf(o->limits + have, left, "%s%s=%" PRIu64, have ? " " : "", name,
	                n) < (int)left
	               ? 0
	               : -EINVAL;
}

/* Return: -1 to go on, else an exit status. */
static int take_option(const struct command *c, int opt, struct opts *o)
{
	if (opt == 'h') {
		usage_of(c);
		return EXIT_SUCCESS;
	}
	if (opt == '?' || !strchr(c->takes, opt))
		return wrong(c, "it has no such option, or one without its value");
	switch (opt) {
	case 'j':
		o->json = true;
		break;
	case 'r':
		o->run_dir = optarg;
		break;
	case 'c':
		if (num_u32(optarg, COUNT_MAX, &o->count) || !o->count)
			return wrong(c, "--count takes a number from 1 on");
		break;
	case 'A':
	case 'B':
	case 'C':
	case 'D':
		if (take_limit(o, opt, optarg))
			return wrong(c, "a limit is a number per second, or none");
		break;
	case 'w':
		o->file = optarg;
		break;
	case 's':
		if (num_u32(optarg, CAPTURE_SNAPLEN, &o->snaplen) || !o->snaplen)
			return wrong(c, "--snaplen takes a number from 1 to 65560");
		break;
	default:
		o->watch = true;
		if (optarg && parse_seconds(optarg, &o->every_ms))
			return wrong(c, "--watch takes seconds up to 3600, as 2 or 0.5");
		break;
	}
	return -1;
}

static int parse(const struct command *c, int argc, char **argv, struct opts *o)
{
	struct option opts[ARRAY_SIZE(options) + 1] = { 0 };
	int opt, rc;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		opts[i] = options[i].opt;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "w:", opts, NULL)) != -1) {
		rc = take_option(c, opt, o);
		if (rc >= 0)
			return rc;
	}
	if (optind < argc)
		o->what = argv[optind++];
	if (optind < argc || (o->what && c->arg == ARG_NONE))
		return wrong(c, "there are too many arguments");
	if (!o->what && c->arg == ARG_MUST)
		return wrong(c, "it has to be said which device");
	if (o->count && !o->watch && strchr(c->takes, 'i'))
		return wrong(c, "--count goes with --watch");
	if (!o->file && strchr(c->takes, 'w'))
		return wrong(c, "it has to be said where to, with -w");
	return -1;
}

int main(int argc, char **argv)
{
	struct opts o = { .run_dir = "/run/pvbackd",
		          .every_ms = EVERY_MS,
		          .snaplen = CAPTURE_SNAPLEN };
	const struct command *c;
	struct conn conn;
	int rc;

	if (argc < 2)
		return wrong(NULL, "there is no command");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage();
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("pvbackctl " PVB_VERSION);
		return EXIT_SUCCESS;
	}
	c = command_find(argv[1]);
	if (!c)
		return wrong(NULL, "there is no such command");
	rc = parse(c, argc - 1, argv + 1, &o);
	if (rc >= 0)
		return rc;
	rc = conn_open(&conn, o.run_dir);
	if (rc)
		return rc;
	rc = c->run(&conn, &o);
	conn_close(&conn);
	/* A full disk, or a reader that is gone. */
	return fflush(stdout) && !rc ? EXIT_FAILURE : rc;
}
