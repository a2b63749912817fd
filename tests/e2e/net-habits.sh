#!/bin/bash
# SPDX-License-Identifier: MIT
# Frontends do not agree on what they write, nor on how they go through their states: those of
# Linux, FreeBSD, Windows and mini-os get their network card, each state is answered, and
# frames of all kinds go through. docs/man/pvnet.1: --like.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up
pvbackd_start
guest_up 1 2
for g in 1 2; do
	card "$g" >/dev/null
	net_add "g$g"
done
host sysctl -q net.ipv6.conf.br0.disable_ipv6=1
host ip link set br0 type bridge mcast_snooping 0

# keys - what the frontend has written, in the order of names
keys() {
	xs ls "$(vfe 1)" | sed -E 's/ = /=/; s/"//g; /^(backend|backend-id|state|handle|mac|mtu|trusted)=/d;
		s/^(.*-ref|event-channel.*)=.*/\1/' | LC_ALL=C sort | xargs
}

# states - what frontend and backend of guest 1 have gone through, as the frontend saw it
states() {
	sed -n 's/.*vif-0: \(backend: \|.* -> \)\(.*\)/\1\2/p' "$work/load1" |
		sed 's/backend: /b:/; s/.* -> /f:/' | xargs
}

# What is done when both frontends were started.
then=
# drives NAME KEYS STATES OPTION... - one guest like that driver, and the other exchange frames
drives() {
	local name=$1 want=$2 walk=$3 g pid=() wanted options
	shift 3
	for g in 2 1; do
		rm -f "$work/load$g"
		[ "$g" = 2 ] && options=() || options=(--debug "$@")
		ip netns exec "$net-g$g" xensim run --domid "$g" -- pvnet load --to "$(mac $((3 - g)))" \
			--time 2 --idle 5000 --flows 8 --window 8 --size 60-65535 "${options[@]}" \
			>"$work/load$g" 2>&1 &
		pid[g]=$!
	done
	$then
	vif_state 1 4
	result $? "$name: Connected" "state $(xs read "$(vbe 1)/state"); $(cat "$work/load1")"
	same "$name: its keys" "$(keys)" "$want"
	for g in 1 2; do
		wait "${pid[g]}"
		result $? "$name: what guest $g receives is right: $(grep flows "$work/load$g")" \
			"$(cat "$work/load$g")"
	done
	wanted="^$walk\$"
	[[ $(states) =~ $wanted ]]
	result $? "$name: $(states)" "wanted $walk"
}

up='f:Connected b:Connected'
down='f:Closing b:Closing f:Closed b:Closed'
linux='event-channel-rx event-channel-tx feature-gso-tcpv4=1 feature-gso-tcpv6=1 feature-ipv6-csum-offload=1 feature-rx-notify=1 feature-sg=1 multi-queue-num-queues=1 request-rx-copy=1 rx-ring-ref tx-ring-ref xdp-headroom=0'
drives Linux "$linux" "b:InitWait $up $down" --like linux

# FreeBSD: ifconfig -txcsum -lro closes without Closing, leaves its keys, and connects anew.
freebsd='event-channel feature-gso-tcpv4=1 feature-rx-notify=1 feature-sg=1 request-rx-copy=1 rx-ring-ref tx-ring-ref'
straight='f:Closed (b:Closing )?b:Closed'
drives FreeBSD "$freebsd" "b:Closed f:Initialising b:InitWait $up $straight" --like freebsd
drives "FreeBSD, ifconfig -rxcsum -lro" \
	"event-channel feature-gso-tcpv4=1 feature-no-csum-offload=1 feature-rx-notify=1 feature-sg=1 request-rx-copy=1 rx-ring-ref tx-ring-ref" \
	"b:Closed f:Initialising b:InitWait $up $straight" --like freebsd --no-gso --no-csum
# A driver that does not write as many keys would be taken by these: a reboot clears them.
uncard 1 0
card 1 >/dev/null

windows='event-channel-rx event-channel-tx feature-gso-tcpv4=1 feature-gso-tcpv6=1 feature-ipv6-csum-offload=1 feature-no-csum-offload=0 feature-rx-notify=1 feature-sg=1 multi-queue-num-queues=1 request-multicast-control=1 request-rx-copy=1 rx-ring-ref tx-ring-ref'
[ "$(xs read "$(vbe 1)/feature-ctrl-ring")" = 0 ] || windows="ctrl-ring-ref event-channel-ctrl $windows"
drives Windows "$windows" "b:InitWait $down f:Initialising b:InitWait $up $down" --like windows
drives "Windows, enabled again" "$windows" \
	"b:Closed f:Initialising b:InitWait $down f:Initialising b:InitWait $up $down" --like windows
without=${windows/tcpv4=1/tcpv4=0}
drives "Windows without offloads" "${without/tcpv6=1/tcpv6=0}" "b:Closed .*" --like windows --no-gso
uncard 1 0

# mini-os is Connected before the backend has offered anything, and ends up Initialising.
minios='event-channel request-rx-copy=1 rx-ring-ref tx-ring-ref'
stopped "pvbackd stops"
host xensim run -- vif-attach --mac "$(mac 1)" --bridge br0 1 >/dev/null &
attaching=$!
until_true $patience xs read "$(vfe 1)/state"
late() {
	check "mini-os: Connected, before there is a backend" xs_wait "$(vfe 1)/state" 4
	same "mini-os: the backend is in state 1" "$(xs read "$(vbe 1)/state")" 1
	pvbackd_start
	ended "mini-os: the hotplug script is through" "$attaching"
}
then=late
walk="$down f:Initialising b:InitWait"
drives mini-os "$minios" "b:Initialising f:Connected (b:InitWait )?b:Connected $walk" --like mini-os
then=
same "mini-os: it has removed its keys" "$(keys)" ""
drives "mini-os, again" "$minios" "b:InitWait f:Connected b:Connected $walk" --like mini-os
same "no frame was dropped for its slots, headers or grants" \
	"$(grep -oE 'tx_(refused|grants|headers|tap)=[1-9][0-9]*|rx_grants=[1-9][0-9]*' "$log")" ""
scenario_done
