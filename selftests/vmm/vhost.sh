#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The unit test of a card on vhost-net, where that and a tap can be had: a host has
# seldom both.
set -eu

modprobe -a tun vhost_net
exec "${TARN_TOP:-$PWD}/build/selftests/unit/test_vhost"
