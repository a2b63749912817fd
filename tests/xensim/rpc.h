/* SPDX-License-Identifier: MIT */
/* Talking to the broker: connect, and one question and answer at a time. */
#ifndef XENSIM_RPC_H
#define XENSIM_RPC_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/**
 * struct rpc - A question and where its answer goes
 * @req:	The question
 * @out:	@out_len uint32_t that follow it
 * @rep:	The answer
 * @in:		Room for @in_max uint32_t of the answer
 * @fds:	Room for @fds_max file descriptors; @nfds came, all are the caller's to
 * close
 */
struct rpc {
	struct wire_req req;
	const uint32_t *out;
	size_t out_len;
	struct wire_rep rep;
	uint32_t *in;
	size_t in_max;
	int *fds;
	unsigned int fds_max;
	unsigned int nfds;
};

/** rpc_dir() - The directory of the simulated host: $XENSIM_DIR or its default */
const char *rpc_dir(void);

/** rpc_connect() - Return: a socket to the broker that serves @dir, or -errno */
int rpc_connect(const char *dir);

/**
 * rpc_call() - Ask on @sock and wait for the answer
 *
 * Return: 0 or -errno, the broker's or -EIO if there is no broker any more
 */
int rpc_call(int sock, struct rpc *rpc);

#endif
