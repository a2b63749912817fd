#!/bin/bash
# SPDX-License-Identifier: MIT
# Each trap in docs/blk-traps.md and docs/net-traps.md has tests, and they exist.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh

# exists TEST - a file, or FILE:FUNCTION, which the file also runs
exists() {
	local file=${1%%:*} name=${1#*:}
	[ -f "$file" ] || return 1
	[ "$file" = "$1" ] || [ "$(grep -cw "$name" "$file")" -ge 2 ]
}

# traps PAGE HOW-MANY
traps() {
	local n=0 number tests missing t
	while IFS='|' read -r _ number _ _ tests _; do
		n=$((n + 1))
		same "$1: trap $n is in its place" "$((number))" $n
		missing=
		for t in $(grep -o '`[^`]*`' <<<"$tests" | tr -d '`'); do
			exists "$t" || missing+=" $t"
		done
		same "$1: trap $n: its tests are there" "$missing $(grep -c '`' <<<"$tests")" " 1"
	done < <(grep '^| [0-9]' "docs/$1")
	same "$1: none is left out" $n "$2"
}

traps blk-traps.md 31
traps net-traps.md 57
done_testing
