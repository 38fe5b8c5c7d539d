#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarn-exporter on the history of a real pool: metrics in both formats, JSON, the page,
# who may ask; alerts and the dashboard of Examples name metrics that there are.
#
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
need jq curl python3
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
here=$top/selftests/tools
history=$work/history.db
url=http://127.0.0.1:9871
logd=
exporter=
chmod 755 "$work"

quit()
{
	kill "$exporter" "$logd" 2>/dev/null
	finish
}
trap quit EXIT

ask()
{
	curl -sS --max-time 30 "$@"
}

# value METRIC: of the first sample of that name and labels
value()
{
	ask "$url/metrics" | want=$1 awk '$1 == ENVIRON["want"] { print $2; found = 1; exit } END { exit !found }'
}

# counts FIELD: of the pool, as tarnctl has it
counts()
{
	tarnctl pool show --json "$pool" | jq -r ".$1"
}

# equal METRIC FIELD SCALE: they agree, when what moves has come to rest
equal()
{
	[ "$(value "$1")" = "$(($(counts "$2") * $3))" ]
}

agrees()
{
	await equal "$2" "$3" "$4"
	result $? "$1"
}

status()
{
	local want=$1 got

	shift
	got=$(ask -o "$work/body" -w '%{http_code}' "$@")
	echo "status $got"
	[ "$got" = "$want" ]
}

make_disk nullb0
mount_pool $pool size=32M
start_pager nullb0
mkdir -p $pool/libvirt/qemu/3-web
head -c 24M /dev/urandom > $pool/libvirt/qemu/3-web/ram
head -c 24M /dev/urandom > "$pool/a\"b"
cat $pool/libvirt/qemu/3-web/ram "$pool/a\"b" > /dev/null
# As the service has it: a group may read the history, all files of it.
setpriv --regid nogroup --clear-groups tarn-logd --history "$history" \
	--alerts "$work/none" --alert-user nobody 2> "$work/logd.log" &
logd=$!
await test -s "$history"
chmod 640 "$history"*

refuse 2 "is too much" "the command line has to make sense" tarn-exporter now
refuse 1 "no socket" "without a socket it does not start" tarn-exporter
refuse 2 "wants an address" "names are no addresses" tarn-exporter --listen localhost:1
refuse 2 "wants an address" "nor are ports" tarn-exporter --listen 9871
touch "$work/file"
refuse 1 "in use" "a file is no socket" tarn-exporter --listen "$work/file"

# Where nobody may read it, wherever the tree is.
install -t "$work" "$(command -v tarn-exporter)"
mkdir -m 777 "$work/sock"
setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
	"$work/tarn-exporter" --history "$history" --listen 127.0.0.1:9871 \
	--listen "$work/sock/s" --host mon.example 2> "$work/exporter.log" &
exporter=$!
check "it answers" await status 200 "$url/metrics"
await value 'tarn_pool_size_bytes{pool="test-tools"}'
agrees "sizes are in bytes" 'tarn_pool_size_bytes{pool="test-tools"}' frames 4096
agrees "what is free" 'tarn_pool_free_bytes{pool="test-tools"}' free_frames 4096
agrees "counters" 'tarn_pool_page_outs_total{pool="test-tools"}' page_outs 1
agrees "and others" 'tarn_pool_page_ins_total{pool="test-tools"}' page_ins 1
agrees "latencies are all there" \
	'tarn_pool_page_in_latency_seconds_bucket{pool="test-tools",le="+Inf"}' 'latency | add' 1
check "a pager serves it" test "$(value 'tarn_pool_served{pool="test-tools"}')" = 1
web='pool="test-tools",partition="libvirt/qemu/3-web/ram",domain="web"'
check "partitions have their domains" test \
	"$(value "tarn_partition_logical_bytes{$web}")" = $((24 << 20))
check "names are quoted" test \
	"$(value 'tarn_partition_logical_bytes{pool="test-tools",partition="a\"b",domain=""}')" \
	= $((24 << 20))
nodes()
{
	ask "$url/metrics" | awk '/^tarn_partition_node_resident_bytes.*3-web/ { sum += $2 }
		/^tarn_partition_resident_bytes.*3-web/ { all = $2 } END { print sum, all; exit sum != all || !all }'
}
check "nodes add up" await nodes
accesses()
{
	ask "$url/metrics" | awk '/^tarn_partition_node_accesses_total{/ { n++ }
		/^tarn_partition_node_home{/ { all++ } END { exit n != all || !all }'
}
check "accesses are told of each" accesses
kill_pager
lost()
{
	[ "$(value 'tarn_pool_served{pool="test-tools"}')" = 0 ]
}
check "that the pager is lost is seen" await lost
start_pager nullb0

ask "$url/metrics" > "$work/metrics"
ask -H 'Accept: application/openmetrics-text; version=1.0.0' -D "$work/head" "$url/metrics" \
	> "$work/open"
check "OpenMetrics is given to who asks for it" grep -qi \
	'^Content-Type: application/openmetrics-text' "$work/head"
check "and ends as that does" test "$(tail -n 1 "$work/open")" = "# EOF"
check "a metric has one type" bash -c "! awk '/^# TYPE/ { print \$3 }' '$work/open' | sort | uniq -d | grep ."
check "and no sample twice" bash -c "! grep -v '^#' '$work/open' | sed 's/ [^ ]*\$//' | sort | uniq -d | grep ."
promtool=$(command -v promtool)
if [ -n "$promtool" ]; then
	promtool check metrics < "$work/metrics" > "$work/out" 2>&1
	result $? "promtool has nothing to say against the names"
	check "nor against the alerts" "$promtool" check rules "$top/Examples/tarn-rules.yml"
	cp "$top/Examples/tarn-rules.yml" "$here/tarn-rules-test.yml" "$work"
	check "which come when they should" "$promtool" test rules "$work/tarn-rules-test.yml"
fi
check "dashboard and alerts name what there is" "$here/dashboard-check" \
	"$top/Examples/tarn-dashboard.json" "$work/metrics" "$top/Examples/tarn-rules.yml" \
	${promtool:+"$promtool"}

check "JSON of all pools" json '.[0].name == "test-tools" and .[0].state == "serving" and
	(.[0].partitions | length) == 2 and (.[0].partitions[] | select(.domain == "web") |
	.logical_pages == 6144 and (.nodes | length) > 0)' ask "$url/api/pools"
timeline()
{
	json '(.time | length) > 2 and (.time | length) == (.page_ins | length) and
	.time == (.time | sort)' ask "$url/api/timeline?pool=test-tools"
}
await timeline
result $? "a timeline"
id=$(ask "$url/api/pools" | jq '.[0].partitions[] | select(.domain == "web").id')
check "of a partition" json '(.resident | length) > 2 and (.hot | length) == (.time | length)' \
	ask "$url/api/timeline?pool=test-tools&partition=$id"
check "events" json 'any(.[]; .event == "pager-lost" and .state == "raised")' ask "$url/api/events"
check "by pool" json '. == []' ask "$url/api/events?pool=other"
check "times have to be some" status 400 "$url/api/timeline?pool=test-tools&since=soon"
check "not too long ones" status 400 "$url/api/timeline?pool=test-tools&since=0"
check "and there is a pool" status 400 "$url/api/timeline"
check "that is unknown has none" json '. == {}' ask "$url/api/timeline?pool=%2e%2e"
check "the page is there" status 200 "$url/"
check "and nothing else" status 404 "$url/etc/passwd"
check "nor by other ways" status 404 --path-as-is "$url/../../etc/passwd"
check "nothing can be written" status 405 -X POST -d x=y "$url/metrics"
check "heads alone are given" status 200 -I "$url/metrics"
check "scripts of others are not run" bash -c "curl -sI $url/ | grep -q \"script-src 'self'\""
check "who asks by another name has none" status 403 -H 'Host: evil.example' "$url/metrics"
check "by a name that is allowed it has" status 200 -H 'Host: mon.example:80' "$url/metrics"
check "the socket answers" status 200 --unix-socket "$work/sock/s" http://any/metrics
check "to its group alone" test "$(stat -c %a "$work/sock/s")" = 660

# Many at a time, some of which say nothing, and requests that make no sense.
storm()
{
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		exec {fd}<> /dev/tcp/127.0.0.1/9871
		head -c 2000 /dev/urandom >&"$fd"
	done
	for i in 1 2 3 4 5 6; do
		ask "$url/metrics" > "$work/storm.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return 1
	done
	for i in 1 2 3 4 5 6; do
		grep -q '^tarn_pool_size_bytes' "$work/storm.$i" || return 1
	done
}
check "many may ask" storm
check "without harm" status 200 "$url/metrics"

# As if it had ended long ago. Who is the last to close the file would take away what
# readers need.
kill -STOP $logd
python3 - "$history" <<-'PY'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.execute("UPDATE pool_sample SET time = time - 1000")
	db.commit()
PY
kill -KILL $logd
wait $logd
stale()
{
	! value 'tarn_pool_size_bytes{pool="test-tools"}'
}
check "without tarn-logd pools go" await stale
check "but it answers" status 200 "$url/metrics"
rm -f "$history"*
check "without a history it says so" status 503 "$url/metrics"
check "it ends when it is told to" bash -c "kill $exporter && ! { sleep 5; kill -0 $exporter; } 2>/dev/null"
end
