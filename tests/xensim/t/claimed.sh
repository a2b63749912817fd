#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that is killed in the middle of a notify has made it or not, as a hypercall: its
# peer gets the event or none, and is not deaf afterwards.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up "$@"
agent=$build/tests/contract/contract-agent
guest_up 3 "$agent" data/contract/main

# ask DOMID NAME REQUEST... - what an agent answers
ask() {
	local base=/local/domain/$1/data/contract/$2 seq=$((RANDOM << 15 | RANDOM)) told='' rep
	until_true 10 dom0 xenstore-exists "$base/rep"
	dom0 xenstore-write "$base/req" "$seq ${*:3}"
	until_true 10 answered
	echo "${rep%% *}"
}
# shellcheck disable=SC2317 # called by until_true
answered() { read -r told rep < <(dom0 xenstore-read "$base/rep") && [ "$told" = "$seq" ]; }
# An agent of dom0 that is killed at $1, bound to the guest's port $port
doomed() {
	XENSIM_FAULT=kill@$1 exec xensim run -- "$agent" "data/contract/$1"
}

for point in notify notify-claimed notify-queued; do
	port=$(ask 3 main evt.unbound 0)
	doomed $point 2>/dev/null &
	pid=$!
	mine=$(ask 0 $point evt.bind 3 "$port")
	dom0 xenstore-write "/local/domain/0/data/contract/$point/req" "1 evt.notify $mine"
	wait $pid
	same "$point: killed" $? 137
	if [ $point = notify ]; then
		same "$point: nothing has happened" "$(ask 3 main evt.wait 200)" -110
	else
		same "$point: the event arrives" "$(ask 3 main evt.wait 5000)" "$port"
		ask 3 main evt.unmask "$port" >/dev/null
	fi
done
check "nothing leaks" clean
done_testing
