/* SPDX-License-Identifier: MIT */
/*
 * What passes a network card, into a file. pvbackd hands the worker one end of a socket
 * and is not needed any more then; the worker does not wait for us, so what we are too
 * slow for is lost, and counted. A worker that takes the place of this one is asked
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "cmds.h"
#include "fetch.h"
#include "pcapng.h"

/* Blocks are written when there are so many bytes, or when nothing more is there. */
#define FILE_BUFFER (4UL * PCAPNG_BLOCK_MAX)

/* Looks for another worker, or another pvbackd, that often and so long. */
#define NEXT_LOOK_NS 20000000L
#define NEXT_MAX_NS  30000000000ULL

/**
 * struct recording - A capture
 * @sock:	Our end; -1 when it has ended
 * @count:	memfd
 * @start:	CLOCK_REALTIME, ns
 * @limit:	Frames to write, 0 for all that come
 * @workers:	That have captured for us
 * @ended_ns:	When the last of them ended, or 0
 * @stopped:	We have asked for the end; what is on its way is taken
 * @gone:	Nobody reads what we write
 * @open:	Signals while we wait
 * @chunk:	Bytes that are written at once
 * @out:	To be written, @n bytes
 */
struct recording {
	int sock, file, count;
	uint64_t start, written, limit, ended_ns;
	unsigned int workers;
	bool stopped, gone;
	sigset_t open;
	size_t chunk;
	size_t n;
	uint8_t out[FILE_BUFFER];
	uint8_t rec[sizeof(struct capture_rec) + CAPTURE_SNAPLEN];
};

/* That it came is what ppoll() says. */
static void on_signal(int sig)
{
	(void)sig;
}

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int failed(const char *what)
{
	fprintf(stderr, "pvbackctl: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

/* ---- The file --------------------------------------------------------------------- */

/* The worker sends no more, and we take what it has sent. */
static void stop(struct recording *r)
{
	r->stopped = true;
	shutdown(r->sock, SHUT_RD);
}

/*
 * Signals come here alone. @fd is for a look, too; -1 is none; @ns is how long at most,
 * NULL for ever. Return: 0, or an exit status.
 */
static int wait_for(struct recording *r, int fd, short file, const struct timespec *ns)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = r->file, .events = file } };

	if (ppoll(p, ARRAY_SIZE(p), ns, &r->open) < 0) {
		if (errno != EINTR)
			return failed("poll");
		/* The second one is meant for a reader that does not read. */
		r->gone |= r->stopped;
		stop(r);
		return 0;
	}
	/* A pipe whose reader has gone says so without being written to. */
	r->gone |= (p[1].revents & POLLERR) != 0;
	return 0;
}

/* Return: 0, also if the reader has gone, or an exit status. */
static int file_flush(struct recording *r)
{
	int rc = 0;

	for (size_t at = 0; at < r->n && !rc;) {
		size_t len = r->n - at;
		ssize_t n;

		/* A pipe that has room at all takes so much at once. */
		if (len > r->chunk)
			len = r->chunk;
		rc = r->chunk == PIPE_BUF ? wait_for(r, -1, POLLOUT, NULL) : 0;
		if (rc || r->gone)
			break;
		n = write(r->file, r->out + at, len);
		if (n >= 0)
			at += (size_t)n;
		else if (errno == EPIPE)
			r->gone = true;
		else if (errno != EINTR)
			rc = failed("the file cannot be written");
	}
	r->n = 0;
	return rc;
}

/* Room for one more block. */
static int file_room(struct recording *r)
{
	return r->n + PCAPNG_BLOCK_MAX > FILE_BUFFER ? file_flush(r) : 0;
}

static int file_open(const struct opts *o)
{
	int fd;

	if (strcmp(o->file, "-") != 0)
		fd = open(o->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	else if (isatty(STDOUT_FILENO))
		fd = -1, errno = ENOTTY;
	else
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		failed(o->file);
	return fd;
}

/* ---- Records ---------------------------------------------------------------------- */

static int take(struct recording *r, size_t len)
{
	struct capture_rec head;
	int rc;

	if (capture_judge(r->rec, len, &head)) {
		fprintf(stderr, "pvbackctl: what the worker sends is no capture\n");
		return EXIT_FAILURE;
	}
	if (head.kind == CAPTURE_REFUSED) {
		fprintf(stderr, "pvbackctl: not captured%s: %s\n",
		        r->workers ? " any more" : "", head.what);
		stop(r);
		return r->workers ? 0 : EXIT_FAILURE;
	}
	if (head.kind == CAPTURE_BEGIN) {
		r->ended_ns = 0;
		if (r->workers++)
			fprintf(stderr, "pvbackctl: another worker serves it now: what "
			                "passed before this is missing\n");
	}
	if (head.kind != CAPTURE_FRAME || (r->limit && r->written == r->limit))
		return 0;
	rc = file_room(r);
	r->n += pcapng_frame(r->out + r->n, &head, r->rec + sizeof(head));
	if (++r->written == r->limit)
		stop(r);
	return rc;
}

/* Whatever is there now. Return: 0 or an exit status. */
static int take_all(struct recording *r)
{
	int rc = 0;

	while (!rc && !r->gone && r->sock >= 0) {
		ssize_t n = recv(r->sock, r->rec, sizeof(r->rec), MSG_DONTWAIT);

		if (n > 0)
			rc = take(r, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			close(take_fd(&r->sock));
		else if (errno == EAGAIN)
			return file_flush(r);
		else if (errno != EINTR)
			return failed("the worker's socket");
	}
	return rc ? rc : file_flush(r);
}

/* Until the worker is gone, we are to end, or nobody reads. */
static int watch(struct recording *r)
{
	int rc = 0;

	while (!rc && !r->gone && r->sock >= 0) {
		if (!r->stopped)
			rc = wait_for(r, r->sock, 0, NULL);
		rc = rc ? rc : take_all(r);
	}
	return rc;
}

static int finish(struct recording *r)
{
	struct capture_count count = { 0 };
	int rc;

	if (r->gone)
		return 0;
	if (capture_count_read(r->count, &count))
		count = (struct capture_count){ 0 };
	r->n += pcapng_end(r->out + r->n, &count, r->written, r->start, wall_ns());
	rc = file_flush(r);
	if (!r->stopped)
		fprintf(stderr, "pvbackctl: the card is not connected any more\n");
	fprintf(stderr,
	        "pvbackctl: %" PRIu64 " frames written; %" PRIu64 " passed, %" PRIu64
	        " of these were lost as they were not read fast enough\n",
	        r->written, count.seen, count.dropped);
	return rc;
}

/* ---- The command ------------------------------------------------------------------ */

/* Hand pvbackd the worker's end of a socket. Return: 0 or an exit status. */
static int ask(struct conn *c, struct recording *r, const struct dev *d, uint32_t snaplen)
{
	char request[FETCH_REQUEST];
	int sv[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return failed("socketpair");
	r->sock = sv[0];
	if (r->count < 0)
		r->count = capture_count_new();
	snprintf(request, sizeof(request),
	         "{\"cmd\":\"capture\",\"domid\":%u,\"kind\":\"%.20s\",\"devid\":%u,"
	         "\"snaplen\":%u}",
	         d->domid, d->kind, d->devid, snaplen);
	rc = conn_send_fds(c, request, (int[]){ sv[1], r->count }, 2);
	close(sv[1]);
	rc = rc ? rc : fetch_done(c);
	if (rc)
		close(take_fd(&r->sock));
	return rc;
}

/*
 * Is there a worker for it, or will there be one? Of the one that has ended pvbackd may
 * not know yet, or be gone as well. Return: it is asked; else @over says if there will be
 * none.
 */
static bool ask_next(struct recording *r, const struct opts *o, const struct dev *d,
                     bool *over)
{
	struct conn c;
	struct devs all;
	bool asked = false;

	if (conn_try(&c, o->run_dir))
		return false;
	c.quiet = true;
	if (!fetch(&c, "list", NULL, false, &all)) {
		const struct dev *now = devs_find(&all, d);
		bool there = now && strcmp(now->state, "connected") == 0;

		*over = !there && !(now && now->unsettled);
		asked = there && !ask(&c, r, d, o->snaplen);
		devs_free(&all);
	}
	conn_close(&c);
	return asked;
}

/* The worker has gone. Return: another one is asked. */
static bool next(struct recording *r, const struct opts *o, const struct dev *d)
{
	const struct timespec look = { .tv_nsec = NEXT_LOOK_NS };
	bool over = false;

	if (!r->ended_ns)
		r->ended_ns = clock_ns();
	while (!over && !r->stopped && !r->gone &&
	       clock_ns() - r->ended_ns < NEXT_MAX_NS) {
		if (ask_next(r, o, d, &over))
			return true;
		if (!over && wait_for(r, -1, 0, &look))
			break;
	}
	return false;
}

/* Until the device is gone, we are to end, or nobody reads. */
static int run(struct recording *r, const struct opts *o, const struct dev *d)
{
	int rc;

	do
		rc = watch(r);
	while (!rc && next(r, o, d));
	return rc;
}

static void signals(struct recording *r)
{
	static const int end_by[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction end = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(end_by); i++) {
		sigaddset(&held, end_by[i]);
		sigaction(end_by[i], &end, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, &r->open);
	sigaction(SIGPIPE, &ignore, NULL);
}

static int record(struct conn *c, struct recording *r, const struct dev *d,
                  const struct opts *o)
{
	const char *interface = pairs_find(&d->facts, "interface");
	char about[128];
	struct stat st;
	int rc;

	r->file = file_open(o);
	if (r->file < 0)
		return EXIT_FAILURE;
	r->chunk = fstat(r->file, &st) == 0 && S_ISREG(st.st_mode) ? FILE_BUFFER
	                                                           : PIPE_BUF;
	signals(r);
	snprintf(about, sizeof(about), "%s%s%s", d->device, d->guest ? " of " : "",
	         d->guest ? d->guest : "");
	r->start = wall_ns();
	r->n = pcapng_begin(r->out, interface ? interface : d->device, about, o->snaplen);
	rc = ask(c, r, d, o->snaplen);
	rc = rc ? rc : run(r, o, d);
	return rc ? rc : finish(r);
}

int cmd_capture(struct conn *c, const struct opts *o)
{
	struct recording *r = calloc(1, sizeof(*r));
	struct devs all;
	int rc;

	if (!r)
		return failed("memory");
	*r = (struct recording){ .sock = -1, .file = -1, .count = -1, .limit = o->count };
	rc = fetch(c, "list", NULL, false, &all);
	rc = rc ? rc : devs_only(&all, o->what);
	rc = rc ? rc : record(c, r, &all.v[0], o);
	devs_free(&all);
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? r->sock : i == 1 ? r->file : r->count;

		if (fd >= 0)
			close(fd);
	}
	free(r);
	return rc;
}
