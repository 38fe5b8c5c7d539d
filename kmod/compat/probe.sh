#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Find out what a kernel is like by compiling small files against it.
#
#   probe.sh KERNEL-BUILD-DIR OUTPUT-DIR PROBES-DIR
#
# Each probes/x-y.c becomes HAVE_X_Y in OUTPUT-DIR/compat-config.h if it compiles
# and all symbols that it uses are exported to modules. Probes whose names are the
# same before the first "-" are the alternatives of one question: exactly one of
# them has to answer, otherwise the kernel is unknown and the build ends. A probe
# without "-" in its name may or may not. sane.c must compile on every kernel.
#
# The answer is kept as long as the kernel and the probes stay the same.

set -eu

kernel=$1
out=$2
probes=$3
CC=${CC:-gcc}
log=$out/compat-probe.log
header=$out/compat-config.h

fail()
{
	echo "compat: $*" >&2
	rm -f "$header"
	exit 1
}

# What the answer depends on. Symbols and configuration stand for the kernel.
key()
{
	{
		cat "$0" "$probes"/*.c
		echo "$CC"
		cksum "$kernel/include/generated/autoconf.h" "$kernel/Module.symvers"
		cat "$kernel/include/generated/utsrelease.h" \
			"$kernel/include/config/kernel.release" 2>/dev/null || true
	} | cksum | tr -d '\n'
}

names()
{
	for file in "$probes"/*.c; do
		basename "$file" .c
	done
}

# sane.c becomes a module, as any other. The others are only compiled, which takes a third
# of the time: whether they would link is known from the symbols that the kernel exports.
# One that does not compile leaves no file.
compile()
{
	rm -rf "$work"
	mkdir -p "$work"
	cp "$probes"/*.c "$work"
	cat > "$work/Kbuild" <<-'KBUILD'
		obj-m := sane.o
		always-y := $(patsubst $(src)/%.c,%.probe,$(wildcard $(src)/*.c))
		compile = $(CC) $(filter-out $(CC_FLAGS_LTO),$(c_flags)) -g0 -c -o $@ $<
		$(obj)/%.probe: $(src)/%.c FORCE ; $(compile) || true
	KBUILD
	make -C "$kernel" M="$work" CC="$CC" modules >> "$log" 2>&1 || true
	[ -e "$work/sane.ko" ] || fail "not even an empty module can be built, see $log"
	find_unknown >> "$log"
}

# Leaves the probes that use what is not exported to modules in $unknown.
find_unknown()
{
	for name in $(names); do
		[ ! -e "$work/$name.probe" ] || nm -u "$work/$name.probe" | sed "s/^/$name /"
	done | awk -v symvers="$kernel/Module.symvers" -v names="$unknown" '
		BEGIN {
			while ((getline line < symvers) > 0) {
				split(line, field)
				exported[field[2]] = 1
			}
			exported["__this_module"] = exported["_GLOBAL_OFFSET_TABLE_"] = 1
			printf "" > names
		}
		$2 == "U" && !($3 in exported) {
			print "compat: " $1 ": " $3 " is not exported"
			print $1 > names
		}'
}

answers()
{
	[ -e "$work/$1.probe" ] && ! grep -qxF "$1" "$unknown"
}

macro()
{
	echo "HAVE_$1" | tr 'a-z-' 'A-Z_'
}

write_header()
{
	echo "/* $key */"
	echo "/* What this kernel is like; written by compat/probe.sh. */"
	for name in $(names); do
		[ "$name" = sane ] && continue
		if answers "$name"; then
			echo "#define $(macro "$name") 1"
		else
			echo "/* no $(macro "$name") */"
		fi
	done
}

check_alternatives()
{
	for question in $(names | sed -n 's/-.*//p' | sort -u); do
		right=
		for name in $(names | grep "^$question-"); do
			if answers "$name"; then
				right="$right $name"
			fi
		done
		case $right in
		" "*" "*)	fail "more than one probe answers $question:$right" ;;
		"")		fail "no probe answers $question, see $log" ;;
		esac
	done
}

key=$(key)
mkdir -p "$out"
grep -qsF "/* $key */" "$header" && exit 0
work=$out/compat-probe
unknown=$work/unknown
exec 9> "$out/.compat-probe.lock"
flock 9
grep -qsF "/* $key */" "$header" && exit 0

echo "  PROBE   $kernel"
: > "$log"
compile
check_alternatives
write_header > "$header.new"
mv "$header.new" "$header"
rm -rf "$work"
