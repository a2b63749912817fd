/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "xenabi.h"

#define WORDS (BLK_SECTOR / sizeof(uint64_t))

const char *const kind_name[KINDS] = {
	[READ] = "read",       [WRITE] = "write",     [FLUSH] = "flush",
	[BARRIER] = "barrier", [DISCARD] = "discard",
};

int model_open(struct model *m, uint64_t sectors)
{
	*m = (struct model){ .sectors = sectors, .s = calloc(sectors, sizeof(*m->s)) };
	return m->s ? 0 : -ENOMEM;
}

void model_close(struct model *m)
{
	free(take_ptr(m->s));
}

bool model_free(const struct model *m, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		if (m->s[i].claims)
			return false;
	return true;
}

void model_claim(struct model *m, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		m->s[i].claims++;
}

void model_release(struct model *m, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		m->s[i].claims--;
}

/* The first word says what it is; write 0 is a sector of zeros. */
static void content(uint64_t number, uint32_t write, uint64_t word[WORDS])
{
	uint64_t v = (uint64_t)write << 32 | (uint32_t)number;
	const uint64_t step = v * UINT64_C(0x9e3779b97f4a7c15) | 1;

	if (!write) {
		memset(word, 0, BLK_SECTOR);
		return;
	}
	for (size_t i = 0; i < WORDS; i++, v += step)
		word[i] = v;
}

void model_write(struct model *m, enum kind by, uint64_t first, uint64_t n, void *buf)
{
	uint32_t write = __atomic_add_fetch(&m->writes, 1, __ATOMIC_RELAXED);

	for (uint64_t i = 0; i < n; i++) {
		struct sector *s = &m->s[first + i];
		uint64_t word[WORDS];

		s->write = write;
		s->by = (uint8_t)by;
		s->discarded = s->unknown = false;
		content(first + i, write, word);
		memcpy((char *)buf + i * BLK_SECTOR, word, BLK_SECTOR);
	}
}

void model_discard(struct model *m, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		m->s[i].discarded = true;
		m->s[i].by = DISCARD;
	}
}

static bool is_zero(const void *buf)
{
	static const uint64_t zero[WORDS];

	return memcmp(buf, zero, BLK_SECTOR) == 0;
}

static void explain(uint64_t number, const struct sector *s, const void *got, char *why,
                    size_t why_size)
{
	const uint64_t *word = got;
	uint64_t want[WORDS], head, held[WORDS];
	size_t at = 0;

	memcpy(&head, word, sizeof(head));
	content((uint32_t)head, (uint32_t)(head >> 32), held);
	if (is_zero(got)) {
		snprintf(why, why_size,
		         "sector %" PRIu64 " is zero, it must hold write %u (%s)", number,
		         s->write, kind_name[s->by]);
	} else if (memcmp(held, got, BLK_SECTOR) == 0) {
		snprintf(why, why_size,
		         "sector %" PRIu64 " holds write %" PRIu64
		         " of sector %u, it must hold write %u (%s)%s",
		         number, head >> 32, (uint32_t)head, s->write, kind_name[s->by],
		         s->discarded ? " or zeros" : "");
	} else {
		content(number, s->write, want);
		while (((const char *)want)[at] == ((const char *)got)[at])
			at++;
		snprintf(why, why_size,
		         "sector %" PRIu64 " is not write %u (%s) from byte %zu on",
		         number, s->write, kind_name[s->by], at);
	}
}

static bool sector_ok(const struct sector *s, uint64_t number, const void *got)
{
	uint64_t want[WORDS];

	content(number, s->write, want);
	return memcmp(got, want, BLK_SECTOR) == 0 || s->unknown ||
	       (s->discarded && is_zero(got));
}

bool model_check(const struct model *m, uint64_t first, uint64_t n, const void *buf,
                 uint64_t *at, char *why, size_t why_size)
{
	for (uint64_t i = 0; i < n; i++) {
		const struct sector *s = &m->s[first + i];
		const char *got = (const char *)buf + i * BLK_SECTOR;

		if (sector_ok(s, first + i, got))
			continue;
		*at = first + i;
		explain(first + i, s, got, why, why_size);
		return false;
	}
	return true;
}

void model_adopt(struct model *m, const void *disk)
{
	for (uint64_t i = 0; i < m->sectors; i++) {
		struct sector *s = &m->s[i];
		const char *got = (const char *)disk + i * BLK_SECTOR;

		s->claims = 0;
		s->unknown = !sector_ok(s, i, got) || s->unknown;
		if (s->discarded && is_zero(got))
			s->write = 0;
		s->discarded = false;
	}
}

uint64_t model_zeroed(const struct model *m, uint64_t first, uint64_t n, const void *buf)
{
	uint64_t zeroed = 0;

	for (uint64_t i = 0; i < n; i++) {
		const struct sector *s = &m->s[first + i];

		zeroed += s->discarded && s->write &&
		          is_zero((const char *)buf + i * BLK_SECTOR);
	}
	return zeroed;
}
