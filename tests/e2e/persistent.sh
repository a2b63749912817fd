#!/bin/bash
# SPDX-License-Identifier: MIT
# With persistent grants and with grant copy: the same data, and what was agreed is what is
# done.
. "$(dirname "$0")/lib.sh"

# pages - how many of the guest the workers map
pages() {
	xensim status --json |
		jq '[.domains[].handles[] | select(.program == "pvbackd-worker") | .pages] | add // 0'
}
unmapped() { [ "$(pages)" -eq 0 ]; }

host_up
pvbackd_start
guest_up 1
image disk 16M
attach 1 disk xvda
for persistent in on off; do
	same "pvblk --persistent=$persistent: agreed" \
		"$(in_guest 1 pvblk info xvda --json --persistent=$persistent | jq .persistent)" \
		"$([ $persistent = on ] && echo true || echo false)"
	same "reads" "$(in_guest 1 pvblk read xvda --persistent=$persistent | sha)" "$(sha "$work/disk")"
	wrote=$(pattern 1 xvda --write --persistent=$persistent --seed "${#persistent}")
	same "writes" "$(sha "$work/disk")" "$wrote"

	in_guest 1 pvblk load xvda --rw mixed --verify --time 2s --persistent=$persistent \
		>"$work/load" &
	load=$! most=0
	while ! gone $load; do
		now=$(pages)
		[ "$now" -le "$most" ] || most=$now
	done
	ended "mixed load, each block checked" $load
	if [ $persistent = on ]; then
		check "the guest's pages are kept mapped" [ "$most" -gt 32 ]
	else
		same "of the guest's pages only the ring is mapped" "$most" 1
	fi
	check "is closed" be_state 1 xvda 6
	check "nothing stays mapped" until_true 5 unmapped
done
scenario_done
