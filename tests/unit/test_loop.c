/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"

struct fixture {
	struct loop *loop;
	struct loop_src *a, *b, *end;
	int pipe[2];
	char seen[32];
};

static void note(struct fixture *f, char what)
{
	size_t n = strlen(f->seen);

	assert_true(n + 1 < sizeof(f->seen));
	f->seen[n] = what;
}

static void on_a(void *arg)
{
	note(arg, 'a');
}

static void on_end(void *arg)
{
	struct fixture *f = arg;

	note(f, '.');
	loop_stop(f->loop);
}

static void on_pipe(void *arg)
{
	struct fixture *f = arg;
	char c;

	if (read(f->pipe[0], &c, 1) == 1) {
		note(f, c);
		return;
	}
	note(f, '$');
	loop_del(&f->a);
	loop_stop(f->loop);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	*state = &f;
	return loop_new(&f.loop) || pipe(f.pipe);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_del(&f->a);
	loop_del(&f->b);
	loop_del(&f->end);
	loop_free(f->loop);
	close(f->pipe[0]);
	if (f->pipe[1] >= 0)
		close(f->pipe[1]);
	return 0;
}

static void descriptor_is_level_triggered_until_end_of_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_add_fd(f->loop, f->pipe[0], on_pipe, f, &f->a), 0);
	assert_int_equal(write(f->pipe[1], "xyz", 3), 3);
	close(take_fd(&f->pipe[1]));
	assert_int_equal(loop_run(f->loop), 0);
	assert_string_equal(f->seen, "xyz$");
	assert_null(f->a);
}

static void timers_fire_once_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_add_timer(f->loop, on_a, f, &f->a), 0);
	assert_int_equal(loop_add_timer(f->loop, on_a, f, &f->b), 0);
	assert_int_equal(loop_add_timer(f->loop, on_end, f, &f->end), 0);
	loop_timer_set(f->a, 60000);
	loop_timer_set(f->a, 0);
	loop_timer_set(f->b, 0);
	loop_timer_stop(f->b);
	loop_timer_stop(f->b);
	loop_timer_set(f->end, 1);
	assert_int_equal(loop_run(f->loop), 0);
	assert_string_equal(f->seen, "a.");
}

static void ready_descriptor_comes_before_an_idle_timer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_add_fd(f->loop, f->pipe[0], on_pipe, f, &f->a), 0);
	assert_int_equal(loop_add_timer(f->loop, on_end, f, &f->end), 0);
	loop_timer_set(f->end, 0);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);
	assert_int_equal(loop_run(f->loop), 0);
	assert_string_equal(f->seen, "x.");
}

static void signal_arrives_in_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_add_signal(f->loop, SIGUSR1, on_end, f, &f->a), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_string_equal(f->seen, "");
	assert_int_equal(loop_run(f->loop), 0);
	assert_string_equal(f->seen, ".");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			descriptor_is_level_triggered_until_end_of_file, setup, teardown),
		cmocka_unit_test_setup_teardown(timers_fire_once_in_order, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(
			ready_descriptor_comes_before_an_idle_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(signal_arrives_in_the_loop, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
