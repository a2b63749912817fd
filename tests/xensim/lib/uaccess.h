/* SPDX-License-Identifier: MIT */
/* Touching memory that the caller named, which may not be there: EFAULT, not a crash. */
#ifndef XENSIM_UACCESS_H
#define XENSIM_UACCESS_H

/**
 * uaccess_run() - Run @fn so that a bad address inside it ends it
 *
 * Return: what @fn returned, or -EFAULT
 */
int uaccess_run(int (*fn)(void *arg), void *arg);

#endif
