#!/bin/bash
# SPDX-License-Identifier: MIT
# fio, through NBD, mixes reads and writes of 4 to 256 KiB, 16 at a time, and verifies every
# block by its checksum; FIO_TIME is its time in seconds.
# timeout: 240
. "$(dirname "$0")/lib.sh"

host_up
pvbackd_start
guest_up 1
truncate -s 256M "$work/disk"
attach 1 disk xvda
check "fio" in_guest 1 nbdkit -U "$work/nbd" "$plugin" dev=xvda --run "cd $work && fio --name=e2e \
	--ioengine=nbd --uri='nbd+unix:///?socket=$work/nbd' --rw=randrw --bsrange=4k-256k --iodepth=16 \
	--size=256M --time_based --runtime=${FIO_TIME:-60} --verify=crc32c --verify_fatal=1 \
	--output-format=json --output=$work/fio.json"
same "no error" "$(jq '.jobs[0].error' "$work/fio.json")" 0
check "it read and wrote" jq -e '.jobs[0] | .read.total_ios > 0 and .write.total_ios > 0' "$work/fio.json"
note "$(jq -r '.jobs[0] | "\(.read.total_ios) reads, \(.write.total_ios) writes"' "$work/fio.json")"
scenario_done
