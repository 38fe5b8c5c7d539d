#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Several CPUs, topologies and NUMA nodes as the guest sees them.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 6
images 6.12-cloud

guest "test=[+\$(nproc)+=+2+]" -kernel "$elf" -smp 2 && said "guest: status 0"
ok "two CPUs come up"

topology=/sys/devices/system/cpu/cpu3/topology
guest "test=cat+$topology/core_id+$topology/physical_package_id+$topology/thread_siblings_list" \
	-kernel "$elf" -smp 4,sockets=2,cores=1,threads=2 &&
	tr -d '\r' <"$tmp/out" | grep -A2 -x "[0-9]*" | tr '\n' ' ' |
	grep -q "[0-9]* 1 2-3"
ok "sockets and threads"

guest "test=[+\$(nproc)+=+3+]" -kernel "$elf" -smp 3,sockets=1,cores=3 &&
	said "guest: status 0"
ok "a number of cores that is no power of two"

guest "end=reboot test=dmesg|grep+-c+'Brought+up'" -kernel "$elf" -smp 2 \
	-no-reboot && said "guest: status 0"
ok "reboot of two CPUs"

images 6.1-cloud
guest "test=[+\$(nproc)+=+2+]" -kernel "$bzimage" -smp 2 &&
	said "guest: status 0"
ok "two CPUs on 6.1"

node=/sys/devices/system/node
guest "test=cat+$node/node1/cpulist+$node/node0/distance;grep+MemTotal+$node/node*/meminfo" \
	-kernel "$elf" -smp 2 -m 256 -object memory-backend-ram,id=a,size=128M \
	-object memory-backend-memfd,id=b,size=128M \
	-numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b \
	-numa dist,src=0,dst=1,val=21 &&
	tr -d '\r' <"$tmp/out" | grep -qx "1" &&
	said "10 21" && said "Node 1 MemTotal"
ok "two NUMA nodes with their distance"
finish
