#!/bin/bash
# SPDX-License-Identifier: MIT
# The engine is chosen for all disks or for some, and each serves data that is right.
. "$(dirname "$0")/lib.sh"

host_up
cat >"$work/pvbackd.conf" <<END
vbd.engine = io_uring
vbd.engine[*/slow] = io_uring
vbd.engine[$work/slow] = threads
END
pvbackd_start
guest_up 1 2
image slow 8M
image quick 8M
image named 8M
before=$(sha "$work/quick")

check "a disk" attach 1 quick xvda
check "a disk that a pattern names" attach 1 slow xvdb
load quick 1 xvda
load slow 1 xvdb
check "the guest writes to both" changes quick
check "the guest writes to both (threads)" changes slow
load_right quick "its data is right"
load_right slow "its data is right (threads)"
check "the image has changed" differs "$before" "$work/quick"
check "detached" detach 1 xvda
check "detached (threads)" detach 1 xvdb
check "the first was served by io_uring" wait_log "engine=io_uring"
check "the second by threads" wait_log "engine=threads"
same "and one each" "$(grep -o 'vbd-[0-9]*: served.*engine=.*' "$log" | sed 's/:.*=/ /' | sort)" "\
vbd-51712 io_uring
vbd-51728 threads"

# A guest's name; and settings that are read again.
echo 'vbd.engine[g[2-9]] = threads' >"$work/pvbackd.conf"
kill -HUP "$pvbackd_pid"
check "settings are read again" wait_log "settings read again"
check "a disk of guest g2" attach 2 named xvda
same "it reads the image" "$(in_guest 2 pvblk read xvda | sha)" "$(sha "$work/named")"
check "detached again" detach 2 xvda
check "by threads" wait_log "guest 2 vbd-51712: served"
same "as its name says" "$(grep -c 'guest 2 .*engine=threads$' "$log")" 1

# Nothing is said of guest 1's: its image is on tmpfs, and small requests are done at once.
before=$(sha "$work/quick")
check "a disk of guest g1" attach 1 quick xvda
load quick 1 xvda --bs 8k
check "it writes" changes quick
load_right quick "its data is right (tmpfs)"
check "the image has changed (tmpfs)" differs "$before" "$work/quick"
check "detached (tmpfs)" detach 1 xvda
check "served for what it is" wait_log "engine=io_uring+tmpfs"
echo "vbd.engine[ = auto" >"$work/pvbackd.conf"
kill -HUP "$pvbackd_pid"
check "half a pattern is no setting" wait_log 'there is no setting "vbd.engine["'
scenario_done
