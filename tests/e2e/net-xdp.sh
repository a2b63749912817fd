#!/bin/bash
# SPDX-License-Identifier: MIT
# Frontends ask for headroom in front of frames, for XDP programs, from the beginning or while
# frames of all kinds and sizes go both ways; it changes without another connection, and every
# frame from then on has it. A headroom that cannot be is refused by name.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

[ -x /etc/xen/scripts/vif-bridge ] || skip_all "there is no /etc/xen/scripts/vif-bridge"
net_up
host_up
pvbackd_start
guest_up 1 2
host ip link set br0 mtu 9000
host sysctl -q net.ipv6.conf.br0.disable_ipv6=1
host ip link set br0 type bridge mcast_snooping 0
for g in 1 2; do
	card "$g" --mtu 9000 >/dev/null
	net_add "g$g"
done

declare -A side
# loads SECONDS CHANGES - guest 1 changes its headroom so often, guest 2 always has the most
loads() {
	local g options
	for g in 2 1; do
		rm -f "$work/load$g"
		[ "$g" = 2 ] && options=(--headroom 2048) ||
			options=(--debug --headroom 256 --reconfigure "$2" --queues 2)
		ip netns exec "$net-g$g" xensim run --domid "$g" -- pvnet load --to "$(mac $((3 - g)))" \
			--time "$1" --idle 5000 --flows 8 --window 8 --size 60-65535 "${options[@]}" \
			>"$work/load$g" 2>&1 &
		side[$g]=$!
	done
}
# loads_right WHAT
loads_right() {
	local g
	for g in 1 2; do
		wait "${side[$g]}"
		result $? "$1: what guest $g receives is right: $(grep flows "$work/load$g")" "$(tail -n 20 "$work/load$g")"
	done
}
changed() { sed -n 's/headroom has changed \(.*\) times/\1/p' "$work/load1"; }

loads 2 20
loads_right "frames of all sizes"
same "none is lost" "$(grep -oE '[0-9]+ lost' "$work/load1" "$work/load2" | cut -d: -f2 | sort -u)" "0 lost"
same "the headroom has changed" "$(changed)" 20
same "as Linux does it" "$(sed -n 's/.*vif-0: \(backend: \|.* -> \)\(.*\)/\1\2/p' "$work/load1" |
	sed 's/backend: /b:/; s/.* -> /f:/' | grep -n -m1 -A3 f:Reconfiguring | sed 's/^[0-9]*[:-]//' | xargs)" \
	"f:Reconfiguring b:Reconfigured f:Connected b:Connected"
same "on one connection" "$(grep -c 'guest 1 vif-0: InitWait -> Connected' "$log")" 1
same "no slot's grant was wrong" "$(grep -oE 'rx_grants=[1-9][0-9]*' "$log")" ""

# The next worker, and the next pvbackd, go on where it was, while frames wait: none overtakes
# another one of its flow.
loads 4 200
goes() { grep -c 'vif-0: Connected -> Reconfiguring' "$work/load1"; }
beyond() { [ "$(goes)" -gt "$1" ]; }
check "frames go" until_true 20 beyond 4
kill -KILL "$(worker 1)"
check "the worker is killed" wait_log "guest 1 vif-0: taken up again"
check "frames go" until_true 20 beyond $(($(goes) + 4))
going=$(goes)
pvbackd_stop
check "the load has not ended" [ "$going" -lt 190 ]
pvbackd_start
loads_right "with other workers"
same "the headroom has changed" "$(changed)" 200

# ---- By hand
ip netns exec "$net-g1" xensim run --domid 1 -- pvnet check --idle 60000 --rx-slots 0 >"$work/check" 2>&1 &
checker=$!
check "a guest without, which no frame reaches" vif_state 1 4
reconfigures() { # HEADROOM
	xs write "$(vfe 1)/xdp-headroom" "$1"
	xs write "$(vfe 1)/state" 7
}
names() { [[ $(vif_error 1) == *"xdp-headroom is \"$1\", it must be a number up to 2048"* ]]; }
for v in 99999 2049 +1 many 4294967552; do
	reconfigures "$v"
	check "$v is refused" until_true 10 names "$v"
	same "$v: no 8" "$(xs read "$(vbe 1)/state")" 4
done
# A worker that has not heard of it has not heeded it.
kill -STOP "$(worker 1)"
xs write "$(vfe 1)/xdp-headroom" 512
shown() { [ "$(pvbackctl show 1/vif-0 --json "--run-dir=$work/run" | jq '.facts."xdp-headroom"')" = 512 ]; }
check "what can be is taken, and shown" until_true 10 shown
same "no 8 before the worker has heeded it" "$(xs read "$(vbe 1)/state")" 4
kill -CONT "$(worker 1)"
check "then it is answered" vif_state 1 8
same "nothing is wrong any more" "$(vif_error 1)" ""
xs write "$(vfe 1)/state" 4
check "and 4 again" vif_state 1 4
reconfigures 512
check "one that changes nothing is answered as well" vif_state 1 8
xs write "$(vfe 1)/xdp-headroom" 0
xs write "$(vfe 1)/state" 4
check "and 4 again" vif_state 1 4
kill "$checker"
wait "$checker" 2>/dev/null
in_net 1 pvnet check --headroom 4000 >"$work/check" 2>&1
same "a frontend that begins with too much is declined" $? 4
check "that is said" names 4000
scenario_done
