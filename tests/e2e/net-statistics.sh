#!/bin/bash
# SPDX-License-Identifier: MIT
# What pvbackctl says of a network card is exactly what passed: frames, bytes, latencies; and
# what did not pass, by cause.
# timeout: 120
. "$(dirname "$0")/net-lib.sh"

net_host_up
cards_up 1 2
net_add g1
net_add g2

# Nobody else speaks: the guests' driver is the sender of frames, and the one that checks.
flows "3000 frames" "right: 1 flows, 3000 frames" "--udp --count 3000" ""
same "frames sent, and their bytes" "$(shown 1/vif-0 '[.counters.tx_frames, .counters.tx_bytes]')" \
	"$(in_net 1 pvnet send --to "$(mac 2)" --udp --count 3000 | sed -n 's/sent \([0-9]*\) frames, \([0-9]*\) bytes.*/[\1,\2]/p' |
		jq -c .)"
same "twice now" "$(shown 1/vif-0 .counters.tx_frames)" 6000
same "a latency for each" "$(shown 1/vif-0 .histograms.transmit.count)" 6000
same "and for each that came" "$(shown 2/vif-0 '.histograms.receive.count == .counters.rx_frames')" true
check "they are latencies" test "$(shown 1/vif-0 '.histograms.transmit | .min > 0 and .sum >= .count * .min and .max < 10000000000')" = true
# The host's own frames may find no slots.
lost='[.losses[] | select(startswith("tx_"))] as $l | [.counters[$l[]]] | add'
same "nothing was lost" "$(shown 1/vif-0 "$lost")" 0

# Into an interface that is down; stats has it by cause, as it happens.
host ip link set vif1.0 down
ctl stats 1/vif-0 --watch=0.2 --count=15 --json >"$work/stats.json" &
stats=$!
ctl stats 1/vif-0 --watch=0.2 --count=15 >"$work/stats.txt" &
table=$!
in_net 1 pvnet send --to "$(mac 2)" --udp --count 500 >/dev/null
ended "intervals" "$stats"
ended "as a table, too" "$table"
same "lost, and why" "$(shown 1/vif-0 .counters.tx_down)" 500
same "in no other way" "$(shown 1/vif-0 "$lost")" 500
check "stats has it, when it happens" jq -se '.[-1].lost.tx_down.count == 500 and any(.lost.tx_down.per_second > 0)
	and .[-1].lost.tx_down.per_second == 0 and all(.transmit.per_second == 0)' "$work/stats.json"
check "and the table" grep -q 'lost: tx_down *[0-9]' "$work/stats.txt"
ctl show 1/vif-0 >"$work/show.txt"
for what in 'transmit 6000, ' 'receive ' 'p99.9' "$(printf '%-20s 500' tx_down)" 'tx_spoof_mac'; do
	check "show has '$what'" grep -qF -- "$what" "$work/show.txt"
done
scenario_done
