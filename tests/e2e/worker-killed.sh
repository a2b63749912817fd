#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker dies in the middle of I/O: its guest's disk fails cleanly and can be connected
# again; other guests' I/O goes on.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1 2
image disk 16M
image other 16M
attach 1 disk xvda
attach 2 other xvda
load neighbour 2 xvda
load victim 1 xvda
first=$(worker 1)
bystander=$(worker 2)
kill -9 "$first"
load_failed victim "the guest's I/O ends with an error"
check "the backend says Closed" be_state 1 xvda 6
check "the log names the guest and the cause" logged \
	"guest 1 vbd-51712: the guest's worker ended (signal 9 (Killed))"

wrote=$(pattern 1 xvda --write --seed 5)
same "a new frontend gets a new worker and good data" "$(sha "$work/disk")" "$wrote"
same "the old worker is gone" "$(gone "$first" && echo gone)" gone
same "the neighbour's worker is the same" "$(worker 2)" "$bystander"
load_right neighbour "the neighbour's data was right throughout"
scenario_done
