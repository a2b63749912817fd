#!/bin/bash
# SPDX-License-Identifier: MIT
# Two guests send each other frames of all sizes and kinds, in slots of all sizes, both ways at
# once: what arrives is right in every byte, header and checksum, in the order of its flow, and
# what does not is what the host says it has dropped. NET_TIME=60 for a longer look; SEED=2 for
# other frames.
# timeout: 600
. "$(dirname "$0")/net-lib.sh"

ways=("" "--one-channel --no-rx-notify --rx-slots 40" "--no-gso --window 8" "--no-csum --no-gso --window 8"
	"--queues 4 --window 24")
# All ways together; 10 seconds where nothing is said.
each=$(((${NET_TIME:-10} + ${#ways[@]} - 1) / ${#ways[@]}))
net_host_up
echo "vif.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1 2
for g in 1 2; do
	card "$g" --mtu 65521 >/dev/null
	# Nothing but what the guests say.
	net_add "g$g"
done
host sysctl -q net.ipv6.conf.br0.disable_ipv6=1
host ip link set br0 type bridge mcast_snooping 0

# dropped GUEST - frames for it that found the queue of its TAP full
dropped() { host cat "/sys/class/net/vif$1.0/statistics/tx_dropped"; }
said() { sed -n "s/.*$2.*/\\1/p" "$work/load$1"; }

# loads NAME OPTION... - both guests at once
loads() {
	local name=$1 g pid=() before=("" "$(dropped 1)" "$(dropped 2)") lost
	shift
	for g in 1 2; do
		in_net "$g" pvnet load --to "$(mac $((3 - g)))" --time "$each" --flows 8 \
			--size 60-65535 --idle 5000 --seed "${SEED:-1}" "$@" >"$work/load$g" 2>&1 &
		pid[g]=$!
	done
	for g in 1 2; do
		wait "${pid[g]}"
		result $? "$name: what guest $g receives is right: $(grep flows "$work/load$g")" \
			"$(cat "$work/load$g")"
	done
	[ -z "$(grep -L ' 8 flows; .* 0 slots refused' "$work"/load?)" ]
	result $? "$name: of all flows, and no slot was refused" "$(cat "$work"/load?)"
	# Segments have the number of their frame, so that frames can be counted only whole.
	case $name in *no-gso*) return ;; esac
	for g in 1 2; do
		lost=$(($(said $((3 - g)) 'sent \([0-9]*\) frames') - $(said "$g" 'received \([0-9]*\) frames')))
		[ "$lost" -le $(($(dropped "$g") - before[g])) ] && [ "$lost" -ge 0 ] && [ "$(said "$g" ' \([0-9]*\) lost')" -le "$lost" ]
		result $? "$name: what guest $g has not got, $lost, the host has dropped" \
			"$(dropped "$g") dropped, ${before[g]} before; $(cat "$work"/load?)"
	done
}

# What was for the last connection of a guest is not given to the next one.
checks() { # IDLE OPTION...
	ip netns exec "$net-g1" xensim run --domid 1 -- pvnet check --idle "$@" >"$work/check" 2>&1 &
	checker=$!
	until_true $patience grep -q ready "$work/check" && until_true $patience has_carrier vif1.0
}
checks 20000 --rx-slots 0
in_net 2 pvnet send --udp --to "$(mac 1)" --count 100 >/dev/null
kill -TERM "$checker"
wait "$checker"
same "a guest without slots gets nothing" "$(tail -n 1 "$work/check")" \
	"right: 0 flows, 0 frames, of which 0 to be segmented, 0 bytes, 0 gaps"
checks 200
ended "it connects anew" "$checker"
same "what was for it before is gone" "$(tail -n 1 "$work/check")" \
	"right: 0 flows, 0 frames, of which 0 to be segmented, 0 bytes, 0 gaps"

for way in "${ways[@]}"; do
	loads "pvnet load${way:+ }$way" $way
done
# frames_of tx|rx - on each queue of guest 1, where there were several
frames_of() { sed -n "s/.*guest 1 vif-0 queue \([0-9]\): served.* $1_frames=\([0-9]*\).*/\2/p" "$log"; }
same "four queues sent frames" "$(frames_of tx | grep -c '[1-9]')" 4
[ "$(frames_of rx | grep -c '[1-9]')" -gt 1 ]
result $? "flows are spread over those that receive: $(frames_of rx | xargs)" "wanted two at least"
same "no frame was dropped for its slots, headers or grants" \
	"$(grep -oE 'tx_(refused|grants|headers|tap)=[1-9][0-9]*|rx_grants=[1-9][0-9]*' "$log")" ""
stopped "pvbackd stops"
scenario_done
