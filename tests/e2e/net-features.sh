#!/bin/bash
# SPDX-License-Identifier: MIT
# What a network card can do besides: it looks which groups frames are for.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

[ -x /etc/xen/scripts/vif-bridge ] || skip_all "there is no /etc/xen/scripts/vif-bridge"
net_up
host_up
pvbackd_start
guest_up 1
card 1 >/dev/null

# counter NAME - of guest 1's card
counter() { dom0 pvbackctl show 1/vif-0 --json --run-dir "$work/run" | jq ".counters.$1"; }
host_pings() { host ping -q -c 2 -i 0.05 -W 1 "$1"; }
no_ping() { ! host_pings "$1"; }
forget() { host ip -6 neighbour flush dev br0; }

# Who asks for an IPv6 address asks a group, who asks for one of IPv4 asks everybody.
eth_starts 1 "a guest that listens to the group of its address" --groups 33:33:ff:00:00:01
check "the host finds fd09::1" host_pings fd09::1
check "and 10.9.0.1" host_pings 10.9.0.1
before=$(counter rx_filtered)
eth_closes 1
eth_starts 1 "a guest that listens to another group" --groups 33:33:ff:00:00:77
forget
check "the host does not find fd09::1" no_ping fd09::1
check "but 10.9.0.1" host_pings 10.9.0.1
check "what it was not given is counted" test "$(counter rx_filtered)" -gt "$before"
kill -KILL "$(worker 1)"
check "its worker is killed" wait_log "vif-0: taken up again"
forget
check "the next one knows the group" no_ping fd09::1

stopped "pvbackd stops"
pvbackd_start
check "another pvbackd takes the card up" until_true 10 more_than 1 "vif-0: taken up again"
forget
check "it does not know the groups, and gives the guest all" host_pings fd09::1
eth_closes 1
eth_starts 1 "a guest that listens to all"
forget
check "the host finds fd09::1" host_pings fd09::1
eth_closes 1
check "detached" uncard 1 0
scenario_done
