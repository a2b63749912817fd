/* SPDX-License-Identifier: MIT */
#include "net_code_super.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void code_put(struct code *c, unsigned int op, unsigned int dst, unsigned int src,
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

void code_alu(struct code *c, unsigned int op, unsigned int dst, int32_t imm)
{
	code_put(c, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

void code_alu_reg(struct code *c, unsigned int op, unsigned int dst, unsigned int src)
{
	code_put(c, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

void code_load(struct code *c, unsigned int size, unsigned int dst, unsigned int base,
               size_t off)
{
	code_put(c, BPF_LDX | BPF_MEM | size, dst, base, off, 0);
}

void code_memory(struct code *c, unsigned int dst, int map)
{
	/* Of two instructions; BPF_IMM is 0, as BPF_LD is. */
	code_put(c, BPF_LD | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, map);
	code_put(c, 0, 0, 0, 0, 0);
}

void code_label(struct code *c, unsigned int label)
{
	assert(label < CODE_LABELS);
	c->place[label] = c->n;
}

void code_jump_if(struct code *c, unsigned int op, unsigned int dst, int32_t imm,
                  unsigned int label)
{
	if (c->njump < CODE_JUMPS) {
		c->jump[c->njump].at = c->n;
		c->jump[c->njump].to = label;
	}
	c->njump++;
	code_put(c, BPF_JMP | BPF_K | op, dst, 0, 0, imm);
}

void code_jump(struct code *c, unsigned int label)
{
	code_jump_if(c, BPF_JA, 0, 0, label);
}

void code_exit(struct code *c)
{
	code_put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- The kernel ------------------------------------------------------------------ */

static int bpf(enum bpf_cmd cmd, union bpf_attr *a)
{
	long rc = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return rc < 0 ? -errno : (int)rc;
}

int code_map(const char *name, size_t size)
{
	union bpf_attr a = { 0 };

	a.map_type = BPF_MAP_TYPE_ARRAY;
	a.map_flags = BPF_F_MMAPABLE;
	a.key_size = sizeof(uint32_t);
	a.value_size = (uint32_t)size;
	a.max_entries = 1;
	strncpy(a.map_name, name, sizeof(a.map_name) - 1);
	return bpf(BPF_MAP_CREATE, &a);
}

int code_load_prog(const char *name, struct code *c)
{
	union bpf_attr a = { 0 };

	assert(c->n <= CODE_MAX && c->njump <= CODE_JUMPS);
	for (uint32_t i = 0; i < c->njump; i++) {
		uint32_t at = c->jump[i].at;

		c->insn[at].off = (int16_t)(c->place[c->jump[i].to] - at - 1);
	}
	a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	a.insn_cnt = c->n;
	a.insns = (uintptr_t)c->insn;
	a.license = (uintptr_t) "Dual MIT/GPL";
	strncpy(a.prog_name, name, sizeof(a.prog_name) - 1);
	return bpf(BPF_PROG_LOAD, &a);
}
