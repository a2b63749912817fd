#!/bin/bash
# SPDX-License-Identifier: MIT
# What a network card can do besides: it looks which groups frames are for, notices that
# a guest receives nothing, and makes all checksums for one that passes frames on.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up
printf '%s\n' "vif.rx-drain-timeout = 300" "vif.rx-stall-timeout = 1000" >"$work/pvbackd.conf"
cards_up 1 2

host_pings() { host ping -q -c 2 -i 0.05 -W 1 "$1"; }
no_ping() { ! host_pings "$1"; }
forget() { host ip -6 neighbour flush dev br0; }

# Who asks for an IPv6 address asks a group, who asks for one of IPv4 asks everybody.
eth_starts 1 "a guest that listens to the group of its address" --groups 33:33:ff:00:00:01
check "the host finds fd09::1" host_pings fd09::1
check "and 10.9.0.1" host_pings 10.9.0.1
before=$(counter 1/vif-0 rx_filtered)
eth_closes 1
eth_starts 1 "a guest that listens to another group" --groups 33:33:ff:00:00:77
forget
check "the host does not find fd09::1" no_ping fd09::1
check "but 10.9.0.1" host_pings 10.9.0.1
check "what it was not given is counted" test "$(counter 1/vif-0 rx_filtered)" -gt "$before"

# What it writes while it is connected counts, and what it has added stays.
xs write "$(vfe 1)/request-multicast-control" 0
check "it asks for all groups" wait_log "vif-0: it is given all groups"
forget
check "the host finds fd09::1" host_pings fd09::1
xs write "$(vfe 1)/request-multicast-control" many
words() { [[ $(vif_error 1) == *'request-multicast-control is "many"'* ]]; }
check "what is no number is named in the error node" until_true $patience words
forget
check "and changes nothing" host_pings fd09::1
xs write "$(vfe 1)/request-multicast-control" 1
check "it asks for its own again" wait_log "vif-0: it is given groups that it has added only"
no_error() { [ -z "$(vif_error 1)" ]; }
check "nothing is wrong any more" until_true $patience no_error
forget
check "the host does not find fd09::1" no_ping fd09::1
same "all of that without another connection" "$(xs read "$(vbe 1)/state") $(xs read "$(vfe 1)/state") $(grep -c 'guest 1 vif-0: InitWait -> Connected' "$log")" "4 4 2"
kill -KILL "$(worker 1)"
check "its worker is killed" wait_log "vif-0: taken up again"
forget
check "the next one knows the group" no_ping fd09::1

stopped "pvbackd stops"
pvbackd_start
check "another pvbackd takes the card up" until_true $patience more_than 1 "vif-0: taken up again"
forget
check "it does not know the groups, and gives the guest all" host_pings fd09::1
eth_closes 1
eth_starts 1 "a guest that listens to all"
forget
check "the host finds fd09::1" host_pings fd09::1
eth_closes 1

# A guest that posts no receive slots; its neighbour is served.
eth_starts 2 "a neighbour"
host ip neighbour replace 10.9.0.1 lladdr "$(mac 1)" dev br0
ip netns exec "$net-host" ping -q -i 0.01 10.9.0.1 >/dev/null 2>&1 &
pinging=$!
eth_starts 1 "a guest without receive slots" --rx-slots 0
check "it loses its carrier" until_true $patience no_carrier vif1.0
check "that is said" wait_log "guest 1 vif-0: it has posted too few receive slots for 1000 ms"
words() { [[ $(vif_error 1) == *"too few receive slots"* ]]; }
check "in the error node, too" until_true $patience words
check "what waited was dropped" test "$(counter 1/vif-0 rx_expired)" -gt 20
check "the neighbour is served" pings 2 10.9.0.254
kill "$pinging"
wait "$pinging" 2>/dev/null
host ip neighbour delete 10.9.0.1 dev br0
eth_closes 1
eth_starts 1 "it comes back with slots"
check "and has a carrier" until_true $patience has_carrier vif1.0
check "ping" pings 1 10.9.0.254
eth_closes 1
eth_closes 2

# A guest that breaks its ring is told why, and can start over.
in_net 2 pvnet send --to "$(mac 1)" --cross-page --count 1 >/dev/null 2>&1
same "its driver has lost the card" $? 4
check "the log says why" wait_log "guest 2 vif-0: a slot that crosses the end of its page"
why() { [[ $(vif_error 2) == *"crosses the end of its page"* ]]; }
check "the error node, too" until_true $patience why
eth_starts 2 "it connects anew"
check "ping" pings 2 10.9.0.254
eth_closes 2

# All checksums are made for a card that is marked so, whatever its guest takes.
flows "a guest that takes blank checksums" "right: 1 flows" "--count 50" ""
same "gets them" "$(grep blank "$work/check")" "50 checksums were blank"
xs write "$(vbe 2)/pvbackd-full-checksums" 1
flows "frames to be segmented are cut" "right: 1 flows, .* of which 0 to be segmented" \
	"--size 3000-65000 --segment 1448 --count 50" ""
same "no checksum was blank" "$(grep blank "$work/check")" "0 checksums were blank"
check "detached" uncard 1 0
scenario_done
