#!/bin/bash
# SPDX-License-Identifier: MIT
# Twenty guests with two disks each, all at once: each finds its own data. pvbackd is killed, and
# the next one adopts them all, with the workers that there are. GUESTS: how many.
# timeout: 240
. "$(dirname "$0")/lib.sh"

no_workers() { [ -z "$(workers)" ]; }

guests=${GUESTS:-20}
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
for g in "${all[@]}"; do
	for d in xvda xvdb; do hold "$g" "$d" || result 1 "connect guest $g"; done
done
same "all at once: a worker for each guest" "$(workers | wc -l)" "$guests"

before=$(workers | sort)
pvbackd_killed
since=${EPOCHREALTIME/./}
pvbackd_start
check "all $((2 * guests)) are adopted" until_true $patience more_than $((2 * guests - 1)) "adopted with its worker"
echo "# in $(((${EPOCHREALTIME/./} - since) / 1000)) ms from the start of the process, load $(cut -d' ' -f1 /proc/loadavg)"
same "no worker is another one, and there is none besides" "$(workers | sort)" "$before"
for g in "${all[@]}"; do xensim destroy "$g"; done
wait "${held[@]}" 2>/dev/null
check "no worker is left when the guests are gone" until_true $patience no_workers
scenario_done
