#!/bin/bash
# SPDX-License-Identifier: MIT
# A flush fails once. What was written before may be lost, and the kernel has forgotten it: from
# then on no flush succeeds and each write goes through to storage, also with another worker,
# until the guest connects anew.
. "$(dirname "$0")/lib.sh"

host_up
truncate -s 2M "$work/disk"
: >"$work/flushed"
# Storage that counts its flushes, and can be told to fail them.
: >"$work/slow"
setsid nbdfuse "$work/slow" --command nbdkit -s --exit-with-parent eval \
	get_size='echo 2M' can_write='exit 0' thread_model='echo serialize_all_requests' \
	pread="dd if=$work/disk skip=\$4 count=\$3 iflag=skip_bytes,count_bytes" \
	pwrite="dd of=$work/disk seek=\$4 conv=notrunc oflag=seek_bytes" \
	can_flush='exit 0' \
	flush="if [ -e $work/bad ]; then echo EIO for once >&2; exit 1; fi; echo >>$work/flushed" \
	>>"$work/fuse.log" 2>&1 &
fuse_server=$! fuse_mount=$work/slow
if ! until_true $patience mountpoint -q "$fuse_mount"; then
	echo "1..0 # SKIP nbdfuse cannot mount here: $(tail -n 1 "$work/fuse.log")"
	exit 0
fi
# A block device: of a write to a file on FUSE the kernel leaves it to the server to make it
# durable. A part of a file: that is served as the block device it is.
if ! loop=$(losetup -o 1M -f --show "$work/slow" 2>/dev/null); then
	echo "1..0 # SKIP no loop device can be had here"
	exit 0
fi
# Once: then its name may be another's.
unloop() {
	[ -z "$loop" ] || losetup -d "$loop"
	loop=''
}
trap 'rc=$?; unloop; (exit $rc); scenario_end' EXIT
pvbackd_start
guest_up 1
check "a disk" dom0 vbd-attach --wait 1 "$loop" xvda

# connect WHAT - a frontend that stays, whatever fails; io COMMAND - has it ask for that
connect() {
	xensim run --domid 1 -- nbdkit -f -U "$work/nbd" "$plugin" dev=xvda >>"$work/nbdkit.log" 2>&1 &
	front=$!
	be_state 1 xvda 4 && until_true $patience test -S "$work/nbd"
	result $? "$1"
}
leave() { # WHAT
	kill "$front" && wait "$front"
	result $? "$1"
	rm -f "$work/nbd"
}
io() { qemu-io -f raw -t writeback -c "$1" "nbd+unix:///?socket=$work/nbd"; }
flushed() { wc -l <"$work/flushed"; }
write_lands() { # WHAT PATTERN - it is durable when it is answered, without a flush
	local before
	before=$(flushed)
	check "$1: a write succeeds" io "write -P $2 0 4k"
	result $(($(flushed) <= before)) "$1: and is made durable" "$(flushed) flushes"
}
no_flush() { check "$1: no flush succeeds" eval '! io flush'; }

connect "a guest connects"
check "it writes" io "write -P 1 0 4k"
check "it flushes" io flush
result $(($(flushed) == 0)) "storage has flushed"
touch "$work/bad"
no_flush "storage fails"
rm "$work/bad"
check "the log says what that means" wait_log "flush failed: writes may be lost"
no_flush "storage is well again"
write_lands "storage is well again" 2
same "it is counted" "$(counter 1/xvda io_errors)" 1
first=$(worker 1)
kill -9 "$first"
check "another worker" until_true $patience another_worker 1 "$first"
no_flush "another worker"
write_lands "another worker" 3
pvbackd_killed "$(worker 1)"
pvbackd_start
no_flush "another pvbackd"
write_lands "another pvbackd" 4
leave "the guest leaves"
connect "and connects anew"
check "flushes succeed again" io flush
check "the data is there" io "read -P 4 0 4k"
leave "the guest leaves again"
check "detached" detach 1 xvda
pvbackd_stop
unloop
fuse_down
scenario_done
