/* SPDX-License-Identifier: MIT */
#include "net_memory.h"

#include <sys/mman.h>

#include "xenabi.h"

static size_t whole_pages(size_t size)
{
	return (size + XEN_PAGE - 1) / XEN_PAGE * XEN_PAGE;
}

void *net_memory_open(int map, size_t size)
{
	void *p =
		mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return p == MAP_FAILED ? NULL : p;
}

void net_memory_close(void *memory, size_t size)
{
	if (memory)
		munmap(memory, whole_pages(size));
}
