#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers are killed at random moments under load of all kinds, and pvbackd after each tenth
# of them. What the guests wrote and what they were told stays true, and no frontend sees an
# error or a change of state. KILLS: how many workers; SEED: when.
# timeout: 300
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-200}
image_mb=16
# Frontends of all kinds, and what each asks for.
kinds=(
	'--queues 4 --depth 32 --rw read:40,write:40,flush:20 --bs 4k'
	'--ring-order 2 --segments 64 --depth 64 --rw read:45,write:45,flush:5,barrier:5 --bs 128k'
	'--persistent off --protocol x86_32 --rw read:40,write:40,barrier:10,flush:10 --bs 16k'
)
host_up
pvbackd_start
declare -A last
for g in "${!kinds[@]}"; do
	guest_up $((g + 1))
	image "disk$g" "${image_mb}M"
	attach $((g + 1)) "disk$g" xvda
	# shellcheck disable=SC2086
	load "guest$g" $((g + 1)) xvda ${kinds[g]}
done

# next_worker GUEST - wait for one that was not killed yet
next_worker() {
	local w end=$((SECONDS + 10))
	until w=$(worker "$1") && [ "$w" != "${last[$1]:-}" ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.005
	done
	echo "$w"
}

RANDOM=${SEED:-1}
lost=0
for ((k = 0; k < kills; k++)); do
	g=$((RANDOM % ${#kinds[@]} + 1))
	w=$(next_worker "$g") || { lost=$((lost + 1)); break; }
	last[$g]=$w
	sleep "0.0$((RANDOM % 90 + 10))"
	kill -9 "$w"
	[ $((k % 10)) -eq 9 ] || continue
	# Sometimes at once, sometimes when the next one has begun.
	sleep "0.0$((RANDOM % 4 * (RANDOM % 9)))"
	kill -9 "$pvbackd_pid"
	wait "$pvbackd_pid" 2>/dev/null
	pvbackd_start
done
same "each of $kills workers killed was succeeded by another" "$lost" 0
for g in "${!kinds[@]}"; do
	same "guest $((g + 1)) still sees Connected" "$(xs read "$(be $((g + 1)) xvda)/state")" 4
	check "its I/O goes on" changes "disk$g"
	load_right "guest$g" "its data was right throughout: ${kinds[g]}"
done
scenario_done
