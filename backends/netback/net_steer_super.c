/* SPDX-License-Identifier: MIT */
#include "net_steer_super.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <netinet/in.h>

#include "log.h"
#include "net_head.h"
#include "net_tx.h"

/*
 * The program, as net_hash.h says it. Registers: R6 the frame, R7 the way that is read,
 * R8 its types, R9 where the next header is, and then whether the hash is a short one.
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
	L_IPV4_PLAIN,
	L_IPV6,
	L_IPV6_PLAIN,
	L_SHORT,
	L_LONG,
	L_HASH,
	L_NONE,
	L_QUEUE,
	NLABELS
};

#define CODE_MAX 640U
#define JUMP_MAX 40U

/**
 * struct code - A program that is being written
 * @place:	Of a label; jumps are all forward
 * @jump:	That go to @to
 */
struct code {
	struct bpf_insn insn[CODE_MAX];
	uint32_t n;
	uint32_t place[NLABELS];
	struct {
		uint32_t at;
		enum label to;
	} jump[JUMP_MAX];
	uint32_t njump;
};

static void put(struct code *c, unsigned int op, unsigned int dst, unsigned int src,
                size_t off, int32_t imm)
{
	if (c->n < CODE_MAX)
		c->insn[c->n] = (struct bpf_insn){ .code = (uint8_t)op,
			                           .dst_reg = dst & 15U,
			                           .src_reg = src & 15U,
			                           .off = (int16_t)off,
			                           .imm = imm };
	c->n++;
}

static void alu(struct code *c, unsigned int op, unsigned int dst, int32_t imm)
{
	put(c, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

static void alu_reg(struct code *c, unsigned int op, unsigned int dst, unsigned int src)
{
	put(c, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

/* @size: BPF_B, BPF_H, BPF_W or BPF_DW */
static void load(struct code *c, unsigned int size, unsigned int dst, unsigned int base,
                 size_t off)
{
	put(c, BPF_LDX | BPF_MEM | size, dst, base, off, 0);
}

static void stack_load(struct code *c, unsigned int size, unsigned int dst, int off)
{
	load(c, size, dst, BPF_REG_10, (size_t)off);
}

static void stack_store(struct code *c, unsigned int size, int off, unsigned int src)
{
	put(c, BPF_STX | BPF_MEM | size, BPF_REG_10, src, (size_t)off, 0);
}

static void label(struct code *c, enum label l)
{
	c->place[l] = c->n;
}

/* If @dst compares so with @imm. */
static void jump_if(struct code *c, unsigned int op, unsigned int dst, int32_t imm,
                    enum label to)
{
	if (c->njump < JUMP_MAX) {
		c->jump[c->njump].at = c->n;
		c->jump[c->njump].to = to;
	}
	c->njump++;
	put(c, BPF_JMP | BPF_K | op, dst, 0, 0, imm);
}

static void jump(struct code *c, enum label to)
{
	jump_if(c, BPF_JA, 0, 0, to);
}

/* @len bytes of the frame at AT + @more to the stack; elsewhere if it has not as many. */
static void fetch(struct code *c, int32_t more, int to, int32_t len, enum label without)
{
	alu_reg(c, BPF_MOV, BPF_REG_1, FRAME);
	alu_reg(c, BPF_MOV, BPF_REG_2, AT);
	alu(c, BPF_ADD, BPF_REG_2, more);
	alu_reg(c, BPF_MOV, BPF_REG_3, BPF_REG_10);
	alu(c, BPF_ADD, BPF_REG_3, to);
	alu(c, BPF_MOV, BPF_REG_4, len);
	put(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_load_bytes);
	jump_if(c, BPF_JNE, BPF_REG_0, 0, without);
}

static void begin(struct code *c, int map)
{
	alu_reg(c, BPF_MOV, FRAME, BPF_REG_1);
	/* Of two instructions; BPF_IMM is 0, as BPF_LD is. */
	put(c, BPF_LD | BPF_DW, WAY, BPF_PSEUDO_MAP_VALUE, 0, map);
	put(c, 0, 0, 0, 0, 0);
	load(c, BPF_W, BPF_REG_1, WAY, offsetof(struct net_steer, which));
	alu(c, BPF_ADD, WAY, offsetof(struct net_steer, way));
	alu(c, BPF_AND, BPF_REG_1, 1);
	jump_if(c, BPF_JEQ, BPF_REG_1, 0, L_WAY);
	alu(c, BPF_ADD, WAY, sizeof(struct net_steer_way));
	label(c, L_WAY);
	load(c, BPF_W, TYPES, WAY, offsetof(struct net_steer_way, types));
	for (int at = INPUT; at < 0; at += 8)
		put(c, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, (size_t)at, 0);
}

/* The kernel may have a tag beside the frame; in the end there is one tag at most. */
static void protocol(struct code *c)
{
	alu(c, BPF_MOV, AT, NET_ETH_HLEN);
	fetch(c, -2, HDR, 2, L_NONE);
	stack_load(c, BPF_H, BPF_REG_1, HDR);
	jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_VLAN), L_TAGGED);
	jump_if(c, BPF_JNE, BPF_REG_1, htons(ETH_QINQ), L_PROTO);
	label(c, L_TAGGED);
	load(c, BPF_W, BPF_REG_2, FRAME, offsetof(struct __sk_buff, vlan_present));
	jump_if(c, BPF_JNE, BPF_REG_2, 0, L_NONE);
	alu(c, BPF_ADD, AT, VLAN_HLEN);
	fetch(c, -2, HDR, 2, L_NONE);
	stack_load(c, BPF_H, BPF_REG_1, HDR);
	label(c, L_PROTO);
	jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_IPV4), L_IPV4);
	jump_if(c, BPF_JEQ, BPF_REG_1, htons(ETH_IPV6), L_IPV6);
	jump(c, L_NONE);
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
	enum label at_plain, hash;
};

static void by_type(struct code *c, const struct kind *k)
{
	alu_reg(c, BPF_MOV, BPF_REG_1, TYPES);
	alu(c, BPF_AND, BPF_REG_1, k->tcp);
	jump_if(c, BPF_JEQ, BPF_REG_1, 0, k->at_plain);
	fetch(c, k->ports, INPUT + k->input, 4, k->at_plain);
	jump(c, k->hash);
	label(c, k->at_plain);
	alu(c, BPF_AND, TYPES, k->plain);
	jump_if(c, BPF_JEQ, TYPES, 0, L_NONE);
	jump(c, k->hash);
}

static void ipv4(struct code *c)
{
	label(c, L_IPV4);
	fetch(c, 0, HDR, IPV4_HLEN, L_NONE);
	stack_load(c, BPF_B, BPF_REG_1, HDR);
	alu_reg(c, BPF_MOV, BPF_REG_2, BPF_REG_1);
	alu(c, BPF_RSH, BPF_REG_2, 4);
	jump_if(c, BPF_JNE, BPF_REG_2, 4, L_NONE);
	alu(c, BPF_AND, BPF_REG_1, 15);
	jump_if(c, BPF_JLT, BPF_REG_1, 5, L_NONE);
	alu(c, BPF_LSH, BPF_REG_1, 2);
	alu_reg(c, BPF_ADD, AT, BPF_REG_1);
	for (int i = 0; i < 8; i += 4) {
		stack_load(c, BPF_W, BPF_REG_1, HDR + 12 + i);
		stack_store(c, BPF_W, INPUT + i, BPF_REG_1);
	}
	stack_load(c, BPF_B, BPF_REG_1, HDR + 9);
	jump_if(c, BPF_JNE, BPF_REG_1, IPPROTO_TCP, L_IPV4_PLAIN);
	stack_load(c, BPF_H, BPF_REG_1, HDR + 6);
	jump_if(c, BPF_JSET, BPF_REG_1, htons(IPV4_FRAGMENT), L_IPV4_PLAIN);
	by_type(c, &(struct kind){ .tcp = XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
	                           .plain = XEN_NETIF_CTRL_HASH_TYPE_IPV4,
	                           .input = 8,
	                           .at_plain = L_IPV4_PLAIN,
	                           .hash = L_SHORT });
}

static void ipv6(struct code *c)
{
	label(c, L_IPV6);
	fetch(c, 0, HDR, IPV6_HLEN, L_NONE);
	stack_load(c, BPF_B, BPF_REG_1, HDR);
	alu(c, BPF_RSH, BPF_REG_1, 4);
	jump_if(c, BPF_JNE, BPF_REG_1, 6, L_NONE);
	for (int i = 0; i < 32; i += 8) {
		stack_load(c, BPF_DW, BPF_REG_1, HDR + 8 + i);
		stack_store(c, BPF_DW, INPUT + i, BPF_REG_1);
	}
	stack_load(c, BPF_B, BPF_REG_1, HDR + 6);
	jump_if(c, BPF_JNE, BPF_REG_1, IPPROTO_TCP, L_IPV6_PLAIN);
	by_type(c, &(struct kind){ .tcp = XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
	                           .plain = XEN_NETIF_CTRL_HASH_TYPE_IPV6,
	                           .ports = IPV6_HLEN,
	                           .input = 32,
	                           .at_plain = L_IPV6_PLAIN,
	                           .hash = L_LONG });
}

static void add_half(struct code *c, unsigned int value, uint32_t half)
{
	alu(c, BPF_LSH, value, 2);
	alu_reg(c, BPF_MOV, BPF_REG_3, WAY);
	alu_reg(c, BPF_ADD, BPF_REG_3, value);
	load(c, BPF_W, BPF_REG_3, BPF_REG_3,
	     offsetof(struct net_steer_way, toeplitz) +
	             half * sizeof(((struct net_toeplitz *)0)->of[0]));
	alu_reg(c, BPF_XOR, BPF_REG_0, BPF_REG_3);
}

/* Input that is not there is zero, and adds nothing. */
static void hash(struct code *c)
{
	label(c, L_SHORT);
	alu(c, BPF_MOV, AT, 0);
	jump(c, L_HASH);
	label(c, L_LONG);
	alu(c, BPF_MOV, AT, 1);
	label(c, L_HASH);
	alu(c, BPF_MOV, BPF_REG_0, 0);
	for (uint32_t i = 0; i < NET_HASH_INPUT; i++) {
		if (i == 12)
			jump_if(c, BPF_JEQ, AT, 0, L_QUEUE);
		stack_load(c, BPF_B, BPF_REG_1, INPUT + (int)i);
		alu_reg(c, BPF_MOV, BPF_REG_2, BPF_REG_1);
		alu(c, BPF_RSH, BPF_REG_1, 4);
		alu(c, BPF_AND, BPF_REG_2, 15);
		add_half(c, BPF_REG_1, i * 2);
		add_half(c, BPF_REG_2, i * 2 + 1);
	}
	jump(c, L_QUEUE);
	label(c, L_NONE);
	alu(c, BPF_MOV, BPF_REG_0, 0);
}

/* The kernel has to be shown that the entry is one: the memory may say anything. */
static void queue(struct code *c)
{
	label(c, L_QUEUE);
	load(c, BPF_W, BPF_REG_1, WAY, offsetof(struct net_steer_way, size));
	alu_reg(c, BPF_MOD, BPF_REG_0, BPF_REG_1);
	alu(c, BPF_AND, BPF_REG_0, NET_HASH_MAP - 1);
	alu(c, BPF_LSH, BPF_REG_0, 2);
	alu_reg(c, BPF_ADD, WAY, BPF_REG_0);
	load(c, BPF_W, BPF_REG_0, WAY, offsetof(struct net_steer_way, to));
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

_Static_assert((NET_HASH_MAP & (NET_HASH_MAP - 1)) == 0, "a mask");

/* Return: its length. */
static uint32_t program(struct code *c, int map)
{
	memset(c, 0, sizeof(*c));
	begin(c, map);
	protocol(c);
	ipv4(c);
	ipv6(c);
	hash(c);
	queue(c);
	assert(c->n <= CODE_MAX && c->njump <= JUMP_MAX);
	for (uint32_t i = 0; i < c->njump; i++) {
		uint32_t at = c->jump[i].at;

		c->insn[at].off = (int16_t)(c->place[c->jump[i].to] - at - 1);
	}
	return c->n;
}

/* ---- The kernel ------------------------------------------------------------------ */

static int bpf(enum bpf_cmd cmd, union bpf_attr *a)
{
	long rc = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return rc < 0 ? -errno : (int)rc;
}

static int map_make(void)
{
	union bpf_attr a = { 0 };

	a.map_type = BPF_MAP_TYPE_ARRAY;
	a.map_flags = BPF_F_MMAPABLE;
	a.key_size = sizeof(uint32_t);
	a.value_size = sizeof(struct net_steer);
	a.max_entries = 1;
	memcpy(a.map_name, "pvbackd_steer", sizeof("pvbackd_steer"));
	return bpf(BPF_MAP_CREATE, &a);
}

static int prog_make(int map)
{
	union bpf_attr a = { 0 };
	struct code c;

	a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	a.insn_cnt = program(&c, map);
	a.insns = (uintptr_t)c.insn;
	a.license = (uintptr_t) "Dual MIT/GPL";
	memcpy(a.prog_name, "pvbackd_steer", sizeof("pvbackd_steer"));
	return bpf(BPF_PROG_LOAD, &a);
}

int net_steer_make(int fd[NET_STEER_FDS])
{
	int rc;

	fd[NET_STEER_PROG] = -1;
	fd[NET_STEER_MAP] = rc = map_make();
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
		         "%s; feature-ctrl-ring is not offered, Windows does without RSS",
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
