# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What a test of xensim needs: a simulated host of its own, and its end.
#
# A test reads this file, calls host_up, says what it checks through tests/tap.sh, and ends
# with done_testing. It waits for conditions, each wait has an end.

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
build=${BUILD:-$top/build}
. "$top/tests/tap.sh"
xen_bin=$(dirname /usr/lib/xen*/bin/xenstored)
export PATH=$build/xensim:$xen_bin:$PATH:/usr/sbin:/sbin

work=$(mktemp -d "${TMPDIR:-/tmp}/xs.XXXXXX")
export XENSIM_DIR=$work/h
trap test_end EXIT
trap 'exit 1' HUP INT TERM

test_end() {
	local rc=$?
	trap - EXIT
	mapfile -t jobs < <(jobs -p)
	[ ${#jobs[@]} -eq 0 ] || kill "${jobs[@]}" 2>/dev/null
	[ ! -e "$XENSIM_DIR" ] || xensim down
	rm -rf "$work"
	exit "$rc"
}

host_up() { xensim up "$@" || { echo "Bail out! xensim up failed"; exit 1; }; }
# In the background write `xensim run` itself, to have its process number and not a shell's.
dom0() { xensim run -- "$@"; }
in_guest() { xensim run --domid "$1" -- "${@:2}"; }

# guest_up DOMID [PROGRAM...] - a guest that runs PROGRAM, or lives until the end
guest_up() {
	# Its output goes to a file: it would keep a pipe open.
	if [ $# -gt 1 ]; then
		xensim guest "$1" --detach -- "${@:2}"
	else
		xensim guest "$1" --keep --detach -- true
	fi >"$work/guest-$1" 2>&1 || { cat "$work/guest-$1"; return 1; }
}

# until_true SECONDS COMMAND... - for what no watch tells: look again until it is so
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# status FILTER - of the host, by jq
status() { xensim status --json | jq -er "$1"; }

# kernel_of DOMID - the process that is the guest's kernel
kernel_of() { status ".domains[] | select(.domid == $1).keeper"; }
# daemon PROGRAM - its process in dom0
daemon() { status "[.domains[0].handles[] | select(.program == \"$1\") | .pid][0]"; }

# clean - no leak, now or when the dead are reaped
clean() { until_true 10 xensim status --leaks || { xensim status --leaks; return 1; }; }

# xensim_refuses WHAT WORDS COMMAND... - xensim itself fails, and says WORDS
xensim_refuses() {
	local what=$1 words=$2 out rc
	shift 2
	out=$("$@" 2>&1)
	rc=$?
	[[ $rc = 2 || $rc = 125 ]] && grep -qF -- "$words" <<<"$out"
	result $? "$what" "$(printf '%s\nexit %s, wanted a failure that says "%s"' "$out" "$rc" "$words")"
}

# ours - processes that have this host in their environment, but for this shell
ours() {
	local pid
	for pid in $(grep -lsz "^XENSIM_DIR=$XENSIM_DIR$" /proc/[0-9]*/environ | tr -dc '0-9\n'); do
		[ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || ! kill -0 "$pid" 2>/dev/null || echo "$pid"
	done
}
none_left() { [ -z "$(ours)" ]; }
