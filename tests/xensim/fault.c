/* SPDX-License-Identifier: MIT */
/* The language of faults. */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

static const struct {
	const char *name;
	const char *takes;
	const char *what;
} kinds[FAULT_KINDS] = {
	[FAULT_OPEN] = { "open", "ERRNO", "opening any Xen device" },
	[FAULT_ALLOC] = { "alloc", "ERRNO", "xenevtchn_bind_unbound_port" },
	[FAULT_BIND] = { "bind", "ERRNO",
	                 "xenevtchn_bind_interdomain, xenevtchn_bind_virq" },
	[FAULT_NOTIFY] = { "notify", "drop, delay:MS", "xenevtchn_notify" },
	[FAULT_SHARE] = { "share", "ERRNO", "xengntshr_share_pages, _share_page_notify" },
	[FAULT_MAP] = { "map", "ERRNO", "xengnttab_map_*" },
	[FAULT_COPY] = { "copy", "ERRNO", "xengnttab_grant_copy, counted by calls" },
	[FAULT_SEG] = { "copy", "GNTST_*", "one segment of it, counted by segments" },
	[FAULT_KILL] = { "kill@POINT", "-", "the process passes a named point" },
};

static const struct {
	const char *name;
	const char *what;
} points[] = {
	{ "open", "the device is open, the caller does not know yet" },
	{ "close", "its descriptor is closed, the broker was not told" },
	{ "bind-before-publish", "nothing has been asked" },
	{ "bind-after-publish", "the port is bound, the caller does not know yet" },
	{ "unbind", "the port is closed, the caller does not know yet" },
	{ "notify", "nothing has happened" },
	{ "notify-claimed", "the event is claimed, not queued" },
	{ "notify-queued", "it is queued, and still marked as claimed" },
	{ "pending", "the event is taken, the caller does not know yet" },
	{ "unmask", "nothing has happened" },
	{ "share-before-publish", "nothing has been asked" },
	{ "share-after-publish", "pages are granted, not mapped here" },
	{ "share-mapped", "mapped, the caller does not know yet" },
	{ "unshare", "unmapped here, the grant still stands" },
	{ "map-before-publish", "nothing has been asked" },
	{ "map-after-publish", "grants are accounted as mapped, and are not" },
	{ "map-mapped", "mapped, the caller does not know yet" },
	{ "unmap", "unmapped here, still accounted" },
	{ "copy-mid", "after each segment that was copied" },
};

static const struct {
	const char *name;
	int value;
} gntst[] = {
	{ "GNTST_general_error", GNTST_general_error },
	{ "GNTST_bad_domain", GNTST_bad_domain },
	{ "GNTST_bad_gntref", GNTST_bad_gntref },
	{ "GNTST_bad_handle", GNTST_bad_handle },
	{ "GNTST_bad_virt_addr", GNTST_bad_virt_addr },
	{ "GNTST_bad_dev_addr", GNTST_bad_dev_addr },
	{ "GNTST_no_device_space", GNTST_no_device_space },
	{ "GNTST_permission_denied", GNTST_permission_denied },
	{ "GNTST_bad_page", GNTST_bad_page },
	{ "GNTST_bad_copy_arg", GNTST_bad_copy_arg },
	{ "GNTST_address_too_big", GNTST_address_too_big },
	{ "GNTST_eagain", GNTST_eagain },
};

#define array_size(a) (sizeof(a) / sizeof((a)[0]))
#define ERRNO_END     134
#define POINT_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789-_."

static int parse_errno(const char *text)
{
	for (int err = 1; err < ERRNO_END; err++) {
		const char *name = strerrorname_np(err);

		if (name && !strcmp(name, text))
			return err;
	}
	return 0;
}

static int parse_gntst(const char *text)
{
	for (size_t i = 0; i < array_size(gntst); i++) {
		if (!strcmp(gntst[i].name, text))
			return gntst[i].value;
	}
	return 0;
}

/* "", ":N" or ":N+"; Return: what follows, NULL if it is not of that form */
static const char *parse_nth(const char *text, struct fault *fault)
{
	char *end;
	unsigned long nth;

	fault->nth = 1;
	fault->on = false;
	if (*text != ':')
		return text;
	if (text[1] < '0' || text[1] > '9')
		return NULL;
	nth = strtoul(text + 1, &end, 10);
	if (!nth || nth > 1000000000)
		return NULL;
	fault->nth = (unsigned int)nth;
	fault->on = *end == '+';
	return end + fault->on;
}

static int parse_kill(const char *text, struct fault *fault)
{
	size_t len = strspn(text, POINT_CHARS);

	if (!len || len >= sizeof(fault->point))
		return -EINVAL;
	fault->kind = FAULT_KILL;
	fault->action = FAULT_DIE;
	memcpy(fault->point, text, len);
	text = parse_nth(text + len, fault);
	return text && !*text ? 0 : -EINVAL;
}

static int parse_what(const char *text, struct fault *fault)
{
	char *end;

	if (fault->kind == FAULT_NOTIFY) {
		fault->action = FAULT_DROP;
		if (!strcmp(text, "drop"))
			return 0;
		fault->action = FAULT_DELAY;
		if (strncmp(text, "delay:", 6) != 0 || text[6] < '0' || text[6] > '9')
			return -EINVAL;
		fault->value = (int)strtoul(text + 6, &end, 10);
		return *end || fault->value > 600000 ? -EINVAL : 0;
	}
	fault->action = FAULT_ERRNO;
	fault->value = parse_errno(text);
	if (!fault->value && fault->kind == FAULT_COPY) {
		fault->kind = FAULT_SEG;
		fault->action = FAULT_GNTST;
		fault->value = parse_gntst(text);
	}
	return fault->value ? 0 : -EINVAL;
}

int fault_parse(const char *text, struct fault *fault)
{
	size_t len = strcspn(text, ":=@");

	*fault = (struct fault){ 0 };
	if (len == 4 && !strncmp(text, "kill@", 5))
		return parse_kill(text + 5, fault);
	while (fault->kind < FAULT_KILL &&
	       (strlen(kinds[fault->kind].name) != len ||
	        strncmp(kinds[fault->kind].name, text, len) != 0))
		fault->kind++;
	if (fault->kind == FAULT_KILL)
		return -EINVAL;
	text = parse_nth(text + len, fault);
	return text && *text == '=' ? parse_what(text + 1, fault) : -EINVAL;
}

bool fault_strike(struct fault *fault, enum fault_kind kind, const char *point)
{
	if (fault->kind != kind || !fault->nth)
		return false;
	if (kind == FAULT_KILL && strcmp(fault->point, point) != 0)
		return false;
	if (fault->nth == 1 && fault->on)
		return true;
	return --fault->nth == 0;
}

static const char *gntst_name(int value)
{
	for (size_t i = 0; i < array_size(gntst); i++) {
		if (gntst[i].value == value)
			return gntst[i].name;
	}
	return "?";
}

void fault_print(FILE *out, const struct fault *fault)
{
	if (fault->kind == FAULT_KILL)
		fprintf(out, "kill@%s", fault->point);
	else
		fputs(kinds[fault->kind].name, out);
	fprintf(out, ":%u%s", fault->nth, fault->on ? "+" : "");
	if (fault->action == FAULT_ERRNO)
		fprintf(out, "=%s", strerrorname_np(fault->value));
	else if (fault->action == FAULT_GNTST)
		fprintf(out, "=%s", gntst_name(fault->value));
	else if (fault->action == FAULT_DELAY)
		fprintf(out, "=delay:%d", fault->value);
	else if (fault->action == FAULT_DROP)
		fprintf(out, "=drop");
}

void fault_list(FILE *out)
{
	fputs("Faults: KIND[:N[+]]=WHAT strikes at the Nth call, with + also at all "
	      "later ones.\n\n",
	      out);
	for (size_t i = 0; i < FAULT_KINDS; i++)
		fprintf(out, "  %-12s%-16s%s\n", kinds[i].name, kinds[i].takes,
		        kinds[i].what);
	fputs("\nPoints of kill@POINT[:N[+]] in the library; a program may have its "
	      "own:\n\n",
	      out);
	for (size_t i = 0; i < array_size(points); i++)
		fprintf(out, "  %-22s%s\n", points[i].name, points[i].what);
	fputs("\nGNTST_*:", out);
	for (size_t i = 0; i < array_size(gntst); i++)
		fprintf(out, "%s%s", i % 3 ? " " : "\n  ", gntst[i].name);
	fputc('\n', out);
}
