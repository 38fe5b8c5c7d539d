#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A domain on tarn-vmm from its definition to its end: virsh defines, starts,
# lists, looks, suspends, resumes and destroys it.

# shellcheck disable=SC2034 # the variables set here describe domains
# shellcheck source=selftests/libvirt/lib.sh
. "$(dirname "$0")/lib.sh"
plan 8

images 6.12-cloud
make_disk
libvirtd_config
libvirtd_start || exit 1
ok "libvirtd is up"

append=end=stay
# What libvirt makes of a domain that says nothing about its CPU.
cpu=
domain_xml thin >"$tmp/thin.xml"
virsh define "$tmp/thin.xml" || exit 1
ok "define"
virsh start thin || tail -n 20 $log /var/log/libvirt/qemu/thin.log
ok "start"
virsh list
state_is thin running
ok "it runs"
within 200 said "guest: up"
ok "its kernel is up"
virsh suspend thin && state_is thin paused
ok "suspend"
virsh resume thin && state_is thin running
ok "resume"
virsh destroy thin && state_is thin "shut off"
ok "destroy"
libvirtd_stop
finish
