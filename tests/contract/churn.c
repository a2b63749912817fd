/* SPDX-License-Identifier: MIT */
/*
 * churn owner SLOT | churn user DOMID... | churn reaper KILLS SEED COMMAND...
 *
 * Load that is meant to be killed at any moment. An owner shares pages and offers a port
 * through data/churn/SLOT of its home, again and again; a user maps, copies and binds
 * what it finds there. Neither minds failing: the other side changes all the time.
 *
 * The reaper keeps four processes of the command running, an owner's with slots 0 to 3,
 * and kills one at random, until KILLS are done.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

enum {
	PAGES = 8,
	SLOTS = 4
};

static struct {
	xenevtchn_handle *evt;
	xengnttab_handle *gnt;
	xengntshr_handle *shr;
	struct xs_handle *xs;
} h;

static void open_all(void)
{
	h.evt = xenevtchn_open(NULL, 0);
	h.gnt = xengnttab_open(NULL, 0);
	h.shr = xengntshr_open(NULL, 0);
	h.xs = xs_open(0);
	if (!h.evt || !h.gnt || !h.shr || !h.xs) {
		perror("churn");
		exit(1);
	}
}

static void pause_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static void events_take(void)
{
	struct pollfd p = { .fd = xenevtchn_fd(h.evt), .events = POLLIN };

	while (poll(&p, 1, 0) == 1) {
		int port = xenevtchn_pending(h.evt);

		if (port < 0)
			break;
		xenevtchn_unmask(h.evt, (evtchn_port_t)port);
	}
}

static void owner_round(const char *path, unsigned int turn)
{
	uint32_t refs[PAGES], n = 1 + turn % PAGES;
	int port = xenevtchn_bind_unbound_port(h.evt, 0), len;
	char text[PAGES * 12 + 16];
	void *area;

	if (turn % 3) {
		area = xengntshr_share_pages(h.shr, 0, (int)n, refs, 1);
	} else {
		n = 1;
		area = xengntshr_share_page_notify(h.shr, 0, refs, 1, 0,
		                                   (evtchn_port_t)port);
	}
	if (port < 0 || !area) {
		perror("churn: owner");
		exit(1);
	}
	len = snprintf(text, sizeof(text), "%d", port);
	for (uint32_t i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, " %u", refs[i]);
	xs_write(h.xs, XBT_NULL, path, text, (unsigned int)len);
	memset(area, (int)turn, n * 4096ul);
	xenevtchn_notify(h.evt, (evtchn_port_t)port);
	pause_us(300);
	events_take();
	xengntshr_unshare(h.shr, area, n);
	if (turn % 4) {
		xenevtchn_unbind(h.evt, (evtchn_port_t)port);
		return;
	}
	xenevtchn_close(h.evt);
	h.evt = xenevtchn_open(NULL, 0);
	if (!h.evt)
		exit(1);
}

static _Noreturn void owner(const char *slot)
{
	char path[64];

	snprintf(path, sizeof(path), "data/churn/%s", slot);
	open_all();
	for (unsigned int turn = 0;; turn++)
		owner_round(path, turn);
}

/* Copy a little from the page and back, map all, touch them, and let go. */
static void user_take(uint32_t domid, int remote, uint32_t *refs, uint32_t n)
{
	int port = xenevtchn_bind_interdomain(h.evt, domid, (evtchn_port_t)remote);
	uint8_t buf[64];
	xengnttab_grant_copy_segment_t seg = { .len = sizeof(buf),
		                               .flags = GNTCOPY_source_gref };
	volatile uint8_t *p;

	seg.source.foreign.ref = refs[0];
	seg.source.foreign.domid = (uint16_t)domid;
	seg.dest.virt = buf;
	xengnttab_grant_copy(h.gnt, 1, &seg);
	p = port < 0 || n > 1 ? xengnttab_map_domain_grant_refs(h.gnt, n, domid, refs,
	                                                        PROT_READ | PROT_WRITE)
	                      : xengnttab_map_grant_ref_notify(h.gnt, domid, refs[0],
	                                                       PROT_READ | PROT_WRITE,
	                                                       4095, (evtchn_port_t)port);
	if (p) {
		for (uint32_t i = 0; i < n; i++)
			p[i * 4096ul] = 1;
		xengnttab_unmap(h.gnt, (void *)(uintptr_t)p, n);
	}
	if (port < 0)
		return;
	xenevtchn_notify(h.evt, (evtchn_port_t)port);
	xenevtchn_unbind(h.evt, (evtchn_port_t)port);
}

static void user_round(uint32_t domid, unsigned int slot)
{
	char path[64], *text, *s, *end;
	uint32_t refs[PAGES], n = 0;
	unsigned int len;
	int port;

	snprintf(path, sizeof(path), "/local/domain/%u/data/churn/%u", domid, slot);
	text = xs_read(h.xs, XBT_NULL, path, &len);
	if (!text)
		return;
	port = (int)strtol(text, &s, 10);
	while (n < PAGES) {
		refs[n] = (uint32_t)strtoul(s, &end, 10);
		if (end == s)
			break;
		s = end;
		n++;
	}
	free(text);
	if (n)
		user_take(domid, port, refs, n);
	events_take();
}

static _Noreturn void user(int ndoms, char **doms)
{
	open_all();
	for (unsigned int turn = 0;; turn++)
		user_round((uint32_t)strtoul(doms[turn % (unsigned int)ndoms], NULL, 10),
		           turn / (unsigned int)ndoms % SLOTS);
}

static pid_t start(char **command, int slot)
{
	pid_t pid = fork();

	if (pid == 0) {
		char name[12];

		snprintf(name, sizeof(name), "%d", slot);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!strcmp(command[0], "owner"))
			execl("/proc/self/exe", "churn", command[0], name, (char *)NULL);
		command[-1] = (char[]){ "churn" };
		execv("/proc/self/exe", command - 1);
		_exit(127);
	}
	return pid;
}

static int reaper(int kills, unsigned int seed, char **command)
{
	pid_t pid[SLOTS];
	int status;

	srandom(seed);
	for (int i = 0; i < SLOTS; i++)
		pid[i] = start(command, i);
	for (int k = 0; k < kills; k++) {
		int i = (int)(random() % SLOTS);

		pause_us(random() % 20000);
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
		if (!WIFSIGNALED(status)) {
			fprintf(stderr, "churn: one ended by itself, status %d\n",
			        status);
			return 1;
		}
		pid[i] = start(command, i);
	}
	for (int i = 0; i < SLOTS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
	}
	printf("%d killed\n", kills + SLOTS);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "owner"))
		owner(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "user"))
		user(argc - 2, argv + 2);
	if (argc > 4 && !strcmp(argv[1], "reaper"))
		return reaper(atoi(argv[2]), (unsigned int)atoi(argv[3]), argv + 4);
	fprintf(stderr, "usage: churn owner SLOT | user DOMID... | reaper KILLS SEED "
	                "owner|user...\n");
	return 2;
}
