#!/bin/bash
# SPDX-License-Identifier: MIT
# What waits for a guest that has posted no receive slots is bounded in bytes: the host drops
# the rest, which is counted; so it is after its worker and pvbackd were killed.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_up
host_up
conf() {
	printf 'vif.max-queues = 1\nvif.rx-drain-timeout = 1000\nvif.rx-stall-timeout = 0\nvif.rx-queue-bytes = %s\n' \
		"$1" >"$work/pvbackd.conf"
}
conf 1000000
pvbackd_start
guest_up 1 2
for g in 1 2; do
	net_add g$g
	host xensim run -- vif-attach --wait --mac "$(mac $g)" $g >/dev/null
done
for g in 1 2; do
	# Nobody speaks but those who are told to.
	host sysctl -q "net/ipv6/conf/vif$g.0/disable_ipv6=1"
	host ip link set "vif$g.0" master br0 up
done
host sysctl -q net/ipv6/conf/br0/disable_ipv6=1
host ip link set br0 up

# 100 frames of 50000 bytes to be segmented: 20 are 1000000 bytes.
frames=100
starving=
starve() {
	rm -f "$work/ready"
	ip netns exec "$net-g1" xensim run --domid 1 -- pvnet check --idle 600000 --rx-slots 0 >"$work/ready" 2>&1 &
	starving=$!
	until_true $patience grep -q ready "$work/ready" && until_true $patience forwards vif1.0
	result $? "$1" "$(cat "$work/ready" "$log" | tail -n 5)"
}
dropped() { host cat /sys/class/net/vif1.0/statistics/tx_dropped; }
# flood WAITED WHAT - the frames are sent; so many have waited until they expired, and a few of
# others, small ones; the host has dropped what did not
flood() {
	local expired full had
	expired=$(counter 1/vif-0 rx_expired)
	full=$(counter 1/vif-0 rx_full)
	had=$(dropped)
	in_net 2 pvnet send --to "$(mac 1)" --size 50000-50000 --segment 1448 --count $frames >"$work/send" 2>&1
	until_true $patience expired_to $((expired + $1))
	expired=$(($(counter 1/vif-0 rx_expired) - expired))
	had=$(($(dropped) - had))
	check "$2: $1 have waited, $expired with others" test "$expired" -ge "$1" -a "$expired" -le $(($1 + 4))
	check "$2: the host dropped the others" test "$had" -ge $((frames - $1)) -a "$had" -le $((frames - $1 + 4))
	same "$2: which is counted" "$(($(counter 1/vif-0 rx_full) - full))" "$had"
}
expired_to() { [ "$(counter 1/vif-0 rx_expired)" -ge "$1" ]; }
ends() {
	kill "$starving"
	wait "$starving" 2>/dev/null
	check "the guest's driver ends" until_true $patience no_carrier vif1.0
}

starve "a guest without receive slots"
grep -q 'the kernel lets no program count' "$log" && skip_all "$(grep -o 'the kernel lets no.*' "$log")"
flood 20 "bounded"
flood 20 "when that has expired, again"
kill -KILL "$(worker 1)"
check "its worker is killed" wait_log "guest 1 vif-0: taken up again"
flood 20 "with the next worker"
pvbackd_killed
pvbackd_start
check "the next pvbackd adopts it" wait_log "guest 1 vif-0: adopted with its worker"
flood 20 "adopted"
pvbackd_killed "$(worker 1)"
pvbackd_start
check "both are killed" wait_log "guest 1 vif-0: its worker died without a pvbackd: goes on"
flood 20 "with the next of both"
ends

flows "50 MB to a guest that takes them" "right: 1 flows" "--size 50000-50000 --segment 1448 --count 1000" ""
conf 0
kill -HUP "$pvbackd_pid"
check "no bound" wait_log "read again"
starve "the guest connects anew"
flood $frames "not bounded"
ends
scenario_done
