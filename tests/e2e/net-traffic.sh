#!/bin/bash
# SPDX-License-Identifier: MIT
# Traffic between two guests and the host, over IPv4 and IPv6, with and without offloads:
# streams arrive, and of frames that say what they are every byte is right.
# timeout: 600
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3 ethtool
cards_up 1 2

# stream WHAT FROM TO-ADDRESS WHERE [OPTION...] - TCP: all of it has come, in reasonable time
stream() {
	at_least 30000000 "TCP $1" "$(iperf "${@:2}")"
	# What the sockets hold comes when the receiver has told what came.
	same "TCP $1: it has come" "$(jq '.end.sum_sent.bytes >= 33554432 and
		.end.sum_received.bytes >= 20000000' "$work/iperf.json")" true
}

# grams WHAT FROM TO-ADDRESS WHERE [OPTION...] - UDP: most has come, and in order
grams() {
	at_least 8000000 "UDP $1" "$(iperf "${@:2}" --udp --length 1400)"
	same "UDP $1: what was sent" "$(jq '.end.sum | .packets > 1000 and .lost_percent < 50 and
		(.out_of_order // 0) == 0' "$work/iperf.json")" true
}

# What is too slow by far means that offloads do not fit together, or that an event was lost.
for offloads in "" --no-gso "--no-csum --no-gso" "--one-channel --no-rx-notify"; do
	with=${offloads:+ with $offloads}
	eth_starts 1 "guest 1$with" $offloads
	eth_starts 2 "guest 2$with" $offloads
	amount="--bytes 32M"
	stream "to the guest, IPv4$with" 1 10.9.0.2 g2
	stream "to the guest, IPv6$with" 1 fd09::2 g2
	stream "to the host, IPv4$with" 1 10.9.0.254 host
	stream "from the host, IPv6$with" 1 fd09::254 host --reverse
	amount="--bytes 2M"
	grams "to the guest, IPv6$with" 1 fd09::2 g2 --bitrate 60M
	grams "to the host, IPv4$with" 1 10.9.0.254 host --bitrate 60M
	grams "from the host, IPv4$with" 1 10.9.0.254 host --reverse --bitrate 60M
	eth_closes 1
	eth_closes 2
done
amount="--time 1"

# What somebody has switched off on the host's side stays so when the guest connects anew, as
# it has to for a guest that routes, and what is not switched off is there.
switches() {
	host ethtool -k vif1.0 | sed -n 's/^\t*\(tx-checksum-ip-generic\|tx-tcp-segmentation\|tx-tcp6-segmentation\): \(o[nf]*\).*/\2/p' | xargs
}
eth_starts 1 "guest 1"
same "all offloads are there" "$(switches)" "on on on"
host ethtool -K vif1.0 tso off >/dev/null
eth_closes 1
eth_starts 1 "it connects anew"
same "segmentation is off, as it was" "$(switches)" "on off off"
at_least 30000000 "TCP from the host" "$(iperf 1 10.9.0.254 host --reverse)"
host ethtool -K vif1.0 tx off tso on >/dev/null
eth_closes 1
eth_starts 1 "it connects anew"
same "checksums are off, and segmentation with them" "$(switches)" "off off off"
at_least 30000000 "TCP from the host" "$(iperf 1 10.9.0.254 host --reverse)"
eth_closes 1
stopped "pvbackd stops"
pvbackd_start
eth_starts 1 "another pvbackd"
same "checksums are off" "$(switches)" "off off off"
host ethtool -K vif1.0 tx on tso on >/dev/null
eth_closes 1
eth_starts 1 "it connects anew"
same "what is switched on is on" "$(switches)" "on on on"
eth_closes 1

# A guest without scatter-gather is one page wide.
eth_starts 1 "guest 1 without scatter-gather" --no-sg --no-gso
at_least 30000000 "TCP from the host, to it" "$(iperf 1 10.9.0.254 host --reverse)"
eth_closes 1

# A guest that has posted no receive slots loses what is for it, and costs the other nothing.
eth_starts 1 "guest 1 without receive slots" --rx-slots 0
eth_starts 2 "guest 2"
host ip neighbour replace 10.9.0.1 lladdr "$(mac 1)" dev br0
ip netns exec "$net-host" ping -q -f -s 1000 10.9.0.1 >/dev/null 2>&1 &
flood=$!
at_least 30000000 "TCP of guest 2 meanwhile" "$(iperf 2 10.9.0.254 host)"
check "ping" pings 2 10.9.0.254
kill "$flood"
wait "$flood" 2>/dev/null
host ip neighbour delete 10.9.0.1 dev br0
eth_closes 1
eth_closes 2
same "guest 1 got nothing" "$(grep -o 'received [0-9]*' "$work/eth1.log")" "received 0"

whole='right: 1 flows'
flows "UDP" "$whole" "--udp --count 3000" ""
flows "UDP over IPv6, full checksums" "$whole" "--udp --ipv6 --full-checksum --count 3000" ""
flows "TCP, checksums not taken blank" "$whole" "--count 3000" "--no-csum --no-gso"
flows "TCP over IPv6, headers in a slot of 20 bytes" "$whole" "--ipv6 --first 20 --count 3000" ""
flows "64 KiB to be segmented, as they are" "$whole, .* [1-9][0-9]* to be segmented" \
	"--size 3000-65000 --segment 1448 --count 1000" ""
flows "the same, cut by the host" "$whole, .* of which 0 to be segmented" \
	"--size 3000-65000 --segment 1448 --count 100" "--no-gso"
flows "64 KiB over IPv6 in odd slots" "$whole, .* [1-9][0-9]* to be segmented" \
	"--ipv6 --size 3000-65000 --segment 1000 --first 67 --count 1000" "--one-channel"
flows "eight flows" "right: 8 flows" "--flows 8 --count 500" "--no-rx-notify"
flows "a guest with few slots" "$whole" "--size 3000-20000 --segment 1448 --count 200" "--rx-slots 18"

# All frames were right, and none was refused.
same "no kernel has found a checksum or a header wrong" "$(wrong_sums)" ""
same "no slot was refused, no frame dropped for its headers" \
	"$(grep -oE 'tx_(refused_[a-z]*|grants|headers)=[1-9]|rx_grants=[1-9]' "$log")" ""
stopped "pvbackd stops"
scenario_done
