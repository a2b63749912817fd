#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install` puts where, and that what it put there finds its parts.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

check "make install" make -s "O=$(basename "$BUILD")" DESTDIR="$root" PREFIX=/usr install
same "files and modes" "$(cd "$root" && find . ! -type d -printf '%P %m\n' | sort)" "\
etc/xen/pvbackd.conf 644
usr/bin/pvblk 755
usr/bin/pvnet 755
usr/bin/xensim 755
usr/lib/modprobe.d/pvbackd.conf 644
usr/lib/nbdkit/plugins/nbdkit-pvblk-plugin.so 755
usr/lib/systemd/system/pvbackd.service 644
usr/lib/xensim/libxencall.so.1 777
usr/lib/xensim/libxenevtchn.so.1 777
usr/lib/xensim/libxenforeignmemory.so.1 777
usr/lib/xensim/libxengnttab.so.1 777
usr/lib/xensim/libxensim.so 644
usr/lib/xensim/xensim-guest 755
usr/lib/xensim/xensimd 755
usr/libexec/pvbackd/pvbackd-worker 755
usr/libexec/pvbackd/vbd-common.sh 644
usr/libexec/pvbackd/vif-common.sh 644
usr/sbin/pvbackctl 755
usr/sbin/pvbackd 755
usr/sbin/vbd-attach 755
usr/sbin/vbd-detach 755
usr/sbin/vbd-list 755
usr/sbin/vif-attach 755
usr/sbin/vif-detach 755
usr/share/bash-completion/completions/pvbackctl 644
usr/share/man/man1/nbdkit-pvblk-plugin.1 644
usr/share/man/man1/pvblk.1 644
usr/share/man/man1/pvnet.1 644
usr/share/man/man1/xensim.1 644
usr/share/man/man5/pvbackd.conf.5 644
usr/share/man/man8/pvbackctl.8 644
usr/share/man/man8/pvbackd.8 644
usr/share/man/man8/vbd-attach.8 644
usr/share/man/man8/vbd-detach.8 777
usr/share/man/man8/vbd-list.8 777
usr/share/man/man8/vif-attach.8 644
usr/share/man/man8/vif-detach.8 777"
for prog in bin/pvblk bin/pvnet bin/xensim sbin/pvbackctl sbin/pvbackd sbin/vbd-attach \
	sbin/vbd-detach sbin/vbd-list sbin/vif-attach sbin/vif-detach; do
	check "$prog --help" "$root/usr/$prog" --help
done
ln -s "$root/usr/sbin/vbd-list" "$root/link"
check "a script called through a symbolic link" "$root/link" --help
rm "$root/link"
check "a second make install changes nothing" make -s "O=$(basename "$BUILD")" \
	DESTDIR="$root" PREFIX=/usr install
echo "log-level = debug" >"$root/etc/xen/pvbackd.conf"
check "a third one" make -s "O=$(basename "$BUILD")" DESTDIR="$root" PREFIX=/usr install
same "keeps the settings that are there" "$(cat "$root/etc/xen/pvbackd.conf")" "log-level = debug"
same "the service starts what was installed" \
	"$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/pvbackd.service")" \
	"/usr/sbin/pvbackd --foreground"

deb=$(make -s "O=$(basename "$BUILD")" deb)
check "make deb" test -f "$deb"
same "the package has the same files, but for the simulator, and a copyright" \
	"$(dpkg-deb --fsys-tarfile "$deb" | tar t | grep -v '/$' | wc -l)" \
	"$(($(find "$root" ! -type d ! -path '*/xensim*' | wc -l) + 1))"
same "settings that are kept" "$(dpkg-deb -I "$deb" conffiles)" /etc/xen/pvbackd.conf
check "libraries it depends on" grep -q 'libxenstore4.*liburing2\|liburing2.*libxenstore4' \
	<<<"$(dpkg-deb -f "$deb" Depends)"
done_testing
