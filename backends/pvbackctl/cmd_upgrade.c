/* SPDX-License-Identifier: MIT */
/*
 * Another version of pvbackd, and of its workers: first the supervisor, which adopts the
 * workers that there are; then each worker. At any moment both may be of different
 * versions, and who does not understand the other says so.
 */
#include "cmds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "fetch.h"

/* A look at what there is, so often, and for so long. */
#define LOOK_MS 20U
#define WAIT_MS 30000U

/** struct daemon - The pvbackd that answers */
struct daemon {
	char *version, *pid, *started, *program, *workers, *devices, *unsettled;
};

static void daemon_free(struct daemon *d)
{
	free(d->version);
	free(d->pid);
	free(d->started);
	free(d->program);
	free(d->workers);
	free(d->devices);
	free(d->unsettled);
	*d = (struct daemon){ 0 };
}

/* Return: 0, or an exit status. */
static int daemon_ask(struct conn *c, struct daemon *d)
{
	const char *line = conn_send(c, "{\"cmd\":\"version\"}") ? NULL : conn_line(c);

	*d = (struct daemon){ 0 };
	if (!line)
		return EXIT_FAILURE;
	d->version = reply_text(line, "version");
	d->pid = reply_text(line, "pid");
	d->started = reply_text(line, "started_ns");
	d->program = reply_text(line, "program");
	d->workers = reply_text(line, "workers");
	d->devices = reply_text(line, "devices");
	d->unsettled = reply_text(line, "unsettled");
	if (d->version && d->pid && d->started && d->program && d->workers &&
	    d->devices && d->unsettled)
		return fetch_done(c);
	daemon_free(d);
	conn_say(c, "this pvbackd cannot be upgraded while it serves: stop it and start "
	            "the new one, guests wait meanwhile");
	return EXIT_FAILURE;
}

/* What the program that is installed now says of itself: whether it runs at all. */
static int program_version(const char *program, char *text, size_t size)
{
	int fd[2], status = -1;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 1);
		execl(program, program, "--version", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	if (pid > 0) {
		n = read(fd[0], text, size - 1);
		waitpid(pid, &status, 0);
	}
	close(fd[0]);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return status || n <= 0 ? -ENOEXEC : 0;
}

/* The next one has looked at everything. Return: 0, or an exit status. */
static int wait_for_next(struct conn *c, const struct opts *o, const struct daemon *old,
                         struct daemon *now)
{
	for (uint32_t ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		wait_ms(LOOK_MS);
		if (!c->in && conn_try(c, o->run_dir))
			continue;
		c->quiet = true;
		/* One that is about to be replaced may have answered. */
		if (daemon_ask(c, now) || strcmp(now->started, old->started) == 0)
			conn_close(c);
		else if (strcmp(now->unsettled, "0") == 0) {
			c->quiet = false;
			return 0;
		}
		daemon_free(now);
	}
	fprintf(stderr,
	        "pvbackctl: the new pvbackd does not answer, or has not taken all "
	        "devices up: see its log. Workers serve on.\n");
	return EXIT_FAILURE;
}

/* Return: whether all devices of the guest are served by another worker, or by none. */
static bool guest_is_through(const struct devs *all, uint32_t domid, long worker)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct dev *d = &all->v[i];

		if (d->domid == domid &&
		    (d->unsettled || (d->worker && d->worker == worker)))
			return false;
	}
	return true;
}

static void guest_report(const struct devs *all, uint32_t domid)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct dev *d = &all->v[i];

		if (d->domid != domid)
			continue;
		if (d->renewal)
			printf("%s: %s, %u ms without a worker\n", d->device, d->renewal,
			       d->renewal_ms);
		else
			printf("%s: %s%s%s\n", d->device, d->state, d->fault ? ", " : "",
			       d->fault ? d->fault : "");
	}
	fflush(stdout);
}

/* Ask for another worker. Return: whether it was begun; @text is why not. */
static bool renew(struct conn *c, uint32_t domid, char **text)
{
	char request[64];
	const char *line;
	struct dev unused;

	snprintf(request, sizeof(request), "{\"cmd\":\"renew\",\"domid\":%u}", domid);
	line = conn_send(c, request) ? NULL : conn_line(c);
	*text = NULL;
	return line && reply_parse(line, &unused, text) == REPLY_DONE;
}

/* Return: 0, or an exit status. */
static int guest_renewed(struct conn *c, uint32_t domid, long worker)
{
	bool begun = false;

	for (uint32_t ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		autofree char *why = NULL;
		struct devs all;
		bool through;

		begun = begun || renew(c, domid, &why);
		if (!begun && why && strstr(why, "it has no worker"))
			return 0;
		if (!begun && (!why || !strstr(why, "try again"))) {
			fprintf(stderr, "pvbackctl: guest %u: %s\n", domid,
			        why ? why : "no answer");
			return EXIT_FAILURE;
		}
		if (fetch(c, "list", NULL, false, &all))
			return EXIT_FAILURE;
		through = begun && guest_is_through(&all, domid, worker);
		if (through)
			guest_report(&all, domid);
		devs_free(&all);
		if (through)
			return 0;
		wait_ms(LOOK_MS);
	}
	fprintf(stderr,
	        "pvbackctl: guest %u: its worker is not replaced yet: see the log\n",
	        domid);
	return EXIT_FAILURE;
}

static int renew_all(struct conn *c)
{
	struct devs all;
	int rc = fetch(c, "list", NULL, false, &all), worst = rc;

	/* Sorted by guest. */
	for (size_t i = 0; i < all.n; i++) {
		const struct dev *d = &all.v[i];
		long worker = d->worker;

		while (i + 1 < all.n && all.v[i + 1].domid == d->domid) {
			i++;
			worker = worker ? worker : all.v[i].worker;
		}
		rc = guest_renewed(c, d->domid, worker);
		worst = rc ? rc : worst;
	}
	devs_free(&all);
	return worst;
}

int cmd_upgrade(struct conn *c, const struct opts *o)
{
	struct daemon old, now = { 0 };
	char next[64];
	int rc = daemon_ask(c, &old);

	if (rc)
		return rc;
	if (program_version(old.program, next, sizeof(next))) {
		fprintf(stderr, "pvbackctl: %s --version fails: nothing was changed\n",
		        old.program);
		daemon_free(&old);
		return EXIT_FAILURE;
	}
	printf("pvbackd %s, process %s, is replaced by %s of %s\n", old.version, old.pid,
	       next, old.program);
	fflush(stdout);
	rc = conn_send(c, "{\"cmd\":\"upgrade\"}");
	rc = rc ? rc : fetch_done(c);
	conn_close(c);
	rc = rc ? rc : wait_for_next(c, o, &old, &now);
	if (!rc) {
		printf("pvbackd %s, process %s, has %s workers with %s devices\n",
		       now.version, now.pid, now.workers, now.devices);
		fflush(stdout);
		rc = renew_all(c);
	}
	daemon_free(&old);
	daemon_free(&now);
	return rc;
}
