#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that is asked each time that a file of it is closed, sshfs over a directory, does not
# answer: workers are started for other guests all the same.
. "$(dirname "$0")/lib.sh"

host_up
image third 1M
mkdir "$work/real" "$work/remote"
image real/disk 4M
mkfifo "$work/to" "$work/from"
exec 7<>"$work/to" 8<>"$work/from"
/usr/lib/openssh/sftp-server <&7 >&8 2>"$work/sftp.log" &
server=$!
sshfs -f -o passive "host:$work/real" "$work/remote" <&8 >&7 2>"$work/sshfs.log" &
sshfs=$!
exec 7>&- 8>&-
# Once: then their numbers may be others'.
undo() {
	[ -n "$sshfs" ] || return 0
	kill -CONT "$sshfs" 2>/dev/null
	umount "$work/remote" 2>/dev/null
	kill "$sshfs" "$server" 2>/dev/null
	wait "$sshfs" "$server" 2>/dev/null
	sshfs=''
}
trap 'rc=$?; undo; (exit $rc); scenario_end' EXIT
if ! until_true $patience mountpoint -q "$work/remote"; then
	echo "1..0 # SKIP sshfs cannot mount here: $(tail -n 1 "$work/sshfs.log")"
	exit 77
fi
pvbackd_start
guest_up 1 2 3
attach 1 remote/disk xvda
attach 3 third xvda
witness other 3 xvda
load slow 1 xvda
first=$(worker 3)
check "the server is stopped" halt "$sshfs"
image second 1M
check "another guest gets a disk, and a worker" disk_works 2 second xvda
kill -KILL "$first"
check "a worker that dies has a successor" until_true $patience another_worker 3 "$first"
check "and its guest's disk goes on" changes third
check "pvbackctl is answered" ctl list
kill -CONT "$sshfs"
check "the disk goes on when storage answers" changes real/disk
load_right slow "its data is right"
load_right other "and the other's"
detach 1 xvda
undo
scenario_done
