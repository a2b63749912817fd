/* SPDX-License-Identifier: MIT */
/* A hash table from a number to a pointer that grows as it fills. */
#ifndef XENSIM_HMAP_H
#define XENSIM_HMAP_H

#include <stddef.h>
#include <stdint.h>

struct hmap_slot {
	uint64_t key; /* 0: free */
	void *value;
};

/** struct hmap - Zeroed is empty; keys are not 0 */
struct hmap {
	struct hmap_slot *slots;
	size_t size; /* a power of two */
	size_t used;
};

/** hmap_put() - Add or replace; Return: 0 or -ENOMEM */
int hmap_put(struct hmap *map, uint64_t key, void *value);

/** hmap_get() - Return: the value, or NULL */
void *hmap_get(const struct hmap *map, uint64_t key);

/** hmap_del() - Return: the value that was removed, or NULL */
void *hmap_del(struct hmap *map, uint64_t key);

void hmap_free(struct hmap *map);

/* For each value; the body must not add or remove. */
#define hmap_for_each(map, slot)                                \
	for (struct hmap_slot *slot = (map)->slots;             \
	     slot && slot < (map)->slots + (map)->size; slot++) \
		if (slot->key)

#endif
