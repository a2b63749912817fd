/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include <errno.h>
#include <string.h>

const struct super_backend *const registry[] = {
#define BACKEND(kind, name) &name##_super,
#include "backends.def"
#undef BACKEND
	NULL
};

int registry_find(const char *kind, size_t len)
{
	for (int i = 0; registry[i]; i++)
		if (strlen(registry[i]->kind) == len &&
		    memcmp(registry[i]->kind, kind, len) == 0)
			return i;
	return -ENOENT;
}
