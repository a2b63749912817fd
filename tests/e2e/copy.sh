#!/bin/bash
# SPDX-License-Identifier: MIT
# An image with a file system goes out through the PV disk and back in by nbdcopy, and is
# the same to the byte; COPY_SIZE is its size.
# timeout: 600
. "$(dirname "$0")/lib.sh"

size=${COPY_SIZE:-1G}
host_up
pvbackd_start
guest_up 1
mkdir "$work/files"
image files/random $(($(numfmt --from=iec "$size") / 4))
cp -r "$top/common" "$work/files"
truncate -s "$size" "$work/disk" "$work/back"
check "mkfs.ext4" mkfs.ext4 -q -d "$work/files" "$work/disk"
before=$(sha "$work/disk")
attach 1 disk xvda
attach 1 back xvdb

check "out, by nbdcopy" in_guest 1 nbdkit -U - "$plugin" dev=xvda --run "nbdcopy \"\$uri\" $work/out"
same "to the byte" "$(sha "$work/out")" "$before"
check "e2fsck of the copy" e2fsck -fn "$work/out"
check "in, by nbdcopy" in_guest 1 nbdkit -U - "$plugin" dev=xvdb --run "nbdcopy --flush $work/out \"\$uri\""
same "to the byte" "$(sha "$work/back")" "$before"
check "e2fsck of the image" e2fsck -fn "$work/back"
check "qemu-img finds the two disks' content equal" in_guest 1 nbdkit -U - "$plugin" dev=xvdb \
	--run "qemu-img compare -f raw -F raw \"\$uri\" $work/disk"
same "the source is untouched" "$(sha "$work/disk")" "$before"
scenario_done
