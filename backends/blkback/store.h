/* SPDX-License-Identifier: MIT */
/*
 * What a disk is made of, behind one interface: an engine moves bytes between memory and
 * storage, many at a time. One thread uses a store; it sleeps in store_wait() for
 * completions and for its other descriptors at once.
 */
#ifndef PVB_STORE_H
#define PVB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "compiler.h"

/* Most I/Os in flight in one store, whatever was asked for: the largest ring's requests.
 */
#define STORE_DEPTH_MAX 512U
/* Descriptors that store_wait() can listen to. */
#define STORE_WATCHES   2U
/* Pieces of memory that an engine can be told of. */
#define STORE_PIECES    128U
#define STORE_FOREVER   (-1)

enum store_op {
	STORE_READ,
	STORE_WRITE,
	/* Writes that were complete before it was submitted are on stable storage. */
	STORE_FLUSH,
	/* The range's content is not needed any more. No memory; may take its time. */
	STORE_DISCARD,
};

/**
 * struct store_io - One I/O; the caller's, and the engine's from submit to reap
 * @op:		What to do
 * @durable:	STORE_WRITE: on stable storage when it completes
 * @piece:	The piece that memory() told of in which @iov, one entry, lies; 0: none
 * @secure:	STORE_DISCARD: no copy may remain readable
 * @off:	First byte in the image; the engine moves it on
 * @len:	STORE_DISCARD: bytes, within the image, not 0; the engine uses it up
 * @iov:	Memory; the engine uses it up
 * @niov:	Entries of @iov
 * @left:	The engine's: bytes that remain
 * @err:	Result: 0, or -errno when not all bytes were moved
 * @again:	The engine's: it has failed, and is or was kept to be tried again
 * @next:	For submit() the next one to begin, or NULL; then the engine's; after
 *		reap() the one that has completed next, or NULL
 */
struct store_io {
	enum store_op op;
	bool durable;
	bool secure;
	uint64_t off;
	uint64_t len;
	struct iovec *iov;
	unsigned int niov;
	uint32_t piece;
	uint32_t left;
	int err;
	bool again;
	struct store_io *next;
};

/* Which engine: AUTO is the best that this host lets us have. */
enum store_engine {
	STORE_AUTO,
	STORE_URING,
	STORE_THREADS,
	STORE_NENGINES
};

/**
 * struct store_conf - What an engine needs to open
 * @engine:	For store_open()
 * @fd:		Image; the store's after success
 * @depth:	Most I/Os in flight, 1 to STORE_DEPTH_MAX
 * @fence:	Descriptor that must not be closed, not even by the end of the process, as
 *		long as an I/O is in flight; the caller's, which keeps it open; or -1
 */
struct store_conf {
	enum store_engine engine;
	int fd;
	int fence;
	unsigned int depth;
};

/**
 * struct store - An open image
 * @ops:	Engine
 * @calls:	System calls made for I/O and sleep, so far
 */
struct store {
	const struct store_ops *ops;
	uint64_t calls;
};

struct store_ops {
	const char *name;
	/* The calling thread is the user from now on; open() may have run in another. */
	void (*start)(struct store *s);
	/*
	 * I/O will use this memory again and again: the engine may prepare it, as piece
	 * @n, 1 to STORE_PIECES. NULL: forget the piece, nothing in flight uses it. Not
	 * from start() on by another thread. An engine that has no use for it has none.
	 */
	void (*memory)(struct store *s, unsigned int n, void *addr, size_t len);
	/*
	 * Some, linked by @next. Never fails: an error is the I/O's. They begin in
	 * wait(), at the latest.
	 */
	void (*submit)(struct store *s, struct store_io *io);
	/* Collect what has completed, oldest first, linked by @next; NULL: nothing. */
	struct store_io *(*reap)(struct store *s);
	/* Listen to @fd, or with -1 to nothing, as watch @slot. */
	void (*watch)(struct store *s, unsigned int slot, int fd);
	/*
	 * Begin what was submitted, then sleep until something is there to reap, a
	 * watched descriptor is readable, or @ns have passed; 0 does not sleep.
	 * Returns a bit for each watch whose descriptor is readable.
	 */
	unsigned int (*wait)(struct store *s, int64_t ns);
	/*
	 * Keep nothing back any more: what has failed is over. An engine that keeps
	 * nothing back has none.
	 */
	void (*let_go)(struct store *s);
	/* Nothing is in flight. Descriptors are closed when it returns. */
	void (*close)(struct store *s);
};

/** store_submit() - One */
static inline void store_submit(struct store *s, struct store_io *io)
{
	io->next = NULL;
	s->ops->submit(s, io);
}

static inline void store_memory(struct store *s, unsigned int n, void *addr, size_t len)
{
	if (s->ops->memory)
		s->ops->memory(s, n, addr, len);
}

/**
 * store_open() - By the engine that @c names
 * @text:	What failed and what to do about it
 *
 * STORE_AUTO tries io_uring, then threads; that io_uring cannot be had is said in the log
 * once for the process. On tmpfs it leaves to them only what is large (store_tmpfs.h).
 *
 * Return: 0 or -errno.
 */
int must_check store_open(const struct store_conf *c, struct store **out, char *text,
                          size_t text_size);

/** store_uring_open() - Regular file or block device by io_uring. Return: as above. */
int must_check store_uring_open(const struct store_conf *c, struct store **out,
                                char *text, size_t text_size);

/**
 * store_threads_open() - The same by plain system calls, in up to STORE_THREADS_MAX
 * threads
 */
int must_check store_threads_open(const struct store_conf *c, struct store **out,
                                  char *text, size_t text_size);

/* As many I/Os of one store are with the kernel at once. */
#define STORE_THREADS_MAX 8U

#endif
