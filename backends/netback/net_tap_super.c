/* SPDX-License-Identifier: MIT */
#include "net_tap_super.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/major.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/virtio_net.h>

#include "net_bound_super.h"
#include "net_noqueue_super.h"
#include "net_steer_super.h"

/* The largest address that is no broadcast: a bridge never takes it for its own. */
static const unsigned char tap_mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

/*
 * Bytes that the host may hold back for a slow way out; then the TAP takes no more, and
 * the guest's frames wait in its ring.
 */
#define TAP_SNDBUF (1 << 20)
/* Of /dev/net/tun: linux/miscdevice.h, which programs have not. */
#define TUN_MINOR  200

/*
 * What a TAP is told while no guest uses it: all there is, so that what a script or an
 * administrator switches off can be told from what the last guest did not take, also by
 * the next pvbackd.
 */
#define TAP_OFFLOADS ((uint32_t)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))

static int tap_fault(struct bdev *d, const char *name, const char *what)
{
	int rc = -errno;

	bdev_fault(d, "%s: %s: %s", name, what, strerror(-rc));
	return rc;
}

/* Name of interface @index, or what it is to be called if there is none. */
static void tap_find(uint32_t index, const char *name, char *out)
{
	if (!index || !if_indextoname(index, out))
		snprintf(out, IFNAMSIZ, "%s", name);
}

/* One more queue of the interface, which is made if there is none. */
static int tap_attach(struct bdev *d, const char *name, int fd)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
		                          IFF_MULTI_QUEUE };

	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return 0;
	switch (errno) {
	case EINVAL:
		bdev_fault(d, "%s: there is such an interface, and it is no TAP of ours",
		           name);
		return -EEXIST;
	case EBUSY:
		bdev_fault(d, "%s: another program has it: one that served this vif?",
		           name);
		return -EAGAIN;
	case EPERM:
		bdev_fault(d, "%s cannot be made: pvbackd needs CAP_NET_ADMIN", name);
		return -EPERM;
	default:
		return tap_fault(d, name, "cannot be made");
	}
}

static int tap_set_mtu(struct bdev *d, const char *name, uint32_t mtu)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };
	autoclose int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	if (sock < 0 || ioctl(sock, SIOCSIFMTU, &ifr))
		return tap_fault(d, name, "its MTU cannot be set");
	return 0;
}

static int tap_set_up(struct bdev *d, const char *name, int fd)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
	int hdr = sizeof(struct virtio_net_hdr), sndbuf = TAP_SNDBUF;

	memcpy(ifr.ifr_hwaddr.sa_data, tap_mac, sizeof(tap_mac));
	if (ioctl(fd, SIOCSIFHWADDR, &ifr))
		return tap_fault(d, name, "its MAC cannot be set");
	if (ioctl(fd, TUNSETVNETHDRSZ, &hdr) || ioctl(fd, TUNSETSNDBUF, &sndbuf))
		return tap_fault(d, name, "its headers cannot be set up");
	if (ioctl(fd, TUNSETPERSIST, 1))
		return tap_fault(d, name, "it cannot be made to persist");
	return 0;
}

static void tap_unplug(const struct net_tap *t)
{
	int off = 0;

	/* Only an old kernel does not know it; the link is up all the time then. */
	if (ioctl(t->fd, TUNSETCARRIER, &off))
		log_debug(NULL, "TUNSETCARRIER: %m");
}

/* What a script makes of an interface is kept; a new one has none of that. */
static int tap_begin(struct bdev *d, const char *name, uint32_t mtu, struct net_tap *t)
{
	if (ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)t->offload))
		return tap_fault(d, name, "its offloads cannot be set");
	net_noqueue(t->index);
	return mtu ? tap_set_mtu(d, name, mtu) : 0;
}

static int tun_open(struct bdev *d, int *fd)
{
	*fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return *fd < 0 ? tap_fault(d, "/dev/net/tun", "cannot be opened") : 0;
}

int net_tap_open(struct bdev *d, const char *name, uint32_t index, uint32_t mtu,
                 struct net_tap *t)
{
	char is[IFNAMSIZ];
	int rc;

	*t = (struct net_tap){ .fd = -1 };
	rc = tun_open(d, &t->fd);
	if (rc)
		return rc;
	tap_find(index, name, is);
	rc = tap_attach(d, is, t->fd);
	if (!rc)
		rc = tap_set_up(d, is, t->fd);
	t->index = if_nametoindex(is);
	t->offload = TAP_OFFLOADS;
	if (!rc && t->index != index)
		rc = tap_begin(d, is, mtu, t);
	if (rc)
		net_tap_close(t);
	else
		tap_unplug(t);
	return rc;
}

/* A worker may hand over anything that it has: what is no TUN is not asked. */
static bool is_tun(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(MISC_MAJOR, TUN_MINOR);
}

/* A queue of ours that a worker has. Return: a descriptor of it, or -1. */
static int tap_shared(int fd, uint32_t index)
{
	struct net_tap t = { .fd = -1 };
	char name[IFNAMSIZ];

	if (is_tun(fd))
		t.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (t.fd < 0 || (net_tap_name(&t, name) == 0 && if_nametoindex(name) == index))
		return t.fd;
	close(t.fd);
	return -1;
}

int net_tap_share(struct bdev *d, const int *fds, uint32_t n, uint32_t index,
                  struct net_tap *t)
{
	*t = (struct net_tap){ .index = index };
	t->fd = tap_shared(fds[0], index);
	while (t->fd >= 0 && t->nmore + 1 < n) {
		int fd = tap_shared(fds[t->nmore + 1], index);

		if (fd < 0)
			net_tap_close(t);
		else
			t->more[t->nmore++] = fd;
	}
	if (t->fd >= 0)
		return 0;
	bdev_fault(d, "its worker has no TAP of this vif, interface %u", index);
	return -EINVAL;
}

static void tap_one_queue(struct net_tap *t)
{
	while (t->nmore)
		close(t->more[--t->nmore]);
}

int net_tap_queues(struct bdev *d, struct net_tap *t, uint32_t n)
{
	int rc, sndbuf = TAP_SNDBUF;
	char name[IFNAMSIZ];

	tap_one_queue(t);
	rc = net_tap_name(t, name);
	if (rc)
		bdev_fault(d, "the TAP is gone: %s", strerror(-rc));
	while (!rc && t->nmore + 1 < n) {
		rc = tun_open(d, &t->more[t->nmore]);
		if (rc)
			break;
		rc = tap_attach(d, name, t->more[t->nmore++]);
	}
	/* That of the first one is not theirs. */
	if (!rc && n > 1 && ioctl(t->fd, TUNSETSNDBUF, &sndbuf))
		rc = tap_fault(d, name, "its queues cannot be set up");
	if (rc)
		tap_one_queue(t);
	return rc;
}

void net_tap_close(struct net_tap *t)
{
	tap_one_queue(t);
	if (t->fd >= 0)
		close(take_fd(&t->fd));
}

void net_tap_remove(struct net_tap *t)
{
	if (t->fd >= 0)
		ioctl(t->fd, TUNSETPERSIST, 0);
	net_tap_close(t);
}

int net_tap_name(const struct net_tap *t, char *name)
{
	struct ifreq ifr;

	if (ioctl(t->fd, TUNGETIFF, &ifr))
		return -errno;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

/* One of ethtool's switches. Return: its value, or -1. */
static int tap_switch(const char *name, uint32_t cmd, uint32_t value)
{
	struct ethtool_value v = { .cmd = cmd, .data = value };
	struct ifreq ifr = { .ifr_data = (void *)&v };
	autoclose int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	if (sock < 0 || ioctl(sock, SIOCETHTOOL, &ifr))
		return -1;
	return v.data != 0;
}

static uint32_t offload_of(uint32_t flags)
{
	uint32_t off = 0;

	/* The kernel knows one kind of blank checksum for both protocols. */
	if (flags & (NET_CSUM4 | NET_CSUM6))
		off |= TUN_F_CSUM;
	if (flags & NET_GSO4)
		off |= TUN_F_TSO4;
	if (flags & NET_GSO6)
		off |= TUN_F_TSO6;
	return off;
}

void net_tap_told(struct net_tap *t, uint32_t flags)
{
	t->offload = offload_of(flags);
}

/* Of what the TAP @was told, that which is off was switched off by somebody: it stays so.
 */
static int tap_tell(const char *name, struct net_tap *t, uint32_t off, uint32_t was)
{
	const uint32_t tso = TUN_F_TSO4 | TUN_F_TSO6;
	bool no_csum = was & TUN_F_CSUM && tap_switch(name, ETHTOOL_GTXCSUM, 0) == 0;
	bool no_tso = was & tso && !no_csum && tap_switch(name, ETHTOOL_GTSO, 0) == 0;

	if (ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)off))
		return -errno;
	t->offload = off;
	if (no_csum)
		tap_switch(name, ETHTOOL_STXCSUM, 0);
	if (no_tso)
		tap_switch(name, ETHTOOL_STSO, 0);
	return 0;
}

int net_tap_offload(struct bdev *d, struct net_tap *t, uint32_t flags, bool resume)
{
	uint32_t off = offload_of(flags);
	char name[IFNAMSIZ];
	int rc = net_tap_name(t, name);

	if (rc) {
		bdev_fault(d, "the TAP is gone: %s", strerror(-rc));
		return rc;
	}
	rc = tap_tell(name, t, off, resume ? off : t->offload);
	return rc ? tap_fault(d, name, "its offloads cannot be set") : 0;
}

void net_tap_rest(struct net_tap *t)
{
	char name[IFNAMSIZ];

	if (net_tap_name(t, name) == 0 && tap_tell(name, t, TAP_OFFLOADS, t->offload))
		log_debug(NULL, "%s: TUNSETOFFLOAD: %m", name);
	net_steer_off(t->fd);
	net_bound_off(t->fd);
	tap_unplug(t);
	tap_one_queue(t);
}
