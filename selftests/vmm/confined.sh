#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The sandbox: which filters are on, and a guest of a user without rights who
# was handed what it needs.

# shellcheck source=selftests/vmm/lib.sh
. "$(dirname "$0")/lib.sh"

plan 5
images 6.12-cloud
make_disk

bare_start "end=halt" -smp 2 -object iothread,id=io0
await "guest: up"
n=0
bad=0
for task in /proc/"$pid"/task/*; do
	n=$((n + 1))
	grep -q "^Seccomp:.*2" "$task/status" || bad=$((bad + 1))
done
[ $n -ge 4 ] && [ $bad = 0 ]
ok "every one of $n threads has a filter"
missing=0
for name in "CPU 0/KVM" "CPU 1/KVM" "IO io0" tarn-vmm; do
	grep -qx "$name" /proc/"$pid"/task/*/comm || missing=1
done
[ $missing = 0 ]
ok "threads carry their names"
kill "$pid"
wait "$pid"

bare "" -sandbox off && said "guest: up"
ok "-sandbox off"

# Nobody: /dev/kvm may be used by all, network and console come as descriptors.
chmod 666 /dev/kvm
modprobe tun 2>/dev/null
chmod 755 "$tmp"
cp "$elf" "$tmp/kernel"
cp "$initrd" "$tmp/initrd"
chown nobody "$disk"
chmod 644 "$tmp/kernel" "$tmp/initrd"
python3 - "$tmp" "$disk" "$quick" >"$tmp/out" 2>&1 <<'PY'
import array, fcntl, os, socket, struct, subprocess, sys
tmp, disk, quick = sys.argv[1:]
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tarn0", 0x5002))
subprocess.run(["ip", "addr", "add", "10.99.0.1/24", "dev", "tarn0"], check=True)
subprocess.run(["ip", "link", "set", "tarn0", "up"], check=True)
ours, theirs = socket.socketpair()
vmm = subprocess.Popen(
    ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
     "tarn-vmm", "-m", "256", "-cpu", "host", "-display", "none",
     "-kernel", tmp + "/kernel", "-initrd", tmp + "/initrd",
     "-append", "console=ttyS0 quiet " + quick + " disk=/dev/vda "
     "test=ifconfig+eth0+10.99.0.2;ping+-c1+10.99.0.1",
     "-chardev", "socket,id=c,fd=%d" % theirs.fileno(),
     "-device", "isa-serial,chardev=c",
     "-blockdev", "file,node-name=f,filename=" + disk,
     "-blockdev", "raw,node-name=d,file=f",
     "-device", "virtio-blk-pci,drive=d",
     "-netdev", "tap,id=n,fd=%d" % tap, "-device", "virtio-net-pci,netdev=n"],
    pass_fds=[tap, theirs.fileno()], stdin=subprocess.DEVNULL)
theirs.close()
while True:
    data = ours.recv(4096)
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
print("vmm status", vmm.wait())
PY
said "guest: up" && said "vmm status 0"
ok "a guest of nobody on descriptors that root opened"
said "guest: status 0"
ok "its network works"
finish
