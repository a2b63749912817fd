/* SPDX-License-Identifier: MIT */
/* Discards by each engine, of files and of a loop device; and the choice of the engine.
 */
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "store_fixture.h"
#include "store_io.h"

/* In front of libc's, which the thread engine calls: waits while the gate is locked. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static unsigned int pieces, inside, most_inside;

int fallocate(int fd, int mode, off_t off, off_t len)
{
	unsigned int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	int rc;

	if (n > most_inside)
		most_inside = n;
	pthread_mutex_lock(&gate);
	pieces++;
	pthread_mutex_unlock(&gate);
	rc = (int)syscall(SYS_fallocate, fd, mode, off, len);
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	return rc;
}

static struct store_io discard_of(uint64_t off, uint64_t len)
{
	return (struct store_io){ .op = STORE_DISCARD, .off = off, .len = len, .err = 1 };
}

static blkcnt_t blocks(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks;
}

static void blocks_are_freed_and_no_others(void **state)
{
	struct fixture *f = *state;
	static uint8_t all[1 << 20], got[1 << 20];
	blkcnt_t before;

	fill(all, sizeof(all), 5);
	assert_int_equal(pwrite(f->fd, all, sizeof(all), 0), sizeof(all));
	assert_int_equal(fsync(f->fd), 0);
	before = blocks(f->fd);
	assert_int_equal(run_io(f->s, discard_of(65536, 524288)), 0);
	assert_true(before - blocks(f->fd) >= 524288 / 512);
	memset(all + 65536, 0, 524288);
	assert_int_equal(pread(f->fd, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, all, sizeof(all));
	/* Less than a block, and not aligned: as a guest may ask. */
	assert_int_equal(run_io(f->s, discard_of(512, 512)), 0);
	memset(all + 512, 0, 512);
	assert_int_equal(pread(f->fd, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, all, sizeof(all));
}

/* 140 MiB that begin in the middle of a piece: pieces of 1 MiB, and nothing beside them.
 */
static void long_ones_go_piece_by_piece(void **state)
{
	uint64_t from = (60ULL << 20) + 512, to = (200ULL << 20) + 512;
	int fd = image_open(256 << 20, 0);
	struct store *s = store_on(dup(fd), NULL, 0);
	uint8_t one[512], got[512];
	static const off_t keep[] = { 0, 60 << 20, (200 << 20) + 512, (256 << 20) - 512 };
	static const off_t gone[] = { (60 << 20) + 512, 64 << 20, (128 << 20) - 512,
		                      200 << 20 };

	(void)state;
	fill(one, sizeof(one), 1);
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		assert_int_equal(pwrite(fd, one, 512, keep[i]), 512);
		assert_int_equal(pwrite(fd, one, 512, gone[i]), 512);
	}
	pieces = 0;
	assert_int_equal(run_io(s, discard_of(from, to - from)), 0);
	if (engine == STORE_THREADS)
		assert_int_equal(pieces, 141);
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		assert_int_equal(pread(fd, got, 512, keep[i]), 512);
		assert_memory_equal(got, one, 512);
		assert_int_equal(pread(fd, got, 512, gone[i]), 512);
		assert_int_equal(got[0] | got[100] | got[511], 0);
	}
	s->ops->close(s);
	close(fd);
}

/* More discards than there are threads, all stuck: reads and writes pass them. */
static void nothing_waits_for_a_discard(void **state)
{
	struct fixture *f = *state;
	struct store_io io[2 * STORE_THREADS_MAX];
	uint8_t b[512];
	struct iovec iov = { b, sizeof(b) };
	unsigned int left = ARRAY_SIZE(io);

	most_inside = 0;
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < ARRAY_SIZE(io); i++) {
		io[i] = discard_of(i * PAGE, PAGE);
		store_submit(f->s, &io[i]);
	}
	for (int i = 0; i < 100; i++) {
		iov = (struct iovec){ b, sizeof(b) };
		assert_int_equal(run(f->s, i & 1 ? STORE_READ : STORE_WRITE, 700000, &iov,
		                     1, false),
		                 0);
	}
	pthread_mutex_unlock(&gate);
	while (left) {
		f->s->ops->wait(f->s, STORE_FOREVER);
		for (struct store_io *d = f->s->ops->reap(f->s); d; d = d->next, left--)
			assert_int_equal(d->err, 0);
	}
	assert_int_equal(most_inside, 1);
}

static void what_cannot_be_done_is_said(void **state)
{
	struct fixture *f = *state;
	struct store_io io = discard_of(0, PAGE);
	struct store *s;

	/* Blocks that a file gives back keep their content for who finds them. */
	io.secure = true;
	assert_int_equal(run_io(f->s, io), -EOPNOTSUPP);
	s = store_on(image_again(f->fd, O_RDONLY), NULL, 0);
	assert_int_equal(run_io(s, discard_of(0, PAGE)), -EBADF);
	s->ops->close(s);
}

/* Return: its descriptor, or -1; the caller detaches it. */
static int loop_on(int file)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd = -1;
	int n = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	char path[32];

	if (control >= 0)
		close(control);
	if (n < 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/loop%d", n);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, LOOP_SET_FD, file) < 0)
		close(take_fd(&fd));
	return fd;
}

static void of_a_block_device(void **state)
{
	int file = image_open(1 << 20, 0), loop = loop_on(file);
	static uint8_t all[1 << 20], got[1 << 20];
	struct store_io io[4], secure = discard_of(0, PAGE);
	blkcnt_t before;
	struct store *s;

	(void)state;
	if (loop < 0) {
		close(file);
		print_message("no loop device can be had\n");
		skip();
	}
	fill(all, sizeof(all), 5);
	assert_int_equal(pwrite(file, all, sizeof(all), 0), sizeof(all));
	assert_int_equal(fsync(file), 0);
	before = blocks(file);
	s = store_on(dup(loop), NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(io); i++) {
		io[i] = discard_of(65536 + i * 131072, 131072);
		store_submit(s, &io[i]);
	}
	reap(s, ARRAY_SIZE(io));
	for (size_t i = 0; i < ARRAY_SIZE(io); i++)
		assert_int_equal(io[i].err, 0);
	assert_true(before - blocks(file) >= 524288 / 512);
	memset(all + 65536, 0, 524288);
	assert_int_equal(pread(file, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, all, sizeof(all));
	secure.secure = true;
	assert_int_equal(run_io(s, secure), -EOPNOTSUPP);
	s->ops->close(s);
	ioctl(loop, LOOP_CLR_FD, 0);
	close(loop);
	close(file);
}

/* As a container forbids it. */
static void forbid_io_uring(void)
{
	struct sock_filter prog[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog f = { ARRAY_SIZE(prog), prog };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f))
		_exit(9);
}

static int open_without(enum store_engine e, const char *name)
{
	struct store_conf c = {
		.engine = e, .fd = image_open(4096, 0), .fence = -1, .depth = 4
	};
	struct store *s;
	char text[200];
	int rc = store_open(&c, &s, text, sizeof(text));

	/* On tmpfs there is more to it. */
	if (!rc && strncmp(s->ops->name, name, strlen(name)) != 0)
		_exit(8);
	if (!rc)
		s->ops->close(s);
	return rc;
}

static void without_io_uring(void **state)
{
	char log[1000] = "", *line;
	int p[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], STDERR_FILENO);
		forbid_io_uring();
		for (int i = 0; i < 2; i++)
			if (open_without(STORE_AUTO, "threads"))
				_exit(1);
		if (open_without(STORE_THREADS, "threads"))
			_exit(1);
		_exit(open_without(STORE_URING, "") == -EPERM ? 0 : 2);
	}
	close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(p[0], log, sizeof(log) - 1) > 0);
	close(p[0]);
	/* Once, however many disks there are. */
	line = strstr(log, "threads do the I/O instead");
	assert_non_null(line);
	assert_null(strstr(line + 1, "threads do the I/O instead"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(blocks_are_freed_and_no_others, setup,
		                                teardown),
		cmocka_unit_test(long_ones_go_piece_by_piece),
		cmocka_unit_test_setup_teardown(what_cannot_be_done_is_said, setup,
		                                teardown),
		cmocka_unit_test(of_a_block_device),
	};
	const struct CMUnitTest choice[] = { cmocka_unit_test(without_io_uring) };

	/* Nothing can be put between io_uring and the kernel. */
	const struct CMUnitTest threads[] = { cmocka_unit_test_setup_teardown(
		nothing_waits_for_a_discard, setup, teardown) };

	return run_by(STORE_THREADS, tests) + run_by(STORE_THREADS, threads) +
	       run_by(STORE_URING, tests) + cmocka_run_group_tests(choice, NULL, NULL);
}
