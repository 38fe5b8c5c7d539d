# SPDX-License-Identifier: GPL-2.0-only
# bash completion for tarnctl(8)

# Mount points of all pools.
_tarnctl_pools()
{
	local root type point rest

	while read -r _ _ _ root point rest; do
		type=${rest#* - }
		[[ $root == / && ${type%% *} == tarnfs ]] &&
			printf '%b\n' "${point//\\/\\0}"
	done < /proc/self/mountinfo 2> /dev/null
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
		echo "pool partition pager domain doctor save numa top events history --help --version" ;;
	pool)
		echo "list show set resize drain-node pins faults events top --help" ;;
	partition)
		echo "list show pages heat set page-out page-in relocate pins metrics attach detach top --help" ;;
	pager)
		echo "list show add drain resilver detach --help" ;;
	save)
		echo "show --help" ;;
	"save show")
		echo "--json --bytes --runs --help" ;;
	domain)
		echo "check --help" ;;
	"domain check")
		echo "--here --help" ;;
	"pool list" | "pool show" | "partition list" | "pager list")
		echo "--json --bytes --help" ;;
	"pool pins")
		echo "--json --help" ;;
	"pool drain-node")
		echo "--json --bytes --shrink --refuse --background --status --cancel --help" ;;
	"pool set")
		echo "--placement --help" ;;
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
		echo "--home --dispatch --help" ;;
	"partition relocate")
		echo "--json --bytes --to --away-from --refuse --granule --background --status \
			--cancel --help" ;;
	"partition page-out" | "partition page-in")
		echo "--bytes --help" ;;
	numa)
		echo "--json --bytes --svg --help" ;;
	doctor*)
		echo "--json --help" ;;
	events* | "pool events" | "pool faults")
		echo "--json --count --help" ;;
	top*)
		echo "--bytes --count --delay --plain --sort --replay --since --until --by --history --help" ;;
	"pool top" | "partition top")
		echo "--bytes --count --delay --plain --sort --help" ;;
	history*)
		echo "--pool --partition --since --until --by --events --json --csv --bytes --history \
			--help" ;;
	"pager show")
		echo "--json --bytes --socket --help" ;;
	"pager add")
		echo "--socket --priority --size --discard --force --help" ;;
	"pager drain")
		echo "--socket --off --help" ;;
	"pager resilver")
		echo "--socket --device --replace --force --help" ;;
	"pager detach")
		echo "--force --help" ;;
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
	--sort | -s)
		mapfile -t COMPREPLY < <(compgen -W "name logical resident \
			paged working-set fair homes misplaced page-ins page-outs refaults waits p50 p99" \
			-- "$cur")
		return ;;
	--pool | -p)
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
	--to | --away-from)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_nodes)" -- "$cur")
		return ;;
	--placement)
		mapfile -t COMPREPLY < <(compgen -W "class density refault" -- "$cur")
		return ;;
	--granule)
		mapfile -t COMPREPLY < <(compgen -W "1 2 4 8 16 32 64 128 256 512" -- "$cur")
		return ;;
	--by)
		mapfile -t COMPREPLY < <(compgen -W "second minute" -- "$cur")
		return ;;
	--socket | --replace | --svg | --history)
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
	top | events | history | doctor | numa)
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
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi ;;
	"partition show" | "partition pages" | "partition heat" | "partition page-"* | \
	"partition pins" | "partition metrics" | "partition detach" | \
	"partition relocate" | "pager add" | "save show" | "domain check")
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	"partition set")
		if ((COMP_CWORD == 3)); then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		else
			compopt -o nospace
			mapfile -t COMPREPLY < <(compgen -W \
				"weight= min= desired= huge=" -- "$cur")
		fi ;;
	"pool set")
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_tarnctl_pools) low= high= readahead= scan=" -- "$cur") ;;
	"pool drain-node")
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_tarnctl_pools) $(_tarnctl_nodes)" -- "$cur") ;;
	"pool pins")
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools) \
			cpu= clock= steal= async-fault= eoi= ring= dma= \
			metrics= tables= other=" -- "$cur") ;;
	numa)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools)" -- "$cur"
			compgen -f -- "$cur") ;;
	"pool list" | "pager list") ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$(_tarnctl_pools)" \
			-- "$cur") ;;
	esac
} && complete -F _tarnctl tarnctl
