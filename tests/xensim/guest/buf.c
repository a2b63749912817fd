/* SPDX-License-Identifier: MIT */
/* A growing buffer of bytes. */
#include <stdlib.h>
#include <string.h>

#include "guest.h"

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (buf->len + len > buf->size) {
		size_t size = (buf->len + len) * 2;
		char *bigger = realloc(buf->data, size);

		if (!bigger)
			guest_die("out of memory");
		buf->data = bigger;
		buf->size = size;
	}
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void buf_drop(struct buf *buf, size_t len)
{
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len);
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}
