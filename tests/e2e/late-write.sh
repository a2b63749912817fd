#!/bin/bash
# SPDX-License-Identifier: MIT
# The storage holds a write of a worker that is killed, and lets all overtake it that come
# later: when it lands at last it must not land over newer data. By both engines. Needs root
# and a loop device: of a file on FUSE itself the kernel ends a process only with its I/O.
. "$(dirname "$0")/lib.sh"

loop=''
undo() {
	rm -f "$work/hold"
	[ -z "$loop" ] || losetup --detach "$loop"
	loop=''
	fuse_down
}
trap 'undo; scenario_end' EXIT
truncate -s 1M "$work/kept"
# As witness_up, with many connections: on one a request that waits holds up the next.
parallel_up() {
	fuse_mount=$work/slow
	: >"$fuse_mount"
	setsid nbdkit -U - "$build/nbdkit-witness-plugin.so" file="$work/kept" log="$work/witness" hold="$work/hold" \
		--run "exec nbdfuse -C 16 '$fuse_mount' \"\$uri\"" >>"$work/fuse.log" 2>&1 &
	fuse_server=$!
	until_true $patience mountpoint -q "$fuse_mount"
}
if ! parallel_up ||
	! loop=$(losetup --show --find --direct-io=on "$work/slow") ||
	[ "$(cat "/sys/block/${loop#/dev/}/loop/dio")" != 1 ]; then
	undo
	echo "1..0 # SKIP no loop device over storage that holds a write can be had here"
	exit 77
fi

printf 'vbd.loop-bypass = off\nvbd.engine = io_uring\nvbd.engine[threads*] = threads\n' >"$work/pvbackd.conf"
host_up
pvbackd_start

said() { [ "$(grep -cx "$1" "$work/witness")" -eq "$2" ]; }
sector() { yes "$1" | head -c 4096; }
# round GUEST ENGINE WITH - the worker is killed with pvbackd, or alone; guests have engines' names
round() {
	local g=$1 engine=$2 what="$2, $3" guest dead
	xensim guest "$g" --name "$engine$g" --keep --detach -- true >>"$work/guests.log" 2>&1
	sector "old, $what" >"$work/old$g"
	sector "new, $what" >"$work/new$g"
	check "$what: attached" dom0 vbd-attach --wait "$g" "$loop" xvda
	: >"$work/hold"
	# One connection: each write begins when the one before it was answered.
	in_guest "$g" nbdkit -U - "$plugin" dev=xvda --run "
		nbdcopy '$work/old$g' \"\$uri\" && : >'$work/answered$g' &&
		nbdcopy --flush '$work/new$g' \"\$uri\"" >"$work/guest$g" 2>&1 &
	guest=$!
	check "$what: a write is held by storage" until_true $patience said held "$g"
	dead=$(worker "$g")
	if [ "$3" = "with pvbackd" ]; then
		pvbackd_killed "$dead"
		pvbackd_start
	else
		kill -9 "$dead"
	fi
	refused "$what: the worker is killed, and nobody answers for it while it is held" "" \
		until_true 2 test -e "$work/answered$g"
	# Who had an answer all the same goes on, before the old write lands.
	[ ! -e "$work/answered$g" ] || until_true $patience gone "$guest"
	same "$what: it has not landed" "$(grep -cx landed "$work/witness")" $((g - 1))
	rm "$work/hold"
	check "$what: it lands" until_true $patience said landed "$g"
	ended "$what: the guest has both its writes answered" "$guest"
	same "$what: the newer is on storage" \
		"$(dd if="$loop" bs=4096 count=1 iflag=direct status=none | tr -d '\0' | head -n 1)" "new, $what"
	check "$what: all of it, through the page cache" cmp -n 4096 "$work/new$g" "$loop"
	check "$what: and was flushed" cmp -n 4096 "$work/new$g" "$work/kept"
	check "$what: detached" detach "$g" xvda
	same "$what: by that engine" \
		"$(grep "guest $g vbd-51712: served" "$log" | grep -o 'engine=[a-z_]*' | sort -u)" "engine=$engine"
}
round 1 io_uring alone
round 2 threads alone
round 3 io_uring "with pvbackd"
round 4 threads "with pvbackd"
stopped "pvbackd stops in order"
undo
scenario_done
