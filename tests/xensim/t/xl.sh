#!/bin/bash
# SPDX-License-Identifier: MIT
# Tools of the Xen toolstack, unmodified.
# shellcheck source=tests/xensim/t/lib.sh
. "$(dirname "$0")/lib.sh"
host_up
xensim guest 3 --name tester --keep --detach -- true

row() { dom0 xl list 2>/dev/null | awk -v n="$1" '$1 == n { print $2, $5 }'; }
same "xl list: dom0" "$(row Domain-0 | cut -d' ' -f1)" 0
same "xl list: a guest" "$(row tester | cut -d' ' -f1)" 3
same "xl domid" "$(dom0 xl domid tester 2>/dev/null)" 3
same "xl domname" "$(dom0 xl domname 3 2>/dev/null)" tester
check "lsevtchn: xenstored's connection to the guest" \
	grep -q 'Interdomain (Connected) - Remote Domain 3, Port 1' <(dom0 lsevtchn 0)
check "xenstore-control" dom0 xenstore-control check
check "nothing leaks" clean
done_testing
