# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What jobs are written with. A job is a bash script that runs in dom0, in /run/job (a
# tmpfs, empty at its start); $OUT is its directory on the host.
#
#   try "what must hold" COMMAND...     one test: a command that must succeed
#   wait_for SECONDS COMMAND...         until it succeeds; fails at the end of the time
#
# The first test that fails ends the job: what comes after would only repeat it.
set -u
OUT=${OUT:-/run} tests=0

uptime() { cut -d' ' -f1 /proc/uptime; }
say() { echo "[$(uptime)] $*"; }

try() {
	local what=$1 rc
	shift
	tests=$((tests + 1))
	say "try: $*"
	"$@"
	rc=$?
	if [ "$rc" -eq 0 ]; then
		say "ok $tests - $what"
		echo "ok $tests - $what" >>/out/events
	else
		say "not ok $tests - $what (exit $rc)"
		echo "not ok $tests - $what" >>/out/events
		exit 1
	fi
}
skip() { echo "$*"; echo "skip $*" >>/out/events; exit 77; }
not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

wait_for() {
	local end=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ] || { echo "no: $*"; return 1; }
		sleep 0.2
	done
}

# ---- Guests ------------------------------------------------------------------------
# guest NAME 'DISK' ... <<JOB - write the config of a guest that runs the job, NAME.cfg.
# Variables: type (pv), kernel, memory (MB), files (of dom0, to be put into the guest).
guest() {
	local name=$1 dir disk disks=
	shift
	dir=$(mktemp -d /run/job/guest.XXXXXX)
	cat >"$dir/job"
	for f in ${files:-}; do guest_file "$dir" "$f"; done
	(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null) |
		cat /host/guest.cpio - >"/run/job/$name.cpio"
	rm -r "$dir"
	for disk; do disks+="${disks:+, }'$disk'"; done
	cat >"$name.cfg" <<-END
		name = "$name"
		type = "${type:-pv}"
		kernel = "${kernel:-/boot/vmlinux}"
		ramdisk = "/run/job/$name.cpio"
		memory = ${memory:-192}
		vcpus = 1
		extra = "console=hvc0 quiet loglevel=5 mitigations=off audit=0"
		disk = [ $disks ]
	END
}

# guest_file DIR FILE - a file of dom0 and the libraries it needs, to DIR.
guest_file() {
	local f
	for f in "$2" $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$1${f%/*}"
		cp -L "$f" "$1$f"
	done
}

console() { cat "/var/log/xen/console/guest-$1.log" 2>/dev/null; }
# guest_said NAME TEXT - it wrote the line "GUEST: TEXT".
guest_said() { console "$1" | tr -d '\r' | grep -q "^GUEST: $2"; }
guest_value() { console "$1" | tr -d '\r' | sed -n "s/^GUEST: $2 //p" | tail -n 1; }
# guest_done NAME SECONDS - its job ends, and ends well.
guest_done() {
	wait_for "$2" guest_said "$1" "job ended with" && guest_said "$1" "job ended with 0"
}
guest_gone() { ! xl domid "$1" >/dev/null 2>&1; }
guest_dying() { xl list | awk 'NR > 1 && $5 ~ /d/ { f = 1 } END { exit !f }'; }

# xl_quick COMMAND... - xl with its whole log in $OUT/xl.log; fails if xl fails or if one
# of the waits of libxl ran into its end.
xl_quick() {
	local log rc
	log=$(mktemp) && say "xl $*" >>"$OUT/xl.log"
	xl -T -vvv "$@" >"$log" 2>&1
	rc=$?
	cat "$log" >>"$OUT/xl.log"
	[ $rc -eq 0 ] || { tail -n 20 "$log"; return $rc; }
	! grep -iE 'timed out|timeout|unable to (add|remove)|hotplug.*error' "$log" |
		grep -vE 'timeout (set|register|deregister|modify)|register.*timeout|_timeout_'
}

# took SECONDS COMMAND... - it succeeds, in less time.
took() {
	local most=$1 from
	shift
	from=$(uptime)
	"$@" || return
	awk -v a="$from" -v b="$(uptime)" -v m="$most" -v w="$*" \
		'BEGIN { printf "%.1f s: %s\n", b - a, w; exit !(b - a < m) }'
}

# disk FILE MEGABYTES - an empty image on the tmpfs.
disk() { truncate -s "$2M" "/run/job/$1"; }
# block_device FILE - a loop device on it; prints its name.
block_device() { losetup --find --show --direct-io=off "/run/job/$1"; }
hash_of() { sha256sum <"$1" | cut -c1-64; }
