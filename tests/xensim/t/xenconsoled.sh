#!/bin/bash
# SPDX-License-Identifier: MIT
# xenconsoled, unmodified: a guest's console becomes a terminal, and what it says is logged.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
xensim guest 3 --name talker --keep --detach -- true
words="hello from the guest's kernel"
check "a line waits in the console ring" dom0 "$build/tests/contract/console-put" 3 "$words"$'\n'

xensim run -- xenconsoled -i --log=guest --log-dir="$work" --pid-file="$work/pid" &
daemon=$!
tty() { dom0 xenstore-read /local/domain/3/console/tty; }
has_tty() { [ -n "$(tty)" ]; }
check "xenconsoled publishes a terminal for it" until_true 10 has_tty
check "it is one" test -c "$(tty)"
check "the line is in the guest's log" until_true 10 grep -qxF "$words" "$work/guest-talker.log"
read -r -t 10 said <"$(tty)"
same "and on the terminal" "${said%$'\r'}" "$words"
# Its input goes the other way: a line typed appears in the ring, and is echoed here.
check "xenconsoled holds the ring and the port" status '
	.domains[] | select(.domid == 3) | .mapped == 2 and
	any(.ports[]; .port == 2 and .state == "interdomain")'
guest_up 4
xensim destroy 3
no_ring() { status '[.domains[].domid] == [0, 4]'; }
check "the guest dies and xenconsoled lets go of it" until_true 10 no_ring
check "xenconsoled is still there" kill -0 "$daemon"
kill "$daemon"
wait "$daemon"
check "nothing leaks" clean
done_testing
