#!/bin/bash
# SPDX-License-Identifier: MIT
# A second pvbackd says that there is one, and changes nothing.
. "$(dirname "$0")/lib.sh"

image disk 4M
disks_up disk
refused "a second pvbackd" "$pvbackd_pid" \
	dom0 timeout 10 pvbackd --foreground --run-dir "$work/run" --config "$work/pvbackd.conf"
same "the first goes on serving" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"
stopped "it stops"
pvbackd_start
result $? "then another may start"
pvbackd_killed
pvbackd_start
result $? "also after one that was killed"
same "which serves" "$(in_guest 1 pvblk read xvda --reset | sha)" "$(sha "$work/disk")"
scenario_done
