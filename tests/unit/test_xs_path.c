/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "xs_path.h"

#define NO UINT32_MAX

static void paths_are_taken_apart(void **state)
{
	static const struct {
		const char *path;
		enum xs_scope scope;
		uint32_t domid, devid;
		const char *key;
	} row[] = {
		{ "backend/vbd/3/51712", XS_SCOPE_DEVICE, 3, 51712, "" },
		{ "backend/vbd/3/51712/state", XS_SCOPE_DEVICE, 3, 51712, "state" },
		{ "backend/vbd/3/51712/a/b", XS_SCOPE_DEVICE, 3, 51712, "a/b" },
		{ "backend/vbd/3/51712/", XS_SCOPE_DEVICE, 3, 51712, "" },
		{ "backend/vbd/0/0/online", XS_SCOPE_DEVICE, 0, 0, "online" },
		{ "backend/vbd/32751/2147483647", XS_SCOPE_DEVICE, 32751, 2147483647,
		  "" },
		{ "backend/vbd/32752/1", XS_SCOPE_BAD, NO, 1, "" },
		{ "backend/vbd/3/2147483648", XS_SCOPE_BAD, 3, NO, "" },
		{ "backend/vbd/3/4294967296/state", XS_SCOPE_BAD, 3, NO, "state" },
		{ "backend/vbd/03/51712", XS_SCOPE_BAD, NO, 51712, "" },
		{ "backend/vbd/3/051712", XS_SCOPE_BAD, 3, NO, "" },
		{ "backend/vbd/x/51712/state", XS_SCOPE_BAD, NO, 51712, "state" },
		{ "backend/vbd/3/xvda", XS_SCOPE_BAD, 3, NO, "" },
		{ "backend/vbd/-1/51712", XS_SCOPE_BAD, NO, 51712, "" },
		{ "backend/vbd//51712", XS_SCOPE_BAD, NO, 51712, "" },
		{ "backend/vbd/3//state", XS_SCOPE_BAD, 3, NO, "state" },
		{ "backend/vbd/3/000000000000000000001", XS_SCOPE_BAD, 3, NO, "" },
		{ "backend/vbd/3", XS_SCOPE_GUEST, 3, 0, NULL },
		{ "backend/vbd/x", XS_SCOPE_GUEST, NO, 0, NULL },
		{ "backend/vbd", XS_SCOPE_KIND, 0, 0, NULL },
		{ "backend/a-kind-too-long-for-us/3/1", XS_SCOPE_NONE, 0, 0, NULL },
		{ "backend//3/1", XS_SCOPE_NONE, 0, 0, NULL },
		{ "backend", XS_SCOPE_NONE, 0, 0, NULL },
		{ "device/vbd/51712", XS_SCOPE_NONE, 0, 0, NULL },
		{ "/local/domain/0/backend/vbd/3/51712", XS_SCOPE_NONE, 0, 0, NULL },
		{ "@releaseDomain", XS_SCOPE_NONE, 0, 0, NULL },
		{ "", XS_SCOPE_NONE, 0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct xs_path p;

		if (xs_path_parse(row[i].path, &p) != row[i].scope)
			fail_msg("%s", row[i].path);
		if (row[i].scope == XS_SCOPE_NONE)
			continue;
		assert_string_equal(p.kind, "vbd");
		assert_int_equal(p.domid, row[i].domid);
		assert_int_equal(p.devid, row[i].devid);
		if (!row[i].key)
			continue;
		assert_string_equal(p.key, row[i].key);
		assert_true(strncmp(row[i].path, "backend/vbd/", 12) == 0);
		assert_true(row[i].path[p.dir_len] == 0 || row[i].path[p.dir_len] == '/');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
