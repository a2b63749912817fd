/* SPDX-License-Identifier: MIT */
/* pvnet: use a paravirtual network card of this domain from the command line. */
#include "pvnet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static const struct command commands[] = {
	{ "info", "Say what the card is", cmd_info },
	{ "tap", "Make it a network interface of this machine", cmd_tap },
	{ "send", "Send frames that say what they are", cmd_send },
	{ "check", "Check such frames, every byte", cmd_check },
	{ "load", "Send and check frames of all kinds, both ways at once", cmd_load },
	{ "flood", "Send one frame again and again, say how fast", cmd_flood },
	{ "drain", "Receive so many frames, say how fast", cmd_drain },
	{ "dump", "Print what comes, on which queue, with which hash", cmd_dump },
};

int cmd_info(const struct opts *o, struct netfront *nf)
{
	const struct netfront_info *i = netfront_info(nf);

	(void)o;
	printf("address         %02x:%02x:%02x:%02x:%02x:%02x\n"
	       "mtu             %u\n"
	       "backend takes   %s%s%s%s\n"
	       "event channels  %s\n"
	       "queues          %u of %u\n",
	       i->mac[0], i->mac[1], i->mac[2], i->mac[3], i->mac[4], i->mac[5],
	       i->mtu ? i->mtu : 1500, i->sg ? "sg " : "", i->csum6 ? "csum6 " : "",
	       i->gso4 ? "gso4 " : "", i->gso6 ? "gso6" : "", i->split ? "two" : "one",
	       i->queues, i->max_queues);
	return 0;
}

static int device_run(const struct command *cmd, const struct opts *o)
{
	struct netfront_conf conf = o->conf;
	struct netfront *nf;
	int closed, rc;

	conf.wake_fd = wake_fd;
	rc = netfront_open(&nf, o->devid, &conf);
	if (rc)
		return rc == -EPROTO || rc == -EINTR ? rc : -ENODEV;
	rc = cmd->run(o, nf);
	closed = netfront_close(nf);
	return rc ? rc : closed;
}

static void usage(FILE *f)
{
	fprintf(f, "usage: pvnet COMMAND [--device N] [OPTION]...\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(f, "\nSee pvnet(1) for the options.\n");
}

int main(int argc, char **argv)
{
	const struct command *cmd = commands;
	struct opts o;
	int rc;

	log_init("pvnet", LOG_STDERR);
	log_set_level(LOG_LVL_WARN);
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_USAGE : 0;
	}
	while (cmd < commands + ARRAY_SIZE(commands) && strcmp(cmd->name, argv[1]) != 0)
		cmd++;
	if (cmd == commands + ARRAY_SIZE(commands)) {
		log_err(NULL, "there is no command %s", argv[1]);
		return EXIT_USAGE;
	}
	rc = opts_parse(&o, argc - 1, argv + 1);
	if (rc == 1)
		usage(stdout);
	if (rc)
		return rc == 1 ? 0 : EXIT_USAGE;
	rc = tool_signals();
	return tool_status(rc ? rc : device_run(cmd, &o));
}
