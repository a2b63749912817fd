/* SPDX-License-Identifier: MIT */
/* Small language helpers: sizes, ownership, alignment, and who is at fault. */
#ifndef PVB_COMPILER_H
#define PVB_COMPILER_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))
/* Every call in it that can be is inlined: for loops that each request passes through. */
#define hot_loop                __attribute__((flatten))
#define must_check              __attribute__((warn_unused_result))
/* Out of the way of what is done often; and the opposite, whatever the compiler thinks.
 */
#define seldom                  __attribute__((cold, noinline))
#define forced_inline           inline __attribute__((always_inline))

/**
 * enum verdict - Fate of something the guest said. Never mixed with errno.
 */
enum verdict {
	V_OK,     /* accepted */
	V_REJECT, /* answer this request with an error, carry on */
	V_FATAL,  /* the ring is not trustworthy any more: close the device */
};

/*
 * Ownership. A variable declared autofree or autoclose is released when it goes out of
 * scope; take_ptr() and take_fd() hand the value on and leave the empty form behind.
 */
static inline void autofree_run(void *p)
{
	free(*(void **)p);
}

static inline void autoclose_run(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define autofree  __attribute__((cleanup(autofree_run)))
#define autoclose __attribute__((cleanup(autoclose_run)))

static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

#define take_ptr(p)                             \
	({                                      \
		__typeof__(p) take_ptr_v = (p); \
		(p) = NULL;                     \
		take_ptr_v;                     \
	})

#endif
