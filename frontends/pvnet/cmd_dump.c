/* SPDX-License-Identifier: MIT */
/* pvnet dump: what comes, and where: a line of JSON for each frame. */
#include <errno.h>
#include <stdio.h>

#include "pvnet.h"

/* Bytes of a frame that are printed: all headers that a hash may be of. */
#define HEAD 96U

static void print(uint32_t queue, const struct netfront_meta *m, const uint8_t *frame,
                  uint32_t len)
{
	printf("{\"queue\":%u,\"length\":%u,", queue, len);
	if (m->hashed)
		printf("\"hash_type\":%u,\"hash\":%u,", m->hash_type, m->hash);
	printf("\"head\":\"");
	for (uint32_t i = 0; i < len && i < HEAD; i++)
		printf("%02x", frame[i]);
	printf("\"}\n");
}

/* Return: frames, or -errno. */
static int dump_queue(struct netfront *nf, uint32_t i)
{
	static uint8_t frame[NETFRONT_FRAME_MAX];
	struct netfront_queue *q = netfront_queue(nf, i);
	struct netfront_meta m;
	int len, n = 0;

	while ((len = netfront_recv(q, &m, frame)) > 0) {
		print(i, &m, frame, (uint32_t)len);
		n++;
	}
	netfront_kick(q);
	return len < 0 ? len : n;
}

int cmd_dump(const struct opts *o, struct netfront *nf)
{
	struct pollfd none = { .fd = -1 };
	uint32_t frames = 0;
	int rc = 0;

	fprintf(stderr, "ready\n");
	while (!rc && frames < o->count) {
		for (uint32_t i = 0; !rc && i < netfront_info(nf)->queues; i++) {
			int n = dump_queue(nf, i);

			if (n < 0)
				rc = n;
			else
				frames += (uint32_t)n;
		}
		fflush(stdout);
		if (!rc && frames < o->count)
			rc = netfront_wait(nf, &none, (int)o->idle_ms);
	}
	return rc == -ETIMEDOUT && frames ? 0 : rc > 0 ? -EINTR : rc;
}
