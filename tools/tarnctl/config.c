// SPDX-License-Identifier: GPL-2.0-only
/* See config.h: the list, where files are, and how they are written. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_key.h"
#include "error.h"
#include "text.h"

#define NAME_FIRST                                                             \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NAME_CHARS NAME_FIRST "._-"

/* What /run/tarn has besides pools. */
static bool is_taken(const char *name)
{
	static const char *const taken[] = { "adapter", "domains", "homes", "partitions" };
	size_t i;

	for (i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		if (!strcmp(name, taken[i]))
			return true;
	}
	return false;
}

bool config_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && !is_taken(name) && len <= CONFIG_NAME_MAX && strspn(name, NAME_FIRST) &&
	       strspn(name, NAME_CHARS) == len;
}

char *config_path(const char *name)
{
	char *path;

	return asprintf(&path, CONFIG_DIR "/%s" CONFIG_SUFFIX, name) < 0 ?
		       NULL : path;
}

/* ---- messages ----------------------------------------------------------------- */

void config_complain(struct config *config, struct config_section *section,
		     unsigned int line, const char *fmt, ...)
{
	char text[512], *clean;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* What a file has may be anything, and it is shown on a terminal. */
	clean = text_clean(text);
	if (line)
		err("%s:%u: %s", config->path, line,
		    clean ? clean : "out of memory");
	else
		err("%s: %s", config->path, clean ? clean : "out of memory");
	free(clean);
	config->wrong++;
	if (section)
		section->wrong++;
}

/* ---- the list ----------------------------------------------------------------- */

struct config_section *config_add_section(struct config *config,
					  enum config_kind kind,
					  unsigned int line)
{
	struct config_section *sections;

	sections = reallocarray(config->sections, config->count + 1,
				sizeof(*sections));
	if (!sections) {
		err_nomem();
		return NULL;
	}
	config->sections = sections;
	sections += config->count++;
	*sections = (struct config_section){ .kind = kind, .line = line };
	return sections;
}

static const struct config_pair *find_pair(const struct config_section *section,
					   const char *key)
{
	size_t i;

	for (i = 0; section && i < section->count; i++) {
		if (!strcmp(section->pairs[i].key, key))
			return &section->pairs[i];
	}
	return NULL;
}

static unsigned int count_pairs(const struct config_section *section,
				const char *key)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < section->count; i++)
		count += !strcmp(section->pairs[i].key, key);
	return count;
}

static int append(struct config_section *section, const char *key,
		  const char *value, unsigned int line)
{
	struct config_pair *pairs;

	pairs = reallocarray(section->pairs, section->count + 1, sizeof(*pairs));
	if (!pairs)
		return err_nomem();
	section->pairs = pairs;
	pairs += section->count;
	*pairs = (struct config_pair){ .key = key, .line = line };
	pairs->value = strdup(value);
	if (!pairs->value)
		return err_nomem();
	section->count++;
	return 0;
}

/* @before: the line where it was given first; what comes from words has none */
static void complain_again(struct config *config, struct config_section *section,
			   const struct config_key *def, unsigned int before,
			   unsigned int line)
{
	if (def->most > 1)
		config_complain(config, section, line,
				"%s= is given for the third time; two are the most",
				def->name);
	else if (before)
		config_complain(config, section, line,
				"%s= is given twice, in line %u too; take one away",
				def->name, before);
	else
		config_complain(config, section, line,
				"%s= is given twice; take one away", def->name);
}

/* What would not be the same when it is read from a file. */
static const char *check_text(const char *value)
{
	size_t len = strlen(value), i;

	if (!len)
		return "it has no value";
	if (strchr(" \t", value[0]) || strchr(" \t", value[len - 1]))
		return "it begins or ends with a blank; take that away";
	for (i = 0; i < len; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return "it has characters that are no text";
		if (value[i] == ';' && i && strchr(" \t", value[i - 1]))
			return "a ';' after a blank begins a comment";
	}
	return NULL;
}

int config_add(struct config *config, struct config_section *section,
	       const char *key, const char *value, unsigned int line)
{
	const struct config_key *def = config_key_find(section->kind, key);
	const struct config_pair *before;
	const char *wants;
	char near[200];

	if (!def) {
		config_complain(config, section, line,
				"[%s] has no key '%.40s'; %s",
				config_kind_name(section->kind), key,
				config_key_suggest(section->kind, key, near,
						   sizeof(near)));
		return -EINVAL;
	}
	wants = check_text(value);
	if (!wants)
		wants = def->check(value);
	if (wants) {
		config_complain(config, section, line, "%s=%.100s: %s",
				def->name, value, wants);
		return -EINVAL;
	}
	before = find_pair(section, def->name);
	if (before && count_pairs(section, def->name) >= def->most) {
		complain_again(config, section, def, before->line, line);
		return -EINVAL;
	}
	return append(section, def->name, value, line);
}

unsigned int config_wrong(const struct config *config, enum config_kind kind)
{
	unsigned int inside = 0, other = 0;
	size_t i;

	for (i = 0; i < config->count; i++) {
		if (config->sections[i].kind == kind)
			inside += config->sections[i].wrong;
		other += config->sections[i].wrong;
	}
	return inside + config->wrong - other;
}

const struct config_section *config_find(const struct config *config,
					 enum config_kind kind)
{
	size_t i;

	for (i = 0; i < config->count; i++) {
		if (config->sections[i].kind == kind)
			return &config->sections[i];
	}
	return NULL;
}

struct config_section *config_section_of(struct config *config,
					 enum config_kind kind,
					 unsigned int line)
{
	size_t i;

	for (i = 0; i < config->count; i++) {
		if (config->sections[i].kind == kind)
			return &config->sections[i];
	}
	return config_add_section(config, kind, line);
}

const char *config_get(const struct config_section *section, const char *key)
{
	const struct config_pair *pair = find_pair(section, key);

	return pair ? pair->value : NULL;
}

const char *config_value(const struct config *config, enum config_kind kind,
			 const char *key)
{
	return config_get(config_find(config, kind), key);
}

void config_free(struct config *config)
{
	size_t i, j;

	for (i = 0; i < config->count; i++) {
		for (j = 0; j < config->sections[i].count; j++)
			free(config->sections[i].pairs[j].value);
		free(config->sections[i].pairs);
	}
	free(config->sections);
	free(config->path);
	free(config->name);
	*config = (struct config){ 0 };
}

/* ---- the whole ---------------------------------------------------------------- */

static void check_pool(struct config *config, struct config_section *section)
{
	if (config_get(section, "size") && config_get(section, "nodes"))
		config_complain(config, section, section->line,
				"[pool] has size= and nodes=; take one away");
}

/* What a section has to have, @wanted times. */
static void check_count(struct config *config, struct config_section *section,
			const char *key, unsigned int wanted, const char *hint)
{
	if (count_pairs(section, key) < wanted && !section->wrong)
		config_complain(config, section, section->line, "[%s] %s",
				config_kind_name(section->kind), hint);
}

static bool is_path_of(const struct config_section *section, size_t i)
{
	return (section->kind == CONFIG_DEVICE ||
		section->kind == CONFIG_MIRROR) &&
	       !strcmp(section->pairs[i].key, "path");
}

/* The pair before @end that has a path, or NULL. */
static const struct config_pair *find_path(const struct config *config,
					   const char *path,
					   const struct config_pair *end)
{
	size_t i, j;

	for (i = 0; i < config->count; i++) {
		for (j = 0; j < config->sections[i].count; j++) {
			const struct config_pair *pair =
				&config->sections[i].pairs[j];

			if (pair == end)
				return NULL;
			if (is_path_of(&config->sections[i], j) &&
			    !strcmp(pair->value, path))
				return pair;
		}
	}
	return NULL;
}

static void check_paths(struct config *config, struct config_section *section)
{
	size_t i;

	for (i = 0; i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];
		const struct config_pair *before;

		if (!is_path_of(section, i))
			continue;
		before = find_path(config, pair->value, pair);
		if (before && before->line)
			config_complain(config, section, pair->line,
					"path=%s stands in line %u already; a device can be given once",
					pair->value, before->line);
		else if (before)
			config_complain(config, section, 0,
					"path=%s is given twice; a device can be given once",
					pair->value);
	}
}

static void check_paging(struct config *config, struct config_section *section)
{
	const char *paging = config_value(config, CONFIG_POOL, "paging");

	if (paging && !strcmp(paging, "none"))
		config_complain(config, section, section->line,
				"[%s]: the pool has paging=none, which no pager serves; take one of the two away",
				config_kind_name(section->kind));
}

void config_check_whole(struct config *config)
{
	size_t i;

	for (i = 0; i < config->count; i++) {
		struct config_section *section = &config->sections[i];

		switch (section->kind) {
		case CONFIG_POOL:
			check_pool(config, section);
			break;
		case CONFIG_DEVICE:
			check_count(config, section, "path", 1,
				    "has no path=: say which block device or file");
			break;
		case CONFIG_MIRROR:
			check_count(config, section, "path", 2,
				    "wants path= twice, once for each of its halves");
			break;
		case CONFIG_PARTITION:
			check_count(config, section, "name", 1,
				    "has no name=: say which partitions, as in name=web-*");
			break;
		case CONFIG_GROUP:
			check_count(config, section, "name", 1,
				    "has no name=: say what it is called, as in name=web");
			break;
		default:
			break;
		}
		check_paths(config, section);
		if (section->kind == CONFIG_DEVICE ||
		    section->kind == CONFIG_MIRROR)
			check_paging(config, section);
	}
}

/* ---- files -------------------------------------------------------------------- */

/* NAME of DIR/NAME.conf, or NULL. */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = strlen(base), end = strlen(CONFIG_SUFFIX);

	if (len > end && !strcmp(base + len - end, CONFIG_SUFFIX))
		len -= end;
	return strndup(base, len);
}

/* A file: a directory, or something that never ends, is none. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st))
		goto err_close;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	if (!S_ISREG(st.st_mode))
		goto err_close;
	errno = EFBIG;
	if (st.st_size > CONFIG_FILE_MAX)
		goto err_close;
	f = fdopen(fd, "r");
	if (f)
		return f;
err_close:
	close(fd);
	return NULL;
}

static int read_file(struct config *config, enum config_about about, const char *path,
		     bool optional, int (*parse)(struct config *config, FILE *f))
{
	FILE *f = open_file(path);
	int ret = -errno;

	*config = (struct config){ .about = about };
	if (!f)
		return optional && ret == -ENOENT ? ret :
						    err_errno(ret, "%s", path);
	config->path = strdup(path);
	config->name = name_of(path);
	ret = config->path && config->name ? parse(config, f) : err_nomem();
	fclose(f);
	if (!ret)
		config_check_whole(config);
	return ret;
}

int config_read(struct config *config, const char *path)
{
	return read_file(config, CONFIG_OF_POOL, path, false, config_parse);
}

int config_read_adapter(struct config *config, const char *path)
{
	return read_file(config, CONFIG_OF_ADAPTER, path, false, config_parse);
}

int config_load(struct config *config, const char *name, bool optional)
{
	char *path = config_path(name), *old = NULL;
	int ret;

	*config = (struct config){ 0 };
	if (!path)
		return err_nomem();
	ret = read_file(config, CONFIG_OF_POOL, path, true, config_parse);
	if (ret != -ENOENT)
		goto out_free;
	if (asprintf(&old, CONFIG_OLD_DIR "/%s" CONFIG_SUFFIX, name) < 0) {
		old = NULL;
		ret = err_nomem();
		goto out_free;
	}
	ret = read_file(config, CONFIG_OF_POOL, old, true, config_parse_old);
	if (!ret)
		err("note: %s is of an earlier version; 'tarnctl pool import %s' makes %s of it",
		    old, name, path);
	if (ret == -ENOENT && !optional)
		err("there is no %s; 'tarnctl pool create %s' makes one", path,
		    name);
out_free:
	free(old);
	free(path);
	return ret;
}

int config_write(const struct config *config, FILE *f)
{
	size_t i, j;

	fprintf(f, "# Pool %s, see tarn-pool.conf(5). 'systemctl reload tarn-pool@%s' applies changes.\n",
		config->name, config->name);
	for (i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];

		fprintf(f, "\n[%s]\n", config_kind_name(section->kind));
		for (j = 0; j < section->count; j++)
			fprintf(f, "%s=%s\n", section->pairs[j].key,
				section->pairs[j].value);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}
