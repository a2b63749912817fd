# SPDX-License-Identifier: MIT
# One Makefile for the whole tree; `make help` lists the targets.
#
#   make CC=clang     another compiler, in build-clang/
#   make SAN=1        AddressSanitizer and UndefinedBehaviorSanitizer, in build-san/
#   make O=DIR        another build directory
#   make V=1          show the commands

ifeq ($(origin CC),default)
CC := gcc
endif
O       ?= build$(if $(filter clang%,$(CC)),-clang)$(if $(SAN),-san)
PREFIX  ?= /usr/local
DESTDIR ?=
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

sbindir     := $(PREFIX)/sbin
bindir      := $(PREFIX)/bin
libexecdir  := $(PREFIX)/libexec/pvbackd
mandir      := $(PREFIX)/share/man

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	   -Wvla -Wconversion -Wformat=2 -Werror
SANFLAGS := $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all \
	   -fno-omit-frame-pointer)
OPT     ?= -O2
CFLAGS  ?= -g
# Nobody replaces a function of ours: those of a file may call each other directly.
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(OPT) -fPIC -fno-semantic-interposition -pthread \
	   -fno-strict-aliasing $(WARN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

.PHONY: all programs help deps demo torture reattach check check-fast check-xen xen-shell unit contract hostile tree e2e lint tidy \
	format layers bench install deb clean
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PRECIOUS: $(O)/%.o

# ---- What may include what -------------------------------------------------------
# A folder sees the folders named here and no other; tests/layers proves that the table
# is not bypassed.
inc/common              := common
inc/backends/supervisor := common backends backends/supervisor
inc/backends/worker     := common backends backends/worker
inc/backends/blkback    := common backends backends/blkback
inc/backends/netback    := common backends backends/netback
inc/backends/pvbackctl  := common backends/pvbackctl
inc/frontends           := common frontends
inc/frontends/pvblk     := common frontends frontends/pvblk
inc/frontends/pvnet     := common frontends frontends/pvnet
inc/frontends/nbdkit    := common frontends
inc/tests/unit          := common backends backends/supervisor backends/worker \
			   backends/blkback backends/netback backends/pvbackctl frontends tests/points tests/torture tests/unit
inc/tests/contract      := tests/contract
inc/tests/hostile       := common backends/blkback backends/netback tests/hostile
inc/tests/bench         := common backends/blkback backends/netback tests/unit tests/bench

# ---- Sources ---------------------------------------------------------------------
src = $(sort $(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(O)/%.o,$(1))

COMMON   := $(call src,common)
BACKENDS := backends/blkback backends/netback
SUPER    := $(call src,backends/supervisor) $(sort $(wildcard $(BACKENDS:=/*_super.c)))
WORKER   := $(call src,backends/worker) \
	    $(filter-out %_super.c,$(foreach b,$(BACKENDS),$(call src,$(b))))
CTL      := $(call src,backends/pvbackctl)
FRONT    := $(call src,frontends)
JUDGE    := $(addprefix tests/torture/,history.c stamp.c witness.c)
UNIT     := $(sort $(wildcard tests/unit/test_*.c))

# A program is its main.c and archives: the linker takes what is used and nothing else,
# and a program that reaches for a library which is not in its list does not link.
COMMON_A := $(O)/libcommon.a
SUPER_A  := $(O)/libsuper.a
WORKER_A := $(O)/libworker.a
CTL_A    := $(O)/libctl.a
FRONT_A  := $(O)/libfront.a
JUDGE_A  := $(O)/libjudge.a

LIBS_SUPER  := -lxenstore -lxenctrl -levent_core -ljansson
LIBS_WORKER := -lxengnttab -lxenevtchn -levent_core -luring
LIBS_FRONT  := -lxenstore -lxengnttab -lxenevtchn
LIBS_UNIT   := $(LIBS_SUPER) $(LIBS_WORKER) $(LIBS_FRONT) -lcmocka

PROGRAMS := $(if $(wildcard backends/supervisor/main.c),$(O)/pvbackd) \
	    $(if $(wildcard backends/worker/main.c),$(O)/pvbackd-worker) \
	    $(if $(wildcard backends/pvbackctl/main.c),$(O)/pvbackctl) \
	    $(if $(wildcard frontends/pvblk/main.c),$(O)/pvblk) \
	    $(if $(wildcard frontends/pvnet/main.c),$(O)/pvnet) \
	    $(if $(wildcard frontends/nbdkit/*.c),$(O)/nbdkit-pvblk-plugin.so)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT))

all: $(PROGRAMS) ## Build everything

programs: all $(UNIT_TESTS) ## Build everything, with the programs of the tests

help: ## List the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

# ---- Rules -----------------------------------------------------------------------
$(O)/%.o: %.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(addprefix -I,$(inc/$(patsubst %/,%,$(dir $<)))) \
		-MMD -MP -c -o $@ $<

$(O)/%.a: | $(O)/.deps
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(COMMON_A): $(call obj,$(COMMON))
$(SUPER_A): $(call obj,$(filter-out %/main.c,$(SUPER)))
$(WORKER_A): $(call obj,$(filter-out %/main.c,$(WORKER)))
$(CTL_A): $(call obj,$(filter-out %/main.c,$(CTL)))
$(FRONT_A): $(call obj,$(FRONT))
$(JUDGE_A): $(call obj,$(JUDGE))

link = $(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(O)/pvbackd: $(O)/backends/supervisor/main.o $(SUPER_A) $(COMMON_A)
	$(link) $(LIBS_SUPER)

$(O)/pvbackd-worker: $(O)/backends/worker/main.o $(WORKER_A) $(COMMON_A)
	$(link) $(LIBS_WORKER)

$(O)/pvbackctl: $(O)/backends/pvbackctl/main.o $(CTL_A) $(COMMON_A)
	$(link) -ljansson

$(O)/pvblk: $(call obj,$(call src,frontends/pvblk)) $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_FRONT) -lnettle

$(O)/pvnet: $(call obj,$(call src,frontends/pvnet)) $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_FRONT)

# nbdkit has no sanitizer and may hang on its way out with one preloaded: with SAN=1 the
# plugin, and what it shares with the rest, are compiled for it alone, without.
PLUGIN_O := $(if $(SAN),$(O)/plugin,$(O))
plugin    = $(patsubst $(O)/%,$(PLUGIN_O)/%,$(1))

ifdef SAN
$(O)/plugin/%.o: %.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out $(SANFLAGS),$(ALL_CFLAGS)) \
		$(addprefix -I,$(inc/$(patsubst %/,%,$(dir $<)))) -MMD -MP -c -o $@ $<

$(call plugin,$(JUDGE_A)): $(call plugin,$(call obj,$(JUDGE)))
$(call plugin,$(FRONT_A)): $(call plugin,$(call obj,$(FRONT)))
$(call plugin,$(COMMON_A)): $(call plugin,$(call obj,$(COMMON)))
endif

$(O)/nbdkit-pvblk-plugin.so: $(call plugin,$(call obj,$(call src,frontends/nbdkit)) $(FRONT_A) $(COMMON_A))
	$(call say,LD,$@)$(CC) -shared $(filter-out $(SANFLAGS),$(ALL_LDFLAGS)) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_FRONT)

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(SUPER_A) $(WORKER_A) $(CTL_A) $(JUDGE_A) $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_UNIT)

# ---- Contract tests (tests/contract) -----------------------------------------------
# What Xen promises, against its public headers alone: they run on xensim and on real Xen.
CONTRACT   := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/contract/test_*.c)))
CONTRACT_A := $(O)/libcontract.a
AGENT      := $(O)/tests/contract/contract-agent
LOADS      := $(addprefix $(O)/tests/contract/,churn crowd calls)
LIBS_XEN   := -lxenevtchn -lxengnttab -lxenctrl -lxenstore -lxentoolcore

programs: $(CONTRACT) $(AGENT) $(LOADS)

$(CONTRACT_A): $(call obj,tests/contract/ct.c tests/contract/peer.c)

$(CONTRACT): %: %.o $(CONTRACT_A)
	$(link) $(LIBS_XEN) -lcmocka

$(AGENT): $(call obj,$(sort $(wildcard tests/contract/agent*.c)))
	$(link) $(LIBS_XEN)

$(LOADS): %: %.o $(CONTRACT_A)
	$(link) $(LIBS_XEN)

# ---- Hostile guests (tests/hostile) -------------------------------------------------
HOSTILE := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/hostile/test_*.c)))

programs: $(HOSTILE)

$(HOSTILE): %: %.o $(addprefix $(O)/tests/hostile/,rig.o disk.o nic.o ctrl.o) $(COMMON_A)
	$(link) -lxengnttab -lxenevtchn -lcmocka

# ---- For the bench (tests/bench) -----------------------------------------------------
# A vhost-user-blk client to load a peer with; a ring to count instructions with, whose
# grants are its own.
BENCH_BIN := $(addprefix $(O)/tests/bench/,vublk turns tapbench net_turns)

$(O)/tests/bench/vublk: $(call obj,tests/bench/vublk.c tests/bench/vhost_user.c) $(COMMON_A)
	$(link)

$(O)/tests/bench/tapbench: $(O)/tests/bench/tapbench.o
	$(link)

$(O)/tests/bench/turns $(O)/tests/bench/net_turns: %: %.o $(WORKER_A) $(COMMON_A)
	$(link) $(LIBS_WORKER)

# ---- Conformance (tests/conform) ----------------------------------------------------
# The project's frontend against any backend, in all the ways there are to connect.
inc/tests/conform := common frontends tests/conform
CONFORM := $(O)/tests/conform/conform

programs: $(CONFORM)

$(CONFORM): $(call obj,$(call src,tests/conform)) $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_FRONT)

# ---- Torture (tests/torture) --------------------------------------------------------
# A guest that judges each answer, and storage that forgets what was not flushed and sees
# in which order it was written. nbdkit has no sanitizer: see the plugin above.
inc/tests/torture := common frontends tests/torture
TORTURE := $(addprefix $(O)/tests/torture/,torture killer gap) $(O)/nbdkit-witness-plugin.so

programs: $(TORTURE)

$(O)/tests/torture/torture: $(call obj,tests/torture/main.c tests/torture/drive.c) $(JUDGE_A) $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_FRONT)

$(O)/tests/torture/gap: $(O)/tests/torture/gap.o $(FRONT_A) $(COMMON_A)
	$(link) $(LIBS_FRONT)

$(O)/tests/torture/killer: $(call obj,tests/torture/killer.c) $(COMMON_A)
	$(link)

$(O)/nbdkit-witness-plugin.so: $(call plugin,$(call obj,tests/torture/storage.c) $(JUDGE_A) $(FRONT_A) $(COMMON_A))
	$(call say,LD,$@)$(CC) -shared $(filter-out $(SANFLAGS),$(ALL_LDFLAGS)) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group

# ---- Another version (tests/e2e/upgrade.sh) -------------------------------------------
# The two programs as they would be if they spoke other messages.
OTHER := $(addprefix $(O)/tests/other/,pvbackd pvbackd-worker)

programs: $(OTHER)

$(O)/tests/other/%.o: %.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -DMSG_VERSION=99 \
		$(addprefix -I,$(inc/$(patsubst %/,%,$(dir $<)))) -MMD -MP -c -o $@ $<

$(O)/tests/other/pvbackd: $(O)/backends/supervisor/main.o \
		$(addprefix $(O)/tests/other/backends/supervisor/,guest.o gworker.o) $(SUPER_A) $(COMMON_A)
	$(link) $(LIBS_SUPER)

$(O)/tests/other/pvbackd-worker: $(O)/backends/worker/main.o \
		$(O)/tests/other/backends/worker/wdevs.o $(WORKER_A) $(COMMON_A)
	$(link) $(LIBS_WORKER)

# ---- A worker, and a pvbackd, that die where they are told, and whose clock on the wall
# jumps (tests/points) ------------------------------------------------------------------
inc/tests/points := common backends/blkback backends/supervisor tests/points
POINTS := $(O)/points/pvbackd-worker $(O)/points/pvbackd $(O)/tests/points/aim
SUPER_POINTS_C := backends/supervisor/main.c tests/points/superdie.c tests/points/jump.c \
		  $(addprefix backends/supervisor/,device.c dev_kept.c guest.c)
POINTS_C := backends/worker/main.c tests/points/die.c tests/points/jump.c \
	    $(filter-out %_super.c,$(call src,backends/blkback))

programs: $(POINTS)

$(O)/points/%.o: %.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -DBLK_POINTS -DDEV_POINTS $(addprefix -I,$(inc/$(patsubst %/,%,$(dir $<)))) \
		-MMD -MP -c -o $@ $<

$(O)/points/pvbackd-worker: $(patsubst %.c,$(O)/points/%.o,$(POINTS_C)) $(WORKER_A) $(COMMON_A)
	$(link) $(LIBS_WORKER)

$(O)/points/pvbackd: $(patsubst %.c,$(O)/points/%.o,$(SUPER_POINTS_C)) $(SUPER_A) $(COMMON_A)
	$(link) $(LIBS_SUPER)

$(O)/tests/points/aim: $(O)/tests/points/aim.o $(COMMON_A)
	$(link)

# ---- xensim (tests/xensim) ---------------------------------------------------------
# One library under four names. Programs without sanitizers load it too, so it and what it
# shares with the rest are compiled for it alone, without.
XENSIM_NAMES := xenevtchn xengnttab xencall xenforeignmemory
XENSIM     := $(addprefix $(O)/xensim/,xensim xensimd xensim-guest) $(addprefix $(O)/xensim/lib/, \
	      libxensim.so $(patsubst %,lib%.so.1,$(XENSIM_NAMES)))
XENSIM_SO  := $(patsubst tests/xensim/%.c,$(O)/tests/xensim/so/%.o,$(call src,tests/xensim/lib) \
	      $(patsubst %,tests/xensim/%.c,fault hmap rpc procs))
inc/tests/xensim := tests/xensim
$(foreach d,lib broker guest cli,$(eval inc/tests/xensim/$(d) := tests/xensim tests/xensim/$(d)))

all: $(XENSIM)

$(O)/tests/xensim/so/%.o: tests/xensim/%.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out $(SANFLAGS),$(ALL_CFLAGS)) -Itests/xensim -Itests/xensim/lib \
		-MMD -MP -c -o $@ $<

$(O)/xensim/lib/libxensim.so: $(XENSIM_SO) tests/xensim/lib/libxensim.map
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -shared $(filter-out $(SANFLAGS),$(ALL_LDFLAGS)) -o $@ $(XENSIM_SO) \
		-Wl,--version-script=tests/xensim/lib/libxensim.map -lxentoolcore

$(O)/xensim/lib/%.so.1: $(O)/xensim/lib/libxensim.so
	@ln -sf $(<F) $@

$(O)/xensim/xensimd: $(call obj,$(call src,tests/xensim/broker) $(patsubst %,tests/xensim/%.c,fault hmap procs))
$(O)/xensim/xensim-guest: $(call obj,$(call src,tests/xensim/guest) $(patsubst %,tests/xensim/%.c,env rpc procs))
$(O)/xensim/xensim: $(call obj,$(call src,tests/xensim/cli) $(patsubst %,tests/xensim/%.c,env fault rpc procs))
$(O)/xensim/xensim $(O)/xensim/xensim-guest: XENSIM_LIBS := -lxenstore -lxenevtchn
$(O)/xensim/xensim $(O)/xensim/xensimd $(O)/xensim/xensim-guest:
	@mkdir -p $(@D)
	$(link) $(XENSIM_LIBS)

# ---- Packages --------------------------------------------------------------------
# Debian 12 packages; README.md says what each is for.
PACKAGES := build-essential pkg-config libxen-dev xen-utils-4.17 xenstore-utils libevent-dev \
	    libcmocka-dev liburing-dev libjansson-dev nettle-dev nbdkit nbdkit-plugin-dev libnbd-bin e2fsprogs iproute2 jq \
	    iperf3 iputils-ping tcpdump
CHECK_PACKAGES := clang clang-format clang-tidy cppcheck shellcheck mandoc fio qemu-utils \
	    qemu-system-common python3 ethtool valgrind tshark sshfs openssh-sftp-server

deps: ## Install the Debian packages that are missing (needs root)
	$(Q)tests/deps $(PACKAGES) $(CHECK_PACKAGES)

$(O)/.deps: Makefile tests/deps
	@tests/deps $(PACKAGES)
	@mkdir -p $(O) && touch $@

$(O)/.deps-check: Makefile tests/deps | $(O)/.deps
	@tests/deps $(PACKAGES) $(CHECK_PACKAGES)
	@touch $@

# ---- Tests -----------------------------------------------------------------------
# JOBS tests run side by side. E2E names the scenarios to run, by default all.
JOBS    ?= 4
SCRIPTS := $(filter-out %/lib.sh %/net-lib.sh,$(sort $(wildcard tests/e2e/*.sh)))
E2E     ?= $(SCRIPTS)
XENSIM_TESTS := $(filter-out %/lib.sh,$(sort $(wildcard tests/xensim/t/*.sh)))
SMOKE   := tests/e2e/attach.sh tests/e2e/scripts.sh
TIDY    := $(patsubst %.c,$(O)/tidy/%.ok,$(shell find backends common frontends tests -name '*.c' 2>/dev/null))

export BUILD = $(abspath $(O))

demo: all ## A disk from image to guest and back, and a network, step by step
	$(Q)tests/demo

check: ## Everything that needs no Xen: gcc, clang, sanitizers; ten minutes
	$(Q)tests/check

check-fast: all layers lint unit ## Unit tests, layer rules, linters and a smoke test: a minute
	$(Q)tests/run $(SMOKE)

unit: $(UNIT_TESTS) ## Unit tests
	$(Q)tests/run $(UNIT_TESTS)

contract: all $(CONTRACT) $(AGENT) $(LOADS) ## What Xen promises, asked of xensim; what xensim promises
	$(Q)tests/run -j $(JOBS) tests/contract/on-xensim $(XENSIM_TESTS)

hostile: all $(HOSTILE) ## Guests that lie, around the real worker
	$(Q)tests/run -j $(JOBS) -w tests/hostile/on-xensim $(HOSTILE)

tree: all $(UNIT_TESTS) $(BENCH_BIN) ## Tests of the tree: layers, install, manuals
	$(Q)tests/run $(sort $(wildcard tests/tree/*.sh tests/bench/test_*))

e2e: all $(CONFORM) $(TORTURE) $(OTHER) $(POINTS) ## Scenarios on a simulated host; E2E=tests/e2e/NAME.sh for one
	$(Q)tests/run -j $(JOBS) $(E2E)

torture: all $(TORTURE) $(POINTS) ## Kill workers and pvbackd under load, KILLS=10000 times; half an hour
	$(Q)KILLS=$${KILLS:-10000} tests/e2e/torture.sh

layers: all $(UNIT_TESTS) ## Who includes and links what, against the rules
	$(Q)tests/layers $(O)

lint: tidy ## Format and static analysis, reported by file
	$(Q)tests/lint

tidy: $(TIDY) ## clang-tidy for what has changed

$(O)/tidy/%.ok: %.c .clang-tidy $(shell find backends common frontends tests -name '*.h' 2>/dev/null) | $(O)/.deps-check
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- -std=gnu17 -D_GNU_SOURCE \
		$(addprefix -I,$(inc/$(patsubst %/,%,$(dir $<)))) 2>$@.log || { cat $@.log; false; }
	@touch $@

format: ## Rewrite the sources in the project's layout
	$(Q)git ls-files '*.c' '*.h' | xargs -r clang-format -i

# ---- Installation ----------------------------------------------------------------
# pvbackd and the vbd-* and vif-* scripts look for what they need beside themselves, then in
# ../libexec/pvbackd.
nbdkitdir := $(PREFIX)/lib/nbdkit/plugins
xensimdir := $(PREFIX)/lib/xensim
MAN       := $(wildcard docs/man/*.[1-8])
put        = install -D -m $(1) -t $(DESTDIR)$(2) $(3)

install: all ## Install below PREFIX; DESTDIR for packages
	$(Q)$(call put,755,$(sbindir),$(O)/pvbackd $(O)/pvbackctl $(addprefix xenstore-scripts/vbd-,attach detach list) \
		$(addprefix xenstore-scripts/vif-,attach detach))
	$(Q)$(call put,755,$(libexecdir),$(O)/pvbackd-worker)
	$(Q)$(call put,644,$(libexecdir),xenstore-scripts/vbd-common.sh xenstore-scripts/vif-common.sh)
	$(Q)test -e $(DESTDIR)/etc/xen/pvbackd.conf || \
		$(call put,644,/etc/xen,xenstore-scripts/pvbackd.conf)
	$(Q)$(call put,755,$(bindir),$(O)/pvblk $(O)/pvnet)
	$(Q)$(call put,755,$(nbdkitdir),$(O)/nbdkit-pvblk-plugin.so)
	$(Q)$(call put,755,$(bindir),$(O)/xensim/xensim)
	$(Q)$(call put,755,$(xensimdir),$(addprefix $(O)/xensim/,xensimd xensim-guest))
	$(Q)$(call put,644,$(xensimdir),$(O)/xensim/lib/libxensim.so)
	$(Q)for l in $(XENSIM_NAMES); do ln -sf libxensim.so $(DESTDIR)$(xensimdir)/lib$$l.so.1; done
	$(Q)$(foreach n,1 5 8,$(call put,644,$(mandir)/man$(n),$(filter %.$(n),$(MAN)));)
	$(Q)ln -sf vbd-attach.8 $(DESTDIR)$(mandir)/man8/vbd-detach.8
	$(Q)ln -sf vbd-attach.8 $(DESTDIR)$(mandir)/man8/vbd-list.8
	$(Q)ln -sf vif-attach.8 $(DESTDIR)$(mandir)/man8/vif-detach.8
	$(Q)$(call put,644,$(PREFIX)/share/bash-completion/completions,xenstore-scripts/bash-completion/pvbackctl)
	$(Q)$(call put,644,$(PREFIX)/lib/modprobe.d,xenstore-scripts/modprobe.d/pvbackd.conf)
	$(Q)$(call put,644,$(PREFIX)/lib/systemd/system,xenstore-scripts/systemd/pvbackd.service)
	$(Q)sed -i 's|@sbindir@|$(sbindir)|' $(DESTDIR)$(PREFIX)/lib/systemd/system/pvbackd.service

deb: all ## A Debian package, in the build directory
	$(Q)xenstore-scripts/deb/mkdeb $(O)

# ---- Real Xen (tests/xen) ----------------------------------------------------------
# The machine is made of Debian packages that are unpacked, not installed, in a cache
# outside the tree: XEN_CACHE. ICOUNT=1 counts virtual time, so that figures repeat.
# XEN_ROOT is laid over dom0's disk: what a user has after make install, and the contract
# tests. Libraries are the packages' own.
XEN_ROOT := $(O)/xen-root
XEN_BIN  := $(O)/tests/xen/xdp

programs: $(XEN_BIN)

$(XEN_BIN): %: %.o
	$(link)

$(XEN_ROOT): all $(CONTRACT) $(AGENT) $(XEN_BIN)
	$(Q)rm -rf $@
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(abspath $@) PREFIX=/usr
	$(Q)install -D -t $@/usr/lib/contract $(CONTRACT) $(AGENT)
	$(Q)install -D -t $@/usr/lib/tests $(XEN_BIN)

check-xen: $(XEN_ROOT) ## Boot Xen and dom0 under emulation, run tests/xen/jobs; JOB=NAME runs one
	$(Q)XEN_ROOT=$< XEN_DEB=$$(xenstore-scripts/deb/mkdeb $(O)) tests/xen/run $(JOB)

xen-shell: $(XEN_ROOT) ## A shell in that dom0
	$(Q)XEN_ROOT=$< tests/xen/run --shell

# ---- Performance (tests/bench) -----------------------------------------------------
# QUICK=1 is a look whether it runs; DOCS=1 puts the figures into docs/performance.*; BENCH
# holds more arguments, tests/bench/bench --help.
bench: all $(BENCH_BIN) | $(O)/.deps-check ## Compare with what a user would pick instead: nine minutes
	$(Q)tests/bench/bench $(if $(QUICK),--quick) $(if $(DOCS),--docs) --json $(O)/bench.json $(BENCH)

reattach: all $(TORTURE) | $(O)/.deps-check ## How long a guest waits whose worker is killed; DOCS=1 for the page
	$(Q)tests/bench/reattach $(if $(DOCS),--docs)

clean: ## Remove the build directories
	rm -rf build build-*

-include $(shell find $(O) -name '*.d' -type f 2>/dev/null)
