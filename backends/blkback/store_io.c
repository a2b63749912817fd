/* SPDX-License-Identifier: MIT */
#include "store_io.h"

#include <errno.h>

uint64_t store_io_piece(const struct store_io *io, uint64_t chunk)
{
	uint64_t room = chunk - io->off % chunk;

	return io->len < room ? io->len : room;
}

/* @n of more bytes were moved. */
static void advance(struct store_io *io, uint32_t n)
{
	io->off += n;
	io->left -= n;
	while (n >= io->iov->iov_len) {
		n -= (uint32_t)io->iov->iov_len;
		io->iov++;
		io->niov--;
	}
	io->iov->iov_base = (char *)io->iov->iov_base + n;
	io->iov->iov_len -= n;
}

static bool over(struct store_io *io, int err)
{
	io->err = err;
	return true;
}

bool store_io_step(struct store_io *io, int64_t res, uint64_t chunk)
{
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (res < 0)
		return over(io, (int)res);
	if (io->op == STORE_FLUSH)
		return over(io, 0);
	if (io->op == STORE_DISCARD) {
		uint64_t n = store_io_piece(io, chunk);

		io->off += n;
		io->len -= n;
		return io->len ? false : over(io, 0);
	}
	if (res >= io->left)
		return over(io, 0);
	/* Nothing at all: the image ends before the capacity it was said to have. */
	if (res == 0)
		return over(io, -EIO);
	advance(io, (uint32_t)res);
	return false;
}
