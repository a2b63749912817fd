#!/bin/bash
# SPDX-License-Identifier: MIT
# xenconsoled, unmodified: a guest's console is a terminal of dom0, both ways, and logged.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
xensim run -- xenconsoled -i --log=guest --log-dir="$work" --pid-file="$work/pid" &
console=$!
# shellcheck disable=SC2016 # expanded in the guest
xensim guest 3 --name talker --console --detach -- sh -c '
	echo "hello from the guest"
	read -r line
	echo "it heard: $line"
	seq 100000 199999 | sed "s/\$/ a line of a long text/"
	exec sleep 1000'

tty() { dom0 xenstore-read /local/domain/3/console/tty; }
has_tty() { [ -n "$(tty)" ]; }
check "xenconsoled publishes a terminal for it" until_true 10 has_tty
check "it is one" test -c "$(tty)"
exec 5<>"$(tty)"
log=$work/guest-talker.log
read -r -t 10 said <&5
same "on it is what the guest says" "${said%$'\r'}" "hello from the guest"
echo "a line for the guest" >&5
logged() { tr -d '\r' <"$log" | grep -qxF "$1"; }
check "what is typed reaches the guest" until_true 10 logged "it heard: a line for the guest"
cat <&5 >"$work/typed" &	# or the daemon stops at what a terminal holds
check "3 MB come whole" until_true 30 logged "199999 a line of a long text"
same "and in order" "$(tr -d '\r' <"$log" | grep -c 'a line of a long text')" 100000
xensim destroy 3
no_ring() { status '[.domains[].domid] == [0]'; }
check "the guest dies and xenconsoled lets go of it" until_true 10 no_ring
check "xenconsoled is still there" kill -0 "$console"
kill "$console"
wait "$console"
check "nothing leaks" clean
done_testing
