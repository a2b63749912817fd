#!/bin/bash
# SPDX-License-Identifier: MIT
# How long does a guest wait whose worker is killed? From the kill to the answer to a read that
# was asked for then, on an idle disk: half of the waits and 99 of 100 are within bounds with
# room for a machine that has other work. KILLS: how many; docs/reliability.md has the figures.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-20}
host_up
pvbackd_start
guest_up 1
image disk 1M
attach 1 disk xvda
mkfifo "$work/pids"
xensim run --domid 1 -- "$build/tests/torture/gap" xvda <"$work/pids" >"$work/gaps" 2>"$work/gap.err" &
gap=$!
exec 8>"$work/pids"
be_state 1 xvda 4
answers() { [ "$(wc -l <"$work/gaps")" -gt "$1" ]; }
last=0
for ((k = 0; k < kills; k++)); do
	until_true 10 another_worker 1 "$last" && until_true 10 more_than "$k" 'worker ready' || break
	last=$(worker 1)
	echo "$last" >&8
	until_true 10 answers "$k" || break
done
exec 8>&-
ended "each kill was followed by an answer" "$gap"
same "of all $kills" "$(wc -l <"$work/gaps")" "$kills"
read -r p50 p90 p99 max < <(sort -n "$work/gaps" |
	awk '{ v[NR] = $1 / 1000 } END { print v[int((NR + 1) / 2)], v[int(NR * .9 + .5)], v[int(NR * .99 + .5)], v[NR] }')
note "ms from the kill to the answer, $kills kills: p50 $p50, p90 $p90, p99 $p99, max $max"
check "half of the guests wait no more than 100 ms: $p50" awk -v v="$p50" 'BEGIN { exit v > 100 }'
check "and 99 of 100 no more than 1 s: $p99" awk -v v="$p99" 'BEGIN { exit v > 1000 }'
scenario_done
