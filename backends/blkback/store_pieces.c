/* SPDX-License-Identifier: MIT */
#include "store_pieces.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "log.h"

void store_piece(struct store_pieces *p, struct io_uring *ring, unsigned int n,
                 void *addr, size_t len)
{
	struct iovec iov = { addr, addr ? len : 0 };
	int rc;

	assert(n >= 1 && n <= STORE_PIECES);
	if (addr ? p->refused : !p->fixed[n])
		return;
	rc = p->table ? 0 : io_uring_register_buffers_sparse(ring, STORE_PIECES + 1);
	p->table = rc == 0;
	if (p->table)
		rc = io_uring_register_buffers_update_tag(ring, n, &iov, NULL, 1);
	p->fixed[n] = rc == 1 && addr;
	if (rc >= 0 || rc == -ENOMEM)
		return;
	p->refused = true;
	log_debug(NULL, "io_uring registers no memory of the guest: %s; each I/O pins it",
	          strerror(-rc));
}
