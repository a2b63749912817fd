/* SPDX-License-Identifier: MIT */
#include "net_noqueue_super.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "compiler.h"
#include "log.h"

#define KIND "noqueue"

/** struct request - tc qdisc replace dev INDEX root noqueue */
struct request {
	struct nlmsghdr hdr;
	struct tcmsg tc;
	struct rtattr kind;
	char name[sizeof(KIND)];
};

/** struct answer - The kernel's, with the header of what it answers */
struct answer {
	struct nlmsghdr hdr;
	struct nlmsgerr err;
};

static int netlink_ask(const struct request *q)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	autoclose int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct answer a;
	ssize_t n;

	if (sock < 0 || sendto(sock, q, sizeof(*q), 0, (struct sockaddr *)&kernel,
	                       sizeof(kernel)) < 0)
		return -errno;
	/* The kernel has answered when sendto() returns. */
	n = recv(sock, &a, sizeof(a), MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(a.hdr) + sizeof(a.err.error) ||
	    a.hdr.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return a.err.error;
}

void net_noqueue(uint32_t index)
{
	struct request q = {
		.hdr = { .nlmsg_len = sizeof(q),
		         .nlmsg_type = RTM_NEWQDISC,
		         .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE |
		                        NLM_F_REPLACE },
		.tc = { .tcm_ifindex = (int)index, .tcm_parent = TC_H_ROOT },
		.kind = { .rta_len = RTA_LENGTH(sizeof(KIND)), .rta_type = TCA_KIND },
		.name = KIND,
	};
	int rc = netlink_ask(&q);

	if (rc)
		log_info(NULL, "interface %u keeps its queueing discipline: %s", index,
		         strerror(-rc));
}

_Static_assert(offsetof(struct request, name) ==
                       offsetof(struct request, kind) + RTA_LENGTH(0),
               "an attribute is where netlink looks for it");
