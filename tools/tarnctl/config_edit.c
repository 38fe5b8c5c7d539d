// SPDX-License-Identifier: GPL-2.0-only
/* See config_edit.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_edit.h"
#include "config_key.h"
#include "error.h"

/* ---- text ----------------------------------------------------------------------- */

static char *read_all(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");
	ssize_t len;

	if (!f) {
		err_errno(-errno, "%s", path);
		return NULL;
	}
	len = getdelim(&text, &size, '\0', f);
	/* An empty file gives nothing, and is one all the same. */
	if (len < 0 && !ferror(f)) {
		free(text);
		text = strdup("");
	} else if (len < 0) {
		err_errno(-EIO, "%s", path);
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

/* Where line @line begins, counted from 1; the end if there are fewer. */
static size_t line_start(const char *text, unsigned int line)
{
	const char *at = text;

	while (line-- > 1) {
		at = strchrnul(at, '\n');
		at += *at == '\n';
	}
	return at - text;
}

/* Replace @len bytes at @at by @line. */
static int splice_text(struct config_edit *edit, size_t at, size_t len,
		       const char *line)
{
	char *text;

	if (asprintf(&text, "%.*s%s%s%s", (int)at, edit->text,
		     at && edit->text[at - 1] != '\n' ? "\n" : "", line,
		     edit->text + at + len) < 0)
		return err_nomem();
	free(edit->text);
	edit->text = text;
	return 0;
}

static int parse_text(struct config *config, const struct config_edit *edit)
{
	size_t len = strlen(edit->text);
	/* fmemopen() has no empty files. */
	FILE *f = fmemopen(len ? edit->text : (char *)"\n", len ? len : 1, "r");
	int ret;

	*config = (struct config){ 0 };
	if (!f)
		return err_nomem();
	config->path = strdup(edit->path);
	config->name = strdup(edit->name);
	ret = config->path && config->name ? config_parse(config, f) :
					     err_nomem();
	fclose(f);
	if (!ret)
		config_check_whole(config);
	return ret;
}

/* The line behind the last pair of a section. */
static unsigned int section_end(const struct config_section *section)
{
	unsigned int last = section->line;
	size_t i;

	for (i = 0; i < section->count; i++) {
		if (section->pairs[i].line > last)
			last = section->pairs[i].line;
	}
	return last + 1;
}

static int put(struct config_edit *edit, const struct config_section *section,
	       const char *heading, const char *key, const char *value)
{
	size_t i, at = strlen(edit->text), len = 0;
	char *line;
	int ret;

	if (asprintf(&line, "%s%s%s%s=%s\n", section ? "" : "\n[",
		     section ? "" : heading, section ? "" : "]\n", key,
		     value) < 0)
		return err_nomem();
	if (section)
		at = line_start(edit->text, section_end(section));
	for (i = 0; section && i < section->count; i++) {
		unsigned int nr = section->pairs[i].line;

		if (strcmp(section->pairs[i].key, key))
			continue;
		at = line_start(edit->text, nr);
		len = line_start(edit->text, nr + 1) - at;
	}
	ret = splice_text(edit, at, len, line);
	free(line);
	return ret;
}

int config_edit_set(struct config_edit *edit, enum config_kind kind,
		    const char *key, const char *value)
{
	struct config probe = { .path = edit->path }, config;
	struct config_section *section = config_add_section(&probe, kind, 0);
	int ret;

	if (!section)
		return -ENOMEM;
	ret = config_add(&probe, section, key, value, 0);
	probe.path = NULL;
	config_free(&probe);
	if (ret)
		return ret == -EINVAL ? ERR_USAGE : ret;
	ret = parse_text(&config, edit);
	if (!ret)
		ret = put(edit, config_find(&config, kind),
			  config_kind_name(kind), key, value);
	config_free(&config);
	if (ret)
		return ret;
	/* Two that are right may be wrong together. */
	ret = parse_text(&config, edit);
	if (!ret && config.wrong)
		ret = ERR_USAGE;
	config_free(&config);
	return ret;
}

int config_edit_drop(struct config_edit *edit, enum config_kind kind,
		     const char *key)
{
	const struct config_section *section;
	struct config config;
	size_t i, at;
	int ret = parse_text(&config, edit);

	section = ret ? NULL : config_find(&config, kind);
	for (i = 0; section && i < section->count; i++) {
		if (strcmp(section->pairs[i].key, key))
			continue;
		at = line_start(edit->text, section->pairs[i].line);
		ret = splice_text(edit, at,
				  line_start(edit->text,
					     section->pairs[i].line + 1) - at,
				  "");
		break;
	}
	config_free(&config);
	return ret;
}

/* ---- files ---------------------------------------------------------------------- */

int config_edit_begin(struct config_edit *edit, const char *name)
{
	char *path = config_path(name);
	struct config config;
	int ret;

	*edit = (struct config_edit){ 0 };
	if (!path)
		return err_nomem();
	edit->path = realpath(path, NULL);
	if (!edit->path) {
		ret = -errno;
		if (ret == -ENOENT)
			err("there is no %s; 'tarnctl pool import %s' makes one of the pool as it is",
			    path, name);
		else
			err_errno(ret, "%s", path);
		free(path);
		return ret;
	}
	free(path);
	edit->name = strdup(name);
	if (!edit->name)
		return err_nomem();
	ret = config_read(&config, edit->path);
	if (!ret && config.wrong) {
		err("%s has to be put right first", edit->path);
		ret = -EINVAL;
	}
	config_free(&config);
	if (ret)
		return ret;
	edit->text = read_all(edit->path);
	return edit->text ? 0 : -EIO;
}

int config_edit_pool(struct config_edit *edit, const char *mount)
{
	static const char dir[] = "/run/tarn/";

	if (!strncmp(mount, dir, strlen(dir)) &&
	    config_name_ok(mount + strlen(dir)))
		return config_edit_begin(edit, mount + strlen(dir));
	*edit = (struct config_edit){ 0 };
	err("--persistent: the pool is mounted at %s; only one at /run/tarn/NAME has a file",
	    mount);
	return -EINVAL;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t done = write(fd, text, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		left -= done;
	}
	return fsync(fd) ? -errno : 0;
}

/* As the file that is replaced, if there is one. */
static void copy_mode(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st)) {
		fchmod(fd, 0644);
		return;
	}
	fchmod(fd, st.st_mode & 07777);
	if (fchown(fd, st.st_uid, st.st_gid))
		return;
}

/* So that the new name is there after a power failure as well. */
static void sync_dir(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
			-1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

int config_replace(const char *path, const char *text, bool exclusive)
{
	char *temp;
	int fd, ret;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return err_nomem();
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		ret = err_errno(-errno, "%s", path);
		free(temp);
		return ret;
	}
	copy_mode(fd, path);
	ret = write_all(fd, text);
	close(fd);
	if (!ret && exclusive && link(temp, path))
		ret = -errno;
	else if (!ret && !exclusive && rename(temp, path))
		ret = -errno;
	if (ret || exclusive)
		unlink(temp);
	if (ret)
		err_errno(ret, "%s", path);
	else
		sync_dir(path);
	free(temp);
	return ret;
}

static int make_dir(const char *path)
{
	return mkdir(path, 0755) && errno != EEXIST ?
		       err_errno(-errno, "make %s", path) : 0;
}

int config_save(const struct config *config, const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f)
		return err_nomem();
	config_write(config, f);
	ret = fclose(f) ? err_nomem() : 0;
	if (!ret)
		ret = make_dir(CONFIG_OLD_DIR);
	if (!ret)
		ret = make_dir(CONFIG_DIR);
	if (!ret)
		ret = config_replace(path, text, true);
	free(text);
	return ret;
}

int config_edit_commit(const struct config_edit *edit)
{
	return config_replace(edit->path, edit->text, false);
}

void config_edit_free(struct config_edit *edit)
{
	free(edit->path);
	free(edit->name);
	free(edit->text);
	*edit = (struct config_edit){ 0 };
}
