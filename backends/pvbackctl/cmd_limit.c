/* SPDX-License-Identifier: MIT */
/* How much may pass a network card. */
#include <string.h>

#include "cmds.h"
#include "fetch.h"

/* Before a limit's name, as pvbackd describes them. */
#define PREFIX "limit-"

static int limits_print(const struct dev *d)
{
	static const char *const name[] = { PREFIX "tx-bytes", PREFIX "tx-packets",
		                            PREFIX "rx-bytes", PREFIX "rx-packets" };
	const char *rate = pairs_find(&d->facts, "rate");

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		const char *v = pairs_find(&d->facts, name[i]);

		printf("%-10s  %s\n", name[i] + strlen(PREFIX), v ? v : "none");
	}
	if (rate)
		printf("%-10s  %s, by the toolstack\n", "rate", rate);
	return 0;
}

static int limits_set(struct conn *c, const struct dev *d, const char *what)
{
	char request[FETCH_REQUEST + LIMITS_TEXT];

	snprintf(request, sizeof(request),
	         "{\"cmd\":\"tune\",\"domid\":%u,\"kind\":\"%.20s\",\"devid\":%u,"
	         "\"what\":\"%s\"}",
	         d->domid, d->kind, d->devid, what);
	return conn_send(c, request) ? EXIT_FAILURE : fetch_done(c);
}

int cmd_limit(struct conn *c, const struct opts *o)
{
	struct devs all;
	int rc = fetch(c, "list", NULL, false, &all);

	rc = rc ? rc : devs_only(&all, o->what);
	if (!rc)
		rc = o->limits[0] ? limits_set(c, &all.v[0], o->limits)
		                  : limits_print(&all.v[0]);
	devs_free(&all);
	return rc;
}
