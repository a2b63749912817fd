/* SPDX-License-Identifier: MIT */
/* A hash table with open addressing and backward-shift removal: no tombstones to sweep.
 */
#include "hmap.h"

#include <errno.h>
#include <stdlib.h>

static size_t slot_of(const struct hmap *map, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 20) & (map->size - 1);
}

static struct hmap_slot *find(const struct hmap *map, uint64_t key)
{
	size_t i = slot_of(map, key);

	while (map->slots[i].key && map->slots[i].key != key)
		i = (i + 1) & (map->size - 1);
	return &map->slots[i];
}

static int grow(struct hmap *map)
{
	struct hmap bigger = { .size = map->size ? map->size * 2 : 16,
		               .used = map->used };

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	hmap_for_each (map, slot)
		*find(&bigger, slot->key) = *slot;
	free(map->slots);
	*map = bigger;
	return 0;
}

int hmap_put(struct hmap *map, uint64_t key, void *value)
{
	struct hmap_slot *slot;

	if (map->used * 2 >= map->size && grow(map) < 0)
		return -ENOMEM;
	slot = find(map, key);
	map->used += !slot->key;
	slot->key = key;
	slot->value = value;
	return 0;
}

void *hmap_get(const struct hmap *map, uint64_t key)
{
	struct hmap_slot *slot = map->size ? find(map, key) : NULL;

	return slot && slot->key ? slot->value : NULL;
}

void *hmap_del(struct hmap *map, uint64_t key)
{
	struct hmap_slot *slot = map->size ? find(map, key) : NULL;
	size_t mask = map->size - 1, hole, i;
	void *value;

	if (!slot || !slot->key)
		return NULL;
	value = slot->value;
	map->used--;
	hole = (size_t)(slot - map->slots);
	for (i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
		size_t home = slot_of(map, map->slots[i].key);

		/* May it move to the hole without landing before its home? */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].key = 0;
	return value;
}

void hmap_free(struct hmap *map)
{
	free(map->slots);
	*map = (struct hmap){ 0 };
}
