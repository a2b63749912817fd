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
# Emulated, a program takes 25 ms to start: what runs often does with the shell itself.
now() { read -r now _ </proc/uptime; }
say() { now; echo "[$now] $*"; }
exec {never}<> <(:)
nap() { read -rt 0.1 -u "$never" || :; }

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
	local now end
	now
	end=$((${now%.*} + $1))
	shift
	until "$@"; do
		now
		[ "${now%.*}" -lt "$end" ] || { echo "no: $*"; return 1; }
		nap
	done
}

# ---- Guests ------------------------------------------------------------------------
declare -A domid_of=()
kernel_line="console=hvc0 quiet loglevel=4 mitigations=off audit=0 cryptomgr.notests rodata=off"

# guest NAME 'DISK' ... [<<JOB] - write the config of a guest that runs the job, if there is
# one, and then listens to guest_run: NAME.cfg.
# Variables: type (pv), kernel, memory (MB), vcpus, extra (for the kernel's command line),
# files (of dom0, to be put into the guest), vifs (network cards, as xl has them, in words).
guest() {
	local name=$1 dir disk disks='' vif cards=''
	shift
	dir=$(mktemp -d /run/job/guest.XXXXXX)
	cat >"$dir/job"
	[ -s "$dir/job" ] || rm "$dir/job"
	for f in ${files:-}; do guest_file "$dir" "$f"; done
	(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null) |
		cat /host/guest.cpio - >"/run/job/$name.cpio"
	rm -r "$dir"
	for disk; do disks+="${disks:+, }'$disk'"; done
	for vif in ${vifs:-}; do cards+="${cards:+, }'$vif'"; done
	cat >"$name.cfg" <<-END
		name = "$name"
		type = "${type:-pv}"
		kernel = "${kernel:-/boot/vmlinux}"
		ramdisk = "/run/job/$name.cpio"
		memory = ${memory:-192}
		vcpus = ${vcpus:-1}
		extra = "$kernel_line ${extra:-}"
		disk = [ $disks ]
		vif = [ $cards ]
	END
}

# guest_file DIR FILE - a file of dom0 and the libraries it needs, to DIR.
guest_file() {
	# shellcheck disable=SC2046 # names
	cp -L --parents "$2" $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*') "$1"
}

console() { cat "/var/log/xen/console/guest-$1.log" 2>/dev/null; }
# guest_said NAME TEXT - it wrote a line that begins with "GUEST: TEXT".
guest_said() { grep -qs "^GUEST: $2" "/var/log/xen/console/guest-$1.log"; }
guest_value() { console "$1" | sed -n "s/\r$//; s/^GUEST: $2 //p" | tail -n 1; }
# guest_done NAME SECONDS - its job ends, and ends well.
guest_done() {
	wait_for "$2" guest_said "$1" "job ended with" && guest_said "$1" "job ended with 0"
}

# guest_up NAME... - xl create of each; they run, and no frontend had to wait for its backend. One
# after the other: libxl gives a script 40 s, which several at once exceed on a busy machine.
guest_up() {
	local name
	for name; do try "xl create $name" xl_quick create "$name.cfg"; done
	for name; do
		try "guest $name runs" guest_listens "$name"
		try "its devices were there at once" frontend_quick "$name"
	done
}
# Linux's frontend lets nobody go on before each device is Connected. Its own patience ends
# after 5 s. What a program takes to start, 25 ms on an idle machine, is the guest's figure.
frontend_quick() {
	guest_value "$1" "disks .* after" | awk '{
		pace = $NF / 0.125 > 1 ? $NF / 0.125 : 1
		print "devices were Connected after " $1 " s, pace " pace
		exit !($1 < 20 * pace)
	}'
}
guest_listens() { wait_for "${2:-240}" guest_said "$1" listens && domid_of[$1]=$(xl domid "$1"); }

# guest_tty NAME - its console, in $tty. Who has a name changes with a reboot.
guest_tty() {
	{ read -r name && read -r tty; } < <(
		xenstore-read "/local/domain/${domid_of[$1]:-none}/"{name,console/tty} 2>/dev/null)
	[ "${name:-}" != "$1" ] || return 0
	domid_of[$1]=$(xl domid "$1") && tty=$(xenstore-read "/local/domain/${domid_of[$1]}/console/tty")
}
# guest_run NAME COMMAND - run it (up to 3000 characters) in the guest and print what it prints. Variable: within
# (seconds, 200).
guest_run() {
	local id=${EPOCHREALTIME/./} name='' tty=''
	guest_tty "$1" || return
	printf '%s %s\n' "$id" "$(base64 -w0 <<<"$2")" >"$tty"
	wait_for "${within:-200}" guest_said "$1" "end $id" || return
	# The kernel writes there, too.
	awk -v id="$id" '
		{ sub(/\r$/, "") }
		$0 == "GUEST: begin " id { on = 1; next }
		$1 " " $2 " " $3 == "GUEST: end " id { exit $4 }
		on && !/^\[ *[0-9]+\.[0-9]+\] /' "/var/log/xen/console/guest-$1.log"
}

# Commands for guest_run: a tree of files here; a hash of all their names and contents.
# shellcheck disable=SC2034,SC2016 # for jobs
tree='for d in 1 2 3 4 5 6; do
	mkdir -p d$d/sub || exit
	for f in 1 2 3 4 5; do head -c $((d * f * f * 997)) /dev/urandom >d$d/sub/f$f || exit; done
	ln d$d/sub/f1 d$d/link
done
sync'
# shellcheck disable=SC2034
tree_hash='find . -type f | sort | xargs sha256sum | sha256sum'
# has_disk DEV - wait in the guest until it is there.
has_disk() { echo "until [ -b /dev/$1 ]; do usleep 100000; done"; }

# start_io NAME DEV - the guest reads and writes its disk, 4 MB again and again, each time
# other data, and compares; stop_io NAME ends that and says whether all was right.
start_io() {
	guest_run "$1" "{
		n=0
		while [ ! -e /tmp/io.stop ]; do
			yes \$n | head -c 4194304 >/tmp/io.data
			dd if=/tmp/io.data of=/dev/$2 bs=64k conv=fsync 2>/dev/null &&
				echo 3 >/proc/sys/vm/drop_caches &&
				head -c 4194304 /dev/$2 | cmp - /tmp/io.data || break
			n=\$((n + 1))
			echo \$n >/tmp/io.rounds
		done
		[ -e /tmp/io.stop ]; echo \$? >/tmp/io.status
	} >/dev/console 2>&1 &
	until [ -e /tmp/io.rounds ]; do usleep 100000; done" 
}
stop_io() {
	guest_run "$1" 'touch /tmp/io.stop
		until [ -e /tmp/io.status ]; do usleep 100000; done
		echo "rounds of I/O: $(cat /tmp/io.rounds)"
		status=$(cat /tmp/io.status); rm /tmp/io.*; exit $status'
}

# ---- Networks ----------------------------------------------------------------------
# bridge NAME ADDRESS [MTU] - as an administrator has it for guests, with dom0 on it.
bridge() {
	ip link add "$1" mtu "${3:-1500}" type bridge stp_state 0 forward_delay 0 &&
		ip address add "$2/24" dev "$1" && ip link set "$1" up
}
card() { equal "$(cat "/sys/class/net/$1/$2")" "$3"; }

# start_stream NAME ADDRESS - the guest counts, through a TCP connection to dom0's ADDRESS, 50
# numbers a second; stream_goes_on NAME: more of them come. stop_stream NAME ends it and says
# whether all of them have come, in their order.
start_stream() {
	socat -u "TCP-LISTEN:7000,bind=$2,reuseaddr" "CREATE:$1.stream" &
	stream=$!
	guest_run "$1" "(n=0
		while [ ! -e /tmp/stream.stop ]; do
			echo \$n || break
			n=\$((n + 1))
			usleep 20000
		done | nc $2 7000; echo \$? >/tmp/stream.status) >/dev/console 2>&1 &" &&
		wait_for 20 test -s "$1.stream"
}
stream_goes_on() {
	local before
	before=$(wc -l <"$1.stream")
	wait_for "${2:-30}" eval '[ "$(wc -l <"'"$1"'.stream")" -gt '"$((before + 10))"' ]'
}
stop_stream() {
	guest_run "$1" 'touch /tmp/stream.stop
		until [ -e /tmp/stream.status ]; do usleep 100000; done; rm /tmp/stream.*' &&
		wait "$stream" && echo "$(wc -l <"$1.stream") numbers" &&
		cmp "$1.stream" <(seq 0 $(($(wc -l <"$1.stream") - 1)))
}

guest_gone() { ! xl domid "$1" >/dev/null 2>&1; }

# ---- pvbackd -----------------------------------------------------------------------
# start_pvbackd [OPTION...] - as a service manager does, with Type=notify.
start_pvbackd() {
	try "pvbackd is ready" pvbackd_up "$@"
	: "${held:=$(pvbackd_holds)}"
}
pvbackd_up() {
	local socat
	socat -u UNIX-RECV:/run/job/notify CREATE:/run/job/notified &
	socat=$!
	wait_for 20 test -S notify
	# Images are on tmpfs: those called b are served as such, all others as if on a disk.
	printf '%s\n' 'vbd.engine = io_uring' 'vbd.engine[/run/job/b] = auto' >/run/job/pvbackd.conf
	NOTIFY_SOCKET=/run/job/notify pvbackd --foreground --log-level debug --config /run/job/pvbackd.conf "$@" 2>>pvbackd.log &
	pvbackd=$!
	wait_for 30 ready || return
	kill $socat
	rm -f notify notified
}
ready() { [[ $(<notified) == *READY=1* ]]; } 2>/dev/null
stop_pvbackd() {
	kill "$pvbackd"
	wait "$pvbackd"
}
# What pvbackd has when there is no guest: open files, workers, TAPs; dom0's ends of event
# channels, and loop devices that the block script made for files.
pvbackd_holds() {
	echo "files $(find "/proc/$pvbackd/fd" -type l | wc -l)," \
		"workers $(pgrep -c pvbackd-worker)," \
		"event channels $(lsevtchn 0 | grep -c 'Interdomain')," \
		"loops $(losetup -ln | wc -l)," \
		"interfaces $(cd /sys/class/net && echo *)"
}
idle() { equal "$(pvbackd_holds)" "$held"; }

# nothing_left - when the last guest is gone. A domain whose pages are still mapped stays in
# the list as a zombie.
nothing_left() {
	try "no domain is left" wait_for 60 only_dom0
	try "pvbackd holds what it held before" wait_for 30 idle
	try "XenStore has nothing of guests" wait_for 5 no_directories
	try "xl never waited in vain" xl_never_waited
}
only_dom0() { equal "$(xl list | awk 'NR > 1 { print $1 }')" Domain-0; }
no_directories() {
	not grep -E '^(/local/domain/0/(backend|error|device)/|/libxl/[1-9]|/local/domain/[1-9])' \
		<(xenstore-ls -f)
}

# ---- xl ----------------------------------------------------------------------------
# xl_quick COMMAND... - xl with its whole log in xl.log; fails if xl fails or if one of the
# waits of libxl ran into its end.
xl_quick() {
	local rc log
	log=$(mktemp xl.XXXXXX)
	xl -T -vvv "$@" >"$log" 2>&1
	rc=$?
	[ $rc -eq 0 ] || tail -n 20 "$log"
	! waits "$log" || rc=1
	{ say "xl $*"; cat "$log"; } >>xl.log
	rm "$log"
	return $rc
}
# What libxl says when a backend did not answer in time, or a script failed.
waits() {
	grep -iE 'timed out|timeout|unable to (add|remove)|hotplug.*error' "$1" |
		grep -vE 'timeout (set|register|deregister|modify)|register.*timeout|_timeout_'
}
# The xl that stays to watch over a guest destroys it in the end, with a log of its own.
xl_never_waited() {
	local log
	for log in /var/log/xen/xl-*.log; do
		[ ! -e "$log" ] || not waits "$log" || return
	done
}

devid() { echo $((202 << 8 | ($(printf %d "'${1#xvd}") - 97) << 4)); }
# state_of NAME DEV - of backend and frontend
state_of() {
	local id
	id=$(xl domid "$1")
	xenstore-read "/local/domain/0/backend/vbd/$id/$(devid "$2")/state" \
		"/local/domain/$id/device/vbd/$(devid "$2")/state" | xargs
}
# states DEV - those that the backend went through, by pvbackd's log; after some 15 within ten
# seconds it says no more
states() { sed -n "s/.* vbd-$(devid "$1"): [A-Z][A-Za-z]* -> //p" pvbackd.log | xargs; }

# pace - how many times longer than on an idle machine it takes to start programs just now,
# at least 1. Scripts and xl do little else.
pace() {
	local from=${EPOCHREALTIME/./} _
	for _ in {1..10}; do /bin/true; done
	awk -v us=$((${EPOCHREALTIME/./} - from)) 'BEGIN { p = us / 250000; print (p > 1 ? p : 1) }'
}

# took SECONDS COMMAND... - it succeeds, in less time, as far as the machine is idle: the pace
# is looked at before, all the while, and behind. What is to be found are xl's own waits for a
# backend that does not answer, 10 s and more; attaching takes 3 s at pace 1.5.
took() {
	local most=$1 from now looker rc
	shift
	pace >paces
	while :; do
		nap
		pace >>paces
	done &
	looker=$!
	now
	from=$now
	"$@"
	rc=$?
	now
	kill "$looker"
	wait "$looker" 2>/dev/null
	pace >>paces
	[ "$rc" -eq 0 ] || return "$rc"
	awk -v a="$from" -v b="$now" -v m="$most" -v w="$*" '
		{ p += $1 }
		END {
			p /= NR
			t = b - a
			printf "%.1f s, at pace %.1f: %s\n", t, p, w
			exit !(t < m * p)
		}' paces
}

# disk FILE MEGABYTES - an empty image on the tmpfs.
disk() { truncate -s "$2M" "/run/job/$1"; }
# quick FILE DEV [ro] - that image, for xl, with a script that does no more than it must. The
# stock one takes seconds for each disk: `disks`, `hotplug` and others have it.
quick() { echo "format=raw,vdev=$2,access=${3:-rw},script=/host/block-quick,target=/run/job/$1"; }
# fio_disk FILE - a disk with fio and its libraries, which are too much for a guest's memory; in
# the guest, mounted on /tools, $fio is the command.
fio_disk() {
	mkdir tools && guest_file tools /usr/bin/fio && mke2fs -q -t ext4 -O ^has_journal -d tools "$1" 160M &&
		rm -r tools
}
fio=LD_LIBRARY_PATH=
for d in lib usr/lib; do fio+=/tools/$d/x86_64-linux-gnu:/tools/$d/x86_64-linux-gnu/ceph:; done
# shellcheck disable=SC2034
fio+=' /tools/usr/bin/fio'
# block_device FILE - a loop device on it; prints its name.
block_device() { losetup --find --show --direct-io=off "/run/job/$1"; }
hash_of() { sha256sum <"$1" | cut -c1-64; }
