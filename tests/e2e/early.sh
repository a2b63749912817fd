#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks that are there before pvbackd is: one that nobody waits for, one whose guest waits.
. "$(dirname "$0")/lib.sh"

host_up
guest_up 1 2
image a 4M
image b 4M
image c 4M
check "vbd-attach writes the keys with no backend there" dom0 vbd-attach 1 "$work/a" xvda
check "and for a guest that waits" dom0 vbd-attach 2 "$work/b" xvda
refused "vbd-attach --wait says that nobody took it" "is pvbackd running" \
	dom0 vbd-attach --wait=1 1 "$work/c" xvdb
in_guest 2 pvblk read xvda >"$work/out" &
reader=$!
pvbackd_start
check "the first is offered" be_state 1 xvda 2
check "the one after it, too" be_state 1 xvdb 2
ended "the waiting guest reads" "$reader"
check "the right image" cmp "$work/out" "$work/b"
same "the first guest reads its own" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/a")"
scenario_done
