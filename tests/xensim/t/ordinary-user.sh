#!/bin/bash
# SPDX-License-Identifier: MIT
# All of it works for a user without any privilege, here nobody if we are root.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
home=$(mktemp -d /tmp/xs.XXXXXX)	# TMPDIR may be closed to others
trap 'rm -rf "$home"; test_end' EXIT
export XENSIM_DIR=$home/h
as=()
if [ "$(id -u)" -eq 0 ]; then
	chown nobody "$home"
	as=(setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs --bounding-set=-all)
fi
user() { "${as[@]}" "$@"; }
if ! user test -x "$build/xensim/xensim"; then
	echo "1..0 # SKIP $build is closed to other users"
	exit 77
fi

check "xensim up" user xensim up
mapfile -t pids < <(ours)
same "its processes are the user's" "$(ps -o user= -p "${pids[*]}" | sort -u)" "$(user id -un)"
check "a guest" user sh -c 'xensim guest 3 --keep --detach -- true >/dev/null 2>&1'
check "XenStore in the guest" user xensim run --domid 3 -- xenstore-write data/x 1
same "and in dom0" "$(user xensim run -- xenstore-read /local/domain/3/data/x)" 1
check "nothing leaks" user xensim status --leaks
check "xensim destroy" user xensim destroy 3
check "xensim down" user xensim down
check "nothing is left" test ! -e "$XENSIM_DIR"
done_testing
