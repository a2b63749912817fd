/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <stdatomic.h>
#include <stdio.h>

#include "log.h"
#include "store_tmpfs.h"

static int engine_open(const struct store_conf *c, struct store **out, char *text,
                       size_t text_size)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	int rc;

	if (c->engine == STORE_THREADS)
		return store_threads_open(c, out, text, text_size);
	rc = store_uring_open(c, out, text, text_size);
	if (!rc || c->engine == STORE_URING)
		return rc;
	if (!atomic_flag_test_and_set(&said))
		log_warn(NULL, "%s; threads do the I/O instead, which is slower", text);
	return store_threads_open(c, out, text, text_size);
}

int store_open(const struct store_conf *c, struct store **out, char *text,
               size_t text_size)
{
	int rc = engine_open(c, out, text, text_size);

	if (!rc && c->engine == STORE_AUTO && store_is_tmpfs(c->fd))
		*out = store_tmpfs(c->fd, *out);
	return rc;
}
