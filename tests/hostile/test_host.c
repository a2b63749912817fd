/* SPDX-License-Identifier: MIT */
/* The host fails us: calls that go wrong, things that are forbidden, started by hand. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

static struct worker w;
static struct disk d;
static const char *fault;

static void set_fault(void)
{
	setenv("XENSIM_FAULT", fault, 1);
}

static void faulty_worker(const char *what)
{
	struct msg m;

	fault = what;
	worker_start(&w, RIG_GUEST, set_fault);
	worker_recv(&w, MSG_HELLO, &m);
}

/* XSA-362: connecting fails at each step in turn, with a reason, and holds nothing. */
static void connect_fails_at_each_step(void **state)
{
	static const struct {
		const char *fault, *says;
		int err;
	} rows[] = {
		{ "map:1=ENOMEM", "ring", ENOMEM },
		/* The first thing opened is the grant device. */
		{ "open:2=EMFILE", "event channel device", EMFILE },
		{ "bind:1=EINVAL", "bind to event channel", EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		print_message("%s\n", rows[i].fault);
		faulty_worker(rows[i].fault);
		disk_share(&d, &w, 0);
		assert_int_equal(disk_connect(&d, &text), rows[i].err);
		assert_non_null(strstr(text, rows[i].says));
		assert_int_equal(worker_holds(&w), 0);
		/* It was for once. */
		assert_int_equal(disk_connect(&d, NULL), 0);
		disk_works(&d);
		disk_down(&d);
		worker_down(&w);
	}
}

static void no_grant_device(void **state)
{
	char *log;

	(void)state;
	fault = "open:1=ENODEV";
	worker_start(&w, RIG_GUEST, set_fault);
	worker_wait(&w, 1 << 8);
	log = worker_log(&w);
	assert_non_null(strstr(log, "grant device"));
	free(log);
	worker_down(&w);
}

/* The Nth grant copy fails, as a whole or in one segment: so do its requests. */
static void copies_fail(void **state)
{
	static const char *const faults[] = { "copy:3=EFAULT", "copy:3=GNTST_bad_page",
		                              "copy:5=GNTST_eagain" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		int failed = 0;

		print_message("%s\n", faults[i]);
		faulty_worker(faults[i]);
		disk_up(&d, &w, 0);
		for (uint32_t n = 0; n < 8; n++)
			failed += disk_run(&d, n & 1 ? READ : WRITE, 1, 0, 0) != OKAY;
		assert_int_equal(failed, 1);
		disk_works(&d);
		disk_disconnect(&d);
		assert_int_equal(worker_served(&w, "bad_grants"), 1);
		disk_unshare(&d);
		worker_down(&w);
	}
}

/* Persistent grants cannot be mapped (any more): data is copied, nothing fails. */
static void persistent_maps_fail(void **state)
{
	static const char *const faults[] = { "map:2+=ENOMEM", "map:2=EINVAL",
		                              "map:4+=ENOMEM" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		print_message("%s\n", faults[i]);
		faulty_worker(faults[i]);
		disk_up(&d, &w, BLK_PERSISTENT);
		for (uint32_t n = 0; n < 20; n++)
			assert_int_equal(
				disk_run(&d, n & 1 ? READ : WRITE, 4, n, 8ULL * n), OKAY);
		disk_works(&d);
		disk_down(&d);
		worker_down(&w);
	}
}

/* An event that is lost on its way is made good by the next one. */
static void event_is_lost(void **state)
{
	(void)state;
	faulty_worker("notify:1=drop");
	disk_up(&d, &w, 0);
	disk_add(&d, WRITE, 1, 0, 0);
	disk_push(&d);
	disk_add(&d, READ, 1, 0, 0);
	disk_push(&d);
	while (__atomic_load_n(&d.ring->rsp_prod, __ATOMIC_ACQUIRE) != d.pushed)
		;
	disk_collect(&d);
	disk_works(&d);
	disk_down(&d);
	worker_down(&w);
}

static void forbid_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/*
 * As in most containers: without it where the settings leave the choice, with the reason
 * and what to do where they name it.
 */
static void io_uring_is_forbidden(void **state)
{
	const char *text;
	struct msg hello;
	char *log;

	(void)state;
	worker_start(&w, RIG_GUEST, forbid_io_uring);
	worker_recv(&w, MSG_HELLO, &hello);
	disk_share(&d, &w, BLK_URING);
	assert_int_equal(disk_connect(&d, &text), EPERM);
	assert_non_null(strstr(text, "kernel.io_uring_disabled"));
	disk_unshare(&d);
	disk_up(&d, &w, 0);
	disk_works(&d);
	disk_down(&d);
	log = worker_log(&w);
	assert_non_null(strstr(log, "engine=threads"));
	free(log);
	worker_down(&w);
}

static void limit_locked_memory(void)
{
	/* Enough for the ring itself, which some kernels count. */
	struct rlimit little = { 65536, 65536 };

	setrlimit(RLIMIT_MEMLOCK, &little);
	/* Root's right to ignore the limit. */
	prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0);
}

/* An ordinary user with no right to lock much memory: slower, not broken. */
static void little_locked_memory_will_do(void **state)
{
	struct msg hello;

	(void)state;
	worker_start(&w, RIG_GUEST, limit_locked_memory);
	worker_recv(&w, MSG_HELLO, &hello);
	disk_up(&d, &w, 0);
	disk_works(&d);
	disk_down(&d);
	worker_down(&w);
}

static void exec_worker(const char *arg)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/pvbackd-worker", build ? build : "build");
	execl(path, path, arg, NULL);
}

static void no_socket(void)
{
	close(MSG_WORKER_FD);
	exec_worker("--domid=5");
}

static void no_guest(void)
{
	exec_worker(NULL);
}

static void no_such_guest(void)
{
	exec_worker("--domid=32752");
}

static void started_by_hand(void **state)
{
	void (*const how[])(void) = { no_socket, no_guest, no_such_guest };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		worker_start(&w, RIG_GUEST, how[i]);
		worker_wait(&w, 2 << 8);
		worker_down(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_fails_at_each_step),
		cmocka_unit_test(no_grant_device),
		cmocka_unit_test(copies_fail),
		cmocka_unit_test(persistent_maps_fail),
		cmocka_unit_test(event_is_lost),
		cmocka_unit_test(io_uring_is_forbidden),
		cmocka_unit_test(little_locked_memory_will_do),
		cmocka_unit_test(started_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
