#!/bin/bash
# SPDX-License-Identifier: MIT
# Faults strike at the Nth call they were set for, and at no other; what a program that is
# killed at a named point held is given back.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
calls=$build/tests/contract/calls
churn=$build/tests/contract/churn
guest_up 3 "$build/tests/contract/contract-agent" data/contract/main

# Five calls, by fault: what each says. Three devices are open before the calls are made.
while read -r fault kind want; do
	same "$fault by environment" "$(XENSIM_FAULT=$fault dom0 "$calls" "$kind" 5 3)" "$want"
	xensim fault --prog calls "$fault"	# the guest and xenstored make calls too
	same "$fault by command" "$(dom0 "$calls" "$kind" 5 3)" "$want"
	xensim fault --clear
done <<'END'
map:3=EINVAL map ok ok EINVAL ok ok
map=ENOMEM map ENOMEM ok ok ok ok
map:3+=EINVAL map ok ok EINVAL EINVAL EINVAL
share:2=ENOSPC share ok ENOSPC ok ok ok
alloc:5=ENOSPC alloc ok ok ok ok ENOSPC
bind:4=EINVAL bind ok ok ok EINVAL ok
copy:3=EFAULT copy ok ok EFAULT ok ok
copy:4=GNTST_eagain copy ok 0,-12 ok ok ok
copy:7+=GNTST_bad_gntref copy ok ok ok -3,-3 -3,-3
notify:3=drop notify ok ok lost ok ok
notify:2=delay:600 notify ok late ok ok ok
END
opens=$(XENSIM_FAULT=open:6+=EMFILE dom0 "$calls" open 3 3)
same "open:6+ by environment" "$opens" "$(printf '%s' "${opens//ok/ok}" | grep -x 'ok.*EMFILE')"
same "two faults at once" "$(XENSIM_FAULT=map:2=EINVAL,map:4=ENOMEM dom0 "$calls" map 5 3)" \
	"ok EINVAL ok ENOMEM ok"

# By command, calls are counted over all programs it is meant for.
xensim fault map:4=EINVAL
dom0 "$calls" map 3 3 >/dev/null
same "the count goes on in the next program" "$(dom0 "$calls" map 2 3)" "EINVAL ok"
same "a fault that has struck is over" "$(dom0 "$calls" map 5 3)" "ok ok ok ok ok"
xensim fault --domid 3 map:1+=EINVAL
same "a fault in another domain" "$(dom0 "$calls" map 2 3)" "ok ok"
xensim fault --clear
xensim fault --prog other map:1+=EINVAL
same "a fault in another program" "$(dom0 "$calls" map 2 3)" "ok ok"
xensim fault --prog calls map:1+=EINVAL
same "and in this one" "$(dom0 "$calls" map 2 3)" "EINVAL EINVAL"
xensim fault --clear
same "faults are forgotten" "$(dom0 "$calls" map 2 3)" "ok ok"
for bad in map map:0=EINVAL map:x=EINVAL map=WHAT what:1=EINVAL kill@ notify=EINVAL \
	copy=GNTST_what delay; do
	xensim_refuses "no such fault: $bad" "$bad" xensim fault "$bad"
done

# Killed at every point, as owner of pages and ports or as their user.
guest_up 4 "$churn" owner 0
mapfile -t points < <(xensim fault --list | sed -n 's/^  \([a-z-]*\)  .*/\1/p' |
	sed -n '/^open$/,$p' | awk '!seen[$0]++' | grep -vxE 'alloc|bind|share|map|copy')
# killed_at POINT - an owner and a user run; one of them comes by and is killed
killed_at() {
	(
		export XENSIM_FAULT=kill@$1:3
		timeout 10 xensim run --domid 3 -- "$churn" owner 0 &
		timeout 10 xensim run -- "$churn" user 4 &
		wait -n
		rc=$?
		mapfile -t left < <(jobs -pr)
		[ ${#left[@]} -eq 0 ] || kill "${left[@]}"
		wait
		[ $rc = 137 ]
	) 2>/dev/null # where the shell says "Killed"
}
survived=
for point in "${points[@]}"; do
	killed_at "$point" || survived+=" $point"
done
same "of ${#points[@]} points none is survived" "$survived" ""
check "they left nothing behind" clean
done_testing
