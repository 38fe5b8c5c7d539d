#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarn-logd and tarn-exporter as services, under systemd (selftests/libvirt/with-systemd):
# entries of the journal, alerts that run in the service's sandbox, sockets that start the
# exporter, which reads the history as a user who may nothing else.
#
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq curl
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH

# Not where they were built: that may be below /tmp, of which services have their own.
install -t /usr/local/sbin "$top/build/bin/tarn-logd" "$top/build/bin/tarn-exporter"
for file in tarn-logd.service tarn-exporter.service tarn-exporter.socket; do
	sed "s|@sbindir@|/usr/local/sbin|" "$top/tools/host/$file" > "/etc/systemd/system/$file"
done
systemd-sysusers "$top/tools/host/tarn.sysusers" 2> /dev/null
mkdir -p /run/tarn /etc/tarn/alert.d
cat > /etc/tarn/alert.d/tell <<'SCRIPT'
#!/bin/sh
echo "script of $(id -un): $TARN_EVENT $TARN_STATE, $(grep -c '^Cap[PEA].*0000000000000000' /proc/self/status), $(touch /etc/x 2>&1)"
SCRIPT
chmod 755 /etc/tarn/alert.d/tell

quiet()
{
	"$@" > "$work/said" 2>&1
	cat "$work/said"
	[ ! -s "$work/said" ]
}

# entry FIELD=VALUE...: the journal has such an entry
entry()
{
	journalctl -q -o json -t tarn-logd "$@" > "$work/entries" 2>&1
	cat "$work/entries"
	[ -s "$work/entries" ]
}

# logged NAME FIELD=VALUE...: sooner or later
logged()
{
	local name=$1

	shift
	await entry "$@"
	result $? "$name"
}

said()
{
	journalctl -q -u tarn-logd -o cat | tee "$work/out" | grep -qF -- "$1"
}

metrics()
{
	curl -sS --max-time 60 "$@" | tee "$work/metrics" | grep -q '^tarn_pool_size_bytes{pool="test-tools"}'
}

property()
{
	systemctl show --value -p "$2" "$1"
}

# The exporter's user is made when it starts.
is_nobody()
{
	! getent -s files passwd "$(stat -c %u "/proc/$(property tarn-exporter MainPID)")"
}

systemctl daemon-reload
check "systemd has nothing to say against them" quiet systemd-analyze verify --man=no \
	tarn-logd.service tarn-exporter.service tarn-exporter.socket
check "tarn-logd says when it is ready" systemctl start tarn-logd
check "none is exposed to more than it needs" systemd-analyze security --no-pager --threshold=50 \
	tarn-logd
make_disk nullb0
mount_pool $pool size=32M
logged "a pool that is mounted later is seen in its namespace" EVENT=pool-mounted POOL=$pool
start_pager nullb0
mkdir -p $pool/libvirt/qemu/3-web
(umask 077 && head -c 16M /dev/urandom > $pool/libvirt/qemu/3-web/ram)
logged "partitions have their domain" EVENT=partition-created DOMAIN=web \
	PARTITION=libvirt/qemu/3-web/ram
kill_pager
logged "events have an id" MESSAGE_ID=6d70029cc1b34c10bfeb158ad53f78d1 STATE=raised PRIORITY=2
check "scripts run without privileges, and may not write" await said \
	"script of tarn-alert: pager-lost raised, 3, touch: "
start_pager nullb0
logged "the end is told, too" EVENT=pager-attached STATE=cleared
check "the history is its group's to read" \
	test "$(stat -c '%U:%G %a' /var/lib/tarn-logd/history.db)" = "root:tarn-monitor 640"
check "the exporter is off" test "$(property tarn-exporter.service ActiveState)" = inactive
check "its sockets are opened" systemctl start tarn-exporter.socket
check "by one group" test "$(stat -c '%G %a' /run/tarn/exporter.sock)" = "tarn-monitor 660"
check "a request starts it" await metrics http://127.0.0.1:9871/metrics
check "at the socket as well" metrics --unix-socket /run/tarn/exporter.sock http://any/metrics
check "partitions of mode 0600 are there" grep -q 'tarn_partition_resident_bytes.*domain="web"' \
	"$work/metrics"
check "with their nodes, which are read from the file" \
	grep -q 'tarn_partition_node_resident_bytes.*domain="web".* [1-9]' "$work/metrics"
check "it is not exposed either" systemd-analyze security --no-pager --threshold=50 tarn-exporter
check "and is nobody of this host" is_nobody
main=$(property tarn-logd MainPID)
kill -KILL "$main"
replaced()
{
	[ "$(property tarn-logd MainPID)" -gt 0 ] && [ "$(property tarn-logd MainPID)" != "$main" ]
}
check "who kills tarn-logd gets another one" await replaced
check "which goes on" await metrics http://127.0.0.1:9871/metrics
rm -r $pool/libvirt
stop_pager
check "a pool can be unmounted meanwhile" await umount $pool
logged "which is told" EVENT=pool-unmounted
gone()
{
	! ls -d /sys/fs/tarn/*-*
}
check "and it is gone" await gone
check "both end" systemctl stop tarn-exporter.socket tarn-exporter tarn-logd
check "well" test "$(property tarn-logd Result) $(property tarn-exporter Result)" = "success success"
end
