# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the command lines of test guests: without what no test here is about, a kernel is
# up sooner. Words that a kernel does not know it hands to init, so all of these are
# such that all know.

# shellcheck disable=SC2034 # for those who source this
quick="tsc=reliable no_timer_check cryptomgr.notests random.trust_cpu=on mitigations=off"
quick+=" apparmor=0 audit=0 ipv6.disable=1 8250.nr_uarts=1"
quick+=" initcall_blacklist=jent_mod_init"
