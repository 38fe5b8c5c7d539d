#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What make install puts where, for programs, units and libvirt's files: all of it
# is gone after make uninstall, and rules of AppArmor come and go between the lines
# of others. What systemd says of the units.
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
echo "1..15"

tools install
ok "installed"
missing=
for file in usr/sbin/tarnctl usr/sbin/tarn-listener usr/share/man/man8/tarn-listener.8 \
	usr/sbin/tarn-balanced usr/share/man/man8/tarn-balanced.8 \
	usr/sbin/tarn-adapter usr/share/man/man8/tarn-adapter.8 \
	usr/lib/systemd/system/tarn-adapter@.service etc/apparmor.d/tarn-adapter \
	usr/sbin/tarn-logd usr/share/man/man8/tarn-logd.8 \
	usr/sbin/tarn-exporter usr/share/man/man8/tarn-exporter.8 \
	usr/share/man/man8/tarnctl.8 usr/share/man/man8/tarnctl-pool.8 \
	usr/lib/udev/rules.d/60-tarn.rules usr/lib/sysusers.d/tarn.conf \
	usr/lib/tmpfiles.d/tarn.conf usr/lib/systemd/catalog/tarn.catalog usr/lib/systemd/system/tarn-pool@.service \
	usr/lib/systemd/system/tarn-listener.service \
	usr/lib/systemd/system/tarn-balanced.service usr/lib/systemd/system/tarn-logd.service \
	usr/lib/systemd/system/tarn-exporter.service \
	usr/lib/systemd/system/tarn-exporter.socket usr/share/tarn/domain.rng \
	usr/lib/systemd/system/tarn-partitions@.service usr/share/man/man5/tarn-pool.conf.5 usr/share/man/man5/tarnfs.5 \
	etc/apparmor.d/tarn-pager etc/apparmor.d/tarn-listener etc/apparmor.d/tarn-balanced \
	etc/apparmor.d/abstractions/libvirt-qemu.d/tarn \
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

journalctl --update-catalog --root="$root" >"$root.log" 2>&1 &&
	[ "$(journalctl --list-catalog --root="$root" 2>>"$root.log" | cut -d ' ' -f 1 | sort)" = \
	"$(sed -n 's/^.*"\([0-9a-f]\{32\}\)".*/\1/p' "$top/tools/tarn-logd/kind.c" | sort)" ]
ok "the journal's catalog has words for all kinds of events"
rm -rf "${root:?}/var"

units=$root/units
mkdir "$units"
for file in "$root"/usr/lib/systemd/system/*.{service,socket} "$top/vmm/pager/tarn-pager@.service"; do
	sed "s|/usr/sbin/tarn|$top/build/bin/tarn|; s|@sbindir@|$top/build/bin|" "$file" \
		>"$units/${file##*/}"
done
# Templates are verified as one of what they make.
for name in tarn-pool tarn-pager tarn-partitions tarn-adapter; do
	ln -s "$name@.service" "$units/$name@pool0.service"
done
systemd-analyze verify --man=no "$units"/tarn-*@pool0.service "$units/tarn-listener.service" \
	"$units/tarn-balanced.service" "$units/tarn-logd.service" \
	"$units/tarn-exporter.service" "$units/tarn-exporter.socket" \
	>"$root.log" 2>&1 && [ ! -s "$root.log" ]
ok "systemd has nothing to say against the units"
for file in "$units"/tarn-*[@rd].service; do
	systemd-analyze security --offline=yes --no-pager --threshold=50 "$file" || break
done >"$root.log" 2>&1 && [ "$(grep -c 'exposure level' "$root.log")" = 8 ] &&
	! grep -q 'exposure level.* \([5-9]\.\|10\)' "$root.log"
ok "and none of them is exposed to more than it needs"
# What gives a service a mount namespace (systemd.exec(5)), in any version of systemd.
! grep -E '^(Private|Protect|Bind|ReadOnly|ReadWrite|Inaccessible|ExecPaths|NoExecPaths)' \
	"$units/tarn-pool@.service" | grep -v '^ProtectHostname=' >"$root.log"
ok "a pool is mounted for all to see"
for name in tarn-pool tarn-pager; do
	for other in libvirtd virtqemud libvirt-guests; do
		grep -qE "^Before=.*\<$other\.service" "$units/$name@.service" ||
			echo "$name is not before $other"
	done
done >"$root.log"
[ ! -s "$root.log" ]
ok "and there, paged, until guests have ended or are saved"
rm -r "$units"

mkdir -p "$root.host/etc"
echo root:x:0:0:root:/root:/bin/sh >"$root.host/etc/passwd"
printf 'root:x:0:\ntarn:x:555:\n' >"$root.host/etc/group"
systemd-sysusers --root="$root.host" "$root/usr/lib/sysusers.d/tarn.conf" >"$root.log" 2>&1 &&
	grep -q '^tarn:.*nologin$' "$root.host/etc/passwd" &&
	grep -q '^tarn-alert:.*nologin$' "$root.host/etc/passwd" &&
	grep -q '^tarn-monitor:' "$root.host/etc/group" &&
	[ "$(grep -c '^tarn:' "$root.host/etc/group")" = 1 ]
ok "pager and scripts have users, in the group that there may be already"
rm -r "$root.host"

apparmor=$root/etc/apparmor.d
mkdir -p "$apparmor/abstractions" "$apparmor/local/abstractions"
touch "$apparmor/abstractions/libvirt-qemu" "$apparmor/usr.sbin.libvirtd" \
	"$apparmor/usr.sbin.virtqemud" "$apparmor/local/usr.sbin.virtqemud"
echo "/mine r," | tee "$apparmor/local/abstractions/libvirt-qemu" >"$apparmor/local/usr.sbin.libvirtd"
cp -r "$apparmor" "$root.before"
rules()
{
	DESTDIR=$root "$root/usr/share/tarn/apparmor-local" "$@"
}
rules add /usr/local/sbin && rules add /usr/local/sbin &&
	[ "$(grep -c 'libvirt-qemu.d/tarn' "$apparmor/local/abstractions/libvirt-qemu")" = 1 ] &&
	grep -q 'tarnctl PUx' "$apparmor/local/usr.sbin.libvirtd" &&
	grep -q 'tarnctl PUx' "$apparmor/local/usr.sbin.virtqemud"
ok "rules of AppArmor are there once"
rules remove && diff -r "$apparmor" "$root.before" >"$root.log"
ok "and gone without a trace"
echo '  include if exists <abstractions/libvirt-qemu.d>' >"$apparmor/abstractions/libvirt-qemu"
rules add /usr/sbin && ! grep -q tarn "$apparmor/local/abstractions/libvirt-qemu" &&
	rules remove
ok "newer libvirt has a directory for them"

rm -rf "$apparmor/abstractions/libvirt-qemu" "$apparmor/local" "$apparmor"/usr.sbin.*
tools uninstall
find "$root" ! -type d >"$root.log"
[ ! -s "$root.log" ]
ok "nothing is left after uninstall"
# Which kernels DKMS builds for: those of the series that are tested, and no others.
series=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"/\1/p' "$top/kmod/dkms.conf")
printf '%s\n' 6.1.0-56-amd64 6.12.117+deb12-amd64 6.12.118+deb13-cloud-amd64 \
	7.3.4+deb13-amd64 |
	grep -cE "$series" >"$root.log"
printf '%s\n' 5.10.0-30-amd64 6.2.0-1-amd64 6.11.4-amd64 6.13.1-amd64 6.120.0 \
	7.2.12+deb13-amd64 7.30.1-amd64 7.1.0 16.1.0-1-amd64 17.3.0 | grep -E "$series" >>"$root.log"
[ "$(cat "$root.log")" = 4 ]
ok "DKMS builds for the kernels that are tested, and skips others"

# What a host's upgrade runs, in a tree of its own: the kernel of a series that is not tested is
# passed over, though the module was built for another; that of one that is is tried.
tried()
{
	unshare -r dkms autoinstall --dkmstree "$root.dkms" --sourcetree "$root.src" \
		--installtree "$root.lib" --kernelsourcedir "$root.src" -k "$1" >"$root.log" 2>&1
}
for name in tarn:kmod/dkms.conf tarn-guest:kmod/guest/dkms.conf; do
	module=${name%:*} conf=$top/${name#*:}
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$conf")
	mkdir -p "$root.src/$module-$version" "$root.lib" "$root.dkms/$module/$version/6.1.0-1-amd64/x86_64"
	cp "$conf" "$root.src/$module-$version"
	touch "$root.src/.config"
	ln -s "$root.src/$module-$version" "$root.dkms/$module/$version/source"
	tried 7.2.12+deb13-amd64 && grep -q "$module: skipped for 7.2.12+deb13-amd64: " "$root.log"
	ok "DKMS skips $module with a sentence, and the upgrade goes on"
	! tried 7.3.9+deb13-amd64 && ! grep -q skipped "$root.log"
	ok "and builds it for a kernel that is tested"
	rm -r "$root.dkms"
done
rm -rf "$root.log" "$root.before" "$root.src" "$root.lib"
exit $bad
