#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackctl upgrade: pvbackd and each worker are replaced under I/O by what is installed now,
# and no guest notices. Workers of another version are recognised, left alone, and replaced.
. "$(dirname "$0")/lib.sh"

host_up
# A copy, so that another program can be installed in its place.
mkdir "$work/bin"
other=$build/tests/other
cp "$other/pvbackd" "$other/pvbackd-worker" "$work/bin"
PATH=$work/bin:$PATH
pvbackd_start
guest_up 1 2 3
for g in 1 2 3 4; do image disk$g 16M; done
attach 1 disk1 xvda
attach 1 disk3 xvdb
attach 2 disk2 xvda
# Requests that wait for storage must not fail, so this one is not drained.
load it 1 xvda --queues 2
load its 1 xvdb
load other 2 xvda --persistent off

install_new() { cp "$build/$1" "$work/bin/new" && mv "$work/bin/new" "$work/bin/$1"; }

# From a version that speaks other messages. What one of its workers would leave is not
# understood: it is left alone.
told=$work/run/device-2-vbd-51712.told
version() { printf "\\x$1" | dd of="$told" bs=1 seek=4 conv=notrunc status=none; }
first=$(worker 2)
version 63
install_new pvbackd
install_new pvbackd-worker
ctl upgrade >"$work/upgrade" 2>&1
same "an upgrade from another version is not complete" $? 1
check "that is in the log" logged "is of version 99, this pvbackd is of"
check "a worker that would leave what is not understood serves on" grep -q \
	'guest 2: its worker is of another version, .* it serves on' "$work/upgrade"
same "it is the same" "$(worker 2)" "$first"
check "its I/O goes on" changes disk2
same "the other one was replaced" "$(stat -Lc %i "/proc/$(worker 1)/exe")" "$(stat -c %i "$work/bin/pvbackd-worker")"
check "its I/O goes on" changes disk1
version 01

# One more, of the same version; the one that was left alone has journals that are understood.
old1=$(worker 1) old2=$(worker 2)
install_new pvbackd
install_new pvbackd-worker
ctl upgrade >"$work/upgrade" 2>&1
result $? "upgrade" "$(cat "$work/upgrade")"
same "the process is the same" "$(ctl version --json | jq -r .pid)" "$pvbackd_pid"
same "its program is the new one" "$(stat -Lc %i "/proc/$pvbackd_pid/exe")" "$(stat -c %i "$work/bin/pvbackd")"
for g in 1 2; do
	same "guest $g has one worker" "$(workers | grep -c " $g$")" 1
	same "of the new program" "$(stat -Lc %i "/proc/$(worker $g)/exe")" "$(stat -c %i "$work/bin/pvbackd-worker")"
done
check "which are other processes" test "$old1$old2" != "$(worker 1)$(worker 2)"
for d in 1/xvda 1/xvdb; do
	check "$d was drained" grep -qE "^$d: drained, [0-9]+ ms without a worker" "$work/upgrade"
done
check "2/xvda is connected" grep -q '^2/xvda: connected' "$work/upgrade"
check "I/O goes on" changes disk1
check "of the other guest, too" changes disk2

# A program that does not run changes nothing.
echo 'exit 1' >"$work/bin/new" && chmod +x "$work/bin/new" && mv "$work/bin/new" "$work/bin/pvbackd"
ctl upgrade >"$work/upgrade" 2>&1
same "a program that does not run is refused" "$?:$(grep -c 'nothing was changed' "$work/upgrade")" 1:1
install_new pvbackd
check "I/O goes on" changes disk1

# A worker of another version than pvbackd's is not used.
cp "$other/pvbackd-worker" "$work/bin/new" && mv "$work/bin/new" "$work/bin/pvbackd-worker"
dom0 vbd-attach 3 "$work/disk4" xvdc
xensim run --domid 3 -- pvblk info xvdc >"$work/info" 2>&1 &
info=$!
check "a new worker of another version is refused" wait_log "install both together"
install_new pvbackd-worker
ended "one of this version is used then" "$info"
check "detached" detach 3 xvdc

# With guests that may wait for storage the journal has what is not finished.
printf 'vbd.on-error = pause\n' >"$work/pvbackd.conf"
kill -HUP "$pvbackd_pid"
check "the settings are read" wait_log "settings read again"
attach 3 disk4 xvda --mode r
load third 3 xvda --rw read
ctl upgrade >"$work/upgrade" 2>&1
result $? "another upgrade" "$(cat "$work/upgrade")"
check "it was not drained" grep -q '^3/xvda: from the journal' "$work/upgrade"
check "the others were" grep -q '^2/xvda: drained' "$work/upgrade"

for l in it its other third; do load_right "$l" "the data was right throughout: $l"; done
scenario_done
