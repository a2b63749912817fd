#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd is killed and started again under I/O: its workers serve on meanwhile, the next
# one adopts them, and they are as good as any: a killed one is succeeded, a stop is orderly.
. "$(dirname "$0")/lib.sh"

image disk 16M
image other 16M
image third 4M
disks_up disk other
load it 1 xvda --queues 2
load other 2 xvda --persistent off
for i in 1 2 3 4 5; do
	first=$(worker 1)
	requests=$(counter 1/xvda requests)
	pvbackd_killed
	check "no pvbackd: I/O goes on, $i" changes disk
	pvbackd_start
	wait_log "guest 1 vbd-51712: adopted with its worker"
	result $? "the next one says that it has adopted the disk, $i"
	same "the worker is the same, $i" "$(worker 1)" "$first"
	check "what it has counted goes on, $i" test "$(counter 1/xvda requests)" -gt "$requests"
	check "I/O goes on, $i" changes disk
done
same "the guest still sees Connected" "$(xs read "$(be 1 xvda)/state")" 4
first=$(worker 1)
kill -9 "$first"
check "an adopted worker that is killed is succeeded" until_true $patience another_worker 1 "$first"
check "and I/O goes on" changes disk
load_right it "the data was right throughout"
check "a disk that was adopted can be detached" detach 1 xvda
check "and another be attached" attach 1 third xvdb
same "with its data" "$(in_guest 1 pvblk read xvdb | sha)" "$(sha "$work/third")"

pvbackd_killed
kill -TERM "${load_pid[other]}"
check "the guest is gone before there is a pvbackd" xensim destroy 2
wait "${load_pid[other]}"
pvbackd_start
check "its worker ends when there is one" until_true $patience no_worker 2
scenario_done
