#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The page of tarn-exporter in a browser without a screen, on a real pool: what it shows,
# what a click does, names that are meant to be something else. TARN_PICTURES=DIR keeps
# pictures of it.
#
# shellcheck disable=SC2317 # functions are called by check
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
# shellcheck source=selftests/tools/browser.sh
. "$(dirname "$0")/browser.sh"
need jq curl chromium chromedriver
history=$work/history.db
url=http://127.0.0.1:9871
logd=
exporter=
chmod 755 "$work"

quit()
{
	browser_end
	kill "$exporter" "$logd" 2>/dev/null
	finish
}
trap quit EXIT

# sees NAME JAVASCRIPT: it becomes true
sees()
{
	await is_true "$2"
	result $? "$1"
	[ $failed = 0 ] || cat "$work/value"
}

picture()
{
	[ -z "${TARN_PICTURES-}" ] || browser_picture "$TARN_PICTURES/$1.png"
}

hostile="<img src=x onerror=document.title='gotcha'>"
rows="document.querySelectorAll('#guests tbody tr')"

make_disk nullb0
mount_pool $pool size=48M
tarn-logd --history "$history" --alerts "$work/none" --alert-user nobody 2> "$work/logd.log" &
logd=$!
start_pager nullb0
mkdir -p $pool/libvirt/qemu/3-web
head -c 24M /dev/urandom > $pool/libvirt/qemu/3-web/ram
head -c 16M /dev/urandom > $pool/db
head -c 8M /dev/urandom > "$pool/$hostile"
load()
{
	while :; do
		cat $pool/libvirt/qemu/3-web/ram $pool/db > /dev/null
		sleep 1
	done
}
load &
load=$!
kill_pager
start_pager nullb0
tarn-exporter --history "$history" --listen 127.0.0.1:9871 2> "$work/exporter.log" &
exporter=$!

check "a browser" browser_start
check "opens the page" browser_open "$url/"
sees "the pool is there" "document.querySelector('#pools button').textContent === 'test-tools'"
sees "and its state" "document.getElementById('state').textContent === 'serving'"
sees "all partitions" "$rows.length === 3"
sees "the domain, where there is one" "[...$rows].some(r => r.cells[0].textContent === 'web')"
sees "names are text" "[...$rows].some(r => r.cells[0].textContent === \"$hostile\")"
sees "and no markup" "document.images.length === 0 && document.title === 'Tarn'"
sees "sizes" "[...$rows].some(r => r.cells[1].textContent === '24M')"
sees "pages are read" "[...$rows].some(r => parseFloat(r.cells[7].textContent) > 0)"
sees "NUMA nodes" "document.querySelectorAll('#nodes .node').length > 0"
sees "curves" "document.querySelectorAll('#charts .curve').length >= 7"
sees "that have points" "[...document.querySelectorAll('#charts .curve')].every(c =>
	c.getAttribute('points').split(' ').length > 5 && !c.getAttribute('points').includes('NaN'))"
sees "events are marked" "document.querySelectorAll('#charts .mark').length >= 4"
sees "and listed" "document.getElementById('events').textContent.includes('pager-lost, raised')"
check "a picture" picture page
evaluate "[...$rows].find(r => r.cells[0].textContent === 'web').click()" > /dev/null
sees "a click shows a guest" "document.getElementById('subject').textContent === 'of web'"
sees "how it uses its memory" "document.querySelectorAll('#charts polygon').length === 4"
check "a picture of that" picture guest
evaluate "[...document.querySelectorAll('#ranges button')].find(b => b.textContent === '7d').click()" \
	> /dev/null
sees "or of a week" "document.querySelector('#ranges [aria-pressed=true]').textContent === '7d'"
kill $load
rm -rf $pool/libvirt
sees "a guest that ends goes" "$rows.length === 2"
kill $exporter
sees "without the exporter it says so" "!document.getElementById('trouble').hidden"
errors=$(browser_errors | grep -v ERR_CONNECTION_REFUSED)
echo "$errors" > "$work/out"
[ -z "$errors" ]
result $? "there was no error in the page"
end
