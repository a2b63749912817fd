/* SPDX-License-Identifier: MIT */
#include "store_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_io.h"

/* Between two attempts of what the kernel has no memory for. */
#define AGAIN_NS 1000000

bool store_is_bdev(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
	       S_ISBLK(st.stx_mode);
}

static int64_t discard(int fd, bool bdev, const struct store_io *io)
{
	uint64_t range[2] = { io->off, store_io_piece(io, store_chunk(bdev)) };

	if (bdev)
		return ioctl(fd, io->secure ? BLKSECDISCARD : BLKDISCARD, range);
	if (io->secure) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)range[0],
	                 (off_t)range[1]);
}

static int64_t attempt(int fd, bool bdev, const struct store_io *io)
{
	off_t off = (off_t)io->off;
	int64_t n = -1;

	switch (io->op) {
	/* The kernel takes a tenth longer for a list, of one, when all is in memory. */
	case STORE_READ:
		n = io->niov == 1 ? pread(fd, io->iov->iov_base, io->iov->iov_len, off)
		                  : preadv2(fd, io->iov, (int)io->niov, off, 0);
		break;
	case STORE_WRITE:
		n = io->niov == 1 && !io->durable
		            ? pwrite(fd, io->iov->iov_base, io->iov->iov_len, off)
		            : pwritev2(fd, io->iov, (int)io->niov, off,
		                       io->durable ? RWF_DSYNC : 0);
		break;
	case STORE_FLUSH:
		n = fdatasync(fd);
		break;
	case STORE_DISCARD:
		n = discard(fd, bdev, io);
		break;
	}
	return n < 0 ? -errno : n;
}

uint32_t store_sync(int fd, bool bdev, struct store_io *io)
{
	uint32_t calls = 1;
	int64_t res;

	store_io_begin(io);
	for (; res = attempt(fd, bdev, io), !store_io_step(io, res, store_chunk(bdev));
	     calls++)
		if (res == -EAGAIN)
			nanosleep(&(struct timespec){ .tv_nsec = AGAIN_NS }, NULL);
	return calls;
}
