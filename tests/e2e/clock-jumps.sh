#!/bin/bash
# SPDX-License-Identifier: MIT
# The clock on the wall jumps by years, back and forth, whenever pvbackd or a worker asks for it,
# and signals that are meant for a whole terminal or service come by the thousand: guests are
# served, limits hold, and what dies is succeeded, as ever.
# timeout: 240
. "$(dirname "$0")/net-lib.sh"

net_host_up iperf3
mkdir "$work/bin"
ln -s "$build/points/pvbackd" "$build/points/pvbackd-worker" "$work/bin"
PATH=$work/bin:$PATH
same "these two bring the clock that they ask" \
	"$(nm -D "$work/bin/pvbackd" "$work/bin/pvbackd-worker" | grep -c ' T clock_gettime$')" 2
export PVB_JUMP=1
cards_up 2
guest_up 1
image disk 16M
image other 1M
attach 1 disk xvda
load it 1 xvda --queues 2
eth_starts 2 "a network card"
first=$(worker 1)
second=$(worker 2)

for _ in $(seq 250); do
	for s in TERM INT HUP PIPE XFSZ CHLD CONT WINCH URG; do kill -$s "$first" "$second"; done
done
check "signals by the thousand: the disk goes on" changes disk
for _ in $(seq 250); do kill -HUP "$pvbackd_pid"; done
check "pvbackd reads its settings again and again" wait_log "settings read again"
check "and answers" ctl list
same "the worker is the same" "$(worker 1)" "$first"
check "another disk comes and goes" disk_works 2 other xvda

xs write "$(vbe 2)/rate" "62500,50000"
check "a rate" wait_log "guest 2 vif-0: rate is 62500,50000 now"
rate_is 3000000 12000000 "it holds" "$(iperf 2 10.9.0.254 host)"

kill -KILL "$first"
check "the worker is killed: it has a successor" until_true $patience another_worker 1 "$first"
check "and I/O goes on" changes disk
pvbackd_killed
pvbackd_start
check "pvbackd is killed: the next one adopts it" wait_log "guest 1 vbd-51712: adopted with its worker"
check "and I/O goes on" changes disk
check "a ping" pings 2 10.9.0.254
load_right it "the data was right throughout"
eth_closes 2
scenario_done
