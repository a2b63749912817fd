/* SPDX-License-Identifier: MIT */
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "num.h"

#define TRANSACT_MS 30000

#define STATE_BIT(s) (1U << (s))

/* Answers of a backend to Closed and to Closing; Unknown: it was removed meanwhile. */
#define STATES_CLOSED  (STATE_BIT(XenbusStateClosed) | STATE_BIT(XenbusStateUnknown))
#define STATES_CLOSING (STATE_BIT(XenbusStateClosing) | STATES_CLOSED)
/* Where a backend may be found that has nothing more to do with a closed frontend. */
#define STATES_SETTLED                                        \
	(STATES_CLOSED | STATE_BIT(XenbusStateInitialising) | \
	 STATE_BIT(XenbusStateInitWait))

const char *front_state_name(enum xenbus_state state)
{
	static const char *const name[] = {
		"Unknown", "Initialising", "InitWait",      "Initialised",  "Connected",
		"Closing", "Closed",       "Reconfiguring", "Reconfigured",
	};

	return state < ARRAY_SIZE(name) ? name[state] : name[0];
}

int64_t front_ms(void)
{
	return (int64_t)(clock_ns() / 1000000);
}

int front_left(int64_t deadline)
{
	int64_t now = front_ms();

	if (deadline < 0)
		return -1;
	return deadline > now ? (int)(deadline - now) : 0;
}

static int devid_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int front_list(struct xst *xs, const char *kind, uint32_t **devids, unsigned int *n)
{
	autofree char **names = NULL;
	unsigned int count = 0;
	int rc;

	*devids = NULL;
	*n = 0;
	rc = xst_list(xs, XST_NULL, &names, &count, "device/%s", kind);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	*devids = calloc(count ? count : 1, sizeof(**devids));
	if (!*devids)
		return -ENOMEM;
	/* A name that is no number is nobody's device. */
	for (unsigned int i = 0; i < count; i++)
		if (num_u32(names[i], INT32_MAX, &(*devids)[*n]) == 0)
			(*n)++;
	qsort(*devids, *n, sizeof(**devids), devid_compare);
	return 0;
}

/* Missing or malformed is Unknown, as for every xenbus driver. */
static int state_read(struct xst *xs, const char *dir, enum xenbus_state *state)
{
	uint32_t v;
	int rc = xst_read_u32(xs, XST_NULL, XenbusStateReconfigured, &v, "%s/state", dir);

	*state = rc ? XenbusStateUnknown : (enum xenbus_state)v;
	return xst_broken(rc) ? rc : 0;
}

static int front_refresh(struct front *f)
{
	enum xenbus_state old = f->backend_state;
	int rc = state_read(f->xs, f->backend, &f->backend_state);

	if (!rc && f->backend_state != old)
		log_debug(f->tag, "backend: %s", front_state_name(f->backend_state));
	if (!rc)
		rc = state_read(f->xs, f->dir, &f->state);
	f->gone = !rc && f->state == XenbusStateUnknown;
	return rc;
}

/* Both directories may vanish whole: that fires a watch on the node in them, too. */
static int front_watch(struct front *f)
{
	char path[XST_PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/state", f->backend);
	rc = xst_watch(f->xs, path, "backend");
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/state", f->dir);
	return xst_watch(f->xs, path, "frontend");
}

static int front_lookup(struct front *f, const char *kind)
{
	int rc;

	if (asprintf(&f->dir, "device/%s/%u", kind, f->devid) < 0) {
		f->dir = NULL;
		return -ENOMEM;
	}
	rc = xst_read(f->xs, XST_NULL, &f->backend, "%s/backend", f->dir);
	if (!rc)
		rc = xst_read_u32(f->xs, XST_NULL, NUM_DOMID_MAX, &f->backend_id,
		                  "%s/backend-id", f->dir);
	if (rc == -ENOENT)
		rc = -ENODEV;
	if (!rc)
		rc = front_watch(f);
	return rc ? rc : front_refresh(f);
}

int front_open(struct front *f, const char *kind, uint32_t devid, int wake_fd)
{
	int rc;

	*f = (struct front){ .devid = devid, .wake_fd = wake_fd };
	snprintf(f->tag, sizeof(f->tag), "%s-%u", kind, devid);
	rc = xst_open(&f->xs);
	if (rc) {
		log_err(f->tag, "cannot reach XenStore: %s; is this a Xen guest?",
		        strerror(-rc));
		return rc;
	}
	rc = front_lookup(f, kind);
	if (rc == -ENODEV)
		log_err(f->tag, "this domain has no such device: %s is not in XenStore",
		        f->dir);
	else if (rc)
		log_err(f->tag, "cannot read %s in XenStore: %s", f->dir, strerror(-rc));
	return rc;
}

void front_close(struct front *f)
{
	xst_close(f->xs);
	free(f->dir);
	free(f->backend);
	*f = (struct front){ .wake_fd = -1 };
}

int front_fd(const struct front *f)
{
	return xst_fd(f->xs);
}

/* Take the watch events there are; they say that something changed, not what. */
static int front_events(struct front *f)
{
	struct xst_event ev;
	bool any = false;
	int rc;

	while ((rc = xst_next(f->xs, &ev)) == 1) {
		xst_event_free(&ev);
		any = true;
	}
	if (rc)
		log_err(f->tag, "the connection to XenStore is lost: %s", strerror(-rc));
	return rc || !any ? rc : front_refresh(f);
}

static int front_sleep(struct front *f, int64_t deadline)
{
	struct pollfd fd[] = {
		{ .fd = front_fd(f), .events = POLLIN },
		{ .fd = f->wake_fd, .events = POLLIN },
	};
	int n = poll(fd, ARRAY_SIZE(fd), front_left(deadline));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ETIMEDOUT;
	return fd[1].revents ? -EINTR : 0;
}

/* Wait until the backend is in one of the states of @mask. */
static int front_wait(struct front *f, unsigned int mask, int64_t deadline)
{
	for (;;) {
		int rc = front_events(f);

		if (rc)
			return rc;
		if (f->gone)
			return -ENODEV;
		if (mask & STATE_BIT(f->backend_state))
			return 0;
		rc = front_sleep(f, deadline);
		if (rc)
			return rc;
	}
}

/* As front_wait(); a failure that is not the user's wish is logged. */
static int front_expect(struct front *f, unsigned int mask, const char *what,
                        int64_t deadline)
{
	int rc = front_wait(f, mask, deadline);

	if (rc == -ETIMEDOUT)
		log_err(f->tag,
		        "no answer in time: the backend in domain %u should be %s, it is "
		        "%s; is it running? (%s/state)",
		        f->backend_id, what, front_state_name(f->backend_state),
		        f->backend);
	else if (rc == -ENODEV)
		log_err(f->tag, "the device has been removed");
	return rc;
}

static int state_write(struct xst *xs, xst_t t, void *arg)
{
	struct front *f = arg;
	autofree char *old = NULL;
	/* A device that was removed must not come back as a lone state node. */
	int rc = xst_read(xs, t, &old, "%s/state", f->dir);

	return rc ? rc : xst_printf(xs, t, f->dir, "state", "%u", f->state);
}

/*
 * A frontend has nothing better to do than to try again: the toolstack or its own guest
 * may write beside it faster than a busy machine lets it commit. Return: as
 * xst_transact().
 */
static int front_transact(struct front *f, int (*fn)(struct xst *xs, xst_t t, void *arg),
                          void *arg)
{
	int64_t deadline = front_ms() + TRANSACT_MS;
	int rc;

	do
		rc = xst_transact(f->xs, fn, arg);
	while (rc == -EAGAIN && front_left(deadline));
	return rc;
}

int front_set_state(struct front *f, enum xenbus_state state)
{
	enum xenbus_state old = f->state;
	int rc;

	f->state = state;
	rc = front_transact(f, state_write, f);
	if (rc == -ENOENT) {
		f->gone = true;
		return -ENODEV;
	}
	if (rc)
		log_err(f->tag, "cannot write state %s: %s", front_state_name(state),
		        strerror(-rc));
	else
		log_debug(f->tag, "%s -> %s", front_state_name(old),
		          front_state_name(state));
	return rc;
}

/* Each of the two steps is answered by a backend that lives. */
static int front_walk_down(struct front *f, int64_t deadline)
{
	int rc = front_set_state(f, XenbusStateClosing);

	if (!rc)
		rc = front_expect(f, STATES_CLOSING, "Closing", deadline);
	if (!rc)
		rc = front_set_state(f, XenbusStateClosed);
	return rc ? rc : front_expect(f, STATES_CLOSED, "Closed", deadline);
}

int front_start(struct front *f, bool reset, bool hasty, int timeout_ms)
{
	int64_t deadline = front_ms() + timeout_ms;
	int rc = front_refresh(f);

	if (!rc && f->gone)
		rc = -ENODEV;
	if (!rc && f->state != XenbusStateInitialising && f->state != XenbusStateClosed) {
		if (!reset) {
			log_err(f->tag,
			        "the device is in use, state %s; if its user has died, "
			        "reset it",
			        front_state_name(f->state));
			return -EBUSY;
		}
		rc = front_walk_down(f, deadline);
	}
	if (!rc && f->state == XenbusStateClosed) {
		/* Initialising is only seen by a backend that has seen Closed. */
		rc = front_expect(f, STATES_SETTLED, "Closed", deadline);
		if (!rc)
			rc = front_set_state(f, XenbusStateInitialising);
		hasty = false;
	}
	if (!rc && !hasty)
		rc = front_expect(f, STATE_BIT(XenbusStateInitWait), "InitWait",
		                  deadline);
	return rc;
}

struct publish {
	struct front *f;
	enum xenbus_state state;
	int (*keys)(struct xst *xs, xst_t t, void *arg);
	void *arg;
};

static int publish_write(struct xst *xs, xst_t t, void *arg)
{
	const struct publish *p = arg;
	uint32_t state;
	int rc = xst_read_u32(xs, t, XenbusStateClosed, &state, "%s/state", p->f->dir);

	if (!rc && state != XenbusStateInitialising)
		rc = -EBUSY;
	if (!rc)
		rc = p->keys(xs, t, p->arg);
	return rc ? rc : xst_printf(xs, t, p->f->dir, "state", "%u", p->state);
}

int front_publish(struct front *f, enum xenbus_state state,
                  int (*keys)(struct xst *xs, xst_t t, void *arg), void *arg)
{
	struct publish p = { f, state, keys, arg };
	int rc = front_transact(f, publish_write, &p);

	if (rc) {
		log_err(f->tag, "cannot publish our keys in %s: %s", f->dir,
		        strerror(-rc));
		return rc;
	}
	if (state != f->state)
		log_debug(f->tag, "%s -> %s", front_state_name(f->state),
		          front_state_name(state));
	f->state = state;
	return 0;
}

int front_await(struct front *f, int timeout_ms)
{
	int rc = front_expect(f, STATE_BIT(XenbusStateConnected) | STATES_CLOSING,
	                      "Connected", front_ms() + timeout_ms);

	if (rc || f->backend_state == XenbusStateConnected)
		return rc;
	log_err(f->tag,
	        "the backend in domain %u declines the device, it is %s: see its log",
	        f->backend_id, front_state_name(f->backend_state));
	return -ENODEV;
}

int front_connected(struct front *f)
{
	int rc = front_events(f);

	if (rc)
		return rc;
	if (f->gone) {
		log_err(f->tag, "the device has been removed");
		return -ENODEV;
	}
	if (f->backend_state != XenbusStateConnected &&
	    f->backend_state != XenbusStateReconfigured) {
		log_err(f->tag, "the backend has left: it is %s",
		        front_state_name(f->backend_state));
		return -ENODEV;
	}
	return 0;
}

static bool key_in(const char *const *ours, const char *key)
{
	for (; *ours; ours++) {
		size_t n = strlen(*ours) - 1;

		if ((*ours)[n] == '*' ? strncmp(key, *ours, n) == 0
		                      : strcmp(key, *ours) == 0)
			return true;
	}
	return false;
}

int front_clear(struct xst *xs, xst_t t, const char *dir, const char *const *ours)
{
	autofree char **names = NULL;
	char path[XST_PATH_MAX];
	unsigned int n = 0;
	int rc = xst_list(xs, t, &names, &n, "%s", dir);

	for (unsigned int i = 0; !rc && i < n; i++) {
		if (!key_in(ours, names[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		rc = xst_rm(xs, t, path);
	}
	return rc;
}

int front_stop(struct front *f, const char *const *ours, int timeout_ms)
{
	int wake_fd = f->wake_fd;
	int rc;

	if (f->gone || f->state == XenbusStateInitialising ||
	    f->state == XenbusStateClosed)
		return 0;
	/* The wake-up may be what asked for this: it must not end it. */
	f->wake_fd = -1;
	rc = front_walk_down(f, front_ms() + timeout_ms);
	f->wake_fd = wake_fd;
	if (!rc && ours)
		rc = front_clear(f->xs, XST_NULL, f->dir, ours);
	/* Removed meanwhile: nothing is left to clear. */
	return rc == -ENODEV || rc == -ENOENT || f->gone ? 0 : rc;
}

int front_drop(struct front *f, int timeout_ms)
{
	int wake_fd = f->wake_fd;
	int rc;

	if (f->gone || f->state == XenbusStateClosed)
		return 0;
	f->wake_fd = -1;
	rc = front_set_state(f, XenbusStateClosed);
	if (!rc)
		rc = front_expect(f, STATES_CLOSED, "Closed", front_ms() + timeout_ms);
	f->wake_fd = wake_fd;
	return f->gone ? 0 : rc;
}

int front_close_first(struct front *f, int timeout_ms)
{
	return front_walk_down(f, front_ms() + timeout_ms);
}
