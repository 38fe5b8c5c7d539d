# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# What is compared, sourced inside L1. run_SERIES makes one run and prints one
# number; group_NAME says which device the series of a group use and which
# series they are. Series of a group run in turn: A B C A B C ...
#
# Equal on all sides: the settings and the size of the device, the number of
# threads and CPUs, the sequence of accesses (seed), 4 KiB pages, and the memory
# that a side may use. Only the faulting process is limited; what serves it
# (the kernel's swap, the pager's own memory) is not counted on any side.

PAGEIN_SIZE=256M
PAGEOUT_SIZE=64M
# A process of 96 MiB is given 48 MiB. A memory cgroup counts the rest of the
# process too: its program, stacks, the tables of the benchmark, page tables.
# The allowance for them was measured, and is rounded up in favour of the peer.
ZIPF_SIZE=96M
ZIPF_POOL=48M
ZIPF_PAGES=12288
ZIPF_CGROUP=$(((48 + 4) << 20))
# Of a distribution whose best fifth of 16384 pages has 97 % of the accesses.
STEEP=1.3

group_latency() {
	DEVICE="ssd 320"
	SERIES="tarn_latency raw_latency"
}

group_rate() {
	DEVICE="fast 320"
	SERIES="tarn_rate swap_rate uffd_rate"
}

group_store_ssd() {
	DEVICE="ssd 320"
	SERIES="tarn_store_ssd raw_store_ssd"
}

group_store() {
	DEVICE="fast 320"
	SERIES="tarn_store swap_store"
}

group_zipf() {
	DEVICE="ssd 192"
	SERIES="tarn_zipf swap_zipf uffd_zipf"
}

group_sweep() {
	DEVICE="ssd 192"
	SERIES="tarn_sweep swap_sweep"
}

group_scan() {
	DEVICE="fast 64"
	SERIES="tarn_scan damon_scan"
}

group_touch() {
	DEVICE=
	SERIES="tarn_touch memfd_touch"
}

group_touch_2() {
	DEVICE=
	SERIES="tarn_touch_2 memfd_touch_2"
}

group_touch_4() {
	DEVICE=
	SERIES="tarn_touch_4 memfd_touch_4"
}

group_touch2m() {
	DEVICE=
	SERIES="tarn_touch2m memfd_touch2m"
}

group_store2m() {
	DEVICE="fast 320"
	SERIES="tarn_store2m tarn_store"
}

group_relocate() {
	DEVICE=
	SERIES="tarn_relocate linux_relocate"
}

group_relocate_touched() {
	DEVICE=
	SERIES="tarn_relocate_touched linux_relocate_touched"
}

group_local() {
	DEVICE=
	SERIES="tarn_local_class tarn_local_density tarn_local_refault linux_local"
}

group_local_steep() {
	DEVICE=
	SERIES="tarn_local_steep linux_local_steep"
}

group_local_blocks() {
	DEVICE=
	SERIES="tarn_blocks_class tarn_blocks_density tarn_blocks_refault"
}

group_local_refaults() {
	DEVICE="fast 320"
	SERIES="tarn_refaults_class tarn_refaults_density tarn_refaults_refault"
}

group_search() {
	DEVICE=
	SERIES="tarn_search words_search"
}

group_search_zero() {
	DEVICE=
	SERIES="tarn_search_zero vectors_search_zero"
}

group_breaks() {
	DEVICE=
	SERIES="tarn_breaks memfd_breaks"
}

group_merges() {
	DEVICE=
	SERIES="tarn_merges ksm_merges"
}

group_inflate() {
	DEVICE=
	SERIES="tarn_inflate memfd_inflate"
}

# value KEY COMMAND...: run it, print what it says for KEY
value() {
	value_key=$1
	shift
	value_out=$("$@") || return
	[ -z "$VERBOSE" ] || echo "$value_out" | sed 's/^/    /' >&2
	echo "$value_out" | awk -v key="$value_key" '$1 == key { print $2 }'
}

run_tarn_latency() {
	with_pool 320M value p50_us pagein --memory "tarn:$POOL/x" \
		--size "$PAGEIN_SIZE" --threads 1 --part 32
}

run_raw_latency() {
	value p50_us rawio --device "$(nullb_path peer)" --plain --count 2048
}

run_tarn_rate() {
	with_pool 320M value rate pagein --memory "tarn:$POOL/x" \
		--size "$PAGEIN_SIZE" --threads 8
}

run_swap_rate() {
	with_swap value rate in_cgroup max pagein --memory swap \
		--size "$PAGEIN_SIZE" --threads 8
}

run_uffd_rate() {
	value rate pagein --memory "uffd:$(nullb_path peer):81920" \
		--size "$PAGEIN_SIZE" --threads 8
}

run_tarn_store() {
	with_pool 128M value mbps pageout --memory "tarn:$POOL/x" \
		--size "$PAGEOUT_SIZE"
}

run_swap_store() {
	with_swap value mbps in_cgroup max pageout --memory swap \
		--size "$PAGEOUT_SIZE"
}

run_tarn_store_ssd() {
	run_tarn_store
}

# The unit of paging is 4 KiB, so that is what is written.
run_raw_store_ssd() {
	value mbps rawio --device "$(nullb_path peer)" --write --sequential \
		--depth 32 --count 16384
}

run_tarn_zipf() {
	with_pool "$ZIPF_POOL" value ops zipf --memory "tarn:$POOL/x" \
		--size "$ZIPF_SIZE"
}

run_swap_zipf() {
	with_swap value ops in_cgroup "$ZIPF_CGROUP" zipf --memory swap \
		--size "$ZIPF_SIZE"
}

run_uffd_zipf() {
	value ops zipf --memory "uffd:$(nullb_path peer):$ZIPF_PAGES" \
		--size "$ZIPF_SIZE"
}

run_tarn_sweep() {
	with_pool "$ZIPF_POOL" value hits hotset --memory "tarn:$POOL/x" \
		--size "$ZIPF_SIZE"
}

run_swap_sweep() {
	with_swap value hits in_cgroup "$ZIPF_CGROUP" hotset --memory swap \
		--size "$ZIPF_SIZE"
}

# No page moves here: what is compared is looking alone.
run_tarn_scan() {
	with_pool 64M value ns scancost --memory "tarn:$POOL/x"
}

run_damon_scan() {
	value ns scancost --memory swap
}

run_tarn_touch() {
	with_frames 192M value ns firsttouch --memory "tarn:$POOL/x"
}

run_memfd_touch() {
	value ns firsttouch --memory memfd
}

# Threads that each touch a part of it, a processor each.
run_tarn_touch_2() {
	with_frames 192M value ns firsttouch --memory "tarn:$POOL/x" --threads 2
}

run_memfd_touch_2() {
	value ns firsttouch --memory memfd --threads 2
}

run_tarn_touch_4() {
	with_frames 192M value ns firsttouch --memory "tarn:$POOL/x" --threads 4
}

run_memfd_touch_4() {
	value ns firsttouch --memory memfd --threads 4
}

run_tarn_touch2m() {
	with_frames 192M value ns firsttouch --memory "tarn2m:$POOL/x"
}

# Its pages come from the kernel in one piece as well, as long as there are such.
run_memfd_touch2m() {
	echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	echo 1 >/proc/sys/vm/compact_memory
	value ns firsttouch --memory memfd2m
}

run_tarn_store2m() {
	with_pool 128M value mbps pageout --memory "tarn2m:$POOL/x" \
		--size "$PAGEOUT_SIZE"
}

# with_frames SIZE COMMAND...: run it with a pool that nothing is paged of
with_frames() {
	pool_mount "$1" none || return 1
	shift
	"$@"
	with_status=$?
	umount "$POOL" || return 1
	return $with_status
}

run_tarn_relocate() {
	with_frames 256M value mbps relocate --memory "tarn:$POOL/x"
}

run_linux_relocate() {
	value mbps relocate --memory swap
}

run_tarn_relocate_touched() {
	with_frames 256M value mbps_touched relocate --memory "tarn:$POOL/x"
}

run_linux_relocate_touched() {
	value mbps_touched relocate --memory swap
}

# placed ORDER COMMAND...: the scanner may use 25 times as much of a processor that is as
# much slower than a real one, so that its rounds are as long.
placed() {
	tarnctl pool set "$POOL" --placement "$1" scan=50% || return 1
	shift
	"$@"
}

tarn_local() {
	with_frames 256M placed "$1" value of_best homeward --memory "tarn:$POOL/x"
}

run_tarn_local_class() {
	tarn_local class
}

run_tarn_local_density() {
	tarn_local density
}

run_tarn_local_refault() {
	tarn_local refault
}

run_linux_local() {
	value of_best homeward --memory swap
}

# So steep that the best fifth of the pages has more than 90 % of the accesses: what is
# local is a part of all of them.
run_tarn_local_steep() {
	with_frames 256M placed class value local homeward --memory "tarn:$POOL/x" \
		--theta "$STEEP"
}

run_linux_local_steep() {
	value local homeward --memory swap --theta "$STEEP"
}

tarn_blocks() {
	with_frames 256M placed "$1" value of_best homeward --memory "tarn:$POOL/x" \
		--load blocks
}

run_tarn_blocks_class() {
	tarn_blocks class
}

run_tarn_blocks_density() {
	tarn_blocks density
}

run_tarn_blocks_refault() {
	tarn_blocks refault
}

tarn_refaults() {
	with_pool 256M placed "$1" value of_best homeward --memory "tarn:$POOL/x" \
		--load refaults
}

run_tarn_refaults_class() {
	tarn_refaults class
}

run_tarn_refaults_density() {
	tarn_refaults density
}

run_tarn_refaults_refault() {
	tarn_refaults refault
}

# with_pagerless SIZE COMMAND...: run it with a pool that may page and has no pager
with_pagerless() {
	pool_mount "$1" || return 1
	shift
	"$@"
	with_status=$?
	umount "$POOL" || return 1
	return $with_status
}

# quiet COMMAND...: the scanner does nothing by itself: what is shared, or a pattern, is
# what COMMAND says
quiet() {
	tarnctl pool set "$POOL" scan=0 promote=0 || return 1
	"$@"
}

# searched KEY [OPTION...]: pages of which a word near the end is read as well
searched() {
	searched_key=$1
	shift
	with_pagerless 128M quiet value "$searched_key" search --memory "tarn:$POOL/x" "$@"
}

run_tarn_search() {
	searched mbps
}

# The same process in another run, so that sides come in turn as elsewhere.
run_words_search() {
	searched peer_mbps
}

run_tarn_search_zero() {
	searched mbps --zero
}

run_vectors_search_zero() {
	searched peer_mbps --zero
}

run_tarn_breaks() {
	with_pagerless 128M quiet value ns breaks --memory "tarn:$POOL/x"
}

run_memfd_breaks() {
	value ns breaks --memory memfd
}

run_tarn_merges() {
	with_pagerless 192M quiet value rate merges --memory "tarn:$POOL/x"
}

run_ksm_merges() {
	value rate merges --memory swap
}

run_tarn_inflate() {
	with_pagerless 128M quiet value mibps inflate --memory "tarn:$POOL/x"
}

run_memfd_inflate() {
	value mibps inflate --memory memfd
}
