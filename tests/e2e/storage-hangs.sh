#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that does not answer, a FUSE file whose server is stopped, holds up its own disk
# and nothing else: neither when it is opened nor when it is read, nor a pvbackd that
# comes after one that was killed.
. "$(dirname "$0")/lib.sh"

host_up
image disk 4M
image other 4M
image third 1M
if ! fuse_up slow disk; then
	echo "1..0 # SKIP nbdfuse cannot mount here: $(tail -n 1 "$work/fuse.log")"
	exit 0
fi
pvbackd_start
guest_up 1 2
# A script that leaves the image to params; vbd-attach itself does not look at it then.
cat >"$work/script" <<'END'
#!/bin/sh
[ "$1" = remove ] || xenstore-write "/local/domain/0/$XENBUS_PATH/hotplug-status" connected
END
chmod +x "$work/script"
closed() { ! open_by_someone "$1"; }
stop() { halt "$fuse_server"; }
go_on() { kill -CONT "$fuse_server"; }
attach_slow() { dom0 vbd-attach --wait --script "$work/script" 1 "$work/slow" xvda; }

stop
check "the disk is offered" attach_slow
in_guest 1 pvblk read xvda >"$work/out" &
reader=$!
check "a frontend is ready" xs_wait "$(fe 1 xvda)/state" 3
check "another guest's disk works" disk_works 2 third xvda
check "another disk of this guest works" disk_works 1 other xvdb
check "the log says what it waits for" wait_log "its storage has not answered" 20
same "and so does its error node" "$(error_of 1 xvda | grep -o 'storage has not answered')" \
	"storage has not answered"
same "it is still offered" "$(xs read "$(be 1 xvda)/state")" 2
go_on
ended "it goes on when storage answers" "$reader"
check "with the right data" cmp "$work/out" "$work/disk"
same "the error is gone" "$(error_of 1 xvda)" ""

attach 1 other xvdb
load slow 1 xvda
witness other 1 xvdb
stop
check "while requests hang, another disk of the guest is served on" changes other
check "and another guest's disk works" disk_works 2 third xvda
go_on
check "the disk goes on" changes disk
load_right slow "no request has failed, all data is right"
load_right other "nor on the other"

# What was begun for a disk that is gone ends when storage answers.
check "detached" detach 1 xvda
stop
check "offered again" attach_slow
check "and detached while it is being opened" detach 1 xvda
check "other disks work all the same" disk_works 2 third xvda
go_on
check "nothing holds the file then" until_true $patience closed "$work/slow"

# A guest that comes and goes finds an end to what it can begin.
stop
check "offered once more" attach_slow
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	xs write "$(fe 1 xvda)/state" 5
	be_state 1 xvda 5
	xs write "$(fe 1 xvda)/state" 6
	be_state 1 xvda 6
	xs write "$(fe 1 xvda)/state" 1
	be_state 1 xvda 2 || break
done
says() { error_of 1 xvda | grep -q "$1"; }
check "$i times closed, and the ninth opening waits" until_true $patience says "have not ended: waits for one of them"
threads=$(awk '/^Threads/ { print $2 }' "/proc/$pvbackd_pid/status")
result $((threads > 20)) "pvbackd has $threads threads"
go_on
check "it is opened when they have ended" test "$(in_guest 1 pvblk read xvda | sha)" = "$(sha "$work/disk")"
check "detached at last" detach 1 xvda

# What hangs in the kernel cannot be ended: a pvbackd that is killed stays for as long, with
# all that it has open. The next one does not wait for it.
witness other 1 xvdb
server=$(pgrep -P "$fuse_server")
in_kernel() { grep -qs '^State:.*D (disk' /proc/"$1"/task/*/status; }
remains() { grep -qs '^State:.*Z (zombie' "/proc/$1/status" && in_kernel "$1"; }
halt "$server"
check "offered, its storage takes requests and answers none" attach_slow
check "the opening is in the kernel" until_true $patience in_kernel "$pvbackd_pid"
refused "a second pvbackd is refused" "process $pvbackd_pid holds" \
	xensim run -- pvbackd --foreground --run-dir "$work/run"
killed=$pvbackd_pid
kill -9 "$killed"
check "pvbackd is killed, and remains" until_true $patience remains "$killed"
pvbackd_start
check "the next one has started; it remains" remains "$killed"
check "I/O of the disk that was there goes on" changes other
check "another guest's disk works" disk_works 2 third xvda
refused "a third pvbackd is refused, by the second" "process $pvbackd_pid holds" \
	xensim run -- pvbackd --foreground --run-dir "$work/run"
kill -CONT "$server"
wait "$killed" 2>/dev/null
check "when storage answers the disk works" test "$(in_guest 1 pvblk read xvda | sha)" = "$(sha "$work/disk")"
refused "that the first has ended changes nothing" "process $pvbackd_pid holds" \
	xensim run -- pvbackd --foreground --run-dir "$work/run"
load_right other "the data was right throughout"
check "detached, after that" detach 1 xvda
pvbackd_stop
fuse_down
scenario_done
