#!/bin/bash
# SPDX-License-Identifier: MIT
# vbd-attach, vbd-detach, vbd-list: libxl's keys and permissions, written at once; libxl's
# steps to detach; wrong arguments are named.
. "$(dirname "$0")/lib.sh"

host_up
guest_up 1
image disk 1M

# ---- Numbers of disks are libxl's
for pair in xvda=51712 xvdb=51728 xvdb1=51729 xvdp15=51967 xvdq=268439552 xvda16=268435472 \
	xvdaa=268442112 d1p2=51730 d20p3=268440579 hda=768 hdb1=833 hdc=5632 sda=2048 sdp3=2291 \
	51712=51712 0=0; do
	same "${pair%=*}" "$(vdev_number "${pair%=*}")" "${pair#*=}"
done
for name in xvd foo xvdA 'xvda 1' xvda300 xvdaaaaaaa hde sdq d1p xvd9 007 -1 2147483648 ''; do
	same "'$name' is no disk" "$(vdev_number "$name")" ""
done

# ---- Waiting: what watches is gone with it, also if it had its say before its parent
mkdir "$work/quick"
mkfifo "$work/never"
printf '#!/bin/sh\necho "$1"\nexec cat <>"%s"\n' "$work/never" >"$work/quick/xenstore-watch"
chmod +x "$work/quick/xenstore-watch"
waits() {
	for _ in {1..20}; do
		PATH=$work/quick:$PATH sh -c '. "$1/vbd-common.sh"; wait_for 10 /local true' \
			_ "$top/xenstore-scripts" 2>>"$work/said" || return
	done
}
check "waits for what is so at once" waits
same "leave nobody behind" "$(ours | grep '^cat ')" ""
same "and say nothing" "$(cat "$work/said")" ""

# ---- Keys and permissions of a disk that libxl attached, but for `protocol`, which it
# writes for PV guests only, and `script`, which it always has
keys() { xs ls -fp "$1" | sed "s|^$1/*||" | sort; }
b=$(be 1 xvda) f=$(fe 1 xvda)
check "vbd-attach" dom0 vbd-attach 1 "$work/disk" xvda
same "backend keys" "$(keys "$b")" "$(sort <<END
frontend = "$f"   (n0,r1)
params = "$work/disk"   (n0,r1)
frontend-id = "1"   (n0,r1)
online = "1"   (n0,r1)
removable = "0"   (n0,r1)
bootable = "1"   (n0,r1)
state = "1"   (n0,r1)
dev = "xvda"   (n0,r1)
type = "phy"   (n0,r1)
mode = "w"   (n0,r1)
device-type = "disk"   (n0,r1)
discard-enable = "1"   (n0,r1)
specification = "xen"   (n0,r1)
END
)"
same "frontend keys" "$(keys "$f")" "$(sort <<END
backend = "$b"   (n1,r0)
backend-id = "0"   (n1,r0)
state = "1"   (n1,r0)
virtual-device = "51712"   (n1,r0)
device-type = "disk"   (n1,r0)
trusted = "1"   (n1,r0)
END
)"
same "directories" "$(xs ls -fp /local/domain | grep -E '/vbd(/1)?(/51712)? = ' | sort)" "$(sort <<END
/local/domain/0/backend/vbd = ""   (n0)
/local/domain/0/backend/vbd/1 = ""   (n0)
/local/domain/0/backend/vbd/1/51712 = ""   (n0,r1)
/local/domain/1/device/vbd = ""   (n0,r1)
/local/domain/1/device/vbd/51712 = ""   (n1,r0)
END
)"
check "the guest may write its side" in_guest 1 xenstore-write device/vbd/51712/protocol x
refused "and not the backend's" "could not write" in_guest 1 xenstore-write "$b/mode" w
same "libxl did not make this guest: no copy for it" "$(xs ls -f / | grep ^/libxl)" ""
refused "a second disk of that name" "has a disk xvda already" dom0 vbd-attach 1 "$work/disk" xvda
same "vbd-list" "$(dom0 vbd-list)" "\
GUEST  NAME  VDEV  IMAGE$(printf '%*s' $((${#work} + 2)) '')MODE  BACKEND       FRONTEND      ERROR
1      g1    xvda  $work/disk  w     Initialising  Initialising"
xs write "/local/domain/0/error/backend/vbd/1/51712/error" "no such image" "$b/state" 6
same "vbd-list shows the error" "$(dom0 vbd-list 1 | tail -n 1 | grep -o 'Closed .*' | tr -s ' ')" \
	"Closed Initialising no such image"

# ---- Detach: the backend has answered, does not answer, answers late
xs rm /local/domain/0/error
check "a disk that is Closed is detached at once" dom0 vbd-detach --wait=1 1 xvda
same "nothing of it is left" "$(xs ls -f / | grep vbd)" ""
refused "vbd-detach of what is not there" "no disk xvda" dom0 vbd-detach 1 xvda
check "options may come last" dom0 vbd-attach 1 "$work/disk" xvda --mode r
same "--mode r" "$(xs read "$b/mode" "$b/discard-enable" | paste -sd' ')" "r 0"
refused "nobody answers" "is not closed after 1 s: backend state 5" dom0 vbd-detach --wait=1 1 xvda
same "the keys say what is wanted" "$(xs read "$b/online" "$b/state" | paste -sd' ')" "0 5"
xs write "$b/state" 4
dom0 vbd-detach 1 xvda &
detaching=$!
xs_wait "$b/state" 5
xs write "$b/state" 6
ended "a late answer ends the wait" "$detaching"
dom0 vbd-attach 1 "$work/disk" xvda
check "--force needs no answer" dom0 vbd-detach 1 --wait=1 xvda --force
same "nothing of it is left" "$(xs ls -f / | grep vbd)" ""

# ---- A guest that libxl made: its private copy
xs write /libxl/1/type pvh
dom0 vbd-attach 1 "$work/disk" xvdb
b=$(be 1 xvdb)
same "the copy has the backend's keys" "$(keys /libxl/1/device/vbd/51728)" \
	"$({ keys "$b" | sed 's/(n0,r1)/(n0)/'; echo "backend = \"$b\"   (n0)"; } | sort)"
dom0 vbd-detach --force --wait=1 1 xvdb 2>/dev/null
same "which goes with the disk" "$(xs ls -f / | grep vbd)" ""

# ---- All keys in one transaction, in the store's own record
xensim run -- /usr/lib/xen-4.17/bin/xenstore-control logfile "$work/trace" >/dev/null
mkdir "$work/odd"
odd="$work/odd/a \\ b"
cp "$work/disk" "$odd"
dom0 vbd-attach 1 "$odd" xvda
xensim run -- /usr/lib/xen-4.17/bin/xenstore-control logfile /dev/null >/dev/null
same "two writes for the directories, one transaction for all keys" "$(awk '
	$1 == "IN" && $5 == "WRITE" { n++ }
	$1 == "IN" && $5 == "TRANSACTION_END" && n { print n; n = 0 }' "$work/trace" | paste -sd' ')" "2 33"
same "an odd name arrives as it is" "$(dom0 xenstore-read -R "$(be 1 xvda)/params" 2>/dev/null || xs read "$(be 1 xvda)/params")" "$odd"
dom0 vbd-detach --force --wait=1 1 xvda 2>/dev/null

# ---- Wrong arguments
wrong() { # WORDS ARGUMENT...
	local words=$1
	shift
	dom0 "$@" >/dev/null 2>"$work/err"
	same "$* : exit status" $? 2
	grep -qF -- "$words" "$work/err"
	result $? "$* : says '$words'" "$(cat "$work/err")"
}
wrong "2 arguments" vbd-attach 1 /x
wrong "DOMID is 'g1'" vbd-attach g1 /x xvda
wrong "DOMID is '01'" vbd-detach 01 xvda
wrong "--backend is '40000'" vbd-list --backend 40000
wrong "no disk name" vbd-attach 1 /x disk1
wrong "absolute path" vbd-attach 1 disk xvda
wrong "must be r, w or w!" vbd-attach --mode rw 1 /x xvda
wrong "takes a value" vbd-list 1 --backend
wrong "seconds from 1 to 3600" vbd-attach --wait=0 1 /x xvda
wrong "takes a value" vbd-attach --mode
wrong "unknown option --froce" vbd-detach --froce 1 xvda
wrong "absolute path of a program" vbd-attach --script /nonexistent 1 x xvda
refused "no such guest" "there is no guest 7" dom0 vbd-attach 7 "$work/disk" xvda
refused "no such image" "not a file or block device" dom0 vbd-attach 1 /nonexistent xvda
refused "no such backend" "no backend domain 5" dom0 vbd-attach --backend 5 1 "$work/disk" xvda
same "none of them left anything" "$(xs ls -f / | grep vbd)" ""
scenario_done
