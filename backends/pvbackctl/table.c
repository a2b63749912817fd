/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct table *t, char *s)
{
	char **cell = reallocarray(t->cell, t->n + 1, sizeof(*cell));

	if (!cell || !s) {
		fprintf(stderr, "pvbackctl: out of memory\n");
		exit(EXIT_FAILURE);
	}
	t->cell = cell;
	cell[t->n++] = s;
}

void table_head(struct table *t, const char *names)
{
	*t = (struct table){ 0 };
	while (*names) {
		size_t len = strcspn(names, " ");

		assert(t->columns < TABLE_COLUMNS);
		t->right |= (unsigned int)(*names == '-') << t->columns++;
		add(t, *names == '-' ? strndup(names + 1, len - 1) : strndup(names, len));
		for (char *p = t->cell[t->n - 1]; *p; p++)
			if (*p == '_')
				*p = ' ';
		names += len;
		names += strspn(names, " ");
	}
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	add(t, s);
}

void table_dash(struct table *t)
{
	table_cell(t, "-");
}

/* As a terminal shows it: bytes that continue a character of UTF-8 take no room. */
static int width_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void table_print(struct table *t)
{
	int width[TABLE_COLUMNS] = { 0 }, owed = 0;

	assert(t->n % t->columns == 0);
	for (size_t i = 0; i < t->n; i++)
		if (width_of(t->cell[i]) > width[i % t->columns])
			width[i % t->columns] = width_of(t->cell[i]);
	for (size_t i = 0; i < t->n; i++) {
		unsigned int column = (unsigned int)(i % t->columns);
		int blank = width[column] - width_of(t->cell[i]);

		/* Blanks are owed until something follows them in the line. */
		owed = column ? owed + 2 : 0;
		if (t->right & 1U << column)
			owed += blank;
		if (*t->cell[i]) {
			printf("%*s%s", owed, "", t->cell[i]);
			owed = 0;
		}
		if (!(t->right & 1U << column))
			owed += blank;
		if (column + 1 == t->columns)
			putchar('\n');
		free(t->cell[i]);
	}
	free(t->cell);
	*t = (struct table){ 0 };
}
