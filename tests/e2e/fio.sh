#!/bin/bash
# SPDX-License-Identifier: MIT
# fio, through NBD, mixes reads and writes of 4 to 256 KiB, 16 at a time, and verifies every
# block by its checksum, FIO_TIME seconds long: over one queue, then over four that are large,
# with several connections. Then it trims.
# timeout: 240
. "$(dirname "$0")/lib.sh"

host_up
echo "vbd.max-queues = 4" >"$work/pvbackd.conf"
pvbackd_start
guest_up 1
truncate -s 256M "$work/disk"
attach 1 disk xvda

# fio_run NAME JOBS PARAMETERS OPTION... - the plugin with these parameters, fio with these
# options; each job has its own part of the disk
fio_run() {
	check "$1: fio" in_guest 1 nbdkit -U "$work/$1.nbd" "$plugin" dev=xvda $3 --run "cd $work && \
		fio --name=$1 --ioengine=nbd --uri='nbd+unix:///?socket=$work/$1.nbd' --iodepth=16 \
		--numjobs=$2 --size=$((256 / $2))M --offset_increment=$((256 / $2))M --group_reporting \
		--output-format=json --output=$work/$1.json ${*:4}"
	same "$1: no error" "$(jq '.jobs[0].error' "$work/$1.json")" 0
	note "$1: $(jq -r '.jobs[0] | "\(.read.total_ios) reads, \(.write.total_ios) writes, \(.trim.total_ios) trims"' "$work/$1.json")"
}

# fio looks at what it wrote while it goes on, so that no block is written again by a later
# pass before it was read.
verify="--rw=randrw --bsrange=4k-256k --time_based --runtime=$((${FIO_TIME:-60} / 2)) --verify=crc32c \
	--verify_fatal=1 --verify_backlog=64"
fio_run one 1 "" $verify
check "one: it read and wrote" jq -e '.jobs[0] | .read.total_ios > 0 and .write.total_ios > 0' "$work/one.json"
fio_run four 4 "queues=4 ring-order=2 segments=64" $verify
check "four: it read and wrote" jq -e '.jobs[0] | .read.total_ios > 0 and .write.total_ios > 0' "$work/four.json"

blocks() { stat -c %b "$work/disk"; }
before=$(blocks)
fio_run trim 4 "queues=4" --rw=trim --bs=64k
check "trim: every block" jq -e '.jobs[0].trim.total_ios == 4096' "$work/trim.json"
note "$before blocks before, $(blocks) after"
check "trim: the image is empty" test "$before" -gt 0 -a "$(blocks)" -eq 0
scenario_done
