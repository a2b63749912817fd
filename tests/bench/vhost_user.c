/* SPDX-License-Identifier: MIT */
#include "vhost_user.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vhost_types.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#define PAGE ((size_t)4096)

/* Messages, by the numbers of the specification. */
enum {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_SET_VRING_ENABLE = 18,
	VU_GET_CONFIG = 24,
};

#define VU_VERSION           1U
#define VU_F_PROTOCOL        30 /* feature: there are protocol features */
#define VU_PROTOCOL_F_CONFIG 9

#define WANTED                                                          \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
	 1ULL << VU_F_PROTOCOL)

/* What we read of the device's configuration: the capacity, in 512-byte sectors. */
#define CONFIG_LEN 8U
_Static_assert(offsetof(struct virtio_blk_config, capacity) == 0, "comes first");

struct vu_msg {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count;
			uint32_t pad;
			uint64_t guest, size, user, offset;
		} memory;
		struct {
			uint32_t offset, size, flags;
			uint8_t region[CONFIG_LEN];
		} config;
	} u;
} __attribute__((packed));

#define VU_HEADER offsetof(struct vu_msg, u)

/* At the start of the shared memory, a page or more before the data. */
struct vu_request {
	struct virtio_blk_outhdr head;
	uint8_t status;
};
#define REQUESTS_AT (2 * PAGE)
#define DATA_AT     (3 * PAGE)
_Static_assert(VU_DEPTH * sizeof(struct vu_request) <= DATA_AT - REQUESTS_AT, "room");
_Static_assert(VU_QUEUE >= VU_DEPTH * VU_CHAIN, "a descriptor for each part");

static struct vu_request *vu_request(const struct vu *vu, uint32_t i)
{
	return (struct vu_request *)(void *)(vu->mem + REQUESTS_AT) + i;
}

/* ---- Messages -------------------------------------------------------------------- */

static void vu_send(struct vu *vu, uint32_t request, struct vu_msg *m, uint32_t size,
                    int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { m, VU_HEADER + size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	m->request = request;
	m->flags = VU_VERSION;
	m->size = size;
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
			                         .cmsg_level = SOL_SOCKET,
			                         .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	if (sendmsg(vu->sock, &msg, MSG_NOSIGNAL) != (ssize_t)iov.iov_len)
		err(1, "vhost-user: message %u", request);
}

static void vu_ask(struct vu *vu, uint32_t request, struct vu_msg *m, uint32_t size)
{
	vu_send(vu, request, m, size, -1);
	if (recv(vu->sock, m, VU_HEADER, MSG_WAITALL) != (ssize_t)VU_HEADER ||
	    m->request != request || m->size > sizeof(m->u) ||
	    recv(vu->sock, &m->u, m->size, MSG_WAITALL) != (ssize_t)m->size)
		errx(1, "vhost-user: no good answer to message %u", request);
}

static uint64_t vu_get(struct vu *vu, uint32_t request)
{
	struct vu_msg m = { 0 };

	vu_ask(vu, request, &m, 0);
	return m.u.u64;
}

static void vu_set(struct vu *vu, uint32_t request, uint64_t v, int fd)
{
	struct vu_msg m = { .u.u64 = v };

	vu_send(vu, request, &m, sizeof(m.u.u64), fd);
}

/* A state of queue 0. */
static void vu_set_queue(struct vu *vu, uint32_t request, uint32_t v)
{
	struct vu_msg m = { .u.state = { .num = v } };

	vu_send(vu, request, &m, sizeof(m.u.state), -1);
}

/* ---- Setting up ------------------------------------------------------------------ */

static uint64_t addr_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void vu_features(struct vu *vu)
{
	uint64_t features = vu_get(vu, VU_GET_FEATURES);

	if ((features & WANTED) != WANTED)
		errx(1, "vhost-user: the device lacks features: it has %#llx",
		     (unsigned long long)features);
	if (!(vu_get(vu, VU_GET_PROTOCOL_FEATURES) & 1ULL << VU_PROTOCOL_F_CONFIG))
		errx(1, "vhost-user: the device does not tell its configuration");
	vu_set(vu, VU_SET_PROTOCOL_FEATURES, 1ULL << VU_PROTOCOL_F_CONFIG, -1);
	vu_set(vu, VU_SET_OWNER, 0, -1);
	vu_set(vu, VU_SET_FEATURES, WANTED, -1);
}

static void vu_capacity(struct vu *vu)
{
	struct vu_msg m = { .u.config.size = CONFIG_LEN };
	uint64_t sectors;

	vu_ask(vu, VU_GET_CONFIG, &m, sizeof(m.u.config));
	memcpy(&sectors, m.u.config.region, sizeof(sectors));
	vu->bytes = sectors * 512;
}

static void vu_memory(struct vu *vu)
{
	int fd = memfd_create("vublk", MFD_CLOEXEC);
	struct vu_msg m = { .u.memory.count = 1 };

	vu->mem_len = DATA_AT + (size_t)VU_DEPTH * vu->block;
	if (fd < 0 || ftruncate(fd, (off_t)vu->mem_len))
		err(1, "memory to share");
	vu->mem = mmap(NULL, vu->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (vu->mem == MAP_FAILED)
		err(1, "memory to share");
	vu->data = vu->mem + DATA_AT;
	/* As a guest's memory, it is all there before it is used. */
	memset(vu->data, 0x5a, vu->mem_len - DATA_AT);
	vring_init(&vu->ring, VU_QUEUE, vu->mem, PAGE);
	if (vring_size(VU_QUEUE, PAGE) > REQUESTS_AT)
		errx(1, "the queue is larger than thought");
	m.u.memory.guest = m.u.memory.user = addr_of(vu->mem);
	m.u.memory.size = vu->mem_len;
	vu_send(vu, VU_SET_MEM_TABLE, &m, sizeof(m.u.memory), fd);
	close(fd);
}

/* Header, data, status: all but the direction and the length never changes. */
static void vu_chains(struct vu *vu)
{
	for (uint32_t i = 0; i < VU_DEPTH; i++) {
		struct vring_desc *d = &vu->ring.desc[(size_t)i * VU_CHAIN];
		struct vu_request *r = vu_request(vu, i);
		uint16_t first = (uint16_t)(i * VU_CHAIN);

		d[0] = (struct vring_desc){ addr_of(&r->head), sizeof(r->head),
			                    VRING_DESC_F_NEXT, (uint16_t)(first + 1) };
		d[1] = (struct vring_desc){ addr_of(vu_buffer(vu, i)), vu->block,
			                    VRING_DESC_F_NEXT, (uint16_t)(first + 2) };
		d[2] = (struct vring_desc){ addr_of(&r->status), sizeof(r->status),
			                    VRING_DESC_F_WRITE, 0 };
	}
}

static void vu_queue(struct vu *vu)
{
	struct vu_msg m = { 0 };

	vu->kick = eventfd(0, EFD_CLOEXEC);
	vu->call = eventfd(0, EFD_CLOEXEC);
	if (vu->kick < 0 || vu->call < 0)
		err(1, "eventfd");
	vu_chains(vu);
	vu_set_queue(vu, VU_SET_VRING_NUM, VU_QUEUE);
	vu_set_queue(vu, VU_SET_VRING_BASE, 0);
	m.u.addr.desc_user_addr = addr_of(vu->ring.desc);
	m.u.addr.avail_user_addr = addr_of(vu->ring.avail);
	m.u.addr.used_user_addr = addr_of(vu->ring.used);
	vu_send(vu, VU_SET_VRING_ADDR, &m, sizeof(m.u.addr), -1);
	vu_set(vu, VU_SET_VRING_CALL, 0, vu->call);
	vu_set(vu, VU_SET_VRING_KICK, 0, vu->kick);
	vu_set_queue(vu, VU_SET_VRING_ENABLE, 1);
}

void vu_open(struct vu *vu, const char *socket_path, uint32_t block)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*vu = (struct vu){ .block = block };
	if (strlen(socket_path) >= sizeof(addr.sun_path))
		errx(1, "%s: too long for a socket", socket_path);
	memcpy(addr.sun_path, socket_path, strlen(socket_path) + 1);
	vu->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (vu->sock < 0 || connect(vu->sock, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "%s", socket_path);
	vu_features(vu);
	vu_capacity(vu);
	vu_memory(vu);
	vu_queue(vu);
}

void vu_close(struct vu *vu)
{
	struct vu_msg m = { 0 };

	vu_ask(vu, VU_GET_VRING_BASE, &m, sizeof(m.u.state));
	close(vu->sock);
	close(vu->kick);
	close(vu->call);
	munmap(vu->mem, vu->mem_len);
}

/* ---- The queue ------------------------------------------------------------------- */

void vu_post(struct vu *vu, uint32_t i, bool write, uint64_t offset)
{
	struct vring_desc *data = &vu->ring.desc[(size_t)i * VU_CHAIN + 1];
	struct vu_request *r = vu_request(vu, i);

	r->head = (struct virtio_blk_outhdr){
		.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
		.sector = offset / 512,
	};
	r->status = UINT8_MAX;
	data->flags = VRING_DESC_F_NEXT;
	if (!write)
		data->flags |= VRING_DESC_F_WRITE;
	vu->ring.avail->ring[vu->posted++ % VU_QUEUE] = (uint16_t)(i * VU_CHAIN);
}

void vu_kick(struct vu *vu)
{
	uint16_t old = vu->kicked, event;

	if (vu->posted == old)
		return;
	vu->kicked = vu->posted;
	__atomic_store_n(&vu->ring.avail->idx, vu->posted, __ATOMIC_RELEASE);
	/* Before the back end's wish is read: it looks again after having written it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n((uint16_t *)&vring_avail_event(&vu->ring),
	                        __ATOMIC_RELAXED);
	if (!vring_need_event(event, vu->posted, old))
		return;
	vu->kicks++;
	if (eventfd_write(vu->kick, 1))
		err(1, "kick");
}

static bool vu_answered(const struct vu *vu)
{
	return __atomic_load_n(&vu->ring.used->idx, __ATOMIC_ACQUIRE) != vu->seen;
}

int vu_take(struct vu *vu)
{
	uint32_t i;

	if (!vu_answered(vu))
		return -1;
	i = vu->ring.used->ring[vu->seen++ % VU_QUEUE].id / VU_CHAIN;
	if (i >= VU_DEPTH || vu_request(vu, i)->status != VIRTIO_BLK_S_OK)
		errx(1, "request %u failed", i);
	return (int)i;
}

void vu_wait(struct vu *vu, int timeout_ms)
{
	struct pollfd p = { .fd = vu->call, .events = POLLIN };
	eventfd_t n;

	__atomic_store_n(&vring_used_event(&vu->ring), vu->seen, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vu_answered(vu) || poll(&p, 1, timeout_ms) != 1)
		return;
	/* It may be non-blocking by now, hence the poll. */
	if (eventfd_read(vu->call, &n) == 0)
		vu->calls++;
	else if (errno != EAGAIN)
		err(1, "call");
}
