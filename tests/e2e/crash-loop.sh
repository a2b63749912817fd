#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers crash as soon as they have taken up one of a guest's disks: that disk is given up,
# with the reason, and the guest's other disks, as busy as it, go on. It works again when the
# guest connects anew.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
for i in 1 2 3; do image disk$i 16M; done
attach 1 disk1 xvda
attach 1 disk2 xvdb
attach 1 disk3 xvdc
load one 1 xvda
load bad 1 xvdb
load three 1 xvdc

# A thread is called as its disk.
python3 - "$pvbackd_pid" "vbd-$(vdev_number xvdb)" <<'END' &
import glob, os, signal, sys, time
children = f"/proc/{sys.argv[1]}/task/{sys.argv[1]}/children"
while True:
    for worker in open(children).read().split():
        try:
            names = [open(f).read().strip() for f in glob.glob(f"/proc/{worker}/task/*/comm")]
            if sys.argv[2] in names:
                os.kill(int(worker), signal.SIGABRT)
        except OSError:
            pass
    time.sleep(0.002)
END
crasher=$!
check "the disk is given up" be_state 1 xvdb 6 60
kill -KILL "$crasher"
wait "$crasher" 2>/dev/null
check "with the reason" grep -q 'ended (signal 6.*again and again with it' <<<"$(error_of 1 xvdb)"
check "pvbackctl shows it" grep -q 'again and again with it' \
	<<<"$(shown 1/xvdb .fault)"
load_failed bad "its guest has read nothing wrong"
same "the others are connected" "$(xs read "$(be 1 xvda)/state")$(xs read "$(be 1 xvdc)/state")" 44
check "and go on" changes disk1
check "both" changes disk3
check "crashes, but not that many, are held against them" test \
	"$(ctl list 1/xvda --json | jq .crashes)" -lt 6
load bad 1 xvdb
result $? "it can be connected anew"
check "and works" changes disk2
for l in one bad three; do load_right "$l" "the data was right: $l"; done
scenario_done
