#!/bin/bash
# SPDX-License-Identifier: MIT
# Ways to lose a disk: detached before anyone connected, detached under I/O, and with the
# frontend's directory gone.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 16M

closed_everywhere() { ! open_by_someone "$work/disk"; }

attach 1 disk xvda
check "a disk that was never connected is detached at once" detach 1 xvda --wait=2

attach 1 disk xvda
xs rm "$(fe 1 xvda)"
check "the frontend's directory vanishes before it connected: Closed" be_state 1 xvda 6 2
detach 1 xvda

attach 1 disk xvda
load it 1 xvda
check "vbd-detach under I/O: the guest is asked, and closes" detach 1 xvda
load_failed it "the load ends with an error"

attach 1 disk xvda
load it 1 xvda
check "vbd-detach --force" detach 1 xvda --force --wait=5
load_failed it "the load ends with an error, too"
check "nothing keeps the image open" until_true $patience closed_everywhere
attach 1 disk xvda
same "the disk can be attached again" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"
scenario_done
