#!/bin/bash
# SPDX-License-Identifier: MIT
# vchan-socket-proxy, unmodified: 10 MiB each way between a guest and dom0.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
guest_up 3

# What uses the proxies: send a file and receive one, on a UNIX socket.
cat >"$work/app" <<'END'
import socket, sys
role, path, send, receive = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
if role == "server":
    s.bind(path)
    s.listen(1)
    s = s.accept()[0]
else:
    s.connect(path)
def take():
    left = 10 << 20
    with open(receive, "wb") as f:
        while left:
            b = s.recv(min(left, 65536))
            if not b:
                sys.exit(f"{left} bytes are missing")
            f.write(b)
            left -= len(b)
if role == "server":
    take()
s.sendall(open(send, "rb").read())
if role == "client":
    take()
END
app() { timeout 60 /usr/bin/python3 "$work/app" "$@"; }
running() { [ "$(dom0 xenstore-read "$1" 2>/dev/null)" = running ]; }
sum() { sha256sum <"$work/$1"; }

# exchange SERVER-DOMID CLIENT-DOMID - the server end is what offers the vchan
exchange() {
	local home=/local/domain/$1/data server client apps
	head -c 10M /dev/urandom >"$work/to"
	head -c 10M /dev/urandom >"$work/fro"
	rm -f "$work"/*.sock "$work"/got-*
	app server "$work/s.sock" "$work/fro" "$work/got-to" &
	apps=$!
	until_true 10 test -S "$work/s.sock"
	xensim run --domid "$1" -- vchan-socket-proxy -m server -s "$home/state" "$2" "$home/vchan" "$work/s.sock" &
	server=$!
	until_true 10 running "$home/state"
	xensim run --domid "$2" -- vchan-socket-proxy -m client -s "$home/client" "$1" "$home/vchan" "$work/c.sock" &
	client=$!
	until_true 10 test -S "$work/c.sock"
	app client "$work/c.sock" "$work/to" "$work/got-fro"
	wait "$apps"
	kill "$client" "$server"
	wait "$client" "$server" 2>/dev/null
	same "d$2 to d$1: 10 MiB arrive as sent" "$(sum got-to)" "$(sum to)"
	same "d$1 to d$2: 10 MiB arrive as sent" "$(sum got-fro)" "$(sum fro)"
}

exchange 3 0
check "nothing leaks" clean
done_testing
