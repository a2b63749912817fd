/* SPDX-License-Identifier: MIT */
/* How many descriptors a process may have. */
#ifndef PVB_FILES_H
#define PVB_FILES_H

#include <sys/resource.h>

/*
 * A worker has up to three for each disk, and three for each of its rings; pvbackd as
 * many for each disk of all guests. Below this not much can be served.
 */
#define FILES_MIN 256U

/**
 * files_max() - Raise the soft limit to the hard one, and that to FILES_MIN if it is
 * lower and we may
 *
 * Return: the limit that there is then.
 */
static inline rlim_t files_max(void)
{
	struct rlimit rl, more;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return FILES_MIN;
	more = rl;
	if (more.rlim_max < FILES_MIN)
		more.rlim_max = FILES_MIN;
	more.rlim_cur = more.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return more.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &rl) == 0 ? rl.rlim_cur : 0;
}

#endif
