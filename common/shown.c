/* SPDX-License-Identifier: MIT */
#include "shown.h"

#include <errno.h>
#include <stdio.h>

int shown_find(const uint64_t *word, uint32_t slots, uint32_t rsp_prod, uint32_t *showing,
               char *text, size_t text_size)
{
	uint64_t w = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	uint32_t shown = (uint32_t)w;

	*showing = (uint32_t)(w >> 32);
	if (*showing - shown > slots) {
		snprintf(text, text_size, "the journal is damaged: responses %u to %u",
		         shown, *showing);
		return -EPROTO;
	}
	if (rsp_prod != shown && rsp_prod != *showing) {
		snprintf(text, text_size,
		         "the guest has changed the ring's rsp_prod to %u, we left %u or "
		         "%u",
		         rsp_prod, shown, *showing);
		return -EILSEQ;
	}
	return 0;
}
