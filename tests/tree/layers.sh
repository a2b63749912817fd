#!/bin/bash
# SPDX-License-Identifier: MIT
# A breach of each layer rule, planted in a copy of the tree, is caught.
# timeout: 600
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
o=$(basename "$BUILD")
copy=$(mktemp -d)/tree
trap 'rm -rf "${copy%/*}"' EXIT
mkdir "$copy"
cp -a Makefile common backends frontends tests "$BUILD" "$copy"
cd "$copy" || exit 1

# planted FILE LINE COMMAND... - run COMMAND while LINE is at the top of FILE
planted() {
	local file=$1 line=$2
	shift 2
	cp -p "$file" saved
	{ printf '%s\n' "$line"; cat saved; } >"$file"
	"$@"
	mv saved "$file"
}

object() { # FILE.c - compile it with an include table that has been widened
	make -s "O=$o" "inc/$(dirname "$1")=$(cd "$copy" && find common backends frontends tests \
		-type d | paste -sd' ')" "$o/${1%.c}.o"
}
plain() { make -s "O=$o" "$o/${1%.c}.o"; }
judge() { object "$1" && tests/layers "$o"; }

# An include across a border does not compile; where the table has been widened to let it
# through, tests/layers names it. The object is rebuilt clean afterwards.
include() { # FILE.c HEADER
	[ -e "$1" ] || { result 1 "there is no $1"; return; }
	planted "$1" "#include \"$2\"" refused "${1%/*} does not find $2" "$2" plain "$1"
	planted "$1" "#include \"$2\"" refused "${1%/*} including $2 is reported" "out of its layer" judge "$1"
	touch "$1"
	plain "$1" >/dev/null
}

check "the tree as it is keeps to the rules" tests/layers "$o"

mkdir backends/otherback
echo '#define OTHER 1' >backends/otherback/other.h
first() { find "$1" -maxdepth 1 -name "$2" | sort | head -n 1; }
include common/num.c backend.h
include common/num.c front.h
include "$(first backends/supervisor '*.c')" "$(basename "$(first backends/worker '*.h')")"
include "$(first backends/worker '*.c')" "$(basename "$(first backends/supervisor '*.h')")"
include "$(first backends/blkback 'blk_pool.c')" other.h
include "$(first frontends '*.c')" backend.h
include "$(first tests/xensim '*.c')" compiler.h
include "$(first tests/contract '*.c')" compiler.h

planted common/num.c '#include "../backends/backend.h"' \
	refused "an include that goes upward" "path in an include" tests/layers "$o"
planted backends/blkback/blk_pool.c '#include <xenstore.h>' \
	refused "a second user of libxenstore" "belongs to common/xs.c" tests/layers "$o"

# A program that reaches for a library or a function that is not its business.
relink() { # PROGRAM MAIN CODE MAKE-ARG...
	local prog=$1 main=$2 code=$3
	shift 3
	cp -p "$main" saved
	printf '%s\n' "$code" >>"$main"
	make -s "O=$o" "$@" "$o/$prog" && tests/layers "$o"
	local rc=$?
	mv saved "$main"
	touch "$main"
	return "$rc"
}
call='void *planted(void); void *planted(void) { extern void *xs_open(unsigned long); return xs_open(0); }'
refused "a worker that calls XenStore does not link" "xs_open" \
	relink pvbackd-worker backends/worker/main.c "$call"
refused "a worker that is linked with libxenstore is reported" "needs libxenstore" \
	relink pvbackd-worker backends/worker/main.c "$call" "LIBS_WORKER=-lxengnttab \
	-lxenevtchn -levent_core -luring -lxenstore"
refused "a worker that can open paths is reported" "imports open" relink pvbackd-worker \
	backends/worker/main.c '#include <fcntl.h>
int planted(void); int planted(void) { return open("/etc/passwd", O_RDONLY); }'
done_testing
