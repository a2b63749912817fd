#!/bin/bash
# SPDX-License-Identifier: MIT
# The conformance matrix with rings of four pages, while the worker is killed again and again:
# the guest's requests are answered once, rightly and, at barriers, in order. WAYS, SEED: as in
# conformance.sh.
# timeout: 600
. "$(dirname "$0")/lib.sh"

echo "vbd.max-queues = 4" >"$work/pvbackd.conf"
truncate -s 16M "$work/disk"
disks_up disk
killed=0
# Once, and again if others had the processors when it was time to kill.
while [ $killed -lt 20 ]; do
	in_guest 1 "$build/tests/conform/conform" --seed "${SEED:-1}" --only "${WAYS:-4 pages}" xvda "$work/disk" \
		>>"$work/tap" 2>>"$work/err" &
	conform=$!
	until gone $conform; do
		# In this order: the process that was there while the guest was Connected.
		victim=$(worker 1 2>/dev/null)
		if [ -n "$victim" ] && [ "$(xs read "$(be 1 xvda)/state" 2>/dev/null)" = 4 ]; then
			kill -9 "$victim" 2>/dev/null && killed=$((killed + 1))
			until_true $patience gone "$victim"
		fi
	done
	ended "conform" $conform
done
same "nothing went wrong" "$(grep -A1 '^not ok' "$work/tap")" ""
same "the frontend has nothing to complain of" "$(cat "$work/err")" ""
note "$(grep -c '^ok' "$work/tap") lines of the matrix, the worker was killed $killed times"
scenario_done
