#!/bin/bash
# SPDX-License-Identifier: MIT
# What a guest may transmit is limited by `rate`, which may change while it does; pvbackctl
# shows the card.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3
pvbackd_start
guest_up 1 2
card 1 --rate 62500,50000 >/dev/null
card 2 >/dev/null
eth_starts 1 "a guest with 10 Mbit/s"
eth_starts 2 "one without a limit"


# 10 Mbit/s, and the burst of 128 KiB in a second.
rate_is 3000000 12000000 "it keeps to it" "$(iperf 1 10.9.0.254 host)"
rate_is 3000000 12000000 "also to another guest" "$(iperf 1 10.9.0.2 g2)"
at_least 30000000 "what it receives is not limited" "$(iperf 1 10.9.0.254 host --reverse)"
at_least 30000000 "the other guest is not" "$(iperf 2 10.9.0.254 host)"

# xl network-list and scripts write it; the one that is used changes.
xs write "$(vbe 1)/rate" "1250000,50000"
check "200 Mbit/s" wait_log "guest 1 vif-0: rate is 1250000,50000 now"
rate_is 15000000 240000000 "it is faster at once" "$(iperf 1 10.9.0.254 host)"
xs write "$(vbe 1)/rate" "many"
check "one that is malformed is told" wait_log 'rate is "many", it must be BYTES,MICROSECONDS'
rate_is 3000000 240000000 "and changes nothing" "$(iperf 1 10.9.0.254 host)"
same "the card is connected" "$(xs read "$(vbe 1)/state")" 4

ctl show 1/vif-0 >"$work/show"
for words in vif1.0 'gso-tcpv4' 'rate'; do
	check "pvbackctl show says $words" grep -q "$words" "$work/show"
done

# From the slowest there is to none: it does not wait for the next frame's turn.
xs write "$(vbe 1)/rate" "1,4000000000"
check "a byte an hour" wait_log "guest 1 vif-0: rate is 1,4000000000 now"
net_of 1 ping -q -c 3 -i 0.2 -W 1 10.9.0.254 >/dev/null 2>&1
net_of 1 timeout 5 iperf3 --client 10.9.0.254 --udp --bitrate 10M --time 1 >/dev/null 2>&1
xs rm "$(vbe 1)/rate"
check "no limit" wait_log "guest 1 vif-0: rate is not limited now"
check "ping" pings 1 10.9.0.254
at_least 30000000 "it is not limited" "$(iperf 1 10.9.0.254 host)"
uncard --force 1 0
eth_ends 1
scenario_done
