#!/bin/bash
# SPDX-License-Identifier: MIT
# The worker of a network card is killed again and again under TCP in both directions, and
# then pvbackd under the worker; both are replaced by an upgrade, and killed at once. No
# connection breaks, the interface keeps its place on the bridge and, while any of them lives,
# its carrier; the guest sees no change, and no slot is answered twice.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3
cards_up 1
eth_starts 1 "a guest"
check "ping" pings 1 10.9.0.254

ip netns exec "$net-host" ip -o monitor link >"$work/monitor" 2>&1 &
monitor=$!
xensim run -- xenstore-watch "$(vbe 1)/state" "$(vfe 1)/state" >"$work/states" 2>/dev/null &
states=$!
ip netns exec "$net-host" iperf3 --server --one-off --forceflush >"$work/iperf.server" 2>&1 &
server=$!
until_true $patience grep -q listening "$work/iperf.server"
ip netns exec "$net-g1" iperf3 --client 10.9.0.254 --bidir --json --time 90 >"$work/iperf.json" &
stream=$!
connections() { net_of 1 ss -Htn state established '( dport = :5201 )' | wc -l; }
three() { [ "$(connections)" -eq 3 ]; }
check "streams both ways" until_true $patience three

# again SIGNAL - kill the worker; another one takes the card up
again() {
	local first taken
	first=$(worker 1)
	taken=$(grep -cF "vif-0: taken up again" "$log")
	kill "-$1" "$first"
	until_true $patience more_than "$taken" "vif-0: taken up again"
}
rx() { host cat /sys/class/net/vif1.0/statistics/rx_bytes; }
tx() { host cat /sys/class/net/vif1.0/statistics/tx_bytes; }
rx_beyond() { [ "$(rx)" -gt "$1" ]; }
tx_beyond() { [ "$(tx)" -gt "$1" ]; }

killed=0
for _ in {1..25}; do
	# Both ways are full when it dies.
	until_true $patience rx_beyond $(($(rx) + 1000000)) && until_true $patience tx_beyond $(($(tx) + 1000000)) &&
		again KILL && killed=$((killed + 1))
done
same "25 workers were killed under traffic, and succeeded" "$killed" 25
check "the streams are the same" three

pvbackd_killed
pvbackd_pid=
check "frames go on without pvbackd" until_true $patience rx_beyond $(($(rx) + 1000000))
pvbackd_start
check "the next one adopts the card" wait_log "vif-0: adopted with its worker"
check "its worker is killed" again KILL
check "frames go on" until_true $patience rx_beyond $(($(rx) + 1000000))
check "the streams are still the same" three
check "both are replaced by an upgrade" ctl upgrade
check "frames go on" until_true $patience rx_beyond $(($(rx) + 1000000))
check "the streams are still the same" three
same "the interface had its carrier throughout" "$(grep -cE 'vif1.0.*(NO-CARRIER|state DOWN)|Deleted' "$work/monitor")" 0

pvbackd_killed "$(worker 1)"
pvbackd_start
check "both are killed at once, and the next pvbackd goes on" wait_log "vif-0: its worker died without a pvbackd: goes on"
check "frames go on" until_true $patience rx_beyond $(($(rx) + 1000000))
check "the streams are still the same" three

kill "$stream"
wait "$stream" 2>/dev/null
kill "$server" "$monitor" "$states" 2>/dev/null
wait "$server" "$monitor" "$states" 2>/dev/null
check "the interface is on its bridge" host test -e /sys/class/net/br0/brif/vif1.0
same "the guest saw nothing" "$(xs read "$(vbe 1)/state") $(xs read "$(vfe 1)/state")" "4 4"
# Each path once, when the watch is set.
same "nobody wrote a state" "$(sort "$work/states" | uniq -c | awk '{ print $1 }' | sort -u)" 1
check "ping" pings 1 10.9.0.254
eth_closes 1
same "its driver found nothing wrong" "$(grep -iE 'unknown id|answers|broken' "$work/eth1.log" | grep -v received)" ""
check "detached" uncard 1 0
scenario_done
