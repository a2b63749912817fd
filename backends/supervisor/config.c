/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "registry.h"

static int printf_like(2, 3) refuse(struct config_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Beside this program, as in a build directory, else where `make install` puts it. */
static char *worker_default(void)
{
	char self[PATH_MAX] = "", *path = NULL;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return strdup("pvbackd-worker");
	dirname(self);
	if (asprintf(&path, "%s/pvbackd-worker", self) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return asprintf(&path, "%s/../libexec/pvbackd/pvbackd-worker", self) < 0 ? NULL
	                                                                         : path;
}

int config_init(struct config *c)
{
	*c = (struct config){ .log_level = LOG_LVL_INFO };
	c->worker = worker_default();
	c->run_dir = strdup("/run/pvbackd");
	for (int i = 0; registry[i]; i++)
		c->kinds |= 1U << i;
	if (c->worker && c->run_dir)
		return 0;
	config_free(c);
	return -ENOMEM;
}

void config_free(struct config *c)
{
	free(c->worker);
	free(c->run_dir);
	*c = (struct config){ 0 };
}

static int set_log_level(struct config *c, const char *value, struct config_error *err)
{
	if (log_level_parse(value, &c->log_level))
		return refuse(err,
		              "log-level is \"%s\", it must be err, warn, info or debug",
		              value);
	return 0;
}

static int set_kinds(struct config *c, const char *value, struct config_error *err)
{
	unsigned int kinds = 0;

	while (*value) {
		size_t len = strcspn(value, ", ");
		int i = registry_find(value, len);

		if (len && i < 0)
			return refuse(err, "kinds has \"%.*s\", which no backend serves",
			              (int)len, value);
		if (len)
			kinds |= 1U << i;
		value += len;
		value += strspn(value, ", ");
	}
	if (!kinds)
		return refuse(err, "kinds is empty, it must name one at least");
	c->kinds = kinds;
	return 0;
}

static int set_path(char **where, const char *key, const char *value,
                    struct config_error *err)
{
	char *copy;

	if (value[0] != '/')
		return refuse(err, "%s is \"%s\", it must be an absolute path", key,
		              value);
	copy = strdup(value);
	if (!copy)
		return refuse(err, "%s: out of memory", key);
	free(*where);
	*where = copy;
	return 0;
}

static int set_worker(struct config *c, const char *value, struct config_error *err)
{
	return set_path(&c->worker, "worker", value, err);
}

static int set_run_dir(struct config *c, const char *value, struct config_error *err)
{
	return set_path(&c->run_dir, "run-dir", value, err);
}

static const struct {
	const char *key;
	int (*set)(struct config *c, const char *value, struct config_error *err);
} settings[] = {
	{ "log-level", set_log_level },
	{ "kinds", set_kinds },
	{ "worker", set_worker },
	{ "run-dir", set_run_dir },
};

static int set_of_backend(const char *key, const char *value, struct config_error *err)
{
	const char *dot = strchr(key, '.'), *want = "";
	const struct super_backend *b;
	int rc = dot ? registry_find(key, (size_t)(dot - key)) : -ENOENT;

	b = rc < 0 ? NULL : registry[rc];
	rc = b && b->configure ? b->configure(dot + 1, value, &want) : -ENOENT;
	if (rc == -ENOENT)
		return refuse(err, "there is no setting \"%s\"", key);
	if (rc)
		return refuse(err, "%s is \"%s\", it must be %s", key, value, want);
	return 0;
}

int config_set(struct config *c, const char *key, const char *value,
               struct config_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].set(c, value, err);
	return set_of_backend(key, value, err);
}

void config_done(bool take)
{
	for (int i = 0; registry[i]; i++)
		if (registry[i]->configured)
			registry[i]->configured(take);
}

static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = 0;
	return s;
}

static int read_line(struct config *c, char *line, struct config_error *err)
{
	char *key = trim(line), *value;

	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return refuse(err, "\"%.60s\" is not \"key = value\"", key);
	*value++ = 0;
	return config_set(c, trim(key), trim(value), err);
}

int config_read(struct config *c, const char *file, struct config_error *err)
{
	FILE *f = fopen(file, "re");
	autofree char *line = NULL;
	struct config_error what;
	size_t size = 0;
	int rc = 0;

	if (!f) {
		rc = -errno;
		return rc == -ENOENT ? rc : refuse(err, "%s: %m", file);
	}
	for (unsigned int n = 1; !rc && getline(&line, &size, f) >= 0; n++) {
		rc = read_line(c, line, &what);
		if (rc)
			refuse(err, "%.200s:%u: %.280s", file, n, what.text);
	}
	if (!rc && ferror(f))
		rc = refuse(err, "%s: cannot be read: %m", file);
	fclose(f);
	return rc;
}
