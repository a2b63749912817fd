/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *relay_parse(const char *line, enum log_level *level)
{
	const char *name = strstr(line, "] "), *end;
	char word[8];

	*level = LOG_LVL_WARN;
	if (!name || strncmp(line, "pvbackd-worker[", 15) != 0)
		return line;
	name += 2;
	end = strstr(name, ": ");
	if (!end || (size_t)(end - name) >= sizeof(word))
		return line;
	memcpy(word, name, (size_t)(end - name));
	word[end - name] = 0;
	return log_level_parse(word, level) ? line : end + 2;
}

static void relay_line(struct relay *r, const char *line)
{
	size_t tag = strlen(r->tag);
	enum log_level level;
	const char *text = relay_parse(line, &level);

	if (level > log_get_level() || !log_allowed(&r->limit, RELAY_LINES, r->tag))
		return;
	if (strncmp(text, r->tag, tag) == 0 && (text[tag] == ' ' || text[tag] == ':'))
		log_write(level, NULL, "%s", text);
	else
		log_write(level, r->tag, "worker: %s", text);
}

/* Log the whole lines, keep the rest; what does not fit is a line. */
static void relay_lines(struct relay *r)
{
	char *start = r->line, *nl;

	r->line[r->len] = 0;
	while ((nl = memchr(start, '\n', r->len - (size_t)(start - r->line)))) {
		*nl = 0;
		relay_line(r, start);
		start = nl + 1;
	}
	r->len -= (size_t)(start - r->line);
	memmove(r->line, start, r->len);
	if (r->len == sizeof(r->line) - 1) {
		r->line[r->len] = 0;
		relay_line(r, r->line);
		r->len = 0;
	}
}

int relay_read(struct relay *r, int fd)
{
	ssize_t n = read(fd, r->line + r->len, sizeof(r->line) - 1 - r->len);

	if (n > 0) {
		r->len += (size_t)n;
		relay_lines(r);
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (r->len) {
		r->line[r->len] = 0;
		relay_line(r, r->line);
		r->len = 0;
	}
	return -1;
}
