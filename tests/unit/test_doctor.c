/* SPDX-License-Identifier: MIT */
/* pvbackd --check on hosts that are made of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "doctor.h"

#define ALIAS "/lib/modules/RELEASE/modules.alias"

/**
 * struct host - A case
 * @file:	Pairs of path and content; RELEASE stands for the running kernel's
 * @says:	A line of the findings, all of it
 * @unfit:	How many keep guests from being served
 */
struct host {
	const char *name;
	const char *file[24];
	const char *says;
	unsigned int unfit;
};

#define NODES "/dev/xen/gntdev", "", "/dev/xen/evtchn", "", "/dev/xen/privcmd", ""
#define XEN                                                                      \
	"/sys/hypervisor/type", "xen\n", "/sys/hypervisor/version/major", "4\n", \
		"/sys/hypervisor/version/minor", "17\n"
#define MODULE \
	ALIAS, "alias xen-backend:vif xen_netback\nalias xen-backend:vbd xen_blkback\n"

static const struct host hosts[] = {
	{ "fit, without the kernel's driver",
	  { NODES, XEN },
	  "ok    Xen 4.17, a domain without xenstored",
	  0 },
	{ "dom0",
	  { NODES, XEN, "/run/xenstored/socket", "" },
	  "ok    Xen 4.17, the domain that runs xenstored",
	  0 },
	{ "no Xen",
	  { NODES },
	  "UNFIT no Xen below this kernel: boot the host's Xen entry, or try pvbackd "
	  "under "
	  "xensim",
	  1 },
	{ "another hypervisor",
	  { NODES, "/sys/hypervisor/type", "kvm\n" },
	  "UNFIT no Xen below this kernel: boot the host's Xen entry, or try pvbackd "
	  "under "
	  "xensim",
	  1 },
	{ "no gntdev",
	  { XEN, "/dev/xen/evtchn", "", "/dev/xen/privcmd", "" },
	  "UNFIT no /dev/xen/gntdev: modprobe xen-gntdev; without it no guest's page can "
	  "be "
	  "mapped",
	  1 },
	{ "no evtchn, no privcmd: one is needed",
	  { XEN, "/dev/xen/gntdev", "" },
	  "note  no /dev/xen/privcmd: modprobe xen-privcmd; without it a guest's end is "
	  "seen "
	  "later, in XenStore",
	  1 },
	{ "few grants",
	  { NODES, XEN, "/sys/module/xen_gntdev/parameters/limit", "1024\n" },
	  "note  a guest's disks can map only 1024 grants: set xen-gntdev's parameter "
	  "limit "
	  "to 4096 or more",
	  0 },
	{ "no io_uring",
	  { NODES, XEN, "/proc/sys/kernel/io_uring_disabled", "2\n" },
	  "note  io_uring is disabled: sysctl kernel.io_uring_disabled=0; without it "
	  "threads read and write images, which is slower",
	  0 },
	{ "io_uring as it should be",
	  { NODES, XEN, "/proc/sys/kernel/io_uring_disabled", "0\n" },
	  "ok    no driver of the kernel wants vbd devices",
	  0 },
	{ "the driver would be loaded",
	  { NODES, XEN, MODULE },
	  "UNFIT the kernel will load xen_blkback for the next vbd device: echo "
	  "\"blacklist "
	  "xen_blkback\" >/etc/modprobe.d/pvbackd.conf",
	  1 },
	{ "it is loaded, and blacklisted too late",
	  { NODES, XEN, MODULE, "/sys/bus/xen-backend/drivers/vbd/uevent", "",
	    "/etc/modprobe.d/a.conf", "blacklist xen-blkback\n" },
	  "UNFIT xen_blkback takes each new vbd device: shut its guests down, rmmod it, "
	  "blacklist it",
	  1 },
	{ "it is built in",
	  { NODES, XEN, "/sys/bus/xen-backend/drivers/vbd/uevent", "" },
	  "UNFIT the kernel's driver takes each new vbd device: shut its guests down, "
	  "rmmod "
	  "it, blacklist it",
	  1 },
	{ "blacklisted, with the other spelling",
	  { NODES, XEN, MODULE, "/usr/lib/modprobe.d/pvbackd.conf",
	    "# why\n  blacklist xen-blkback\n" },
	  "ok    no driver of the kernel wants vbd devices",
	  0 },
	{ "not installable",
	  { NODES, XEN, MODULE, "/etc/modprobe.d/x.conf",
	    "install xen_blkback /bin/false\n" },
	  "ok    no driver of the kernel wants vbd devices",
	  0 },
	{ "installed in a special way, which loads it",
	  { NODES, XEN, MODULE, "/etc/modprobe.d/x.conf",
	    "install xen_blkback /sbin/modprobe --ignore-install xen_blkback\n" },
	  "UNFIT the kernel will load xen_blkback for the next vbd device: echo "
	  "\"blacklist "
	  "xen_blkback\" >/etc/modprobe.d/pvbackd.conf",
	  1 },
	{ "others are blacklisted, and not in a file that modprobe reads",
	  { NODES, XEN, MODULE, "/etc/modprobe.d/x.conf", "blacklist xen-blk\n",
	    "/etc/modprobe.d/y.conf~", "blacklist xen-blkback\n",
	    "/etc/modprobe.d/z.conf",
	    "blacklist xen-blkback2\n#blacklist xen-blkback\n" },
	  "UNFIT the kernel will load xen_blkback for the next vbd device: echo "
	  "\"blacklist "
	  "xen_blkback\" >/etc/modprobe.d/pvbackd.conf",
	  1 },
};

/* Write a file below @root, with the directories it needs. */
static void put(const char *root, const char *name, const char *content)
{
	const char *at = strstr(name, "RELEASE");
	struct utsname u;
	char path[512];
	FILE *f;

	uname(&u);
	if (at)
		snprintf(path, sizeof(path), "%s%.*s%s%s", root, (int)(at - name), name,
		         u.release, at + strlen("RELEASE"));
	else
		snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *s = path + strlen(root) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(path, 0755);
		*s = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void examine(void **state)
{
	const struct host *h = *state;
	char root[] = "/tmp/doctor.XXXXXX", want[256], rm[64];
	struct doctor d = { .root = mkdtemp(root) };
	char *text = NULL;
	size_t size = 0;

	assert_non_null(d.root);
	for (size_t i = 0; h->file[i]; i += 2)
		put(root, h->file[i], h->file[i + 1]);
	d.out = open_memstream(&text, &size);
	doctor_host(&d);
	doctor_kind(&d, "vbd");
	fclose(d.out);
	snprintf(rm, sizeof(rm), "rm -r %s", root);
	assert_int_equal(system(rm), 0);
	snprintf(want, sizeof(want), "%s\n", h->says);
	if (!strstr(text, want) || d.unfit != h->unfit)
		fail_msg("%u unfit, not %u, or no \"%s\" in:\n%s", d.unfit, h->unfit,
		         h->says, text);
	free(text);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(hosts)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		tests[i] = (struct CMUnitTest){
			.name = hosts[i].name,
			.test_func = examine,
			/* cmocka hands it to the test, which takes it as const. */
			.initial_state = (void *)(uintptr_t)&hosts[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
