# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # variables are for the scripts that read this file
# What vbd-attach, vbd-detach and vbd-list share. XenStore is reached through the
# xenstore-* tools only. Nothing that the guest can write is used to build a path.

# Letters are a to z, numbers have no separators.
LC_ALL=C
export LC_ALL
prog=${0##*/}

# Seconds libxl gives a backend to answer.
default_wait=10

die() {
	echo "$prog: $*" >&2
	exit 1
}

usage_error() {
	echo "$prog: $* (try $prog --help)" >&2
	exit 2
}

is_number() {
	case $1 in
	'' | *[!0-9]* | 0?* | ???????????*) return 1 ;;
	esac
}

# need_domid WHAT VALUE
need_domid() {
	if ! is_number "$2" || [ "$2" -ge 32752 ]; then
		usage_error "$1 is '$2', it must be a domain number from 0 to 32751"
	fi
}

# need_seconds OPTION=VALUE - print VALUE, which must be a time to wait
need_seconds() {
	set -- "${1%%=*}" "${1#*=}"
	if ! is_number "$2" || [ "$2" -lt 1 ] || [ "$2" -gt 3600 ]; then
		usage_error "$1 takes seconds from 1 to 3600, not '$2'"
	fi
	echo "$2"
}

need_tools() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$tool is not in PATH: install xenstore-utils"
	done
}

# letters_number abc - a=0, z=25, aa=26, as disks are counted
letters_number() {
	rest=$1
	n=0
	while [ -n "$rest" ]; do
		tail=${rest#?}
		letter=${rest%"$tail"}
		n=$((n * 26 + $(printf '%d' "'$letter") - 96))
		rest=$tail
	done
	echo $((n - 1))
}

# vdev_number NAME - device number of xvdNAME, hdNAME, sdNAME or dNpM, as libxl has it: the
# old Linux numbers where there are some, else the extended scheme of bit 28.
vdev_number() {
	case $1 in
	xvd[a-z]* | sd[a-z]* | hd[a-z]*)
		bus=${1%%d[a-z]*}d
		disk=${1#"$bus"}
		part=${disk##*[a-z]}
		disk=${disk%"$part"}
		;;
	d[0-9]*p[0-9]*)
		bus=d
		disk=${1#d}
		part=${disk#*p}
		disk=${disk%%p*}
		;;
	*)
		is_number "$1" && [ "$1" -lt 2147483648 ] && echo "$1"
		return
		;;
	esac
	if [ "$bus" != d ]; then
		case $disk in
		*[!a-z]* | ?????*) return 1 ;;
		esac
		disk=$(letters_number "$disk")
	fi
	part=${part:-0}
	is_number "$disk" && is_number "$part" && [ "$disk" -lt 1048576 ] || return 1
	case $bus in
	hd) major=$((disk < 2 ? 3 : 22)) bits=6 disks=4 ;;
	sd) major=8 bits=4 disks=16 ;;
	*) major=202 bits=4 disks=16 ;;
	esac
	if [ "$disk" -lt "$disks" ] && [ "$part" -lt $((1 << bits)) ]; then
		[ "$bus" != hd ] || disk=$((disk % 2))
		echo $((major << 8 | disk << bits | part))
	elif [ "$bus" != hd ] && [ "$bus" != sd ] && [ "$part" -lt 256 ]; then
		echo $((1 << 28 | disk << 8 | part))
	else
		return 1
	fi
}

need_vdev() {
	vdev_number "$1" || usage_error "'$1' is no disk name: give xvda, xvdb1, ..., or a device number"
}

# device_paths vbd|vif GUEST BACKEND DEVID - where the device is in XenStore: $fe, $be, $copy,
# and where its backend says what is wrong: $error
device_paths() {
	fe=/local/domain/$2/device/$1/$4
	be=/local/domain/$3/backend/$1/$2/$4
	copy=/libxl/$2/device/$1/$4
	error=/local/domain/$3/error/backend/$1/$2/$4
}

xs_get() {
	xenstore-read "$1" 2>/dev/null
}

xs_has() {
	xenstore-exists "$1" 2>/dev/null
}

# wait_for SECONDS PATH COMMAND... - until COMMAND is true, looking at each change of PATH
#
# COMMAND returns 0: it is; 1: not yet; more: it will not be. The process that watches says
# its number first, so that it is itself told when the wait is over: told of it, `timeout`
# may end and leave behind what it has just started.
wait_for() {
	secs=$1 path=$2
	shift 2
	(
		# A shell says "Terminated" when it is so.
		exec 3>&2 2>/dev/null
		timeout "$secs" sh -c 'echo $$; exec xenstore-watch "$1" 2>&3 3>&-' sh "$path"
		:
	) | {
		read -r pid
		while read -r _; do
			rc=0
			"$@" || rc=$?
			[ "$rc" -ne 1 ] || continue
			kill "$pid" 2>/dev/null || :
			exit "$rc"
		done
		exit 1
	}
}

# run_hotplug add|remove SCRIPT - as libxl runs it for a disk
run_hotplug() {
	env script="$2" XENBUS_TYPE=vbd XENBUS_PATH="${be#/local/domain/*/}" \
		XENBUS_BASE_PATH=backend "$2" "$1" </dev/null >&2
}
