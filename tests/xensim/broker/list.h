/* SPDX-License-Identifier: MIT */
/* A doubly linked list with the links inside its elements. */
#ifndef XENSIM_LIST_H
#define XENSIM_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(head)          \
	{                        \
		&(head), &(head) \
	}

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_add_tail(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* May be called again on what is in no list. */
static inline void list_del(struct list *item)
{
	item->next->prev = item->prev;
	item->prev->next = item->next;
	list_init(item);
}

#define list_entry(item, type, member) ((type *)((char *)(item)-offsetof(type, member)))

/* The body may remove the element it is given, and no other. */
#define list_for_each(head, pos, tmp)                                          \
	for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head); \
	     pos = tmp, tmp = tmp->next)

#endif
