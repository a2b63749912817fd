#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend closes and comes back, as after kexec, a driver reload, or a boot loader: the
# backend goes 6, 2, 4 each time, with the same data.
. "$(dirname "$0")/lib.sh"

image disk 4M
disks_up disk
check "50 connections in one frontend" in_guest 1 pvblk cycle xvda --count 50
wrote=$(pattern 1 xvda --write --seed 3)
for i in 1 2 3; do
	check "closed, $i" be_state 1 xvda 6
	same "another frontend reads the same, $i" "$(in_guest 1 pvblk read xvda | sha)" "$wrote"
done

# A frontend that died without closing: its successor resets the device first.
load dies 1 xvda --rw read
kill -9 "${load_pid[dies]}"
wait "${load_pid[dies]}" 2>/dev/null
same "a successor resets a device that was left open" \
	"$(in_guest 1 pvblk read xvda --reset | sha)" "$wrote"
check "vbd-detach after all that" detach 1 xvda

# With another disk in use the worker stays. What it had mapped of the first one goes even so:
# the numbers of the grants will mean other pages.
image other 4M
attach 1 disk xvda
attach 1 other xvdb
hold 1 xvdb
old=$(worker 1)
one_page() { [ "$(pages)" -eq 1 ]; }
check "one ring is mapped" until_true $patience one_page
for i in 1 2 3; do
	wrote=$(pattern 1 xvda --write --sequence $i)
	same "persistent grants, connection $i" "$(sha "$work/disk")" "$wrote"
	check "and the ring of the other disk is all that stays mapped, $i" until_true $patience one_page
done
same "by the same worker" "$(worker 1)" "$old"
release TERM
scenario_done
