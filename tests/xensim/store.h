/* SPDX-License-Identifier: MIT */
/* Fixed numbers of a domain's XenStore and console rings, as Xen's toolstack assigns
 * them. */
#ifndef XENSIM_STORE_H
#define XENSIM_STORE_H

/* Domain 0: its ring is its first page, its port the first there is. */
#define DOM0_STORE_FRAME 0u
#define DOM0_STORE_PORT  1u
#define DOM0_PAGES       65536u /* 256 MiB; untouched pages cost nothing */

/* A guest: GNTTAB_RESERVED_CONSOLE and _XENSTORE, pages given at creation. */
#define GUEST_CONSOLE_FRAME 0u
#define GUEST_STORE_FRAME   1u
#define GUEST_CONSOLE_REF   0u
#define GUEST_STORE_REF     1u
#define GUEST_FIRST_REF     8u /* GNTTAB_NR_RESERVED_ENTRIES */

#endif
