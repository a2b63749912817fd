# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # variables are for the scripts that read this file, and theirs
# What vif-attach and vif-detach share, on top of vbd-common.sh.

# vif_paths GUEST BACKEND DEVID - where the card is in XenStore: $fe, $be, $copy, and where
# its backend says what is wrong: $error
vif_paths() {
	fe=/local/domain/$1/device/vif/$3
	be=/local/domain/$2/backend/vif/$1/$3
	copy=/libxl/$1/device/vif/$3
	error=/local/domain/$2/error/backend/vif/$1/$3
}

need_devid() {
	if ! is_number "$2" || [ "$2" -ge 65536 ]; then
		usage_error "$1 is '$2', it must be a card's number, from 0 on"
	fi
}

# run_vif_hotplug online|offline SCRIPT GUEST DEVID - as libxl runs it for a network card
run_vif_hotplug() {
	env script="$2" XENBUS_TYPE=vif XENBUS_PATH="${be#/local/domain/*/}" \
		XENBUS_BASE_PATH=backend netdev= vif="vif$3.$4" "$2" "$1" type_if=vif </dev/null >&2
}
