#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest goes without anybody saying so; another one has its number; and one comes back from
# a suspension with new rings for those it had: nothing of the old is used for the new.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
image disk 4M
image next 4M
nothing_mapped() { [ "$(pages)" -eq 0 ]; }
no_files() { [ -z "$(find "$work/run" -name "device-$1-*")" ]; }

# ---- Suspended, and resumed with new rings ------------------------------------------

guest_up 1
attach 1 disk xvda
load before 1 xvda --queues 2
check "a guest writes" changes disk
# All of it: whoever has answers does not see them.
kill -STOP "${load_pid[before]}"
# quiet - all that was asked for is answered, and it was so at the last look
quiet() {
	local now
	now=$(shown 1/xvda '.counters | [.requests, .answers]')
	[ "$now" = "${was:-}" ] && [ "$(jq '.[0] > 0 and .[0] == .[1]' <<<"$now")" = true ] && return 0
	was=$now
	return 1
}
check "what it has asked for is done" until_true $patience quiet
acked=$(sha "$work/disk")
in_guest 1 xenstore-write "$(fe 1 xvda)/state" 1
check "it comes back at 1, without having closed: it is offered the disk" be_state 1 xvda 2
check "nothing of its old rings is mapped" until_true $patience nothing_mapped
same "new rings, the data as it was answered" "$(in_guest 1 pvblk read xvda --queues 2 | sha)" "$acked"
same "nothing was done again" "$(sha "$work/disk")" "$acked"
kill -CONT "${load_pid[before]}"
load_failed before "who has the old rings has seen nothing wrong"

# ---- Another guest of the same number -----------------------------------------------

load old 1 xvda
check "a guest writes, again" changes disk
pvbackd_killed
first=$(worker 1)
xensim destroy 1
wait "${load_pid[old]}" 2>/dev/null
anew() { xensim guest 1 --keep --detach -- true >"$work/anew" 2>&1; }
check "the worker of a guest that is gone keeps its number" refused "" "exists already" eval 'anew || ! cat "$work/anew"'
kill -9 "$first"
check "it goes, without pvbackd" until_true $patience gone "$first"
check "and leaves files" test -e "$work/run/device-1-vbd-51712.told"
check "another guest has the number" until_true $patience anew
left=$(sha "$work/disk")
# As a toolstack that has waited for long enough.
xs rm "$(be 1 xvda)"
check "and a disk of that name" dom0 vbd-attach 1 "$work/next" xvda
want=$(sha "$work/next")
in_guest 1 pvblk read xvda >"$work/out" &
reader=$!
went_on() { grep -c 'adopted\|taken up again\|goes on' "$log"; }
seen=$(went_on)
pvbackd_start
ended "the other one reads" "$reader"
same "its own disk" "$(sha "$work/out")" "$want"
same "nothing was adopted or taken up again" "$(went_on)" "$seen"
same "nothing was done to the disk of the first" "$(sha "$work/disk")" "$left"

# ---- An end that nobody tells -------------------------------------------------------

load silent 1 xvda
check "a guest writes, once more" changes next
# An empty xenstored does not know the guest, and cannot tell of its end.
store_killed
check "xenstored is killed" wait_log "the connection to XenStore is lost"
check "another begins, empty" store_anew
check "which is found" wait_log "XenStore is back"
check "the guest is served on" changes next
kill -9 "${load_pid[silent]}"
wait "${load_pid[silent]}" 2>/dev/null
xensim destroy 1
check "a guest whose end nobody tells is missed" wait_log "guest 1: the guest is gone"
check "its worker goes" until_true $patience no_worker 1
check "and its files" until_true $patience no_files 1
same "pvbackctl has forgotten it" "$(ctl list --json | jq -s 'flatten | length')" 0
scenario_done
