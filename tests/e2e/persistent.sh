#!/bin/bash
# SPDX-License-Identifier: MIT
# With persistent grants and with grant copy: the same data, and what was agreed is what is
# done. Copying, nothing of the guest is mapped but the rings; what is mapped stays within
# the budget, and beyond it data is copied.
. "$(dirname "$0")/lib.sh"

# Its memory is registered with io_uring, which on tmpfs has only what is large.
printf '%s\n' "vbd.max-queues = 2" "vbd.engine = io_uring" >"$work/pvbackd.conf"
image disk 16M
disks_up disk

# pages - of guests, mapped by workers
no_pages() { [ "$(pages)" -eq 0 ]; }
agreed() { in_guest 1 pvblk info xvda --json "$@" | jq .persistent; }

# moves WHAT SIZE OPTION... - reads and writes, and goes on with blocks of that size in the
# background when it returns
moves() {
	same "$1: reads" "$(in_guest 1 pvblk read xvda "${@:3}" | sha)" "$(sha "$work/disk")"
	wrote=$(pattern 1 xvda --write "${@:3}" --seed "${#1}")
	same "$1: writes" "$(sha "$work/disk")" "$wrote"
	load it 1 xvda --bs="$2" "${@:3}"
	check "$1: I/O" changes disk
}
settles() {
	load_right it "$1: the data was right"
	check "$1: no grant stays mapped" until_true $patience no_pages
}

while IFS='|' read -r what rings size options; do
	# shellcheck disable=SC2086 # options, and the script must not be read
	{
		same "$what, persistent: agreed" "$(agreed $options)" true
		moves "$what, persistent" "$size" $options
		result $(($(pages) < rings + 32)) "$what, persistent: the rings are mapped, and a page for each request at least"
		settles "$what, persistent"
		options+=" --persistent=off"
		same "$what, copy: agreed" "$(agreed $options)" false
		moves "$what, copy" "$size" $options
		same "$what, copy: the rings are mapped, and nothing else" "$(pages)" "$rings"
		settles "$what, copy"
	} </dev/null
done <<'END'
one ring|1|4k|
indirect|1|256k|--segments=256
two rings of four pages|8|4k|--queues=2 --ring-order=2
END

# Of 1024 requests with a page of segments each.
in_guest 1 pvblk load xvda --rw=randread --bs=64k --depth=4 --segments=64 --size=64M >/dev/null
check "indirect requests are served" wait_log 'served requests=1024 '
copied=$(grep -o 'served requests=1024 .*' "$log" | grep -o 'copy_segs=[0-9]*' | cut -d= -f2)
result $((copied > 512)) "their segments' pages are mapped, too, and nothing is copied any more" "copy_segs=$copied"

stopped "another budget"
echo "vbd.persistent-grants = 16" >>"$work/pvbackd.conf"
pvbackd_start
moves "a budget of 16" 64k
result $(($(pages) > 17)) "a budget of 16: no more are mapped" "$(pages)"
settles "a budget of 16"
stopped "no budget"
echo "vbd.persistent-grants = 0" >>"$work/pvbackd.conf"
pvbackd_start
same "no budget: not offered" "$(agreed)" false
moves "no budget" 4k
same "no budget: only the ring is mapped" "$(pages)" 1
settles "no budget"
scenario_done
