#!/bin/bash
# SPDX-License-Identifier: MIT
# The user-space frontends' own promises: exit statuses, a closed device after a signal, no
# hang when the device goes away.
. "$(dirname "$0")/lib.sh"

# status WHAT STATUS COMMAND... - it ends with that exit status
status() {
	local what=$1 want=$2 out
	shift 2
	out=$("$@" 2>&1)
	same "$what" "$? $([ "$want" -eq 0 ] || echo "${out:+said why}")" \
		"$want $([ "$want" -eq 0 ] || echo "said why")"
}

# starts COMMAND... - in the guest, in the background, and it is connected: $load is what to
# wait for, $pid the process itself
starts() {
	in_guest 1 bash -c 'echo $$ >"$0" && exec "$@"' "$work/pid" "$@" >/dev/null 2>"$work/load" &
	load=$!
	connected 1 xvda
	pid=$(cat "$work/pid")
}

# ends WHAT STATUS - the load, within seconds
ends() {
	until_true $patience gone $load || kill -9 $load
	wait $load
	same "$1" $? "$2"
}

host_up
guest_up 1
image disk 16M

# Without pvbackd: this is the backend.
dom0 vbd-attach 1 "$work/disk" xvdb
status "nobody answers: 4" 4 in_guest 1 pvblk info xvdb --timeout 200ms
xs write "$(be 1 xvdb)/state" 2
in_guest 1 pvblk info xvdb --timeout 10s 2>"$work/err" &
load=$!
xs_wait "$(fe 1 xvdb)/state" 3
xs write "$(be 1 xvdb)/sectors" 0x800
xs write "$(be 1 xvdb)/state" 4
for state in 5 6; do
	xs_wait "$(fe 1 xvdb)/state" $state
	xs write "$(be 1 xvdb)/state" $state
done
ends "a backend that publishes nonsense: 3" 3
check "and the message names it" grep -qF 'sectors = "0x800"' "$work/err"
check "the disk is removed" detach 1 xvdb

pvbackd_start
attach 1 disk xvda
status "no such disk: 4" 4 in_guest 1 pvblk read xvdz
status "not a disk: 2" 2 in_guest 1 pvblk read vda
status "an offset within a sector: 2" 2 in_guest 1 pvblk read xvda --offset 100
status "beyond the end: 2" 2 in_guest 1 pvblk read xvda --offset 17M
status "a pattern that is not there: 1" 1 in_guest 1 pvblk verify xvda --size 1M
status "more than fits: 1" 1 in_guest 1 bash -c 'head -c 17M /dev/zero | pvblk write xvda'

cp "$work/disk" "$work/copy"
printf 'from here' | dd of="$work/copy" bs=1 seek=4096 conv=notrunc 2>/dev/null
printf 'from here' | in_guest 1 pvblk write xvda --offset 4k
same "what does not fill a sector leaves the rest of it" "$(sha "$work/disk")" "$(sha "$work/copy")"
same "and is read back alone" "$(in_guest 1 pvblk read --offset 4k --length 9)" "from here"

slow() { in_guest 1 pvblk load xvda --rate 200 --time 500ms --json | jq -e '.read.ios | . > 0 and . <= 105'; }
check "a load of 200 blocks in a second: half a second has no more than 100, and 10 ms made up for" slow

starts pvblk load xvda --time 60s
status "in use: 4" 4 in_guest 1 pvblk info xvda
kill -INT "$pid"
ends "SIGINT: 130" 130
check "and the device is closed" be_state 1 xvda 6
mkfifo "$work/silence"
exec 4<>"$work/silence"
starts sh -c "exec pvblk write xvda <$work/silence"
kill -TERM "$pid"
ends "SIGTERM while it waits for input: 143" 143
check "and the device is closed" be_state 1 xvda 6

check "nbdkit, in the background" in_guest 1 nbdkit -P "$work/nbdkit.pid" -U "$work/nbd" "$plugin" xvda
uri="nbd+unix:///?socket=$work/nbd"
nbdcopy "$uri" "$work/out1" & one=$!
nbdcopy "$uri" "$work/out2" & two=$!
ended "one NBD client" $one
ended "another at the same time" $two
same "both copies are the disk" "$(sha "$work/out1" "$work/out2" | uniq)" "$(sha "$work/disk")"
size_is() { [ "$(nbdinfo --size "$uri")" -eq "$1" ]; }
check "a client sees the size" size_is $((16 << 20))
truncate -s 17M "$work/disk"
check "a later one that it has grown" until_true $patience size_is $((17 << 20))
check "and reads all of it" nbdcopy "$uri" "$work/out1"
same "which is the disk" "$(sha "$work/out1")" "$(sha "$work/disk")"
kill -TERM "$(cat "$work/nbdkit.pid")"
check "SIGTERM to nbdkit: the device is closed" be_state 1 xvda 6

starts pvblk load xvda --time 60s
check "a detach while there is load" dom0 vbd-detach --wait=20 1 xvda
ends "the load: 4, no hang" 4
attach 1 disk xvda
in_guest 1 nbdkit -P "$work/nbdkit.pid" -U "$work/nbd2" "$plugin" xvda
fio --name=e2e --ioengine=nbd --uri="nbd+unix:///?socket=$work/nbd2" --rw=randread --size=16M \
	--time_based --runtime=60 >"$work/fio" 2>&1 &
load=$!
be_state 1 xvda 4
check "a detach while an NBD client reads" dom0 vbd-detach --wait=20 1 xvda
ends "the client fails, no hang" 1
pid=$(cat "$work/nbdkit.pid")
kill -TERM "$pid"
check "nbdkit ends" until_true $patience gone "$pid"
scenario_done
