/* SPDX-License-Identifier: MIT */
/* From two samples of a device's statistics to what it does per second. Pure. */
#ifndef PVB_RATES_H
#define PVB_RATES_H

#include <stddef.h>
#include <stdint.h>

#include "hist.h"
#include "reply.h"

/**
 * struct rate - An operation, between two samples
 * @name:	That of the operation
 * @count:	How many; of a histogram without an operation, that of the histogram
 * @per_second, @bytes_per_second: The latter is -1 if it has no bytes
 * @p50, @p99, @max, @mean: Of their durations, ns; 0 if there are none
 */
struct rate {
	const char *name;
	uint64_t count;
	double per_second, bytes_per_second;
	uint64_t p50, p99, max, mean;
};

/**
 * struct rates - A device, between two samples
 * @seconds:	Between them; 0 if there is no earlier one, and then nothing else
 * @rate:	Of each operation, then of each other histogram, then of each loss
 * @n:		Operations; with the histograms @nall, with the losses @nrows
 * @in_flight:	Requests taken and not answered, at the second; -1 is unknown
 * @notifies:	For each answer; -1 is unknown
 */
struct rates {
	double seconds;
	struct rate *rate;
	size_t n, nall, nrows;
	int64_t in_flight;
	double notifies;
};

/**
 * rates_between() - Compare two samples of the same device
 *
 * @was may be NULL. A counter that went back was begun anew. Return: 0 or -ENOMEM.
 */
int must_check rates_between(const struct dev *was, const struct dev *now,
                             struct rates *r);
void rates_free(struct rates *r);

#endif
