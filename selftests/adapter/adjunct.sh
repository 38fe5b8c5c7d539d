#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests with a function of an NVMe adapter that an adjunct drives, in an L1 with --nvme:
# what they write is on the namespace; who is entered how often and on whose time; crashes,
# a pause, a reset, unplugging, and going on with another disk.

# shellcheck source=selftests/adapter/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/../vmm/lib.sh"
# shellcheck source=selftests/vmm/qmp.sh
. "$here/qmp.sh"

debugfs=/sys/kernel/debug/kvm
guest_input=$tmp/in
mkfifo "$guest_input"
exec 9<>"$guest_input"
adapter=$here/../adapter
fault_image=$top/build/selftests/adapter/adjunct-fault
bdf=$(nvme_plain_bdf)
[ -n "$bdf" ] || skip_all "there is no NVMe function: run it in an L1 with --nvme"
[ -e "$fault_image" ] || skip_all "the image of tests is not built"
done_before=0

make_script()
{
	{ cat "$adapter/adjunct-guest"; echo exit; } >"$tmp/script.text"
	truncate -s %4096 "$tmp/script.text"
	# A whole number of sectors; the shell stops at "exit".
	tr '\0' '\n' <"$tmp/script.text" >"$tmp/script"
}

# launch_guest SERIAL [OPTION...]: a guest with a disk on the node "store", and a monitor.
launch_guest()
{
	local serial=$1
	shift

	# The driver of NVMe is built into this kernel.
	guest_start "panic=-1 initcall_blacklist=nvme_init wait test=sh+/dev/vda" -kernel "$elf" -no-reboot \
		-qmp "unix:$tmp/qmp,server=on,wait=off" \
		-blockdev "driver=raw,node-name=script,read-only=on,file.driver=file,file.filename=$tmp/script" \
		-device virtio-blk-pci,drive=script,serial=tarn-script \
		"$@" -blockdev driver=raw,node-name=disk,file=store,discard=unmap \
		-device "virtio-blk-pci,id=nvme0,drive=disk,serial=$serial"
}

# start SERIAL SETTINGS [OPTION...]: the same, with an adjunct; until it is ready.
start()
{
	local serial=$1 settings=$2
	shift 2

	launch_guest "$serial" "$@" -object "tarn-adjunct,id=adj0,device=$bdf$settings" \
		-blockdev "driver=nvme,node-name=store,device=$bdf,namespace=1,discard=unmap"
	done_before=0
	await "guest: ready" || return
	qmp_open "$tmp/qmp"
}

# in_guest COMMAND: run it there; fails as it does.
in_guest()
{
	echo "$1" >&9
	done_before=$((done_before + 1))
	await "guest: done $done_before " && said "guest: done $done_before status 0"
}

end()
{
	qmp_close
	echo "poweroff -f" >&9
	await_end
}

guest_results()
{
	local line

	while read -r line; do
		line=${line%$'\r'}
		case $line in
		"guest ok "*)		ok "${line#guest ok }" ;;
		"guest not ok "*)	false
					ok "${line#guest not ok }" ;;
		esac
	done < <(grep -a "^guest \(not \)\?ok" "$tmp/out")
}

# stat NAME: a count of the adjunct's.
stat_of()
{
	qmp x-query-adjunct '{}' | jq ".return[0].stats[\"$1\"]"
}

flushes()
{
	cat "$debugfs/$pid"-*/tlb_flush | tr '\n' ' '
}

# runtime NAME: ns that the thread of that name has run.
runtime()
{
	local task

	for task in /proc/"$pid"/task/*; do
		[ "$(< "$task/comm")" != "$1" ] || cut -d' ' -f1 "$task/schedstat"
	done
}

on_namespace()
{
	local sum

	sum=$(sed -n 's/^pattern \([0-9a-f]*\).*/\1/p' "$tmp/out" | tail -n 1)
	nvme_bind_kernel "$bdf" || return
	dev=$(echo "$pci/$bdf"/nvme/nvme*/nvme*n1)
	dev=/dev/${dev##*/}
	[ "$(dd if="$dev" bs=1M skip=1 count=4 iflag=direct status=none | md5sum | cut -d' ' -f1)" = "$sum" ]
}

test_donated()
{
	local before after tlb cpu service entries

	start tarn-nvme ,poll-us=20000,watchdog-ms=5000 -smp 1
	ok "a guest on a function comes up"
	guest_results
	[ "$(stat_of errors) $(stat_of stray) $(stat_of restarts)" = "0 0 0" ]
	ok "no error, nothing stray, no restart"

	entries=$(stat_of donated)
	before=$(stat_of service)
	tlb=$(flushes)
	cpu=$(runtime "CPU 0/KVM")
	service=$(runtime "IO adjunct")
	in_guest "dd if=\$disk of=/dev/null bs=4096 count=10000 iflag=direct 2>/dev/null"
	ok "10,000 reads"
	after=$(flushes)
	entries=$(($(stat_of donated) - entries))
	cpu=$(($(runtime "CPU 0/KVM") - cpu))
	service=$(($(runtime "IO adjunct") - service))
	echo "# $entries entries by the vCPU, $(($(stat_of service) - before)) by the service thread"
	echo "# the vCPU has run for $((cpu / 1000000)) ms, the service thread for $((service / 1000000)) ms"
	echo "# translations flushed, of each VM: $tlb then $after"
	[ "$entries" -ge 10000 ]
	ok "the vCPU enters the adjunct, 10,000 times"
	[ "$tlb" = "$after" ]
	ok "no translation of either VM is flushed by that"
	[ $((service * 50)) -lt "$cpu" ]
	ok "the vCPU's thread has paid for it"

	echo "dd if=\$disk of=/dev/null bs=4096 count=4000 iflag=direct 2>/dev/null" >&9
	done_before=$((done_before + 1))
	for _ in 1 2 3; do
		qmp stop '{}' >/dev/null && qmp cont '{}' >/dev/null
	done
	await "guest: done $done_before status 0"
	ok "a pause in the middle of it"
	qmp device_del '{"id":"nvme0"}' >/dev/null && qmp_event '.event == "DEVICE_DELETED"'
	ok "the disk is unplugged"
	qmp device_add '{"driver":"virtio-blk-pci","id":"nvme1","drive":"disk","serial":"tarn-nvme"}' |
		grep -q '"return"' &&
		in_guest "find_again && [ \"\$(read_sum 4096 256 1024)\" = \"\$sum\" ]"
	ok "and plugged in again"
	end
	ok "the guest powers off"
	on_namespace
	ok "the namespace has what the guest wrote"
	nvme_bind_vfio "$bdf"
}

test_thread()
{
	start tarn-nvme ,dispatch=thread,poll-us=1000 -smp 2
	ok "a guest with dispatch=thread comes up"
	[ "$(grep -ac "^guest ok" "$tmp/out") $(grep -ac "^guest not ok" "$tmp/out")" = "6 0" ]
	ok "and finds all in order"
	[ "$(stat_of donated)" = 0 ] && [ "$(stat_of service)" -gt 100 ]
	ok "its vCPUs have never entered"
	test_save
}

# It is saved in the middle of its reads, and goes on with a disk of the kernel's driver.
test_save()
{
	echo "dd if=\$disk of=/tmp/read bs=4096 count=4000 iflag=direct 2>/dev/null" >&9
	done_before=$((done_before + 1))
	pause 1
	qmp migrate "{\"uri\":\"file:$tmp/saved\"}" >/dev/null
	qmp_wait '.event == "STOP"' >/dev/null
	until qmp query-migrate '{}' | grep -q '"completed"\|"failed"'; do pause 0.3; done
	qmp query-migrate '{}' | grep -q '"completed"'
	ok "a guest is saved"
	qmp quit '{}' >/dev/null
	wait "$pid"
	qmp_close
	nvme_bind_kernel "$bdf" && dev=$(echo "$pci/$bdf"/nvme/nvme*/nvme*n1) || return
	launch_guest tarn-nvme -smp 2 -incoming "file:$tmp/saved" \
		-blockdev "driver=host_device,node-name=store,filename=/dev/${dev##*/},discard=unmap"
	qmp_open "$tmp/qmp"
	qmp_wait '.event == "RESUME"' >/dev/null || qmp cont '{}' >/dev/null
	await "guest: done $done_before status 0"
	ok "and goes on, with a disk that is no adjunct's"
	in_guest "[ \"\$(read_sum 4096 256 1024)\" = \"\$sum\" ]"
	ok "which has what it wrote"
	end
	nvme_bind_vfio "$bdf"
}

# An entry that takes three seconds holds up nobody but the vCPU that made it.
test_slow()
{
	local before asked gap

	start fault-slow-500-1 ",image=$fault_image,watchdog-ms=60000,poll-us=1000" -smp 2
	before=${EPOCHREALTIME/./}
	echo "longest_gap dd if=\$disk of=/dev/null bs=4096 count=600 iflag=direct 2>/dev/null" >&9
	done_before=$((done_before + 1))
	asked=0
	until said "guest: done $done_before" || ! runs; do
		gap=${EPOCHREALTIME/./}
		qmp query-status '{}' >/dev/null
		gap=$((${EPOCHREALTIME/./} - gap))
		[ $gap -le $asked ] || asked=$gap
		pause 0.2
	done
	gap=$(sed -n 's/^gap \([0-9]*\).*/\1/p' "$tmp/out")
	echo "# $(((${EPOCHREALTIME/./} - before) / 1000)) ms in all, the other vCPU stood still for ${gap}0 ms at most, the monitor took $((asked / 1000)) ms"
	[ "${gap:-999}" -lt 150 ]
	ok "the other vCPU goes on while one is inside for 3 s"
	[ $asked -lt 1500000 ] && [ "$(stat_of restarts)" = 0 ]
	ok "and so does the monitor"
	end
}

# A crash, a hang; the guest hears of neither.
test_crash()
{
	local way

	for way in "ud-60-1 exception" "loop-60-1 come.back"; do
		start "fault-${way% *}" ",image=$fault_image,watchdog-ms=300,poll-us=1000" -smp 1
		[ "$(grep -ac "^guest ok" "$tmp/out") $(grep -ac "^guest not ok" "$tmp/out")" = "6 0" ] &&
			said "${way#* }.*it is started anew" && [ "$(stat_of restarts)" = 1 ]
		ok "no request fails when it is started anew (${way% *})"
		end
	done
	start fault-ud-400-1000 ",image=$fault_image,poll-us=1000" -smp 1
	in_guest "! dd if=\$disk of=/dev/null bs=4096 count=1000 iflag=direct 2>/dev/null"
	ok "one that crashes again and again fails the guest's requests"
	said "it has crashed too often" && qmp x-query-adjunct '{}' | grep -q '"failed"'
	ok "and is given up"
	end
	ok "the guest goes on, and powers off"
}

plan 30
nvme_bind_vfio "$bdf"
images 6.12-cloud
make_script
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
test_donated
test_thread
test_slow
test_crash
finish
