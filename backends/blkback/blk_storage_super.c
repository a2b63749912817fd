/* SPDX-License-Identifier: MIT */
#include "blk_storage_super.h"

#include <errno.h>
#include <string.h>

#include "bdev_keys.h"
#include "blk_keys_super.h"
#include "xenabi.h"

/* Seconds after which an image that does not open is worth a word. */
#define OPEN_SLOW 5
/* Seconds that libxl's 10 for an offer leave to find out that there is no image. */
#define CHECK_MAX 2
/* Closing a file is over at once, unless its storage hangs. */
#define CLOSE_MS  200

static int probe_mode(struct bdev *d, struct blk *b)
{
	autofree char *mode = NULL;
	int rc = bdev_key(d, &mode, d->path, "mode");

	if (rc)
		return rc;
	if (!mode) {
		bdev_fault(d, "mode is missing");
		return -EAGAIN;
	}
	rc = blk_mode_parse(mode, &b->ro, &b->shared);
	if (rc)
		bdev_fault(d, "mode is \"%.40s\", it must be r or w", mode);
	return rc;
}

static int probe_kind(struct bdev *d, struct blk *b)
{
	autofree char *type = NULL, *discard = NULL;
	int rc = bdev_key(d, &type, d->path, "device-type");

	rc = rc ? rc : bdev_key(d, &discard, d->path, "discard-enable");
	if (rc)
		return rc;
	b->cdrom = type && strcmp(type, "cdrom") == 0;
	b->may_discard = !discard || strcmp(discard, "0") != 0;
	return 0;
}

static void image_forget(struct blk *b)
{
	/* While there is a job, the image is the job's. */
	if (b->job)
		bdev_job_leave(&b->job);
	else if (b->image)
		blk_image_free(b->image);
	b->image = NULL;
}

/* To close a file may write what is left in memory, and so wait for its storage. */
static void image_shut(struct bdev *d, struct blk_image *im)
{
	struct blk_image *shut = blk_image_new(im->key, im->path);
	struct bdev_job *job;

	if (!shut) {
		blk_image_shut(im);
		return;
	}
	shut->fd = take_fd(&im->fd);
	shut->loop = take_fd(&im->loop);
	while (im->nmore)
		shut->more[shut->nmore++] = im->more[--im->nmore];
	if (bdev_job_start(d, blk_image_shut, blk_image_free, shut, &job))
		blk_image_free(shut);
	else
		bdev_job_finish(&job, CLOSE_MS);
}

/* Have @run done for the image at @path. */
static int image_job(struct bdev *d, const char *key, const char *path,
                     void (*run)(void *im))
{
	struct blk *b = d->priv;
	int rc;

	b->image = blk_image_new(key, path);
	if (!b->image)
		return -ENOMEM;
	b->image->ro = b->ro;
	b->image->shared = b->shared;
	b->image->may_discard = b->may_discard;
	b->image->bypass = b->opts.v[BLK_OPT_LOOP] == 0;
	b->image->cache = (enum blk_cache)b->opts.v[BLK_OPT_CACHE];
	rc = bdev_job_start(d, run, blk_image_free, b->image, &b->job);
	if (rc)
		image_forget(b);
	return rc;
}

/* An image that is not there is better said before the device is offered than after. */
static int probe_image(struct bdev *d, struct blk *b)
{
	int rc;

	if (!b->job) {
		rc = image_job(d, "params", b->params, blk_image_check);
		/* None can be had: it is found out later. */
		return rc == -EAGAIN ? 0 : rc ? rc : -EAGAIN;
	}
	if (!bdev_job_over(b->job)) {
		if (bdev_job_seconds(b->job) < CHECK_MAX)
			return -EAGAIN;
		image_forget(b);
		return 0;
	}
	bdev_job_take(&b->job);
	rc = b->image->rc;
	if (rc)
		bdev_fault(d, "%s", b->image->text);
	image_forget(b);
	return rc;
}

static int probe_params(struct bdev *d, struct blk *b)
{
	autofree char *script = NULL;
	int rc;

	free(take_ptr(b->params));
	rc = bdev_key(d, &b->params, d->path, "params");
	rc = rc ? rc : bdev_key(d, &script, d->path, "script");
	if (rc)
		return rc;
	if (!b->params) {
		bdev_fault(d, "params is missing");
		return -EAGAIN;
	}
	if (!*b->params && !b->cdrom) {
		bdev_fault(d, "params is empty, it must name the image");
		return -EINVAL;
	}
	if (!*b->params && log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "the drive is empty: waits for a medium, that is for "
		                 "params to name one");
	/* A script may make an image out of anything. */
	return script || !*b->params ? 0 : probe_image(d, b);
}

int blk_storage_probe(struct bdev *d)
{
	int rc;

	if (!d->priv)
		d->priv = calloc(1, sizeof(struct blk));
	if (!d->priv)
		return -ENOMEM;
	rc = probe_mode(d, d->priv);
	rc = rc ? rc : probe_kind(d, d->priv);
	return rc ? rc : probe_params(d, d->priv);
}

static void choose(struct bdev *d, struct blk *b, const char *path)
{
	autofree char *guest = bdev_guest_name(d);

	b->opts = blk_opts_for(b->params ? b->params : "", path, guest);
}

/* Return: -EAGAIN with the opening begun, or for as long as it would be in vain. */
static int open_begin(struct bdev *d, struct blk *b)
{
	autofree char *path = NULL;
	const char *key = NULL;
	int rc = blk_storage_name(d, b, &path, &key);

	if (rc)
		return rc;
	/* Somebody else had it open: is that still so? */
	if (b->image && strcmp(b->image->path, path) == 0)
		rc = blk_image_claim(d, b->image);
	if (rc)
		return rc;
	image_forget(b);
	choose(d, b, path);
	return image_job(d, key, path, blk_image_open) ?: -EAGAIN;
}

/* What is under way for the image. Return: 0 when it is ready, -EAGAIN or its error. */
static int image_wait(struct bdev *d, struct blk *b)
{
	if (!b->job)
		return 0;
	if (!bdev_job_over(b->job)) {
		if (bdev_job_seconds(b->job) >= OPEN_SLOW)
			bdev_fault(d,
			           "%s is \"%.300s\", its storage has not answered for "
			           "%u s: waits",
			           b->image->key, b->image->path, OPEN_SLOW);
		return -EAGAIN;
	}
	bdev_job_take(&b->job);
	if (b->image->rc)
		bdev_fault(d, "%s", b->image->text);
	return b->image->rc;
}

int blk_storage_open(struct bdev *d)
{
	struct blk *b = d->priv;
	const struct blk_image *im;
	int rc;

	if (!b->job)
		return open_begin(d, b);
	rc = image_wait(d, b);
	/* Not yet. */
	if (b->job)
		return rc;
	if (!rc) {
		rc = blk_image_claim(d, b->image);
		if (rc)
			image_shut(d, b->image);
	} else {
		image_forget(b);
	}
	if (rc)
		return rc;
	im = b->image;
	if (im->note[0] && log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "%s: %s", im->path, im->note);
	if (im->bytes != im->sectors * BLK_SECTOR && log_allowed(d->limit, 20, d->tag))
		log_warn(d->tag,
		         "%s: the last %llu bytes fill no sector and are not served",
		         im->path,
		         (unsigned long long)(im->bytes - im->sectors * BLK_SECTOR));
	if (log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "%s: %llu sectors, %s%s, cache %s", im->path,
		         (unsigned long long)im->sectors,
		         b->ro ? "read-only" : "writable",
		         im->direct ? ", direct I/O" : "",
		         blk_opts_name(BLK_OPT_CACHE, &b->opts));
	return 0;
}

void blk_storage_abandon(struct bdev *d)
{
	image_forget(d->priv);
}

int blk_storage_ready(struct bdev *d, unsigned int n)
{
	struct blk *b = d->priv;
	int rc = image_wait(d, b);

	if (rc)
		return rc;
	b->image->want = n - 1;
	if (b->image->nmore >= b->image->want)
		return 0;
	rc = bdev_job_start(d, blk_image_more, blk_image_free, b->image, &b->job);
	return rc ? rc : -EAGAIN;
}

void blk_storage_adopt(struct bdev *d, int *fds, uint32_t n)
{
	struct blk *b = d->priv;
	struct blk_image *im = b->image;
	int loop = take_fd(&im->loop);

	image_shut(d, im);
	im->loop = loop;
	im->fd = take_fd(&fds[0]);
	for (uint32_t i = 1; i < n; i++)
		im->more[im->nmore++] = take_fd(&fds[i]);
}

void blk_storage_close(struct bdev *d)
{
	struct blk *b = d->priv;

	blk_image_disclaim(b->image);
	if (!b->job)
		image_shut(d, b->image);
	image_forget(b);
}

void blk_storage_release(struct bdev *d)
{
	struct blk *b = d->priv;

	image_forget(b);
	free(b->params);
	free(b);
	d->priv = NULL;
}
