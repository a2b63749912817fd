#!/bin/bash
# SPDX-License-Identifier: MIT
# xensim up and down: a host begins once, refuses what makes no sense, and leaves nothing.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
files() { find "$work" -mindepth 1; }

xensim_refuses "without a host: run" "xensim up" xensim run -- true
xensim_refuses "without a host: down" "no host" xensim down
host_up
xensim_refuses "up twice" "already" xensim up
for bad in "guest 3" "guest x -- true" "guest 0 -- true" "run --domid 9 -- true" "destroy 9" \
	"status --what" "what"; do
	# shellcheck disable=SC2086 # words
	xensim_refuses "refused, and says why: xensim $bad" "" xensim $bad
done
same "the exit status is the program's" "$(dom0 sh -c 'exit 7'; echo $?)" 7
same "also that of a guest's" "$(xensim guest 3 -- sh -c 'exit 9' 2>/dev/null; echo $?)" 9
same "the output too" "$(xensim guest 3 -- xenstore-read domid)" 3
guest_up 3
xensim_refuses "a domain number is taken" "exists" xensim guest 3 -- true

# Programs in every state of mind: idle, stopped, deaf, busy, detached.
kill -TERM "$(kernel_of 3)"
check "a kept guest ends when its kernel is told to" until_true 10 \
	status '[.domains[].domid] == [0]'
guest_up 3
guest_up 4 sh -c 'trap "" TERM; while :; do sleep 1; done'
guest_up 5 "$build/tests/contract/contract-agent" data/contract/main
xensim run -- sh -c 'kill -STOP $$' &
xensim run --domid 3 -- setsid sleep 1000 &
xensim run -- sh -c 'while :; do :; done' &
until_true 10 eval '[ "$(ours | wc -l)" -ge 10 ]'
mapfile -t before < <(ours)
check "xensim down with ${#before[@]} processes" timeout 60 xensim down
check "no process is left" until_true 10 none_left
same "no file is left" "$(files | grep -v /guest-)" ""
check "a host can start there again" xensim up
check "and end" xensim down
done_testing
