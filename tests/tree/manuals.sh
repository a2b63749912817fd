#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command has --help and a manual page, and they speak of the same options; `make
# help` knows every target.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh

# options TEXT-COMMAND... - the long options that a text names
options() { "$@" 2>&1 | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u; }

# of_page PAGE - plain text, whose words are not cut at line ends
page() { mandoc -T utf8 -O width=200 "$1" | sed 's/.\x08//g'; }

# help_of PROGRAM - its --help, and that of its commands if it has some
help_of() {
	"$1" --help
	"$1" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | while read -r command; do
		"$1" "$command" --help
	done
}

# command PAGE PROGRAM... - programs that share a page
command_has() {
	local page=docs/man/$1 prog
	shift
	check "$page is there and clean" mandoc -T lint -W warning "$page"
	for prog; do
		check "${prog##*/} --help" "$prog" --help
		refused "${prog##*/} refuses an unknown option" help "$prog" --no-such-option
	done
	same "$page and --help name the same options" \
		"$(options page "$page")" "$(for prog; do options help_of "$prog"; done | sort -u)"
}

command_has pvbackd.8 "$BUILD/pvbackd"
command_has pvbackctl.8 "$BUILD/pvbackctl"
command_has pvblk.1 "$BUILD/pvblk"
command_has xensim.1 "$BUILD/xensim/xensim"
command_has vbd-attach.8 xenstore-scripts/vbd-attach xenstore-scripts/vbd-detach \
	xenstore-scripts/vbd-list
check "pvbackd.conf.5 is there and clean" mandoc -T lint -W warning docs/man/pvbackd.conf.5

phony=$(make -pn help 2>/dev/null | sed -n 's/^\.PHONY: //p' | tr ' ' '\n' | sort)
shown=$(make -s help | awk '{ print $1 }' | sort)
same "make help names every target" "$shown" "$phony"
done_testing
