/* SPDX-License-Identifier: MIT */
/*
 * tapbench - what a TAP can do, by the plainest loops there are: what netback is compared
 * with.
 *
 *   write BYTES SECONDS          frames of so many bytes, a write() each
 *   segments BYTES SECONDS       frames to be segmented, a writev() of pages each
 *   read COUNT                   as many small frames out of the queue, a read() each
 *   fill NAME COUNT              put as many into the queue of another TAP
 *   relay NAME NAME              two TAPs, each gets what the other has, no offloads
 *
 * The frames are for a station that nobody is. A report is a line of JSON.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>

#define PAGE   4096U
#define BATCH  64U
#define HEADER 54U

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void report(uint64_t frames, uint64_t bytes, double seconds)
{
	printf("{\"frames\":%llu,\"bytes\":%llu,\"seconds\":%.6f}\n",
	       (unsigned long long)frames, (unsigned long long)bytes, seconds);
}

static void interface(const char *name, unsigned long request, struct ifreq *ifr)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	if (s < 0 || ioctl(s, request, ifr))
		err(1, "%s", name);
	close(s);
}

/* @header: frames have a virtio_net_hdr, and what the host leaves to us is all there is
 */
static int tap(const char *name, bool header, bool up)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct ifreq flags = { .ifr_flags = IFF_UP };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (header)
		ifr.ifr_flags |= IFF_VNET_HDR;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETOFFLOAD,
	          header ? (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) : 0UL))
		err(1, "%s", name);
	if (up)
		interface(name, SIOCSIFFLAGS, &flags);
	return fd;
}

/* TCP over IPv4 from one station to another, neither of which there is. */
static void fill_in(uint8_t *f, uint32_t len)
{
	static const uint8_t head[HEADER] = {
		0x02, 0, 0,  0,  0,    0xee, 0x02, 0,    0,    0,    0, 0x0f, 0x08, 0,
		0x45, 0, 0,  0,  0,    0,    0x40, 0,    64,   6,    0, 0,    10,   99,
		0,    2, 10, 99, 0,    3,    0x4e, 0x20, 0x26, 0x94, 0, 0,    0,    1,
		0,    0, 0,  1,  0x50, 0x10, 0xff, 0xff, 0,    0,    0, 0
	};
	uint32_t sum = 0;

	memset(f, 0x5a, len);
	memcpy(f, head, sizeof(head));
	f[16] = (uint8_t)((len - 14) >> 8);
	f[17] = (uint8_t)(len - 14);
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	f[24] = (uint8_t)(sum >> 8);
	f[25] = (uint8_t)sum;
}

static void bench_write(uint32_t len, double seconds, bool segments)
{
	static uint8_t frame[(1U << 16) + PAGE] __attribute__((aligned(PAGE)));
	struct virtio_net_hdr h = { 0 };
	struct iovec iov[18] = { { &h, sizeof(h) } };
	double began, ended;
	int n = 1, fd = tap("bench0", true, true);
	uint64_t frames = 0;

	fill_in(frame, len);
	if (segments)
		h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			                     .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			                     .hdr_len = HEADER,
			                     .gso_size = 1448,
			                     .csum_start = 34,
			                     .csum_offset = 16 };
	for (uint32_t at = 0; at < len; at += PAGE, n++)
		iov[n] = (struct iovec){ frame + at, len - at < PAGE ? len - at : PAGE };
	began = now();
	do {
		for (uint32_t i = 0; i < BATCH; i++, frames++)
			if (writev(fd, iov, n) < 0)
				err(1, "write");
		ended = now();
	} while (ended - began < seconds);
	report(frames, frames * len, ended - began);
}

static void fill(const char *name, uint32_t count)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		                  .sll_protocol = htons(ETH_P_ALL) };
	struct mmsghdr m[BATCH] = { 0 };
	uint8_t frame[64];
	struct iovec iov = { frame, sizeof(frame) };
	int one = 1, s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	to.sll_ifindex = (int)if_nametoindex(name);
	if (s < 0 || bind(s, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		err(1, "%s", name);
	fill_in(frame, sizeof(frame));
	for (uint32_t i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	while (count) {
		int n = sendmmsg(s, m, count < BATCH ? count : BATCH, 0);

		if (n <= 0)
			err(1, "%s", name);
		count -= (uint32_t)n;
	}
	close(s);
}

static void bench_read(uint32_t count)
{
	static uint8_t frame[(1U << 16) + sizeof(struct virtio_net_hdr)];
	/* Room also for what the kernel says of itself. */
	struct ifreq ifr = { .ifr_qlen = (int)count + 1000 };
	int fd = tap("bench0", true, true);
	uint32_t frames = 0;
	double began;

	interface("bench0", SIOCSIFTXQLEN, &ifr);
	fill("bench0", count);
	began = now();
	while (read(fd, frame, sizeof(frame)) > 0)
		frames++;
	report(frames, frames * 64ULL, now() - began);
}

static bool pass(int from, int to)
{
	static uint8_t frame[1U << 16];
	uint32_t i = 0;
	ssize_t n;

	for (; i < BATCH && (n = read(from, frame, sizeof(frame))) > 0; i++)
		if (write(to, frame, (size_t)n) < 0 && errno == EBADFD)
			err(1, "write");
	return i == BATCH;
}

static void relay(const char *a, const char *b)
{
	struct pollfd fd[] = { { .fd = tap(a, false, false), .events = POLLIN },
		               { .fd = tap(b, false, false), .events = POLLIN } };

	printf("ready\n");
	fflush(stdout);
	for (;;) {
		bool more = pass(fd[0].fd, fd[1].fd);

		if (!(pass(fd[1].fd, fd[0].fd) || more))
			poll(fd, 2, -1);
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[argc > 3 ? 3 : 2], NULL, 10) : 0;

	if (strcmp(mode, "read") == 0 && argc == 3)
		bench_read(n);
	else if (strcmp(mode, "fill") == 0 && argc == 4)
		fill(argv[2], n);
	else if (strcmp(mode, "relay") == 0 && argc == 4)
		relay(argv[2], argv[3]);
	else if ((strcmp(mode, "write") == 0 || strcmp(mode, "segments") == 0) &&
	         argc == 4)
		bench_write((uint32_t)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL),
		            mode[0] == 's');
	else
		errx(2, "usage: tapbench write|segments BYTES SECONDS, read COUNT, fill "
		        "NAME "
		        "COUNT, relay NAME NAME");
	return 0;
}
