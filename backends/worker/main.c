/* SPDX-License-Identifier: MIT */
/*
 * pvbackd-worker - serves the rings of one guest, with what the supervisor hands it over
 * the socket it finds as descriptor 3; msg.h says how it is started.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "crash.h"
#include "files.h"
#include "gnt.h"
#include "log.h"
#include "loop.h"
#include "msg.h"
#include "num.h"
#include "wdevs.h"

static bool started_by_supervisor(void)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(MSG_WORKER_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

/* To be adopted by; listened on here, so that a supervisor learns whose it is. */
static int listen_socket(void)
{
	if (listen(MSG_WORKER_LISTEN, 1) < 0)
		return -1;
	fcntl(MSG_WORKER_LISTEN, F_SETFD, FD_CLOEXEC);
	fcntl(MSG_WORKER_LISTEN, F_SETFL, O_NONBLOCK);
	return MSG_WORKER_LISTEN;
}

static void setup_process(void)
{
	/*
	 * The supervisor ends a worker by closing its socket. Signals for the whole
	 * terminal or service reach the worker as well, before the supervisor had the
	 * chance to let the guest's requests finish: not heeded. SIGXFSZ: a full image
	 * is the request's error.
	 */
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	crash_init();
	/* Nothing is ever executed from here; see to it that it would gain nothing. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fcntl(MSG_WORKER_FD, F_SETFD, FD_CLOEXEC);
	/* pvbackd's may have been lowered since it started. */
	files_max();
}

static void stop(void *loop)
{
	loop_stop(loop);
}

static int serve(uint32_t domid)
{
	struct wdevs *devs = NULL;
	struct loop *loop = NULL;
	struct gnt *g = NULL;
	int rc = gnt_open(domid, &g);

	if (rc) {
		log_err(NULL,
		        "cannot open the grant device: %s; is this dom0 or a driver "
		        "domain, is the module xen-gntdev loaded, and may user %d open "
		        "/dev/xen/gntdev?",
		        strerror(-rc), (int)geteuid());
		return rc;
	}
	rc = loop_new(&loop);
	if (!rc)
		rc = wdevs_new(loop, domid, MSG_WORKER_FD, listen_socket(), g, stop, loop,
		               &devs);
	if (!rc)
		rc = loop_run(loop);
	if (rc)
		log_err(NULL, "event loop: %s", strerror(-rc));
	wdevs_free(devs);
	loop_free(loop);
	gnt_close(g);
	return rc;
}

static bool parse_args(int argc, char **argv, uint32_t *domid)
{
	static const struct option options[] = {
		{ "domid", required_argument, NULL, 'd' },
		{ "log-level", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	bool have_domid = false;
	enum log_level level;
	int o;

	opterr = 0;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'd' && num_u32(optarg, NUM_DOMID_MAX, domid) == 0)
			have_domid = true;
		else if (o == 'l' && log_level_parse(optarg, &level) == 0)
			log_set_level(level);
		else
			return false;
	}
	return have_domid && optind == argc;
}

int main(int argc, char **argv)
{
	uint32_t domid;

	log_init("pvbackd-worker", LOG_STDERR);
	if (!parse_args(argc, argv, &domid) || !started_by_supervisor()) {
		fprintf(stderr, "pvbackd-worker is started by pvbackd, for each guest "
		                "one; it is of no use by itself. See pvbackd(8).\n");
		return 2;
	}
	setup_process();
	return serve(domid) ? 1 : 0;
}
