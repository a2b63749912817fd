/* SPDX-License-Identifier: MIT */
/* A submission queue entry of io_uring. */
#ifndef PVB_STORE_SQE_H
#define PVB_STORE_SQE_H

#include <assert.h>
#include <stdbool.h>

#include <liburing.h>

#include "store.h"

/**
 * store_sqe_rw() - Of a read or write
 * @fixed:	Its piece of memory is registered, as the buffer of its number
 *
 * The image is file 0 of the ring.
 */
static inline void store_sqe_rw(struct io_uring_sqe *sqe, const struct store_io *io,
                                bool fixed)
{
	unsigned int len = (unsigned int)io->iov[0].iov_len;
	int piece = (int)io->piece;

	assert(!piece || io->niov == 1);
	if (io->op == STORE_READ && fixed)
		io_uring_prep_read_fixed(sqe, 0, io->iov[0].iov_base, len, io->off,
		                         piece);
	else if (io->op == STORE_READ && io->niov == 1)
		io_uring_prep_read(sqe, 0, io->iov[0].iov_base, len, io->off);
	else if (io->op == STORE_READ)
		io_uring_prep_readv(sqe, 0, io->iov, io->niov, io->off);
	else if (fixed)
		io_uring_prep_write_fixed(sqe, 0, io->iov[0].iov_base, len, io->off,
		                          piece);
	else if (io->niov == 1)
		io_uring_prep_write(sqe, 0, io->iov[0].iov_base, len, io->off);
	else
		io_uring_prep_writev(sqe, 0, io->iov, io->niov, io->off);
	sqe->rw_flags = io->op == STORE_WRITE && io->durable ? RWF_DSYNC : 0;
}

#endif
