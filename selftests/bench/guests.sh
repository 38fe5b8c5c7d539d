# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# The comparisons that need guests, sourced inside L1 (see sides.sh). All guests
# run the same kernel and initramfs with the same command line on one CPU.

KERNEL=$TARN_BENCH_GUEST_KERNEL
KERNEL_BZ=$TARN_BENCH_GUEST_BZIMAGE
INITRD=$TOP/build/selftests/guest/guest.cpio
APPEND="console=ttyS0 quiet panic=-1 reboot=k tsc=reliable no_timer_check"
APPEND="$APPEND cryptomgr.notests random.trust_cpu=on mitigations=off"

# A guest of 192 MiB is given 96. QEMU's own memory is counted by the cgroup as
# well, so it gets what it takes beside the guest (QEMU 7.2 with this machine and
# a bzImage), rounded up.
GUEST_MIB=192
GUEST_POOL=96M
GUEST_CGROUP=$(((96 + 32) << 20))
GUEST_WORK="zipf size=104 threads=4 warm=40000 ops=100000"
BOOT_MIB=256
# A guest without a kernel, which wants this much.
HOLD=$TOP/build/selftests/guest/hold
HOLD_MIB=256
SAVE=/tmp/save
# More than any TLB covers with 4 KiB pages.
TOUCH_MIB=640
TOUCH_WORK="touch size=512 ops=2000000"

group_guest_zipf() {
	DEVICE="ssd 320"
	SERIES="tarn_guest_zipf qemu_guest_zipf"
}

group_guest_fill() {
	DEVICE=
	SERIES="tarn_fill thp_fill"
}

group_guest_walk() {
	DEVICE=
	SERIES="tarn_walk tarn_walk_4k thp_walk"
}

group_boot() {
	DEVICE=
	SERIES="tarn_boot qemu_boot"
}

group_private() {
	DEVICE=
	SERIES="tarn_private"
}

group_save() {
	DEVICE="ssd 320"
	SERIES="tarn_saved_mib qemu_saved_mib tarn_save_ms qemu_save_ms"
	SERIES="$SERIES tarn_restore_ms qemu_restore_ms"
}

group_overlap() {
	DEVICE=
	SERIES="tarn_overlap without_overlap"
}

group_hypercall() {
	DEVICE=
	SERIES="tarn_hypercall kvm_hypercall"
}

# tarn_vmm MIB WORK: a guest in the pool. $LAUNCH comes before the command.
tarn_vmm() {
	$LAUNCH tarn-vmm -machine pc,accel=kvm,memory-backend=ram -cpu host \
		-m "$1" -smp 1 -display none -no-reboot -serial stdio \
		-object "memory-backend-file,id=ram,size=$1M,mem-path=$POOL/guest,share=on" \
		-kernel "$KERNEL" -initrd "$INITRD" -append "$APPEND -- $2" \
		</dev/null
	guest_status=$?
	rm -f "$POOL/guest"
	return $guest_status
}

# qemu MACHINE KERNEL MIB WORK [OPTION...]: the same in QEMU, in memory of its own
qemu() {
	qemu_machine=$1 qemu_kernel=$2 qemu_mib=$3 qemu_work=$4
	shift 4
	$LAUNCH qemu-system-x86_64 -nodefaults -no-user-config \
		-machine "$qemu_machine,accel=kvm" -cpu host \
		-m "$qemu_mib" -smp 1 -display none -no-reboot -serial stdio \
		-kernel "$qemu_kernel" -initrd "$INITRD" \
		-append "$APPEND -- $qemu_work" "$@" </dev/null | tr -d '\r'
}

run_tarn_guest_zipf() {
	LAUNCH=launch
	with_pool "$GUEST_POOL" value ops tarn_vmm "$GUEST_MIB" "$GUEST_WORK"
}

# Private anonymous memory, QEMU's default: swap of shared memory is slower.
run_qemu_guest_zipf() {
	LAUNCH="in_cgroup $GUEST_CGROUP launch"
	with_swap value ops qemu pc "$KERNEL_BZ" "$GUEST_MIB" "$GUEST_WORK"
}

# qemu_thp MIB WORK: QEMU in shared memory of huge pages. A memfd of its own it maps
# wherever there is room, so that none of them would be mapped as a whole.
qemu_thp() {
	mkdir -p /tmp/thp
	mount -t tmpfs -o "size=$1M,huge=always" tmpfs /tmp/thp || return 1
	echo 1 >/proc/sys/vm/compact_memory
	qemu "pc,memory-backend=ram" "$KERNEL_BZ" "$1" "$2" -object \
		"memory-backend-file,id=ram,size=$1M,share=on,mem-path=/tmp/thp/guest,align=2M"
	thp_status=$?
	umount /tmp/thp || return 1
	return $thp_status
}

run_tarn_fill() {
	LAUNCH=
	with_frames 768M value touch_ns tarn_vmm "$TOUCH_MIB" "$TOUCH_WORK"
}

run_thp_fill() {
	LAUNCH=
	value touch_ns qemu_thp "$TOUCH_MIB" "$TOUCH_WORK"
}

run_tarn_walk() {
	LAUNCH=
	with_frames 768M value walk_ns tarn_vmm "$TOUCH_MIB" "$TOUCH_WORK"
}

run_tarn_walk_4k() {
	LAUNCH=
	with_frames 768M,huge=never value walk_ns tarn_vmm "$TOUCH_MIB" "$TOUCH_WORK"
}

run_thp_walk() {
	LAUNCH=
	value walk_ns qemu_thp "$TOUCH_MIB" "$TOUCH_WORK"
}

# with_idle_pool COMMAND...: run it with a pool that has room and no pager
with_idle_pool() {
	pool_mount 512M none || return 1
	"$@"
	with_status=$?
	umount "$POOL" || return 1
	return $with_status
}

run_tarn_boot() {
	LAUNCH="launch --until-mark"
	with_idle_pool value mark_ms tarn_vmm "$BOOT_MIB" boot
}

run_qemu_boot() {
	LAUNCH="launch --until-mark"
	value mark_ms qemu microvm "$KERNEL" "$BOOT_MIB" boot
}

run_tarn_private() {
	LAUNCH="launch --until-mark --private $POOL/guest"
	with_idle_pool value private_mib tarn_vmm "$BOOT_MIB" wait
}

# What a task keeps of its speed beside one that waits for pages of 5 ms.
run_tarn_overlap() {
	"$TOP/selftests/vmm/overlap.sh" 6.12-cloud percent
}

# In a guest that knows no asynchronous page faults.
run_without_overlap() {
	"$TOP/selftests/vmm/overlap.sh" 6.12-cloud percent no-kvmapf
}

run_tarn_hypercall() {
	value tarn_call_ns "$TOP/build/selftests/hypercall/cost"
}

# While no partition knows the VM, as if there were no Tarn.
run_kvm_hypercall() {
	value kvm_call_detached_ns "$TOP/build/selftests/hypercall/cost"
}

# once_a_run NAME KEY COMMAND...: print what COMMAND says for KEY. It runs once in a run
# ($run, of measure), for all series that ask it under that name.
once_a_run() {
	once_out=/tmp/once.$1.${run:?}
	once_key=$2
	shift 2
	if [ ! -e "$once_out" ]; then
		once_said=$("$@") || return
		echo "$once_said" >"$once_out"
	fi
	value "$once_key" cat "$once_out"
}

# with_saves DEVICE COMMAND...: run it with a new filesystem on the device, at $SAVE.
# "again" then takes all that is in the page cache of it away.
with_saves() {
	save_device=$(nullb_path "$1")
	shift
	mkdir -p "$SAVE"
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$save_device" &&
		mount -t ext4 "$save_device" "$SAVE" || return 1
	again="umount $SAVE && mount -t ext4 $save_device $SAVE"
	"$@"
	with_status=$?
	umount "$SAVE" || return 1
	return $with_status
}

# saved OPTION... VMM...
saved() {
	saves --file "$SAVE/guest" --socket /tmp/save.socket --between "$again" "$@"
}

# Where what is used is known sooner than by 2 % of such a processor.
tarn_saved() {
	tarnctl pool set "$POOL" scan=20% || return 1
	saved --partition "$POOL/guest" tarn-vmm -cpu host -m "$HOLD_MIB" -smp 1 \
		-machine pc,accel=kvm,memory-backend=ram \
		-object "memory-backend-file,id=ram,size=${HOLD_MIB}M,mem-path=$POOL/guest,share=on" \
		-display none -serial stdio -kernel "$HOLD"
}

qemu_saved() {
	saved --fd qemu-system-x86_64 -nodefaults -no-user-config -cpu host \
		-m "$HOLD_MIB" -smp 1 -machine pc,accel=kvm \
		-display none -serial stdio -kernel "$HOLD"
}

tarn_save() {
	once_a_run tarn_save "$1" with_saves ours with_pagerless 384M tarn_saved
}

qemu_save() {
	once_a_run qemu_save "$1" with_saves peer qemu_saved
}

run_tarn_saved_mib() {
	tarn_save saved_mib
}

run_qemu_saved_mib() {
	qemu_save saved_mib
}

run_tarn_save_ms() {
	tarn_save save_ms
}

run_qemu_save_ms() {
	qemu_save save_ms
}

run_tarn_restore_ms() {
	tarn_save restore_ms
}

run_qemu_restore_ms() {
	qemu_save restore_ms
}
