/* SPDX-License-Identifier: MIT */
/* What is told pvbackd, and asked of it, but about devices. */
#include "cmds.h"
#include "fetch.h"
#include "log.h"
#include "version.h"

/* What pvbackd says of itself, or NULL. */
static const char *about(struct conn *c)
{
	return conn_send(c, "{\"cmd\":\"version\"}") ? NULL : conn_line(c);
}

static int log_print(struct conn *c)
{
	autofree char *level = NULL;
	const char *line = about(c);

	if (!line)
		return EXIT_FAILURE;
	level = reply_text(line, "log_level");
	puts(level ? level : "?");
	return fetch_done(c);
}

int cmd_log(struct conn *c, const struct opts *o)
{
	enum log_level level;
	char request[64];

	if (!o->what)
		return log_print(c);
	if (log_level_parse(o->what, &level)) {
		fprintf(stderr,
		        "pvbackctl: LEVEL is \"%s\", it must be err, warn, info or "
		        "debug\n",
		        o->what);
		return EXIT_USAGE;
	}
	snprintf(request, sizeof(request), "{\"cmd\":\"log\",\"level\":\"%s\"}",
	         log_level_name(level));
	return conn_send(c, request) ? EXIT_FAILURE : fetch_done(c);
}

int cmd_version(struct conn *c, const struct opts *o)
{
	autofree char *version = NULL, *pid = NULL, *guests = NULL, *devices = NULL;
	const char *line = about(c);

	if (!line)
		return EXIT_FAILURE;
	if (o->json) {
		puts(line);
		return fetch_done(c);
	}
	version = reply_text(line, "version");
	pid = reply_text(line, "pid");
	guests = reply_text(line, "guests");
	devices = reply_text(line, "devices");
	printf("pvbackctl " PVB_VERSION
	       "\npvbackd %s, process %s, guests: %s, devices: %s\n",
	       version, pid, guests, devices);
	return fetch_done(c);
}

int cmd_resume(struct conn *c, const struct opts *o)
{
	char request[FETCH_REQUEST];
	struct devs all;
	int rc = fetch(c, "list", NULL, false, &all);

	rc = rc ? rc : devs_only(&all, o->what);
	if (!rc) {
		fetch_request(request, "resume", &all.v[0]);
		rc = conn_send(c, request);
		rc = rc ? rc : fetch_done(c);
	}
	devs_free(&all);
	return rc;
}
