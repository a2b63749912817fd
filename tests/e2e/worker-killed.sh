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
in_guest 2 pvblk load xvda --rw mixed --verify --time 60 >"$work/neighbour" 2>&1 &
neighbour=$!
in_guest 1 pvblk load xvda --rw mixed --time 60 >"$work/load" 2>&1 &
load=$!
be_state 1 xvda 4
be_state 2 xvda 4
first=$(worker 1)
bystander=$(worker 2)
kill -9 "$first"
wait "$load"
rc=$?
same "the guest's I/O ends with an error, not with a hang" "$((rc > 0 && rc < 124))" 1
check "the backend says Closed" be_state 1 xvda 6
check "the log says which guest's worker died" logged "guest 1"
check "and the error node why" xs read "$(be 1 xvda)/error"

wrote=$(pattern 1 xvda --write --seed 5)
same "a new frontend gets a new worker and good data" "$(sha "$work/disk")" "$wrote"
same "the old worker is gone" "$(gone "$first" && echo gone)" gone
same "the neighbour's worker is the same" "$(worker 2)" "$bystander"
kill -INT "$neighbour"
wait "$neighbour"
check "the neighbour's data was right throughout" grep -q verified "$work/neighbour"
scenario_done
