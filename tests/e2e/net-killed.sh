#!/bin/bash
# SPDX-License-Identifier: MIT
# pvbackd is killed under a network card: the guest's frames go on, and the next pvbackd takes
# the card up on the same interface without the guest noticing.
. "$(dirname "$0")/net-lib.sh"

[ -x /etc/xen/scripts/vif-bridge ] || skip_all "there is no /etc/xen/scripts/vif-bridge"
net_up
host_up
pvbackd_start
guest_up 1
card 1 >/dev/null
eth_starts 1 "a guest"
check "ping" pings 1 10.9.0.254
was=$(index vif1.0)
kill -KILL "$pvbackd_pid"
wait "$pvbackd_pid" 2>/dev/null
pvbackd_pid=
check "ping, without pvbackd" pings 1 10.9.0.254
check "the interface is on its bridge" host test -e /sys/class/net/br0/brif/vif1.0
pvbackd_start
check "the next one takes it up" wait_log "guest 1 vif-0: taken up again"
check "ping" pings 1 10.9.0.254
same "the same interface" "$(index vif1.0)" "$was"
same "the guest saw nothing" "$(xs read "$(vbe 1)/state") $(xs read "$(vfe 1)/state")" "4 4"
eth_closes 1
check "detached" uncard 1 0
check "the TAP is gone" until_true 5 no_interface vif1.0
scenario_done
