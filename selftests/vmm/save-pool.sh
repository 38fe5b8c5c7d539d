#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest in a pool is saved and restored: nothing is paged in to be saved, what was
# paged is paged again, and the guest may be larger than what is free.
# shellcheck disable=SC2015 # a || b && c ends with what ok reports

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"
# shellcheck source=selftests/vmm/qmp.sh
. "$here/qmp.sh"
# shellcheck source=selftests/vmm/save-lib.sh
. "$here/save-lib.sh"

plan 13
images 6.12-cloud
make_save_disk
# Page by page: what goes out with its block is looked at only when it is read.
pool_init 192M,huge=never

# start FILE [OPTION...]: a guest of 256 MiB in a pool of 192.
start()
{
	local file=$1

	shift
	# Commas belong to the options.
	# shellcheck disable=SC2054
	guest_start "disk=/dev/vda test=/save-guest+40" -kernel "$elf" -smp 2 \
		-device virtio-blk-pci,drive=d \
		-blockdev "file,node-name=f,filename=$disk" \
		-blockdev raw,node-name=d,file=f -machine pc,memory-backend=ram0 \
		-object "memory-backend-file,id=ram0,size=256M,share=on,mem-path=$pool/$file" \
		-qmp "unix:$tmp/$file.q,server=on,wait=off" "$@"
}

# counter FILE NAME
counter()
{
	tarnctl partition show --json "$pool/$1" | jq ".$2"
}

# Nothing becomes a pattern, or moves, but by what is done here.
tarnctl pool set "$pool" scan=0 promote=0
truncate -s 256M "$pool/a"
start a
await "guest: checked 1" && qmp_open "$tmp/a.q" &&
	qmp migrate-set-capabilities '{"capabilities":[{"capability":"events","state":true}]}' >/dev/null
ok "a guest runs in a pool"

# Half of it is paged, in pieces.
qmp stop '{}' >/dev/null
for start in $(seq 0 8192 57344); do
	tarnctl partition page-out "$pool/a" "$start" 4096 >/dev/null
done
paged=$(counter a paged_pages)
resident=$(counter a resident_pages)
patterns=$(counter a pattern_pages)
ins=$(counter a page_ins)
[ "$paged" -gt 4096 ] && [ "$resident" -gt 4096 ]
ok "a part of it is paged, a part resident"

qmp migrate "{\"uri\":\"file:$tmp/saved\"}" >/dev/null
qmp_event '.event == "MIGRATION" and .data.status == "completed"'
ok "it is saved"
[ "$(counter a page_ins)" = "$ins" ] && [ "$(counter a paged_pages)" = "$paged" ] &&
	[ "$(counter a resident_pages)" = "$resident" ]
ok "no page has moved for it"
tarnctl save show --json "$tmp/saved" >"$tmp/show"
jq -e ".memory | .paged_pages == $paged and
	.zero_pages + .pattern_pages + .data_pages + .shared_pages ==
	$paged + $resident + $patterns and .pattern_pages > 1000 and .data_pages > 10000" "$tmp/show" >/dev/null
ok "the file has each page once, paged ones as such"
echo "# $(jq -c .memory "$tmp/show"); $paged paged, $resident resident, $patterns patterns"

cp "$disk" "$tmp/disk.copy"
qmp cont '{}' | jq -e .return >/dev/null && goes_on
ok "it can be continued"
qmp_close
kill "$pid"
wait "$pid"
rm "$pool/a"
cp "$tmp/disk.copy" "$disk"

truncate -s 256M "$pool/b"
start b -S -incoming defer
qmp_open "$tmp/b.q"
qmp migrate-set-capabilities '{"capabilities":[{"capability":"events","state":true}]}' >/dev/null
qmp query-status '{}' | jq -e '.return.status == "inmigrate"' >/dev/null &&
	qmp cont '{}' | jq -e .error >/dev/null
ok "a machine waits for the saved guest"
qmp migrate-incoming "{\"uri\":\"file:$tmp/saved\"}" | jq -e .return >/dev/null &&
	qmp_event '.event == "MIGRATION" and .data.status == "completed"'
ok "it is restored"
[ "$(counter b paged_pages)" -gt $((paged * 9 / 10)) ] &&
	[ "$(counter b resident_pages)" -lt $((resident + paged / 10)) ]
ok "what was paged is paged"
qmp query-status '{}' | jq -e '.return.status == "paused"' >/dev/null
ok "and waits to be continued"
qmp cont '{}' >/dev/null
goes_on
ok "the guest goes on with its memory intact"

# What was not paged comes from the file, and needs it no more; what was stays there.
for _ in $(seq 100); do
	[ "$(counter b imported_pages)" -gt "$paged" ] || break
	sleep 0.5
done
[ "$(counter b imported_pages)" -le "$paged" ]
ok "what was in memory does not need the file any more"

# Without a pager what is with one cannot be read: a clear error, no harm.
qmp stop '{}' >/dev/null
tarnctl partition page-out "$pool/b" >/dev/null
pkill -9 -P "$pager"
kill -9 "$pager"
wait "$pager" 2>/dev/null
pager=
qmp migrate "{\"uri\":\"file:$tmp/none\"}" >/dev/null
qmp_event '.event == "MIGRATION" and .data.status == "failed"' &&
	qmp query-migrate '{}' | jq -e '.return["error-desc"] | contains("no pager")' >/dev/null
ok "without a pager saving fails and says so"
# It needs memory to end in order, and that will not come any more.
qmp_close
finish
