/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: its program's standard input and output on the ring that
 * xenconsoled serves, as hvc0 has them (xen/io/console.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#include <xen/io/console.h>

#define BACKLOG 4096u /* bytes not yet on the ring, then the program waits */

void console_init(struct console *con)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		guest_die("pipe: %s", strerror(errno));
	con->program_in = in[0];
	con->in = in[1];
	con->program_out = out[1];
	con->out = out[0];
	fcntl(con->in, F_SETFL, O_NONBLOCK);
	fcntl(con->out, F_SETFL, O_NONBLOCK);
}

void console_program(const struct console *con)
{
	dup2(con->program_in, STDIN_FILENO);
	dup2(con->program_out, STDOUT_FILENO);
	dup2(con->program_out, STDERR_FILENO);
}

void console_started(struct console *con)
{
	close(con->program_in);
	close(con->program_out);
}

static bool move_out(struct console *con)
{
	struct xencons_interface *page = con->page;
	bool moved = false;

	while (con->backlog.len && page->out_prod - page->out_cons < sizeof(page->out)) {
		page->out[MASK_XENCONS_IDX(page->out_prod, page->out)] =
			con->backlog.data[0];
		atomic_thread_fence(memory_order_seq_cst);
		page->out_prod++;
		buf_drop(&con->backlog, 1);
		moved = true;
	}
	return moved;
}

/* What the program does not take stays in the ring, which then is full for the daemon. */
static bool move_in(struct console *con)
{
	struct xencons_interface *page = con->page;
	bool moved = false;

	while (page->in_prod != page->in_cons) {
		char c;

		atomic_thread_fence(memory_order_seq_cst);
		c = page->in[MASK_XENCONS_IDX(page->in_cons, page->in)];
		if (write(con->in, &c, 1) < 0 && errno == EAGAIN)
			break;
		page->in_cons++;
		moved = true;
	}
	return moved;
}

static void read_program(struct console *con)
{
	char chunk[1024];
	ssize_t n;

	while (con->backlog.len < BACKLOG && con->out >= 0 &&
	       (n = read(con->out, chunk, sizeof(chunk))) >= 0) {
		if (!n) {
			close(con->out);
			con->out = -1;
			return;
		}
		buf_add(&con->backlog, chunk, (size_t)n);
	}
}

bool console_move(struct console *con)
{
	bool out, in;

	if (!con->page)
		return false;
	read_program(con);
	out = move_out(con);
	in = move_in(con);
	atomic_thread_fence(memory_order_seq_cst);
	if (out || in)
		xenevtchn_notify(con->xce, con->port);
	return con->backlog.len || con->page->out_prod != con->page->out_cons;
}

void console_fd(const struct console *con, struct pollfd *fd)
{
	bool want = con->page && con->out >= 0 && con->backlog.len < BACKLOG;

	*fd = (struct pollfd){ .fd = want ? con->out : -1, .events = POLLIN };
}
