#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers are killed at random moments under load of all kinds, pvbackd once for ten of them
# whatever they are at, and in the end xenstored. Each guest judges all answers exactly (tests/torture): each
# request is answered once, and what is read is what must be there; one's storage forgets what
# was not flushed when it is cut off, and sees in which order writes are done again.
#
# KILLS: how many workers; STORES: how often xenstored; SEED: when, and what is asked; a seed
# that has failed asks the same and kills at the same moments, as far as the machine is as fast.
# timeout: 600
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-200} stores=${STORES:-5} seed=${SEED:-$((RANDOM % 1000 + 1))}
note "SEED=$seed"
# Frontends of all kinds, and how each asks.
kinds=(
	'--queues 4 --depth 32'
	'--queues 4 --order 2 --segments 64 --depth 32 --copy --x86-32'
	'--queues 4 --depth 32 --no-discard'
)
host_up
# The second's storage is tmpfs and served as such, the first's as if it were a disk.
printf '%s\n' "vbd.max-queues = 4" "vbd.engine[g1] = io_uring" >"$work/pvbackd.conf"
pvbackd_start
truncate -s 2M "$work/disk1" "$work/disk2" "$work/kept"
if witness_up slow kept "seed=$seed" delay=20,20; then
	disk3=slow
else
	note "no storage that can be cut off: $(tail -n 1 "$work/fuse.log")"
	disk3=kept
fi
declare -A torture
start() { # GUEST IMAGE OPTION...
	guest_up "$1"
	attach "$1" "$2" xvda
	xensim run --domid "$1" -- "$build/tests/torture/torture" --seed "$seed" "${@:3}" xvda >"$work/guest$1" 2>&1 &
	torture[$1]=$!
	connected "$1" xvda
}
# shellcheck disable=SC2086
start 1 disk1 ${kinds[0]}
# shellcheck disable=SC2086
start 2 disk2 ${kinds[1]}
# shellcheck disable=SC2086
start 3 "$disk3" ${kinds[2]} --cut "$work/kept"

# kill_workers COUNT GUESTS SEED - each has a successor when the next is killed, and in the end
kill_workers() { "$build/tests/torture/killer" "$@" 60 >"$work/left" 2>>"$work/killer"; }
# all_serve - and those serve their disks
all_serve() {
	local g pid
	while read -r g pid; do
		awk -v new="guest $g: worker is process $pid" -v up="guest $g vbd-51712: (worker ready|adopted)" '
			index($0, new) { n = 1 }
			n && $0 ~ up { ok = 1 }
			END { exit !ok }' "$log" || return 1
	done <"$work/left"
}
alive() { # - and nobody complains
	local g
	for g in "${!torture[@]}"; do
		[ ! -s "$work/guest$g" ] && ! gone "${torture[$g]}" || return 1
	done
	[ ! -s "$work/witness" ]
}
progress() { # DONE
	local t=$((SECONDS - began + 1))
	[ "$t" -ge "$((told + 10))" ] || return 0
	told=$t
	echo "# $1 of $kills workers, $pvbackds times pvbackd, $(($1 * 10 / t / 10)).$(($1 * 10 / t % 10)) kills/s, $(((kills - $1) * t / $1)) s to go" >&2
}

began=$SECONDS told=0 pvbackds=0 lost=0 RANDOM=$seed
for ((k = 0; k < kills; k += 10)); do
	kill_workers 10 3 $((seed * 1000000 + k)) &
	killer=$!
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	pvbackd_killed
	pvbackd_start
	pvbackds=$((pvbackds + 1))
	wait "$killer" && alive || { lost=1; break; }
	progress $((k + 10))
done
result $lost "$kills workers and $pvbackds times pvbackd were killed, all were succeeded, after $k: SEED=$seed" \
	"$(cat "$work/killer" "$work"/guest? "$work/witness" 2>/dev/null)"
check "all serve" until_true $patience all_serve
for g in 1 2 3; do
	same "guest $g still sees Connected" "$(xs read "$(be "$g" xvda)/state")" 4
done

# Storage is cut off: what it has kept is judged by the guest that wrote it.
if [ "$disk3" = slow ]; then
	witness_cut
	ended "what was flushed has outlived storage: ${kinds[2]}" "${torture[3]}"
	unset 'torture[3]'
	note "$(cat "$work/guest3")"
	same "what was done again was done in order" "$(cat "$work/witness" 2>/dev/null)" ""
	detach 3 xvda
	fuse_down
fi

lost=0
for ((s = 0; s < stores; s++)); do
	store_killed
	kill_workers 2 2 $((seed * 1000 + s)) || lost=1
	store_anew || lost=1
	kill_workers 2 2 $((seed * 1000 + s)) || lost=1
done
result $lost "xenstored was killed $stores times, and workers while it was away and after" \
	"$(cat "$work/killer" "$work"/guest? 2>/dev/null)"
# An empty store knows nothing of the guests, so they cannot close.
right() { grep -q 'each answered once' "$work/guest$1"; }
for g in 1 2; do
	kill -TERM "${torture[$g]}"
	until_true $patience right "$g"
	result $? "all was right throughout: ${kinds[g - 1]}" "$(cat "$work/guest$g")"
	note "$(grep torture: "$work/guest$g")"
	kill -9 "${torture[$g]}"
	wait "${torture[$g]}" 2>/dev/null
done
scenario_done
