#!/bin/bash
# SPDX-License-Identifier: MIT
# Each malformed key gives one clear reason in the log and in the error node, and the device
# goes to Closed; a key that is missing may still come. A neighbour does I/O through all of
# it, and the device works as soon as its keys are right.
# timeout: 240
. "$(dirname "$0")/lib.sh"

host_up
echo "vbd.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1 2
image disk 4M
image other 16M
mkdir "$work/directory"
: >"$work/empty"
mkfifo "$work/fifo"
attach 2 other xvda
witness neighbour 2 xvda
b=$(be 1 xvda) f=$(fe 1 xvda)

# changed KEY VALUE DIRECTORY KEY VALUE... - paths and values, with KEY's changed; - leaves
# it out
changed() {
	local key=$1 value=$2 dir=$3
	shift 3
	pairs=()
	while [ $# -gt 0 ]; do
		if [ "$1" != "$key" ]; then
			pairs+=("$dir/$1" "$2")
		elif [ "$value" != - ]; then
			pairs+=("$dir/$1" "$value")
		fi
		shift 2
	done
}

# refused_with NAME WORDS - Closed, and the reason is in the node and in the log
refused_with() {
	local error
	be_state 1 xvda 6
	result $? "$1: Closed" "state $(xs read "$b/state")"
	error=$(error_of 1 xvda)
	[[ $error == *"$2"* ]] && logged "guest 1 vbd-51712: $error"
	result $? "$1: $error" "wanted '$2' in the error node, and its text in the log"
}

# As vbd-attach writes it, with one key of the toolstack changed.
toolstack_keys() { # KEY VALUE
	xs write "$f" "" "$b" ""
	xs chmod "$f" n1 r0
	xs chmod "$b" n0 r1
	changed "$1" "$2" "$b" frontend "$f" params "$work/disk" frontend-id 1 online 1 \
		removable 0 bootable 1 state 1 dev xvda type phy mode w device-type disk \
		discard-enable 1 specification xen
	xs write -- "$f/backend" "$b" "$f/backend-id" 0 "$f/state" 1 "$f/virtual-device" 51712 \
		"${pairs[@]}"
}
while IFS='|' read -r key value words; do
	toolstack_keys "$key" "$value"
	refused_with "$key=$value" "$words"
	detach 1 xvda
done <<END
params||params is empty
params|/nonexistent|params is "/nonexistent": No such file
params|$work/directory|directory", a directory: it must be a file or a block device
params|$work/empty|empty", it has 0 bytes: less than a sector
params|$work/fifo|fifo", a FIFO: it must be a file or a block device
params|relative|params is "relative", it must be the absolute path of an image
params|/dev/null|"/dev/null", a character device
mode|x|mode is "x", it must be r or w
mode||mode is "", it must be r or w
END

# The toolstack may write in more than one transaction, but not for ever.
toolstack_keys params -
refused_with "params missing" "params"
detach 1 xvda
for key in params mode frontend; do
	toolstack_keys "$key" -
	changed "" "" "$b" params "$work/disk" mode w frontend "$f"
	same "$key missing: not offered" "$(xs read "$b/state")" 1
	xs write "${pairs[@]}"
	check "$key is there now: offered" be_state 1 xvda 2
	detach 1 xvda
done

# A frontend that is ready, with one of its keys changed or added. Grant 1 is a page that
# dom0 may map.
good=(ring-ref 1 event-channel 1 protocol x86_64-abi feature-persistent 1)
while IFS='|' read -r key value words; do
	attach 1 disk xvda
	changed "$key" "$value" "$f" "${good[@]}"
	case $key in ring-ref | event-channel | protocol) ;; *) pairs+=("$f/$key" "$value") ;; esac
	in_guest 1 xenstore-write -- "${pairs[@]}" "$f/state" 3
	refused_with "$key=$value" "$words"
	detach 1 xvda
done <<'END'
ring-ref|-|ring-ref is missing, it must be a number
ring-ref||ring-ref is "", it must be a number
ring-ref|-1|ring-ref is "-1", it must be a number
ring-ref|0x8|ring-ref is "0x8", it must be a number
ring-ref| 8|ring-ref is " 8", it must be a number
ring-ref|4294967296|ring-ref is "4294967296", it must be a number
ring-ref|99999|99999
event-channel|-|event-channel is missing, it must be a number
event-channel|0|event-channel is "0", it must be a number
event-channel|012|event-channel is "012", it must be a number
event-channel|1x|event-channel is "1x", it must be a number
event-channel|99999|99999
protocol|nonsense|protocol is "nonsense", it must be x86_64-abi or x86_32-abi
protocol|arm-abi|protocol is "arm-abi", it must be x86_64-abi or x86_32-abi
ring-page-order|1|ring-ref0 is missing, it must be a number
ring-page-order|5|ring-page-order is "5", at most 4 can be served
ring-page-order|4294967297|ring-page-order is "4294967297", at most 4
num-ring-pages|3|num-ring-pages is 3, it must be a power of two
num-ring-pages|32|num-ring-pages is "32", at most 16 can be served
num-ring-pages|2|ring-ref0 is missing
multi-queue-num-queues|999|multi-queue-num-queues is "999"
multi-queue-num-queues|0|multi-queue-num-queues is "0"
multi-queue-num-queues||multi-queue-num-queues is ""
multi-queue-num-queues|2|queue-0/ring-ref is missing
feature-persistent|2|feature-persistent is "2"
END

# Several rings and pages, of which one key is nonsense.
rings=(multi-queue-num-queues 2 ring-page-order 1 num-ring-pages 2 protocol x86_64-abi
	queue-0/ring-ref0 11 queue-0/ring-ref1 12 queue-0/event-channel 11
	queue-1/ring-ref0 13 queue-1/ring-ref1 14 queue-1/event-channel 12)
while IFS='|' read -r key value words; do
	attach 1 disk xvda
	changed "$key" "$value" "$f" "${rings[@]}"
	in_guest 1 xenstore-write -- "${pairs[@]}" "$f/state" 3
	refused_with "$key=$value of 2 rings" "$words"
	detach 1 xvda
done <<'END'
queue-1/ring-ref1|-|queue-1/ring-ref1 is missing, it must be a number
queue-1/ring-ref0|x|queue-1/ring-ref0 is "x", it must be a number
queue-0/event-channel|-|queue-0/event-channel is missing, it must be a number
queue-1/event-channel|0|queue-1/event-channel is "0"
queue-1/event-channel|11|share grant
queue-1/ring-ref1|11|share grant 11
queue-1/ring-ref1|13|share grant 13
num-ring-pages|4|num-ring-pages is 4, it must be a power of two and what ring-page-order says
queue-1/ring-ref1|99999|cannot map the ring, grant
END

load_right neighbour "the neighbour's data was right throughout"
attach 1 disk xvda
same "the device works with good keys" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"
same "and its error node is gone" "$(error_of 1 xvda)" ""
scenario_done
