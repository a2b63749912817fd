/* SPDX-License-Identifier: MIT */
/*
 * xdp INTERFACE pass|drop - all that its driver receives passes, or is dropped, until
 * this process is killed.
 *
 * A program of two instructions, attached by a link, which ends with its descriptor: a
 * guest needs no compiler, no libbpf and no netlink for it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr, const char *what)
{
	int fd = (int)syscall(__NR_bpf, cmd, attr, sizeof(*attr));

	if (fd < 0)
		fprintf(stderr, "xdp: %s: %s\n", what, strerror(errno));
	return fd;
}

static int load(enum xdp_action action)
{
	const struct bpf_insn insn[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = (int)action },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)insn,
		.insn_cnt = sizeof(insn) / sizeof(insn[0]),
		.license = (uintptr_t) "MIT",
	};

	return bpf(BPF_PROG_LOAD, &attr, "BPF_PROG_LOAD");
}

/* In the driver, not in the stack behind it. */
static int attach(unsigned int index, int prog)
{
	union bpf_attr attr = { .link_create = { .prog_fd = (uint32_t)prog,
		                                 .target_ifindex = index,
		                                 .attach_type = BPF_XDP,
		                                 .flags = XDP_FLAGS_DRV_MODE } };

	return bpf(BPF_LINK_CREATE, &attr, "BPF_LINK_CREATE");
}

int main(int argc, char **argv)
{
	unsigned int index = argc == 3 ? if_nametoindex(argv[1]) : 0;
	int prog;

	if (!index) {
		fprintf(stderr, "usage: xdp INTERFACE pass|drop\n");
		return 2;
	}
	prog = load(strcmp(argv[2], "drop") == 0 ? XDP_DROP : XDP_PASS);
	if (prog < 0 || attach(index, prog) < 0)
		return 1;
	printf("attached\n");
	fflush(stdout);
	for (;;)
		pause();
}
