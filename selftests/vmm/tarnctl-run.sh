#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tarnctl run: guests in a pool by one line, and what it says where that cannot be.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"

plan 13

# run_start WORDS...: tarnctl run in the background.
run_start()
{
	guest_command=(tarnctl run "$@")
	guest_tries=1
	launch
}

# refused TEXT WORDS...: whether it fails and says so.
refused()
{
	tarnctl run "${@:2}" >"$tmp/out" 2>&1
	status 1 && said "$1"
}

if [ "$(tarnctl pool list --json)" = "[]" ]; then
	refused "pool none starts a guest" "$bare_kernel"
	ok "no pool"
else
	skip "no pool" "there is one"
fi
pool_init 128M

# More than the pool has.
run_start -p $pool -m 192M --name one -a end=halt "$bare_kernel" -- -no-shutdown
await "up on bare"
tarnctl partition list --json $pool >"$tmp/list" &&
	jq -e '.[] | select(.logical_pages == 49152 and (.path | endswith("one")))' "$tmp/list" >/dev/null
ok "a kernel runs, its memory in the pool"
[ "$(stat -c %a $pool/one)" = 600 ]
ok "which nobody else can read"
refused "$pool/one exists" -p $pool --name one "$bare_kernel"
ok "a name that is taken"
tarn-vmm -m 192 -kernel "$bare_kernel" -machine pc,memory-backend=r -object \
	"memory-backend-file,id=r,size=192M,share=on,mem-path=$pool/one" >"$tmp/second" 2>&1
status 1 && grep -q "is the memory of another guest" "$tmp/second" && [ -e $pool/one ]
ok "its memory is nobody else's"
kill "$pid"
wait "$pid"
status 0 && [ ! -e $pool/one ]
ok "it is gone with the guest"

tarnctl run -n -p $pool --disk "$bare_kernel,ro,format=raw" "$bare_kernel" >"$tmp/out" 2>&1 &&
	said "mem-path=$pool/bare" && said "read-only=on" && [ ! -e $pool/bare ]
ok "a dry run prints the command line, and starts nothing"
sh -c "$(tarnctl run -n -p $pool -m 64M "$bare_kernel")" >"$tmp/out" 2>&1
status 0 && said "up on bare"
ok "which a shell can run"

tarnctl run -d -p $pool -m 64M --name back --qmp "$tmp/qmp" -a end=halt "$bare_kernel"
status 0 && [ -e $pool/back ] && printf '%s\n' '{"execute":"qmp_capabilities"}' \
	'{"execute":"query-status"}' '{"execute":"quit"}' |
	socat -t 2 - "UNIX-CONNECT:$tmp/qmp" >"$tmp/answer" &&
	grep -q '"status": *"running"' "$tmp/answer"
ok "in the background, with a monitor"

# A bridge gets a tap for as long as the guest is there.
if ip link add test-run type bridge 2>"$tmp/out"; then
	modprobe tun 2>/dev/null
	run_start -p $pool -m 64M --name net --net test-run -a end=halt "$bare_kernel"
	await "up on bare" && compgen -G "/sys/class/net/test-run/brif/tarn*" >/dev/null
	was=$?
	kill "$pid"
	wait "$pid"
	[ $was = 0 ] && ! compgen -G "/sys/class/net/test-run/brif/*" >/dev/null
	ok "a network card on a bridge"
	ip link del test-run
else
	skip "a network card on a bridge" "there are no bridges"
fi

if [ -e /usr/share/seabios/bios-256k.bin ]; then
	cp "$top/build/selftests/guest/sector" "$tmp/disk.raw"
	printf 'disk in a pool\r\n\0' | dd of="$tmp/disk.raw" bs=512 seek=1 conv=notrunc status=none
	truncate -s 1M "$tmp/disk.raw"
	run_start -p $pool -m 64M "$tmp/disk.raw"
	await_end
	status 0 && said "^disk in a pool" && [ ! -e $pool/disk ]
	ok "a disk, by firmware"
else
	skip "a disk, by firmware" "seabios is not here"
fi

if command -v xorriso >/dev/null || command -v genisoimage >/dev/null; then
	images 6.12-cloud
	truncate -s 1M "$tmp/empty.img"
	echo "ssh-ed25519 AAAAtest somebody" >"$tmp/key.pub"
	run_start -p $pool -m 256M -c 1 --name seeded -k "$elf" --initrd "$initrd" --ssh-key "$tmp/key.pub" \
		-a "console=ttyS0 quiet $quick test=dd+if=/dev/vdb+bs=8+skip=4101+count=1;grep+-a+AAAAtest+/dev/vdb;grep+-a+local-hostname+/dev/vdb" \
		"$tmp/empty.img"
	guest_tries=2
	await_end
	status 0 && said "CIDATA" && said "ssh-ed25519 AAAAtest somebody"
	ok "a guest finds the disk for cloud-init"
	said 'local-hostname: "seeded"'
	ok "with its name"
else
	skip "a guest finds the disk for cloud-init" "neither xorriso nor genisoimage is here"
	skip "with its name" "likewise"
fi
finish
