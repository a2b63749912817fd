#!/bin/bash
# SPDX-License-Identifier: MIT
# With persistent grants and with grant copy: the same data, and what was agreed is what is
# done.
. "$(dirname "$0")/lib.sh"

# What the backend's domain maps of guests, but for XenStore's rings.
no_maps() { [ "$(xensim status --json | jq '[.domains[].maps[] | select(.program == "pvbackd-worker")] | length')" -eq 0 ]; }

host_up
pvbackd_start
guest_up 1
image disk 16M
attach 1 disk xvda

# pages - of guests, mapped by workers
pages() {
	xensim status --json | jq '[.domains[].handles[] | select(.program == "pvbackd-worker").pages] | add // 0'
}
no_pages() { [ "$(pages)" -eq 0 ]; }

for persistent in on off; do
	with=--persistent=$persistent
	same "$with: agreed" "$(in_guest 1 pvblk info xvda --json $with | jq .persistent)" \
		"$([ $persistent = on ] && echo true || echo false)"
	same "$with: reads" "$(in_guest 1 pvblk read xvda $with | sha)" "$(sha "$work/disk")"
	wrote=$(pattern 1 xvda --write $with --seed "${#persistent}")
	same "$with: writes" "$(sha "$work/disk")" "$wrote"
	load it 1 xvda $with
	check "$with: I/O" changes disk
	if [ $persistent = on ]; then
		result $(($(pages) < 33)) "$with: the ring is mapped, and a page for each request at least"
	else
		same "$with: the ring is mapped, and nothing else" "$(pages)" 1
	fi
	load_right it "$with: the data was right"
	check "$with: no grant stays mapped" until_true 5 no_pages
done
scenario_done
