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
# The image changes while the guest writes.
moved() { [ "$(sha "$work/disk")" != "$at_rest" ]; }
be_state 1 xvda 4
for i in 1 2 3; do
	old=$(worker 1)
	stopped "stop $i"
	same "the guest still sees Connected, $i" "$(xs read "$(be 1 xvda)/state")" 4
	check "its worker has ended, $i" gone "$old"
	at_rest=$(sha "$work/disk")
	pvbackd_start
	result $? "start $i"
	check "I/O goes on, $i" until_true 10 moved
done
kill -INT "$load"
wait "$load"
same "the load ends without an error" $? 0
check "its data was right throughout" grep -q verified "$work/load"
scenario_done
