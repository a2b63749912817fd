/* SPDX-License-Identifier: MIT */
/* Paths that mean something else on a simulated host. */
#ifndef XENSIM_PATHS_H
#define XENSIM_PATHS_H

#include <limits.h>

/** path_moved() - Where @path is: @path itself, or the moved one in @buf */
const char *path_moved(const char *path, char buf[PATH_MAX]);

#endif
