/* SPDX-License-Identifier: MIT */
/* The environment of simulated processes, and what the commands of xensim share. */
#ifndef XENSIM_ENV_H
#define XENSIM_ENV_H

#include <stddef.h>
#include <stdint.h>

/* Exit statuses, as of env(1) and timeout(1) */
#define EXIT_USAGE  2
#define EXIT_XENSIM 125 /* xensim itself failed */
#define EXIT_NOEXEC 126
#define EXIT_NOPROG 127

/**
 * env_host() - Become a process of domain 0 of the host at @dir
 * @lib:	Directory of the libraries
 * @tag:	The host's tag
 */
void env_host(const char *dir, const char *lib, const char *tag);

/** env_xen_bin() - Where Xen's own programs are, NULL if they are not installed */
const char *env_xen_bin(void);

/** env_guest() - From a process of domain 0 become one of guest @domid */
void env_guest(uint32_t domid, uint32_t gen);

/** env_guest_socket() - Path of the socket that stands for the guest's /dev/xen/xenbus */
void env_guest_socket(char *buf, size_t size, uint32_t domid);

/** env_exec() - Run @argv in place of this process; says why if it cannot */
__attribute__((noreturn)) void env_exec(char **argv);

/** env_number() - A decimal argument within bounds; says what is wrong with it and exits
 */
uint32_t env_number(const char *arg, const char *what, uint32_t min, uint32_t max);

#endif
