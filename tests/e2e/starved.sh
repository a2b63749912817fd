#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that is stopped, one that the kernel ends for want of memory, and a pvbackd that
# has no descriptor left: who has a disk keeps it, others are served or told why not.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
image disk 16M
image second 4M
image other 4M
guest_up 1 2
attach 1 disk xvda
load it 1 xvda --queues 2
frontend_sees() { same "$1: the guest sees Connected, and no error" "$(xs read "$(be 1 xvda)/state")$(error_of 1 xvda)" 4; }

# ---- SIGSTOP ----------------------------------------------------------------------

first=$(worker 1)
check "a worker is stopped" halt "$first"
before=$(sha "$work/disk")
check "another guest's disk works meanwhile" disk_works 2 other xvda
check "pvbackctl is answered" ctl list
same "nobody else has served the stopped worker's disk" "$(sha "$work/disk")" "$before"
frontend_sees "stopped"
kill -CONT "$first"
check "it goes on" changes disk
same "by the same worker" "$(worker 1)" "$first"
check "stopped again" halt "$first"
kill -9 "$first"
check "killed while it is stopped: it has a successor" until_true $patience another_worker 1 "$first"
check "and I/O goes on" changes disk
frontend_sees "stopped and killed"

# ---- No memory --------------------------------------------------------------------

# memory_up - a control group for one worker: cgroup v2, or v1 if that has the memory
memory=
memory_up() {
	local dir=/sys/fs/cgroup
	if grep -qsw memory "$dir/cgroup.subtree_control"; then
		limit=memory.max kills=memory.events
	else
		dir=$dir/memory limit=memory.limit_in_bytes kills=memory.oom_control
	fi
	[ -w "$dir/cgroup.procs" ] && mkdir "$dir/${work##*/}" && memory=$dir/${work##*/} &&
		[ -w "$memory/$limit" ]
}
memory_down() {
	[ -z "$memory" ] || until_true $patience rmdir "$memory"
	memory=
}
trap 'rc=$?; memory_down; (exit $rc); scenario_end' EXIT
if memory_up 2>/dev/null; then
	first=$(worker 1)
	echo "$first" >"$memory/cgroup.procs"
	# What it has is another group's; it needs more for another disk.
	for swap in swap.max swappiness; do
		[ ! -w "$memory/memory.$swap" ] || echo 0 >"$memory/memory.$swap"
	done
	echo 256K >"$memory/$limit"
	attach 1 second xvdb
	load second 1 xvdb --queues 2
	result $? "the disk for which there was no memory is served in the end"
	check "by another worker" another_worker 1 "$first"
	check "the kernel has ended the first one" grep -q '^oom_kill [1-9]' "$memory/$kills"
	check "I/O goes on" changes disk
	frontend_sees "killed for want of memory"
	load_right second "the data was right on the disk that was new"
	check "which is detached" detach 1 xvdb
	check "its group can go" memory_down
else
	memory_down
	skip "a worker that is killed for want of memory" "no control group for memory can be made here"
fi

# ---- No descriptors ---------------------------------------------------------------

unprivileged=
[ "$(id -u)" -ne 0 ] || unprivileged="setpriv --bounding-set=-sys_resource"
# shellcheck disable=SC2086 # empty, or a command that takes from it the right to raise its limit
refused "a pvbackd that may have few is not started" "at most 100 files may be open" \
	$unprivileged prlimit --nofile=100:100 xensim run -- pvbackd --foreground --run-dir "$work/run2"

limits=$(prlimit --pid "$pvbackd_pid" --nofile --output SOFT,HARD --noheadings --raw)
free=0
while [ -e "/proc/$pvbackd_pid/fd/$free" ]; do free=$((free + 1)); done
prlimit --pid "$pvbackd_pid" --nofile="$free:${limits#* }"
lacks='Too many open files'
lines() { grep -c "guest $1 vbd-51712: .*$lacks" "$log"; }
refused "without descriptors: a disk is refused, and it is said why" "$lacks" attach 2 other xvda
same "the log says it once" "$(lines 2)" 1
check "the disk that there was is served on" changes disk
frontend_sees "without descriptors"
first=$(worker 1)
kill -9 "$first"
check "its worker has died: the log says why there is no other" wait_log "cannot be started: $lacks"
check "and so does its error node" grep -q "$lacks" <<<"$(error_of 1 xvda)"
same "the guest still sees Connected" "$(xs read "$(be 1 xvda)/state")" 4
# Some, not all that it had: a worker sees to itself.
prlimit --pid "$pvbackd_pid" --nofile="$((free + 30)):${limits#* }"
check "with descriptors it has a successor" until_true $patience another_worker 1 "$first"
check "and I/O goes on" changes disk
same "that was said once, too" "$(lines 1)" 1
same "which has the descriptors that it may have" \
	"$(prlimit --pid "$(worker 1)" --nofile --output SOFT,HARD --noheadings --raw)" "${limits#* } ${limits#* }"
prlimit --pid "$pvbackd_pid" --nofile="${limits/ /:}"
frontend_sees "descriptors again"
detach 2 xvda
check "what was refused works" disk_works 2 other xvda
load_right it "the data was right throughout"
scenario_done
