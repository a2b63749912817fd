#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored's live update, with a guest at work on its ring: the new program takes over
# event channels and guests from descriptors and a dump, and nobody's request is lost.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
guest_up 3
store=$(daemon xenstored)

in_guest 3 xenstore-write data/before 1
xensim run --domid 3 -- xenstore-watch data/w >"$work/seen" &
until_true 10 grep -q . "$work/seen"
# shellcheck disable=SC2016 # expanded in the guest
xensim run --domid 3 -- bash -c 'for ((i = 0; ; i++)); do
	xenstore-write data/n $i && [ "$(xenstore-read data/n)" = $i ] || exit 1
	echo $i
done' >"$work/rounds" &
worker=$!
rounds() { tail -n 1 "$work/rounds"; }
more() { [ "$(rounds)" -gt "$from" ]; }
from=5
until_true 10 more

for turn in 1 2 3; do
	from=$(($(rounds) + 20))
	check "live update $turn" dom0 xenstore-control live-update -t 20 "$xen_bin/xenstored"
	check "the guest goes on" until_true 20 more
done
check "it is the same process, started anew" grep -qaz -- '^-U' "/proc/$store/cmdline"
same "nodes are kept" "$(in_guest 3 xenstore-read data/before)" 1
dom0 xenstore-write /local/domain/3/data/w/x 1
check "watches are kept" until_true 10 grep -qx data/w/x "$work/seen"
check "not one request of the guest failed" kill -0 "$worker"
check "another guest can come" guest_up 4
check "nothing leaks" clean
done_testing
