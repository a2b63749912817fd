#!/bin/bash
# SPDX-License-Identifier: MIT
# Each malformed key of a network card gives one clear reason in the log and in the error
# node; frontends with other habits than Linux's are walked through their states. A neighbour
# is served throughout.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up
echo "vif.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1 2
card 2 >/dev/null
eth_starts 2 "a neighbour"
b=$(vbe 1) f=$(vfe 1)

refused_with() { # NAME WORDS
	local error
	vif_state 1 6
	result $? "$1: Closed" "state $(xs read "$b/state")"
	error=$(vif_error 1)
	[[ $error == *"$2"* ]] && logged "guest 1 vif-0: $error"
	result $? "$1: $error" "wanted '$2' in the error node, and its text in the log"
}

attach_bare() { host xensim run -- vif-attach --mac "$(mac 1)" "$@" 1 >/dev/null; }

# The toolstack's keys: written over in the directory before pvbackd can look.
while IFS='|' read -r key value words; do
	stopped "pvbackd stops"
	attach_bare
	xs write -- "$b/$key" "$value"
	pvbackd_start
	refused_with "$key=$value" "$words"
	uncard 1 0
done <<'END'
mac|nonsense|mac is "nonsense", it must be the address of one station
mac|ff:ff:ff:ff:ff:ff|it must be the address of one station
rate|fast|rate is "fast", it must be BYTES,MICROSECONDS
rate|0,50000|it must be BYTES,MICROSECONDS
mtu|67|mtu is 67, it must be a number from 68 to 65521
mtu|65522|mtu is "65522", it must be a number up to 65521
bridge|a/b|bridge is "a/b", no interface can be called so
vifname|a-name-that-is-too-long|no interface can be called so
script|vif-bridge|script is "vif-bridge", it must be an absolute path
handle|99999999999|handle is "99999999999", it must be a number
END
same "no TAP is left of any of them" "$(host ip -o link show type tun | wc -l)" 1

# A name that somebody else has: told, and left alone.
host ip link add vif1.0 type bridge
attach_bare
refused_with "vif1.0 is a bridge" "there is such an interface, and it is no TAP of ours"
host ip link delete vif1.0
uncard 1 0

# The frontend's keys, of which one is KEY. Grants 8 and 9 are pages that dom0 may map, as
# far as that goes.
frontend_says() { # KEY VALUE WORDS, and in good what is right
	local i pairs=()
	attach_bare --wait
	for ((i = 0; i < ${#good[@]}; i += 2)); do
		if [ "${good[i]}" != "$1" ]; then
			pairs+=("$f/${good[i]}" "${good[i + 1]}")
		fi
	done
	[ "$2" = - ] || pairs+=("$f/$1" "$2")
	in_guest 1 xenstore-write -- "${pairs[@]}" "$f/state" 4
	refused_with "$1=$2" "$3"
	uncard --force 1 0
}

good=(tx-ring-ref 8 rx-ring-ref 9 event-channel 1 request-rx-copy 1)
while IFS='|' read -r key value words; do
	frontend_says "$key" "$value" "$words"
done <<'END'
request-rx-copy|-|request-rx-copy is not 1
request-rx-copy|0|request-rx-copy is not 1
tx-ring-ref|-|tx-ring-ref is missing, it must be a number
rx-ring-ref|0x9|rx-ring-ref is "0x9", it must be a number
event-channel|-|event-channel is missing, it must be a number
event-channel|0|event-channel is "0", it must be a number
event-channel|012|event-channel is "012", it must be a number
feature-sg|yes|feature-sg is "yes", it must be a number
multi-queue-num-queues|0|multi-queue-num-queues is "0", it must be a number from 1 to 4
multi-queue-num-queues|5|multi-queue-num-queues is "5", it must be a number from 1 to 4
multi-queue-num-queues|2|the frontend's queue-0/tx-ring-ref is missing
rx-ring-ref|8|two of the frontend's rings have the same page, grant 8
tx-ring-ref|4000000000|4000000000
END

good+=(ctrl-ring-ref 10 event-channel-ctrl 2)
attach_bare --wait
offered=$(xs read "$(vbe 1)/feature-ctrl-ring")
uncard --force 1 0
[ "$offered" = 1 ] || echo "# SKIP the control ring, which this kernel does not let be"
while IFS='|' read -r key value words && [ "$offered" = 1 ]; do
	frontend_says "$key" "$value" "$words"
done <<'END'
event-channel-ctrl|-|the frontend's event-channel-ctrl is missing
ctrl-ring-ref|-|the frontend's ctrl-ring-ref is missing
ctrl-ring-ref|9|two of the frontend's rings have the same page, grant 9
ctrl-ring-ref|x|the frontend's ctrl-ring-ref is "x", it must be a number
event-channel-ctrl|1|two of the frontend's rings have event channel 1
event-channel-ctrl|0|the frontend's event-channel-ctrl is "0", it must be a number
ctrl-ring-ref|4000000000|4000000000
END

good=(multi-queue-num-queues 2 request-rx-copy 1
	queue-0/tx-ring-ref 8 queue-0/rx-ring-ref 9 queue-0/event-channel 1
	queue-1/tx-ring-ref 10 queue-1/rx-ring-ref 11
	queue-1/event-channel-tx 2 queue-1/event-channel-rx 3)
while IFS='|' read -r key value words; do
	frontend_says "$key" "$value" "$words"
done <<'END'
multi-queue-num-queues|-|the frontend's tx-ring-ref is missing
queue-1/tx-ring-ref|-|the frontend's queue-1/tx-ring-ref is missing
queue-1/rx-ring-ref|x|the frontend's queue-1/rx-ring-ref is "x", it must be a number
queue-1/event-channel-rx|-|the frontend's queue-1/event-channel is missing
queue-1/event-channel-rx|0|the frontend's queue-1/event-channel-rx is "0"
queue-1/rx-ring-ref|8|two of the frontend's rings have the same page, grant 8
queue-1/event-channel-rx|1|two of the frontend's rings have event channel 1
multi-queue-num-queues|3|the frontend's queue-2/tx-ring-ref is missing
queue-0/tx-ring-ref|4000000000|4000000000
END

fstate() { in_guest 1 xenstore-write "$f/state" "$1"; }

# Windows closes before it connects, and waits for each answer.
attach_bare --wait
for cycle in 1 2 3; do
	fstate 5
	check "cycle $cycle: 5 is answered by 5" vif_state 1 5
	fstate 6
	check "6 by 6" vif_state 1 6
	fstate 1
	check "1 by 2" vif_state 1 2
done
eth_starts 1 "then it connects"
host ip address add 10.9.1.254/24 dev vif1.0
host ip link set vif1.0 up
net_of 1 ip address add 10.9.1.1/24 dev eth0
check "ping" pings 1 10.9.1.254
# From 4 to 6 at once, and from 4 to 1.
eth_closes 1
fstate 1
vif_state 1 2
eth_starts 1 "it connects anew"
in_guest 1 xenstore-write "$f/state" 6
check "4 to 6 at once" vif_state 1 6
eth_ends 1
fstate 1
check "and it can start over" vif_state 1 2
check "detached" uncard 1 0

# A frontend that is there before the backend has offered anything.
stopped "pvbackd stops"
attach_bare
in_guest 1 xenstore-write "$f/tx-ring-ref" 1 "$f/rx-ring-ref" 1 "$f/event-channel" 1 \
	"$f/state" 4
pvbackd_start
check "is judged by its keys" refused_with "4 before 2" "request-rx-copy"
check "detached" uncard --force 1 0

check "the neighbour is served" pings 2 10.9.0.254
same "the neighbour's card alone is left" "$(host ip -o link show type tun | wc -l)" 1
uncard --force 2 0
eth_ends 2
scenario_done
