// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl: looks at and sets shared memory pools, their partitions and their
 * paging service. Here stands the tree of its subcommands.
 */
#include <locale.h>

#include "command.h"
#include "commands.h"
#include "config_commands.h"

#define OPTION_TOP                                                             \
	(OPTION_JSON | OPTION_CSV | OPTION_BYTES | OPTION_COUNT |              \
	 OPTION_DELAY | OPTION_PLAIN | OPTION_SORT | OPTION_REVERSE |          \
	 OPTION_FILTER)

#define HISTORY_HELP                                                           \
	"tarn-logd keeps them: a sample a second for an hour, a minute for a\n"  \
	"week. Without --since the last hour is shown, by minutes. Rates and\n"   \
	"latencies in the table are of the time since the line before. With\n"    \
	"--json every sample is an object on a line of its own, with --csv a\n"   \
	"line below a head; both have the counters as they were."
#define OPTION_HISTORIES                                                       \
	(OPTION_TABLE | OPTION_CSV | OPTION_QUERY | OPTION_POOL |              \
	 OPTION_PARTITION | OPTION_EVENTS)

#define SIZES_HELP                                                             \
	"A bare number counts pages of 4 KiB; B, K, M, G, T make it a size\n"  \
	"and % a part of the whole."

static const struct command pool_commands[] = {
	{ .name = "list", .help = "all pools, a line each",
	  .fn = pool_list_main, .options = OPTION_TABLE },
	{ .name = "show", .args = "[POOL]", .help = "all counters of a pool",
	  .fn = pool_show_main, .options = OPTION_JSON | OPTION_BYTES,
	  .max_args = 1 },
	{ .name = "create", .args = "NAME size=SIZE [KEY=VALUE...]",
	  .help = "make a pool that is there at each boot",
	  .more = "Writes /etc/tarn/pools.d/NAME.conf, mounts the pool at /run/tarn/NAME, and has\n"
		  "systemd start it and its pager, now and at each boot. KEY is one of those of the\n"
		  "sections [pool] and [pager] of tarn-pool.conf(5), and these may be repeated:\n"
		  "  device=PATH[,KEY=VALUE...]       page to a block device, or to a file with size=\n"
		  "  mirror=PATH,PATH[,KEY=VALUE...]  write to both, read from either\n"
		  "What a device holds is overwritten; one that anything knows is refused.",
	  .fn = pool_create_main, .options = OPTION_DRY_RUN, .min_args = 2,
	  .max_args = -1 },
	{ .name = "destroy", .args = "NAME",
	  .help = "end a pool and remove its file",
	  .more = "Refused while guests are in it. --force gives up memory that no guest uses any\n"
		  "more.",
	  .fn = pool_destroy_main, .options = OPTION_FORCE | OPTION_DRY_RUN, .min_args = 1,
	  .max_args = 1 },
	{ .name = "import", .args = "NAME",
	  .help = "make the file of a pool that has none",
	  .more = "From /etc/tarn/NAME.conf of an earlier version, or from the pool that is mounted at\n"
		  "/run/tarn/NAME and its pager, as they are. The pool runs on meanwhile.",
	  .fn = pool_import_main, .options = OPTION_DRY_RUN, .min_args = 1, .max_args = 1 },
	{ .name = "set", .args = "[POOL] [KEY=VALUE...]",
	  .help = "change settings of a pool",
	  .more = "  low=AMOUNT        reclaim starts when fewer frames are free\n"
		  "  high=AMOUNT       and stops when so many are, at most half the pool\n"
		  "  readahead=AMOUNT  most that is read ahead of a sequence, up to 256 pages\n"
		  "  scan=SHARE        of one CPU for looking at which pages are used, and which of\n"
		  "                    the others are patterns, 2% at first;\n"
		  "                    under pressure, or while it finds much,\n"
		  "                    up to four times as much; 0 turns it off\n"
		  "  promote=SHARE     of one CPU for making memory in use 2 MiB frames, 1% at first;\n"
		  "                    0 turns it off\n"
		  "\n" SIZES_HELP "\n\n"
		  "--placement says which of the pages that are not at home are moved first:\n"
		  "  class    those that are hot, then warm, cool and cold ones; so it is at first\n"
		  "  density  by use, in four degrees, and of each the blocks of 2 MiB with most\n"
		  "           of it\n"
		  "  refault  those that were paged in, recently first, then the others by class",
	  .fn = pool_set_main,
	  .options = OPTION_PLACEMENT | OPTION_PERSISTENT, .max_args = -1 },
	{ .name = "resize", .args = "[POOL] SIZE[:SIZE...]",
	  .help = "give a mounted pool another size",
	  .more = "Several sizes set one per NUMA node. What does not fit into a smaller\n"
		  "pool is paged out first; where that cannot be, the pool stays as it was.\n"
		  "A size has a suffix: 8G, 512M, 30% (of the memory of this machine).",
	  .fn = pool_resize_main,
	  .options = OPTION_DRY_RUN | OPTION_PERSISTENT,
	  .min_args = 1, .max_args = 2 },
	{ .name = "drain-node", .args = "[POOL] N",
	  .help = "give all memory on a NUMA node back to the kernel",
	  .more = "For memory that is to be taken out or offline. The pool first takes as much from\n"
		  "the other nodes, so that it stays as large as it is; then what is on node N is\n"
		  "moved there while guests run. A page that somebody holds (for DMA, say) is\n"
		  "waited for. Without --background this waits for the end; when it is\n"
		  "interrupted, it goes on. Whatever else ends it, the pool is as it was before.",
	  .fn = pool_drain_node_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_SHRINK |
		     OPTION_REFUSE | OPTION_BACKGROUND | OPTION_STATUS |
		     OPTION_CANCEL | OPTION_DRY_RUN,
	  .max_args = 2 },
	{ .name = "pins", .args = "[POOL] [TYPE=POLICY]...",
	  .help = "which areas of guests are pinned, by type",
	  .more = "  TYPE    cpu, clock, steal, async-fault, eoi, ring, dma, metrics, tables, other\n"
		  "  POLICY  critical  pinned if the hypervisor itself accesses such areas\n"
		  "          always    pinned\n"
		  "          never     not pinned\n"
		  "\n"
		  "Without a POLICY they are shown. A change concerns areas that exist, too.",
	  .fn = pool_pins_main, .options = OPTION_JSON, .max_args = -1 },
	{ .name = "faults", .args = "[POOL]",
	  .help = "page-ins under way, oldest first",
	  .more = "Each has a number from the fault of a guest until its page is there, and\n"
		  "waits for a free frame, for a pager, for the read, or for a move of the page.\n"
		  "With --count only the N oldest are listed.",
	  .fn = pool_faults_main, .options = OPTION_TABLE | OPTION_COUNT,
	  .max_args = 1 },
	{ .name = "sharing", .args = "[POOL]",
	  .help = "what most pages share, and where one of them is",
	  .more = "Of what pages hold that are equal there is one frame, or one copy with the\n"
		  "pager, for all of a sharing domain. With --count only the N that most share are\n"
		  "listed, 20 without.",
	  .fn = pool_sharing_main, .options = OPTION_TABLE | OPTION_COUNT,
	  .max_args = 1 },
	{ .name = "history", .args = "[POOL]",
	  .help = "counters and events of the past", .more = HISTORY_HELP,
	  .fn = history_main, .options = OPTION_HISTORIES, .max_args = 1 },
	{ .name = "events", .args = "[POOL]",
	  .help = "what happens to a pool, as it happens", .fn = events_main,
	  .options = OPTION_JSON | OPTION_COUNT, .max_args = 1 },
	{ .name = "top", .args = "[POOL]",
	  .help = "live view of a pool and its partitions", .fn = top_main,
	  .options = OPTION_TOP,
	  .max_args = 1 },
	{ 0 },
};

static const struct command partition_commands[] = {
	{ .name = "list", .args = "[POOL]",
	  .help = "all partitions of a pool or of all pools, a line each",
	  .more = "On a narrow terminal some columns are left out. --columns names those that\n"
		  "are to be there; nodes, pid, vmm, uuid, file, wss, min, desired, pinned, huge\n"
		  "and waits are among them.",
	  .fn = partition_list_main, .options = OPTION_TABLE, .max_args = 1 },
	{ .name = "show", .args = "PARTITION",
	  .help = "all counters of a partition",
	  .more = "Of its guest the process, the VMM and the uuid of the domain are shown, where\n"
		  "they can be seen, and on which NUMA nodes its memory is.",
	  .fn = partition_show_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_POOL, .min_args = 1,
	  .max_args = 1 },
	{ .name = "pages", .args = "PARTITION [START COUNT]",
	  .help = "states of its pages: counts and a map",
	  .more = SIZES_HELP,
	  .fn = partition_pages_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_RUNS, .min_args = 1,
	  .max_args = 3 },
	{ .name = "heat", .args = "PARTITION [START COUNT]",
	  .help = "how often its pages are used: counts and a map",
	  .more = "The map has colours on a terminal, letters and signs elsewhere.\n" SIZES_HELP,
	  .fn = partition_heat_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_PLAIN | OPTION_SVG,
	  .min_args = 1, .max_args = 3 },
	{ .name = "set", .args = "PARTITION [KEY=VALUE...]",
	  .help = "change settings of a partition",
	  .more = "  weight=N        its part in the pool when frames are short, 1 to 10000\n"
		  "  min=AMOUNT      what is not taken from it while others have more than theirs\n"
		  "  desired=AMOUNT  beyond this its frames are taken first, whatever its weight;\n"
		  "                  0 sets none\n"
		  "  huge=WHICH      which aligned 2 MiB get one frame at their first touch:\n"
		  "                  always, never, advise (where MADV_HUGEPAGE says so), or auto:\n"
		  "                  these, and all of a guest that is attached\n"
		  "\n"
		  "Of amounts, a bare number counts pages of 4 KiB, % is a part of the pool.\n"
		  "\n"
		  "--home names all nodes that are to be homes, with = and an amount where not\n"
		  "just what comes, but so much is to be. Pages that are elsewhere go there, the\n"
		  "most used first. It takes root. With auto tarn-balanced computes them, again\n"
		  "and again; --dispatch says how the vCPUs of QEMU's guests follow the homes.\n"
		  "\n"
		  "Partitions of one --domain share the frames of pages that hold the same, each\n"
		  "until it writes to it; with 'none', as at first, a partition shares with nobody.\n"
		  "Who is in a sharing domain can find out whether others in it hold what he holds.\n"
		  "To leave one takes as long as it takes to give frames to all that is shared.",
	  .fn = partition_set_main,
	  .options = OPTION_HOME | OPTION_DISPATCH | OPTION_DOMAIN | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = -1 },
	{ .name = "page-out", .args = "PARTITION [START COUNT]",
	  .help = "page out a range, or all of it, now",
	  .more = "Pages that somebody holds (for DMA, say) stay.\n" SIZES_HELP,
	  .fn = partition_page_out_main,
	  .options = OPTION_BYTES | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = 3 },
	{ .name = "page-in", .args = "PARTITION [START COUNT]",
	  .help = "page in a range, or all of it, now",
	  .more = SIZES_HELP, .fn = partition_page_in_main,
	  .options = OPTION_BYTES | OPTION_DRY_RUN, .min_args = 1,
	  .max_args = 3 },
	{ .name = "find-patterns", .args = "PARTITION [START COUNT]",
	  .help = "give up the frames of pages of which all is one word",
	  .more = "The scanner finds them by itself when they are cold; this looks at all pages of\n"
		  "a range now. No pager is needed. Pages that somebody holds stay.\n" SIZES_HELP,
	  .fn = partition_find_patterns_main, .options = OPTION_BYTES,
	  .min_args = 1, .max_args = 3 },
	{ .name = "share", .args = "PARTITION [START COUNT]",
	  .help = "look for pages that hold what others of its sharing domain hold",
	  .more = "The scanner finds them by itself when they are cold; this looks at all pages of\n"
		  "a range now. What nobody shared yet two pages must have held at two looks. No\n"
		  "pager is needed. Pages that somebody holds stay.\n" SIZES_HELP,
	  .fn = partition_share_main, .options = OPTION_BYTES, .min_args = 1,
	  .max_args = 3 },
	{ .name = "relocate", .args = "PARTITION [START COUNT]",
	  .help = "move a range to a NUMA node or away from one, or into 2 MiB frames",
	  .more = "The guest runs on, and waits only for a page that is just being moved. A page\n"
		  "that somebody holds (for DMA, say) is waited for. What the pager has comes\n"
		  "back on the node, if there are no homes. With --compact blocks of which most pages have\n"
		  "frames are made one of 2 MiB each. Without --background this waits\n"
		  "for the end; when it is interrupted, the relocation goes on.\n" SIZES_HELP,
	  .fn = partition_relocate_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_TO | OPTION_AWAY_FROM |
		     OPTION_COMPACT | OPTION_REFUSE | OPTION_GRANULE |
		     OPTION_BLOCKED_MOST | OPTION_BACKGROUND | OPTION_STATUS | OPTION_CANCEL | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = 3 },
	{ .name = "pins", .args = "PARTITION",
	  .help = "areas that were registered, and what is pinned for them",
	  .more = "An area is registered BY the guest, its VMM, or the module (kvm), which sees\n"
		  "what the guest tells KVM. 'recorded' ones are not to be pinned by the policy\n"
		  "of the pool (tarnctl pool pins); one that is 'not pinned' should be, and\n"
		  "the quota was used up.",
	  .fn = partition_pins_main, .options = OPTION_JSON | OPTION_BYTES,
	  .min_args = 1, .max_args = 1 },
	{ .name = "metrics", .args = "PARTITION",
	  .help = "what the guest tells of itself: free memory, refaults, stalls",
	  .more = "A guest shares it by tarn_guest.ko, or by a hypercall of its own. It is the\n"
		  "guest's word: nobody has checked it.",
	  .fn = partition_metrics_main, .options = OPTION_JSON | OPTION_BYTES,
	  .min_args = 1, .max_args = 1 },
	{ .name = "attach", .args = "PID [PARTITION]",
	  .help = "name the VM of a process to the partitions that are its memory",
	  .more = "For QEMU and others that do not do it themselves. From then on the guest's\n"
		  "hypercalls are answered, what it touches is seen and what must not be paged\n"
		  "is pinned, until the guest ends. Where its memory is in the guest is found\n"
		  "out for the machines of QEMU (pc, q35, microvm); for others, and to name\n"
		  "more than plain memory, each part is given by a --range, with numbers in\n"
		  "hex or with a unit: --range 0:640K:0 --range 0x100000:1023M:0x100000",
	  .fn = partition_attach_main,
	  .options = OPTION_JSON | OPTION_VM | OPTION_RANGE, .min_args = 1,
	  .max_args = 2 },
	{ .name = "detach", .args = "PARTITION",
	  .help = "undo 'attach'; the guest goes on without",
	  .fn = partition_detach_main, .options = OPTION_DRY_RUN, .min_args = 1, .max_args = 1 },
	{ .name = "top", .args = "[POOL]", .help = "same as 'tarnctl top'",
	  .fn = top_main,
	  .options = OPTION_TOP,
	  .max_args = 1 },
	{ 0 },
};

static const struct command pager_commands[] = {
	{ .name = "list", .help = "the pagers of all pools",
	  .fn = pager_list_main, .options = OPTION_TABLE },
	{ .name = "show", .args = "[POOL]",
	  .help = "a pager, its devices and its queues",
	  .fn = pager_show_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_SOCKET,
	  .max_args = 1 },
	{ .name = "add", .args = "[POOL] DEVICE",
	  .help = "give a pager one more device to page to",
	  .more = "DEVICE is a block device or a file. A file that is not there is made if\n"
		  "--size says how large it may become.",
	  .fn = pager_add_main,
	  .options = OPTION_SOCKET | OPTION_PRIORITY | OPTION_SIZE |
		     OPTION_DISCARD | OPTION_FORCE | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = 2 },
	{ .name = "drain", .args = "[POOL] N",
	  .help = "store nothing new on a device",
	  .more = "N is the number of the device in 'tarnctl pager show'. Its pages leave it\n"
		  "as they are read and changed; until USED is 0 in 'tarnctl pager show' a\n"
		  "pager cannot start without it.",
	  .fn = pager_drain_main, .options = OPTION_SOCKET | OPTION_OFF | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = 2 },
	{ .name = "resilver", .args = "[POOL]",
	  .help = "make the failed half of a mirror whole again",
	  .fn = pager_resilver_main,
	  .options = OPTION_SOCKET | OPTION_DEVICE | OPTION_REPLACE |
		     OPTION_FORCE | OPTION_DRY_RUN,
	  .max_args = 1 },
	{ .name = "detach", .args = "[POOL]",
	  .help = "take a pool from a pager that cannot even be killed",
	  .more = "For a pager that hangs, as a device of its does; any other is better ended.\n"
		  "--force has to be given. What it was asked for is asked anew of the next\n"
		  "pager. That one must not write to a device that this one had before its\n"
		  "process is gone: what it still writes nobody can call back.",
	  .fn = pager_detach_main, .options = OPTION_FORCE | OPTION_DRY_RUN, .max_args = 1 },
	{ 0 },
};

static const struct command save_commands[] = {
	{ .name = "show", .args = "FILE",
	  .help = "what is in the file of a saved guest",
	  .more = "FILE is what tarn-vmm was told to save to, or what 'virsh save' and\n"
		  "'virsh managedsave' made. It is checked to its end. --runs lists the runs of\n"
		  "pages instead of the sections; --json has the fields of all sections, too.",
	  .fn = save_show_main,
	  .options = OPTION_JSON | OPTION_BYTES | OPTION_RUNS, .min_args = 1,
	  .max_args = 1 },
	{ 0 },
};

static const struct command domain_commands[] = {
	{ .name = "check", .args = "FILE",
	  .help = "check Tarn's settings in the XML of a domain, and what they need",
	  .more = "FILE is what 'virsh dumpxml' prints, - is stdin. Nothing is changed.",
	  .fn = domain_check_main, .options = OPTION_HERE, .min_args = 1,
	  .max_args = 1 },
	{ .name = "hook", .args = "NAME OPERATION PHASE [EXTRA]",
	  .help = "what libvirt's hook for QEMU runs; its XML comes on stdin",
	  .fn = domain_hook_main, .min_args = 2, .max_args = 4 },
	{ 0 },
};

static const struct command adapter_commands[] = {
	{ .name = "list", .help = "adapters that have a manager (tarn-adapter)",
	  .more = "QUEUES and INTERRUPTS are those that virtual functions have, of those that they\n"
		  "could have.",
	  .fn = adapter_list_main, .options = OPTION_TABLE },
	{ .name = "show", .args = "[ADAPTER]",
	  .help = "an adapter and its virtual functions",
	  .more = "  free      offline, for no group\n"
		  "  planned   offline; its group gets when it comes\n"
		  "  assigned  offline, with the resources of its group\n"
		  "  leased    online, and a guest's\n"
		  "  quiesced  offline while something changes\n"
		  "  fenced    offline, as its guest has not acknowledged a change\n"
		  "  orphan    online when the manager began; its guest has not come yet\n"
		  "  unusable  something is wrong with it, as is said below",
	  .fn = adapter_show_main, .options = OPTION_JSON, .max_args = 1 },
	{ .name = "group", .args = "[ADAPTER]",
	  .help = "groups of its resources, and what each has",
	  .fn = adapter_group_main, .options = OPTION_TABLE, .max_args = 1 },
	{ .name = "plan", .args = "[ADAPTER]",
	  .help = "what groups would get by its file as it is now",
	  .more = "Nothing changes: 'systemctl reload tarn-adapter@ADAPTER' reads the file. What\n"
		  "guests have they keep until their leases end, or 'tarnctl adapter grant'.",
	  .fn = adapter_plan_main, .options = OPTION_JSON, .max_args = 1 },
	{ .name = "grant", .args = "[ADAPTER] GROUP [queues=N] [interrupts=N]",
	  .help = "have the guest of a group have more or less, while it runs",
	  .more = "N is a number, or +N or -N. Queues count as NVMe does it: pairs, one of which is\n"
		  "for administration. What is not left --from another group, or of what no group\n"
		  "has, is refused before anything changes. All guests that it is about finish\n"
		  "their requests first; who does not in time is offline until it does. It lasts as\n"
		  "long as the lease. Without an amount it lets a group be leased again that was\n"
		  "destroyed, or taken offline for transactions that were blocked.",
	  .fn = adapter_grant_main, .options = OPTION_JSON | OPTION_FROM | OPTION_DRY_RUN,
	  .min_args = 1, .max_args = 4 },
	{ .name = "revoke", .args = "[ADAPTER] GROUP",
	  .help = "end the lease of a group, once its guest is ready",
	  .fn = adapter_revoke_main, .options = OPTION_JSON, .min_args = 1, .max_args = 2 },
	{ .name = "destroy", .args = "[ADAPTER] GROUP",
	  .help = "take a virtual function offline at once, whatever its guest is at",
	  .more = "Other guests are not disturbed. What this one had in flight fails, and its\n"
		  "resources are free. Nobody gets its group before 'tarnctl adapter grant GROUP'.",
	  .fn = adapter_destroy_main, .options = OPTION_JSON, .min_args = 1, .max_args = 2 },
	{ .name = "reset", .args = "[ADAPTER]",
	  .help = "reset the adapter, once all guests are ready",
	  .fn = adapter_reset_main, .options = OPTION_JSON, .max_args = 1 },
	{ .name = "events", .args = "[ADAPTER]",
	  .help = "what happened to an adapter, and happens",
	  .more = "With --json every event is an object on a line of its own.",
	  .fn = adapter_events_main, .options = OPTION_JSON | OPTION_COUNT, .max_args = 1 },
	{ 0 },
};

static const struct command root_commands[] = {
	{ .name = "pool", .help = "shared memory pools (mounts of tarnfs)",
	  .subs = pool_commands },
	{ .name = "partition",
	  .help = "logical memory of guests (files in a pool)",
	  .subs = partition_commands },
	{ .name = "pager", .help = "paging services (tarn-pager)",
	  .subs = pager_commands },
	{ .name = "adapter",
	  .help = "adapters that are divided among guests (tarn-adapter)",
	  .subs = adapter_commands },
	{ .name = "config", .help = "files of pools, and what is made of them",
	  .subs = config_commands },
	{ .name = "save", .help = "guests that tarn-vmm has saved",
	  .subs = save_commands },
	{ .name = "domain", .help = "domains of libvirt", .subs = domain_commands },
	{ .name = "run", .help = "starts a guest of tarn-vmm", .fn = run_main,
	  .raw = true },
	{ .name = "doctor",
	  .help = "what this host lacks, and how to repair it",
	  .more = "BAD is what keeps something from working, poor what could be better. Run it\n"
		  "as root, others cannot look at everything. Nothing is changed.",
	  .fn = doctor_main, .options = OPTION_JSON },
	{ .name = "status", .args = "[POOL]",
	  .help = "how pools are, in one word, why, and what to do",
	  .more = "  healthy   all is well\n"
		  "  pressed   guests wait for frames, or will soon\n"
		  "  degraded  a device failed, or memory\n"
		  "  full      nothing more can be paged out\n"
		  "  unserved  no pager is at work\n"
		  "  stuck     a guest has waited for a page for 10 seconds\n"
		  "\n"
		  "The exit status is 0 if all are healthy, else 1. With --watch a line is printed\n"
		  "whenever the word changes, with --json an object.",
	  .fn = status_main,
	  .options = OPTION_JSON | OPTION_UNHEALTHY | OPTION_WATCH |
		     OPTION_DELAY | OPTION_COUNT,
	  .max_args = 1 },
	{ .name = "iostat", .args = "[POOL] [INTERVAL [COUNT]]",
	  .help = "what pools page, an interval a line",
	  .more = "Rates and latencies are of the interval, in seconds; without one it is a second,\n"
		  "once. Without a POOL each has a line.",
	  .fn = iostat_main,
	  .options = OPTION_JSON | OPTION_CSV | OPTION_BYTES | OPTION_HEADLESS |
		     OPTION_TIME,
	  .max_args = 3 },
	{ .name = "numa", .args = "[POOL|PARTITION...]",
	  .help = "what partitions have on which NUMA node",
	  .more = "A column is what is in frames of a node, behind * where that is a home, before\n"
		  "/ and what is wanted there. Pages that are on no home, or beyond what is wanted,\n"
		  "are MISPLACED; so many were MOVED to a home so far. VCPUS are those of its guest\n"
		  "by the node where they ran last, as in 0:2 1:1. Without a POOL or\n"
		  "PARTITION those of all pools are shown.",
	  .fn = numa_main,
	  .options = OPTION_TABLE | OPTION_SVG, .max_args = -1 },
	{ .name = "top", .args = "[POOL]",
	  .help = "live view of a pool and its partitions",
	  .more = "Keys: q quits, h explains the others; enter shows all of one partition. When\n"
		  "stdout is no terminal, a table is printed every interval; --csv and --json print\n"
		  "lines for programs. Without a POOL all pools are shown. With --replay it shows\n"
		  "what was, as tarn-logd has kept it, of one pool.",
	  .fn = top_main,
	  .options = OPTION_TOP | OPTION_REPLAY | OPTION_QUERY,
	  .max_args = 1 },
	{ .name = "history", .args = "[POOL]",
	  .help = "counters and events of the past", .more = HISTORY_HELP,
	  .fn = history_main, .options = OPTION_HISTORIES, .max_args = 1 },
	{ .name = "events", .args = "[POOL]",
	  .help = "what happens to pools, as it happens",
	  .more = "Without POOL those of all pools are shown. With --json every event is an\n"
		  "object on a line of its own.",
	  .fn = events_main, .options = OPTION_JSON | OPTION_COUNT,
	  .max_args = 1 },
	{ .name = "web",
	  .help = "where the page of tarn-exporter is; starts it where none runs",
	  .more = "The page is http://127.0.0.1:9871/, of what tarn-logd keeps. Where no exporter\n"
		  "runs this becomes one, until it is interrupted; 'systemctl enable --now\n"
		  "tarn-exporter.socket' has one at each boot. Every user of this host may look at\n"
		  "it. From another one: ssh -L 9871:127.0.0.1:9871 HOST.",
	  .fn = web_main, .options = OPTION_HISTORY | OPTION_DRY_RUN },
	{ 0 },
};

static const struct command root = {
	.name = "tarnctl",
	.help = "looks at and sets shared memory pools for virtual machines",
	.more = "POOL is a mount point, the name of one below /run/tarn or the beginning of a\n"
		"uuid, and may be left out where there is only one. PARTITION is the name of a\n"
		"guest, the path of a file in a pool, or a number as in id:5; before a name or\n"
		"number may stand POOL/ where several pools have it.",
	.subs = root_commands,
};

int main(int argc, char **argv)
{
	/* Not LC_NUMERIC: output is read by programs, too. */
	setlocale(LC_CTYPE, "");
	return command_run(&root, argc, argv);
}
