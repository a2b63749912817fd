#!/bin/bash
# SPDX-License-Identifier: MIT
# The control socket: who may connect, requests that are none, clients that do not read or
# do not go, and what pvbackctl says when there is nobody to ask.
. "$(dirname "$0")/lib.sh"

sock=$work/run/control.sock
# status WANT WORDS COMMAND... - exit status, and what it says on standard error
status() {
	local want=$1 words=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	same "$*: $want" $? "$want"
	grep -qF -- "$words" "$work/err"
	result $? "$*: says '$words'" "$(cat "$work/err")"
}
# say TEXT... - send each, as it is, and print what comes until the end
say() {
	python3 - "$sock" "$@" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
try:
    for text in sys.argv[2:]:
        s.send(text.encode().decode("unicode_escape").encode())
    s.shutdown(socket.SHUT_WR)
    while data := s.recv(65536):
        sys.stdout.write(data.decode())
except OSError:
    pass
END
}

status 3 "there is no $sock" ctl list
host_up
pvbackd_start
guest_up 1 2 3
image disk 1M
attach 1 disk xvda
for g in 2 3; do attach $g disk xvda --mode r; done
same "root's alone" "$(stat -c '%a %U' "$sock")" "600 $(id -un)"

# ---- Requests
same "a request" "$(say '{"cmd":"version"}\n' | jq -rc '.pid // .done' | paste -sd' ')" "$pvbackd_pid true"
same "two at once are answered in turn" \
	"$(say '{"cmd":"list","domid":2}\n{"cmd":"list","domid":3}\n' | jq -rc '.device // .done' | paste -sd' ')" \
	"2/xvda true 3/xvda true"
same "one in pieces" "$(say '{"cmd":"li' 'st","domi' 'd":1}\n' | jq -rc '.device // .done' | paste -sd' ')" \
	"1/xvda true"
same "resume needs a device" "$(say '{"cmd":"resume","domid":1}\n{"cmd":"resume","domid":1,"kind":"vbd","devid":1}\n' |
	jq -r .error | paste -sd' ')" "resume needs devid there is no such device"
same "nonsense is answered, and what follows it, too" \
	"$(say 'list\n\n{"cmd":"lst"}\n{"cmd":"list","domid":9}\n' | jq -c .done | paste -sd' ')" "false false false true"
same "a line without an end is not waited for" \
	"$(say "$(head -c 5000 /dev/zero | tr '\0' x)")" ""
check "and is told in the log" wait_log "its request is too long"
same "every device once" "$(ctl list --json | jq -r .device | paste -sd' ')" "1/xvda 2/xvda 3/xvda"
same "each line of show is JSON" "$(for g in 1 2 3; do ctl show $g/xvda --json; done | python3 -c '
import json, sys
print(*[json.loads(line)["backend_keys"]["dev"] for line in sys.stdin])')" "xvda xvda xvda"

# ---- Wrong words
status 4 'no device "1/xvdb"' ctl show 1/xvdb
status 4 'no device or guest "web"' ctl stats web
status 4 'no device or guest "web"' ctl list web --json
status 2 "which device" ctl show
status 2 "which device" ctl resume
status 1 "does not wait" ctl resume 1/xvda
status 2 "no such command" pvbackctl lst
status 2 "there is no command" pvbackctl
status 2 "too many arguments" ctl list 1 2
status 2 "no such option" ctl list --watch
status 2 "--watch takes seconds" ctl stats --watch=0
status 2 "--watch takes seconds" ctl stats --watch=x
status 2 "--watch takes seconds" ctl stats --watch=3601
status 2 "--count takes" ctl stats --watch --count=0
status 2 "--count goes with" ctl stats --count=1
status 2 'must be err, warn, info or debug' ctl log loud

# ---- The log level, of workers that run, too
said() { grep -c "guest $1: serving" "$log"; }
in_guest 2 pvblk read xvda >/dev/null
same "at debug the worker speaks" "$(said '2 vbd-51712')" 1
check "log err" ctl log err
same "it is so" "$(ctl log)" err
hold 1 xvda
same "nobody says more than that" "$(said '1 vbd-51712')" 0
check "log info" ctl log info
attach 1 disk xvdb --mode r
in_guest 1 pvblk read xvdb >/dev/null
same "a worker that was started to be silent speaks" "$(said '1 vbd-51728')" 1
echo "log-level = warn" >"$work/pvbackd.conf"
kill -HUP "$pvbackd_pid"
same "SIGHUP reads the settings again" "$(until_true $patience test "$(ctl log)" != info; ctl log)" debug

# ---- Nobody but root
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	status 1 "you have to be root" setpriv --reuid=65534 --clear-groups -- \
		"$build/pvbackctl" list "--run-dir=$work/run"
	chmod 666 "$sock"
	status 1 "pvbackd has closed the connection" setpriv --reuid=65534 --clear-groups -- \
		"$build/pvbackctl" list "--run-dir=$work/run"
	check "the log says why" wait_log "it is not root's"
	chmod 600 "$sock"
else
	skip "nobody but root" "this is not root, or there is no setpriv"
fi

# ---- Clients that do not go, and do not read
before=$(fds)
cat >"$work/crowd.py" <<'END'
# 50 clients that send requests and never read; half of them stop in the middle of one.
import socket, sys, time
crowd = []
for i in range(50):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.setblocking(False)
    try:
        for _ in range(2000):
            s.send(b'{"cmd":"show"}\n')
        s.send(b'{"cmd":')
    except OSError:
        pass
    crowd.append(s)
print("there", flush=True)
time.sleep(60)
END
python3 "$work/crowd.py" "$sock" >"$work/crowd" 2>&1 &
crowd=$!
check "50 clients that never read" until_true $patience grep -q there "$work/crowd"
check "list is answered" ctl list
check "stats is answered" ctl stats --watch=0.1 --count=3
result $(($(fds) > before + 17)) "of them 16 at most are kept"
same "a guest is served all the while" "$(in_guest 2 pvblk read xvda | sha)" "$(sha "$work/disk")"
calm() { [ "$(fds)" -le "$before" ]; }
check "those who do not read are dropped" until_true $patience calm
check "and are there no longer, though they have not gone" kill "$crowd"

# ---- pvbackd goes and comes
ctl stats --watch=0.1 >"$work/watch" 2>"$work/watch.err" &
watching=$!
check "somebody watches" until_true $patience test -s "$work/watch"
stopped "pvbackd stops all the same"
wait "$watching"
same "who watched is told" "$? $(cat "$work/watch.err")" "1 pvbackctl: pvbackd has closed the connection"
status 3 "there is no $sock" ctl list
pvbackd_start
check "after a restart" ctl list
pvbackd_killed
status 3 "nobody listens at $sock" ctl list
pvbackd_start
check "after a crash" ctl list
scenario_done
