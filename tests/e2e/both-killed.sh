#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd and all its workers are killed at once, again and again, under I/O: the next pvbackd
# finds what they have left and has it finished. What it cannot understand, or what is for
# another image now, is refused.
. "$(dirname "$0")/lib.sh"

image disk 16M
image other 16M
disks_up disk other
load it 1 xvda --queues 2
load other 2 xvda --persistent off

# shellcheck disable=SC2046 # numbers
all_killed() { pvbackd_killed $(workers | cut -d' ' -f1); }
left='vbd-51712: its worker died without a pvbackd: goes on'
for i in 1 2 3 4 5; do
	seen=$(grep -cF "$left" "$log")
	all_killed
	pvbackd_start
	check "both disks are gone on with, $i" until_true $patience more_than $((seen + 1)) "$left"
	check "and I/O goes on, $i" changes disk
	changes other
done
same "the guests still see Connected" "$(xs read "$(be 1 xvda)/state")$(xs read "$(be 2 xvda)/state")" 44

# Files of another version, and an image that is another one.
told=$work/run/device-1-vbd-51712.told
all_killed
printf '\x63' | dd of="$told" bs=1 seek=4 conv=notrunc status=none
cp "$work/other" "$work/new" && mv "$work/new" "$work/other"
pvbackd_start
check "what is not understood is refused" be_state 1 xvda 6
check "with the reason" grep -q 'does not understand what they have left' <<<"$(error_of 1 xvda)"
check "another image is refused" be_state 2 xvda 6
check "with the reason" grep -q 'not what its worker served' <<<"$(error_of 2 xvda)"
load_failed it "guest 1 has read nothing wrong"
load_failed other "guest 2 has read nothing wrong"
same "files went with the disks" "$(find "$work/run" -name 'device-*')" ""
check "the disk can be attached anew" detach 1 xvda
check "and is" attach 1 disk xvda
check "and works" in_guest 1 pvblk info xvda

# Files of a guest that has gone since.
load it 1 xvda
check "there are files" test -e "$told"
all_killed
xensim destroy 1
wait "${load_pid[it]}" 2>/dev/null
pvbackd_start
no_file() { ! [ -e "$1" ]; }
check "files of a guest that is gone go" until_true $patience no_file "$told"
scenario_done
