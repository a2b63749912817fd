#!/bin/bash
# SPDX-License-Identifier: MIT
# What pvbackctl says that guests did is exactly what they did: counters, histograms, over
# queues, reconnects and the worker's death; and a worker that overwrites its statistics
# lies about its own guest only.
. "$(dirname "$0")/lib.sh"

# of DEVICE EXPRESSION - of what the control socket says about it
numbers='[.counters[("reads", "read_bytes", "writes", "write_bytes", "flushes", "requests", "answers")]]'
# Each histogram counts what the counter of the same operation counts.
agree='[.operations[] as $o | .histograms[$o.latency].count == .counters[$o.count]] | all'
sums='[.histograms[] | .count == ([.buckets[][1]] | add // 0)] | all'
of_queues='[.counters as $c | .counters_of_queues as $q | $c | keys[] | . as $k |
	$c[$k] == ([$q[][$k]] | add)] | all'
works() { # GUEST VDEV OPTION... - put load on it; what the frontend has counted
	in_guest "$1" pvblk load "$2" --json "${@:3}" >"$work/load.json" && cat "$work/load.json"
}

host_up
echo "vbd.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1 2
image disk 16M
image other 8M
same "no devices, no lines" "$(ctl list --json)" ""
attach 1 disk xvda
attach 2 other xvdb
same "before the guest connects there is nothing to count" "$(shown 1/xvda '.counters')" null

# ---- Exactly what the frontend did
works 1 xvda --rw randread --bs 4k --depth 8 --size 4000k >/dev/null
same "1000 reads of 4 KiB" "$(shown 1/xvda "$numbers")" "[1000,4096000,0,0,0,1000,1000]"
check "the histograms agree" test "$(shown 1/xvda "($agree) and ($sums)")" = true
same "the storage read as often, but for neighbours that were read at once" \
	"$(shown 1/xvda '.histograms.storage.count + .counters.merged')" 1000

works 1 xvda --rw read:50,write:40,flush:10 --bs 8k --depth 32 --size 8M >/dev/null
want=$(jq -c '[1000 + .read.ios, 4096000 + .read.bytes, .write.ios, .write.bytes,
	.requests - .read.ios - .write.ios, 1000 + .requests, 1000 + .requests]' "$work/load.json")
same "reads, writes and flushes, after a reconnect" "$(shown 1/xvda "$numbers")" "$want"
check "the histograms agree" test "$(shown 1/xvda "($agree) and ($sums)")" = true
check "there were flushes" test "$(shown 1/xvda .histograms.flush.count)" -gt 10

works 1 xvda --rw randread --bs 4k --queues 4 --depth 8 --size 4M --persistent=off >/dev/null
same "four queues: their sum" "$(shown 1/xvda "$of_queues")" true
check "each has done its part" test "$(shown 1/xvda '[.counters_of_queues[] | select(.reads > 100)] | length')" = 4
same "and the total" "$(shown 1/xvda .counters.reads)" \
	"$(jq --argjson before "$want" '.read.ios + $before[0]' "$work/load.json")"

# ---- The other guest's are its own
same "the other guest has done nothing" "$(shown g2/xvdb '.counters')" null
works 2 xvdb --rw randread --bs 4k --size 400k >/dev/null
same "then 100 reads" "$(shown g2/xvdb "$numbers")" "[100,409600,0,0,0,100,100]"

# ---- Rates are those of an interval
check "there was load, and there is none" test "$(shown 1/xvda .counters.reads)" -gt 1000
same "stats of an idle disk" "$(ctl stats 1/xvda --watch=0.1 --count=1 --json | jq -c '[.read.per_second, .write.per_second, .in_flight]')" "[0,0,0]"
load it 1 xvda --depth 16
ctl stats 1/xvda --watch=0.5 --count=3 --json >"$work/stats.json"
same "three intervals" "$(wc -l <"$work/stats.json")" 3
check "are about half a second each" jq -se 'all(.seconds > 0.45 and .seconds < 3)' "$work/stats.json"
check "rates are what the counters gained" jq -se '[., .[1:]] | transpose | map(select(.[1])) |
	all((.[1].read.count - .[0].read.count) / .[1].seconds / .[1].read.per_second
		| . > 0.99 and . < 1.01)' "$work/stats.json"
check "latencies are in order" jq -se 'all(.read.latency_ns | .p50 > 0 and .p50 <= .p99 and .p99 <= .max)' "$work/stats.json"
ctl stats 1 --watch=0.2 --count=2 >"$work/stats.txt"
same "as a table: the disk, twice" "$(grep -c '^1/xvda  g1     read ' "$work/stats.txt")" 2
ctl list >"$work/list.txt"
same "the list has the worker" "$(awk '$1 == "1/xvda" { print $3, $8 }' "$work/list.txt")" \
	"connected $(worker 1)"
check "and a rate" awk '$1 == "1/xvda" && $9 > 0 { n = 1 } END { exit !n }' "$work/list.txt"
same "the lines of lists have no blanks at their ends" "$(grep -c ' $' "$work/list.txt" "$work/stats.txt" | grep -v ':0')" ""
ctl show vbd-1-51712 >"$work/show.txt"
for what in "$(printf '%-20s connected' state)" "$(printf '%-20s %s' image "$work/disk")" \
	'< ' '#####' 'p99.9' 'ring-ref = ' 'feature-persistent = '; do
	check "show has '$what'" grep -qF -- "$what" "$work/show.txt"
done

# ---- A worker that a guest has taken over writes what it likes
scribble() { # WORKER HOW
	python3 - "$1" "$2" <<'END'
import os, random, re, sys
pid, how = sys.argv[1:]
n = 0
for line in open(f"/proc/{pid}/maps"):
    if "pvbackd-stats" not in line:
        continue
    low, high = (int(x, 16) for x in re.match("(.*?)-(.*?) ", line).groups())
    with open(f"/proc/{pid}/mem", "r+b", 0) as mem:
        for at in range(low, high, 4096):
            mem.seek(at)
            mem.write(bytes(4096) if how == "zeros" else b"\xff" * 4096 if how == "ones" else
                      os.urandom(4096))
            n += 1
sys.exit(n == 0)
END
}
for how in zeros ones random; do
	check "the worker of guest 1 writes $how over its statistics" scribble "$(worker 1)" $how
	check "$how: list" test "$(ctl list --json | jq -r .device | paste -sd' ')" = "1/xvda 2/xvdb"
	ctl stats >"$work/$how.txt"
	same "$how: stats" $? 0
	same "$how: show says so" "$(shown 1/xvda .spoiled)" "the worker has overwritten its statistics"
	ctl show 1/xvda >"$work/$how.txt"
	same "$how: as text" $? 0
	same "$how: the other guest's are right" "$(shown 2/xvdb "$numbers")" "[100,409600,0,0,0,100,100]"
	same "$how: nothing but text" "$(grep -cP '[^\x20-\x7e\n]' "$work/$how.txt")" 0
done
load_right it "the guest's data was right throughout"
works 1 xvda --rw randread --bs 4k --size 40k >/dev/null
same "for its next connection they begin anew" "$(shown 1/xvda "$numbers")" "[10,40960,0,0,0,10,10]"
check "and the log says so" wait_log "statistics were spoiled"

# ---- They are kept while the device is
hold 1 xvda
old=$(worker 1)
kill -9 "$old"
check "the worker dies" until_true $patience gone "$old"
check "pvbackd has noticed" wait_log "guest 1: worker"
same "what it had counted is still there" "$(shown 1/xvda .counters.reads)" 10

# ---- And not longer: another in the same place, that came before pvbackd has looked
kill -STOP "$pvbackd_pid"
dom0 vbd-detach --force --wait=1 2 xvdb 2>/dev/null
dom0 vbd-attach 2 "$work/other" xvdb
kill -CONT "$pvbackd_pid"
check "a disk is written anew" wait_log "directory written anew"
be_state 2 xvdb 2
same "nothing of the old one's is left" "$(shown 2/xvdb .counters)" null
works 2 xvdb --rw randread --bs 4k --size 80k >/dev/null
same "and its own are counted" "$(shown 2/xvdb "$numbers")" "[20,81920,0,0,0,20,20]"
scenario_done
