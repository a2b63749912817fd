/* SPDX-License-Identifier: MIT */
/* A table of text whose columns are as wide as they have to be. */
#ifndef PVB_TABLE_H
#define PVB_TABLE_H

#include <stddef.h>

#include "compiler.h"

#define TABLE_COLUMNS 14U

/**
 * struct table - Zero-initialised is empty
 * @right:	Columns that are numbers, a bit each
 */
struct table {
	unsigned int columns, right;
	char **cell;
	size_t n;
};

/** table_head() - The columns: names parted by a space each, "-NAME" is for numbers */
void table_head(struct table *t, const char *names);

/** table_cell() - The next cell, row by row; table_dash() - nothing to say there */
void table_cell(struct table *t, const char *fmt, ...) printf_like(2, 3);
void table_dash(struct table *t);

/** table_print() - To standard output, and empty it; without rows nothing is printed */
void table_print(struct table *t);

#endif
