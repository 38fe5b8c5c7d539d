#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Several CPUs, topologies and NUMA nodes as the guest sees them.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 6
images 6.12-cloud

guest "end=reboot test=[+\$(nproc)+=+2+]&&echo+two;dmesg|grep+-c+'Brought+up'" \
	-kernel "$elf" -smp 2 -no-reboot
was=$?
[ $was = 0 ] && said "^two"
ok "two CPUs come up"
[ $was = 0 ] && said "guest: status 0"
ok "reboot of two CPUs"

topology=/sys/devices/system/cpu/cpu3/topology
node=/sys/devices/system/node
guest "test=cat+$topology/core_id+$topology/physical_package_id+$topology/thread_siblings_list;\
cat+$node/node1/cpulist+$node/node0/distance;grep+MemTotal+$node/node*/meminfo" \
	-kernel "$elf" -smp 4,sockets=2,cores=1,threads=2 -m 256 \
	-object memory-backend-ram,id=a,size=128M \
	-object memory-backend-memfd,id=b,size=128M \
	-numa node,cpus=0-1,memdev=a -numa node,cpus=2-3,memdev=b \
	-numa dist,src=0,dst=1,val=21
was=$?
tr -d '\r' <"$tmp/out" | grep -v "^guest:" | tr '\n' ' ' >"$tmp/told"
[ $was = 0 ] && grep -q "[0-9]* 1 2-3 " "$tmp/told"
ok "sockets and threads"
[ $was = 0 ] && grep -q " 1 2-3 2-3 10 21 " "$tmp/told" && said "Node 1 MemTotal"
ok "two NUMA nodes with their distance"

guest "test=[+\$(nproc)+=+3+]" -kernel "$elf" -smp 3,sockets=1,cores=3 &&
	said "guest: status 0"
ok "a number of cores that is no power of two"

images 6.1-cloud
guest "test=[+\$(nproc)+=+2+]" -kernel "$bzimage" -smp 2 &&
	said "guest: status 0"
ok "two CPUs on 6.1"
finish
