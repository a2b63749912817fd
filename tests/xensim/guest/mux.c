/* SPDX-License-Identifier: MIT */
/*
 * Many programs on one XenStore ring.
 *
 * The ring is one connection to xenstored, so request ids and watch tokens of the
 * programs are made unique here, and what a program leaves open is closed for it when it
 * goes.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest.h"

#include <xen/io/xs_wire.h>

#define CLIENT_BACKLOG                                                  \
	(1u << 20) /* bytes not yet taken, then it is not read any more \
	            */

/** struct item - A transaction or a watch that a program has open */
struct item {
	struct item *next;
	uint32_t tx;
	size_t len; /* of a watch's "path\0token\0", the token already with its prefix */
	char watch[];
};

struct client {
	struct client *next;
	uint32_t id;
	int fd; /* -1: gone, kept until its last answer is in */
	uint32_t asked;
	struct buf in, out;
	struct item *txs, *watches;
};

/** struct asked - A request whose answer is to come */
struct asked {
	struct asked *next;
	struct client *client;
	uint32_t id;
	struct xsd_sockmsg hdr;
	struct item *watch;
};

struct mux {
	struct ring *ring;
	int fd;
	uint32_t last_id;
	struct client *clients;
	struct asked *asked;
};

static void *alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		guest_die("out of memory");
	return p;
}

struct mux *mux_new(struct ring *ring, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct mux *mux = alloc(sizeof(*mux));

	mux->ring = ring;
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >=
	    (int)sizeof(addr.sun_path))
		guest_die("%s: too long for a socket", path);
	mux->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	if (mux->fd < 0 || bind(mux->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(mux->fd, 64) < 0)
		guest_die("%s: %s", path, strerror(errno));
	return mux;
}

static struct item **item_find(struct item **list, const char *watch, size_t len,
                               uint32_t tx)
{
	for (; *list; list = &(*list)->next) {
		if ((*list)->tx == tx && (*list)->len == len &&
		    !memcmp((*list)->watch, watch, len))
			break;
	}
	return list;
}

static void item_drop(struct item **at)
{
	struct item *item = *at;

	if (item) {
		*at = item->next;
		free(item);
	}
}

/* ---- Towards xenstored ---- */

static void ask(struct mux *mux, struct client *client, const struct xsd_sockmsg *hdr,
                const void *body, size_t len, struct item *watch)
{
	struct asked *asked = alloc(sizeof(*asked));
	struct xsd_sockmsg out = *hdr;

	asked->client = client;
	asked->hdr = *hdr;
	asked->id = out.req_id = ++mux->last_id;
	asked->watch = watch;
	asked->next = mux->asked;
	mux->asked = asked;
	client->asked++;
	out.len = (uint32_t)len;
	ring_send(mux->ring, &out, sizeof(out));
	ring_send(mux->ring, body, len);
}

static void end_tx(struct mux *mux, struct client *client, uint32_t tx)
{
	ask(mux, client, &(struct xsd_sockmsg){ .type = XS_TRANSACTION_END, .tx_id = tx },
	    "F", 2, NULL);
}

static void end_watch(struct mux *mux, struct client *client, const struct item *item)
{
	ask(mux, client, &(struct xsd_sockmsg){ .type = XS_UNWATCH }, item->watch,
	    item->len, NULL);
}

/* "path\0token\0" with the token made unique; NULL if it is not of that form */
static struct item *watch_item(const struct client *client, const char *body, size_t len)
{
	size_t path = strnlen(body, len) + 1;
	struct item *item;
	int n;

	if (path >= len || body[len - 1])
		return NULL;
	item = alloc(sizeof(*item) + len + 16);
	memcpy(item->watch, body, path);
	n = sprintf(item->watch + path, "%u:%s", client->id, body + path);
	item->len = path + (size_t)n + 1;
	return item;
}

static void request(struct mux *mux, struct client *client, const struct xsd_sockmsg *hdr,
                    const char *body)
{
	bool watch = hdr->type == XS_WATCH || hdr->type == XS_UNWATCH;
	struct item *item = watch ? watch_item(client, body, hdr->len) : NULL;

	if (item)
		ask(mux, client, hdr, item->watch, item->len, item);
	else
		ask(mux, client, hdr, body, hdr->len, NULL);
}

/* ---- Programs ---- */

static void client_close(struct mux *mux, struct client *client)
{
	if (client->fd < 0)
		return;
	close(client->fd);
	client->fd = -1;
	for (struct item *item = client->txs; item; item = item->next)
		end_tx(mux, client, item->tx);
	for (struct item *item = client->watches; item; item = item->next)
		end_watch(mux, client, item);
	while (client->txs)
		item_drop(&client->txs);
	while (client->watches)
		item_drop(&client->watches);
	buf_free(&client->in);
	buf_free(&client->out);
}

static void client_accept(struct mux *mux)
{
	int fd = accept4(mux->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0)
		return;
	client = alloc(sizeof(*client));
	client->fd = fd;
	client->id = ++mux->last_id;
	client->next = mux->clients;
	mux->clients = client;
}

static void client_send(struct mux *mux, struct client *client)
{
	ssize_t n;

	if (client->fd < 0 || !client->out.len)
		return;
	n = send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL);
	if (n > 0)
		buf_drop(&client->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_close(mux, client);
}

static void client_read(struct mux *mux, struct client *client)
{
	struct xsd_sockmsg hdr;
	char chunk[4096];
	ssize_t n = recv(client->fd, chunk, sizeof(chunk), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(mux, client);
		return;
	}
	buf_add(&client->in, chunk, (size_t)n);
	while (client->in.len >= sizeof(hdr)) {
		memcpy(&hdr, client->in.data, sizeof(hdr));
		if (hdr.len > XENSTORE_PAYLOAD_MAX) {
			client_close(mux, client);
			return;
		}
		if (client->in.len < sizeof(hdr) + hdr.len)
			return;
		request(mux, client, &hdr, client->in.data + sizeof(hdr));
		buf_drop(&client->in, sizeof(hdr) + hdr.len);
	}
}

/* ---- From xenstored ---- */

static void pass_on(struct mux *mux, struct client *client, const struct xsd_sockmsg *hdr,
                    const char *body)
{
	if (client->fd < 0)
		return;
	buf_add(&client->out, hdr, sizeof(*hdr));
	buf_add(&client->out, body, hdr->len);
	client_send(mux, client);
}

/* What the program holds after this answer, or must be undone for one that is gone */
static void note(struct mux *mux, struct asked *asked, const struct xsd_sockmsg *hdr,
                 const char *body)
{
	struct client *client = asked->client;
	struct item *item = asked->watch;

	if (hdr->type == XS_TRANSACTION_START) {
		item = alloc(sizeof(*item));
		item->tx = (uint32_t)strtoul(body, NULL, 10);
		if (client->fd >= 0) {
			item->next = client->txs;
			client->txs = item;
			return;
		}
		end_tx(mux, client, item->tx);
	} else if (hdr->type == XS_TRANSACTION_END) {
		item_drop(item_find(&client->txs, "", 0, asked->hdr.tx_id));
	} else if (hdr->type == XS_UNWATCH && item) {
		item_drop(item_find(&client->watches, item->watch, item->len, 0));
	} else if (hdr->type == XS_WATCH && item) {
		if (client->fd >= 0) {
			item->next = client->watches;
			client->watches = item;
			return;
		}
		end_watch(mux, client, item);
	}
	free(item);
}

static void reply(struct mux *mux, struct xsd_sockmsg *hdr, const char *body)
{
	struct asked **at = &mux->asked, *asked;
	struct client *client;

	while (*at && (*at)->id != hdr->req_id)
		at = &(*at)->next;
	asked = *at;
	if (!asked)
		return;
	*at = asked->next;
	client = asked->client;
	client->asked--;
	if (hdr->type == XS_ERROR && asked->hdr.type != XS_TRANSACTION_END)
		free(asked->watch);
	else /* a transaction that ended in an error has ended too */
		note(mux, asked,
		     &(struct xsd_sockmsg){ .type = asked->hdr.type, .len = hdr->len },
		     body);
	hdr->req_id = asked->hdr.req_id;
	pass_on(mux, client, hdr, body);
	free(asked);
}

/* "path\0id:token\0" */
static void watch_event(struct mux *mux, struct xsd_sockmsg *hdr, const char *body)
{
	size_t path = strnlen(body, hdr->len) + 1;
	unsigned int id;
	int prefix = 0;
	char out[XENSTORE_PAYLOAD_MAX + 1];

	if (path >= hdr->len || sscanf(body + path, "%u:%n", &id, &prefix) != 1 ||
	    !prefix)
		return;
	for (struct client *client = mux->clients; client; client = client->next) {
		if (client->id != id)
			continue;
		memcpy(out, body, path);
		memcpy(out + path, body + path + prefix,
		       hdr->len - path - (size_t)prefix);
		hdr->len -= (uint32_t)prefix;
		pass_on(mux, client, hdr, out);
		return;
	}
}

void mux_answers(struct mux *mux)
{
	struct buf *in = &mux->ring->in;
	char body[XENSTORE_PAYLOAD_MAX + 1];
	struct xsd_sockmsg hdr;

	while (in->len >= sizeof(hdr)) {
		memcpy(&hdr, in->data, sizeof(hdr));
		if (hdr.len > XENSTORE_PAYLOAD_MAX)
			guest_die("xenstored sent %u bytes at once", hdr.len);
		if (in->len < sizeof(hdr) + hdr.len)
			return;
		memcpy(body, in->data + sizeof(hdr), hdr.len);
		body[hdr.len] = '\0';
		buf_drop(in, sizeof(hdr) + hdr.len);
		if (hdr.type == XS_WATCH_EVENT)
			watch_event(mux, &hdr, body);
		else
			reply(mux, &hdr, body);
	}
}

/* ---- Polling ---- */

static void clients_sweep(struct mux *mux)
{
	for (struct client **at = &mux->clients, *client; (client = *at);) {
		if (client->fd >= 0 || client->asked) {
			at = &client->next;
			continue;
		}
		*at = client->next;
		free(client);
	}
}

size_t mux_nfds(const struct mux *mux)
{
	size_t n = 1;

	for (const struct client *client = mux->clients; client; client = client->next)
		n++;
	return n;
}

void mux_fds(struct mux *mux, struct pollfd *fds)
{
	*fds++ = (struct pollfd){ .fd = mux->fd, .events = POLLIN };
	for (const struct client *client = mux->clients; client; client = client->next) {
		*fds = (struct pollfd){ .fd = client->fd };
		if (client->out.len < CLIENT_BACKLOG &&
		    mux->ring->out.len < CLIENT_BACKLOG)
			fds->events |= POLLIN;
		if (client->out.len)
			fds->events |= POLLOUT;
		fds++;
	}
}

void mux_ready(struct mux *mux, const struct pollfd *fds, size_t n)
{
	struct client *client = mux->clients;

	for (size_t i = 1; i < n && client; i++, client = client->next) {
		if (client->fd >= 0 && fds[i].revents & POLLOUT)
			client_send(mux, client);
		if (client->fd >= 0 && fds[i].revents & ~POLLOUT)
			client_read(mux, client);
	}
	if (fds[0].revents)
		client_accept(mux);
	clients_sweep(mux);
}
