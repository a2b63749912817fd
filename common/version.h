/* SPDX-License-Identifier: MIT */
#ifndef PVB_VERSION_H
#define PVB_VERSION_H

#define PVB_VERSION "0.1"

#endif
