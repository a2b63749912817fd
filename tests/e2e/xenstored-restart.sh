#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored is replaced under I/O, first by live update, then by a crash that leaves its
# successor with an empty store: a guest that is connected goes on, and one that comes later
# is served.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 16M
image later 4M
attach 1 disk xvda
load it 1 xvda
still_served() { check "$1: I/O goes on" changes disk; }

check "live update" dom0 "$xen/xenstore-control" live-update "$xen/xenstored"
still_served "live update"
guest_up 2
check "a guest that comes after it is served" attach 2 later xvda
same "with its data" "$(in_guest 2 pvblk read xvda | sha)" "$(sha "$work/later")"

store_killed
still_served "no xenstored"
check "another begins, empty" store_anew
still_served "an empty xenstored"
guest_up 3
check "a guest that comes after it is served" attach 3 later xvda
same "with its data" "$(in_guest 3 pvblk read xvda | sha)" "$(sha "$work/later")"

# Its successor knows nothing of this guest, whose frontend therefore cannot close.
kill -TERM "${load_pid[it]}"
check "its data was right throughout" until_true $patience grep 'bytes read and right' "$work/it.load"
same "without an error" "$(grep -c 'wrong data\|error' "$work/it.load")" 0
kill -9 "${load_pid[it]}"
wait "${load_pid[it]}" 2>/dev/null
scenario_done
