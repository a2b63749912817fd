/* SPDX-License-Identifier: MIT */
#include "blkfront.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "blkfront_info.h"
#include "blkfront_queue.h"
#include "front.h"
#include "log.h"

/**
 * struct blkfront - A device
 * @lock:	Of @front: whichever queue waits hears what XenStore has to tell
 * @error:	0, or why it is disabled; set once, by any queue's thread
 * @stop_fd:	Readable once it is disabled: ends the waits of the other threads
 * @turn:	Of BLKFRONT_ANY: whose it is
 * @queue:	info.queues ones are in use
 */
struct blkfront {
	struct front front;
	struct blkfront_conf conf;
	struct blkfront_info info;
	pthread_mutex_t lock;
	int error;
	int stop_fd;
	unsigned int turn;
	struct bfq queue[BLKFRONT_QUEUES_MAX];
};

const struct blkfront_info *blkfront_info(const struct blkfront *bf)
{
	return &bf->info;
}

uint64_t blkfront_bytes(const struct blkfront *bf)
{
	return __atomic_load_n(&bf->info.bytes, __ATOMIC_RELAXED);
}

const char *blkfront_tag(const struct blkfront *bf)
{
	return bf->front.tag;
}

uint32_t blkfront_devid(const struct blkfront *bf)
{
	return bf->front.devid;
}

int blkfront_error(const struct blkfront *bf)
{
	return __atomic_load_n(&bf->error, __ATOMIC_ACQUIRE);
}

/* The queues that a call for @queue is about: @n from @first on, modulo their number. */
static unsigned int queues(const struct blkfront *bf, unsigned int queue, unsigned int *n)
{
	assert(queue == BLKFRONT_ANY || queue < bf->info.queues);
	*n = queue == BLKFRONT_ANY ? bf->info.queues : 1;
	return queue == BLKFRONT_ANY ? bf->turn : queue;
}

static struct bfq *nth(struct blkfront *bf, unsigned int i)
{
	return &bf->queue[i % bf->info.queues];
}

struct blkfront_stats blkfront_stats(const struct blkfront *bf, unsigned int queue)
{
	struct blkfront_stats sum = { 0 };

	for (unsigned int i = 0; i < BLKFRONT_QUEUES_MAX; i++) {
		struct blkfront_stats s = bfq_stats(&bf->queue[i]);

		if (queue != BLKFRONT_ANY && queue != i)
			continue;
		sum.requests += s.requests;
		sum.notifies += s.notifies;
		sum.events += s.events;
	}
	return sum;
}

/* ---- Connecting and closing ------------------------------------------------------ */

static void close_queues(struct blkfront *bf)
{
	for (unsigned int i = 0; i < BLKFRONT_QUEUES_MAX; i++)
		bfq_close(&bf->queue[i]);
}

int blkfront_disconnect(struct blkfront *bf)
{
	int rc = front_stop(&bf->front, blkfront_keys_ours, bf->conf.timeout_ms);

	close_queues(bf);
	if (!bf->error)
		bf->error = -ENODEV;
	return rc;
}

static int open_queues(struct blkfront *bf)
{
	int rc = 0;

	for (unsigned int i = 0; !rc && i < bf->info.queues; i++)
		rc = bfq_open(&bf->queue[i], bf->front.backend_id);
	return rc;
}

static int publish(struct blkfront *bf)
{
	struct blkfront_keys_arg arg = { &bf->front, &bf->conf, &bf->info, bf->queue };
	enum xenbus_state state = bf->conf.hasty ? XenbusStateConnected
	                                         : XenbusStateInitialised;

	return front_publish(&bf->front, state, blkfront_keys_write, &arg);
}

static int blkfront_connect(struct blkfront *bf)
{
	struct front *f = &bf->front;
	eventfd_t n;
	int rc;

	bf->error = 0;
	bf->turn = 0;
	eventfd_read(bf->stop_fd, &n);
	rc = front_start(f, bf->conf.reset, bf->conf.hasty, bf->conf.timeout_ms);
	if (!rc)
		rc = blkfront_agree(f, &bf->conf, &bf->info);
	if (!rc)
		rc = open_queues(bf);
	if (!rc)
		rc = publish(bf);
	if (!rc)
		rc = front_await(f, bf->conf.timeout_ms);
	if (!rc)
		rc = blkfront_info_read(f, &bf->conf, &bf->info);
	if (!rc && !bf->conf.hasty)
		rc = front_set_state(f, XenbusStateConnected);
	if (!rc)
		return 0;
	bf->error = rc;
	/* Somebody else's device is not ours to close. */
	if (rc != -EBUSY)
		front_stop(f, blkfront_keys_ours, bf->conf.timeout_ms);
	close_queues(bf);
	return rc;
}

static void free_device(struct blkfront *bf)
{
	front_close(&bf->front);
	if (bf->stop_fd >= 0)
		close(bf->stop_fd);
	pthread_mutex_destroy(&bf->lock);
	free(bf);
}

int blkfront_open(struct blkfront **out, uint32_t devid, const struct blkfront_conf *conf)
{
	struct blkfront *bf = calloc(1, sizeof(*bf));
	int rc;

	assert(conf->queues >= 1 && conf->queues <= BLKFRONT_QUEUES_MAX &&
	       conf->order <= BLKFRONT_ORDER_MAX && conf->segments >= BLKFRONT_DIRECT &&
	       conf->segments <= BLKFRONT_INDIRECT && conf->rotate >= 1);
	if (!bf)
		return -ENOMEM;
	bf->conf = *conf;
	pthread_mutex_init(&bf->lock, NULL);
	for (unsigned int i = 0; i < BLKFRONT_QUEUES_MAX; i++)
		bf->queue[i] = (struct bfq){ .tag = bf->front.tag,
			                     .conf = &bf->conf,
			                     .info = &bf->info,
			                     .handle = (uint16_t)devid,
			                     .index = i,
			                     .wake_fd = conf->wake_fd };
	bf->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = bf->stop_fd < 0 ? log_errno(NULL, "eventfd") : 0;
	if (!rc)
		rc = front_open(&bf->front, "vbd", devid, conf->wake_fd);
	if (!rc)
		rc = blkfront_connect(bf);
	if (rc) {
		free_device(bf);
		return rc;
	}
	*out = bf;
	return 0;
}

int blkfront_reconnect(struct blkfront *bf)
{
	int rc = blkfront_disconnect(bf);

	return rc ? rc : blkfront_connect(bf);
}

int blkfront_close(struct blkfront *bf)
{
	int rc;

	if (!bf)
		return 0;
	rc = blkfront_disconnect(bf);
	free_device(bf);
	return rc;
}

/* The first reason is the one that stands. Return: it. */
static int blkfront_disable(struct blkfront *bf, int error)
{
	int none = 0;

	if (!__atomic_compare_exchange_n(&bf->error, &none, error, false,
	                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return none;
	log_err(bf->front.tag, "disabled for further use");
	eventfd_write(bf->stop_fd, 1);
	return error;
}

/* ---- Requests -------------------------------------------------------------------- */

int blkfront_get(struct blkfront *bf, unsigned int queue, uint8_t op, uint64_t offset,
                 uint64_t len, struct blkfront_req **out)
{
	unsigned int n, first = queues(bf, queue, &n);
	int rc = blkfront_error(bf);

	for (unsigned int i = 0; i < n; i++) {
		rc = rc ? rc : bfq_get(nth(bf, first + i), op, offset, len, out);
		if (rc != -EAGAIN)
			break;
		rc = i + 1 < n ? 0 : rc;
	}
	if (queue == BLKFRONT_ANY)
		bf->turn = (first + 1) % bf->info.queues;
	return rc;
}

void blkfront_put(struct blkfront *bf, struct blkfront_req *req)
{
	bfq_put(&bf->queue[req->queue], req);
}

void blkfront_queue(struct blkfront *bf, struct blkfront_req *req)
{
	/* Disabled meanwhile: blkfront_reap() returns it with the reason. */
	bfq_queue(&bf->queue[req->queue], req, blkfront_error(bf) != 0);
}

void blkfront_kick(struct blkfront *bf, unsigned int queue)
{
	unsigned int n, first = queues(bf, queue, &n);

	for (unsigned int i = 0; i < n && !blkfront_error(bf); i++) {
		int rc = bfq_kick(nth(bf, first + i));

		if (rc)
			blkfront_disable(bf, rc);
	}
}

int blkfront_reap(struct blkfront *bf, unsigned int queue, struct blkfront_req **out)
{
	unsigned int n, first = queues(bf, queue, &n);
	int error = blkfront_error(bf);
	int rc = 0;

	for (unsigned int i = 0; !error && i < n; i++) {
		rc = bfq_reap(nth(bf, first + i), out);
		if (rc > 0)
			return rc;
		if (rc < 0)
			error = blkfront_disable(bf, rc);
	}
	for (unsigned int i = 0; error && i < n; i++) {
		rc = bfq_reap_dead(nth(bf, first + i), error, out);
		if (rc > 0)
			return rc;
	}
	return rc;
}

/* ---- Waiting --------------------------------------------------------------------- */

void blkfront_wake(struct blkfront *bf, unsigned int queue, int fd)
{
	bf->queue[queue].wake_fd = fd;
}

static void take_event(struct blkfront *bf, struct bfq *q)
{
	int rc = front_chan_event(&q->chan);

	if (!rc)
		return;
	log_err(bf->front.tag, "event channel: %s", strerror(-rc));
	blkfront_disable(bf, rc);
}

/* A backend that writes its state anew has something to tell: its capacity. */
static void hear_xenstore(struct blkfront *bf)
{
	int rc = 0;

	pthread_mutex_lock(&bf->lock);
	if (!blkfront_error(bf)) {
		rc = front_connected(&bf->front);
		if (!rc)
			rc = blkfront_capacity_read(&bf->front, &bf->info);
	}
	pthread_mutex_unlock(&bf->lock);
	if (rc)
		blkfront_disable(bf, rc);
}

int blkfront_wait(struct blkfront *bf, unsigned int queue, int timeout_ms)
{
	struct pollfd fd[BLKFRONT_QUEUES_MAX + 3];
	unsigned int n, first = queues(bf, queue, &n);
	int ready;

	if (blkfront_error(bf))
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		struct bfq *q = nth(bf, first + i);

		if (blkfront_ring_arm(&q->ring))
			return 0;
		fd[i] = (struct pollfd){ .fd = front_chan_fd(&q->chan),
			                 .events = POLLIN };
	}
	fd[n] = (struct pollfd){ .fd = front_fd(&bf->front), .events = POLLIN };
	fd[n + 1] = (struct pollfd){ .fd = nth(bf, first)->wake_fd, .events = POLLIN };
	fd[n + 2] = (struct pollfd){ .fd = bf->stop_fd, .events = POLLIN };
	ready = poll(fd, n + 3, timeout_ms);
	if (ready == 0)
		return -ETIMEDOUT;
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	for (unsigned int i = 0; i < n; i++)
		if (fd[i].revents)
			take_event(bf, nth(bf, first + i));
	if (fd[n].revents)
		hear_xenstore(bf);
	return fd[n + 1].revents ? 1 : 0;
}
