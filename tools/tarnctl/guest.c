// SPDX-License-Identifier: GPL-2.0-only
/* See guest.h. What may not be looked at, or is gone, is passed over. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "guest.h"
#include "process.h"
#include "task.h"

/* Files NAME.pid are here, those of the system's libvirtd. */
#define DOMAINS_DIR "/run/libvirt/qemu"
#define DOMAIN_SUFFIX ".pid"
#define DELETED " (deleted)"

/* More of a command line is not looked at. */
/* What a process is called is up to it, and goes into tables, logs and labels. */
#define NAME_MOST 128
#define CMDLINE_MAX (256 * 1024)

/* ---- the command line ---------------------------------------------------- */

/*
 * What an option of QEMU has for a key, or without a key where that may be left out:
 * "web,process=x", "guest=web". A comma in a value is doubled.
 */
static char *take_value(const char *text, const char *key)
{
	char *value = malloc(strlen(text) + 1), *to;
	size_t len = strlen(key);
	bool first = true;

	while (value && *text) {
		bool found = !strncmp(text, key, len) && text[len] == '=';
		size_t plain = strcspn(text, "=,");

		if (found)
			text += len + 1;
		else if (first && text[plain] != '=')
			found = true;
		for (to = value; *text; text++) {
			if (*text == ',' && *++text != ',')
				break;
			*to++ = *text;
		}
		*to = '\0';
		if (found && *value)
			return value;
		first = false;
	}
	free(value);
	return NULL;
}

/* The value of the option @name at @arg: "-name X", "--name X", "--name=X". */
static const char *option_value(const char *arg, const char *next,
				const char *name)
{
	size_t len = strlen(name);

	if (*arg != '-')
		return NULL;
	arg += arg[1] == '-' ? 2 : 1;
	if (strncmp(arg, name, len))
		return NULL;
	if (arg[len] == '=')
		return arg + len + 1;
	return arg[len] ? NULL : next;
}

static bool is_uuid(const char *text)
{
	return strlen(text) == GUEST_UUID_TEXT - 1 &&
	       strspn(text, "0123456789abcdefABCDEF-") == strlen(text);
}

/**
 * guest_parse() - Read a command line.
 * @guest: @name, @uuid and @vmm are set
 * @text: words with a NUL behind each, the last one too
 * @len: of them all
 */
int guest_parse(struct guest *guest, const char *text, size_t len)
{
	const char *end = text + len, *arg, *next, *value, *base;

	if (!len || end[-1])
		return -EINVAL;
	base = strrchr(text, '/');
	guest->vmm = strdup(base ? base + 1 : text);
	if (!guest->vmm)
		return -ENOMEM;
	for (arg = text + strlen(text) + 1; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		value = option_value(arg, next < end ? next : NULL, "name");
		if (value && !guest->name)
			guest->name = take_value(value, "guest");
		if (guest->name && strlen(guest->name) > NAME_MOST)
			guest->name[NAME_MOST] = '\0';
		value = option_value(arg, next < end ? next : NULL, "uuid");
		if (value && is_uuid(value))
			strcpy(guest->uuid, value);
	}
	return 0;
}

static int read_cmdline(struct guest *guest, const char *pid)
{
	char path[64], *text = malloc(CMDLINE_MAX + 1);
	size_t len = 0;
	FILE *f;
	int ret;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	f = fopen(path, "re");
	if (f) {
		len = fread(text, 1, CMDLINE_MAX, f);
		fclose(f);
	}
	text[len] = '\0';
	/* A process may have written over it. */
	if (len && text[len - 1])
		len++;
	ret = guest_parse(guest, text, len);
	free(text);
	return ret;
}

/* ---- libvirt ------------------------------------------------------------- */

/**
 * struct domains - those that run
 * @items: pid of each and what it is called
 * @count: of them
 *
 * Read once for all guests: each domain is looked for among all of them.
 */
struct domains {
	struct {
		pid_t pid;
		char *name;
	} *items;
	size_t count;
};

/* Return: what is in a file of libvirt's, or 0. */
static pid_t read_pid(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32];
	ssize_t len;

	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return strtol(text, NULL, 10);
}

/* What there is no memory for has the name of its command line. */
static void domains_add(struct domains *domains, int dir, const char *file)
{
	size_t len = strlen(file), suffix = strlen(DOMAIN_SUFFIX);
	void *items;
	char *name;
	pid_t pid;

	if (len <= suffix || strcmp(file + len - suffix, DOMAIN_SUFFIX))
		return;
	pid = read_pid(dir, file);
	name = pid > 0 ? strndup(file, len - suffix) : NULL;
	items = name ? reallocarray(domains->items, domains->count + 1,
				    sizeof(*domains->items)) : NULL;
	if (!items) {
		free(name);
		return;
	}
	domains->items = items;
	domains->items[domains->count].pid = pid;
	domains->items[domains->count++].name = name;
}

/* @dir: with the files of pids */
static void domains_read(struct domains *domains, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	*domains = (struct domains){ 0 };
	while (dir && (entry = readdir(dir)))
		domains_add(domains, dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
}

/* Return: the name of the domain that a process belongs to, or NULL. */
static const char *domains_find(const struct domains *domains, pid_t pid)
{
	size_t i;

	for (i = 0; i < domains->count; i++) {
		if (domains->items[i].pid == pid)
			return domains->items[i].name;
	}
	return NULL;
}

static void domains_free(struct domains *domains)
{
	while (domains->count)
		free(domains->items[--domains->count].name);
	free(domains->items);
}

/* ---- processes ----------------------------------------------------------- */

static void guest_free(struct guest *guest)
{
	size_t i;

	for (i = 0; i < guest->count; i++)
		free(guest->files[i].file.path);
	free(guest->files);
	free(guest->name);
	free(guest->vmm);
}

int guest_open(const struct guest *guest, const struct guest_file *file,
	       int flags)
{
	struct process proc;
	char pid[16];
	int ret;

	snprintf(pid, sizeof(pid), "%d", guest->pid);
	ret = process_open(&proc, pid);
	if (ret)
		return ret;
	ret = process_part_open(&proc, &file->file, flags);
	process_close(&proc);
	if (ret == -ENOTTY)
		err("process %d has this memory no longer, or may not be looked at: run it as root",
		    guest->pid);
	return ret;
}

/* What was removed is found by its number alone. */
static __u32 read_id(const struct process *proc, const struct mapped_file *file)
{
	struct tarn_partition_info info;
	size_t len = strlen(file->path), tail = strlen(DELETED);
	int fd;

	if (len < tail || strcmp(file->path + len - tail, DELETED))
		return 0;
	fd = process_part_open(proc, file, O_RDONLY);
	if (fd < 0)
		return 0;
	if (partition_info(fd, &info))
		info.id = 0;
	close(fd);
	return info.id;
}

/* Take over what of @files is in pools. */
static int take_files(struct guest *guest, const struct process *proc,
		      struct mapped_files *files, const struct pool_list *pools)
{
	size_t i, j;

	guest->files = calloc(files->count + 1, sizeof(*guest->files));
	if (!guest->files)
		return -ENOMEM;
	for (i = 0; i < files->count; i++) {
		struct mapped_file *file = &files->items[i];

		for (j = 0; j < pools->count &&
			    pools->items[j].dev != file->dev; j++)
			;
		if (j == pools->count)
			continue;
		guest->files[guest->count].id = read_id(proc, file);
		guest->files[guest->count++].file = *file;
		/* The path is the guest's now. */
		file->path = NULL;
	}
	return 0;
}

/* What libvirt calls it goes before what its command line has. */
static int take_domain(struct guest *guest, const struct domains *domains)
{
	const char *domain = domains_find(domains, guest->pid);

	if (!domain)
		return 0;
	free(guest->name);
	guest->name = strdup(domain);
	guest->domain = true;
	return guest->name ? 0 : -ENOMEM;
}

static int describe(struct guest *guest, const struct process *proc,
		    const char *pid, struct mapped_files *files,
		    const struct pool_list *pools, const struct domains *domains)
{
	int ret;

	guest->pid = proc->pid;
	guest->vm = process_has_vm(proc);
	ret = read_cmdline(guest, pid);
	if (!ret)
		ret = take_files(guest, proc, files, pools);
	return ret ? ret : take_domain(guest, domains);
}

static int add(struct guests *guests, const struct guest *guest)
{
	struct guest *items;

	items = reallocarray(guests->items, guests->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	guests->items = items;
	items[guests->count++] = *guest;
	return 0;
}

/* Return: 0, also if it is none, or -ENOMEM. */
static int look_at(struct guests *guests, const char *pid,
		   const struct pool_list *pools, const struct domains *domains)
{
	struct guest guest = { 0 };
	struct mapped_files files;
	struct process proc;
	int ret;

	if (!task_maps(pid, pools, &files))
		return 0;
	if (process_open_quiet(&proc, atoi(pid))) {
		maps_free(&files);
		return 0;
	}
	ret = describe(&guest, &proc, pid, &files, pools, domains);
	process_close(&proc);
	maps_free(&files);
	if (!ret)
		ret = add(guests, &guest);
	if (ret)
		guest_free(&guest);
	return ret == -ENOMEM ? ret : 0;
}

int guests_read(struct guests *guests, const struct pool_list *pools)
{
	DIR *dir = opendir("/proc");
	struct domains domains;
	struct dirent *entry;
	int ret = 0;

	*guests = (struct guests){ 0 };
	domains_read(&domains, DOMAINS_DIR);
	while (!ret && dir && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			ret = look_at(guests, entry->d_name, pools,
				      &domains);
	}
	if (dir)
		closedir(dir);
	domains_free(&domains);
	if (!ret)
		return 0;
	guests_free(guests);
	return err_nomem();
}

void guests_free(struct guests *guests)
{
	size_t i;

	for (i = 0; i < guests->count; i++)
		guest_free(&guests->items[i]);
	free(guests->items);
	*guests = (struct guests){ 0 };
}

/* ---- names ---------------------------------------------------------------- */

static bool is_file(const struct guest_file *file, dev_t dev,
		    const struct partition *part)
{
	if (file->file.dev != dev)
		return false;
	if (part->ino)
		return file->file.ino == part->ino;
	return file->id && file->id == part->info.id;
}

static bool is_better(const struct guest *guest, const struct guest *than)
{
	if (!than || guest->vm != than->vm)
		return !than || guest->vm;
	if (!guest->name != !than->name)
		return guest->name;
	return guest->pid < than->pid;
}

const struct guest *guests_find(const struct guests *guests, dev_t dev,
				const struct partition *part,
				const struct guest_file **file)
{
	const struct guest *found = NULL;
	size_t i, j;

	for (i = 0; i < guests->count; i++) {
		const struct guest *guest = &guests->items[i];

		for (j = 0; j < guest->count; j++) {
			if (!is_file(&guest->files[j], dev, part) ||
			    !is_better(guest, found))
				continue;
			found = guest;
			if (file)
				*file = &guest->files[j];
		}
	}
	return found;
}

int guests_reach(const struct guests *guests, dev_t dev, int dirfd,
		 const struct partition *part)
{
	const struct guest_file *file;
	const struct guest *guest;

	if (part->path)
		return partition_reopen(dirfd, part);
	guest = guests_find(guests, dev, part, &file);
	return guest ? guest_open(guest, file, O_RDONLY) : -ENOENT;
}

/* "web", or "web/ram1" if the guest has more than this one. */
static char *make_name(const struct guest *guest, const struct partition *part)
{
	const char *base;
	char *name;
	int len;

	if (guest->count == 1)
		return strdup(guest->name);
	base = part->path ? strrchr(part->path, '/') : NULL;
	if (part->path)
		len = asprintf(&name, "%s/%s", guest->name,
			       base ? base + 1 : part->path);
	else
		len = asprintf(&name, "%s/id:%u", guest->name, part->info.id);
	return len < 0 ? NULL : name;
}

int guests_name(const struct guests *guests, const struct pool *pool,
		struct partition_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct partition *part = &list->items[i];
		const struct guest *guest = guests_find(guests, pool->dev,
							part, NULL);

		if (!guest || !guest->name)
			continue;
		free(part->name);
		free(part->guest);
		part->name = make_name(guest, part);
		part->guest = strdup(guest->name);
		if (!part->name || !part->guest)
			return err_nomem();
	}
	return 0;
}

int guests_name_list(const struct pool *pool, struct partition_list *list)
{
	const struct pool_list one = { .items = (struct pool *)pool,
				       .count = 1 };
	struct guests guests;
	int ret = guests_read(&guests, &one);

	if (!ret)
		ret = guests_name(&guests, pool, list);
	guests_free(&guests);
	return ret;
}
