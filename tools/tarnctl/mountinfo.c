// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of /proc/self/mountinfo, see proc(5):
 *
 *   36 35 0:45 / /run/tarn/pool0 rw,nosuid shared:1 - tarnfs tarn rw,size=8G
 *
 * The fields between the sixth and the lone dash vary in number. Blanks and
 * backslashes in paths are written in octal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "mountinfo.h"

static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 |
				(text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Cut @line into the fields wanted; the pointers lead into it. */
static int split_line(char *line, struct mount *mount, char **fstype)
{
	unsigned int maj, min;
	char *save, *word;
	int n;

	word = strtok_r(line, " ", &save);
	for (n = 1; word && n <= 6; n++) {
		if (n == 3) {
			if (sscanf(word, "%u:%u", &maj, &min) != 2)
				return -EINVAL;
			mount->dev = makedev(maj, min);
		}
		if (n == 4)
			mount->root = word;
		if (n == 5)
			mount->point = word;
		word = strtok_r(NULL, " ", &save);
	}
	while (word && strcmp(word, "-"))
		word = strtok_r(NULL, " ", &save);
	if (!word)
		return -EINVAL;
	*fstype = strtok_r(NULL, " ", &save);
	word = *fstype ? strtok_r(NULL, " ", &save) : NULL;
	mount->options = word ? strtok_r(NULL, "\n ", &save) : NULL;
	return mount->options ? 0 : -EINVAL;
}

static void mount_free(struct mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->options);
}

static int list_add(struct mount_list *list, const struct mount *mount)
{
	struct mount copy = { .dev = mount->dev };
	struct mount *items;

	copy.root = strdup(mount->root);
	copy.point = strdup(mount->point);
	copy.options = strdup(mount->options);
	if (!copy.root || !copy.point || !copy.options)
		goto err_free;
	unescape(copy.root);
	unescape(copy.point);
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		goto err_free;
	list->items = items;
	list->items[list->count++] = copy;
	return 0;

err_free:
	mount_free(&copy);
	return -ENOMEM;
}

int mountinfo_read(FILE *f, const char *fstype, struct mount_list *list)
{
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	list->items = NULL;
	list->count = 0;
	errno = 0;
	while (!ret && getline(&line, &room, f) >= 0) {
		struct mount mount = { 0 };
		char *type;

		if (!split_line(line, &mount, &type) && !strcmp(type, fstype))
			ret = list_add(list, &mount);
	}
	if (!ret && ferror(f))
		ret = errno ? -errno : -EIO;
	free(line);
	return ret;
}

void mountinfo_free(struct mount_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		mount_free(&list->items[i]);
	free(list->items);
	list->items = NULL;
	list->count = 0;
}
