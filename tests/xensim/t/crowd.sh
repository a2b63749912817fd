#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 600
# A full host: 200 guests with four devices each, every device a ring and 32 pages mapped by
# one program of dom0, and an event channel.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
agent=$build/tests/contract/contract-agent
export agent work

start() { xensim guest "$1" --detach --mem 4 -- "$agent" data/contract/main >"$work/guest-$1" 2>&1; }
export -f start
check "200 guests start" xargs -P 2 -I{} bash -c 'start {}' < <(seq 10 209)
same "all are there" "$(status '.domains | length')" 201
check "800 devices: each page is the right one, each event arrives" \
	dom0 "$build/tests/contract/crowd" 10 209 4 33
same "xl list shows them" "$(dom0 xl list 2>/dev/null | wc -l)" 202
check "nothing leaks" clean
check "xensim down ends them all" xensim down
check "no process is left" until_true 10 none_left
done_testing
