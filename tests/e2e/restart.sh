#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd is stopped in order and started again under I/O: the guest sees nothing but time.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 16M
attach 1 disk xvda
in_guest 1 pvblk load xvda --rw mixed --verify --time 100 >"$work/load" 2>&1 &
load=$!
be_state 1 xvda 4
for i in 1 2 3; do
	check "stop $i" pvbackd_stop
	same "the guest still sees Connected, $i" "$(xs read "$(be 1 xvda)/state")" 4
	same "nobody serves it, $i" "$(pgrep -f "$build/pvbackd-worker.*--domid 1 " | wc -l)" 0
	at_rest=$(sha "$work/disk")
	check "start $i" pvbackd_start
	check "I/O goes on, $i" until_true 10 moved
done
moved() { [ "$(sha "$work/disk")" != "$at_rest" ]; }
kill -INT "$load"
wait "$load"
same "the load ends without an error" $? 0
check "its data was right throughout" grep -q verified "$work/load"
scenario_done
