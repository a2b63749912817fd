/* SPDX-License-Identifier: MIT */
/* Settings: of pvbackd.conf and, under the same names, of the command line. */
#ifndef PVB_CONFIG_H
#define PVB_CONFIG_H

#include "compiler.h"
#include "log.h"

#define CONFIG_FILE "/etc/xen/pvbackd.conf"

/**
 * struct config - What can be set
 * @kinds:	Backends to run, a bit for each place in registry[]
 * @worker:	Program that serves a guest
 * @run_dir:	Directory of the lock file and the control socket
 */
struct config {
	enum log_level log_level;
	unsigned int kinds;
	char *worker;
	char *run_dir;
};

/** struct config_error - One line that says what is wrong and what would be right */
struct config_error {
	char text[512];
};

/** config_init() - The defaults. Return: 0 or -ENOMEM. */
int must_check config_init(struct config *c);
void config_free(struct config *c);

/**
 * config_set() - Set one thing
 *
 * A key "KIND.NAME" is handed to that kind's backend.
 *
 * Return: 0, or -EINVAL with @err filled: an unknown key, or a value that it cannot have.
 */
int must_check config_set(struct config *c, const char *key, const char *value,
                          struct config_error *err);

/** config_done() - All is set, or with @take false all that was set is void */
void config_done(bool take);

/**
 * config_read() - Set what a file of "key = value" lines says
 *
 * Return: 0, -ENOENT without @err when there is no such file, or -EINVAL and @err with
 * file and line.
 */
int must_check config_read(struct config *c, const char *file, struct config_error *err);

#endif
