/* SPDX-License-Identifier: MIT */
#include "net_capture.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "stats.h"

/* Head and pieces of a record: a piece for each slot of a frame, and its headers'. */
#define IOV_MAX_REC 32U

void net_capture_init(struct net_capture *c, const char *tag)
{
	atomic_init(&c->on, false);
	pthread_mutex_init(&c->lock, NULL);
	c->tag = tag;
	c->sock = -1;
}

/* Without waiting. Return: 0 or -errno; -EAGAIN is no room. */
static int rec_send(int sock, const struct iovec *iov, uint32_t n)
{
	/* sendmsg() only reads; iovec has no const form. */
	struct msghdr mh = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n };

	return sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int rec_say(int sock, enum capture_kind kind, const char *what)
{
	struct capture_rec r = { .magic = CAPTURE_MAGIC, .kind = kind };
	struct iovec iov = { &r, sizeof(r) };

	assert(strlen(what) < sizeof(r.what));
	strncpy(r.what, what, sizeof(r.what) - 1);
	return rec_send(sock, &iov, 1);
}

static bool looked_at(int sock)
{
	struct pollfd p = { .fd = sock };

	return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR));
}

/* With the lock held. */
static void capture_stop(struct net_capture *c)
{
	if (c->sock < 0)
		return;
	atomic_store_explicit(&c->on, false, memory_order_relaxed);
	log_info(c->tag, "no longer captured: %llu frames, %llu of them lost to it",
	         (unsigned long long)c->count->seen,
	         (unsigned long long)c->count->dropped);
	close(take_fd(&c->sock));
	capture_count_unmap(take_ptr(c->count));
}

void net_capture_end(struct net_capture *c)
{
	pthread_mutex_lock(&c->lock);
	capture_stop(c);
	pthread_mutex_unlock(&c->lock);
}

/* With the lock held. Return: NULL, or why not. */
static const char *capture_start(struct net_capture *c, uint32_t snaplen, int fds[2])
{
	struct capture_count *count;

	if (c->sock >= 0 && looked_at(c->sock))
		return "it is captured already";
	if (capture_count_map(fds[1], &count))
		return "its counts cannot be shared";
	capture_stop(c);
	c->count = count;
	c->snaplen = snaplen;
	c->sock = take_fd(&fds[0]);
	/* Before it is said; a frame that passes at once waits for the lock. */
	atomic_store_explicit(&c->on, true, memory_order_relaxed);
	return NULL;
}

void net_capture_begin(struct net_capture *c, uint32_t snaplen, int fds[2])
{
	const char *why;
	int rc;

	pthread_mutex_lock(&c->lock);
	why = capture_start(c, snaplen, fds);
	rc = why ? rec_say(fds[0], CAPTURE_REFUSED, why)
	         : rec_say(c->sock, CAPTURE_BEGIN, "");
	if (!why && rc)
		capture_stop(c);
	else if (!why)
		log_info(c->tag, "captured, %u bytes of each frame", snaplen);
	pthread_mutex_unlock(&c->lock);
}

static void rec_fill(struct capture_rec *r, const struct net_captured *f)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*r = (struct capture_rec){
		.magic = CAPTURE_MAGIC,
		.kind = CAPTURE_FRAME,
		.ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec,
		.len = f->len,
		.index = f->index,
		.slots = (uint16_t)f->slots,
		.queue = (uint16_t)f->queue,
		.gso_type = f->gso_type,
		.gso_size = f->gso_size,
		.dir = (uint8_t)f->dir,
		.flags = (f->csum_blank ? CAPTURE_CSUM_BLANK : 0) |
		         (f->validated ? CAPTURE_VALIDATED : 0) |
		         (f->lost ? CAPTURE_LOST : 0) | (f->loose ? CAPTURE_LOOSE : 0),
	};
	strncpy(r->what, f->what, sizeof(r->what) - 1);
}

/* The first @limit bytes of @n pieces. Return: how many pieces they are in. */
static uint32_t pieces(struct iovec *out, const struct iovec *in, uint32_t n,
                       uint32_t limit)
{
	uint32_t i = 0;

	for (; i < n && limit; i++) {
		assert(i < IOV_MAX_REC - 1);
		out[i] = in[i];
		if (out[i].iov_len > limit)
			out[i].iov_len = limit;
		limit -= (uint32_t)out[i].iov_len;
	}
	return i;
}

void net_capture_add(struct net_capture *c, const struct net_captured *f,
                     const struct iovec *iov, uint32_t n)
{
	struct iovec out[IOV_MAX_REC];
	struct capture_rec r;
	uint32_t parts;
	int rc;

	rec_fill(&r, f);
	out[0] = (struct iovec){ &r, sizeof(r) };
	pthread_mutex_lock(&c->lock);
	if (c->sock >= 0) {
		parts = pieces(out + 1, iov, n, c->snaplen);
		for (uint32_t i = 0; i < parts; i++)
			r.data += (uint32_t)out[1 + i].iov_len;
		stats_add(&c->count->seen, 1);
		rc = rec_send(c->sock, out, 1 + parts);
		/* Whoever looked has gone; all else is a lack of room or memory. */
		if (rc == -EPIPE || rc == -ECONNRESET)
			capture_stop(c);
		else if (rc)
			stats_add(&c->count->dropped, 1);
	}
	pthread_mutex_unlock(&c->lock);
}
