#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker is killed while it takes up a disk, at each thing it does for that: the guest
# that is connecting gets its disk from the next one.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 1M
wrote=$(sha "$work/disk")

# Ports and pages of two rings: some are there already, others not yet.
for point in open:1 open:2 map-before-publish:1 map-after-publish:1 map-mapped:1 \
	map-before-publish:2 map-mapped:2 bind-before-publish:1 bind-after-publish:1 \
	bind-before-publish:2 bind-after-publish:2; do
	died=$(grep -c 'has ended: signal 9' "$log")
	xensim fault --prog pvbackd-worker "kill@$point"
	attach 1 disk xvda
	same "$point: the guest reads the image" \
		"$(in_guest 1 pvblk read xvda --queues=2 | sha)" "$wrote"
	check "$point: a worker was killed" more_than "$died" "has ended: signal 9"
	check "$point: detached" detach 1 xvda
	xensim fault --clear
done
scenario_done
