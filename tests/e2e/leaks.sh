#!/bin/bash
# SPDX-License-Identifier: MIT
# After 200 times attach, I/O and detach, pvbackd has what it had after the first ten: CYCLES
# is the number.
# timeout: 600
. "$(dirname "$0")/lib.sh"

cycles=${CYCLES:-200}
host_up
pvbackd_start
guest_up 1 2
image disk 1M
attach 2 disk xvdb --mode r
wrote=$(sha "$work/disk")

cycle() {
	attach 1 disk xvda && [ "$(in_guest 1 pvblk read xvda | sha)" = "$wrote" ] && detach 1 xvda
}
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$pvbackd_pid/status"; }
# vbd-detach returns when the directory is gone, pvbackd sees that a moment later; or what
# the next cycle has made in its place.
gone_or_new() { [ "$(grep -cE 'directory gone: closed -> gone|written anew: closed -> new' "$log")" -ge "$i" ]; }
settled() { until_true $patience gone_or_new; }
held() { xensim status --json | jq -c '[.domains[] | .ports, .grants, .maps | length]'; }

for ((i = 0; i < 10; i++)); do cycle || result 1 "cycle $i"; done
check "pvbackd has forgotten $i disks" settled
fds0=$(fds) rss0=$(rss) held0=$(held)
for ((; i < cycles; i++)); do cycle || result 1 "cycle $i"; done
check "pvbackd has forgotten all disks" settled
same "$cycles cycles: file descriptors of pvbackd" "$(fds)" "$fds0"
same "ports, grants and mappings of the host" "$(held)" "$held0"
rss1=$(rss)
# The sanitizers keep books on every thread and allocation there was, and look for leaks
# themselves when pvbackd stops.
grep -q libasan "/proc/$pvbackd_pid/maps" ||
	result $((rss1 > rss0 + 1024)) "resident memory: $rss0 kB, then $rss1 kB"
scenario_done
