#!/bin/bash
# SPDX-License-Identifier: MIT
# A network card is attached with the stock vif-bridge script, used, closed, connected again,
# renamed, detached; pvbackd is restarted under it; nothing of it stays on the host.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up
pvbackd_start
guest_up 1 2

# Without a script there is nothing to wait for, and nobody puts it anywhere.
same "the first card is number 0" \
	"$(host xensim run -- vif-attach --wait --mac "$(mac 1)" --mtu 9000 1)" 0
same "the TAP has the address that no bridge takes" \
	"$(host cat /sys/class/net/vif1.0/address)" fe:ff:ff:ff:ff:ff
same "and the MTU asked for" "$(host cat /sys/class/net/vif1.0/mtu)" 9000
check "the backend waits in InitWait" vif_state 1 2
check "detached" uncard 1 0
check "the TAP is gone" until_true $patience no_interface vif1.0

# The script runs when InitWait is seen, and finds the TAP under its name.
same "attached" "$(card 1)" 0
same "the script is through" "$(xs read "$(vbe 1)/hotplug-status")" connected
check "it is on the bridge" host test -e /sys/class/net/br0/brif/vif1.0
check "it has no carrier" no_carrier vif1.0
was=$(index vif1.0)
eth_starts 1 "the guest's driver starts"
check "Connected" vif_state 1 4
check "the link is up" until_true $patience has_carrier vif1.0
check "ping, IPv4" pings 1 10.9.0.254
check "ping, IPv6" pings 1 fd09::254

# Another guest, on the same bridge.
card 2 >/dev/null
eth_starts 2 "another guest"
check "ping from guest to guest" pings 1 10.9.0.2
check "and back" pings 2 fd09::1

# The guest's driver goes and comes; the script does not run again.
eth_closes 1
check "Closed" vif_state 1 6
check "no carrier" no_carrier vif1.0
check "the neighbour's card still works" pings 2 10.9.0.254
eth_starts 1 "the driver comes again"
check "ping" pings 1 10.9.0.254
same "through the same interface" "$(index vif1.0)" "$was"

# pvbackd is restarted while the guest is connected: the guest does not notice.
net_of 1 ping -q -i 0.02 -c 400 -W 2 10.9.0.254 >"$work/ping" 2>&1 &
pinging=$!
stopped "pvbackd stops in order"
check "the interface stays" host ip link show vif1.0
check "on its bridge" host test -e /sys/class/net/br0/brif/vif1.0
pvbackd_start
check "taken up again" wait_log 'guest 1 vif-0: taken up again'
same "the guest saw nothing" "$(xs read "$(vbe 1)/state") $(xs read "$(vfe 1)/state")" "4 4"
same "the same interface" "$(index vif1.0)" "$was"
ended "ping went on" "$pinging"
lost=$(sed -n 's/.* \([0-9]*\)[.0-9]*% packet loss.*/\1/p' "$work/ping")
[ "${lost:-100}" -lt 60 ]
result $? "most of it came back (${lost:-?} % lost)" "$(cat "$work/ping")"
check "ping" pings 1 fd09::254

# A name of the toolstack's choice, and a rename under load.
check "detached from a guest that uses it" uncard --force 1 0
check "its TAP is gone" until_true $patience no_interface vif1.0
eth_ends 1
host xensim run -- vif-attach --mac "$(mac 1)" --bridge br0 --vifname uplink1 1 >/dev/null
check "it is called so" host test -e /sys/class/net/br0/brif/uplink1
eth_starts 1 "the guest's driver starts"
check "ping" pings 1 10.9.0.254
host ip link set uplink1 down
host ip link set uplink1 name uplink2
host ip link set uplink2 up
check "renamed once more: ping" pings 1 10.9.0.254
eth_closes 1
stopped "pvbackd stops"
pvbackd_start
eth_starts 1 "the driver comes again"
check "ping, after a restart, by another name" pings 1 10.9.0.254
check "detached" uncard --force 1 0
eth_ends 1
check "the renamed TAP is gone" until_true $patience no_interface uplink2

# The end of a guest is the end of its card.
xensim destroy 2
eth_ends 2
check "a dead guest's card can be detached" uncard --force 2 0
check "its TAP is gone" until_true $patience no_interface vif2.0
same "no interface is left" "$(host ip -o link show type tun | wc -l)" 0
scenario_done
