/* SPDX-License-Identifier: MIT */
#include "fetch.h"

#include <string.h>

#include "names.h"

void devs_free(struct devs *d)
{
	for (size_t i = 0; i < d->n; i++)
		dev_free(&d->v[i]);
	free(d->v);
	*d = (struct devs){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct dev *x = a, *y = b;
	int kind = strcmp(x->kind, y->kind);

	if (x->domid != y->domid)
		return x->domid < y->domid ? -1 : 1;
	return kind ? kind : x->devid < y->devid ? -1 : x->devid > y->devid;
}

static int add(struct devs *d, const struct dev *dev)
{
	struct dev *v = reallocarray(d->v, d->n + 1, sizeof(*v));

	if (!v) {
		fprintf(stderr, "pvbackctl: out of memory\n");
		return EXIT_FAILURE;
	}
	d->v = v;
	v[d->n++] = *dev;
	return 0;
}

/* An answer that is none, or says no; without @line it has been said that none came. */
static int complain(const struct conn *c, enum reply r, const char *line,
                    const char *text)
{
	if (r == REPLY_ERROR)
		conn_say(c, "pvbackd says: %s", text ? text : "?");
	else if (line)
		conn_say(c, "this is no answer: %.60s", line);
	return EXIT_FAILURE;
}

/* Return: -1 to go on, else an exit status. */
static int take(const struct conn *c, const char *line, bool raw, struct devs *out)
{
	autofree char *text = NULL;
	struct dev dev;
	enum reply r = reply_parse(line, &dev, &text);

	switch (r) {
	case REPLY_DEVICE:
		if (raw)
			puts(line);
		if (add(out, &dev) == 0)
			return -1;
		dev_free(&dev);
		return EXIT_FAILURE;
	case REPLY_DONE:
		return 0;
	default:
		return complain(c, r, line, text);
	}
}

void fetch_request(char request[FETCH_REQUEST], const char *cmd, const struct dev *only)
{
	if (only)
		snprintf(request, FETCH_REQUEST,
		         "{\"cmd\":\"%s\",\"domid\":%u,\"kind\":\"%.20s\",\"devid\":%u}",
		         cmd, only->domid, only->kind, only->devid);
	else
		snprintf(request, FETCH_REQUEST, "{\"cmd\":\"%s\"}", cmd);
}

int fetch(struct conn *c, const char *cmd, const struct dev *only, bool raw,
          struct devs *out)
{
	char request[FETCH_REQUEST];
	const char *line;
	int rc;

	*out = (struct devs){ 0 };
	fetch_request(request, cmd, only);
	rc = conn_send(c, request);
	if (rc)
		return rc;
	do {
		line = conn_line(c);
		rc = line ? take(c, line, raw, out) : EXIT_FAILURE;
	} while (rc < 0);
	if (rc)
		devs_free(out);
	else if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return rc;
}

int fetch_done(struct conn *c)
{
	const char *line = conn_line(c);
	autofree char *text = NULL;
	struct dev unused;
	enum reply r = line ? reply_parse(line, &unused, &text) : REPLY_BROKEN;

	return r == REPLY_DONE ? 0 : complain(c, r, line, text);
}

const struct dev *devs_find(const struct devs *d, const struct dev *what)
{
	return d->n ? bsearch(what, d->v, d->n, sizeof(*d->v), compare) : NULL;
}

int devs_keep(struct devs *d, const char *name, bool guests)
{
	size_t kept = 0;

	if (!name)
		return 0;
	for (size_t i = 0; i < d->n; i++) {
		struct dev *dev = &d->v[i];

		if (name_is_device(name, dev) || (guests && name_is_guest(name, dev)))
			d->v[kept++] = *dev;
		else
			dev_free(dev);
	}
	d->n = kept;
	if (kept)
		return 0;
	fprintf(stderr,
	        "pvbackctl: pvbackd has no %s \"%s\"; `pvbackctl list` shows what it "
	        "has\n",
	        guests ? "device or guest" : "device", name);
	return EXIT_NO_DEVICE;
}

int devs_only(struct devs *d, const char *name)
{
	int rc = devs_keep(d, name, false);

	if (rc || d->n == 1)
		return rc;
	fprintf(stderr, "pvbackctl: \"%s\" may be", name);
	for (size_t i = 0; i < d->n; i++)
		fprintf(stderr, "%s %s", i ? "," : "", d->v[i].device);
	fputc('\n', stderr);
	return EXIT_NO_DEVICE;
}
