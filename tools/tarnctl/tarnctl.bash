# SPDX-License-Identifier: GPL-2.0-only
# bash completion for tarnctl(8)

# Names of all pools: below /run/tarn, else their mount points.
_tarnctl_pools()
{
	local root type point rest

	while read -r _ _ _ root point rest; do
		type=${rest#* - }
		[[ $root == / && ${type%% *} == tarnfs ]] &&
			printf '%b\n' "${point//\\/\\0}"
	done < /proc/self/mountinfo 2> /dev/null | sed 's|^/run/tarn/||'
}

# What partitions are called, those of guests first.
_tarnctl_partitions()
{
	"${COMP_WORDS[0]:-tarnctl}" partition list -H -o partition 2> /dev/null
}

# Of the lines of $1, what begins as $cur; names may have blanks in them.
_tarnctl_offer()
{
	local IFS=$'\n'

	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur" | while read -r line; do
		printf '%q\n' "$line"
	done)
}

# Names of partitions, and files.
_tarnctl_offer_partitions()
{
	_tarnctl_offer "$(_tarnctl_partitions)"
	[[ ${#COMPREPLY[@]} -gt 0 && $cur != */* ]] && return
	compopt -o filenames 2> /dev/null
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur")
}

# The columns of a table, from what the command says of one that is not there.
_tarnctl_columns()
{
	# shellcheck disable=SC2086 # the command is several words
	tarnctl $1 --columns . 2>&1 | sed -n "s/.*there is no column '.', but //p" | tr -d ,
}

# What the table of the command that stands there has, by whose columns it is sorted.
_tarnctl_sorted()
{
	case "$command $sub" in
	top\ * | "pool top" | "partition top")
		echo "name logical resident paged working-set fair homes misplaced page-ins page-outs \
			refaults waits breaks p50 p99 pool pid" ;;
	"history "* | "pool history")
		# Those of one partition are others.
		if [[ " ${COMP_WORDS[*]} " == *" --partition"* ]]; then
			_tarnctl_columns "history --partition ."
		else
			_tarnctl_columns history
		fi ;;
	"numa "*)
		_tarnctl_columns numa ;;
	"pool list" | "pool faults" | "pool sharing" | "partition list" | "pager list" | \
	"adapter list" | "adapter group")
		_tarnctl_columns "$command $sub" ;;
	esac
}

# Adapters that have a manager.
_tarnctl_adapters()
{
	"${COMP_WORDS[0]:-tarnctl}" adapter list -H -o name 2> /dev/null
}

# Their groups: of the one that stands there, or of the only one.
_tarnctl_groups()
{
	local adapter=

	# An address is several words to bash.
	[[ $COMP_LINE =~ [0-9a-fA-F:]+:[0-9a-fA-F.]+ ]] && adapter=${BASH_REMATCH[0]}
	# shellcheck disable=SC2086 # none is no word
	"${COMP_WORDS[0]:-tarnctl}" adapter group $adapter -H -o name 2> /dev/null
}

# Names of all pools that have a file.
_tarnctl_configs()
{
	local file

	for file in /etc/tarn/pools.d/*.conf; do
		[ -e "$file" ] && basename "$file" .conf
	done
}

_tarnctl_nodes()
{
	local dir

	for dir in /sys/devices/system/node/node[0-9]*; do
		[ -d "$dir" ] && echo "${dir##*/node}"
	done
}

_tarnctl_words()
{
	case $1 in
	"")
		echo "pool partition pager adapter config domain doctor status iostat save numa run top events history web help --help --version" ;;
	pool)
		echo "list show create destroy import set resize drain-node pins faults sharing history events top --help" ;;
	partition)
		echo "list show pages heat set page-out page-in find-patterns share relocate pins metrics attach detach top --help" ;;
	pager)
		echo "list show add drain resilver detach --help" ;;
	adapter)
		echo "list show group plan grant revoke destroy reset events --help" ;;
	config)
		echo "check show mount apply pager reload-pager has-partitions follow --help" ;;
	save)
		echo "show --help" ;;
	"save show")
		echo "--json --bytes --runs --help" ;;
	domain)
		echo "check --help" ;;
	"domain check")
		echo "--here --help" ;;
	"pool list" | "partition list" | "pager list" | "adapter list" | "adapter group")
		echo "--json --bytes --columns --noheadings --raw --sort --reverse --help" ;;
	"pool show")
		echo "--json --bytes --help" ;;
	"pool faults" | "pool sharing")
		echo "--json --bytes --columns --noheadings --raw --sort --reverse --count --help" ;;
	"pool resize")
		echo "--persistent --dry-run --help" ;;
	"partition detach")
		echo "--dry-run --help" ;;
	status*)
		echo "--json --unhealthy --watch --delay --count --help" ;;
	iostat*)
		echo "--json --csv --bytes --noheadings --time --help" ;;
	"pool pins")
		echo "--json --help" ;;
	"pool drain-node")
		echo "--json --bytes --shrink --refuse --background --status --cancel --dry-run --help" ;;
	"pool set")
		echo "--placement --persistent --help" ;;
	"pool create" | "pool import" | "config apply")
		echo "--dry-run --help" ;;
	"pool destroy")
		echo "--force --dry-run --help" ;;
	"partition pins" | "partition metrics")
		echo "--json --bytes --help" ;;
	"partition attach")
		echo "--json --vm --range --help" ;;
	"partition show")
		echo "--json --bytes --pool --help" ;;
	"partition pages")
		echo "--json --bytes --runs --help" ;;
	"partition heat")
		echo "--json --bytes --plain --svg --help" ;;
	"partition set")
		echo "--home --dispatch --domain --dry-run --help" ;;
	"partition relocate")
		echo "--json --bytes --to --away-from --compact --refuse --granule --blocked-most \
			--background --status --cancel --dry-run --help" ;;
	"partition page-out" | "partition page-in")
		echo "--bytes --dry-run --help" ;;
	"partition find-patterns" | "partition share")
		echo "--bytes --help" ;;
	numa*)
		echo "--json --bytes --columns --noheadings --raw --sort --reverse --svg --help" ;;
	run)
		echo "--name --memory --cpus --pool --disk --net --kernel --initrd --append --firmware \
			--user-data --ssh-key --console --qmp --daemon --dry-run --help" ;;
	doctor*)
		echo "--json --help" ;;
	web*)
		echo "--history --dry-run --help" ;;
	events* | "pool events" | "adapter events")
		echo "--json --count --help" ;;
	top*)
		echo "--json --csv --bytes --count --delay --plain --sort --reverse --filter --replay --since \
			--until --by --history --help" ;;
	history* | "pool history")
		echo "--json --csv --bytes --columns --noheadings --raw --sort --reverse --pool \
			--partition --since --until --by --events --history --help" ;;
	"pool top" | "partition top")
		echo "--json --csv --bytes --count --delay --plain --sort --reverse --filter --help" ;;
	"adapter show" | "adapter plan" | "adapter revoke" | "adapter destroy" | "adapter reset")
		echo "--json --help" ;;
	"adapter grant")
		echo "--json --from --dry-run --help" ;;
	"pager show")
		echo "--json --bytes --socket --help" ;;
	"pager add")
		echo "--socket --priority --size --discard --force --dry-run --help" ;;
	"pager drain")
		echo "--socket --off --dry-run --help" ;;
	"pager resilver")
		echo "--socket --device --replace --force --dry-run --help" ;;
	"pager detach")
		echo "--force --dry-run --help" ;;
	*)
		echo "--help" ;;
	esac
}

# The values of a KEY=, which bash has as words of their own: "huge", "=", "ne".
_tarnctl_values()
{
	local cur=${COMP_WORDS[COMP_CWORD]} key=${COMP_WORDS[COMP_CWORD - 1]}

	if [[ $cur == "=" ]]; then
		cur=
	elif [[ $key == "=" ]]; then
		key=${COMP_WORDS[COMP_CWORD - 2]}
	else
		return 1
	fi
	case "$1 $key" in
	"partition set huge")
		mapfile -t COMPREPLY < <(compgen -W "auto never advise always" -- "$cur") ;;
	"pool pins "*)
		mapfile -t COMPREPLY < <(compgen -W "critical always never" -- "$cur") ;;
	esac
	return 0
}

_tarnctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} sub=${COMP_WORDS[2]} path

	COMPREPLY=()
	case $prev in
	--sort | -s | --columns | -o)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_sorted)" -- "$cur")
		return ;;
	--pool)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools)" \
			-- "$cur")
		return ;;
	--home)
		mapfile -t COMPREPLY < <(compgen -W "none auto $(_tarnctl_nodes)" \
			-- "$cur")
		return ;;
	--dispatch)
		mapfile -t COMPREPLY < <(compgen -W "soft strict off default" \
			-- "$cur")
		return ;;
	--from)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_groups)" -- "$cur")
		return ;;
	--to | --away-from)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_nodes)" -- "$cur")
		return ;;
	--placement)
		mapfile -t COMPREPLY < <(compgen -W "class density refault" -- "$cur")
		return ;;
	--granule)
		mapfile -t COMPREPLY < <(compgen -W "1 2 4 8 16 32 64 128 256 512" -- "$cur")
		return ;;
	--blocked-most)
		mapfile -t COMPREPLY < <(compgen -W "100us 1ms 10ms" -- "$cur")
		return ;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "second minute" -- "$cur")
		return ;;
	--net)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$cur")
		return ;;
	--socket | --replace | --svg | --disk | --kernel | --initrd | --firmware | --user-data | \
	--ssh-key | --qmp | --history)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	esac
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_words "")" \
			-- "$cur")
		return
	fi
	case $command in
	top | events | history | web | doctor | numa | run | status | iostat)
		path=$command ;;
	*)
		if ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_tarnctl_words "$command")" -- "$cur")
			return
		fi
		path="$command $sub" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_tarnctl_words "$path")" -- "$cur")
		return
	fi
	_tarnctl_values "$path" && return
	case $path in
	"partition attach")
		if ((COMP_CWORD == 3)); then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(pidof qemu-system-x86_64)" -- "$cur")
		else
			_tarnctl_offer_partitions
		fi ;;
	"partition show" | "partition pages" | "partition heat" | "partition page-"* | \
	"partition pins" | "partition metrics" | "partition detach" | \
	"partition relocate" | "partition find-patterns" | "partition share")
		_tarnctl_offer_partitions ;;
	run | "pager add" | "save show" | "domain check")
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	"partition set")
		if ((COMP_CWORD == 3)); then
			_tarnctl_offer_partitions
		else
			compopt -o nospace
			mapfile -t COMPREPLY < <(compgen -W \
				"weight= min= desired= huge=" -- "$cur")
		fi ;;
	"config check")
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_configs)" -- "$cur"
			compgen -f -- "$cur") ;;
	config* | "pool destroy")
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_configs)" -- "$cur") ;;
	"pool create")
		compopt -o nospace
		((COMP_CWORD == 3)) || mapfile -t COMPREPLY < <(compgen -W "size= nodes= mode= \
			uid= gid= paging= huge= low= high= readahead= scan= promote= placement= user= \
			queues= depth= cpus= device= mirror=" -- "$cur") ;;
	"pool set")
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_tarnctl_pools) low= high= readahead= scan= promote=" -- "$cur") ;;
	"pool drain-node")
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_tarnctl_pools) $(_tarnctl_nodes)" -- "$cur") ;;
	"pool pins")
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools) \
			cpu= clock= steal= async-fault= eoi= ring= dma= \
			metrics= tables= other=" -- "$cur") ;;
	numa)
		_tarnctl_offer "$(_tarnctl_pools; _tarnctl_partitions)" ;;
	"adapter grant" | "adapter revoke" | "adapter destroy")
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_groups; _tarnctl_adapters)" -- "$cur") ;;
	"adapter list") ;;
	adapter*)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_adapters)" -- "$cur") ;;
	"pool list" | "pager list" | doctor | web) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools)" \
			-- "$cur") ;;
	esac
} && complete -F _tarnctl tarnctl
