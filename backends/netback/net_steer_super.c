/* SPDX-License-Identifier: MIT */
#include "net_steer_super.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <netinet/in.h>

#include "log.h"
#include "net_code_super.h"
#include "net_head.h"
#include "net_tx.h"

/*
 * The program, as net_hash.h and NET_STEER_UDP say it. Registers: R6 the frame, R7 the
 * way that is read, R8 its types, R9 where the next header is, and then whether the hash
 * is a short one.
 */
#define FRAME BPF_REG_6
#define WAY   BPF_REG_7
#define TYPES BPF_REG_8
#define AT    BPF_REG_9

/* On the stack: what is hashed, and below it a header. */
#define INPUT (-40)
#define HDR   (-80)

_Static_assert(NET_HASH_INPUT <= 40, "room on the stack");

enum label {
	L_WAY,
	L_TAGGED,
	L_PROTO,
	L_IPV4,
	L_IPV4_PORTS,
	L_IPV4_PLAIN,
	L_IPV6,
	L_IPV6_PORTS,
	L_IPV6_PLAIN,
	L_SHORT,
	L_LONG,
	L_HASH,
	L_NONE,
	L_QUEUE,
	L_LABELS
};

_Static_assert(L_LABELS <= CODE_LABELS, "room for them");

static void stack_load(struct code *c, unsigned int size, unsigned int dst, int off)
{
	code_load(c, size, dst, BPF_REG_10, (size_t)off);
}

static void stack_store(struct code *c, unsigned int size, int off, unsigned int src)
{
	code_put(c, BPF_STX | BPF_MEM | size, BPF_REG_10, src, (size_t)off, 0);
}

/* @len bytes of the frame at AT + @more to the stack; elsewhere if it has not as many. */
static void fetch(struct code *c, int32_t more, int to, int32_t len, enum label without)
{
	code_alu_reg(c, BPF_MOV, BPF_REG_1, FRAME);
	code_alu_reg(c, BPF_MOV, BPF_REG_2, AT);
	code_alu(c, BPF_ADD, BPF_REG_2, more);
	code_alu_reg(c, BPF_MOV, BPF_REG_3, BPF_REG_10);
	code_alu(c, BPF_ADD, BPF_REG_3, to);
	code_alu(c, BPF_MOV, BPF_REG_4, len);
	code_put(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_load_bytes);
	code_jump_if(c, BPF_JNE, BPF_REG_0, 0, without);
}

static void begin(struct code *c, int map)
{
	code_alu_reg(c, BPF_MOV, FRAME, BPF_REG_1);
	code_memory(c, WAY, map);
	code_load(c, BPF_W, BPF_REG_1, WAY, offsetof(struct net_steer, which));
	code_alu(c, BPF_ADD, WAY, offsetof(struct net_steer, way));
	code_alu(c, BPF_AND, BPF_REG_1, 1);
	code_jump_if(c, BPF_JEQ, BPF_REG_1, 0, L_WAY);
	code_alu(c, BPF_ADD, WAY, sizeof(struct net_steer_way));
	code_label(c, L_WAY);
	code_load(c, BPF_W, TYPES, WAY, offsetof(struct net_steer_way, types));
	for (int at = INPUT; at < 0; at += 8)
		code_put(c, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, (size_t)at, 0);
}

/* The kernel may have a tag beside the frame; in the end there is one tag at most. */
static void protocol(struct code *c)
{
	code_alu(c, BPF_MOV, AT, NET_ETH_HLEN);
	fetch(c, -2, HDR, 2, L_NONE);
	stack_load(c, BPF_H, BPF_REG_1, HDR);
	code_jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_VLAN), L_TAGGED);
	code_jump_if(c, BPF_JNE, BPF_REG_1, htons(ETH_QINQ), L_PROTO);
	code_label(c, L_TAGGED);
	code_load(c, BPF_W, BPF_REG_2, FRAME, offsetof(struct __sk_buff, vlan_present));
	code_jump_if(c, BPF_JNE, BPF_REG_2, 0, L_NONE);
	code_alu(c, BPF_ADD, AT, VLAN_HLEN);
	fetch(c, -2, HDR, 2, L_NONE);
	stack_load(c, BPF_H, BPF_REG_1, HDR);
	code_label(c, L_PROTO);
	code_jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_IPV4), L_IPV4);
	code_jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_IPV6), L_IPV6);
	code_jump(c, L_NONE);
}

/**
 * struct kind - Of a frame that is TCP, and of one that is not, from @at_plain on
 * @ports:	Where they are, behind AT
 * @input:	Bytes of the input before them: the addresses
 */
struct kind {
	int32_t tcp, plain;
	int32_t ports;
	int input;
	enum label at_ports, at_plain, hash;
};

/* Does protocol R1 have ports? */
static void by_protocol(struct code *c, const struct kind *k)
{
	code_jump_if(c, BPF_JEQ, BPF_REG_1, IPPROTO_TCP, k->at_ports);
	code_jump_if(c, BPF_JNE, BPF_REG_1, IPPROTO_UDP, k->at_plain);
	code_jump_if(c, BPF_JSET, TYPES, NET_STEER_UDP, k->at_ports);
	code_jump(c, k->at_plain);
	code_label(c, k->at_ports);
}

static void by_type(struct code *c, const struct kind *k)
{
	code_alu_reg(c, BPF_MOV, BPF_REG_1, TYPES);
	code_alu(c, BPF_AND, BPF_REG_1, k->tcp);
	code_jump_if(c, BPF_JEQ, BPF_REG_1, 0, k->at_plain);
	fetch(c, k->ports, INPUT + k->input, 4, k->at_plain);
	code_jump(c, k->hash);
	code_label(c, k->at_plain);
	code_alu(c, BPF_AND, TYPES, k->plain);
	code_jump_if(c, BPF_JEQ, TYPES, 0, L_NONE);
	code_jump(c, k->hash);
}

static void ipv4(struct code *c)
{
	static const struct kind kind = { .tcp = XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
		                          .plain = XEN_NETIF_CTRL_HASH_TYPE_IPV4,
		                          .input = 8,
		                          .at_ports = L_IPV4_PORTS,
		                          .at_plain = L_IPV4_PLAIN,
		                          .hash = L_SHORT };

	code_label(c, L_IPV4);
	fetch(c, 0, HDR, IPV4_HLEN, L_NONE);
	stack_load(c, BPF_B, BPF_REG_1, HDR);
	code_alu_reg(c, BPF_MOV, BPF_REG_2, BPF_REG_1);
	code_alu(c, BPF_RSH, BPF_REG_2, 4);
	code_jump_if(c, BPF_JNE, BPF_REG_2, 4, L_NONE);
	code_alu(c, BPF_AND, BPF_REG_1, 15);
	code_jump_if(c, BPF_JLT, BPF_REG_1, 5, L_NONE);
	code_alu(c, BPF_LSH, BPF_REG_1, 2);
	code_alu_reg(c, BPF_ADD, AT, BPF_REG_1);
	for (int i = 0; i < 8; i += 4) {
		stack_load(c, BPF_W, BPF_REG_1, HDR + 12 + i);
		stack_store(c, BPF_W, INPUT + i, BPF_REG_1);
	}
	stack_load(c, BPF_B, BPF_REG_1, HDR + 9);
	by_protocol(c, &kind);
	stack_load(c, BPF_H, BPF_REG_1, HDR + 6);
	code_jump_if(c, BPF_JSET, BPF_REG_1, htons(IPV4_FRAGMENT), L_IPV4_PLAIN);
	by_type(c, &kind);
}

static void ipv6(struct code *c)
{
	static const struct kind kind = { .tcp = XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
		                          .plain = XEN_NETIF_CTRL_HASH_TYPE_IPV6,
		                          .ports = IPV6_HLEN,
		                          .input = 32,
		                          .at_ports = L_IPV6_PORTS,
		                          .at_plain = L_IPV6_PLAIN,
		                          .hash = L_LONG };

	code_label(c, L_IPV6);
	fetch(c, 0, HDR, IPV6_HLEN, L_NONE);
	stack_load(c, BPF_B, BPF_REG_1, HDR);
	code_alu(c, BPF_RSH, BPF_REG_1, 4);
	code_jump_if(c, BPF_JNE, BPF_REG_1, 6, L_NONE);
	for (int i = 0; i < 32; i += 8) {
		stack_load(c, BPF_DW, BPF_REG_1, HDR + 8 + i);
		stack_store(c, BPF_DW, INPUT + i, BPF_REG_1);
	}
	stack_load(c, BPF_B, BPF_REG_1, HDR + 6);
	by_protocol(c, &kind);
	by_type(c, &kind);
}

static void add_half(struct code *c, unsigned int value, uint32_t half)
{
	code_alu(c, BPF_LSH, value, 2);
	code_alu_reg(c, BPF_MOV, BPF_REG_3, WAY);
	code_alu_reg(c, BPF_ADD, BPF_REG_3, value);
	code_load(c, BPF_W, BPF_REG_3, BPF_REG_3,
	          offsetof(struct net_steer_way, toeplitz) +
	                  half * sizeof(((struct net_toeplitz *)0)->of[0]));
	code_alu_reg(c, BPF_XOR, BPF_REG_0, BPF_REG_3);
}

/* Input that is not there is zero, and adds nothing. */
static void hash(struct code *c)
{
	code_label(c, L_SHORT);
	code_alu(c, BPF_MOV, AT, 0);
	code_jump(c, L_HASH);
	code_label(c, L_LONG);
	code_alu(c, BPF_MOV, AT, 1);
	code_label(c, L_HASH);
	code_alu(c, BPF_MOV, BPF_REG_0, 0);
	for (uint32_t i = 0; i < NET_HASH_INPUT; i++) {
		if (i == 12)
			code_jump_if(c, BPF_JEQ, AT, 0, L_QUEUE);
		stack_load(c, BPF_B, BPF_REG_1, INPUT + (int)i);
		code_alu_reg(c, BPF_MOV, BPF_REG_2, BPF_REG_1);
		code_alu(c, BPF_RSH, BPF_REG_1, 4);
		code_alu(c, BPF_AND, BPF_REG_2, 15);
		add_half(c, BPF_REG_1, i * 2);
		add_half(c, BPF_REG_2, i * 2 + 1);
	}
	code_jump(c, L_QUEUE);
	code_label(c, L_NONE);
	code_alu(c, BPF_MOV, BPF_REG_0, 0);
}

/* The kernel has to be shown that the entry is one: the memory may say anything. */
static void queue(struct code *c)
{
	code_label(c, L_QUEUE);
	code_load(c, BPF_W, BPF_REG_1, WAY, offsetof(struct net_steer_way, size));
	code_alu_reg(c, BPF_MOD, BPF_REG_0, BPF_REG_1);
	code_alu(c, BPF_AND, BPF_REG_0, NET_HASH_MAP - 1);
	code_alu(c, BPF_LSH, BPF_REG_0, 2);
	code_alu_reg(c, BPF_ADD, WAY, BPF_REG_0);
	code_load(c, BPF_W, BPF_REG_0, WAY, offsetof(struct net_steer_way, to));
	code_exit(c);
}

_Static_assert((NET_HASH_MAP & (NET_HASH_MAP - 1)) == 0, "a mask");

static int prog_make(int map)
{
	struct code c = { 0 };

	begin(&c, map);
	protocol(&c);
	ipv4(&c);
	ipv6(&c);
	hash(&c);
	queue(&c);
	return code_load_prog("pvbackd_steer", &c);
}

int net_steer_make(int fd[NET_STEER_FDS])
{
	int rc;

	fd[NET_STEER_PROG] = -1;
	fd[NET_STEER_MAP] = rc = code_map("pvbackd_steer", sizeof(struct net_steer));
	if (rc >= 0)
		fd[NET_STEER_PROG] = rc = prog_make(fd[NET_STEER_MAP]);
	if (rc >= 0)
		return 0;
	net_steer_free(fd);
	return rc;
}

void net_steer_free(int fd[NET_STEER_FDS])
{
	for (int i = 0; i < NET_STEER_FDS; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

bool net_steer_can(void)
{
	static bool can, said;
	int fd[NET_STEER_FDS], rc;

	if (can)
		return true;
	rc = net_steer_make(fd);
	can = !rc;
	net_steer_free(fd);
	if (rc && !said)
		log_warn(NULL,
		         "the kernel lets no program choose the queues of network cards: "
		         "%s; feature-ctrl-ring is not offered, Windows does without "
		         "RSS, and frames of a flow may overtake others when it changes "
		         "its queue",
		         strerror(-rc));
	said |= rc != 0;
	return can;
}

void net_steer_off(int tap)
{
	int none = -1;

	if (ioctl(tap, TUNSETSTEERINGEBPF, &none))
		log_debug(NULL, "TUNSETSTEERINGEBPF: %m");
}
