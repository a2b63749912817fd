#!/bin/bash
# SPDX-License-Identifier: MIT
# What happens to the rest when a part of the host dies at once.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
agent=$build/tests/contract/contract-agent
gone() { ! kill -0 "$1" 2>/dev/null; }
up() { status "any(.domains[]; .domid == $1)"; }
not_up() { ! up "$1"; }
released() { grep -qx '@releaseDomain' "$work/seen" && : >"$work/seen"; }

xensim run -- xenstore-watch @releaseDomain >>"$work/seen" &
until_true 10 released

# A guest is its programs: when it goes they all do, also those nobody waits for.
# shellcheck disable=SC2016 # expanded in the guest
family='setsid sleep 1000 & echo $! >"$1"; (sleep 1000 & echo $! >>"$1"; wait) & wait'
for how in "xensim destroy" "kill -9 of its kernel" "kill -9 of its program" "its end"; do
	pids=$work/pids
	rm -f "$pids"
	# shellcheck disable=SC2016
	guest_up 3 bash -c "$([ "$how" = "its end" ] && echo "${family% & wait} & exit 0" || echo "$family")" sh "$pids"
	until_true 10 eval '[ "$(grep -c . "$pids")" = 2 ]'
	case $how in
	"xensim destroy") xensim destroy 3 ;;
	*kernel) kill -9 "$(kernel_of 3)" ;;
	*program) kill -9 "$(ps -o ppid= -p "$(tail -n 1 "$pids")" | xargs ps -o ppid= -p)" ;;
	esac
	check "$how: @releaseDomain" until_true 10 released
	check "$how: the domain is gone" until_true 10 not_up 3
	while read -r pid; do
		check "$how: so is its grandchild" until_true 10 gone "$pid"
	done <"$pids"
	check "$how: nothing leaks" clean
done

# xenstored dies: its guests' rings are there for the next one, grants and ports stay.
guest_up 4 "$agent" data/contract/main
old=$(daemon xenstored)
kill -9 "$old"
check "xenstored is killed" until_true 10 gone "$old"
check "the host is there without it" xensim status
check "the guest too" up 4
xensim run -- xenstored --pid-file "$work/pid" &
check "another xenstored starts" until_true 10 dom0 xenstore-write /tool/t 1

# The broker dies: nothing can go on, nothing may hang, all of it can be cleared.
host=$(ours | wc -l)
check "before the broker dies there is a host, of $host processes" test "$host" -gt 4
broker=$(pgrep -f "xensimd $XENSIM_DIR" | tail -n 1)
kill -9 "$broker"
until_true 10 gone "$broker"
xensim_refuses "the broker is killed: programs are told so" "crashed" timeout 10 xensim run -- true
xensim_refuses "and so is who asks for the status" "crashed" timeout 10 xensim status
check "xensim down clears what is left" timeout 30 xensim down
check "no process is left" until_true 10 none_left
check "nor a file" test ! -e "$XENSIM_DIR"
check "a new host can start there" xensim up
done_testing
