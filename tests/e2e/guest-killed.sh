#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest is killed in the middle of I/O, in three ways: what it held is released at once,
# and its neighbour notices nothing.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
image disk 32M
image other 32M
guest_up 2
attach 2 other xvda
witness neighbour 2 xvda

domain_gone() { ! xensim status --json | jq -e ".domains[] | select(.domid == $1)"; }

# end_guest HOW COMMAND... - guest 1 does I/O when COMMAND is run
end_guest() {
	local how=$1
	shift
	guest_up 1
	attach 1 disk xvda
	load victim 1 xvda
	changes disk
	"$@"
	wait "${load_pid[victim]}" 2>/dev/null
	check "$how: the domain is gone" until_true $patience domain_gone 1
	check "$how: its worker is gone" until_true $patience no_worker 1
	check "$how: the backend says Closed" be_state 1 xvda 6
	check "$how: vbd-detach cleans up" detach 1 xvda
}
keeper() { xensim status --json | jq '.domains[] | select(.domid == 1).handles[] | select(.device == "domain").pid'; }

end_guest "kill -9 of its kernel" eval 'kill -9 $(keeper)'
end_guest "xensim destroy" xensim destroy 1
load_right neighbour "the neighbour's data was right throughout"
scenario_done
