#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tarnctl web, in a network of its own: it becomes an exporter where none runs, says where
# the page is where one does, and what is wrong where something else listens there.
# shellcheck disable=SC2317 # functions are called by check
set -u

[ "${1-}" = inside ] || {
	unshare --net true 2>/dev/null || {
		echo "1..0 # SKIP who is not root has no network of his own"
		exit 4
	}
	exec unshare --net "$0" inside
}
# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
need tarnctl tarn-exporter python3 ip
ip link set lo up
history=$work/history.db
web=
trap 'kill $web 2>/dev/null; finish' EXIT

page()
{
	python3 -c 'import urllib.request, sys
text = urllib.request.urlopen("http://127.0.0.1:9871/").read().decode()
sys.exit("<title>Tarn</title>" not in text)'
}

refuse 1 "enable --now tarn-logd" "without a history there is no page" tarnctl web --history "$history"
# That of a page is not looked at before somebody asks for it.
touch "$history"
chmod 711 "$work"
check "what would be" says "would be started" tarnctl web -n --history "$history"
refuse 2 "too much" "a word too much" tarnctl web x
refuse 1 "No space left" "an address that can't be written" \
	sh -c "tarnctl web --history '$history' > /dev/full"
tarnctl web --history "$history" > "$work/web" 2>&1 &
web=$!
await grep -q "^http://127.0.0.1:9871/ until" "$work/web"
result $? "it says where the page is"
check "where it is" page
check "another one finds it" test "$(tarnctl web --history "$history")" = http://127.0.0.1:9871/
kill -INT $web
wait $web
check "it ends when it is interrupted" test $? = 0
tarn-exporter --listen 127.0.0.1:9871 --metrics-only --history "$history" > "$work/web" 2>&1 &
web=$!
# Before that it would become one itself.
await bash -c ': < /dev/tcp/127.0.0.1/9871'
refuse 1 "has no page" "what has no page is told" tarnctl web --history "$history"

end
