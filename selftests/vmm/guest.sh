# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests for the tests of tarn-vmm: packs an initramfs with busybox, the drivers
# of a Debian cloud kernel and a test script. Sourced by the tests; they run in
# L1, where KVM is.

# guest_kernel NAME: sets kernel, modules.
guest_kernel()
{
	kernel=$("$TARN_TOP/scripts/kernel" path "$1" vmlinuz)
	modules=$("$TARN_TOP/scripts/kernel" path "$1" modules)
}

# Files of the modules named and of what they need, in the order to load them.
guest_modules()
{
	local name line dep

	for name; do
		line=$(grep -E "/${name}\.ko[.a-z]*:" "$modules/modules.dep") || continue
		for dep in ${line#*:}; do
			echo "$dep"
		done | tac
		echo "${line%%:*}"
	done | awk '!seen[$0]++'
}

# guest_initramfs OUT TEST MODULE...: TEST becomes /test of the initramfs.
guest_initramfs()
{
	local out=$1 test=$2 file name dir

	shift 2
	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,dev,proc,sys,modules,tmp}
	cp /bin/busybox "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	install -m 755 "$TARN_TOP/selftests/vmm/guest-init" "$dir/init"
	install -m 755 "$test" "$dir/test"
	for file in $(guest_modules "$@"); do
		name=$(basename "${file%.xz}")
		case $file in
		*.xz)	xz -dc "$modules/$file" > "$dir/modules/$name" ;;
		*)	cp "$modules/$file" "$dir/modules/$name" ;;
		esac
		echo "$name"
	done > "$dir/modules/order"
	(cd "$dir" && find . | cpio -o -H newc --quiet) > "$out"
	rm -rf "$dir"
}

# guest_disk OUT MIB TEST: an ext4 root file system with busybox and /test.
guest_disk()
{
	local dir

	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,dev,proc,sys,tmp}
	cp /bin/busybox "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	install -m 755 "$3" "$dir/test"
	rm -f "$1"
	truncate -s "$2M" "$1"
	mke2fs -q -t ext4 -d "$dir" "$1"
	rm -rf "$dir"
}
