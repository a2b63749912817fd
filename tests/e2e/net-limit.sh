#!/bin/bash
# SPDX-License-Identifier: MIT
# What may pass a card is limited in both directions, by bytes and by frames, while it is
# used; what a guest may not be given yet stays in the host's queue, and costs no time.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3
echo "vif.limit-rx-packets = 500000" >"$work/pvbackd.conf"
cards_up 1
eth_starts 1 "a guest with two queues" --queues 2

limit() { ctl limit vif1.0 "$@"; }
# set_to OPTION... - and the worker has been told
set_to() {
	local before
	before=$(grep -cF 'vif-0: limits are' "$log")
	limit "$@" && until_true $patience more_than "$before" 'vif-0: limits are'
}
between() { # LOW HIGH WHAT NUMBER
	[ "${4:-0}" -ge "$1" ] && [ "${4:-0}" -le "$2" ]
	result $? "$3: $4" "wanted $1 to $2"
}

same "what there is" "$(limit)" "$(printf '%-10s  %s\n' tx-bytes none tx-packets none rx-bytes none rx-packets 500000)"

# 40 Mbit/s, and the burst of 50 ms; several streams use both queues.
check "the guest may send 5 MB/s" set_to --tx-bytes=5000000
between 12000000 50000000 "it keeps to it" "$(iperf 1 10.9.0.254 host --parallel 2)"
same "what it receives is not limited" "$(counter 1/vif-0 rx_limited)" 0
check "the same the other way" set_to --tx-bytes=none --rx-bytes=5000000
before=$(counter 1/vif-0 rx_limited)
between 12000000 50000000 "it is given no more" "$(iperf 1 10.9.0.254 host --reverse --parallel 2)"
between 1 20000 "waiting is not asking again and again" $(($(counter 1/vif-0 rx_limited) - before))
between 60000000 900000000000 "it may send what it likes" "$(iperf 1 10.9.0.254 host)"

# Frames: a flood of small ones, of which a second's worth and the burst pass.
check "100 frames a second" set_to --rx-bytes=0 --rx-packets=100
pings 1 10.9.0.254 >/dev/null
before=$(counter 1/vif-0 rx_frames)
host timeout 1 ping -q -f -W 1 10.9.0.1 >/dev/null
between 10 500 "frames that came" $(($(counter 1/vif-0 rx_frames) - before))
check "and the other way" set_to --rx-packets=0 --tx-packets=100
before=$(counter 1/vif-0 tx_frames)
net_of 1 timeout 1 ping -q -f -W 1 10.9.0.254 >/dev/null
between 10 500 "frames that were sent" $(($(counter 1/vif-0 tx_frames) - before))

# It is kept, also by another pvbackd, and beside the toolstack's.
stopped "pvbackd stops"
pvbackd_start
check "the guest is served again" vif_state 1 4
xs write "$(vbe 1)/rate" "1250000,50000"
check "the toolstack's rate" wait_log "rate is 1250000,50000 now"
same "is one of the limits" "$(limit)" \
	"$(printf '%-10s  %s\n' tx-bytes none tx-packets 100 rx-bytes none rx-packets none; echo 'rate        1250000 bytes in 50000 us, by the toolstack')"
check "no limits" set_to --tx-packets=none
xs rm "$(vbe 1)/rate"
check "at all" wait_log "rate is not limited now"
between 60000000 900000000000 "it is not limited" "$(iperf 1 10.9.0.254 host)"

# What is none
refused "a number that is none" "a limit is a number per second, or none" limit --tx-bytes=-1
refused "one that is no number of frames" "a limit is a number" limit --rx-packets=10k
same "nothing was changed by it" "$(limit | grep -c none)" 4
xs write "$(vbe 1)/pvbackd-limits" "tx-bytes=many"
check "a node that is malformed is told" wait_log 'pvbackd-limits is "tx-bytes=many": it stays what it was'
image disk 1M
attach 1 disk xvda
refused "a disk" "nothing can be changed of such a device" ctl limit 1/xvda --tx-bytes=5
scenario_done
