#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What 'tarnctl doctor' advises can be done: each file, package, unit, target and command
# of Tarn's that its sentences name is there, and a script takes the arguments that stand
# behind it.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd -P)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
nr=0
bad=0

# each NAME PATTERN COMMAND...: the command succeeds with each match in the advice, and
# there is one at least.
each()
{
	local name=$1 pattern=$2 word words=0 status=0

	shift 2
	while read -r word; do
		words=$((words + 1))
		"$@" "$word" || {
			echo "# $word"
			status=1
		}
	done < <(grep -oE "$pattern" "$root/advice" | sort -u)
	nr=$((nr + 1))
	if [ $status = 0 ] && [ $words -gt 0 ]; then
		echo "ok $nr - $name ($words)"
	else
		echo "not ok $nr - $name ($words)"
		bad=1
	fi
}

# A file of Tarn's below the root of what is installed, or a program that is built.
is_installed()
{
	[ -e "$root$1" ] || case $1 in
	*/bin/tarn-vmm)	[ -x "$top/build/bin/tarn-vmm" ] ;;
	*)	false ;;
	esac
}

# apparmor-local with all that stands behind it.
runs()
{
	local words

	read -ra words <<< "$1"
	DESTDIR=$root "$root${words[0]}" "${words[@]:1}"
}

is_package()
{
	grep -qx "Package: ${1#package }" "$top/debian/control"
}

is_unit()
{
	local unit=${1##* }

	unit=${unit%NAME}
	unit=${unit%ADDRESS}.service
	[ -e "$root/usr/lib/systemd/system/$unit" ] || [ -e "$top/vmm/pager/$unit" ]
}

is_command()
{
	local words

	read -ra words <<< "$1"
	"$top/build/bin/tarnctl" "${words[@]:1}" --help > /dev/null
}

is_page()
{
	[ -s "$top/$1" ]
}

is_target()
{
	local target=${1#"'make "}

	grep -q "^${target%\'}:" "$top/Makefile"
}

is_rule()
{
	[ -e "$root/usr/lib/udev/rules.d/$1" ]
}

for prefix in /usr /usr/local; do
	make -s -C "$top/tools/host" install DESTDIR="$root" PREFIX=$prefix > "$root/log" 2>&1 || {
		sed 's/^/# /' "$root/log"
		echo "Bail out! can't install"
		exit 1
	}
done
# All strings: some are of several lines, and macros stand between.
grep -ohE '"([^"\\]|\\.)*"' "$top"/tools/tarnctl/doctor_*.c | sed 's/^"//; s/"$//' > "$root/advice"

echo "TAP version 13"
echo "1..8"
each "files are installed" '/usr/(local/)?(share/tarn|s?bin)/[a-z.-]*tarn[a-z-]*|/usr/(local/)?share/tarn/[a-z-]+' \
	is_installed
each "scripts take what stands behind them" '/usr/(local/)?share/tarn/apparmor-local.*[^)]$' runs
each "packages are made" 'package tarn[a-z-]*' is_package
each "units are there" 'systemctl [a-z-]+ (--now )?tarn[a-zA-Z@-]*' is_unit
each "commands of tarnctl are there" 'tarnctl (pool|partition|pager|config|domain|save|status|numa)( [a-z-]+)?' \
	is_command
each "pages of the documentation are there" 'Documentation/[a-z./-]*[a-z]' is_page
each "targets of make are there" "'make [a-z]+'" is_target
each "rules of udev are there" '[0-9]+-tarn\.rules' is_rule
exit $bad
