#!/bin/bash
# SPDX-License-Identifier: MIT
# Network cards of several queues: flows are spread over them both ways, each stays in
# order; the interface has as many queues as the guest; one rate is for all of them.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3
echo "vif.max-queues = 4" >"$work/pvbackd.conf"
cards_up 1 2
same "four queues are offered" "$(xs read "$(vbe 1)/multi-queue-max-queues")" 4
same "the interface has no queueing discipline" \
	"$(host tc qdisc show dev vif1.0 | grep -o '^qdisc [a-z]*')" "qdisc noqueue"

tap_queues() { host sh -c "ls -d /sys/class/net/vif$1.0/queues/rx-*" | wc -l; }
# busy GUEST COUNTER - queues of its card whose counter has risen since the last call
declare -A before
busy() {
	local now
	now=$(shown "$1/vif-0" "[.counters_of_queues[].$2]")
	busy=$(jq -n "[$now, ${before[$1$2]:-[]}] | transpose |
		map(select(.[0] > (.[1] // 0) + 20)) | length")
	before[$1$2]=$now
}
# spread LEAST WHAT GUEST COUNTER COMMAND... - queues that the flows before have used; where a
# flow goes is chance, so other flows, by COMMAND, may have to show it
spread() {
	busy "$3" "$4"
	for _ in 1 2 3; do
		[ "$busy" -lt "$1" ] || break
		"${@:5}" >/dev/null
		busy "$3" "$4"
	done
	[ "$busy" -ge "$1" ]
	result $? "$2: $busy queues" "$4 of guest $3: ${before[$3$4]}"
}

eth_starts 1 "a guest with four queues" --queues 4
eth_starts 2 "one with two, each with one event channel" --queues 2 --one-channel
same "their interfaces have as many" "$(tap_queues 1) $(tap_queues 2)" "4 2"
check "ping" pings 1 10.9.0.2
check "ping over IPv6" pings 2 fd09::1
at_least 30000000 "16 flows from guest to guest" "$(iperf 1 10.9.0.2 g2 -P 16)"
spread 2 "they leave by" 1 tx_frames iperf 1 10.9.0.2 g2 -P 16
spread 2 "and come in by" 2 rx_frames iperf 1 10.9.0.2 g2 -P 16
at_least 30000000 "16 flows from the host" "$(iperf 1 10.9.0.254 host --reverse -P 16)"
spread 2 "they come in by" 1 rx_frames iperf 1 10.9.0.254 host --reverse -P 16

# Of frames that say what they are every byte is right, and each flow is in order. Those sent
# before the bridge has the sender's port forward are lost; net-load counts what is lost.
eth_closes 1
eth_closes 2
flows "eight flows over four queues" "right: 8 flows" \
	"--flows 8 --count 500 --queues 4" "--queues 4"
flows "to be segmented, to a guest with one queue" "right: 8 flows" \
	"--flows 8 --count 200 --size 3000-65000 --segment 1448 --queues 4" "--no-rx-notify"
flows "to three queues without rx-notify" "right: 8 flows" \
	"--flows 8 --count 300 --udp --queues 1" "--queues 3 --no-rx-notify"

# Fewer queues than before, and more than are offered.
eth_starts 1 "the guest comes back with one queue"
same "so has its interface" "$(tap_queues 1)" 1
check "ping" pings 1 10.9.0.254
eth_closes 1
eth_starts 1 "with nine" --queues 9
same "it has the four that are offered" "$(tap_queues 1)" 4

# Restarted in order: all queues are taken up again.
stopped "pvbackd stops in order"
pvbackd_start
check "taken up again" wait_log 'guest 1 vif-0: taken up again'
before=()
check "ping" pings 1 10.9.0.254
at_least 30000000 "16 flows" "$(iperf 1 10.9.0.254 host -P 16)"
spread 2 "they leave by" 1 tx_frames iperf 1 10.9.0.254 host -P 16

# The worker is killed, then pvbackd: all queues go on, and stay as many.
kill -KILL "$(worker 1)"
check "another worker takes the card up" until_true $patience more_than 1 "vif-0: taken up again"
check "ping" pings 1 10.9.0.254
pvbackd_killed
pvbackd_start
check "the next pvbackd adopts it" wait_log "vif-0: adopted with its worker"
same "the interface has its four queues" "$(tap_queues 1)" 4
kill -KILL "$(worker 1)"
check "its worker is killed" until_true $patience more_than 2 "vif-0: taken up again"
before=()
at_least 30000000 "16 flows" "$(iperf 1 10.9.0.254 host -P 16)"
spread 2 "they leave by" 1 tx_frames iperf 1 10.9.0.254 host -P 16

# 10 Mbit/s, for all queues together, and the burst of 128 KiB.
xs write "$(vbe 1)/rate" 62500,50000
check "a rate" wait_log "guest 1 vif-0: rate is 62500,50000 now"
bits=$(iperf 1 10.9.0.254 host -P 8)
[ "${bits:-0}" -ge 3000000 ] && [ "$bits" -le 13000000 ]
result $? "all queues keep to it together: $((bits / 1000000)) Mbit/s" "$(cat "$work/iperf.server")"
eth_closes 1
check "detached" uncard 1 0
check "the TAP is gone" until_true $patience no_interface vif1.0
scenario_done
