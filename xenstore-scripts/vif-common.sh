# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # variables are those of the scripts that read this file
# What vif-attach and vif-detach share, on top of vbd-common.sh.

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
