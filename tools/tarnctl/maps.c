// SPDX-License-Identifier: GPL-2.0-only
/* The reader of /proc/PID/maps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "maps.h"
#include "text.h"

static struct mapped_file *file_find(struct mapped_files *files, dev_t dev,
				ino_t ino)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		if (files->items[i].dev == dev && files->items[i].ino == ino)
			return &files->items[i];
	}
	return NULL;
}

/* One file may be mapped in many pieces: keep what they cover together. */
static void widen(struct mapped_file *file, uint64_t offset, uint64_t bytes)
{
	uint64_t end = file->offset + file->bytes;

	if (offset + bytes > end)
		end = offset + bytes;
	if (offset < file->offset)
		file->offset = offset;
	file->bytes = end - file->offset;
}

static int file_add(struct mapped_files *files, const struct mapped_file *new)
{
	struct mapped_file *old = file_find(files, new->dev, new->ino), *items;

	if (old) {
		widen(old, new->offset, new->bytes);
		return 0;
	}
	items = reallocarray(files->items, files->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	files->items = items;
	items[files->count] = *new;
	items[files->count].path = text_clean(new->path);
	if (!items[files->count].path)
		return -ENOMEM;
	files->count++;
	return 0;
}

static int take_line(struct mapped_files *files, char *line)
{
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	struct mapped_file file;
	char perms[5];
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end,
		   perms, &offset, &major, &minor, &ino, &n) != 7 || !n)
		return 0;
	if (!ino || strlen(perms) != 4 || perms[3] != 's' || end <= start ||
	    offset + (end - start) < offset)
		return 0;
	file = (struct mapped_file){
		.dev = makedev(major, minor),
		.ino = ino,
		.start = start,
		.end = end,
		.offset = offset,
		.bytes = end - start,
		.path = line + n,
	};
	return file_add(files, &file);
}

int maps_read(FILE *f, struct mapped_files *files)
{
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	memset(files, 0, sizeof(*files));
	errno = 0;
	while (!ret && getline(&line, &size, f) >= 0)
		ret = take_line(files, line);
	if (!ret && ferror(f))
		ret = errno ? -errno : -EIO;
	free(line);
	return ret;
}

void maps_free(struct mapped_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	memset(files, 0, sizeof(*files));
}
