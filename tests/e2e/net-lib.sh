# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the scenarios with network cards share, on top of lib.sh: network namespaces of
# their own for the host and for each guest, so that nothing of the machine's is touched.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

net=pvb$$
nets=()

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}

# net_can - or why there can be no network here
net_can() {
	[ "$(id -u)" -eq 0 ] || echo "network namespaces and TAPs need root"
	[ -c /dev/net/tun ] || echo "there is no /dev/net/tun"
	unshare --net true 2>/dev/null || echo "no network namespace can be made"
}

# net_up - the host's namespace, with a bridge
net_up() {
	local why
	why=$(net_can | head -n 1)
	[ -z "$why" ] || skip_all "$why"
	net_add host || skip_all "no network namespace can be made"
	export host_net="ip netns exec $net-host"
	host ip link set lo up
	host ip link add br0 type bridge || skip_all "the kernel has no bridges"
	host sysctl -q net.ipv6.conf.br0.accept_dad=0
	host ip address add 10.9.0.254/24 dev br0
	host ip address add fd09::254/64 dev br0
	host ip link set br0 up
}

# net_host_up PROGRAM... - the host in it, if there is what the scenario needs
net_host_up() {
	local program
	[ -x /etc/xen/scripts/vif-bridge ] || skip_all "there is no /etc/xen/scripts/vif-bridge"
	for program; do
		command -v "$program" >/dev/null || skip_all "there is no $program"
	done
	net_up
	host_up
}

# cards_up GUEST... - pvbackd, and guests with a card each
cards_up() {
	local g
	pvbackd_start
	guest_up "$@"
	for g; do card "$g" >/dev/null; done
}

net_add() { ip netns add "$net-$1" && nets+=("$net-$1"); }

net_down() {
	local n
	for n in "${nets[@]}"; do
		ip netns delete "$n" 2>/dev/null
	done
}

# host COMMAND..., net_of GUEST COMMAND... - in the namespace of the host, of a guest
host() { ip netns exec "$net-host" "$@"; }
net_of() { ip netns exec "$net-g$1" "${@:2}"; }
in_net() { net_of "$1" xensim run --domid "$1" -- "${@:2}"; }

mac() { printf '00:16:3e:00:00:%02x' "$1"; }

# vbe GUEST [DEVID], vfe GUEST [DEVID] - directories in XenStore
vbe() { echo "/local/domain/0/backend/vif/$1/${2:-0}"; }
vfe() { echo "/local/domain/$1/device/vif/${2:-0}"; }
vif_state() { xs_wait "$(vbe "$1")/state" "$2" "${3:-10}"; }
vif_error() { xs read "/local/domain/0/error/backend/vif/$1/${2:-0}/error" 2>/dev/null; }

# card GUEST [OPTION...] - attach one, on the bridge
card() { host xensim run -- vif-attach --mac "$(mac "$1")" --bridge br0 "$@"; }
uncard() { host xensim run -- vif-detach "$@"; }

# eth GUEST [OPTION...] - the guest's driver: eth0, with addresses 10.9.0.GUEST, fd09::GUEST
declare -A eth_pid
eth() {
	local g=$1
	ip netns list | grep -q "^$net-g$g\b" || net_add "g$g" || return
	# What is waited for is said anew.
	rm -f "$work/eth$g.log"
	ip netns exec "$net-g$g" xensim run --domid "$g" -- pvnet tap "${@:2}" \
		>"$work/eth$g.log" 2>&1 &
	eth_pid[$g]=$!
	until_true $patience grep -q 'eth0 is there' "$work/eth$g.log" || return
	net_of "$g" sysctl -q net.ipv6.conf.eth0.accept_dad=0
	net_of "$g" ip address add "10.9.0.$g/24" dev eth0
	net_of "$g" ip address add "fd09::$g/64" dev eth0
	net_of "$g" ip link set eth0 up
}

# eth_starts GUEST WHAT [OPTION...] - and that is checked
eth_starts() {
	eth "$1" "${@:3}"
	result $? "$2" "$(cat "$work/eth$1.log")"
}

# eth_ends GUEST - its driver has lost the card, or its guest
eth_ends() {
	local rc
	wait "${eth_pid[$1]}" 2>/dev/null
	rc=$?
	unset "eth_pid[$1]"
	return $rc
}

# eth_closes GUEST - its driver closes the card
eth_closes() {
	kill -TERM "${eth_pid[$1]}"
	eth_ends "$1"
	result $(($? != 143)) "guest $1 closes the card" "$(cat "$work/eth$1.log")"
}

pings() { net_of "$1" ping -q -c 3 -i 0.05 -W 2 "$2"; }

# index NAME, carrier NAME - of an interface of the host
index() { host cat "/sys/class/net/$1/ifindex"; }
no_interface() { ! host ip link show "$1" 2>/dev/null; }
has_carrier() { host ip link show "$1" | grep -q LOWER_UP; }
# forwards NAME - its bridge passes what comes from it and what is for it
forwards() { [ "$(host cat "/sys/class/net/$1/brport/state")" = 3 ]; }
no_carrier() { host ip link show "$1" | grep -q NO-CARRIER; }

# iperf FROM TO-ADDRESS WHERE [OPTION...] - traffic from a guest to a server in namespace WHERE,
# a second of it or what $amount says; what came, bits/s
amount="--time 1"
iperf() {
	local from=$1 to=$2 pid
	rm -f "$work/iperf.server"
	ip netns exec "$net-$3" iperf3 --server --one-off --forceflush >"$work/iperf.server" 2>&1 &
	pid=$!
	until_true $patience grep -q listening "$work/iperf.server" || return
	net_of "$from" timeout 30 iperf3 --client "$to" --json $amount "${@:4}" >"$work/iperf.json"
	# One that nobody came to is still there.
	kill "$pid" 2>/dev/null
	wait "$pid"
	jq -r '.end | (.sum_received // .sum) | .bits_per_second // 0 | floor' "$work/iperf.json"
}

# rate_is LOW HIGH WHAT BITS, at_least LOW WHAT BITS - what iperf has said is as it should be
rate_is() {
	[ "${4:-0}" -ge "$1" ] && [ "${4:-0}" -le "$2" ]
	result $? "$3: $((${4:-0} / 1000000)) Mbit/s" "$(tail -n 5 "$work/iperf.json"; cat "$work/iperf.server")"
}
at_least() { rate_is "$1" 900000000000 "${@:2}"; }

# wrong_sums - what the kernels of host and guests have found wrong in packets, and dropped
wrong_sums() {
	local n
	for n in "${nets[@]}"; do
		ip netns exec "$n" awk -v n="$n" '
			$1 == $1 ~ /:$/ && head[$1] == "" { head[$1] = $0; next }
			{
				split(head[$1], name)
				for (i = 2; i <= NF; i++)
					if (name[i] ~ /CsumErrors|InHdrErrors/ && $i > 0)
						print n, $1, name[i], $i
			}' /proc/net/snmp
		ip netns exec "$n" awk -v n="$n" '/CsumErrors|InHdrErrors/ && $2 > 0 { print n, $0 }' /proc/net/snmp6
	done
}

# flows NAME WORDS SENDER-OPTIONS CHECKER-OPTIONS - frames from guest 1 to guest 2, through
# the bridge: every byte, their order, checksums and offloads are right, and WORDS are said
flows() {
	local checker sender go
	rm -f "$work/check" "$work/send" "$work/go"
	mkfifo "$work/go"
	in_net 2 pvnet check --idle 2000 $4 >"$work/check" 2>&1 &
	checker=$!
	in_net 1 pvnet send --hold --to "$(mac 2)" $3 <"$work/go" >"$work/send" 2>&1 &
	sender=$!
	exec {go}>"$work/go"
	until_true $patience forwards vif2.0 && until_true $patience forwards vif1.0 &&
		until_true $patience grep -q ready "$work/check" && until_true $patience grep -q ready "$work/send"
	# Room for all that a worker which does not run for a while would have the host drop.
	host ip link set vif2.0 txqueuelen 10000
	exec {go}>&-
	ended "$1: sent" "$sender"
	wait "$checker"
	result $? "$1" "$(cat "$work/send" "$work/check")"
	grep -Eq "$2" "$work/check"
	result $? "$1: $(tail -n 1 "$work/check")" "$(cat "$work/send"); wanted $2"
}
