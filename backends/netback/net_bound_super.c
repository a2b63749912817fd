/* SPDX-License-Identifier: MIT */
#include "net_bound_super.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "log.h"
#include "net_bound.h"
#include "net_code_super.h"

#define FRAME BPF_REG_6
#define LEN   BPF_REG_7
#define QUEUE BPF_REG_8

enum label {
	L_OVER
};

_Static_assert((NET_BOUND_QUEUES & (NET_BOUND_QUEUES - 1)) == 0, "a mask");

static void add_to(struct code *c, unsigned int src, size_t off)
{
	code_put(c, BPF_STX | BPF_ATOMIC | BPF_DW, QUEUE, src, off, BPF_ADD);
}

/* Return of the program: bytes of the frame to keep; 0 drops it. */
static void write_code(struct code *c, int map, uint32_t bytes)
{
	code_alu_reg(c, BPF_MOV, FRAME, BPF_REG_1);
	code_load(c, BPF_W, LEN, FRAME, offsetof(struct __sk_buff, len));
	code_load(c, BPF_W, BPF_REG_1, FRAME, offsetof(struct __sk_buff, queue_mapping));
	code_alu(c, BPF_AND, BPF_REG_1, NET_BOUND_QUEUES - 1);
	code_alu(c, BPF_MUL, BPF_REG_1, sizeof(struct net_bound_queue));
	code_memory(c, QUEUE, map);
	code_alu_reg(c, BPF_ADD, QUEUE, BPF_REG_1);
	code_load(c, BPF_DW, BPF_REG_1, QUEUE, offsetof(struct net_bound_queue, came));
	code_load(c, BPF_DW, BPF_REG_2, QUEUE, offsetof(struct net_bound_queue, gone));
	code_alu_reg(c, BPF_SUB, BPF_REG_1, BPF_REG_2);
	code_jump_if(c, BPF_JSGE, BPF_REG_1, (int32_t)bytes, L_OVER);
	add_to(c, LEN, offsetof(struct net_bound_queue, came));
	code_alu_reg(c, BPF_MOV, BPF_REG_0, LEN);
	code_exit(c);
	code_label(c, L_OVER);
	code_alu(c, BPF_MOV, BPF_REG_1, 1);
	add_to(c, BPF_REG_1, offsetof(struct net_bound_queue, over));
	code_alu(c, BPF_MOV, BPF_REG_0, 0);
	code_exit(c);
}

int net_bound_make(uint32_t bytes, int *prog)
{
	int map = code_map("pvbackd_bound", sizeof(struct net_bound));
	struct code c = { 0 };

	if (map < 0)
		return map;
	write_code(&c, map, bytes);
	*prog = code_load_prog("pvbackd_bound", &c);
	if (*prog >= 0)
		return map;
	close(map);
	return *prog;
}

int net_bound_put(int tap, uint32_t bytes)
{
	static bool said;
	int prog = -1, map = net_bound_make(bytes, &prog), rc = 0;

	if (map >= 0 && ioctl(tap, TUNSETFILTEREBPF, &prog))
		rc = -errno;
	if (prog >= 0)
		close(prog);
	if (rc) {
		close(map);
		map = rc;
	}
	if (map < 0 && !said)
		log_warn(NULL,
		         "the kernel lets no program count the bytes that wait for a "
		         "network card: %s; what counts is its txqueuelen, in frames",
		         strerror(-map));
	said |= map < 0;
	return map;
}

void net_bound_off(int tap)
{
	int none = -1;

	if (ioctl(tap, TUNSETFILTEREBPF, &none))
		log_debug(NULL, "TUNSETFILTEREBPF: %m");
}
