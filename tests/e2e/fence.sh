#!/bin/bash
# SPDX-License-Identifier: MIT
# The storage holds a write of a worker that was killed: its successor begins when that write
# has ended, and not before; meanwhile the reason is said. Needs root and a loop device.
. "$(dirname "$0")/lib.sh"

fs=$work/fs loop_fs='' loop=''
undo() {
	fsfreeze --unfreeze "$fs" 2>/dev/null
	[ -z "$loop" ] || losetup --detach "$loop"
	umount "$fs" 2>/dev/null
	[ -z "$loop_fs" ] || losetup --detach "$loop_fs"
	loop='' loop_fs=''
}
trap 'undo; scenario_end' EXIT
mkdir "$fs"
truncate -s 64M "$work/backing"
if ! mke2fs -q "$work/backing" || ! loop_fs=$(losetup --show --find "$work/backing") ||
	! mount "$loop_fs" "$fs" || ! truncate -s 16M "$fs/image" ||
	! loop=$(losetup --show --find "$fs/image"); then
	undo
	echo "1..0 # SKIP no loop device that can be mounted here"
	exit 77
fi
losetup --direct-io=off "$loop"

echo 'vbd.loop-bypass = off' >"$work/pvbackd.conf"
host_up
pvbackd_start
guest_up 1
check "attached" dom0 vbd-attach --wait 1 "$loop" xvda
load it 1 xvda --rw write:90,read:10
check "I/O goes on" differs "$(sha "$fs/image")" "$fs/image"
fsfreeze --freeze "$fs"
until_true 1 differs "$(sha "$fs/image")" "$fs/image"
result $(($? == 0)) "nothing is written any more: the storage holds what is in flight"
first=$(worker 1)
kill -9 "$first"
check "a successor is started" until_true $patience another_worker 1 "$first"
check "it waits, and that is said" wait_log "a worker died and the storage still holds I/O of it"
told() { error_of 1 xvda | grep 'still holds I/O'; }
check "in the error node, too" until_true $patience told
same "nobody has taken the disk up meanwhile" "$(grep -c 'taken up again' "$log")" 0
same "the guest still sees Connected" "$(xs read "$(be 1 xvda)/state")" 4
fsfreeze --unfreeze "$fs"
check "when it has ended the disk is taken up" wait_log "taken up again"
untold() { ! error_of 1 xvda; }
check "and the error node is gone" until_true $patience untold
load_right it "the data was right throughout"
check "detached" detach 1 xvda
stopped "pvbackd stops in order"
undo
scenario_done
