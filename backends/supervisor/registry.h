/* SPDX-License-Identifier: MIT */
/* The backends of backends.def, as the supervisor sees them. */
#ifndef PVB_REGISTRY_H
#define PVB_REGISTRY_H

#include "backend.h"

/** registry[] - All backends, ended by NULL; a backend's number is its place here */
extern const struct super_backend *const registry[];

/** registry_find() - Number of the backend for @kind, @len bytes long, or -ENOENT */
int registry_find(const char *kind, size_t len);

#endif
