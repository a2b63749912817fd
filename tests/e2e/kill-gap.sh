#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest asks for a read at the moment at which its worker is killed: each is answered.
# KILLS: how many; GAPS: a file for the times from the kill to the answer, us, which
# tests/bench/reattach judges.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-10}
image disk 1M
disks_up disk
mkfifo "$work/pids"
xensim run --domid 1 -- "$build/tests/torture/gap" xvda <"$work/pids" >"$work/gaps" 2>"$work/gap.err" &
gap=$!
exec 8>"$work/pids"
be_state 1 xvda 4
answers() { [ "$(wc -l <"$work/gaps")" -gt "$1" ]; }
last=0
for ((k = 0; k < kills; k++)); do
	until_true $patience another_worker 1 "$last" && until_true $patience more_than "$k" 'worker ready' || break
	last=$(worker 1)
	echo "$last" >&8
	until_true $patience answers "$k" || break
done
exec 8>&-
ended "each kill was followed by an answer" "$gap"
same "of all $kills" "$(wc -l <"$work/gaps")" "$kills"
[ -z "${GAPS:-}" ] || cp "$work/gaps" "$GAPS"
scenario_done
