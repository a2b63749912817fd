#!/bin/bash
# SPDX-License-Identifier: MIT
# A CD drive: read-only, removable, and empty until the toolstack names a medium.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image cd 2M
image other 3M

check "a drive with a CD" attach 1 cd xvda --cdrom
in_guest 1 pvblk info xvda --json >"$work/info"
same "info: CD, removable, read-only" "$(xs read "$(be 1 xvda)/info")" 7
same "the guest sees the same" "$(jq -c '[.cdrom, .readonly]' "$work/info")" "[true,true]"
same "and reads the CD" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/cd")"
check "it cannot be written" refused "" "" in_guest 1 sh -c 'head -c 512 /dev/zero | pvblk write xvda'
check "taken away" detach 1 xvda

check "an empty drive is offered" dom0 vbd-attach --wait 1 "" xvdd --cdrom
check "the log says what it waits for" wait_log "the drive is empty"
in_guest 1 pvblk read xvdd >"$work/out" &
reader=$!
check "a guest waits for it" xs_wait "$(fe 1 xvdd)/state" 3
same "nothing is wrong with it" "$(error_of 1 xvdd)" ""
same "it is still offered" "$(xs read "$(be 1 xvdd)/state")" 2
check "a CD goes in" xs write "$(be 1 xvdd)/params" "$work/other"
ended "the guest has its disk" "$reader"
check "and has read it" cmp "$work/out" "$work/other"
load cd 1 xvdd --rw read
check "another CD is named" xs write "$(be 1 xvdd)/params" "$work/cd"
check "the log says when the guest has it" wait_log "params names another medium"
load_right cd "the guest reads the one it has"
same "the next time it is the other" "$(in_guest 1 pvblk read xvdd | sha)" "$(sha "$work/cd")"
check "the drive goes" detach 1 xvdd

check "an empty drive again" dom0 vbd-attach --wait 1 "" xvdd --cdrom
xs write "$(be 1 xvdd)/params" "$work/none"
check "a CD that is not there" be_state 1 xvdd 6
check "is an error with a reason" grep -q "No such file" <(error_of 1 xvdd)
detach 1 xvdd
refused "no disk is empty" "IMAGE is empty" dom0 vbd-attach 1 "" xvde
scenario_done
