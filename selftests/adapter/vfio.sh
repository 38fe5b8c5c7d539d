#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A function of an adapter that a process drives by vmm/vfio: its registers, DMA, interrupts
# and reset, first a whole adapter, then two virtual functions beside each other; what may
# not be opened or mapped; and DMA that goes astray, which the IOMMU stops and tells of.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
# shellcheck source=selftests/adapter/lib.sh
. "$here/lib.sh"
vfio=$top/build/selftests/adapter/vfio

# Errors by their numbers.
enxio=6 eacces=13 exdev=18 enodev=19 einval=22

plain=$(nvme_plain_bdf)
[ -n "$plain" ] || skip_all "no NVMe adapter: an L1 without --nvme"

# said COMMAND...: vfio does it, and its message is in $work/message, too.
said()
{
	"$vfio" "$@" 2>&1 | tee "$work/message"
	[ "${PIPESTATUS[0]}" = 0 ]
}

# refused BDF ERRNO WORDS: with these in the message.
refused()
{
	said refused "$1" "$2" && grep -qF -- "$3" "$work/message"
}

# What a message advises, done as it stands there: the last command in quotes.
bind_as_advised()
{
	refused "$plain" $enxio "has nvme, not vfio-pci" || return
	sed -n 's/.* or "\(.*\)"$/\1/p' "$work/message" > "$work/advice"
	grep -q drivers_probe "$work/advice" && sh "$work/advice" &&
		[ "$(pci_driver "$plain")" = vfio-pci ]
}

# A function without a driver, whose group has another one.
two_in_a_group()
{
	local pair

	pair=$(pair_functions)
	refused "${pair%% *}" $exdev "shares IOMMU group" && grep -qF "${pair##* }" "$work/message"
}

pair_functions()
{
	local dir list=()

	for dir in "$pci"/*; do
		[ "$(< "$dir/vendor") $(< "$dir/device")" != "0x1b36 0x0005" ] || list+=("${dir##*/}")
	done
	echo "${list[@]}"
}

other_user()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$vfio" refused "$plain" $eacces 2>&1 |
		tee "$work/message"
	[ "${PIPESTATUS[0]}" = 0 ] && grep -q "has to belong to the user" "$work/message"
}

# The sandbox ends who writes to another file in that way.
overreach()
{
	"$vfio" overreach "$plain" 2>&1 | tee "$work/message"
	[ "${PIPESTATUS[0]}" = 159 ] && grep -q "(pwrite64) refused by the sandbox" "$work/message"
}

little_memory()
{
	(
		ulimit -l 64
		setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock "$vfio" limit "$plain"
	) 2>&1 | tee "$work/message"
	[ "${PIPESTATUS[0]}" = 0 ] && grep -q "RLIMIT_MEMLOCK is 64 KiB" "$work/message"
}

# blocked BDF ADDRESS COMMAND...: it goes well, and the kernel names function and address of DMA
# that was none.
blocked()
{
	local mark="tarn-test: $1 $2"

	echo "$mark" > /dev/kmsg
	"$vfio" "${@:3}" || return
	wait_until told "$mark" "Write.*device \[${1#*:}\].*addr (0x)?0*${2#0x} " && tail -n 1 "$work/told"
}

told()
{
	dmesg | awk -v mark="$1" 'index($0, mark) { on = 1; next } on' | grep DMAR: |
		grep -iE "$2" > "$work/told"
}

given_back()
{
	nvme_bind_kernel "$plain" && nvme id-ctrl "$(nvme_device "$plain")" | grep "^sn .*tarn-plain"
}

port_of()
{
	basename "$(dirname "$(readlink -f "$pci/$1")")"
}

# An error that is made up needs the kernel's service for such errors at that port.
port_error()
{
	modprobe aer_inject && nvme_bind_vfio "$plain" &&
		"$vfio" port-error "$plain" "$(port_of "$plain")"
}

vfs_up()
{
	local i

	nvme_make_vfs 2 || return
	for i in 0 1; do
		vf[i]=$(nvme_vf_bdf $i)
		nvme_bind_vfio "${vf[i]}" || return
		groups[i]=$vfio_group
	done
	echo "${vf[*]} in ${groups[*]}"
	[ "${groups[0]}" != "${groups[1]}" ]
}

plan 35

check "what is no address is refused" refused 01:00.0 $einval "is no address of a PCI function"
check "so is more than an address" refused "$plain/../$plain" $einval "is no address"
check "there is no such function" refused 0000:ff:1f.7 $enodev "there is no PCI function"
check "one of two in a group is refused" two_in_a_group
check "a bridge has no VFIO driver" \
	refused "$(port_of "$plain")" $enxio "has pcieport, not vfio-pci"
check "a function with another driver is refused, and bound as advised" bind_as_advised
nvme_bind_vfio "$plain"

check "an adapter is what it is" said show "$plain"
check "Identify, by DMA" said identify "$plain"
check "it is that adapter's answer" grep -q "serial tarn-plain " "$work/message"
check "registers by load and store, with a hole for the MSI-X table" said hole "$plain"
check "MSI-X by eventfds" said interrupt "$plain"
check "reset" said reset "$plain"
check "DMA is mapped as it can be, and else refused" said dma "$plain"
check "more memory than may be locked is refused" little_memory
check "a second taker is refused" said busy "$plain"
check "another user is refused" other_user
check "in the sandbox of vCPUs" said confined "$plain" 0
check "in the sandbox of devices" said confined "$plain" 1
check "in the sandbox of the main thread" said confined "$plain" 2
check "the sandbox lets them write to nothing else at offsets" overreach
check "DMA to what is not mapped is blocked, and told of" \
	blocked "$plain" 0x3456789000 stray "$plain" 0x3456789000
check "so is writing what is to be read" \
	blocked "$plain" 0x345678a000 readonly "$plain" 0x345678a000
check "an error of its port is told" port_error
check "the host has it back when it wants it" said request "$plain"
check "and drives it again" given_back

check "two virtual functions, each in a group" vfs_up
check "the first is what it is" said show "${vf[0]}"
check "it answers by DMA" said identify "${vf[0]}"
check "as the adapter that it is of" grep -q "serial tarn-sriov " "$work/message"
check "so does the second" said identify "${vf[1]}"
check "MSI-X of the second" said interrupt "${vf[1]}"
check "registers of the second" said hole "${vf[1]}"
check "reset of the second" said reset "${vf[1]}"
check "DMA of the first to what is not mapped names the first" \
	blocked "${vf[0]}" 0x2345678000 stray "${vf[0]}" 0x2345678000
check "DMA of the first to what the second has mapped is blocked" \
	blocked "${vf[0]}" 0x2345679000 neighbour "${vf[0]}" "${vf[1]}" 0x2345679000
