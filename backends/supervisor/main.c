/* SPDX-License-Identifier: MIT */
/* pvbackd: command line, start, signals. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "control.h"
#include "daemon.h"
#include "doctor.h"
#include "files.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "registry.h"
#include "runlock.h"
#include "spawn.h"
#include "super.h"
#include "version.h"

/* Exit statuses, as pvbackd(8) documents them. */
enum {
	EXIT_USAGE = 2,
	EXIT_ANOTHER = 3,
};

static const char usage[] =
	"usage: pvbackd [OPTION]...\n"
	"Serve the PV disks of guests of this Xen host, or driver domain.\n"
	"\n"
	"  --check             say whether this host is fit, and what to do if not\n"
	"  --config FILE       settings (default: " CONFIG_FILE ", if it exists)\n"
	"  --foreground        stay, and log to standard error instead of syslog\n"
	"  --log-level LEVEL   err, warn, info or debug (default: info)\n"
	"  --kinds KIND,...    XenStore kinds to serve (default: all that there are: "
	"vbd)\n"
	"  --run-dir DIR       lock file and control socket (default: /run/pvbackd)\n"
	"  --worker FILE       program that serves a guest (default: pvbackd-worker "
	"beside\n"
	"                      pvbackd, else ../libexec/pvbackd/pvbackd-worker from "
	"there)\n"
	"  --help              this text\n"
	"  --version           the version\n";

static const struct option options[] = {
	{ "check", no_argument, NULL, 'k' },
	{ "config", required_argument, NULL, 'c' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "log-level", required_argument, NULL, 's' },
	{ "kinds", required_argument, NULL, 's' },
	{ "run-dir", required_argument, NULL, 's' },
	{ "worker", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ 0 },
};

/**
 * struct cmdline - What was asked for
 * @check:	Only look whether the host is fit
 * @file:	Settings, or NULL for those at the usual place, if any
 * @key, @value: Settings of the command line, which go before those of the file
 */
struct cmdline {
	const char *file;
	bool check, foreground;
	const char *key[16], *value[16];
	unsigned int n;
};

/* In the environment: another pvbackd was in our place, and in the background. */
#define REPLACES "PVBACKD_REPLACES"

struct pvbackd {
	char **argv;
	char program[PATH_MAX];
	struct cmdline cmdline;
	struct config conf;
	struct loop *loop;
	struct super super;
	struct control *control;
	struct loop_src *term, *intr, *hup;
};

/* Return: -1 to go on, else the exit status. */
static int cmdline_parse(struct cmdline *c, int argc, char **argv)
{
	int opt, which;

	while ((opt = getopt_long(argc, argv, "", options, &which)) != -1) {
		switch (opt) {
		case 'c':
			c->file = optarg;
			break;
		case 'k':
			c->check = true;
			break;
		case 'f':
			c->foreground = true;
			break;
		case 's':
			if (c->n == ARRAY_SIZE(c->key)) {
				fputs("pvbackd: too many options\n", stderr);
				return EXIT_USAGE;
			}
			c->key[c->n] = options[which].name;
			c->value[c->n++] = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'v':
			puts("pvbackd " PVB_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try pvbackd --help.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "pvbackd: \"%s\": options begin with --\nTry pvbackd --help.\n",
	        argv[optind]);
	return EXIT_USAGE;
}

/* The file, then the command line over it. */
static int config_load(struct config *conf, const struct cmdline *c,
                       struct config_error *err)
{
	int rc = config_init(conf);

	if (rc) {
		snprintf(err->text, sizeof(err->text), "%s", strerror(-rc));
		return rc;
	}
	rc = config_read(conf, c->file ? c->file : CONFIG_FILE, err);
	if (rc == -ENOENT && c->file)
		snprintf(err->text, sizeof(err->text), "%s: there is no such file",
		         c->file);
	else if (rc == -ENOENT)
		rc = 0;
	for (unsigned int i = 0; i < c->n && !rc; i++)
		rc = config_set(conf, c->key[i], c->value[i], err);
	config_done(!rc);
	if (rc)
		config_free(conf);
	return rc;
}

static void on_stop(void *arg)
{
	struct pvbackd *p = arg;

	super_stop(&p->super);
}

/* Where guests are served from cannot change under them; the rest of the file can. */
static void on_hup(void *arg)
{
	struct pvbackd *p = arg;
	struct config_error err;
	struct config conf;

	if (config_load(&conf, &p->cmdline, &err)) {
		log_err(NULL, "settings stay as they are: %s", err.text);
		return;
	}
	super_log_level(&p->super, conf.log_level);
	log_info(NULL, "settings read again: log-level and those of backends");
	config_free(&conf);
}

/*
 * The process stays, so a service manager sees nothing; all that we have open is closed.
 * To our workers we have died, and the next one adopts them.
 */
static void replace(void *arg)
{
	struct pvbackd *p = arg;

	log_info(NULL, "replaced by %s", p->program);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (!p->cmdline.foreground)
		setenv(REPLACES, "1", 1);
	execv(p->program, p->argv);
	log_err(NULL, "%s: %m: this pvbackd stays", p->program);
	unsetenv(REPLACES);
}

/* Where the next version will be, whatever becomes of the file that we run. */
static void find_program(struct pvbackd *p)
{
	ssize_t n = readlink("/proc/self/exe", p->program, sizeof(p->program) - 1);

	p->program[n > 0 ? n : 0] = 0;
}

static int serve(struct pvbackd *p)
{
	struct loop *l = p->loop;
	int rc = loop_add_signal(l, SIGTERM, on_stop, p, &p->term);

	rc = rc ? rc : loop_add_signal(l, SIGINT, on_stop, p, &p->intr);
	rc = rc ? rc : loop_add_signal(l, SIGHUP, on_hup, p, &p->hup);
	if (rc) {
		log_err(NULL, "signals: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	if (super_open(&p->super, &p->conf, l))
		return EXIT_FAILURE;
	p->super.program = p->program;
	p->super.replace = replace;
	p->super.replace_arg = p;
	if (control_open(&p->super, p->conf.run_dir, &p->control)) {
		super_close(&p->super);
		return EXIT_FAILURE;
	}
	/* Up to here the one who started us reads what is wrong. */
	if (!p->cmdline.foreground)
		log_init("pvbackd", LOG_SYSLOG);
	log_info(NULL, "pvbackd " PVB_VERSION " serves the guests of domain %u",
	         p->super.domid);
	notify("READY=1");
	daemon_ready();
	rc = loop_run(l);
	if (rc) {
		log_err(NULL, "event loop: %s", strerror(-rc));
		p->super.exit_status = EXIT_FAILURE;
	}
	control_close(p->control);
	super_close(&p->super);
	log_info(NULL, "stopped");
	return p->super.exit_status;
}

static int run(struct pvbackd *p)
{
	long pid = 0;
	rlim_t files;
	int rc;

	assert(p->conf.worker);
	if (access(p->conf.worker, X_OK) < 0) {
		log_err(NULL, "worker %s: %m", p->conf.worker);
		return EXIT_USAGE;
	}
	if (getenv(REPLACES))
		log_init("pvbackd", LOG_SYSLOG);
	else if (!p->cmdline.foreground && daemon_fork())
		return EXIT_FAILURE;
	unsetenv(REPLACES);
	rc = runlock_take(p->conf.run_dir, &pid);
	if (rc == -EEXIST)
		log_err(NULL,
		        "another pvbackd runs already: process %ld holds %s/pvbackd.pid",
		        pid, p->conf.run_dir);
	if (rc)
		return rc == -EEXIST ? EXIT_ANOTHER : EXIT_FAILURE;
	files = files_max();
	if (files < FILES_MIN) {
		log_err(NULL,
		        "at most %ju files may be open, pvbackd and its workers need %u: "
		        "raise LimitNOFILE= or ulimit -Hn",
		        (uintmax_t)files, FILES_MIN);
		return EXIT_FAILURE;
	}
	rc = spawn_prepare();
	if (rc) {
		log_err(NULL, "/dev/null: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	rc = loop_new(&p->loop);
	if (rc) {
		log_err(NULL, "event loop: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	rc = serve(p);
	loop_del(&p->term);
	loop_del(&p->intr);
	loop_del(&p->hup);
	loop_free(p->loop);
	return rc;
}

/* For an administrator: nothing is started or changed. */
static int check_host(const struct config *conf)
{
	struct doctor d = { .root = "", .out = stdout };

	doctor_host(&d);
	doctor_xenstore(&d);
	for (int i = 0; registry[i]; i++)
		if (conf->kinds & 1U << i)
			doctor_kind(&d, registry[i]->kind);
	doctor_worker(&d, conf->worker);
	return d.unfit ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct pvbackd p = { .argv = argv };
	struct config_error err;
	int rc = cmdline_parse(&p.cmdline, argc, argv);

	if (rc >= 0)
		return rc;
	if (config_load(&p.conf, &p.cmdline, &err)) {
		fprintf(stderr, "pvbackd: %s\n", err.text);
		return EXIT_USAGE;
	}
	log_set_level(p.conf.log_level);
	/* A worker that is gone, and a closed terminal, are errors of write(). */
	signal(SIGPIPE, SIG_IGN);
	find_program(&p);
	rc = p.cmdline.check ? check_host(&p.conf) : run(&p);
	config_free(&p.conf);
	return rc;
}
