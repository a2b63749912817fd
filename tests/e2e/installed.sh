#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install` has put somewhere works from there: pvbackd finds its worker, the
# scripts find each other.
. "$(dirname "$0")/lib.sh"

root=$work/root/usr
check "make install" make -s -C "$top" "O=$(realpath --relative-to="$top" "$build")" \
	DESTDIR="$work/root" PREFIX=/usr install
export PATH=$root/sbin:$root/bin:$PATH
plugin=$root/lib/nbdkit/plugins/nbdkit-pvblk-plugin.so

host_up
pvbackd_start
guest_up 1
image disk 4M
check "vbd-attach" attach 1 disk xvda
hold 1 xvda
same "the installed pvbackd" "$(readlink "/proc/$pvbackd_pid/exe")" "$root/sbin/pvbackd"
same "runs the installed worker" "$(readlink "/proc/$(worker 1)/exe")" "$root/libexec/pvbackd/pvbackd-worker"
kill -TERM "${held[0]}"
wait "${held[0]}"
same "pvblk reads" "$(in_guest 1 pvblk read xvda | sha)" "$(sha "$work/disk")"
check "the plugin reads" in_guest 1 nbdkit -U - "$plugin" dev=xvda --run "nbdcopy \"\$uri\" $work/out"
check "the same" cmp "$work/out" "$work/disk"
check "vbd-detach" detach 1 xvda
scenario_done
