#!/bin/bash
# SPDX-License-Identifier: MIT
# An image that grows under a guest is noticed, and the guest is told; one that shrinks is
# not forgotten by the log.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 1M
image other 1M
head -c 1000 /dev/urandom >>"$work/disk"
sectors() { xs read "$(be 1 "$1")/sectors"; }

check "a disk" attach 1 disk xvda
check "another one" attach 1 other xvdb
xensim run --domid 1 -- pvblk info xvda --watch >"$work/watch" 2>&1 &
watcher=$!
check "a guest that looks at it" be_state 1 xvda 4
witness other 1 xvdb
same "a part of a sector is not served" "$(sectors xvda)" 2049
truncate -s 3M "$work/disk"
check "it has grown: the backend says so" xs_wait "$(be 1 xvda)/sectors" 6144
same "in the same state" "$(xs read "$(be 1 xvda)/state")" 4
check "the guest sees it" until_true $patience grep -q 3145728 "$work/watch"
same "the log says so, once" "$(grep -c 'has grown from 2049 to 6144 sectors' "$log")" 1
truncate -s 4M "$work/disk"
check "once more" xs_wait "$(be 1 xvda)/sectors" 8192
check "seen once more" until_true $patience grep -q 4194304 "$work/watch"
truncate -s 2M "$work/disk"
check "less is logged" wait_log "has shrunk to 4096 sectors; the guest was told 8192"
same "the guest keeps what it was told" "$(sectors xvda)" 8192
truncate -s 5M "$work/disk"
check "more again" xs_wait "$(be 1 xvda)/sectors" 10240
same "the other disk is what it was" "$(sectors xvdb)" 2048
load_right other "and was served all the time"
kill "$watcher"
wait "$watcher"
same "the next frontend reads all of it" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"

# It grows while pvbackd is away; the guest waits, and is told afterwards.
xensim run --domid 1 -- pvblk info xvda --watch >"$work/watch" 2>&1 &
watcher=$!
check "a guest again" be_state 1 xvda 4
stopped "pvbackd stops"
truncate -s 6M "$work/disk"
pvbackd_start
check "the disk is taken up again, and has grown" xs_wait "$(be 1 xvda)/sectors" 12288
check "the guest sees it, too" until_true $patience grep -q 6291456 "$work/watch"
kill "$watcher"
wait "$watcher"

# The toolstack wants to be rid of a disk: that it grows is no reason to stay.
hold 1 xvda
hold 1 xvdb
xs write "$(be 1 xvda)/online" 0 "$(be 1 xvda)/state" 5
truncate -s 7M "$work/disk" "$work/other"
check "another disk has grown" xs_wait "$(be 1 xvdb)/sectors" 14336
same "what is to go stays what it was" "$(sectors xvda) $(xs read "$(be 1 xvda)/state")" "12288 5"
kill "${held[@]}"
wait "${held[@]}"
check "and goes" detach 1 xvda

truncate -s 1M "$work/loop"
if loop=$(losetup -f --show "$work/loop" 2>/dev/null); then
	echo 'vbd.loop-bypass = off' >"$work/pvbackd.conf"
	kill -HUP "$pvbackd_pid"
	check "a loop device itself, not its file" wait_log "settings read again"
	check "attached" dom0 vbd-attach --wait 1 "$loop" xvdc --mode r
	xensim run --domid 1 -- pvblk info xvdc --watch >"$work/watch" 2>&1 &
	watcher=$!
	check "a guest that looks at that" be_state 1 xvdc 4
	truncate -s 2M "$work/loop"
	losetup -c "$loop"
	check "it has grown, too" xs_wait "$(be 1 xvdc)/sectors" 4096
	kill "$watcher"
	wait "$watcher"
	check "detached" detach 1 xvdc
	losetup -d "$loop"
else
	skip "a block device that grows" "no loop device can be had here"
fi
scenario_done
