#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that fails, a FUSE file whose server injects errors: by default an error of the
# request, on this disk only; on-enospc and on-error = pause let the guest wait instead.
. "$(dirname "$0")/lib.sh"

host_up
image disk 4M
image other 4M
if ! fuse_up slow disk error=ENOSPC error-pwrite-rate=100% error-file="$work/full"; then
	echo "1..0 # SKIP nbdfuse cannot mount here: $(tail -n 1 "$work/fuse.log")"
	exit 0
fi
pvbackd_start
guest_up 1
status() { xs read "$(be 1 xvda)/state"; }
says() { error_of 1 xvda | grep -qF -- "$1"; }
settings() {
	local seen
	seen=$(grep -c "settings read again" "$log")
	printf '%s\n' "$@" >"$work/pvbackd.conf"
	kill -HUP "$pvbackd_pid"
	until_true $patience more_than "$seen" "settings read again"
}
waits() { [ "$(sha "$work/disk")" = "$1" ]; }

check "a disk" attach 1 slow xvda
attach 1 other xvdb
load disk 1 xvda
witness other 1 xvdb
touch "$work/full"
load_failed disk "storage that is full fails the request"
check "the log says so" wait_log "failed: No space left on device"
check "another disk is served on" changes other
rm "$work/full"
check "detached" detach 1 xvda

settings "vbd.on-enospc[$work/slow] = pause"
check "a disk whose guest is to wait" attach 1 slow xvda
load disk 1 xvda
check "the guest writes" changes disk
touch "$work/full"
check "storage is full: the guest waits" until_true $patience says "No space left on device; the guest waits"
check "the log says so, too" logged "the guest waits. Tried again every 10 s"
same "it is connected" "$(status)" 4
check "another disk is served on meanwhile" changes other
xs write "$(be 1 xvda)/pvbackd-resume" 1
check "the word is heeded" wait_log "are tried again"
check "and taken away" until_true $patience refused x "" xs read "$(be 1 xvda)/pvbackd-resume"
check "in vain: storage is still full" says "the guest waits"
before=$(sha "$work/disk")
check "nothing is written" waits "$before"
rm "$work/full"
xs write "$(be 1 xvda)/pvbackd-resume" 1
check "there is room: the guest goes on" changes disk
check "the error is gone" xs_wait "/local/domain/0/error/backend/vbd/1/51712/error" ""
check "the log says so as well" wait_log "no request waits for storage any more"
touch "$work/full"
check "full again" until_true $patience says "the guest waits"
rm "$work/full"
check "without a word it goes on by itself" \
	xs_wait "/local/domain/0/error/backend/vbd/1/51712/error" "" 15

# The guest waits, and its worker dies: another one waits in its place.
touch "$work/full"
check "full, with a worker that is to die" until_true $patience says "the guest waits"
seen=$(grep -c "the guest waits" "$log")
kill -9 "$(worker 1)"
check "the next worker waits for storage, too" until_true $patience more_than "$seen" "the guest waits"
rm "$work/full"
xs write "$(be 1 xvda)/pvbackd-resume" 1
check "and goes on" xs_wait "/local/domain/0/error/backend/vbd/1/51712/error" ""
check "the guest writes on" changes disk
load_right disk "no request has failed, all data is right"

# A disk can be taken away from a guest that waits.
load disk 1 xvda
touch "$work/full"
check "full once more" until_true $patience says "the guest waits"
served=$(grep -c 'vbd-51712: served' "$log")
check "the disk is taken away" dom0 vbd-detach --force 1 xvda
check "its requests are over, though storage is full" until_true 8 more_than "$served" "vbd-51712: served"
load_failed disk "the guest hears of it"
rm "$work/full"
load_right other "the other disk has not noticed"
check "its disk is detached" detach 1 xvdb

fuse_down
if fuse_up slow disk error=EIO error-pread-rate=100% error-file="$work/full"; then
	settings "vbd.on-error = pause" "vbd.engine = threads"
	check "storage that is away" attach 1 slow xvda
	load disk 1 xvda
	touch "$work/full"
	check "reads wait, by threads" until_true $patience says "read at byte"
	same "pvbackctl says so" "$(ctl list --json | jq -c '[.device, .waits, .fault != null]')" '["1/xvda",true,true]'
	rm "$work/full"
	words=$(grep -c "are tried again" "$log")
	check "pvbackctl resume" ctl resume 1/xvda
	check "is heeded" until_true 2 more_than "$words" "are tried again"
	check "and they go on" xs_wait "/local/domain/0/error/backend/vbd/1/51712/error" ""
	check "the guest writes again" changes disk
	refused "who does not wait cannot be told to go on" "does not wait" ctl resume 1/xvda
	load_right disk "all data is right in the end"
	check "detached at last" detach 1 xvda
fi
pvbackd_stop
fuse_down
scenario_done
