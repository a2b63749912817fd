# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# TAP for shell tests: one line for each thing that is checked.

tap_n=0
tap_failed=0

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# result STATUS WHAT [DETAIL] - 0 is a pass
result() {
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		echo "not ok $tap_n - $2"
		tap_failed=$((tap_failed + 1))
		[ -z "${3:-}" ] || note "$3" | tail -n 40
	fi
}

# check WHAT COMMAND... - COMMAND succeeds
check() {
	local what=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	result "$rc" "$what" "$(printf '%s\nexit %s: %s' "$out" "$rc" "$*")"
	return "$rc"
}

# refused WHAT WORDS COMMAND... - COMMAND fails and says WORDS
refused() {
	local what=$1 words=$2 out rc
	shift 2
	out=$("$@" 2>&1)
	rc=$?
	[ "$rc" -ne 0 ] && [ "$rc" -lt 124 ] && grep -qF -- "$words" <<<"$out"
	result $? "$what" "$(printf '%s\nexit %s, wanted a failure that says "%s"' "$out" "$rc" "$words")"
}

# same WHAT GOT WANT
same() {
	[ "$2" = "$3" ]
	result $? "$1" "$(printf 'got:  %s\nwant: %s' "$2" "$3")"
}

# skip WHAT WHY
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# A test ends with this: what broke off before it has no plan and no good exit status.
done_testing() {
	echo "1..$tap_n"
	exit $((tap_failed > 0))
}
