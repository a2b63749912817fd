/* SPDX-License-Identifier: MIT */
/* What pvbackd says about a device: a line of JSON as a structure, and back. */
#ifndef PVB_REPLY_H
#define PVB_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "hist.h"

struct pair {
	char *key;
	char *value;
};

struct pairs {
	struct pair *v;
	size_t n;
};

/**
 * struct op - A row of statistics
 * @bytes:	-1 if there is no such counter
 * @lat:	Latencies, ns; NULL if they are not kept
 */
struct op {
	char *name;
	int64_t count;
	int64_t bytes;
	struct hist *lat;
};

/**
 * struct dev - A device, as far as pvbackd has described it
 * @guest:	Its guest's name, or NULL; so are all that it has none of
 * @worker:	Process, or 0
 * @unsettled:	Was there before pvbackd, or lost its worker, and is not served yet
 * @renewal:	How it came to that at the last replacement, which took @renewal_ms
 * @crashes:	Workers that crashed while they served it, in a row
 * @time_ns:	When its statistics were taken, or 0
 * @other:	Histograms that belong to no operation: no @count
 * @loss:	Counters of what was not done, by cause: no @bytes, no @lat
 * @requests, @answers, @notifies: Counters, or -1
 * @queue:	Counters of each queue
 */
struct dev {
	char *device, *guest, *kind, *state, *backend, *frontend, *fault, *spoiled;
	char *renewal;
	char *backend_path, *frontend_path;
	uint32_t domid, devid;
	long worker;
	bool unsettled;
	unsigned int queues, crashes, renewal_ms;
	uint64_t time_ns;
	int64_t requests, answers, notifies;
	struct pairs facts, counters, backend_keys, frontend_keys;
	struct op *op, *other;
	size_t nops, nothers;
	struct op *loss;
	size_t nlosses;
	struct pairs *queue;
	size_t nqueues;
};

enum reply {
	REPLY_DEVICE,
	REPLY_OTHER,  /* a line without a device, not the last */
	REPLY_DONE,   /* the last */
	REPLY_ERROR,  /* the last: it could not be done */
	REPLY_BROKEN, /* no such line should have come */
};

/**
 * reply_parse() - Understand a line
 * @d:		A device, to be freed with dev_free()
 * @text:	What is wrong; malloc'ed, may be NULL
 */
enum reply reply_parse(const char *line, struct dev *d, char **text);
void dev_free(struct dev *d);

/** pairs_find() - Its value, or NULL */
const char *pairs_find(const struct pairs *p, const char *key);

/** reply_text() - A member of a line that is text or a number; malloc'ed, or NULL */
char *reply_text(const char *line, const char *key);

struct rates;

/** reply_rates() - Rates of a device as a line of JSON; malloc'ed, NULL without memory */
char *reply_rates(const struct dev *d, const struct rates *r);

#endif
