/* SPDX-License-Identifier: MIT */
#include "msg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "log.h"

struct msg_hdr {
	uint32_t type;
	uint32_t dev;
	uint32_t blob_len;
	uint32_t nfds;
};

_Static_assert(sizeof(struct msg_hdr) == 16, "no padding on the socket");

static const struct msg_desc {
	const char *name;
	size_t payload;
	size_t blob_max;
	unsigned int fds_max;
	enum msg_side from;
} msg_desc[] = {
#define X(type_, from_, payload_, blob_, fds_)         \
	[MSG_##type_] = { .name = #type_,              \
		          .payload = sizeof(payload_), \
		          .blob_max = (blob_),         \
		          .fds_max = (fds_),           \
		          .from = (from_) },
	MSG_LIST(X)
#undef X
};

_Static_assert(ARRAY_SIZE(msg_desc) == MSG_NTYPES, "a message has no description");

const char *msg_name(enum msg_type type)
{
	return type < MSG_NTYPES ? msg_desc[type].name : "unknown";
}

int msg_send(int sock, enum msg_side from, enum msg_type type, uint32_t dev,
             const void *payload, const void *blob, size_t blob_len, const int *fds,
             unsigned int nfds)
{
	const struct msg_desc *d = &msg_desc[type];
	struct msg_hdr hdr = { type, dev, (uint32_t)blob_len, nfds };
	struct iovec iov[3] = {
		{ &hdr, sizeof(hdr) },
		/* sendmsg() only reads; iovec has no const form. */
		{ (void *)(uintptr_t)payload, d->payload },
		{ (void *)(uintptr_t)blob, blob_len },
	};
	char control[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)] = { 0 };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	assert(d->from == from && blob_len <= d->blob_max && nfds <= d->fds_max);
	assert(payload || d->payload == 0);

	if (nfds) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)control;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	}
	while (sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Collect descriptors; more than MSG_FDS_MAX never fit the control buffer. */
static void msg_collect_fds(struct msghdr *mh, struct msg *m)
{
	m->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		assert(m->nfds + n <= MSG_FDS_MAX);
		memcpy(m->fds + m->nfds, CMSG_DATA(c), n * sizeof(int));
		m->nfds += (uint32_t)n;
	}
}

/* The fields that cannot have any value, whoever wrote them. */
static int msg_fields_ok(const struct msg *m, size_t payload)
{
	/* HELD begins with what CONNECT is. */
	if (m->type == MSG_CONNECT || m->type == MSG_HELD)
		return memchr(m->u.connect.kind, 0, sizeof(m->u.connect.kind)) &&
		       memchr(m->u.connect.tag, 0, sizeof(m->u.connect.tag));
	if (m->type == MSG_LOG_LEVEL)
		return m->u.log_level.level < LOG_NLEVELS;
	if (m->type == MSG_CRASHED)
		return memchr(m->u.crashed.thread, 0, sizeof(m->u.crashed.thread)) !=
		       NULL;
	if (payload == sizeof(struct msg_result))
		return memchr(m->u.result.text, 0, sizeof(m->u.result.text)) != NULL;
	return 1;
}

static int msg_check(const struct msghdr *mh, const struct msg_hdr *hdr, size_t len,
                     enum msg_side from, const uint8_t *body, struct msg *m)
{
	const struct msg_desc *d;

	if (mh->msg_flags & (MSG_TRUNC | MSG_CTRUNC) || len < sizeof(*hdr) ||
	    hdr->type >= MSG_NTYPES)
		return -EPROTO;
	d = &msg_desc[hdr->type];
	if (d->from != from || hdr->blob_len > d->blob_max || m->nfds > d->fds_max ||
	    hdr->nfds != m->nfds ||
	    len != sizeof(*hdr) + d->payload + (size_t)hdr->blob_len)
		return -EPROTO;
	m->type = (enum msg_type)hdr->type;
	m->dev = hdr->dev;
	m->blob_len = hdr->blob_len;
	memcpy(&m->u, body, d->payload);
	memcpy(m->blob, body + d->payload, hdr->blob_len);
	return msg_fields_ok(m, d->payload) ? 0 : -EPROTO;
}

int msg_recv(int sock, enum msg_side from, struct msg *m)
{
	struct msg_hdr hdr = { 0 };
	uint8_t body[sizeof(m->u) + MSG_BLOB_MAX];
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { body, sizeof(body) } };
	char control[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct msghdr mh = { .msg_iov = iov,
		             .msg_iovlen = ARRAY_SIZE(iov),
		             .msg_control = control,
		             .msg_controllen = sizeof(control) };
	ssize_t len;
	int rc;

	m->nfds = 0;
	while ((len = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC)) < 0)
		if (errno != EINTR)
			return -errno;
	if (len == 0)
		return 0;
	msg_collect_fds(&mh, m);
	rc = msg_check(&mh, &hdr, (size_t)len, from, body, m);
	if (rc) {
		msg_close_fds(m);
		return rc;
	}
	return 1;
}

int msg_take_fd(struct msg *m, unsigned int i)
{
	assert(i < m->nfds);
	return take_fd(&m->fds[i]);
}

void msg_close_fds(struct msg *m)
{
	for (uint32_t i = 0; i < m->nfds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->nfds = 0;
}
