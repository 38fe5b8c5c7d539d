#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Command lines of all programs, as far as they need no module: what makes no sense ends
# with 2 and says why, what cannot be written with 1.
set -u

# shellcheck source=selftests/tools/tools.sh
. "$(dirname "$0")/tools.sh"
top=${TARN_TOP:-$(cd "$(dirname "$0")/../.." && pwd -P)}
PATH=$top/build/bin:$PATH
need tarnctl tarn-vmm tarn-pager tarn-logd tarn-exporter tarn-listener tarn-balanced tarn-adapter

for program in tarn-vmm tarn-pager tarn-logd tarn-exporter tarn-listener tarn-balanced tarn-adapter tarnctl; do
	refuse 2 "option" "$program: an option that is none" $program --frobnicate
done
refuse 2 "needs an argument" "tarn-vmm: a value is missing" tarn-vmm -m
refuse 2 "bad memory size" "a size that is none" tarn-vmm -m 5X
refuse 2 "no size" "tarn-pager: likewise" tarn-pager --pool /p --device /d,size=5X
refuse 2 "wants an amount" "tarn-logd: likewise" tarn-logd --history-size 5X
refuse 2 "wants an address" "tarn-exporter: a name is no address" tarn-exporter --listen localhost:1
refuse 2 "wants seconds" "tarn-balanced: an interval that is none" tarn-balanced -i x
refuse 2 "which adapter" "tarn-adapter: no adapter" tarn-adapter
refuse 2 "is no address" "an address that is none" tarn-adapter -n 02.00.0
refuse 2 "there is queues=" "tarnctl adapter grant: what there is not" tarnctl adapter grant a queus=1
refuse 2 "missing" "tarnctl run: nothing to start" tarnctl run
refuse 2 "is no size for the memory" "a size that is none" tarnctl run -m 5X k
refuse 2 "is no size for the memory" "a number without a unit" tarnctl run -m 512 k
refuse 2 "is no number of CPUs" "no CPUs" tarnctl run --cpus 0 k
refuse 2 "is no name for a guest" "a name that is none" tarnctl run --name a/b k
refuse 2 "is not known" "a word behind a disk" tarnctl run -n "$work/none,rw"
# What is not there is no matter of the command line.
refuse 1 "No such file" "a file that is not there" tarnctl run -n "$work/none"
head -c 4096 /dev/zero > "$work/disk"
refuse 2 "is for a kernel" "what only a kernel has" tarnctl run -n --initrd i "$work/disk"
refuse 2 "is no address of a card" "a card's address" \
	tarnctl run -n --pool none --net "lo,mac=1" "$work/disk"

full()
{
	"$@" > /dev/full
}

for program in tarn-vmm tarn-pager tarn-logd tarn-exporter tarn-listener tarn-balanced tarn-adapter tarnctl; do
	for option in --help --version; do
		refuse 1 "No space left" "$program $option: what can't be written" full $program $option
	done
done
for words in "run --help" "run -n --pool none $work/disk" "config --help" "help pool list" \
	"config check"; do
	# shellcheck disable=SC2086 # several words
	refuse 1 "No space left" "tarnctl ${words%% "$work"*}: likewise" full tarnctl $words
done
refuse 1 "No space left" "tarn-balanced -n --json" full tarn-balanced -n --json

end
