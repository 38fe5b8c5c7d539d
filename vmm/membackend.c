// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects that back guest memory: -object memory-backend-file, -memfd and
 * -ram. They follow QEMU where libvirt or a user can see the difference; a
 * file on tarnfs is a file like any other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "lib/opts.h"
#include "mem.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MEM_MAX_SIZE (1ULL << 40)
#define MEM_MAX_NODES 64

/* What the options say, beyond struct mem_backend. */
struct mem_config {
	const char *path;
	bool prealloc;
	bool merge;
	bool dump;
	bool readonly;
	int policy;
	u64 nodes;
};

static const char *const policies[] = {"default", "preferred", "bind",
				       "interleave", NULL};

static struct mem_backend *backends;

struct mem_backend *mem_backend_find(const char *id)
{
	struct mem_backend *b;

	for (b = backends; b; b = b->next)
		if (!strcmp(b->id, id))
			return b;
	return NULL;
}

static struct mem_backend *backend_alloc(const char *id, u64 size)
{
	struct mem_backend *b;

	if (mem_backend_find(id)) {
		err("duplicate object id '%s'", id);
		return NULL;
	}
	b = calloc(1, sizeof(*b));
	if (b)
		b->id = strdup(id);
	if (!b || !b->id) {
		free(b);
		err("out of memory");
		return NULL;
	}
	b->size = size;
	b->fd = -1;
	return b;
}

static void backend_free(struct mem_backend *b)
{
	if (b->hva) {
		if (b->discard_data && b->share)
			madvise(b->hva, b->size, MADV_REMOVE);
		munmap(b->hva, b->size);
	}
	/* While it is locked: behind that it may be another one's already. */
	if (b->created)
		unlink(b->path);
	if (b->fd >= 0)
		close(b->fd);
	free(b->path);
	free(b->id);
	free(b);
}

/* A directory gets a file that has no name from the start. */
static int open_in_dir(const char *dir)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/tarn-vmm-XXXXXX", dir) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int open_file(struct mem_backend *b, const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == EISDIR || (!stat(path, &st) && S_ISDIR(st.st_mode)))
		return open_in_dir(path);
	if (errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	b->path = strdup(path);
	b->created = b->path;
	return fd;
}

static int file_resize(struct mem_backend *b, const char *path)
{
	struct stat st;

	if (fstat(b->fd, &st))
		return err_errno(-errno, "cannot stat '%s'", path);
	if (st.st_size && (u64)st.st_size < b->size) {
		err("'%s' is smaller (%lld) than the memory (%llu)", path,
		    (long long)st.st_size, (unsigned long long)b->size);
		return -EINVAL;
	}
	if (!st.st_size && ftruncate(b->fd, b->size))
		return err_errno(-errno, "cannot size '%s' to %llu bytes", path,
				 (unsigned long long)b->size);
	return 0;
}

/*
 * Two guests on one memory would destroy each other. The lock ends with the process; where
 * a file system has none nothing is lost.
 */
static int file_lock(struct mem_backend *b, const char *path)
{
	if (!b->share || !flock(b->fd, LOCK_EX | LOCK_NB) ||
	    errno != EWOULDBLOCK)
		return 0;
	/* It is not ours to remove. */
	b->created = false;
	err("'%s' is the memory of another guest", path);
	return -EBUSY;
}

static int backend_open(struct mem_backend *b, const struct mem_config *mc)
{
	int ret;

	switch (b->type) {
	case MEM_BACKEND_RAM:
		if (!b->share)
			return 0;
		/* Shared memory needs a file to be shared by. */
		/* fall through */
	case MEM_BACKEND_MEMFD:
		b->fd = memfd_create(b->id, MFD_CLOEXEC);
		if (b->fd < 0)
			return err_errno(-errno, "memfd_create");
		return file_resize(b, b->id);
	case MEM_BACKEND_FILE:
		b->fd = open_file(b, mc->path);
		if (b->fd < 0)
			return err_errno(b->fd, "cannot open '%s'", mc->path);
		ret = file_lock(b, mc->path);
		return ret ? ret : file_resize(b, mc->path);
	}
	return -EINVAL;
}

static int backend_set_policy(struct mem_backend *b,
			      const struct mem_config *mc)
{
	static const int modes[] = {MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND,
				    MPOL_INTERLEAVE};
	unsigned long mask = mc->nodes;

	if (!mc->policy)
		return 0;
	if (syscall(SYS_mbind, b->hva, b->size, modes[mc->policy], &mask,
		    MEM_MAX_NODES + 1, MPOL_MF_STRICT | MPOL_MF_MOVE))
		return err_errno(-errno, "cannot bind memory of '%s'", b->id);
	return 0;
}

/*
 * Find room that is aligned as guest physical memory is, so that 2 MiB pages of
 * the host can become 2 MiB pages of the guest.
 */
static int reserve(struct mem_backend *b, void **hva)
{
	u64 align = MIB(2), size = b->size + align;
	u8 *p, *start;

	p = mmap(NULL, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	start = (u8 *)ALIGN_UP((uintptr_t)p, align);
	if (start > p)
		munmap(p, start - p);
	munmap(start + b->size, p + size - (start + b->size));
	*hva = start;
	return 0;
}

static int backend_map(struct mem_backend *b, const struct mem_config *mc)
{
	int flags = MAP_NORESERVE | (b->share ? MAP_SHARED : MAP_PRIVATE);
	int ret;

	if (b->fd < 0)
		flags |= MAP_ANONYMOUS;
	if (reserve(b, &b->hva) ||
	    mmap(b->hva, b->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		 b->fd, 0) == MAP_FAILED)
		return err_errno(-errno, "cannot map %llu bytes of '%s'",
				 (unsigned long long)b->size, b->id);

	/* All of these are advice; where they do not apply nothing is lost. */
	madvise(b->hva, b->size, MADV_HUGEPAGE);
	madvise(b->hva, b->size, MADV_DONTFORK);
	if (!mc->dump)
		madvise(b->hva, b->size, MADV_DONTDUMP);
	if (mc->merge)
		madvise(b->hva, b->size, MADV_MERGEABLE);

	ret = backend_set_policy(b, mc);
	if (ret)
		return ret;
	if (mc->prealloc && madvise(b->hva, b->size, MADV_POPULATE_WRITE))
		return err_errno(-errno, "cannot allocate %llu bytes of '%s'",
				 (unsigned long long)b->size, b->id);
	return 0;
}

static int backend_make(struct mem_backend *b, const struct mem_config *mc)
{
	int ret;

	if (!b->size || !IS_ALIGNED(b->size, 4096) || b->size > MEM_MAX_SIZE) {
		err("size of '%s' must be a multiple of 4 KiB up to 1 TiB",
		    b->id);
		ret = -EINVAL;
		goto err_free;
	}
	ret = backend_open(b, mc);
	if (ret)
		goto err_free;
	ret = backend_map(b, mc);
	if (ret)
		goto err_free;
	b->next = backends;
	backends = b;
	return 0;

err_free:
	backend_free(b);
	return ret;
}

struct mem_backend *mem_backend_create_ram(const char *id, u64 size)
{
	const struct mem_config mc = {.dump = true};
	struct mem_backend *b = backend_alloc(id, size);

	if (!b || backend_make(b, &mc))
		return NULL;
	return b;
}

/* host-nodes is a number, a range "0-1" or a list of numbers. */
static int parse_node_range(const char *text, u64 *nodes)
{
	unsigned int first, last;
	int n = 0;

	if (sscanf(text, "%u-%u%n", &first, &last, &n) != 2 || text[n]) {
		if (sscanf(text, "%u%n", &first, &n) != 1 || text[n])
			return -EINVAL;
		last = first;
	}
	if (first > last || last >= MEM_MAX_NODES)
		return -EINVAL;
	for (; first <= last; first++)
		*nodes |= 1ULL << first;
	return 0;
}

static int parse_nodes(struct opts *opts, u64 *nodes)
{
	const char *text = NULL;
	struct opts *list = NULL;
	char key[24];
	size_t i;

	if (!opts_has(opts, "host-nodes"))
		return 0;
	if (!opts_has_dict(opts, "host-nodes"))
		return opts_need_str(opts, "host-nodes", &text) ?:
		       parse_node_range(text, nodes);
	opts_get_dict(opts, "host-nodes", &list);
	for (i = 0; i < opts_count(list); i++) {
		u64 node = MEM_MAX_NODES;

		snprintf(key, sizeof(key), "%zu", i);
		if (opts_get_uint(list, key, MEM_MAX_NODES - 1, &node) ||
		    node == MEM_MAX_NODES)
			return -EINVAL;
		*nodes |= 1ULL << node;
	}
	return 0;
}

static int parse_config(struct opts *opts, struct mem_backend *b,
			struct mem_config *mc)
{
	int ret;

	b->share = b->type == MEM_BACKEND_MEMFD;
	mc->dump = true;
	if (b->type == MEM_BACKEND_FILE) {
		ret = opts_need_str(opts, "mem-path", &mc->path);
		if (ret)
			return ret;
	}
	/* Names for migration streams and alignment have no effect here. */
	opts_ignore(opts, "x-use-canonical-path-for-ramblock-id");
	opts_ignore(opts, "align");
	opts_ignore(opts, "seal");
	if ((ret = opts_get_bool(opts, "share", &b->share)) ||
	    (ret = opts_get_bool(opts, "discard-data", &b->discard_data)) ||
	    (ret = opts_get_bool(opts, "prealloc", &mc->prealloc)) ||
	    (ret = opts_get_bool(opts, "merge", &mc->merge)) ||
	    (ret = opts_get_bool(opts, "dump", &mc->dump)) ||
	    (ret = opts_get_enum(opts, "policy", policies, &mc->policy)))
		return ret;
	ret = parse_nodes(opts, &mc->nodes);
	if (ret) {
		err("object '%s': bad host-nodes", b->id);
		return ret;
	}
	if (!!mc->policy != !!mc->nodes) {
		err("object '%s': policy and host-nodes go together", b->id);
		return -EINVAL;
	}
	return 0;
}

int mem_backend_create(struct opts *opts)
{
	static const char *const types[] = {"memory-backend-ram",
					    "memory-backend-memfd",
					    "memory-backend-file", NULL};
	struct mem_config mc = {0};
	struct mem_backend *b;
	const char *id;
	u64 size = 0;
	int type, ret;

	if ((ret = opts_get_enum(opts, "qom-type", types, &type)) ||
	    (ret = opts_need_str(opts, "id", &id)) ||
	    (ret = opts_get_size(opts, "size", &size)))
		return ret;
	b = backend_alloc(id, size);
	if (!b)
		return -EEXIST;
	b->type = type;
	ret = parse_config(opts, b, &mc);
	if (ret) {
		backend_free(b);
		return ret;
	}
	return backend_make(b, &mc);
}

void mem_backend_destroy_all(void)
{
	struct mem_backend *b;

	while ((b = backends)) {
		backends = b->next;
		backend_free(b);
	}
}
