# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of adapters share: TAP, and the NVMe adapters of an L1 with --nvme: which
# function is where, who drives it, virtual functions. A test sources this, calls plan, then
# check for each result.
#
# Functions are named by their address, as "0000:01:00.0" (BDF).

pci=/sys/bus/pci/devices
nvme_class=0x010802
work=$(mktemp -d)
nr=0
bad=0
trap 'rm -rf "$work"' EXIT

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# Adapters are taken from who has them, reset and written to: not those of a real machine.
[ -n "${TARN_L1-}" ] || skip_all "only in L1"
{ command -v nvme && command -v jq; } > /dev/null || skip_all "nvme or jq is missing: run scripts/setup"

plan()
{
	planned=$1
	echo "TAP version 13"
	echo "1..$1"
	trap finish EXIT
}

finish()
{
	local status=$?

	trap - EXIT
	if [ $nr != "$planned" ] || [ $bad != 0 ]; then
		status=1
	fi
	rm -rf "$work"
	exit "$status"
}

# check NAME COMMAND...: one result. What it prints is in $work/output.
check()
{
	local name=$1

	shift
	nr=$((nr + 1))
	if "$@" > "$work/output" 2>&1; then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		echo "# $*"
		sed 's/^/# /' "$work/output"
		bad=$((bad + 1))
	fi
}

# A condition that becomes true; the limit is for what never ends.
wait_until()
{
	local limit=$((SECONDS + 60 * ${TARN_SLOW:-1}))

	until "$@"; do
		[ $SECONDS -lt $limit ] || return 1
		sleep 0.05
	done
}

# nvme_functions WANTED: addresses of NVMe functions that are "pf" (have virtual functions to
# give), "vf" or "plain".
nvme_functions()
{
	local dir kind

	for dir in "$pci"/*; do
		[ "$(< "$dir/class")" = $nvme_class ] || continue
		kind=plain
		[ ! -e "$dir/sriov_totalvfs" ] || kind=pf
		[ ! -e "$dir/physfn" ] || kind=vf
		[ $kind != "$1" ] || echo "${dir##*/}"
	done
}

nvme_pf_bdf()
{
	nvme_functions pf | head -n 1
}

nvme_plain_bdf()
{
	nvme_functions plain | head -n 1
}

# nvme_vf_bdf I: the physical function's virtual function number I, from 0.
nvme_vf_bdf()
{
	basename "$(readlink -f "$pci/$(nvme_pf_bdf)/virtfn$1")"
}

# pci_driver BDF: its name, nothing if there is none.
pci_driver()
{
	[ ! -e "$pci/$1/driver" ] || basename "$(readlink -f "$pci/$1/driver")"
}

# pci_bind BDF DRIVER: whatever has the function now.
pci_bind()
{
	echo "$2" > "$pci/$1/driver_override" || return
	if [ "$(pci_driver "$1")" != "$2" ]; then
		[ ! -e "$pci/$1/driver" ] || echo "$1" > "$pci/$1/driver/unbind" || return
		echo "$1" > /sys/bus/pci/drivers_probe || return
	fi
	[ "$(pci_driver "$1")" = "$2" ]
}

# nvme_bind_vfio BDF: have vfio-pci drive it; sets $vfio_group to the file of its group.
nvme_bind_vfio()
{
	pci_bind "$1" vfio-pci || return
	# shellcheck disable=SC2034 # for the tests
	vfio_group=/dev/vfio/$(basename "$(readlink -f "$pci/$1/iommu_group")")
}

# nvme_bind_kernel BDF: give it back to the kernel's driver, and wait for its block devices.
nvme_bind_kernel()
{
	pci_bind "$1" nvme && wait_until nvme_live "$1"
}

nvme_live()
{
	local state

	for state in "$pci/$1"/nvme/*/state; do
		[ -e "$state" ] && [ "$(< "$state")" = live ]
		return
	done
}

# nvme_device BDF: the character device of one that the kernel drives.
nvme_device()
{
	echo "/dev/$(basename "$pci/$1"/nvme/nvme*)"
}

# nvme_controllers: lines "ID NUMBER" of controllers that can be virtual functions, from 1.
nvme_controllers()
{
	nvme list-secondary "$1" --output-format=json |
		jq -r '."secondary-controllers"[] |
			"\(."secondary-controller-identifier") \(."virtual-function-number")"'
}

# nvme_resources PF CONTROLLER QUEUES INTERRUPTS: of a virtual function, which goes online.
# QUEUES has the pair of admin commands in it.
nvme_resources()
{
	nvme virt-mgmt "$1" --cntlid="$2" --act=7
	nvme virt-mgmt "$1" --cntlid="$2" --rt=0 --act=8 --nr="$3" &&
		nvme virt-mgmt "$1" --cntlid="$2" --rt=1 --act=8 --nr="$4" &&
		nvme virt-mgmt "$1" --cntlid="$2" --act=9
}

# nvme_make_vfs N: N virtual functions, without a driver, each online with two I/O queue pairs
# and two interrupts. What the physical function had of either beyond its own goes to them.
nvme_make_vfs()
{
	local pf dev id number

	pf=$(nvme_pf_bdf)
	nvme_bind_kernel "$pf" || return
	dev=$(nvme_device "$pf")
	nvme virt-mgmt "$dev" --cntlid=0 --rt=1 --act=1 --nr=0 &&
		nvme virt-mgmt "$dev" --cntlid=0 --rt=0 --act=1 --nr=0 &&
		nvme reset "$dev" && wait_until nvme_live "$pf" || return
	echo 0 > "$pci/$pf/sriov_drivers_autoprobe" &&
		echo "$1" > "$pci/$pf/sriov_numvfs" || return
	while read -r id number; do
		[ "$number" -gt "$1" ] || nvme_resources "$dev" "$id" 3 2 || return
	done < <(nvme_controllers "$dev")
}
