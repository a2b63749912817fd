#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker is killed again and again in the middle of I/O: its guest notices nothing, and
# neither do other guests.
. "$(dirname "$0")/lib.sh"

image disk 16M
image other 16M
disks_up disk other
witness neighbour 2 xvda
load victim 1 xvda
bystander=$(worker 2)
for i in 1 2 3 4 5 6 7 8 9 10; do
	first=$(worker 1)
	kill -9 "$first"
	check "another worker serves guest 1, $i" until_true $patience another_worker 1 "$first"
	check "and I/O goes on, $i" changes disk
done
same "the guest still sees Connected" "$(xs read "$(be 1 xvda)/state")" 4
load_right victim "its data was right throughout"
same "the neighbour's worker is the same" "$(worker 2)" "$bystander"
load_right neighbour "the neighbour's data was right throughout"
scenario_done
