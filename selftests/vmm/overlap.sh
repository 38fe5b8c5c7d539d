#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# KVM's asynchronous page faults reach a guest's tasks: while one waits for a page
# that is paged to a device of 5 ms, others run. The guest is selftests/guest's
# overlap; it compares what a task computes alone and beside tasks that wait all
# the time, in one run.
#
#   overlap.sh [KERNEL]                   6.1-cloud or 6.12-cloud, the guest's
#   overlap.sh KERNEL move                one whose vCPU moves between processors
#   overlap.sh KERNEL percent [APPEND]    print only what is left of the speed
#
# The test counts what happened and judges no speed, for which few slices of time do;
# the benchmark does, which runs where nothing else goes on.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

kernel=$(basename "${1:-6.12-cloud}")
what=${2-}
# More pages than are touched in that time, if no more than each is waited for.
few="size=32 slices=10"
tracing=/sys/kernel/tracing
# What is told in milliseconds is far below this, in seconds; a wait without end is not.
within=$((10 * ${TARN_SLOW:-1}))
guest_initrd=$top/build/selftests/guest/overlap.cpio
disk_dir=/sys/kernel/config/nullb/tarn0
pool=$tmp/pool
pager=
pid=
program=(tarn-vmm)
guest_input=$tmp/in

# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	exec 9>&-
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	[ -z "$pager" ] || kill "$pager" 2>/dev/null
	wait
	umount "$pool" 2>/dev/null
	if [ -d "$disk_dir" ]; then
		echo 0 >"$disk_dir"/power
		rmdir "$disk_dir"
	fi
	rm -rf "$tmp"
}

# A device that takes 5 ms for each request, by a timer and not by waiting.
make_slow_disk()
{
	modprobe null_blk nr_devices=0 2>/dev/null
	mountpoint -q /sys/kernel/config ||
		mount -t configfs configfs /sys/kernel/config
	mkdir "$disk_dir" || return 1
	echo 512 >"$disk_dir"/size
	echo 4096 >"$disk_dir"/blocksize
	echo 1 >"$disk_dir"/memory_backed
	echo 2 >"$disk_dir"/irqmode
	echo 5000000 >"$disk_dir"/completion_nsec
	echo 1 >"$disk_dir"/power
	until [ -b /dev/tarn0 ]; do sleep 0.1; done
}

start_pager()
{
	tarn-pager --pool "$pool" --device /dev/tarn0 2>"$tmp/pager" &
	pager=$!
	until tarnctl pool show --json "$pool" | jq -e .served >/dev/null; do
		kill -0 "$pager" || return 1
		sleep 0.1
	done
}

# start_guest APPEND WORDS [OPTION...]: up to where its memory is filled and paged.
start_guest()
{
	local append=$1 words=$2

	shift 2
	# Commas belong to the options.
	# shellcheck disable=SC2054
	guest_command=("${program[@]}" -m 192 -cpu host -display none -serial stdio
		-machine pc,memory-backend=ram0 -object
		"memory-backend-file,id=ram0,size=192M,share=on,mem-path=$pool/guest"
		-kernel "$elf" -initrd "$guest_initrd" -append
		"console=ttyS0 quiet panic=-1 $quick $append -- $words"
		-no-reboot "$@")
	guest_tries=2
	rm -f "$guest_input"
	mkfifo "$guest_input"
	launch
	exec 9>"$guest_input"
	await "guest: filled" || return
	tarnctl partition page-out "$pool/guest" >/dev/null
}

go()
{
	echo >&9
}

end_guest()
{
	local was

	wait "$pid"
	was=$?
	pid=
	exec 9>&-
	[ $was = 0 ] && said "guest: done" && [ "$(number wrong)" = 0 ]
}

number()
{
	tr -d '\r' <"$tmp/out" | sed -n "s/^$1 //p"
}

# run_guest APPEND WORDS [OPTION...]
run_guest()
{
	start_guest "$@" && go && end_guest
	local was=$?

	echo "# beside those that wait: $(number percent) % of its speed; $(number touched) pages touched, $(number interrupts) interrupts"
	return $was
}

pending()
{
	tarnctl pool faults --json "$pool" | jq "$1"
}

# While the guest runs: $clean, the most pages that are seen to be as they were
# stored.
watch_clean()
{
	local now

	clean=0
	until said "^percent"; do
		runs || return 1
		now=$(tarnctl partition pages --json "$pool/guest" 2>/dev/null |
			jq '.states.clean // 0')
		[ "${now:-0}" -le "$clean" ] || clean=$now
		sleep 0.5
	done
}

# trace 1, trace 0: keep when page-ins begin and end.
trace()
{
	[ -d $tracing/events ] || mount -t tracefs tracefs $tracing
	[ "$1" = 0 ] || echo >$tracing/trace
	echo "$1" >$tracing/events/tarn/tarn_fault_begin/enable
	echo "$1" >$tracing/events/tarn/tarn_fault_end/enable
}

# The most page-ins that were under way at a time while it was traced.
most_pending()
{
	awk '/ tarn_fault_begin: / { n++ }
		/ tarn_fault_end: / { n-- }
		n > most { most = n }
		END { print most + 0 }' $tracing/trace
}

# Until none is left: what is being read ends by itself.
await_done()
{
	local deadline=$((SECONDS + 60))

	until [ "$(pending .pending)" = 0 ]; do
		[ $SECONDS -lt $deadline ] || return
		sleep 0.1
	done
}

# It is not there any more, or waits for its parent to know.
ended()
{
	local state

	read -r _ _ state _ 2>/dev/null <"/proc/$pid/stat" || return 0
	[ "$state" = Z ]
}

# kill_vmm SIGNAL: it ends by it in time, whatever it waits for.
kill_vmm()
{
	local start=${EPOCHREALTIME/./} deadline=$((SECONDS + within)) was=0

	kill -"$1" "$pid"
	until ended; do
		if [ $SECONDS -ge $deadline ]; then
			was=1
			kill -KILL "$pid"
		fi
		sleep 0.02
	done
	echo "# SIG$1: ended after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	wait "$pid" 2>/dev/null
	pid=
	exec 9>&-
	return $was
}

# shellcheck disable=SC2317 # called by its name
# Its monitor answers, whatever its CPUs and devices wait for. They stop, too, where
# KVM lets a signal end such a wait; else the monitor says what is missing. A reset writes
# to pages that nobody brings, and what is asked behind it is answered all the same.
monitor_answers()
{
	local stops=yes

	[[ $(uname -r) != 6.1.* ]] || stops=
	python3 - "$tmp/qmp" "$within" "$stops" <<-'PY'
	import json, socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(int(sys.argv[2]))
	s.connect(sys.argv[1])
	f = s.makefile("rw")
	f.readline()
	for command in ["qmp_capabilities", "query-status", "query-chardev", "stop", "cont",
	                "query-status", "system_reset", "query-status"]:
	    start = time.monotonic()
	    f.write(json.dumps({"execute": command}) + "\n")
	    f.flush()
	    while True:
	        answer = json.loads(f.readline())
	        if "event" not in answer:
	            break
	    print("# %s: answered after %d ms" % (command, (time.monotonic() - start) * 1000))
	    if "return" not in answer and (sys.argv[3] or command.startswith("q")):
	        sys.exit(str(answer))
	PY
}

# shellcheck disable=SC2317 # called by its name
lose_pager_and_ask()
{
	lose_pager
	monitor_answers
	answered=$?
	return 0
}

# await_pending COUNT: so many page-ins are under way, as long as a guest makes them.
await_pending()
{
	local deadline=$((SECONDS + 120))

	until [ "$(pending .pending)" -ge "$1" ]; do
		runs && ! said "^percent" && [ $SECONDS -lt $deadline ] || return
		sleep 0.05
	done
}

# kill_while_pending SIGNAL COMMAND: the VMM, while page-ins are under way after the
# command. Without a pager one may be all there is: what the guest's kernel itself
# waits for, all of it waits for.
kill_while_pending()
{
	local was

	start_guest "" "touchers=8 slices=1000" \
		-qmp "unix:$tmp/qmp,server=on,wait=off" || return 1
	go
	await_pending 2 && "$2" && await_pending 1
	was=$?
	kill_vmm "$1" || was=1
	return $was
}

lose_pager()
{
	kill -KILL "$pager"
	wait "$pager" 2>/dev/null
	pager=
}

# Nothing holds the module any more: it goes, and comes back for others.
reload_module()
{
	local ko

	ko=$top/build/kmod/$(uname -r)/kmod/tarn.ko
	if [ ! -e "$ko" ]; then
		[ "$(cat /sys/module/tarn/refcnt)" = 0 ]
		return
	fi
	rmmod tarn && insmod "$ko"
}

count_tests()
{
	run_guest preempt=none "$few" && [ "$(number interrupts)" -gt 0 ] &&
		[ "$(number touched)" -ge 50 ]
	ok "one task computes while another waits for pages, without preemption"
	await_done
	[ "$(pending .done)" -ge 50 ]
	ok "each wait had a number, and all are done"

	run_guest "no-kvmapf" "$few" && [ "$(number interrupts)" = 0 ]
	ok "a guest that does without gets the right pages"

	trace 1
	start_guest preempt=full "touchers=8 write=50 $few" && go && watch_clean && end_guest
	ok "several tasks wait, with preemption"
	trace 0
	echo "# $(most_pending) at a time, $(number touched) pages touched, $clean clean"
	[ "$(most_pending)" -ge 3 ]
	ok "at a time"
	[ "$clean" -ge $(($(number touched) / 4)) ]
	ok "what they only read stays clean"

	run_guest "" "touchers=4 write=20 $few" -smp 2 &&
		[ "$(number interrupts)" -gt 0 ]
	ok "two vCPUs on one CPU"
}

qemu_test()
{
	if ! command -v qemu-system-x86_64 >/dev/null; then
		skip "a guest of stock QEMU" "there is none"
		return
	fi
	program=(qemu-system-x86_64 -nodefaults -no-user-config -accel kvm)
	run_guest "" "$few" && [ "$(number interrupts)" -gt 0 ]
	ok "a guest of stock QEMU"
	program=(tarn-vmm)
	rm "$pool/guest"
}

# Of a partition whose VMM has ended: no frame, no number, no partition. One that was
# told to end has removed the file by itself. The module lets go of a VM, and the
# kernel of a pager's ring, a while after their processes have ended.
nothing_left()
{
	local left deadline=$((SECONDS + 30))

	rm -f "$pool/guest"
	while :; do
		left=$(tarnctl pool show --json "$pool" |
			jq -c '[.partitions, .faults_pending, .frames - .free_frames]')
		[ "$left" != "[0,0,0]" ] || return 0
		[ $SECONDS -lt $deadline ] || break
		sleep 0.5
	done
	echo "# left: $left"
	return 1
}

# The vCPU's thread goes from one processor to another all the time.
move_vcpu()
{
	local tid cpu last

	last=$(($(nproc) - 1))
	tid=$(grep -l "CPU 0" /proc/"$pid"/task/*/comm | cut -d/ -f5)
	moves=0
	until said "^percent"; do
		for cpu in 0 $last; do
			taskset -pc "$cpu" "$tid" >/dev/null || return 1
			moves=$((moves + 1))
			sleep 0.02
		done
	done
}

move_test()
{
	start_guest "" "touchers=4 write=20 $few" && go && move_vcpu &&
		end_guest && [ "$(number interrupts)" -gt 0 ]
	ok "a vCPU that moves between processors"
	echo "# moved $moves times; $(number touched) pages touched"
}

kill_tests()
{
	kill_while_pending KILL true
	ok "the VMM is killed while page-ins are read"
	await_done
	nothing_left
	ok "nothing of it is left"
	kill_while_pending KILL lose_pager && await_done
	ok "the VMM is killed while page-ins wait for a pager"
	nothing_left
	ok "nothing of that is left"
	answered=1
	start_pager && kill_while_pending TERM lose_pager_and_ask && await_done
	ok "a VMM that is told to end does while page-ins wait for a pager"
	[ "$answered" = 0 ]
	ok "its monitor answered meanwhile"
	nothing_left
	ok "nothing of that is left, either"
	umount "$pool" && reload_module
	ok "nor in the module"
}

command -v jq >/dev/null || skip_all "there is no jq"
[ -e "$guest_initrd" ] || skip_all "the guest is not built"
kernel_images "$kernel"
trap clean_up EXIT
mkdir "$pool"
make_slow_disk || skip_all "no null_blk here"
mount -t tarnfs -o size=512M,huge=never tarn "$pool" || skip_all "no tarnfs"
start_pager || skip_all "no pager"
# Each page is to be waited for by itself.
tarnctl pool set "$pool" readahead=0

if [ "$what" = percent ]; then
	run_guest "${3-}" "" >/dev/null && number percent
	exit
fi
if [ "$what" = move ]; then
	[ "$(nproc)" -ge 2 ] || skip_all "one processor"
	plan 1
	move_test
	finish
fi
plan 16
count_tests
qemu_test
kill_tests
finish
