# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of libvirt's side share: libvirtd in L1 with Tarn's hook, a pool
# that pages, and a domain whose guest checks its memory all the time. L1's files
# go away with it, so the configuration of the machine is changed at will.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/../vmm/lib.sh"
# shellcheck source=selftests/libvirt/guest-images.sh
. "$top/selftests/libvirt/guest-images.sh"

pool=/run/tarn/pool0
hold=$top/build/selftests/kmod/pager_hold
pager=
listener=

[ -n "${TARN_L1-}" ] || skip_all "only in L1: this changes /etc/libvirt"
for program in libvirtd virtlogd virsh jq tarnctl; do
	PATH=$PATH:/usr/sbin command -v $program >/dev/null || skip_all "there is no $program"
done
[ -x "$hold" ] || skip_all "the test pager is not built"

# No process, domain or setting is left for the next test.
# shellcheck disable=SC2317 # called by the trap
host_exit()
{
	local name pid

	for name in $(virsh -q list --all --name 2>/dev/null); do
		virsh -q destroy "$name" >/dev/null 2>&1
		virsh -q undefine "$name" --managed-save >/dev/null 2>&1
	done
	for pid in $listener $pager $(cat /run/libvirtd.pid /run/virtlogd.pid 2>/dev/null); do
		kill "$pid" 2>/dev/null && until_true gone "$pid"
	done
	wait
	umount "$pool" 2>/dev/null
	[ ! -e "$tmp/qemu.conf" ] || cp "$tmp/qemu.conf" /etc/libvirt/
	rm -rf "$tmp"
}

# shellcheck disable=SC2317 # called by the trap
gone()
{
	! kill -0 "$1" 2>/dev/null || grep -qs '^State:.*Z' "/proc/$1/status"
}

# until_true COMMAND...: wait for what must come, however slow the machine is. What has
# not come in three minutes never does.
until_true()
{
	local end=$((SECONDS + 180))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# pool_init SIZE: mount the pool, with a pager.
pool_init()
{
	mkdir -p "$pool"
	mount -t tarnfs -o "size=$1,mode=0755" tarn "$pool" || skip_all "no tarnfs"
	trap host_exit EXIT
	"$hold" "$pool" >"$tmp/pager" &
	pager=$!
	until_true grep -q serving "$tmp/pager"
}

daemon_start()
{
	pidof virtlogd >/dev/null || virtlogd -d
	libvirtd -d
	until_true virsh -q list >/dev/null 2>&1
}

daemon_stop()
{
	local pid

	pid=$(cat /run/libvirtd.pid)
	kill "$pid"
	until_true eval "! kill -0 $pid 2>/dev/null"
}

# libvirt_init DIR: libvirtd with the hook and that memory_backing_dir.
libvirt_init()
{
	PATH=$PATH:/usr/sbin
	cp /etc/libvirt/qemu.conf "$tmp/"
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
	printf 'memory_backing_dir = "%s"\nsecurity_driver = "none"\n' "$1" \
		>>/etc/libvirt/qemu.conf
	mkdir -p "$1" /etc/libvirt/hooks/qemu.d /var/lib/libvirt/images
	sed "s|@sbindir@|$top/build/bin|" "$top/tools/host/libvirt-hook" \
		>/etc/libvirt/hooks/qemu.d/tarn
	chmod 755 /etc/libvirt/hooks/qemu.d/tarn
	daemon_start
}

# rounds: how many the guest has made, by its console.
rounds()
{
	sed -n 's/^round \([0-9]*\).*/\1/p' "$console" 2>/dev/null | tail -n 1
}

# goes_on: it makes some more, and all it reads is right.
goes_on()
{
	local from

	from=$(rounds)
	until_true eval "[ \"\$(rounds)\" -ge $((${from:-0} + 2)) ]" && ! grep -q WRONG "$console"
}

# part FILTER: whether jq finds it true of the domain's partition.
part()
{
	tarnctl partition list --json "$pool" >"$tmp/out" 2>&1 &&
		jq -e ".[] | $1" "$tmp/out" >/dev/null
}

# says TEXT COMMAND...: it fails, and says that.
refused()
{
	local text=$1

	shift
	! "$@" >"$tmp/out" 2>&1 && grep -q -- "$text" "$tmp/out"
}

# settings TEXT: what is in the element, as virsh sets it.
settings()
{
	virsh -q metadata "$domain" --uri urn:tarn:partition:1 --key tarn "${@:2}" \
		--set "$1" >"$tmp/out" 2>&1
}

listen()
{
	tarn-listener >>"$tmp/listener" 2>&1 &
	listener=$!
	until_true grep -q "^listening" "$tmp/listener"
}
