#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker dies at each point in the life of a request, of each kind (tests/points): its guest,
# with 4 queues at depth 32, gets each answer once and finds what must be there. The worker is
# compiled for this; the one that is installed has no such points. ROUNDS: how often.
# timeout: 600
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$((RANDOM % 1000 + 1))}
note "SEED=$seed"
same "the worker that is installed has no points" "$(nm "$build/pvbackd-worker" | grep -c blk_point)" 0
printf 'vbd.max-queues = 4\nvbd.engine = io_uring\nworker = %s\n' "$build/points/pvbackd-worker" >"$work/pvbackd.conf"
head -c 4096 /dev/zero >"$work/points"
export PVB_POINTS=$work/points
truncate -s 2M "$work/disk"
disks_up disk
xensim run --domid 1 -- "$build/tests/torture/torture" --seed "$seed" --queues 4 --order 1 --depth 32 \
	--segments 64 xvda >"$work/guest" 2>&1 &
guest=$!
be_state 1 xvda 4
"$build/tests/points/aim" "$work/points" "${ROUNDS:-1}" >"$work/aimed"
result $? "workers die at every point" "$(cat "$work/aimed" "$work/guest")"
note "$(tail -n 1 "$work/aimed")"
same "the guest still sees Connected" "$(xs read "$(be 1 xvda)/state")" 4
kill -TERM "$guest"
ended "all was right throughout, SEED=$seed" "$guest"
note "$(cat "$work/guest")"
scenario_done
