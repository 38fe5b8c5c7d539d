# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A browser without a screen, driven by chromedriver's requests (WebDriver).

: "${work:?is set by tools.sh}"
driver=
session=
driver_url=http://127.0.0.1:9515

# driver_do METHOD PATH [JSON]: the value of the answer
driver_do()
{
	curl -sS --max-time 300 -X "$1" "$driver_url/$2" ${3:+-d "$3"} > "$work/driver.json" &&
		jq -c .value "$work/driver.json"
}

driver_ready()
{
	[ "$(driver_do GET status | jq .ready)" = true ]
}

# As root it has no sandbox of its own, and /dev/shm may be small.
browser_start()
{
	chromedriver --port=9515 > "$work/driver.log" 2>&1 &
	driver=$!
	await driver_ready || return 1
	session=$(driver_do POST session '{"capabilities": {"alwaysMatch": {
		"timeouts": {"pageLoad": 300000, "script": 300000},
		"goog:loggingPrefs": {"browser": "ALL"},
		"goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu",
			"--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1400,1300"]}}}}' |
		jq -r .sessionId)
	[ -n "$session" ] && [ "$session" != null ]
}

browser_end()
{
	[ -n "$driver" ] || return 0
	[ -z "$session" ] || driver_do DELETE "session/$session" > /dev/null
	kill "$driver" 2>/dev/null
	wait "$driver" 2>/dev/null
	driver=
}

browser_open()
{
	driver_do POST "session/$session/url" "$(jq -n --arg url "$1" '{url: $url}')"
}

# evaluate JAVASCRIPT: its value, as JSON
evaluate()
{
	driver_do POST "session/$session/execute/sync" \
		"$(jq -n --arg script "return $1" '{script: $script, args: []}')"
}

# is_true JAVASCRIPT
is_true()
{
	[ "$(evaluate "$1" | tee "$work/value")" = true ]
}

# browser_errors: what the page's console has of errors
browser_errors()
{
	driver_do POST "session/$session/se/log" '{"type": "browser"}' |
		jq -r '.[] | select(.level == "SEVERE" or .level == "WARNING").message'
}

# browser_picture FILE
browser_picture()
{
	driver_do GET "session/$session/screenshot" > /dev/null &&
		jq -r .value "$work/driver.json" | base64 -d > "$1" && [ -s "$1" ]
}
