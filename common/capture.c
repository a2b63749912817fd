/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Reason or cause: printable, terminated. */
static int what_ok(const char what[CAPTURE_WHAT])
{
	size_t n = strnlen(what, CAPTURE_WHAT);

	for (size_t i = 0; i < n; i++)
		if (what[i] < ' ' || what[i] > '~')
			return 0;
	return n < CAPTURE_WHAT;
}

int capture_judge(const void *buf, size_t len, struct capture_rec *out)
{
	struct capture_rec r;

	if (len < sizeof(r))
		return -EPROTO;
	memcpy(&r, buf, sizeof(r));
	if (r.magic != CAPTURE_MAGIC || r.kind >= CAPTURE_NKINDS ||
	    r.dir >= CAPTURE_NDIRS || r.flags & ~CAPTURE_FLAGS || r.data > r.len ||
	    r.data > CAPTURE_SNAPLEN || len != sizeof(r) + (size_t)r.data ||
	    !what_ok(r.what))
		return -EPROTO;
	*out = r;
	return 0;
}

int capture_count_new(void)
{
	autoclose int fd =
		memfd_create("pvbackd-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct capture_count)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

int capture_count_map(int fd, struct capture_count **out)
{
	const int sealed = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Nobody can take it away from under us. */
	if (st.st_size != sizeof(struct capture_count) ||
	    (fcntl(fd, F_GET_SEALS) & sealed) != sealed)
		return -EPROTO;
	p = mmap(NULL, sizeof(struct capture_count), PROT_READ | PROT_WRITE, MAP_SHARED,
	         fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

void capture_count_unmap(struct capture_count *c)
{
	if (c)
		munmap(c, sizeof(*c));
}

int capture_count_read(int fd, struct capture_count *out)
{
	ssize_t n = pread(fd, out, sizeof(*out), 0);

	return n == sizeof(*out) ? 0 : n < 0 ? -errno : -EPROTO;
}
