#!/bin/bash
# SPDX-License-Identifier: MIT
# Every way to connect that blkif has, and every kind of request in each of them, checked
# against a model of the disk: tests/conform. WAYS="x86_32, 8 pages" runs those whose names
# contain it, SEED changes the random requests.
# timeout: 600
. "$(dirname "$0")/lib.sh"

# As on a disk: what is small on tmpfs would not go by io_uring. conformance-kills.sh has that.
printf '%s\n' "vbd.max-queues = 4" "vbd.engine = io_uring" >"$work/pvbackd.conf"
truncate -s 16M "$work/disk"
disks_up disk
began=$SECONDS
in_guest 1 "$build/tests/conform/conform" --seed "${SEED:-1}" ${WAYS:+--only "$WAYS"} xvda "$work/disk" >"$work/tap" 2>"$work/err"
rc=$?
grep -v '^1\.\.' "$work/tap"
tap_n=$(grep -cE '^(not )?ok ' "$work/tap")
tap_failed=$(grep -c '^not ok ' "$work/tap")
note "$((SECONDS - began)) s"
same "conform ends as its lines say, and has them all" "$rc $tap_n" \
	"$((tap_failed > 0)) $([ -n "${WAYS:-}" ] && echo "$tap_n" || echo 900)"
same "the frontend has nothing to complain of" "$(cat "$work/err")" ""
scenario_done
