#!/bin/bash
# SPDX-License-Identifier: MIT
# Each malformed key gives one clear reason in the log and in the error node, and the device
# goes to Closed; a neighbour does I/O through all of it.
# timeout: 240
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1 2
image disk 4M
image other 16M
mkdir "$work/directory"
printf '' >"$work/empty"
mkfifo "$work/fifo"
attach 2 other xvda
in_guest 2 pvblk load xvda --rw mixed --verify --time 200 >"$work/neighbour" 2>&1 &
neighbour=$!
be_state 2 xvda 4

b=$(be 1 xvda) f=$(fe 1 xvda)

# refuses KEY VALUE WORDS - Closed; the error node has all the words, the log has its text
refuses() {
	local name="$1=$2" error word
	be_state 1 xvda 6 || { result 1 "$name: Closed" "state $(xs read "$b/state")"; return; }
	error=$(xs read "$b/error" 2>&1)
	for word in $3; do
		grep -qiF -- "$word" <<<"$error" ||
			{ result 1 "$name: the error node has '$word'" "$error"; return; }
	done
	grep -F -- "$error" "$log" >/dev/null
	result $? "$name: $error"
}

# A key of the toolstack: as vbd-attach writes it, with one key changed; - is a missing one.
toolstack_key() {
	local key=$1 value=$2 words=$3
	xs write "$f" "" "$b" ""
	xs chmod "$f" n1 r0
	xs chmod "$b" n0 r1
	set -- frontend "$f" params "$work/disk" frontend-id 1 online 1 removable 0 bootable 1 \
		state 1 dev xvda type phy mode w device-type disk discard-enable 1 specification xen
	local pairs=()
	while [ $# -gt 0 ]; do
		if [ "$1" != "$key" ]; then
			pairs+=("$b/$1" "$2")
		elif [ "$value" != - ]; then
			pairs+=("$b/$1" "$value")
		fi
		shift 2
	done
	xs write "$f/backend" "$b" "$f/backend-id" 0 "$f/state" 1 "$f/virtual-device" 51712 "${pairs[@]}"
	refuses "$key" "$value" "$words"
	detach 1 xvda --force >/dev/null 2>&1
}

# A key of the guest: it comes with a frontend that says Initialised.
guest_key() {
	local key=$1 value=$2 words=$3
	attach 1 disk xvda
	set -- ring-ref 8 event-channel 1 protocol x86_64-abi feature-persistent 1
	local pairs=()
	while [ $# -gt 0 ]; do
		if [ "$1" != "$key" ]; then
			pairs+=("$f/$1" "$2")
		elif [ "$value" != - ]; then
			pairs+=("$f/$1" "$value")
		fi
		shift 2
	done
	in_guest 1 xenstore-write "${pairs[@]}" "$f/state" 3
	refuses "$key" "$value" "$words"
	detach 1 xvda --force >/dev/null 2>&1
}

while read -r key value words; do
	toolstack_key "$key" "$value" "$words"
done <<END
params /nonexistent params /nonexistent
params $work/directory params directory
params $work/empty params empty
params $work/fifo params fifo
params relative params relative
params - params missing
mode x mode x
mode - mode missing
END
while read -r key value words; do
	guest_key "$key" "$value" "$words"
done <<'END'
ring-ref -1 ring-ref -1
ring-ref 08 ring-ref 08
ring-ref 4294967296 ring-ref 4294967296
ring-ref x ring-ref x
ring-ref 99999 ring-ref 99999
event-channel 0 event-channel 0
event-channel -1 event-channel -1
event-channel 99999 event-channel 99999
protocol x86_32-abi protocol x86_32-abi
protocol nonsense protocol nonsense
feature-persistent maybe feature-persistent maybe
END

check "the neighbour did I/O all the time" kill -INT "$neighbour"
wait "$neighbour"
check "and its data was right" grep -q verified "$work/neighbour"
same "the device works again with good keys" "$(attach 1 disk xvda && in_guest 1 pvblk read xvda | sha)" \
	"$(sha "$work/disk")"
scenario_done
