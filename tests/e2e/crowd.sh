#!/bin/bash
# SPDX-License-Identifier: MIT
# Twenty guests with two disks each, all at once: each finds its own data.
# timeout: 240
. "$(dirname "$0")/lib.sh"

no_workers() { [ -z "$(workers)" ]; }

guests=20
writers=()
host_up
pvbackd_start
mapfile -t all < <(seq 1 "$guests")
check "$guests guests" guest_up "${all[@]}"
for g in "${all[@]}"; do
	for d in xvda xvdb; do
		truncate -s 4M "$work/$g-$d"
		dom0 vbd-attach "$g" "$work/$g-$d" "$d" || result 1 "attach $d to guest $g"
	done
done
for g in "${all[@]}"; do
	for d in xvda xvdb; do
		pattern "$g" "$d" --write --seed "$g$(vdev_number "$d")" >"$work/$g-$d.sum" &
		writers+=($!)
	done
done
wait "${writers[@]}"
wrong=
for g in "${all[@]}"; do
	for d in xvda xvdb; do
		[ "$(cat "$work/$g-$d.sum")" = "$(sha "$work/$g-$d")" ] || wrong+=" $g/$d"
	done
done
same "each image is what its guest wrote" "$wrong" ""
same "all $((2 * guests)) differ" "$(sort -u "$work"/*.sum | wc -l)" $((2 * guests))
for g in "${all[@]}"; do hold "$g" xvda || result 1 "connect guest $g"; done
same "all at once: a worker for each guest" "$(workers | wc -l)" "$guests"
for g in "${all[@]}"; do xensim destroy "$g"; done
wait "${held[@]}" 2>/dev/null
check "no worker is left when the guests are gone" until_true 10 no_workers
scenario_done
