#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest is saved by QMP and goes on where it is restored: memory, disk, timers
# and console. Bad files and wrong machines are refused, and nobody is harmed.
# shellcheck disable=SC2015 # a || b && c ends with what ok reports

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/qmp.sh
. "$here/qmp.sh"
# shellcheck source=selftests/vmm/save-lib.sh
. "$here/save-lib.sh"

plan 24
images 6.12-cloud
make_save_disk
truncate -s 1 "$tmp/one"
debugfs -w -R "write $tmp/one keep" "$disk" >/dev/null 2>&1

# Commas belong to the options.
# shellcheck disable=SC2054
options=(-kernel "$elf" -device virtio-blk-pci,drive=d -device virtio-rng-pci
	-blockdev "file,node-name=f,filename=$disk"
	-blockdev raw,node-name=d,file=f -device virtio-balloon-pci
	-device pvpanic)

start()
{
	guest_start "disk=/dev/vda test=/save-guest" "${options[@]}" "$@"
}

start -qmp "unix:$tmp/q,server=on,wait=off"
await "guest: checked 2"
ok "a guest runs that checks what it holds"

# image_free: whether the disk could be opened for writing by another program.
image_free()
{
	qemu-io -f raw -c quit "$disk" >/dev/null 2>&1
}

image_free && locked=0 || locked=1
qmp_open "$tmp/q"
qmp migrate-set-capabilities '{"capabilities":[{"capability":"events","state":true}]}' >/dev/null
qmp migrate "{\"uri\":\"file:$tmp/saved\"}" | jq -e '.return' >/dev/null
ok "migrate begins"
qmp_event '.event == "MIGRATION" and .data.status == "completed"'
ok "it is completed"
qmp query-migrate '{}' | jq -e '.return | .status == "completed" and .ram.remaining == 0 and
	.ram.total == 268435456 and .ram.normal > 4096 and .ram.duplicate > 1024' >/dev/null
ok "query-migrate tells how it was"
qmp query-status '{}' | jq -e '.return.status == "postmigrate"' >/dev/null
ok "the guest stands still"
[ "$(sed -n '/MIGRATION/p' "$tmp/qmp.log" | jq -r .data.status | xargs)" = \
	"setup active null completed" ]
ok "events come in their order"
[ "$(stat -c %s "$tmp/saved")" -lt 200000000 ]
ok "memory that was never used takes no room"

tarnctl save show --json "$tmp/saved" >"$tmp/show" &&
	jq -e '.complete and .cpus == 1 and .memory.zero_pages > 0 and
		.memory.pattern_pages >= 1024 and .memory.data_pages >= 4096 and
		(.sections | map(.name) | contains(["cpu.0", "ioapic", "clock"]))' \
		"$tmp/show" >/dev/null
ok "tarnctl shows it"

[ "$locked" = 1 ] && image_free
ok "its disk is nobody else's until then"
cp "$disk" "$tmp/disk.copy"
qmp cont '{}' | jq -e .return >/dev/null && goes_on && ! image_free
ok "the saved guest can be continued"

# A reader that goes away; the guest goes on as if nothing had been.
mkfifo "$tmp/pipe"
head -c 100000 "$tmp/pipe" >/dev/null &
exec {hold}>"$tmp/pipe"
qmp migrate "{\"uri\":\"file:$tmp/pipe\"}" >/dev/null
qmp_event '.event == "MIGRATION" and .data.status == "failed"' &&
	qmp query-migrate '{}' | jq -e '.return["error-desc"] | length > 5' >/dev/null &&
	goes_on
exec {hold}>&-
ok "a reader that goes away stops nothing but the saving"

# A disk that fails when what was written goes to it, and not before.
if failing_disk; then
	: >"$tmp/qmp.log"
	qmp migrate "{\"uri\":\"file:$tmp/failing/saved\"}" >/dev/null
	qmp_event '.event == "MIGRATION" and .data.status == "failed"' &&
		qmp query-migrate '{}' | jq -e '.return["error-desc"] | test("durable|Input/output")' >/dev/null &&
		goes_on
	ok "a disk that fails behind the page cache fails the saving, too"
	failing_disk_end
else
	skip "a disk that fails behind the page cache" "no null_blk that fails"
fi

# A reader that never reads; the monitor answers, and it can be cancelled.
exec {hold}<>"$tmp/pipe"
qmp migrate "{\"uri\":\"file:$tmp/pipe\"}" >/dev/null
qmp query-status '{}' | jq -e '.return.status' >/dev/null
qmp cont '{}' | jq -e '.error' >/dev/null
ok "while it is saved it cannot be continued"
qmp system_reset '{}' | jq -e '.error' >/dev/null
ok "nor reset"
qmp migrate "{\"uri\":\"file:$tmp/other\"}" | jq -e '.error' >/dev/null
ok "nor saved twice"
qmp migrate_cancel '{}' >/dev/null
qmp_event '.event == "MIGRATION" and .data.status == "cancelled"' && goes_on
ok "cancelled, the guest goes on"
qmp migrate "{\"uri\":\"file:$tmp/pipe\"}" >/dev/null
qmp_close
kill "$pid"
wait "$pid"
status 1 && said "ended before the guest was saved"
ok "told to end while it is saved, it tells that it was not"
exec {hold}>&-
mv "$tmp/disk.copy" "$disk"

# refuse TEXT [OPTION...]: it does not start and says why.
refuse()
{
	local text=$1

	shift
	timeout 60 tarn-vmm -m 256 -cpu host -display none -initrd "$initrd" \
		"${options[@]}" "$@" </dev/null >"$tmp/out" 2>&1
	status 1 && said "$text"
}

head -c 5000000 "$tmp/saved" >"$tmp/short"
refuse "cut short" -incoming "file:$tmp/short"
ok "a file that is cut short is refused"
cp "$tmp/saved" "$tmp/bad"
printf x | dd of="$tmp/bad" bs=1 seek=3000000 conv=notrunc 2>/dev/null
refuse "wrong checksum" -incoming "file:$tmp/bad"
ok "a damaged file is refused"
refuse "no guest that tarn-vmm has saved" -incoming "file:$disk"
ok "another file is refused"
refuse "other memory" -incoming "file:$tmp/saved" -m 512
ok "other memory is refused"
refuse "has no 'pci.*virtio-serial" -incoming "file:$tmp/saved" -device virtio-serial-pci
ok "another device is refused"

start -incoming "file:$tmp/saved" -qmp "unix:$tmp/q2,server=on,wait=off"
goes_on
ok "restored, the guest goes on with memory and disk intact"
qmp_open "$tmp/q2"
qmp query-status '{}' | jq -e '.return.status == "running"' >/dev/null
ok "and runs"
kill "$pid"
wait "$pid"
pid=
finish
