#!/bin/bash
# SPDX-License-Identifier: MIT
# Keys are written and removed beside ours all the time, by the toolstack and by the guest, so
# that transactions of both sides conflict: they are tried again, and disks connect.
. "$(dirname "$0")/lib.sh"

image disk 4M
disks_up disk

# noise DOMID DIRECTORY - until it is ended; it says how often it has written
noise() {
	xensim run --domid "$1" -- bash -c 'trap "echo \$n; exit" TERM
		for ((n = 0;; n++)); do xenstore-write "$0/noise" $n; xenstore-rm "$0/noise"; done' "$2" \
		>"$work/noise.$1" 2>&1 &
	noisy+=($!)
}
noisy=()
noise 0 "$(be 1 xvda)"
noise 1 "$(fe 1 xvda)"
check "30 connections" in_guest 1 pvblk cycle xvda --count 30
same "the data is right" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"
check "another disk is attached" attach 1 disk xvdb --mode r
kill "${noisy[@]}"
wait "${noisy[@]}" 2>/dev/null
note "written meanwhile: $(cat "$work/noise.0") and $(cat "$work/noise.1") times"
check "the toolstack was busy" test "$(cat "$work/noise.0")" -gt 20
check "the guest was busy" test "$(cat "$work/noise.1")" -gt 20
scenario_done
