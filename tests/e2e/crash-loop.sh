#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers crash as soon as they have taken up one of a guest's disks: that disk rests, and it
# is said why, and the guest's other disks, as busy as it, go on. Its guest sees a pause: it
# is tried again by itself, by `pvbackctl resume`, and by another pvbackd.
. "$(dirname "$0")/lib.sh"

host_up
echo "worker = $build/points/pvbackd-worker" >"$work/pvbackd.conf"
head -c 4096 /dev/zero >"$work/points"
export PVB_POINTS=$work/points
pvbackd_start
guest_up 1
for i in 1 2 3; do image disk$i 16M; done
attach 1 disk1 xvda
attach 1 disk2 xvdb
attach 1 disk3 xvdc
# As busy as each other.
load one 1 xvda
load bad 1 xvdb --timeout 150s
load three 1 xvdc

# crash_up - workers crash with the first I/O of xvdb, which its thread is called
# mute: and so that they cannot say it
aim() { "$build/tests/points/aim" "$work/points" "$1" "$2"; }
crash_up() { aim "${1:--}" "vbd-$(vdev_number xvdb)"; }
crash_down() { aim - ""; }
crashes() { ctl list "1/$1" --json | jq .crashes; }
crashed() { [ "$(crashes xvdb)" -ge "$1" ]; }
rests='workers crashed with it in a row'
fault() { shown 1/xvdb .fault; }
is_resting() { fault | grep -q "$rests"; }
goes_on() { until_true 30 changes disk2; }
unnoticed() { same "$1: the guest sees Connected" "$(xs read "$(be 1 xvdb)/state")" 4; }

crash_up
check "the disk rests" until_true 60 is_resting
# Each try that works for a moment clears it.
said() { error_of 1 xvdb | grep -q "$rests.* signal 6.*at once by pvbackctl resume"; }
check "the reason is in its error node" until_true 60 said
unnoticed "crashed six times"
check "it is tried by itself" until_true 30 crashed 7
check "the others go on" until_true 60 changes disk1
check "both" until_true 60 changes disk3
# A worker says which thread it was that crashed.
same "no crash is held against them" "$(crashes xvda) $(crashes xvdc)" "0 0"
same "each was in its thread" "$(grep -c 'has ended: signal 6' "$log")" \
	"$(grep -c "has ended: signal 6 .*, in thread vbd-$(vdev_number xvdb)$" "$log")"

# Pauses double: the sixth, and each that follows, is of a minute.
resumed_until() { crashed "$1" || { ctl resume 1/xvdb; false; }; }
check "each resume tries it at once" until_true 50 resumed_until 11
unnoticed "crashed again and again"
crash_down
# The last resume may have come after the last crash.
ctl resume 1/xvdb 2>/dev/null
check "it works when the reason is gone" goes_on
same "all is well" "$(fault)$(error_of 1 xvdb)" null
refused "resume says that nothing waits" "does not wait for anything" ctl resume 1/xvdb

# Who cannot say which disk it was is tried with one after the other.
crash_up mute
check "it rests again" until_true 60 is_resting
same "no worker has said why" \
	"$(grep -c 'has ended: signal 6 (Aborted)$' "$log" | sed 's/[1-9][0-9]*/some/')" some
check "the others go on" until_true 60 changes disk1
check "both" until_true 60 changes disk3
crash_down
first=$(worker 1)
stopped "pvbackd stops meanwhile"
same "and leaves it connected" "$(xs read "$(be 1 xvdb)/state")" 4
pvbackd_start
check "the next one takes it up" goes_on
check "with another worker" another_worker 1 "$first"
for l in one bad three; do load_right "$l" "the data was right: $l"; done
scenario_done
