#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's flush reaches the storage, each one, by either engine; a barrier flushes before
# and after. The kernel counts what the block device below is told.
. "$(dirname "$0")/lib.sh"

truncate -s 5M "$work/disk"
# A part of a file: that is served as the block device it is.
if ! loop=$(losetup -o 1M -f --show "$work/disk" 2>/dev/null); then
	echo "1..0 # SKIP no loop device can be had here"
	exit 0
fi
trap 'rc=$?; losetup -d "$loop" 2>/dev/null; (exit $rc); scenario_end' EXIT
stat=/sys/block/${loop#/dev/}/stat
# flushes - that the device has done, the 16th number
flushes() { awk '{ print $16 }' "$stat"; }

# asks WHAT NUMBER KIND - a hundred requests of that kind flush so often; closing the image may
# do so once more
asks() {
	local before n
	before=$(flushes)
	in_guest 1 pvblk load xvda --rw="$3":1 --size=400k --depth=1 >/dev/null
	n=$(($(flushes) - before))
	[ "$n" -ge "$2" ] && [ "$n" -le $(($2 + 2)) ]
	result $? "$1: $2 of them reach the device" "$n"
}

host_up
guest_up 1
for engine in io_uring threads; do
	echo "vbd.engine = $engine" >"$work/pvbackd.conf"
	pvbackd_start
	check "$engine: attach" dom0 vbd-attach --wait 1 "$loop" xvda

	asks "$engine: writes alone" 0 write
	# pvblk counts blocks of 4k, also of what has none.
	asks "$engine: a hundred flushes" 100 flush
	asks "$engine: a hundred barriers" 200 barrier

	check "$engine: detach" detach 1 xvda
	stopped "$engine: stop"
done
scenario_done
