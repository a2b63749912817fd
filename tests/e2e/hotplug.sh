#!/bin/bash
# SPDX-License-Identifier: MIT
# With a hotplug script the backend offers the disk, waits for the script's word, and goes
# by it.
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
image disk 4M
mkfifo "$work/go"
cat >"$work/script" <<'END'
#!/bin/sh
# Stands in for a block script; it waits to be told how to end.
dir=$(dirname "$script")
env | grep -E '^(script|XENBUS_)' | sort >"$dir/env-$1"
[ "$1" = add ] || exit 0
path=/local/domain/0/$XENBUS_PATH
xenstore-write "$path/physical-device" fe:fffff
read -r word <"$dir/go"
if [ "$word" = connected ]; then
	xenstore-write "$path/physical-device-path" "$dir/disk" "$path/hotplug-status" connected
else
	xenstore-write "$path/hotplug-error" "no such thing" "$path/hotplug-status" error
	exit 1
fi
END
chmod +x "$work/script"

dom0 vbd-attach --script "$work/script" 1 "made:up" xvda 2>"$work/err" &
attaching=$!
check "the backend offers the disk" be_state 1 xvda 2
in_guest 1 pvblk read xvda >"$work/out" &
reader=$!
check "a frontend is ready" xs_wait "$(fe 1 xvda)/state" 3
check "the script has written a number, for which there is no device" \
	xs_wait "$(be 1 xvda)/physical-device" fe:fffff
# What XenStore tells pvbackd it tells in order.
check "pvbackd has seen that" attach 1 disk xvdb --mode r
same "the backend still waits for the script" "$(xs read "$(be 1 xvda)/state")" 2
echo connected >"$work/go"
ended "the script ends" "$attaching"
ended "then the frontend is connected" "$reader"
check "and reads what the script named" cmp "$work/out" "$work/disk"
same "the script's environment is libxl's" "$(cat "$work/env-add")" "\
XENBUS_BASE_PATH=backend
XENBUS_PATH=backend/vbd/1/51712
XENBUS_TYPE=vbd
script=$work/script"
check "vbd-detach" detach 1 xvda
same "runs it as well" "$(ls "$work/env-remove")" "$work/env-remove"

dom0 vbd-attach --script "$work/script" 1 "made:up" xvda 2>"$work/err" &
attaching=$!
echo error >"$work/go"
wait "$attaching"
same "vbd-attach fails when the script does" $? 1
check "and says what the script said" grep -q "no such thing" "$work/err"
detach 1 xvda
scenario_done
