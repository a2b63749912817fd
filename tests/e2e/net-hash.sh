#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that says on its control ring where it wants to have which hash, as Windows does for
# RSS: each frame comes in on the queue that its hash says, with that hash; which is so after
# its worker and pvbackd were killed, and not any more after it has come back without.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

command -v python3 >/dev/null || skip_all "there is no python3"
net_up
host_up
echo "vif.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1
net_add g1
host xensim run -- vif-attach --wait --mac "$(mac 1)" 1 >/dev/null
[ "$(xs read "$(vbe 1)/feature-ctrl-ring")" = 1 ] ||
	skip_all "$(grep -o 'the kernel lets no program choose.*' "$log")"
# Nothing but what is sent here.
host sysctl -q net/ipv6/conf/vif1.0/disable_ipv6=1
host ip link set vif1.0 up

mapping=3,1,0,2,2,0,1
dumping=
# dumps OPTION... - the guest's driver starts, and prints what comes
dumps() {
	rm -f "$work/ready"
	ip netns exec "$net-g1" xensim run --domid 1 -- pvnet dump --count 1000000 --idle 100000 \
		--queues 4 "$@" >"$work/dump" 2>"$work/ready" &
	dumping=$!
	until_true $patience grep -q ready "$work/ready" && until_true 10 has_carrier vif1.0
	result $? "a guest with ${*:-no hash}" "$(cat "$work/ready" "$log" | tail -n 5)"
}
dump_ends() {
	kill -TERM "$dumping"
	wait "$dumping"
	result $(($? != 143)) "it closes the card" "$(cat "$work/ready")"
}
hash=$(dirname "$0")/hash.py
come() { "$hash" "$@" >"$work/come" || [ $? -ne 1 ]; }
# right HOW WHAT [VIA] - the frames of another round come as they are to
round=0
right() {
	round=$((round + 1))
	host "$hash" send "${3:-vif1.0}" $round "$(mac 1)"
	if [ "$1" = plain ]; then
		until_true $patience come plain "$work/dump" $round
		"$hash" plain "$work/dump" $round >"$work/come"
	else
		until_true $patience come check "$work/dump" $round "$mapping"
		"$hash" check "$work/dump" $round "$mapping" >"$work/come"
	fi
	result $? "$2: $(tail -n 1 "$work/come")" "$(tail -n 3 "$work/dump")"
}

dumps --like windows --hash $mapping
right hashed "as it says"
same "shown to an administrator" "$(ctl show 1/vif-0 | grep -i '^ *hash' | xargs)" \
	"hash toeplitz ipv4 ipv4-tcp ipv6 ipv6-tcp hash-mapping 7"

kill -KILL "$(worker 1)"
check "its worker is killed" wait_log "vif-0: taken up again"
right hashed "the next one goes on"
pvbackd_killed
right hashed "without pvbackd"
pvbackd_start
check "the next pvbackd adopts it" wait_log "vif-0: adopted with its worker"
right hashed "adopted"
kill -KILL "$(worker 1)"
check "its worker is killed" until_true $patience more_than 1 "vif-0: taken up again"
right hashed "the next one goes on"
pvbackd_killed "$(worker 1)"
pvbackd_start
check "both are killed" wait_log "vif-0: its worker died without a pvbackd: goes on"
right hashed "the next ones go on"
dump_ends

# What it has asked for is gone with the connection.
dumps --like windows
right plain "nothing is said of a hash"
[[ $(cat "$work/come") = *"0 with a hash, queues [0, 1, 2, 3]"* ]]
result $? "and flows are spread over the queues" "$(cat "$work/come")"
dump_ends
check "detached" uncard 1 0
scenario_done
