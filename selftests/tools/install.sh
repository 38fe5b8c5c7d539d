#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What make install puts where, for programs, units and libvirt's files: all of it
# is gone after make uninstall, and rules of AppArmor come and go between the lines
# of others.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd -P)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
nr=0
bad=0

# ok NAME: report the status of the command before.
ok()
{
	local status=$?

	nr=$((nr + 1))
	if [ $status = 0 ]; then
		echo "ok $nr - $1"
	else
		echo "not ok $nr - $1"
		bad=1
		sed 's/^/# /' "$root.log" | tail -n 20
	fi
}

tools()
{
	make -s -C "$top/tools" "$1" DESTDIR="$root" PREFIX=/usr >"$root.log" 2>&1
}

echo "TAP version 13"
echo "1..8"

tools install
ok "installed"
missing=
for file in usr/sbin/tarnctl usr/sbin/tarn-listener usr/share/man/man8/tarn-listener.8 \
	usr/share/man/man8/tarnctl.8 usr/share/man/man8/tarnctl-pool.8 \
	usr/lib/udev/rules.d/60-tarn.rules usr/lib/sysusers.d/tarn.conf \
	usr/lib/tmpfiles.d/tarn.conf usr/lib/systemd/system/tarn-pool@.service \
	usr/lib/systemd/system/tarn-listener.service usr/share/tarn/domain.rng \
	usr/share/bash-completion/completions/tarnctl etc/libvirt/hooks/qemu.d/tarn; do
	[ -s "$root/$file" ] || missing="$missing $file"
done
echo "$missing" >"$root.log"
[ -z "$missing" ]
ok "all files are where they should be"
! grep -rn '@[a-z]*dir@' "$root" >"$root.log"
ok "no name of a directory is left to be filled in"
"$root/etc/libvirt/hooks/qemu.d/tarn" web prepare begin - <<<"no XML" >"$root.log" 2>&1 &&
	[ ! -s "$root.log" ]
ok "the hook does nothing where there is no tarnctl"

apparmor=$root/etc/apparmor.d
mkdir -p "$apparmor/abstractions" "$apparmor/local/abstractions"
touch "$apparmor/abstractions/libvirt-qemu" "$apparmor/usr.sbin.libvirtd"
echo "/mine r," | tee "$apparmor/local/abstractions/libvirt-qemu" >"$apparmor/local/usr.sbin.libvirtd"
cp -r "$apparmor" "$root.before"
rules()
{
	DESTDIR=$root "$root/usr/share/tarn/apparmor-local" "$@"
}
rules add "$root/usr/share/tarn/apparmor-rules" /usr/local/sbin &&
	rules add "$root/usr/share/tarn/apparmor-rules" /usr/local/sbin &&
	[ "$(grep -c 'tarn-vmm rmix' "$apparmor/local/abstractions/libvirt-qemu")" = 1 ] &&
	grep -q 'tarnctl PUx' "$apparmor/local/usr.sbin.libvirtd"
ok "rules of AppArmor are there once"
rules remove && diff -r "$apparmor" "$root.before" >"$root.log"
ok "and gone without a trace"
echo '  include if exists <abstractions/libvirt-qemu.d>' >"$apparmor/abstractions/libvirt-qemu"
rules add "$root/usr/share/tarn/apparmor-rules" /usr/sbin &&
	[ -s "$apparmor/abstractions/libvirt-qemu.d/tarn" ] && rules remove &&
	[ ! -e "$apparmor/abstractions/libvirt-qemu.d/tarn" ]
ok "newer libvirt has a directory for them"

rm -rf "$apparmor"
tools uninstall
find "$root" ! -type d >"$root.log"
[ ! -s "$root.log" ]
ok "nothing is left after uninstall"
rm -rf "$root.log" "$root.before"
exit $bad
