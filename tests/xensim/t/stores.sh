#!/bin/bash
# SPDX-License-Identifier: MIT
# The host's own XenStore daemons and tools, unmodified, in dom0 and in a guest: what a
# guest may and may not do is decided by the daemon, which sees it by its ring.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"

# denied WHAT COMMAND... - the tool says that it may not, or could not
denied() { refused "$1" "" "${@:2}"; }

# watched DOMID PATH VALUE - xenstore-watch in the domain tells of a write by dom0
watched() {
	local seen=$work/seen pid
	: >"$seen"
	xensim run --domid "$1" -- xenstore-watch "$2" >"$seen" &
	pid=$!
	until_true 10 grep -q . "$seen" &&	# each watch starts with an event
		dom0 xenstore-write "/local/domain/$1/$2/leaf" "$3" &&
		until_true 10 grep -qx "$2/leaf" "$seen"
	local rc=$?
	kill "$pid"
	wait "$pid" 2>/dev/null
	return "$rc"
}

# fill DOMID - write nodes until one is refused; few to a directory, whose size is limited
fill() {
	# shellcheck disable=SC2016 # expanded in the guest
	in_guest "$1" bash -c 'for i in {0..1100}; do
		xenstore-write "data/q/$((i / 50))/$i" 1 || { echo "$i"; exit 0; }
	done; exit 1' 2>/dev/null
}

kinds=(c ocaml)
for kind in "${kinds[@]}"; do
	[ "$kind" = c ] && store=xenstored || store=oxenstored
	host_up --store "$kind"
	check "$store starts, xenstore-ls lists dom0's tree" dom0 xenstore-ls /local/domain/0
	check "$store: a guest is introduced" guest_up 3
	check "$store: xenstore-write in dom0" dom0 xenstore-write /tool/t hello
	same "$store: xenstore-read in dom0" "$(dom0 xenstore-read /tool/t)" hello
	check "$store: xenstore-rm in dom0" dom0 xenstore-rm /tool/t
	denied "$store: xenstore-exists: it is gone" dom0 xenstore-exists /tool/t
	check "$store: test-xenstore in dom0" dom0 test-xenstore -i 2

	check "$store: xenstore-ls in a guest, of its home" in_guest 3 xenstore-ls /local/domain/3
	denied "$store: xenstore-ls in a guest, of dom0's home" in_guest 3 xenstore-ls /local/domain/0
	check "$store: a guest writes below its data" in_guest 3 xenstore-write data/x 17
	same "$store: dom0 reads it" "$(dom0 xenstore-read /local/domain/3/data/x)" 17
	same "$store: a guest reads its name" "$(in_guest 3 xenstore-read name)" guest-3
	for path in name device/x /local/domain/3/x /local/domain/0/x /tool/x /x; do
		denied "$store: a guest may not write $path" in_guest 3 xenstore-write $path 1
	done
	check "$store: xenstore-chmod in a guest" in_guest 3 xenstore-chmod data/x n3 b0
	check "$store: and dom0 sees it" grep -q 'n3,b0' <(dom0 xenstore-ls -fp /local/domain/3/data)
	denied "$store: a guest may not give a node away" in_guest 3 xenstore-chmod data/x n0
	denied "$store: nor change the rights of dom0's" in_guest 3 xenstore-chmod name n3
	check "$store: xenstore-watch in a guest" watched 3 data/w 1
	n=$(fill 3)
	check "$store: a guest's nodes are limited, here to ${n:-?}" test "${n:-0}" -gt 800
	denied "$store: by then it can write no more" in_guest 3 xenstore-write data/q/new 1
	check "$store: others can" dom0 xenstore-write /tool/t 1
	check "$store: xenstore-rm in a guest" in_guest 3 xenstore-rm data/q
	check "$store: then it can again" in_guest 3 xenstore-write data/q/new 1
	xensim destroy 3
	check "$store: the guest is released, its nodes are gone" until_true 10 \
		test "$(dom0 xenstore-ls -f /local/domain/3 2>/dev/null | grep -c .)" = 0
	check "$store: nothing leaks" clean
	xensim down
done
done_testing
