#!/bin/bash
# SPDX-License-Identifier: MIT
# With vif.antispoof a guest sends under the addresses that the toolstack gave it, and no
# others: IPv4, IPv6, ARP, neighbour discovery, MAC; "log" says it, "drop" prevents it.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_host_up
echo "vif.antispoof = maybe" >"$work/pvbackd.conf"
refused "a mode that is none" "it must be off, log, drop" \
	dom0 timeout 5 pvbackd --foreground --run-dir "$work/run" --config "$work/pvbackd.conf"
echo "vif.antispoof = drop" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1 2 3
card 1 --ip "10.9.0.1 fd09::1" >/dev/null
eth_starts 1 "a guest with a list of addresses"

of() { counter 1/vif-0 "tx_spoof_$1"; }
of_all() { shown 1/vif-0 '[.counters | to_entries[] | select(.key | startswith("tx_spoof")) | .value] | add'; }
ping_as() { net_of 1 ping -q -c 1 -W 0.3 -I "$1" "$2"; }
counted() { [ "$(of "$1")" -gt "$2" ]; }
same "which pvbackctl shows" "$(shown 1/vif-0 '.facts | .antispoof, .addresses')" \
	"$(printf 'drop\n10.9.0.1/32 fd09::1/128')"

# ---- What is its own
check "IPv4" pings 1 10.9.0.254
check "IPv6" pings 1 fd09::254
ll=$(net_of 1 ip -6 -o address show dev eth0 scope link | sed 's/.* inet6 \([^/]*\).*/\1/')
check "link-local" net_of 1 ping -q -c 1 -W 2 -I eth0 "$(host ip -6 -o address show dev br0 scope link | sed 's/.* inet6 \([^/]*\).*/\1/')%eth0"
net_of 1 sysctl -q net.ipv6.conf.eth0.accept_dad=1
net_of 1 ip -6 address del "$ll/64" dev eth0
net_of 1 ip -6 address add "$ll/64" dev eth0
check "an address that is looked whether it is free" until_true $patience \
	net_of 1 sh -c 'ip -6 address show dev eth0 | grep -q "scope link" && ! ip -6 address show dev eth0 | grep -q tentative'
net_of 1 sysctl -q net.ipv6.conf.eth0.accept_dad=0
check "and its traffic is what TCP makes of it" test "$(iperf 1 10.9.0.254 host)" -gt 30000000
same "none of this was wrong" "$(of_all)" 0

# ---- What is not
net_of 1 ip address add 10.9.0.77/24 dev eth0
refused "another IPv4 address" "100% packet loss" ping_as 10.9.0.77 10.9.0.254
check "is counted" until_true $patience counted ipv4 0
check "and said" wait_log "frame dropped: an IPv4 source that is not the guest's"
net_of 1 ip neighbour flush dev eth0
refused "nor does it ask for others in its name" "100% packet loss" ping_as 10.9.0.77 10.9.0.253
check "counted" until_true $patience counted arp 0
same "the host has not heard of it" "$(host ip neighbour show 10.9.0.77)" ""
# It has forgotten who is where, and must not ask as another.
check "its own IPv6 address" pings 1 fd09::254
net_of 1 ip address add fd09::77/64 dev eth0
refused "another IPv6 address" "100% packet loss" ping_as fd09::77 fd09::254
check "is counted" until_true $patience counted ipv6 0
before=$(of ipv6)
refused "nor does it answer for it" "100% packet loss" host ping -q -c 1 -W 0.3 fd09::77
check "counted" until_true $patience counted ipv6 "$before"
net_of 1 sysctl -q net.ipv6.conf.eth0.accept_dad=1
net_of 1 ip address add fd09::78/64 dev eth0
check "nor looks whether one is free that is not for it" until_true $patience counted nd 0
net_of 1 ip link set eth0 address 00:16:3e:99:99:99
refused "another MAC" "100% packet loss" ping_as 10.9.0.1 10.9.0.254
check "is counted" until_true $patience counted mac 0
net_of 1 ip link set eth0 address "$(mac 1)"
check "and what is its own still passes" pings 1 10.9.0.254

# ---- log: it is said, and passes
eth_closes 1
cat >"$work/pvbackd.conf" <<'END'
vif.antispoof[g1] = log
vif.antispoof = drop
vif.antispoof[*3] = off
END
pvbackd_stop
pvbackd_start
eth_starts 1 "the guest again, with log"
net_of 1 ip address add 10.9.0.77/24 dev eth0
before=$(of ipv4)
check "another address passes" ping_as 10.9.0.77 10.9.0.254
check "is counted" until_true $patience counted ipv4 "$before"
check "and said" wait_log "frame that may not be, but is sent: an IPv4 source that is not the guest's"

# ---- A list that is none
dom0 vif-attach --ip "10.9.0.2, fd09::2" 2 >/dev/null
in_guest 2 pvnet check >"$work/check" 2>&1 &
eth_pid[2]=$!
check "an ip that is no list is refused" wait_log 'ip is "10.9.0.2, fd09::2"'
kill "${eth_pid[2]}" 2>/dev/null
eth_ends 2
card 3 --ip "10.9.0.3, fd09::3" >/dev/null
eth_starts 3 "but not for a guest whose name a pattern excepts"
same "as pvbackctl says" "$(shown 1/vif-0 .facts.antispoof) $(shown 3/vif-0 .facts.antispoof)" "log off"
scenario_done
