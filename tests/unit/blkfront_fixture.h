/* SPDX-License-Identifier: MIT */
/* A block frontend in the world of fake_xen.h: set up and taken down for each test. */
#ifndef PVB_BLKFRONT_FIXTURE_H
#define PVB_BLKFRONT_FIXTURE_H

#include "blkfront.h"
#include "fake_xen.h"
#include "log.h"

#define TIMEOUT 20

static struct blkfront *bf;
static struct blkfront_conf conf;

static int begin(void **state)
{
	(void)state;
	log_set_level(LOG_LVL_ERR);
	fake_begin();
	bf = NULL;
	conf = BLKFRONT_DEFAULTS;
	conf.timeout_ms = TIMEOUT;
	return 0;
}

static int end(void **state)
{
	(void)state;
	blkfront_close(bf);
	assert_int_equal(fake.shared, 0);
	assert_int_equal(fake.handles, 0);
	return 0;
}

static int open_disk(void)
{
	return blkfront_open(&bf, 51712, &conf);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
