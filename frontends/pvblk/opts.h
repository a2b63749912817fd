/* SPDX-License-Identifier: MIT */
/* pvblk's command line: one table of options, one of commands. */
#ifndef PVB_PVBLK_OPTS_H
#define PVB_PVBLK_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"

#define LOAD_RATE_MAX 1000000U

/** enum load_kind - What `load` does with a block */
enum load_kind {
	LOAD_READ,
	LOAD_WRITE,
	LOAD_BARRIER,
	LOAD_FLUSH, /* with no block */
	LOAD_TRIM,
	LOAD_KINDS
};

/** load_kind_name - "read", ... */
extern const char *const load_kind_name[LOAD_KINDS];

/**
 * struct load_mode - What `load` does
 * @random:	At random offsets, otherwise one after the other
 * @weight:	How often each kind is done, in relation to the others; all 0: --mix says
 */
struct load_mode {
	const char *name;
	bool random;
	uint32_t weight[LOAD_KINDS];
};

/**
 * struct opts - What the command line says; sizes and offsets in bytes
 * @length:	UINT64_MAX: to the end of the disk
 * @size:	UINT64_MAX: no limit
 * @time_ms:	0: no limit
 * @depth:	Blocks of `load` in flight for each queue, each may be several requests;
 *		0: as many as a ring has slots
 * @rate:	Blocks of `load` begun in a second on each queue; 0: no limit
 * @watch:	`info` goes on until it is ended
 */
struct opts {
	const char *dev;
	struct blkfront_conf conf;
	uint64_t offset;
	uint64_t length;
	uint64_t size;
	uint64_t seed;
	uint64_t sequence;
	uint32_t bs;
	uint32_t mix;
	uint32_t count;
	uint32_t depth;
	uint32_t rate;
	int time_ms;
	struct load_mode mode;
	bool write;
	bool watch;
	bool verify;
	bool json;
};

enum command_id {
	CMD_INFO,
	CMD_READ,
	CMD_WRITE,
	CMD_VERIFY,
	CMD_LOAD,
	CMD_CYCLE,
	CMD_COUNT
};

/**
 * struct command - A subcommand
 * @connect:	It needs a device; without one it gets one only if one is named
 * @run:	Return: 0 or -errno, the reason is printed
 */
struct command {
	const char *name;
	const char *summary;
	bool connect;
	int (*run)(const struct opts *o, struct blkfront *bf);
};

extern const struct command commands[CMD_COUNT];

/**
 * opts_parse() - Parse the command line
 *
 * Return: 0, or -EINVAL with the complaint printed; --help is answered and
 * sets @done.
 */
int must_check opts_parse(struct opts *o, int argc, char **argv,
                          const struct command **cmd, bool *done);

#endif
