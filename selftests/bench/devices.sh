# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Devices, pools, swap and cgroups of the benchmarks, sourced inside L1.
#
# Devices are null_blk with its content in memory. "fast" completes at once, so
# the CPU cost of a path decides; "ssd" completes after 2 ms by a timer, which
# stands for an 80 us SSD on a machine whose emulated CPU is some 25 times
# slower than a real one. Both sides of a comparison get a device of their own
# with the same settings, written once from end to end, so that neither pays
# for its first use. Discard is off: a block keeps its memory, as on a disk.

NULLB=/sys/kernel/config/nullb
CGROUP=/sys/fs/cgroup/bench
POOL=/run/tarn/bench

die() {
	echo "bench: $*" >&2
	exit 1
}

nullb_setup() {
	modprobe configfs 2>/dev/null || :
	modprobe null_blk nr_devices=0 || die "no null_blk in this kernel"
	mountpoint -q /sys/kernel/config ||
		mount -t configfs configfs /sys/kernel/config ||
		die "cannot mount configfs"
}

# nullb_create NAME fast|ssd MIB
nullb_create() {
	mkdir "$NULLB/$1" || die "cannot create the device $1"
	(
		cd "$NULLB/$1" || exit 1
		echo "$3" >size
		echo 4096 >blocksize
		echo 1 >memory_backed
		nproc >submit_queues
		echo 256 >hw_queue_depth
		if [ "$2" = ssd ]; then
			echo 2 >irqmode
			echo 2000000 >completion_nsec
		else
			echo 0 >irqmode
		fi
		echo 1 >power
	) || die "cannot set up the device $1"
	echo none >"/sys/block/$(basename "$(nullb_path "$1")")/queue/scheduler"
	dd if=/dev/zero of="$(nullb_path "$1")" bs=4M count="$(($3 / 4))" \
		oflag=direct status=none || die "cannot write to the device $1"
}

# Newer kernels name the disk as the item of configfs, older ones count.
nullb_path() {
	if [ -b "/dev/$1" ]; then
		echo "/dev/$1"
	else
		echo "/dev/nullb$(cat "$NULLB/$1/index")"
	fi
}

nullb_destroy() {
	[ -d "$NULLB/$1" ] || return 0
	echo 0 >"$NULLB/$1/power"
	rmdir "$NULLB/$1"
}

cgroup_setup() {
	mountpoint -q /sys/fs/cgroup ||
		mount -t cgroup2 none /sys/fs/cgroup ||
		die "cannot mount cgroup2"
	grep -qw memory /sys/fs/cgroup/cgroup.subtree_control ||
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control ||
		die "no memory controller"
	mkdir -p "$CGROUP"
}

# in_cgroup MAX COMMAND...: run it with memory.max set
in_cgroup() {
	echo "$1" >"$CGROUP/memory.max"
	shift
	sh -c 'echo $$ >"$0"/cgroup.procs && exec "$@"' "$CGROUP" "$@"
}

# Swap as it does best here, of what an administrator would sanely set: no
# cluster read-ahead (the pages drawn are not neighbours; with the default of 3
# the zipf figure is a quarter lower) and the multi-generational LRU (a tenth
# better than without).
swap_setup() {
	echo 0 >/proc/sys/vm/page-cluster
	[ ! -e /sys/kernel/mm/lru_gen/enabled ] ||
		echo y >/sys/kernel/mm/lru_gen/enabled
}

# with_swap COMMAND...: run it with swap on the device "peer"
with_swap() {
	mkswap "$(nullb_path peer)" >/dev/null || return 1
	swapon "$(nullb_path peer)" || return 1
	"$@"
	with_status=$?
	swapoff "$(nullb_path peer)" || return 1
	return $with_status
}

# pool_mount SIZE [none]: mount a pool, with paging unless none
pool_mount() {
	mkdir -p "$POOL"
	mount -t tarnfs -o "size=$1,paging=${2:-pager}" tarn "$POOL"
}

# The pager of the pool, the only one, on the device "ours".
pager_start() {
	# shellcheck disable=SC2086
	tarn-pager --pool "$POOL" --device "$(nullb_path ours)" --force \
		$TARN_BENCH_PAGER_OPTIONS >/tmp/pager.log 2>&1 &
	PAGER=$!
	for _ in $(seq 200); do
		[ $(($(cat /sys/fs/tarn/*/flags) & 2)) = 0 ] || return 0
		kill -0 "$PAGER" 2>/dev/null || break
		sleep 0.05
	done
	echo "bench: the pager did not start:" >&2
	cat /tmp/pager.log >&2
	return 1
}

pager_stop() {
	kill "$PAGER"
	wait "$PAGER" 2>/dev/null || :
}

# with_pool SIZE COMMAND...: run it with a pool and its pager
with_pool() {
	pool_mount "$1" || return 1
	shift
	if pager_start; then
		"$@"
		with_status=$?
		pager_stop
	else
		with_status=1
	fi
	umount "$POOL" || return 1
	return $with_status
}
