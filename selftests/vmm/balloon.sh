#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest's balloon in a pool: its pages are told apart as they come and go, and when the
# guest goes on with another kernel they are the guest's again.
# shellcheck disable=SC2015 # a || b && c ends with what ok reports

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/vmm/pool.sh
. "$here/pool.sh"
# shellcheck source=selftests/vmm/qmp.sh
. "$here/qmp.sh"

plan 12
images 6.12-cloud
make_disk
pool_init 448M
for file in "$bzimage vmlinuz" "$initrd initrd" "$top/build/selftests/guest/kexec kexec"; do
	debugfs -w -R "write $file" "$disk" >/dev/null 2>&1
done
debugfs -w -R "sif kexec mode 0100755" "$disk" >/dev/null 2>&1
guest_input=$tmp/in
mkfifo "$guest_input"
exec 9<>"$guest_input"
# What comes next does not know of a balloon, or it would be filled again at once.
next="console=ttyS0+quiet+${quick// /+}+end=halt+without=virtio_balloon"

# Commas belong to the options.
# shellcheck disable=SC2054
options=(-kernel "$elf" -qmp "unix:$tmp/qmp,server=on,wait=off"
	-machine pc,memory-backend=ram0
	-object "memory-backend-file,id=ram0,size=384M,share=on,mem-path=$pool/g"
	-device virtio-balloon-pci -device virtio-blk-pci,drive=d
	-blockdev "file,node-name=f,filename=$disk" -blockdev raw,node-name=d,file=f)

# counter NAME
counter()
{
	tarnctl partition show --json "$pool/g" | jq ".$1"
}

# await_counter NAME TEST VALUE
await_counter()
{
	for _ in {1..200}; do
		test "$(counter "$1")" "$2" "$3" && return
		runs || return
		pause 0.3
	done
	echo "# $1 is $(counter "$1")"
	return 1
}

actual()
{
	qmp query-balloon '{}' | jq -r .return.actual
}

# begin WORDS GUEST-COMMAND: up, with 128 of its 384 MiB in the balloon.
begin()
{
	truncate -s 384M "$pool/g"
	guest_start "$1 disk=/dev/vda end=halt test=$2" -m 384 "${options[@]}"
	await "guest: up" && qmp_open "$tmp/qmp"
	qmp balloon '{"value": 268435456}' >/dev/null
	await_counter balloon_pages -ge 30000
}

end()
{
	qmp_close
	kill "$pid"
	wait "$pid"
	pid=
	rm -f "$pool/g" "$tmp/qmp"
}

# await_kernel N: the Nth since the guest was started is up.
await_kernel()
{
	for _ in {1..400}; do
		[ "$(grep -ac 'guest: up' "$tmp/out")" -lt "$1" ] || return 0
		runs || return
		pause 0.3
	done
	return 1
}

begin "" "read+x;/kexec+/vmlinuz+/initrd+'$next'"
ok "pages in the balloon are counted"

before=$(counter resident_pages)
[ "$before" -le $((96 * 1024 - 30000)) ]
ok "and have no frames ($before pages have)"

tarnctl partition pages "$pool/g" | grep -q O
ok "the map of its pages shows them"

qmp balloon '{"value": 335544320}' >/dev/null
await_counter balloon_pages -le 17000
ok "what the guest takes back leaves it"

[ "$(counter balloons_gone)" = 0 ] && [ "$(counter balloon_pages)" -ge 14000 ]
ok "which is no news"

echo >&9
await_kernel 2
ok "the guest starts another kernel by itself"

# Its old driver may have reset the device, which says the same.
await_counter balloon_pages -eq 0
ok "which has no balloon"
echo "# $(counter balloons_gone) found gone"

[ "$(actual)" = 402653184 ]
ok "its device has forgotten it"

end

# A kernel that panicked resets nothing, though the drivers of the next one may. That lives in a
# part of its own, and reads all.
dump="$next+test=dd\${IFS}if=/proc/vmcore\${IFS}of=/dev/null\${IFS}bs=1M;read\${IFS}x;reboot\${IFS}-f"
crash="echo+1>/proc/sys/kernel/sysrq;read+x;echo+c>/proc/sysrq-trigger"
begin crashkernel=128M "/kexec+--on-panic+/vmlinuz+/initrd+'$dump'&&$crash"
pages=$(counter balloon_pages)
echo >&9
await_kernel 2
ok "a crash kernel comes up"

await "records out"
[ "$(counter balloons_gone)" = 0 ]
ok "it reads the balloon for its dump, and writes to none of it"

[ "$(counter resident_pages)" -le $((96 * 1024 - pages)) ]
ok "and takes no frames"

# The next driver is not to fill it again.
qmp balloon '{"value": 402653184}' >/dev/null
echo >&9
await_kernel 3 && await_counter balloon_pages -eq 0
ok "a reset ends it"
end
finish
