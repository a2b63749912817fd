# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What jobs are written with. A job is a bash script that runs in dom0, in /run/job (a
# tmpfs, empty at its start); $OUT is its directory on the host.
#
#   try "what must hold" COMMAND...     one test: a command that must succeed
#   wait_for SECONDS COMMAND...         until it succeeds; fails at the end of the time
#
# The first test that fails ends the job: what comes after would only repeat it.
set -u
OUT=${OUT:-/run} tests=0

uptime() { cut -d' ' -f1 /proc/uptime; }
say() { echo "[$(uptime)] $*"; }

try() {
	local what=$1 rc
	shift
	tests=$((tests + 1))
	say "try: $*"
	"$@"
	rc=$?
	if [ "$rc" -eq 0 ]; then
		say "ok $tests - $what"
		echo "ok $tests - $what" >>/out/events
	else
		say "not ok $tests - $what (exit $rc)"
		echo "not ok $tests - $what" >>/out/events
		exit 1
	fi
}
skip() { echo "$*"; echo "skip $*" >>/out/events; exit 77; }
not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

wait_for() {
	local end=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ] || { echo "no: $*"; return 1; }
		sleep 0.2
	done
}

# ---- Guests ------------------------------------------------------------------------
# guest NAME 'DISK' ... [<<JOB] - write the config of a guest that runs the job, if there is
# one, and then listens to guest_run: NAME.cfg.
# Variables: type (pv), kernel, memory (MB), vcpus, extra (for the kernel's command line),
# files (of dom0, to be put into the guest).
guest() {
	local name=$1 dir disk disks=
	shift
	dir=$(mktemp -d /run/job/guest.XXXXXX)
	cat >"$dir/job"
	[ -s "$dir/job" ] || rm "$dir/job"
	for f in ${files:-}; do guest_file "$dir" "$f"; done
	(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null) |
		cat /host/guest.cpio - >"/run/job/$name.cpio"
	rm -r "$dir"
	for disk; do disks+="${disks:+, }'$disk'"; done
	cat >"$name.cfg" <<-END
		name = "$name"
		type = "${type:-pv}"
		kernel = "${kernel:-/boot/vmlinux}"
		ramdisk = "/run/job/$name.cpio"
		memory = ${memory:-192}
		vcpus = ${vcpus:-1}
		extra = "console=hvc0 quiet loglevel=5 mitigations=off audit=0 ${extra:-}"
		disk = [ $disks ]
	END
}

# guest_file DIR FILE - a file of dom0 and the libraries it needs, to DIR.
guest_file() {
	local f
	for f in "$2" $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$1${f%/*}"
		cp -L "$f" "$1$f"
	done
}

console() { cat "/var/log/xen/console/guest-$1.log" 2>/dev/null; }
# guest_said NAME TEXT - it wrote the line "GUEST: TEXT".
guest_said() { console "$1" | tr -d '\r' | grep -q "^GUEST: $2"; }
guest_value() { console "$1" | tr -d '\r' | sed -n "s/^GUEST: $2 //p" | tail -n 1; }
# guest_done NAME SECONDS - its job ends, and ends well.
guest_done() {
	wait_for "$2" guest_said "$1" "job ended with" && guest_said "$1" "job ended with 0"
}

# guest_up NAME - xl create; it runs, and its frontends did not have to wait for their backend.
guest_up() {
	try "xl create $1" xl_quick create "$1.cfg"
	try "guest $1 runs" guest_listens "$1"
	try "its disks were there at once" frontend_quick "$1"
}
# Linux's frontend lets nobody go on before each disk is Connected. Its own patience ends
# after 5 s.
frontend_quick() {
	awk -v t="$(guest_value "$1" "disks .* after")" -v p="$(pace)" 'BEGIN {
		print "disks were Connected after " t " s, pace " p
		exit !(t < 4 * p)
	}'
}
guest_listens() { wait_for "${2:-240}" guest_said "$1" listens; }

# guest_run NAME COMMAND - run it (up to 3000 characters) in the guest and print what it prints. Variable: within
# (seconds, 200).
guest_run() {
	local id=${EPOCHREALTIME/./} rc
	printf '%s %s\n' "$id" "$(base64 -w0 <<<"$2")" >"$(xenstore-read "/local/domain/$(xl domid "$1")/console/tty")"
	wait_for "${within:-200}" guest_said "$1" "end $id" || return
	console "$1" | tr -d '\r' | awk -v id="$id" '
		$0 == "GUEST: begin " id { on = 1; next }
		$1 " " $2 " " $3 == "GUEST: end " id { exit }
		on'
	rc=$(guest_value "$1" "end $id")
	return "$rc"
}

# Commands for guest_run: a tree of files here; a hash of all their names and contents.
# shellcheck disable=SC2034,SC2016 # for jobs
tree='for d in 1 2 3 4 5 6; do
	mkdir -p d$d/sub || exit
	for f in 1 2 3 4 5; do head -c $((d * f * f * 997)) /dev/urandom >d$d/sub/f$f || exit; done
	ln d$d/sub/f1 d$d/link
done
sync'
# shellcheck disable=SC2034
tree_hash='find . -type f | sort | xargs sha256sum | sha256sum'
# has_disk DEV - wait in the guest until it is there.
has_disk() { echo "until [ -b /dev/$1 ]; do usleep 100000; done"; }

# start_io NAME DEV - the guest reads and writes its disk, 4 MB again and again, each time
# other data, and compares; stop_io NAME ends that and says whether all was right.
start_io() {
	guest_run "$1" "{
		n=0
		while [ ! -e /tmp/io.stop ]; do
			yes \$n | head -c 4194304 >/tmp/io.data
			dd if=/tmp/io.data of=/dev/$2 bs=64k conv=fsync 2>/dev/null &&
				echo 3 >/proc/sys/vm/drop_caches &&
				head -c 4194304 /dev/$2 | cmp - /tmp/io.data || break
			n=\$((n + 1))
			echo \$n >/tmp/io.rounds
		done
		[ -e /tmp/io.stop ]; echo \$? >/tmp/io.status
	} >/dev/console 2>&1 &
	until [ -e /tmp/io.rounds ]; do usleep 100000; done" 
}
stop_io() {
	guest_run "$1" 'touch /tmp/io.stop
		until [ -e /tmp/io.status ]; do usleep 100000; done
		echo "rounds of I/O: $(cat /tmp/io.rounds)"
		status=$(cat /tmp/io.status); rm /tmp/io.*; exit $status'
}

guest_gone() { ! xl domid "$1" >/dev/null 2>&1; }

# ---- pvbackd -----------------------------------------------------------------------
# start_pvbackd [OPTION...] - as a service manager does, with Type=notify.
start_pvbackd() {
	socat -u UNIX-RECV:/run/job/notify CREATE:/run/job/notified &
	local socat=$!
	wait_for 20 test -S notify
	NOTIFY_SOCKET=/run/job/notify pvbackd --foreground --log-level debug "$@" 2>>pvbackd.log &
	pvbackd=$!
	try "pvbackd is ready" wait_for 30 grep -q READY=1 notified
	kill $socat
	rm -f notify notified
	: "${held:=$(pvbackd_holds)}"
}
stop_pvbackd() {
	kill "$pvbackd"
	wait "$pvbackd"
}
# What pvbackd has when there is no guest: open files, workers; dom0's ends of event channels,
# and loop devices that the block script made for files.
pvbackd_holds() {
	echo "files $(find "/proc/$pvbackd/fd" -type l | wc -l)," \
		"workers $(pgrep -c pvbackd-worker)," \
		"event channels $(lsevtchn 0 | grep -c 'Interdomain')," \
		"loops $(losetup -ln | wc -l)"
}
idle() { equal "$(pvbackd_holds)" "$held"; }

# nothing_left - when the last guest is gone. A domain whose pages are still mapped stays in
# the list as a zombie.
nothing_left() {
	try "no domain is left" wait_for 60 only_dom0
	try "pvbackd holds what it held before" wait_for 30 idle
	try "XenStore has nothing of guests" wait_for 5 no_directories
	try "xl never waited in vain" xl_never_waited
}
only_dom0() { equal "$(xl list | awk 'NR > 1 { print $1 }')" Domain-0; }
no_directories() {
	not grep -E '^(/local/domain/0/(backend|error|device)/|/libxl/[1-9]|/local/domain/[1-9])' \
		<(xenstore-ls -f)
}

# ---- xl ----------------------------------------------------------------------------
# xl_quick COMMAND... - xl with its whole log in xl.log; fails if xl fails or if one of the
# waits of libxl ran into its end.
xl_quick() {
	local rc from=1
	[ ! -e xl.log ] || from=$(($(wc -l <xl.log) + 1))
	say "xl $*" >>xl.log
	xl -T -vvv "$@" >>xl.log 2>&1
	rc=$?
	[ $rc -eq 0 ] || { tail -n +"$from" xl.log | tail -n 20; return $rc; }
	not waits <(tail -n +"$from" xl.log)
}
# What libxl says when a backend did not answer in time, or a script failed.
waits() {
	grep -iE 'timed out|timeout|unable to (add|remove)|hotplug.*error' "$1" |
		grep -vE 'timeout (set|register|deregister|modify)|register.*timeout|_timeout_'
}
# The xl that stays to watch over a guest destroys it in the end, with a log of its own.
xl_never_waited() {
	local log
	for log in /var/log/xen/xl-*.log; do
		[ ! -e "$log" ] || not waits "$log" || return
	done
}

devid() { echo $((202 << 8 | ($(printf %d "'${1#xvd}") - 97) << 4)); }
# state_of NAME DEV - of backend and frontend
state_of() {
	local id
	id=$(xl domid "$1")
	xenstore-read "/local/domain/0/backend/vbd/$id/$(devid "$2")/state" \
		"/local/domain/$id/device/vbd/$(devid "$2")/state" | xargs
}
# states DEV - those that the backend went through, by pvbackd's log
states() { sed -n "s/.* vbd-$(devid "$1"): [A-Z][A-Za-z]* -> //p" pvbackd.log | xargs; }

# pace - how many times longer than on an idle machine it takes to start programs just now,
# at least 1. Scripts and xl do little else.
pace() {
	local from=${EPOCHREALTIME/./} _
	for _ in {1..20}; do /bin/true; done
	awk -v us=$((${EPOCHREALTIME/./} - from)) 'BEGIN { p = us / 500000; print (p > 1 ? p : 1) }'
}

# took SECONDS COMMAND... - it succeeds, in less time, as far as the machine is idle.
took() {
	local most=$1 from to before
	shift
	before=$(pace)
	from=$(uptime)
	"$@" || return
	to=$(uptime)
	awk -v t="$(awk -v a="$from" -v b="$to" 'BEGIN { print b - a }')" -v m="$most" -v w="$*" \
		-v p="$before" -v q="$(pace)" 'BEGIN {
		p = q > p ? q : p
		printf "%.1f s, at pace %.1f: %s\n", t, p, w
		exit !(t < m * p)
	}'
}

# disk FILE MEGABYTES - an empty image on the tmpfs.
disk() { truncate -s "$2M" "/run/job/$1"; }
# block_device FILE - a loop device on it; prints its name.
block_device() { losetup --find --show --direct-io=off "/run/job/$1"; }
hash_of() { sha256sum <"$1" | cut -c1-64; }
