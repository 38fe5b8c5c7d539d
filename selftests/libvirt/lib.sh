# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests with libvirt share: a libvirtd of their own that has tarn-vmm as
# its emulator, and domains of small guests. They put files below /etc, /usr and
# /run, so they run in L1, whose root is thrown away.

libvirt_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=selftests/vmm/lib.sh
. "$libvirt_here/../vmm/lib.sh"

[ -n "${TARN_L1-}" ] || skip_all "only in L1: this changes /etc/libvirt"
command -v libvirtd >/dev/null || skip_all "libvirtd is not installed"

# Another Debian's libvirtd (see newer) runs in its own root; virsh is this one's.
root=${TEST_LIBVIRT_ROOT-}
log=/var/log/libvirt/libvirtd.log
emulator=/usr/bin/tarn-vmm

enter_root()
{
	local dir

	[ -n "$root" ] || return 0
	for dir in proc sys dev run tmp root var/log; do
		mkdir -p "$root/$dir"
		mount --rbind "/$dir" "$root/$dir"
	done
}

libvirtd_config()
{
	enter_root
	mkdir -p "$root"/etc/libvirt/qemu/autostart /run/libvirt /run/lock /var/log/libvirt/qemu \
		"$root"/var/lib/libvirt/qemu
	cp "$top/build/bin/tarn-vmm" "$root$emulator"
	modprobe -a tun vhost_net
	# Who runs guests, and where they are confined, is not what is tested here.
	cat >"$root"/etc/libvirt/qemu.conf <<-CONF
		user = "root"
		group = "root"
		security_driver = "none"
		namespaces = [ ]
		cgroup_controllers = [ ${controllers-} ]
		stdio_handler = "file"
		${qemu_conf-}
		remember_owner = 0
	CONF
	cat >"$root"/etc/libvirt/libvirtd.conf <<-CONF
		unix_sock_rw_perms = "0700"
		auth_unix_rw = "none"
		log_outputs = "3:file:$log"
	CONF
}

libvirtd_start()
{
	# No function: $! has to be libvirtd itself and not a shell that waits for it.
	${root:+chroot "$root"} libvirtd -f /etc/libvirt/libvirtd.conf >"$tmp/libvirtd.out" 2>&1 &
	libvirtd_pid=$!
	for _ in {1..600}; do
		virsh -q uri >/dev/null 2>&1 && return 0
		kill -0 "$libvirtd_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "# libvirtd does not come up"
	sed 's/^/# /' "$tmp/libvirtd.out" $log | tail -n 20
	return 1
}

# Why a test may have failed, once it has.
show_logs()
{
	[ $tap_bad = 0 ] || tail -n 5 /var/log/libvirt/qemu/*.log $log | sed 's/^/# /'
}

libvirtd_stop()
{
	show_logs
	kill "$libvirtd_pid"
	wait "$libvirtd_pid"
}

export VIRSH_DEFAULT_CONNECT_URI=qemu:///system

# domain_xml NAME: a domain with a disk, a balloon and a console on standard
# output; $extra_devices and $extra are put into it.
domain_xml()
{
	cat <<-XML
		<domain type='kvm'>
		  <name>$1</name>
		  <memory unit='MiB'>256</memory>
		  <vcpu>${vcpus:-1}</vcpu>
		  <iothreads>1</iothreads>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    <kernel>$bzimage</kernel>
		    <initrd>$initrd</initrd>
		    <cmdline>console=ttyS0 quiet ${append-}</cmdline>
		  </os>
		  <features><acpi/></features>
		  ${cpu-<cpu mode='host-passthrough'/>}
		  ${extra-}
		  <devices>
		    <emulator>$emulator</emulator>
		    <controller type='usb' model='none'/>
		    <disk type='file' device='disk'>
		      <driver name='qemu' type='raw'/>
		      <source file='$disk'/>
		      <target dev='vda' bus='virtio'/>
		    </disk>
		    <serial type='file'>
		      <source path='$tmp/out'/>
		      <target port='0'/>
		    </serial>
		    <memballoon model='virtio'><stats period='1'/></memballoon>
		    <panic model='isa'/>
		    ${extra_devices-}
		  </devices>
		</domain>
	XML
}

# within SECONDS COMMAND...: until the command succeeds.
within()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}

# tells PATTERN COMMAND...: the command succeeds and says so; $told keeps it all.
tells()
{
	told=$("${@:2}") && grep -q -- "$1" <<<"$told"
}

state_is()
{
	[ "$(virsh -q domstate "$1" 2>/dev/null)" = "$2" ]
}

# What a guest does that says what it sees: its disks, its memory, its links,
# each time that something changes, until somebody presses its power button.
watch="test=ifconfig+eth0+up+2>/dev/null;d=;b=/sys/firmware/acpi/interrupts/ff_pwr_btn;echo+watching;\
while+grep+-q+'^+*0+'+\$b;do+\
n=\$(echo+disks+\$(ls+/sys/block|grep+vd)+mem+\$(grep+MemTotal+/proc/meminfo|tr+-dc+0-9)\
+nics+\$(ls+/sys/class/net|wc+-l)+link+\$(cat+/sys/class/net/eth0/carrier+2>/dev/null)+.);\
test+\"\$n\"+=+\"\$d\"||echo+\"\$n\";d=\$n;usleep+200000;done;echo+pressed"

# set_up NAME: libvirtd runs, the domain NAME is defined and its guest watches.
set_up()
{
	images 6.12-cloud
	make_disk
	libvirtd_config
	libvirtd_start || exit 1
	append=$(xml_text "$watch")
	domain_xml "$1" >"$tmp/$1.xml"
	virsh -q define "$tmp/$1.xml" && virsh -q start "$1" &&
		within 240 said watching && return 0
	sed 's/^/# /' "/var/log/libvirt/qemu/$1.log" $log "$tmp/out" | tail -n 40
	echo "Bail out! the domain does not come up"
	exit 1
}

xml_text()
{
	sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' <<<"$1"
}

# The last line in which the guest said what it sees.
guest_sees()
{
	grep -a '^disks' "$tmp/out" | tail -n 1 | tr -d '\r' | grep -q -- "$1"
}
