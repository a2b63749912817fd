#!/bin/bash
# SPDX-License-Identifier: MIT
# What passes a network card is captured: read by another program it is what was sent, with
# what the ring said; who looks slowly, badly or not at all costs the guest nothing.
# timeout: 180
. "$(dirname "$0")/net-lib.sh"

net_host_up tshark
cards_up 1 2
eth_starts 1 "guest 1"
eth_starts 2 "guest 2"

# capture NAME WHAT [OPTION...] - of guest 1; returns when it runs
declare -A looks
capture() {
	local seen
	seen=$(grep -cF 'vif-0: captured,' "$log")
	pvbackctl capture vif1.0 "--run-dir=$work/run" -w "$work/$1.pcapng" "${@:3}" 2>"$work/$1.said" &
	looks[$1]=$!
	until_true $patience more_than "$seen" 'vif-0: captured,'
	result $? "$2" "$(cat "$work/$1.said")"
}
# captured NAME WHAT - it ends with success
captured() {
	wait "${looks[$1]}"
	result $? "$2" "$(cat "$work/$1.said")"
}
# read_as NAME FIELD... - what tshark makes of it; of frames that $filter lets through
read_as() {
	local name=$1 fields=()
	shift
	for f; do
		fields+=(-e "$f")
	done
	tshark -n -r "$work/$name.pcapng" ${filter:+-Y "$filter"} -T fields "${fields[@]}" 2>"$work/tshark"
}

# ---- A few frames, each way
capture ping "a capture begins"
check "ping" pings 1 10.9.0.254
kill -INT "${looks[ping]}"
captured ping "Ctrl-C ends it"
filter='icmp.type == 8'
same "three requests, from the guest, on the interface" "$(read_as ping frame.interface_name frame.packet_flags_direction ip.src ip.dst | sort -u)" \
	"$(printf 'vif1.0\t0x00000002\t10.9.0.1\t10.9.0.254')"
same "all of them" "$(read_as ping frame.number | wc -l)" 3
same "with what the ring said" "$(read_as ping frame.comment | sed 's/index [0-9]*/index N/' | sort -u)" "tx queue 0 index N slots 1: passed"
filter='icmp.type == 0'
same "three answers, to the guest" "$(read_as ping frame.packet_flags_direction ip.src frame.comment | sed 's/index [0-9]*/index N/' | sort | uniq -c | sed 's/^ *//')" \
	"$(printf '3 0x00000001\t10.9.0.254\trx queue 0 index N slots 1: passed')"
filter=
same "nothing is malformed" "$(tshark -n -r "$work/ping.pcapng" -Y _ws.malformed 2>/dev/null)" ""
check "another reader has it, too" tcpdump -n -r "$work/ping.pcapng" icmp
same "the counts in the file and those said are the same" \
	"$(capinfos -Mc "$work/ping.pcapng" | awk '/Number of packets/ { print $NF; exit }')" \
	"$(sed -n 's/.*: \([0-9]*\) frames written; \1 passed, 0 .*/\1/p' "$work/ping.said")"

# ---- Offloads as they are on the ring, and a stream to another program
ctl capture vif1.0 -w - --snaplen=100 --count=2000 2>"$work/pipe.said" |
	tshark -n -r - -T fields -e frame.cap_len -e frame.len -e frame.comment >"$work/pipe" 2>/dev/null &
pipe=$!
wait_log "captured, 100 bytes of each frame"
iperf 1 10.9.0.2 g2 >/dev/null
ended "it ends by itself" "$pipe"
same "after as many frames" "$(wc -l <"$work/pipe")" 2000
check "of which no more is kept" awk '$1 > 100 { exit 1 } $2 > 1000 { n++ } END { exit !n }' "$work/pipe"
check "frames to be segmented" grep -qE 'tx queue 0 index [0-9]+ slots [0-9]+ gso tcpv4 14[0-9]{2} csum-blank.*: passed' "$work/pipe"

# ---- One at a time, of a card that is connected, by who may
capture first "another begins"
same "a second is refused" "$(ctl capture 1/vif-0 -w "$work/second.pcapng" 2>&1)" "pvbackctl: not captured: it is captured already"
kill -KILL "${looks[first]}"
wait "${looks[first]}" 2>/dev/null
capture third "who was killed does not look any more"
kill -TERM "${looks[third]}"
captured third "SIGTERM ends it"
image disk 1M
attach 1 disk xvda
refused "a disk" "nothing that can be captured" ctl capture 1/xvda -w "$work/disk.pcapng"
same "a card that is not there" "$(ctl capture vif9.0 -w - 2>/dev/null; echo $?)" 4
same "a place that is none" "$(ctl capture vif1.0 -w /nowhere/x 2>&1)" "pvbackctl: /nowhere/x: No such file or directory"
ctl capture vif1.0 -w - 2>/dev/null | head -c 10 >/dev/null &
reader=$!
ended "a reader that leaves ends it" "$reader"
check "a full disk is told" grep -q 'cannot be written' <(ctl capture vif1.0 --count=1 -w /dev/full 2>&1 & pings 1 10.9.0.254 >/dev/null; wait)

# ---- Whoever does not read loses frames, and the guest none
capture slow "one that will not read"
kill -STOP "${looks[slow]}"
bits=$(iperf 1 10.9.0.254 host)
check "guest 1 is as fast as ever" test "${bits:-0}" -gt 30000000
check "ping" pings 1 10.9.0.254
eth_closes 1
kill -CONT "${looks[slow]}"
captured slow "the capture ends with the card's connection"
check "and says so" grep -q 'not connected any more' "$work/slow.said"
read -r written passed lost < <(sed -n 's/.* \([0-9]*\) frames written; \([0-9]*\) passed, \([0-9]*\) .*/\1 \2 \3/p' "$work/slow.said")
check "it has lost frames" test "${lost:-0}" -gt 0
same "no other than those it has counted" "$((written + lost))" "$passed"
same "the file has what it says" "$(read_as slow frame.number | wc -l)" "$written"

# ---- The worker goes, and pvbackd: the next one is asked
eth_starts 1 "guest 1 again"
captures=0
# again NAME - a worker captures for it once more
again() {
	until_true $patience more_than "$captures" 'vif-0: captured,'
	result $? "$1" "$(cat "$work/last.said")"
	check "ping" pings 1 10.9.0.254
}
capture last "one more"
check "ping" pings 1 10.9.0.254
captures=$(grep -cF 'vif-0: captured,' "$log")
kill -KILL "$(worker 1)"
again "it goes on with the next worker"
captures=$((captures + 1))
pvbackd_killed "$(worker 1)"
pvbackd_start
again "and with the next pvbackd's"
kill -INT "${looks[last]}"
captured last "Ctrl-C ends it"
filter='icmp.type == 8'
same "all requests are there" "$(read_as last frame.number | wc -l)" 9
filter=
same "twice it says that something may be missing" "$(grep -c 'another worker serves it now' "$work/last.said")" 2
same "the counts have gone on" "$(capinfos -Mc "$work/last.pcapng" | awk '/Number of packets/ { print $NF; exit }')" \
	"$(sed -n 's/.*: \([0-9]*\) frames written; \1 passed, 0 .*/\1/p' "$work/last.said")"
capture end "the last one"
eth_closes 1
captured end "it ends with the card's connection"
scenario_done
