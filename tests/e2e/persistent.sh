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
for persistent in on off; do
	same "pvblk --persistent=$persistent: agreed" \
		"$(in_guest 1 pvblk info xvda --json --persistent=$persistent | jq .persistent)" \
		"$([ $persistent = on ] && echo true || echo false)"
	same "reads" "$(in_guest 1 pvblk read xvda --persistent=$persistent | sha)" "$(sha "$work/disk")"
	wrote=$(pattern 1 xvda --write --persistent=$persistent --seed "${#persistent}")
	same "writes" "$(sha "$work/disk")" "$wrote"
	check "mixed load, each block checked" in_guest 1 pvblk load xvda --rw mixed --verify --time 2s \
		--persistent=$persistent
	check "is closed" be_state 1 xvda 6
	check "no grant stays mapped" until_true 5 no_maps
done
scenario_done
