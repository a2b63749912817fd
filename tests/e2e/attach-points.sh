#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd dies at each point of attaching a disk and of detaching it (dev_point.h): the next one
# brings it to its end, with the right data, and nothing is left. The pvbackd is compiled for
# this; the one that is installed has no such points.
# timeout: 300
. "$(dirname "$0")/lib.sh"

same "the pvbackd that is installed has no points" "$(nm "$build/pvbackd" | grep -c dev_point)" 0
mkdir "$work/bin"
ln -s "$build/points/pvbackd" "$build/pvbackd-worker" "$work/bin"
PATH=$work/bin:$PATH
export PVB_DEV_POINT=$work/point
: >"$work/point"
host_up
pvbackd_start
guest_up 1
image disk 1M
want=$(sha "$work/disk")

came_to_it() { [ ! -s "$work/point" ]; }
# dies - at the point, which is said in its file until then; and the next one is started
dies() {
	until_true 30 came_to_it || return 1
	wait "$pvbackd_pid" 2>/dev/null
	pvbackd_start
}
unused() { [ -z "$(open_by_someone "$work/disk")" ] && no_worker 1; }
nothing_left() { until_true 10 unused && [ -z "$(find "$work/run" -name 'device-*')" ] && ! error_of 1 xvda; }
begin() { printf %s "$1" >"$work/point"; }
reads() {
	in_guest 1 pvblk read xvda >"$work/read" &
	reader=$!
}
right() { wait "$reader"; [ "$(sha "$work/read")" = "$want" ]; }

# In the order in which an attachment comes to them. The files: what the worker is told, the journal, and that which says whether it is done.
for point in "offer before" "offer after" "open before" "open after" "spawn before" "spawn after" \
	"connect before" journal fence telling told "told the worker" "connect after" \
	"publish before" "publish after"; do
	begin "$point"
	dom0 vbd-attach 1 "$work/disk" xvda || break
	reads
	dies
	result $? "attaching: dies at \"$point\""
	right
	result $? "$point: the guest has read what is right"
	detach 1 xvda && nothing_left
	result $? "$point: it is detached, nothing is left"
done

for point in "closing before" "closing after" "stop before" "stop after" "close before" "close after" \
	"forget before" "forget after"; do
	attach 1 disk xvda || break
	begin "$point"
	reads
	detacher=
	# To close is a part of the frontend's end; to forget, of the toolstack's.
	if [ "${point% *}" = forget ]; then
		wait "$reader"
		detach 1 xvda &
		detacher=$!
	fi
	dies
	result $? "detaching: dies at \"$point\""
	right
	result $? "$point: the guest has read what is right"
	if [ -n "$detacher" ]; then wait "$detacher"; else detach 1 xvda; fi && nothing_left
	result $? "$point: it is detached, nothing is left"
done
scenario_done
