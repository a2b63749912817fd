/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The simulator looks at the environment when a handle is opened. */
void as_guest(uint32_t domid, void (*fn)(void *arg), void *arg)
{
	char n[16];

	snprintf(n, sizeof(n), "%u", domid);
	setenv("XENSIM_DOMID", n, 1);
	fn(arg);
	setenv("XENSIM_DOMID", "0", 1);
}

/* ---- The worker, as the supervisor has it ------------------------------------------ */

static void worker_exec(const struct worker *w, int sock)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX], domid[16];

	snprintf(path, sizeof(path), "%s/pvbackd-worker", build ? build : "build");
	snprintf(domid, sizeof(domid), "%u", w->domid);
	dup2(w->log, STDERR_FILENO);
	dup2(sock, MSG_WORKER_FD);
	execl(path, "pvbackd-worker", "--domid", domid, "--log-level", "debug", NULL);
	dprintf(STDERR_FILENO, "%s: %m\n", path);
	_exit(127);
}

static void open_shr(void *arg)
{
	struct worker *w = arg;

	w->shr = xengntshr_open(NULL, 0);
	assert_non_null(w->shr);
}

void worker_start(struct worker *w, uint32_t domid, void (*before)(void))
{
	int sv[2];

	memset(w, 0, sizeof(*w));
	w->domid = domid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	/* Above 3, which the child's is to be. */
	w->sock = fcntl(sv[0], F_DUPFD_CLOEXEC, 10);
	close(sv[0]);
	w->log = memfd_create("stderr", MFD_CLOEXEC);
	as_guest(domid, open_shr, w);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (!w->pid) {
		if (before)
			before();
		worker_exec(w, sv[1]);
	}
	close(sv[1]);
}

void worker_up(struct worker *w)
{
	struct msg m;

	worker_start(w, RIG_GUEST, NULL);
	worker_recv(w, MSG_HELLO, &m);
	assert_int_equal(m.u.hello.version, MSG_VERSION);
	assert_int_equal(m.u.hello.domid, RIG_GUEST);
}

bool worker_alive(struct worker *w)
{
	return waitpid(w->pid, NULL, WNOHANG) == 0;
}

void worker_wait(struct worker *w, int status)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;
	int is = -1;

	while (waitpid(w->pid, &is, WNOHANG) == 0 && now_ms() < end)
		poll(NULL, 0, 1);
	if (is != status) {
		char *log = worker_log(w);

		kill(w->pid, SIGKILL);
		fail_msg("worker: wait status %#x, log:\n%s", (unsigned int)is, log);
	}
	w->pid = 0;
}

void worker_exits(struct worker *w)
{
	close(w->sock);
	worker_wait(w, 0);
}

void worker_down(struct worker *w)
{
	if (w->pid)
		worker_exits(w);
	xengntshr_close(w->shr);
	close(w->log);
}

char *worker_log(struct worker *w)
{
	off_t size = lseek(w->log, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	if (pread(w->log, text, (size_t)size, 0) != size)
		fail_msg("cannot read the log");
	return text;
}

uint64_t worker_served(struct worker *w, const char *name)
{
	char key[64], *text = worker_log(w), *line = NULL, *p;
	uint64_t v = 0;

	for (p = text; (p = strstr(p, ": served ")); p++)
		line = p;
	snprintf(key, sizeof(key), " %s=", name);
	p = line ? strstr(line, key) : NULL;
	if (p)
		v = strtoull(p + strlen(key), NULL, 10);
	else
		fail_msg("nothing was served, or without %s:\n%s", name, text);
	free(text);
	return v;
}

unsigned int worker_count(struct worker *w, const char *dir)
{
	char path[64];
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)w->pid, dir);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

unsigned int worker_holds(struct worker *w)
{
	char cmd[160];
	unsigned int n = 0;
	FILE *f;

	snprintf(
		cmd, sizeof(cmd),
		"xensim status --json | jq '[.domains[].handles[] | select(.pid == %d) | "
		".pages + .ports] | add'",
		(int)w->pid);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

uint64_t worker_cpu_us(struct worker *w)
{
	struct timespec ts;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(w->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

bool worker_silent(struct worker *w)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

void worker_recv(struct worker *w, enum msg_type type, struct msg *m)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };
	char *log;
	int rc;

	if (poll(&p, 1, RIG_WAIT_MS) != 1) {
		log = worker_log(w);
		fail_msg("no %s from the worker; its log:\n%s", msg_name(type), log);
	}
	rc = msg_recv(w->sock, MSG_WORKER, m);
	if (rc != 1 || m->type != type) {
		log = worker_log(w);
		fail_msg("%s instead of %s; log:\n%s",
		         rc == 1 ? msg_name(m->type) : "end of file", msg_name(type),
		         log);
	}
}

/* ---- The guest's side of a disk ---------------------------------------------------- */

int image_new(void)
{
	uint8_t block[BLK_SECTOR];
	char path[PATH_MAX];
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/image.XXXXXX", dir ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	for (uint32_t s = 0; s < DISK_SECTORS; s++) {
		memset(block, (int)(s * 7 + 1), sizeof(block));
		memcpy(block, &s, sizeof(s));
		if (write(fd, block, sizeof(block)) != sizeof(block))
			fail_msg("cannot write an image");
	}
	return fd;
}

static void open_port(void *arg)
{
	struct disk *d = arg;

	d->xce = xenevtchn_open(NULL, 0);
	assert_non_null(d->xce);
}

void disk_share(struct disk *d, struct worker *w, uint32_t flags)
{
	disk_share_as(d, w, flags, 1);
}

void disk_add_ring(struct disk *d, const struct disk *other)
{
	d->conf.queue[d->conf.nqueues++] = other->conf.queue[0];
}

void disk_share_as(struct disk *d, struct worker *w, uint32_t flags, uint32_t pages)
{
	uint32_t refs[BLK_RING_PAGES_MAX];
	xenevtchn_port_or_error_t port;

	memset(d, 0, sizeof(*d));
	d->w = w;
	d->handle = ++w->next_handle;
	d->image = image_new();
	as_guest(w->domid, open_port, d);
	port = xenevtchn_bind_unbound_port(d->xce, 0);
	assert_true(port > 0);
	d->port = (evtchn_port_t)port;
	d->ring_pages = pages;
	d->slots = RIG_RING * pages;
	d->ring = xengntshr_share_pages(w->shr, 0, (int)pages, refs, 1);
	assert_non_null(d->ring);
	d->ring_ref = refs[0];
	memset(d->ring, 0xa5, XEN_PAGE * (size_t)pages);
	SHARED_RING_INIT(d->ring);
	d->pages = xengntshr_share_pages(w->shr, 0, RIG_PAGES, d->refs, 1);
	assert_non_null(d->pages);
	d->conf = (struct blk_conf){ .sectors = DISK_SECTORS,
		                     .sector_size = BLK_SECTOR,
		                     .align = 1,
		                     .flags = flags,
		                     .nqueues = 1,
		                     .ring_pages = pages,
		                     .persistent = RIG_PERSISTENT };
	memcpy(d->conf.queue[0].ref, refs, pages * sizeof(refs[0]));
	d->conf.queue[0].evtchn = d->port;
}

int disk_connect(struct disk *d, const char **text)
{
	struct msg_connect c = { .kind = "vbd" };
	static struct msg m;
	int fds[1 + BLK_QUEUES_MAX + BLK_FDS] = { stats_create(&blk_stats_table) };
	int *more = fds + 1 + d->conf.nqueues, pipe[2];
	int rc;

	assert_true(fds[0] >= 0);
	for (uint32_t i = 0; i < d->conf.nqueues; i++)
		fds[1 + i] = d->image;
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	more[BLK_FD_JOURNAL] = memfd_create("journal", MFD_CLOEXEC);
	more[BLK_FD_FENCE_LOOK] = pipe[0];
	more[BLK_FD_FENCE] = pipe[1];
	snprintf(c.tag, sizeof(c.tag), "guest %u vbd-%u", d->w->domid, d->handle);
	rc = msg_send(d->w->sock, MSG_SUPER, MSG_CONNECT, d->handle, &c, &d->conf,
	              sizeof(d->conf), fds, 1 + d->conf.nqueues + BLK_FDS);
	assert_int_equal(rc, 0);
	close(fds[0]);
	for (int i = 0; i < BLK_FDS; i++)
		close(more[i]);
	worker_recv(d->w, MSG_CONNECTED, &m);
	assert_int_equal(m.dev, d->handle);
	if (text)
		*text = m.u.result.text;
	return m.u.result.err;
}

void disk_up(struct disk *d, struct worker *w, uint32_t flags)
{
	const char *text;

	disk_share(d, w, flags);
	if (disk_connect(d, &text))
		fail_msg("CONNECTED says: %s", text);
}

void disk_disconnect(struct disk *d)
{
	struct msg m;

	assert_int_equal(msg_send(d->w->sock, MSG_SUPER, MSG_DISCONNECT, d->handle, NULL,
	                          NULL, 0, NULL, 0),
	                 0);
	worker_recv(d->w, MSG_DISCONNECTED, &m);
	assert_int_equal(m.dev, d->handle);
}

void disk_unshare(struct disk *d)
{
	xengntshr_unshare(d->w->shr, d->ring, d->ring_pages);
	if (d->pages)
		xengntshr_unshare(d->w->shr, d->pages, RIG_PAGES);
	xenevtchn_close(d->xce);
	close(d->image);
}

void disk_down(struct disk *d)
{
	disk_disconnect(d);
	disk_unshare(d);
}

struct blkif_request *disk_slot(struct disk *d, uint32_t idx)
{
	union blkif_sring_entry *slots =
		(void *)((char *)d->ring + offsetof(struct blkif_sring, ring));

	return &slots[idx % d->slots].req;
}

struct blkif_request *disk_add(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page,
                               uint64_t sector)
{
	struct blkif_request *q = disk_slot(d, d->pushed);

	assert_true(d->pushed < ARRAY_SIZE(d->answers));
	q->operation = op;
	q->nr_segments = nseg;
	q->handle = 0;
	q->id = d->pushed++;
	q->sector_number = sector;
	for (uint32_t i = 0; i < nseg && i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		q->seg[i] = (struct blkif_request_segment){
			.gref = d->refs[(page + i) % RIG_PAGES], .last_sect = 7
		};
	return q;
}

void disk_notify(struct disk *d)
{
	xenevtchn_notify(d->xce, d->port);
}

void disk_push(struct disk *d)
{
	uint32_t old = d->ring->req_prod;

	__atomic_store_n(&d->ring->req_prod, d->pushed, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (d->pushed - d->ring->req_event < d->pushed - old)
		disk_notify(d);
}

void disk_collect(struct disk *d)
{
	uint32_t prod = __atomic_load_n(&d->ring->rsp_prod, __ATOMIC_ACQUIRE);

	assert_true(prod - d->seen <= d->pushed - d->seen);
	while (d->seen != prod) {
		uint8_t *raw = (uint8_t *)disk_slot(d, d->seen++);
		static const uint8_t zero[4];
		struct blkif_response rsp;

		memcpy(&rsp, raw, sizeof(rsp));
		assert_true(rsp.id < d->pushed);
		/* XSA-216: nothing of the backend's memory between the fields. */
		assert_int_equal(raw[9], 0);
		assert_memory_equal(raw + 12, zero, sizeof(zero));
		assert_int_equal(d->answers[rsp.id], 0);
		d->answers[rsp.id]++;
		d->status[rsp.id] = rsp.status;
		d->op[rsp.id] = rsp.operation;
	}
}

/* Sleep until the backend notifies. */
static void disk_sleep(struct disk *d, uint64_t end)
{
	struct pollfd p = { .fd = xenevtchn_fd(d->xce), .events = POLLIN };

	d->ring->rsp_event = d->seen + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->ring->rsp_prod, __ATOMIC_ACQUIRE) != d->seen)
		return;
	if (now_ms() > end || poll(&p, 1, RIG_WAIT_MS) != 1) {
		char *log = worker_log(d->w);

		fail_msg("%u requests, %u answers, and no more; log:\n%s", d->pushed,
		         d->seen, log);
	}
	assert_int_equal(xenevtchn_pending(d->xce), d->port);
	xenevtchn_unmask(d->xce, d->port);
}

void disk_wait(struct disk *d)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;

	disk_collect(d);
	while (d->seen != d->pushed) {
		disk_sleep(d, end);
		disk_collect(d);
	}
}

int disk_run(struct disk *d, uint8_t op, uint8_t nseg, uint32_t page, uint64_t sector)
{
	uint64_t id = disk_add(d, op, nseg, page, sector)->id;

	disk_push(d);
	disk_wait(d);
	assert_int_equal(d->op[id], op);
	return d->status[id];
}

void disk_works(struct disk *d)
{
	uint8_t block[XEN_PAGE];
	uint32_t at = d->pushed % (DISK_SECTORS / BLK_PAGE_SECTORS);

	memset(disk_page(d, 60), (int)d->pushed | 1, XEN_PAGE);
	assert_int_equal(disk_run(d, WRITE, 1, 60, (uint64_t)at * BLK_PAGE_SECTORS),
	                 OKAY);
	assert_int_equal(pread(d->image, block, sizeof(block), (off_t)at * XEN_PAGE),
	                 sizeof(block));
	assert_memory_equal(block, disk_page(d, 60), XEN_PAGE);
	memset(disk_page(d, 61), 0, XEN_PAGE);
	assert_int_equal(disk_run(d, READ, 1, 61, (uint64_t)at * BLK_PAGE_SECTORS), OKAY);
	assert_memory_equal(block, disk_page(d, 61), XEN_PAGE);
}
