#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored is replaced under I/O, first by live update, then by a crash that leaves its
# successor with an empty store: a guest that is connected goes on, and one that comes later
# is served.
. "$(dirname "$0")/lib.sh"

xen=$(dirname /usr/lib/xen-[0-9]*/bin/xenstored)
host_up
pvbackd_start
guest_up 1
image disk 16M
image later 4M
attach 1 disk xvda
load it 1 xvda
still_served() { check "$1: I/O goes on" changes disk; }
answers() { xs ls /; }

check "live update" dom0 "$xen/xenstore-control" live-update "$xen/xenstored"
still_served "live update"
guest_up 2
check "a guest that comes after it is served" attach 2 later xvda
same "with its data" "$(in_guest 2 pvblk read xvda | sha)" "$(sha "$work/later")"

kill -9 "$(cat "$XENSIM_DIR/xenstored.pid")"
still_served "no xenstored"
dom0 "$xen/xenstored" --no-fork --pid-file "$XENSIM_DIR/xenstored.pid" 2>>"$work/xenstored.log" &
until_true 10 answers
xs write /local/domain/0/domid 0 /local/domain/0/name Domain-0
still_served "an empty xenstored"
guest_up 3
check "a guest that comes after it is served" attach 3 later xvda
same "with its data" "$(in_guest 3 pvblk read xvda | sha)" "$(sha "$work/later")"

# Its successor knows nothing of this guest, whose frontend therefore cannot close.
kill -TERM "${load_pid[it]}"
check "its data was right throughout" until_true 10 grep 'bytes read and right' "$work/it.load"
same "without an error" "$(grep -c 'wrong data\|error' "$work/it.load")" 0
kill -9 "${load_pid[it]}"
wait "${load_pid[it]}" 2>/dev/null
scenario_done
