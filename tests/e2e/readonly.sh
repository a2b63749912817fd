#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk attached read-only can be read, flushed and not written, by no way.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 4M
before=$(sha "$work/disk")

check "vbd-attach --mode r" attach 1 disk xvda --mode r
same "mode" "$(xs read "$(be 1 xvda)/mode")" r
same "the guest is told" "$(in_guest 1 pvblk info xvda --json | jq .readonly)" true
same "the guest reads" "$(in_guest 1 pvblk read xvda | sha)" "$before"
refused "a write is refused" "" in_guest 1 sh -c 'head -c 4096 /dev/zero | pvblk write xvda'
refused "a write through NBD is refused" "" \
	in_guest 1 nbdkit -U - "$plugin" dev=xvda --run "nbdcopy $work/disk \"\$uri\""
for rw in flush write barrier trim; do
	case $rw in
	flush) check "a flush succeeds" in_guest 1 pvblk load xvda --rw=flush:1 --size=4k ;;
	*) refused "no $rw" "read-only" in_guest 1 pvblk load xvda --rw=$rw:1 --size=4k ;;
	esac
done
same "the image is untouched" "$(sha "$work/disk")" "$before"
check "an image without write permission" chmod a-w "$work/disk"
check "is enough for --mode r" attach 1 disk xvdb --mode r
scenario_done
