#!/bin/bash
# SPDX-License-Identifier: MIT
# Frontends do not agree on how to write their keys, nor on when they are Connected: those of
# Linux, FreeBSD, Windows and mini-os all get their disk, and the log says what was assumed.
. "$(dirname "$0")/lib.sh"

# reads_all WHAT OPTION... - a frontend with these habits reads the disk
reads_all() {
	same "$1" "$(in_guest 1 pvblk read xvda "${@:2}" | sha)" "$(sha "$work/disk")"
}

# agreed WHAT WANT OPTION... - queues and pages of a ring
agreed() {
	same "$1" "$(in_guest 1 pvblk info xvda --json "${@:3}" | jq -c '[.queues, .ring_order]')" "$2"
}

host_up
echo "vbd.max-queues = 4" >"$work/pvbackd.conf"
guest_up 1
image disk 4M

# mini-os comes with Connected, without having seen InitWait: here before pvbackd is there.
dom0 vbd-attach 1 "$work/disk" xvda
in_guest 1 pvblk read xvda --hasty >"$work/out" &
reader=$!
check "mini-os: Connected before the backend is there" xs_wait "$(fe 1 xvda)/state" 4
same "mini-os: the backend is not" "$(xs read "$(be 1 xvda)/state")" 1
pvbackd_start
ended "mini-os: it reads" $reader
same "mini-os: the right data" "$(sha "$work/out")" "$(sha "$work/disk")"
reads_all "mini-os: again" --hasty

# A frontend that does not say which layout it has.
reads_all "unsaid, x86_64" --protocol=native
check "it is said what was assumed" wait_log "does not say its protocol: by vbd.default-protocol it is x86_64-abi"
stopped "another default"
echo "vbd.default-protocol = x86_32-abi" >>"$work/pvbackd.conf"
pvbackd_start
reads_all "unsaid, x86_32" --protocol=x86_32 --unsaid
check "it is said what was assumed" wait_log "by vbd.default-protocol it is x86_32-abi"

for keys in linux order plain windows pages; do
	reads_all "$keys: one page" --keys=$keys
	reads_all "$keys: eight pages" --keys=$keys --ring-order=3
	agreed "$keys: that many" "[1,3]" --keys=$keys --ring-order=3
	reads_all "$keys: four queues of two pages" --keys=$keys --ring-order=1 --queues=4
	agreed "$keys: that many" "[4,1]" --keys=$keys --ring-order=1 --queues=4
done
# Windows says feature-large-sector-size, which means nothing any more, and one queue where
# others are silent.
hold 1 xvda --keys=windows
same "windows: one queue, at the top" "$(xs read "$(fe 1 xvda)/multi-queue-num-queues")" 1
check "windows: large sectors are claimed" xs read "$(fe 1 xvda)/feature-large-sector-size"
same "windows: sector-size is what it was" "$(xs read "$(be 1 xvda)/sector-size")" 512
same "windows: and sectors have 512 bytes" "$(xs read "$(be 1 xvda)/sectors")" $((4 * 2048))
release TERM

# kexec and kdump close and come back without looking at what the backend answers.
hold 1 xvda
release KILL
in_guest 1 bash -c 'for s in 5 6 1; do xenstore-write "$0" $s; done' "$(fe 1 xvda)/state"
check "kdump: the disk is offered again" be_state 1 xvda 2
reads_all "kdump: and works"
in_guest 1 bash -c 'for s in 5 6 1 5 6 1 5 6 1 5 6 1; do xenstore-write "$0" $s; done' "$(fe 1 xvda)/state"
check "hurried again and again: it is offered" be_state 1 xvda 2
reads_all "and works"
scenario_done
