#!/bin/bash
# SPDX-License-Identifier: MIT
# A block script puts a loop device over the image, as the stock one does: the file is
# opened instead, when it is the same, and the device is held until the disk is closed.
. "$(dirname "$0")/lib.sh"

truncate -s 1M "$work/try"
if ! loop=$(losetup -f --show "$work/try" 2>/dev/null); then
	echo "1..0 # SKIP no loop device can be had here"
	exit 0
fi
losetup -d "$loop"

host_up
pvbackd_start
guest_up 1
image disk 4M
image part 4M
image big 4M
cat >"$work/block" <<'END'
#!/bin/sh
# What /etc/xen/scripts/block does for a file; OPTIONS beside it has more for losetup.
set -e
path=/local/domain/0/$XENBUS_PATH
case $1 in
add)
	dev=$(losetup $(cat "$(dirname "$0")/options") -f --show "$(xenstore-read "$path/params")")
	xenstore-write "$path/node" "$dev" \
		"$path/physical-device" "$(stat -c %t:%T "$dev")" \
		"$path/physical-device-path" "$dev" "$path/hotplug-status" connected
	;;
remove) losetup -d "$(xenstore-read "$path/node")" ;;
esac
END
chmod +x "$work/block"
: >"$work/options"
by_script() { dom0 vbd-attach --wait --script "$work/block" 1 "$work/$1" xvda; }
loops() { losetup -j "$work/$1" | wc -l; }

check "attached" by_script disk
before=$(sha "$work/disk")
same "the guest reads the image" "$(in_guest 1 pvblk read xvda | sha)" "$before"
check "the log says what is open" logged "the file behind the loop device is opened: $work/disk"
load file 1 xvda
check "the guest writes to the file" changes disk
same "the loop device is held" "$(loops disk)" 1
truncate -s 5M "$work/disk"
check "the file grows, the loop device does not" xs_wait "$(be 1 xvda)/sectors" 10240
attach 1 disk xvdb
says() { error_of 1 xvdb | grep -q "$1"; }
check "the file is in use, by whatever name" until_true $patience says "has open for writing"
check "who waits for it can go" detach 1 xvdb
load_right file "its data is right"
check "what it writes it reads" pattern 1 xvda --seed 3
same "who connects again has all of the file" "$(xs read "$(be 1 xvda)/sectors")" 10240
after=$(sha "$work/disk")
check "detached" detach 1 xvda
same "and the loop device is gone" "$(loops disk)" 0
same "the image is as the guest left it" "$(sha "$work/disk")" "$after"

echo "-o 1M" >"$work/options"
check "a part of a file" by_script part
same "the guest reads that part" "$(in_guest 1 pvblk read xvda | sha)" "$(tail -c 3M "$work/part" | sha)"
check "through the loop device" logged "served, not its file: it begins within its file"
check "detached again" detach 1 xvda

echo "-b 4096" >"$work/options"
check "a device with sectors of 4096 bytes" by_script big
same "the guest reads it" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/big")"
same "in such sectors" "$(xs read "$(be 1 xvda)/sector-size")" 4096
same "sectors counts 512 bytes all the same" "$(xs read "$(be 1 xvda)/sectors")" 8192
load big 1 xvda
check "and writes" changes big
load_right big "its data is right (4096)"
check "detached from it" detach 1 xvda

echo "vbd.loop-bypass = off" >"$work/pvbackd.conf"
kill -HUP "$pvbackd_pid"
check "settings are read again" wait_log "settings read again"
: >"$work/options"
by_script disk
same "the guest reads the loop device" "$(in_guest 1 pvblk read xvda | sha)" "$after"
refused "nobody has the file open" "" open_by_someone "$work/disk"
check "detached from that" detach 1 xvda
echo "-b 4096" >"$work/options"
check "with sectors of 4096 bytes" by_script big
same "the guest reads that" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/big")"
same "in such sectors, too" "$(xs read "$(be 1 xvda)/sector-size")" 4096
load big 1 xvda
load_right big "all data is right (4096, not bypassed)"
check "detached at last" detach 1 xvda
scenario_done
