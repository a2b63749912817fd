#!/bin/bash
# SPDX-License-Identifier: MIT
# A thousand programs of dom0 and of guests, killed at random while they share, map, copy,
# notify and bind; and guests destroyed among them. Nothing may remain of the dead.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
churn=$build/tests/contract/churn
seed=${SEED:-$RANDOM}
note "SEED=$seed repeats the order of the kills"

guests=(11 12 13)
for g in "${guests[@]}"; do
	guest_up "$g" "$churn" reaper 150 $((seed + g)) owner
done
xensim run -- "$churn" reaper 500 "$seed" user "${guests[@]}" 14 &
dom0=$!
# Meanwhile, guests that die as a whole.
for ((i = 0; i < 40; i++)); do
	guest_up 14 "$churn" owner 0
	until_true 5 dom0 xenstore-exists /local/domain/14/data/churn/0
	xensim destroy 14
done
wait "$dom0"
same "500 programs of dom0 and their successors were killed" $? 0
guests_done() { status '[.domains[].domid] == [0]'; }
check "450 programs of three guests, and the guests ended" until_true 60 guests_done
for g in "${guests[@]}"; do
	same "guest $g had its share" "$(cat "$work/guest-$g")" "154 killed"
done
check "nothing leaks" clean
same "nothing is mapped or shared, but by xenstored" "$(status '
	.domains[0] | [.mapped, .shared, .zombies, ([.handles[].program] | unique | join(" "))] |
		@tsv')" $'0\t0\t0\txenstored'
done_testing
