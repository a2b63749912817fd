#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk is attached, read, written and detached.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 16M
before=$(sha "$work/disk")

check "vbd-attach" attach 1 disk xvda
same "the guest sees its size" "$(in_guest 1 pvblk info xvda --json | jq .bytes)" 16777216
same "the guest reads the image" "$(in_guest 1 pvblk read xvda | sha)" "$before"
written=$(pattern 1 xvda --write --seed 7)
same "the image is what the guest wrote" "$(sha "$work/disk")" "$written"
check "the backend follows the frontend to Closed" be_state 1 xvda 6
check "vbd-detach" detach 1 xvda
same "nothing of it is left in XenStore" "$(xs ls -f / | grep vbd)" ""
scenario_done
