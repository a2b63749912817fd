#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest gives back what it does not need, if storage and toolstack let it; and each disk
# has a serial number.
. "$(dirname "$0")/lib.sh"

host_up
echo 'vbd.engine[/*/by-threads] = threads' >"$work/pvbackd.conf"
pvbackd_start
guest_up 1
key() { xs read "$(be 1 "$1")/$2" 2>/dev/null; }
blocks() { stat -c %b "$work/$1"; }
fewer() { [ "$(blocks "$1")" -lt "$2" ]; }

for name in by-uring by-threads; do
	image "$name" 8M
	full=$(blocks $name)
	check "a disk, $name" attach 1 $name xvda
	load trims 1 xvda --rw read:50,write:20,trim:30 --bs 64K
	check "discard is offered" test "$(key xvda feature-discard)" = 1
	same "in units of the filesystem's blocks" "$(key xvda discard-granularity)" "$(stat -c %o "$work/$name")"
	same "aligned" "$(key xvda discard-alignment)" 0
	same "not securely" "$(key xvda discard-secure)" 0
	check "the image becomes smaller" until_true $patience fewer $name $((full * 9 / 10))
	load_right trims "all other data is right"
	check "detached" detach 1 xvda
done
check "by threads" wait_log engine=threads

image plain 1M
check "a disk whose toolstack forbids it" attach 1 plain xvda --no-discard
in_guest 1 pvblk info xvda --json >"$work/info"
same "does not offer it" "$(key xvda feature-discard) $(jq .discard "$work/info")" "0 false"
refused "the guest cannot do it" "" in_guest 1 pvblk load xvda --rw trim --time 1s
check "a read-only disk" attach 1 plain xvdb --mode r
in_guest 1 pvblk info xvdb >"$work/info"
same "does not offer it either" "$(key xvdb feature-discard)" 0

# Page 0x80 begins with its number and its length, 16 digits.
serial() { key "$1" sm-data/scsi/0x12/0x80 | base64 -d | tail -c +5; }
same "a serial number of 16 digits" "$(serial xvda | grep -cE '^[0-9a-f]{16}$')" 1
same "which is the image's" "$(serial xvda)" "$(serial xvdb)"
check "the identification has it, too" grep -q "XEN     $(serial xvda)" \
	<(key xvda sm-data/scsi/0x12/0x83 | base64 -d | tr -d '\0')
image second 1M
attach 1 second xvdc
check "another image has another" test "$(serial xvdc)" != "$(serial xvda)"
scenario_done
