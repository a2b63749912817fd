/* SPDX-License-Identifier: MIT */
/*
 * Programs that the kernel runs on frames, and the memory that they share with a worker:
 * what writes one, instruction by instruction, and hands it over. The only user of
 * bpf(2).
 */
#ifndef PVB_NET_CODE_SUPER_H
#define PVB_NET_CODE_SUPER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "compiler.h"

#define CODE_MAX    640U
#define CODE_JUMPS  40U
#define CODE_LABELS 16U

/**
 * struct code - A program that is being written; zero-initialised is empty
 * @place:	Of a label; jumps are all forward
 * @jump:	That go to label @to
 */
struct code {
	struct bpf_insn insn[CODE_MAX];
	uint32_t n;
	uint32_t place[CODE_LABELS];
	struct {
		uint32_t at;
		unsigned int to;
	} jump[CODE_JUMPS];
	uint32_t njump;
};

/* One instruction: registers are BPF_REG_*, operations and sizes those of linux/bpf.h. */
void code_put(struct code *c, unsigned int op, unsigned int dst, unsigned int src,
              size_t off, int32_t imm);
void code_alu(struct code *c, unsigned int op, unsigned int dst, int32_t imm);
void code_alu_reg(struct code *c, unsigned int op, unsigned int dst, unsigned int src);

/* @size: BPF_B, BPF_H, BPF_W or BPF_DW */
void code_load(struct code *c, unsigned int size, unsigned int dst, unsigned int base,
               size_t off);

/** code_memory() - The address of the memory of @map */
void code_memory(struct code *c, unsigned int dst, int map);

void code_label(struct code *c, unsigned int label);
/** code_jump_if() - If @dst compares so with @imm */
void code_jump_if(struct code *c, unsigned int op, unsigned int dst, int32_t imm,
                  unsigned int label);
void code_jump(struct code *c, unsigned int label);
void code_exit(struct code *c);

/**
 * code_map() - Memory of @size bytes that a program reads and writes, and a process that
 * maps the descriptor
 *
 * Return: a descriptor; -errno: the kernel refuses it, as an old one does (before 5.5),
 * one that is locked down, or one that was told to.
 */
int must_check code_map(const char *name, size_t size);

/** code_load_prog() - Hand a program over that looks at frames. Return: as code_map(). */
int must_check code_load_prog(const char *name, struct code *c);

#endif
