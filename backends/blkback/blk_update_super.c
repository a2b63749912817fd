/* SPDX-License-Identifier: MIT */
/* What a worker is told of a disk while it serves it: of its size, and to try again. */
#include <stdio.h>
#include <string.h>

#include "blk_conf.h"
#include "blk_storage_super.h"

/* In our directory: the administrator says that storage can be used again. */
#define RESUME "pvbackd-resume"

/*
 * The guest is told of more only; it goes on with what it has when there is less, and its
 * requests behind the end fail. Return: whether there is more, or it was not told.
 */
static bool grown(struct bdev *d, struct blk *b)
{
	struct blk_image *im = b->image;
	uint64_t now;

	if (blk_image_measure(im))
		return false;
	now = blk_image_sectors(im);
	if (now < im->sectors && now != b->shrunk)
		log_warn(d->tag,
		         "%s has shrunk to %llu sectors; the guest was told %llu, its "
		         "requests behind the end fail",
		         im->path, (unsigned long long)now,
		         (unsigned long long)im->sectors);
	b->shrunk = now < im->sectors ? now : 0;
	if (now > im->sectors) {
		log_info(d->tag, "%s has grown from %llu to %llu sectors", im->path,
		         (unsigned long long)im->sectors, (unsigned long long)now);
		im->sectors = now;
	}
	return b->published != im->sectors;
}

/* The node; taken away when it is heeded. */
static bool resume_node(struct bdev *d)
{
	autofree char *v = NULL, *path = NULL;

	return d->xs && !xst_read(d->xs, XST_NULL, &v, "%s/" RESUME, d->path) &&
	       asprintf(&path, "%s/" RESUME, d->path) >= 0 &&
	       !xst_rm(d->xs, XST_NULL, path);
}

/* Asked for only while requests wait. */
static bool resumed(struct bdev *d, struct blk *b)
{
	if (!d->ailing || !(d->again || resume_node(d)))
		return false;
	d->again = false;
	b->resumes++;
	log_info(d->tag, "requests that wait for storage are tried again");
	return true;
}

/* A frontend has no way to be told of another medium; it reads the next one it is given.
 */
static void other_medium(struct bdev *d, struct blk *b)
{
	autofree char *v = NULL;

	if (!b->cdrom || !d->touched || !d->xs ||
	    xst_read(d->xs, XST_NULL, &v, "%s/params", d->path) ||
	    strcmp(v, b->params) == 0)
		return;
	free(b->params);
	b->params = take_ptr(v);
	if (log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "params names another medium: the guest has it when it "
		                 "connects anew");
}

int blk_storage_update(struct bdev *d, struct bdev_conf *told, struct bdev_update *u)
{
	struct blk *b = d->priv;
	struct blk_update to = { 0 };
	bool more = grown(d, b), again = resumed(d, b);

	other_medium(d, b);
	/* A next worker is told by recover(), which looks at the image. */
	(void)told;
	if (!more && !again)
		return 0;
	to.sectors = b->image->sectors;
	to.resume = b->resumes;
	memcpy(u->blob, &to, sizeof(to));
	u->len = sizeof(to);
	return 1;
}
