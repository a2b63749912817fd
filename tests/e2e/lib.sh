# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What a scenario needs: a simulated host of its own, pvbackd, guests, disks, and the proof
# at the end that nothing is left.
#
# A scenario reads this file, says what it checks through tests/tap.sh, and ends with
# scenario_done. It waits for conditions, every wait ends, and it never sleeps for luck.

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$top/build}

. "$top/tests/tap.sh"

. "$top/xenstore-scripts/vbd-common.sh"
export PATH=$build:$build/xensim:$top/xenstore-scripts:$PATH:/usr/sbin:/sbin
# shellcheck disable=SC2034 # for the scenarios
plugin=$build/nbdkit-pvblk-plugin.so

# tmpfs, and a short name: the path of a socket has 108 bytes.
work=$(mktemp -d /dev/shm/pvb.XXXXXX)
export XENSIM_DIR=$work/host
log=$work/pvbackd.log
: >"$log"
: >"$work/pvbackd.conf"
pvbackd_pid=
trap scenario_end EXIT
trap 'exit 1' HUP INT TERM

# ---- Waiting ----------------------------------------------------------------------

# Seconds after which what has to happen hangs, on a machine that is busy with other things.
patience=30

# until_true SECONDS COMMAND... - for what no watch tells: look again until it is so
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# logged WORDS, wait_log WORDS [SECONDS] - pvbackd or a worker has said so
logged() { grep -qF -- "$1" "$log"; }
wait_log() { until_true "${2:-$patience}" logged "$1"; }

# ended WHAT PROCESS - a background process of ours ends with 0
ended() {
	wait "$2"
	result $? "$1"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# halt PROCESS - it is stopped, each of its threads
halt() { kill -STOP "$1" && until_true $patience halted "$1"; }
halted() { ! grep -h '^State:' "/proc/$1"/task/*/status | grep -qv '[[:space:]][tT]'; }

# xs_wait PATH VALUE [SECONDS] - until the node has the value; "" also is a missing node
xs_wait() {
	dom0 bash -c '. "$1"/vbd-common.sh
		is() { [ "$(xs_get "$1")" = "$2" ]; }
		wait_for "$4" "$2" is "$2" "$3"' _ "$top/xenstore-scripts" "$1" "$2" "${3:-$patience}"
}

# ---- Host, guests, pvbackd --------------------------------------------------------

dom0() { xensim run -- "$@"; }
in_guest() { xensim run --domid "$1" -- "${@:2}"; }

# XenStore as dom0 sees it
xs() { dom0 "xenstore-$1" "${@:2}"; }

# be GUEST VDEV, fe GUEST VDEV - directories in XenStore
be() { echo "/local/domain/0/backend/vbd/$1/$(vdev_number "$2")"; }
fe() { echo "/local/domain/$1/device/vbd/$(vdev_number "$2")"; }

# error_of GUEST VDEV - why the backend refuses the disk
error_of() { xs read "/local/domain/0/error/backend/vbd/$1/$(vdev_number "$2")/error" 2>/dev/null; }

# be_state GUEST VDEV STATE [SECONDS] - wait for the backend
be_state() { xs_wait "$(be "$1" "$2")/state" "$3" "${4:-$patience}"; }

# connected GUEST VDEV - wait for both ends: until the frontend has said so, it still reads what
# the backend has written, and ends if XenStore goes away
connected() { be_state "$1" "$2" 4 && xs_wait "$(fe "$1" "$2")/state" 4; }

host_up() {
	xensim up || { echo "Bail out! xensim up failed"; exit 1; }
}

# guest_up DOMID... - guests that live until they are destroyed
guest_up() {
	local g
	for g; do
		xensim guest "$g" --name "g$g" --keep --detach -- true \
			>>"$work/guests.log" 2>&1 || return 1
	done
}

ready='serves the guests of domain 0'
# pvbackd_start - and wait until it is ready
pvbackd_start() {
	local seen
	seen=$(grep -cF "$ready" "$log")
	# shellcheck disable=SC2086 # empty, or a command that runs it in a namespace
	${host_net:-} xensim run -- pvbackd --foreground --run-dir "$work/run" --config "$work/pvbackd.conf" \
		--log-level debug 2>>"$log" &
	pvbackd_pid=$!
	until_true $patience pvbackd_ready "$seen"
	more_than "$seen" "$ready" && return
	echo "Bail out! pvbackd does not start"
	note "$(where "$pvbackd_pid")"
	! gone "$pvbackd_pid" || { wait "$pvbackd_pid"; note "it has ended: $?"; }
	exit 1
}
pvbackd_ready() { more_than "$1" "$ready" || gone "$pvbackd_pid"; }
# where PROCESS - what it waits for
where() {
	local t
	ps -o pid=,stat=,etime=,time=,args= -p "$1"
	for t in /proc/"$1"/task/[0-9]*; do
		cat "$t/comm" "$t/wchan" "$t/syscall" 2>/dev/null
	done
	find "/proc/$1/fd" -type l -printf '%f -> %l\n' 2>/dev/null
	df "$work" | tail -n 1
	uptime
}
more_than() { [ "$(grep -cF -- "$2" "$log")" -gt "$1" ]; }

# pvbackd_stop - in order; its exit status is ours
pvbackd_stop() {
	local pid=$pvbackd_pid
	pvbackd_pid=
	kill -TERM "$pid" && wait "$pid"
}

stopped() { # WHAT
	pvbackd_stop
	result $? "$1"
}

# pvbackd_killed [PROCESS...] - and with it others at once: none sees another's end
pvbackd_killed() {
	kill -KILL "$pvbackd_pid" "$@"
	wait "$pvbackd_pid" 2>/dev/null
}

# ctl ARGUMENT... - pvbackctl speaks with it
ctl() { pvbackctl "$@" "--run-dir=$work/run"; }

# shown DEVICE FILTER, counter DEVICE NAME - of what pvbackctl shows of a device
shown() { ctl show "$1" --json | jq -rc "$2"; }
counter() { shown "$1" ".counters.$2"; }

# attach GUEST IMAGE VDEV [OPTION...] - image names are below $work
attach() { dom0 vbd-attach --wait "${@:4}" "$1" "$work/$2" "$3"; }
detach() { dom0 vbd-detach "${@:3}" "$1" "$2"; }

# disks_up IMAGE... - the host, pvbackd, and for each image a guest that has it as xvda
disks_up() {
	local g
	host_up
	pvbackd_start
	for g in $(seq $#); do
		guest_up "$g"
		attach "$g" "${!g}" xvda
	done
}

# disk_works GUEST IMAGE VDEV - a disk is attached, read and detached
disk_works() {
	local n
	attach "$@" && n=$(in_guest "$1" pvblk read "$3" | sha) && [ "$n" = "$(sha "$work/$2")" ] &&
		detach "$1" "$3"
}

# load NAME GUEST VDEV [OPTION...] - start I/O that checks all it reads; returns when it runs
declare -A load_pid
load() {
	xensim run --domid "$2" -- pvblk load "$3" --rw mixed --verify --time 600s "${@:4}" \
		>"$work/$1.load" 2>&1 &
	load_pid[$1]=$!
	connected "$2" "$3"
}

# witness NAME GUEST VDEV - a load that notices if something goes wrong, and leaves the
# processors to what is tested
witness() { load "$@" --rate 500; }

# hold GUEST VDEV [OPTION...] - a frontend that is connected and idle: it waits for its input
hold() {
	[ -p "$work/input" ] || { mkfifo "$work/input" && exec 9<>"$work/input"; }
	xensim run --domid "$1" -- pvblk write "${@:2}" <"$work/input" &
	held+=($!)
	connected "$1" "$2"
}
held=()

# release SIGNAL - the one that was held last ends by it
release() {
	kill -"$1" "${held[-1]}"
	wait "${held[-1]}" 2>/dev/null
	unset 'held[-1]'
}

# load_right NAME WHAT - stop it: nothing has failed until then, all data was right
load_right() {
	local rc
	kill -TERM "${load_pid[$1]}"
	wait "${load_pid[$1]}"
	rc=$?
	[ "$rc" -eq 143 ] && grep -q 'bytes read and right' "$work/$1.load" && ! grep -q ' err: ' "$work/$1.load"
	result $? "$2" "$(cat "$work/$1.load"; echo "exit $rc, wanted 143")"
}

# load_failed NAME WHAT - it has ended by itself with an error, having read nothing wrong
load_failed() {
	local rc
	wait "${load_pid[$1]}"
	rc=$?
	[ "$rc" -gt 0 ] && [ "$rc" -lt 124 ] && ! grep -q 'wrong data' "$work/$1.load"
	result $? "$2" "$(cat "$work/$1.load"; echo "exit $rc")"
}

# changes FILE - somebody writes to it now
changes() {
	local before
	before=$(sha "$work/$1")
	until_true "${2:-$patience}" differs "$before" "$work/$1"
}
differs() { [ "$(sha "$2")" != "$1" ]; }

# workers - process and guest of each worker of this host, whoever has started it
workers() {
	local p
	for p in $(pgrep -f '^pvbackd-worker --domid '); do
		grep -qsxz "XENSIM_DIR=$XENSIM_DIR" "/proc/$p/environ" || continue
		echo "$p $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null)" |
			sed -n 's/^\([0-9]*\) .*pvbackd-worker --domid \([0-9]*\) .*/\1 \2/p'
	done
}

# worker GUEST - the process that serves it
worker() { workers | awk -v g="$1" '$2 == g { print $1; n = 1 } END { exit !n }'; }
no_worker() { ! worker "$1"; }
# another_worker GUEST PROCESS - a worker that is not this one
another_worker() { [ "$(worker "$1")" -gt 0 ] && [ "$(worker "$1")" != "$2" ]; }

# pages - that workers have mapped
pages() {
	xensim status --json | jq '[.domains[].handles[] | select(.program == "pvbackd-worker").pages] | add // 0'
}

# fds - how many descriptors pvbackd has
fds() { find "/proc/$pvbackd_pid/fd" -type l | wc -l; }

# open_by_someone FILE
open_by_someone() { find /proc/[0-9]*/fd -lname "$1" 2>/dev/null | grep .; }

# image NAME SIZE - random content
image() { head -c "$2" /dev/urandom >"$work/$1"; }

# sha FILE..., or standard input
sha() { sha256sum "$@" | cut -d' ' -f1; }

# pattern GUEST VDEV ARGUMENT... - `pvblk verify`, the hash only
pattern() { in_guest "$1" pvblk verify "${@:2}" | cut -d' ' -f1; }

# ---- XenStore that dies -------------------------------------------------------------
xen=$(dirname /usr/lib/xen-[0-9]*/bin/xenstored)
store_killed() { kill -9 "$(cat "$XENSIM_DIR/xenstored.pid")"; }

# store_anew - another xenstored, that knows nothing but who we are
store_anew() {
	dom0 "$xen/xenstored" --no-fork --pid-file "$XENSIM_DIR/xenstored.pid" >>"$work/xenstored.log" 2>&1 &
	until_true $patience xs ls / && xs write /local/domain/0/domid 0 /local/domain/0/name Domain-0
}

# ---- Storage that does as it is told ------------------------------------------------

# fuse_up NAME IMAGE [ARGUMENT...] - a file with the content of an image, served by nbdkit
# through FUSE; it has its filter "error", whose arguments these are
fuse_server=
fuse_up() {
	fuse_mount=$work/$1
	: >"$fuse_mount"
	setsid nbdfuse "$fuse_mount" --command nbdkit -s --exit-with-parent --filter=error \
		file "$work/$2" "${@:3}" >>"$work/fuse.log" 2>&1 &
	fuse_server=$!
	until_true $patience mountpoint -q "$fuse_mount"
}

fuse_down() {
	[ -n "$fuse_server" ] || return 0
	kill -CONT "$fuse_server" 2>/dev/null
	umount "$fuse_mount" 2>/dev/null || umount -l "$fuse_mount" 2>/dev/null
	# With all of its session: nbdkit --run has its server as a child, which would stay.
	until_true 5 gone "$fuse_server" || kill -9 -- "-$fuse_server"
	wait "$fuse_server" 2>/dev/null
	fuse_server=
}

# witness_up NAME IMAGE [ARGUMENT...] - a file on storage that forgets what was not flushed when
# it is cut off, and says in $work/witness what was done again out of order; IMAGE, zeroed, is
# what is kept. Arguments are those of tests/torture/storage.c.
witness_up() {
	fuse_mount=$work/$1
	: >"$fuse_mount"
	setsid nbdfuse "$fuse_mount" --command nbdkit -s --exit-with-parent -P "$work/witness.pid" \
		"$build/nbdkit-witness-plugin.so" file="$work/$2" log="$work/witness" "${@:3}" >>"$work/fuse.log" 2>&1 &
	fuse_server=$!
	disown "$fuse_server" # it does not survive being cut off, and need not be mourned
	until_true $patience mountpoint -q "$fuse_mount"
}
witness_cut() { kill -9 "$(cat "$work/witness.pid")"; }

# ---- End --------------------------------------------------------------------------

# ours - processes that have this host in their environment, but for this shell's own
ours() {
	env -u XENSIM_DIR bash -c 'for p in $(grep -lsxz "$1" /proc/[0-9]*/environ); do
		echo "$(tr "\0" " " <"${p%/environ}/cmdline" 2>/dev/null)"
	done' _ "XENSIM_DIR=$XENSIM_DIR"
}

# reports - what a sanitizer or an assertion said
reports() { grep -E 'Sanitizer|runtime error:|[Aa]ssert' "$log"; }

scenario_done() {
	local g
	[ -z "$pvbackd_pid" ] || stopped "pvbackd stops in order"
	same "no sanitizer report and no assertion in the log" "$(reports)" ""
	for g in $(xensim status --json | jq -r '.domains[].domid | select(. > 0)'); do
		xensim destroy "$g"
	done
	check "no grant, port or handle is left" xensim status --leaks
	check "the host goes down" xensim down
	same "no process is left" "$(ours)" ""
	same "no file is left" "$(ls -A "$XENSIM_DIR" 2>/dev/null; find "$work/run" -name 'device-*' 2>/dev/null)" ""
	done_testing
}

scenario_end() {
	local rc=$?
	trap - EXIT HUP INT TERM
	if [ "$rc" -ne 0 ] || [ "$tap_failed" -gt 0 ]; then
		tail -n 60 "$log" | sed 's/^/# log: /'
	fi
	xensim down 2>/dev/null
	fuse_down
	! declare -F net_down >/dev/null || net_down
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
	else
		rm -rf "$work"
	fi
	exit "$rc"
}
