/* SPDX-License-Identifier: MIT */
/*
 * A vbd in the supervisor, and its storage: which image its keys name, and how that is
 * opened and closed. What may wait for storage is done in jobs; nothing here waits.
 */
#ifndef PVB_BLK_STORAGE_SUPER_H
#define PVB_BLK_STORAGE_SUPER_H

#include "backend.h"
#include "blk_image_super.h"
#include "blk_life_super.h"
#include "blk_opts_super.h"
#include "compiler.h"

/**
 * struct blk - A vbd
 * @cdrom:	A drive, which may be empty
 * @may_discard: The toolstack does not forbid it
 * @params:	As the toolstack wrote it: the image's path, unless a script makes another
 *		of it
 * @image:	Open, or being opened by @job, or in use elsewhere when it was tried
 * @opts:	What the administrator has chosen for it
 * @resumes:	How often the administrator has said pvbackd-resume
 * @published:	Capacity that XenStore says, 512-byte units
 * @shrunk:	Capacity of an image that has shrunk, as it was last complained about
 * @life:	What of a connection outlives a worker
 */
struct blk {
	bool ro, shared, cdrom, may_discard;
	char *params;
	struct blk_image *image;
	struct bdev_job *job;
	struct bdev_opts opts;
	uint32_t resumes;
	uint64_t published;
	uint64_t shrunk;
	struct blk_life life;
};

/** blk_storage_*() - Operations of struct super_backend, for its part */
int must_check blk_storage_probe(struct bdev *d);
int must_check blk_storage_open(struct bdev *d);
void blk_storage_close(struct bdev *d);
void blk_storage_release(struct bdev *d);

/** blk_storage_update() - The image has grown; storage that was away is to be tried */
int blk_storage_update(struct bdev *d, struct bdev_conf *told, struct bdev_update *u);

/** blk_storage_adopt() - The image's descriptors are these @n, which are taken */
void blk_storage_adopt(struct bdev *d, int *fds, uint32_t n);

/** blk_storage_abandon() - Also: what is under way for the image */
void blk_storage_abandon(struct bdev *d);

/**
 * blk_storage_ready() - The image can be handed to a worker, with @n descriptors
 *
 * Return: 0; -EAGAIN while that is not so; or -errno after bdev_fault().
 */
int must_check blk_storage_ready(struct bdev *d, unsigned int n);

/**
 * blk_storage_name() - Path of the image, and which key it comes from
 * @path:	malloc'ed
 *
 * Return: 0, -EAGAIN while the hotplug script is not through or a drive is empty, or
 * -errno after bdev_fault().
 */
int must_check blk_storage_name(struct bdev *d, struct blk *b, char **path,
                                const char **key);

#endif
