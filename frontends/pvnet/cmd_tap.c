/* SPDX-License-Identifier: MIT */
/* pvnet tap: a TAP whose frames go to the card and come from it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>

#include "log.h"
#include "pvnet.h"
#include "vnet.h"

/* Frames one way before those the other way get their turn. */
#define BATCH 64

/**
 * struct pump - What is moved
 * @dropped:	Frames that one side does not have
 */
struct pump {
	struct netfront *nf;
	int tap;
	uint64_t dropped;
	uint8_t frame[NETFRONT_FRAME_MAX];
};

static int tap_mtu(const char *name, uint32_t mtu)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (sock < 0 || (mtu && ioctl(sock, SIOCSIFMTU, &ifr)))
		return log_errno(name, "its MTU cannot be set");
	return 0;
}

/* The interface may leave to us what the backend takes, if we were told to take it. */
static unsigned long tap_offload(const struct netfront_info *i,
                                 const struct netfront_conf *c)
{
	unsigned long off = 0;

	if (c->csum && i->csum6)
		off |= TUN_F_CSUM;
	if (off && c->gso && i->gso4)
		off |= TUN_F_TSO4;
	if (off && c->gso && i->gso6)
		off |= TUN_F_TSO6;
	return off;
}

static int tap_open(const struct opts *o, const struct netfront_info *i, int *out)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	struct ifreq mac = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
	autoclose int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int rc;

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", o->name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		return log_errno(o->name, "no TAP can be made");
	memcpy(mac.ifr_hwaddr.sa_data, i->mac, sizeof(i->mac));
	if (ioctl(fd, SIOCSIFHWADDR, &mac) ||
	    ioctl(fd, TUNSETOFFLOAD, tap_offload(i, &o->conf)))
		return log_errno(o->name, "the TAP cannot be set up");
	rc = tap_mtu(o->name, i->mtu);
	if (!rc)
		*out = take_fd(&fd);
	return rc;
}

/* A queue for a frame: the frames of a flow stay in order. */
static struct netfront_queue *pump_queue(struct pump *p, uint32_t len)
{
	return netfront_queue(p->nf,
	                      vnet_flow(p->frame, len) % netfront_info(p->nf)->queues);
}

/* There is room for a frame, whichever it is. */
static bool pump_room(struct pump *p)
{
	for (uint32_t i = 0; i < netfront_info(p->nf)->queues; i++)
		if (netfront_room(netfront_queue(p->nf, i)) < NETFRONT_SLOTS)
			return false;
	return true;
}

/* From the interface to the card. Return: frames, or -errno. */
static int pump_out(struct pump *p)
{
	struct virtio_net_hdr h;
	struct iovec iov[] = { { &h, sizeof(h) }, { p->frame, sizeof(p->frame) } };
	struct netfront_meta m;
	int n = 0;

	for (; n < BATCH && pump_room(p); n++) {
		ssize_t len = readv(p->tap, iov, ARRAY_SIZE(iov));
		int rc;

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len < 0)
			return log_errno(NULL, "the TAP cannot be read");
		len -= (ssize_t)sizeof(h);
		if (len <= 0 || len > UINT16_MAX || vnet_to_meta(&h, &m)) {
			p->dropped++;
			continue;
		}
		rc = netfront_send(pump_queue(p, (uint32_t)len), &m, p->frame,
		                   (uint32_t)len, NULL);
		if (rc)
			return rc;
	}
	return n;
}

/* From a queue of the card to the interface. Return: frames, or -errno. */
static int pump_in(struct pump *p, struct netfront_queue *q)
{
	struct netfront_meta m;
	int n = 0, len;

	for (; n < BATCH && (len = netfront_recv(q, &m, p->frame)); n++) {
		struct virtio_net_hdr h;
		struct iovec iov[] = { { &h, sizeof(h) }, { p->frame, (size_t)len } };

		if (len < 0)
			return len;
		/* An interface that is down takes none. */
		if (vnet_from_meta(&m, p->frame, (uint32_t)len, &h) ||
		    writev(p->tap, iov, ARRAY_SIZE(iov)) < 0)
			p->dropped++;
	}
	return n;
}

/* Both ways. Return: there may be more, or -errno. */
static int pump_turn(struct pump *p)
{
	int in, out = pump_out(p);
	bool more = out == BATCH;

	for (uint32_t i = 0; out >= 0 && i < netfront_info(p->nf)->queues; i++) {
		struct netfront_queue *q = netfront_queue(p->nf, i);

		in = pump_in(p, q);
		if (in < 0)
			return in;
		more |= in == BATCH;
		netfront_kick(q);
	}
	return out < 0 ? out : more;
}

static int pump_run(struct pump *p)
{
	for (;;) {
		struct pollfd tap = { .fd = p->tap, .events = POLLIN };
		int rc = pump_turn(p);

		if (rc < 0)
			return rc;
		if (rc)
			continue;
		if (!pump_room(p))
			tap.fd = -1;
		rc = netfront_wait(p->nf, &tap, -1);
		if (rc)
			return rc < 0 ? rc : -EINTR;
	}
}

/* "33:33:00:00:00:01,01:00:5e:00:00:01" */
static int groups_join(const struct opts *o, struct netfront *nf)
{
	const char *s = o->groups;
	int rc = 0;

	if (s && !netfront_info(nf)->mcast) {
		log_err(netfront_tag(nf), "the backend does not look at groups");
		return -EPROTO;
	}
	while (s && *s && !rc) {
		uint8_t m[6];
		int n = 0;

		if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1],
		           &m[2], &m[3], &m[4], &m[5], &n) != 6 ||
		    (s[n] && s[n] != ',')) {
			log_err(NULL, "%s are no addresses of groups", o->groups);
			return -EINVAL;
		}
		s += n + (s[n] == ',');
		rc = netfront_group(netfront_queue(nf, 0), m, true);
	}
	netfront_kick(netfront_queue(nf, 0));
	return rc;
}

int cmd_tap(const struct opts *o, struct netfront *nf)
{
	struct pump p = { .nf = nf, .tap = -1 };
	struct netfront_stats s;
	int rc = groups_join(o, nf);

	rc = rc ? rc : tap_open(o, netfront_info(nf), &p.tap);
	if (!rc) {
		/* Who started us can go on. */
		printf("%s is there\n", o->name);
		fflush(stdout);
		rc = pump_run(&p);
		close(p.tap);
	}
	s = netfront_stats(nf);
	fprintf(stderr,
	        "%s: sent %llu frames, %llu slots with errors; received %llu, %llu lost; "
	        "%llu dropped; %llu notifications, %llu events\n",
	        o->name, (unsigned long long)s.tx_frames, (unsigned long long)s.tx_errors,
	        (unsigned long long)s.rx_frames, (unsigned long long)s.rx_errors,
	        (unsigned long long)p.dropped, (unsigned long long)s.notifies,
	        (unsigned long long)s.events);
	return rc;
}
