#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd is stopped in order and started again under I/O: the guest sees nothing but time.
. "$(dirname "$0")/lib.sh"

image disk 16M
disks_up disk
load it 1 xvda
for i in 1 2 3; do
	old=$(worker 1)
	stopped "stop $i"
	same "the guest still sees Connected, $i" "$(xs read "$(be 1 xvda)/state")" 4
	check "its worker has ended, $i" gone "$old"
	pvbackd_start
	result $? "start $i"
	check "I/O goes on, $i" changes disk
done
load_right it "its data was right throughout"
scenario_done
