/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: the objects that back it (-object memory-backend-*), their
 * placement in guest physical space, and the only way for the rest of the VMM
 * to reach it. Every access goes through tarn_mem_ptr() or the copying helpers
 * below, which fail when a single byte lies outside RAM.
 *
 * Lifetime: ranges are placed once when the machine is made and never move or
 * go away before tarn_mem_destroy(), so a pointer stays valid that long and any
 * thread may look one up without a lock. What the guest wrote there can change
 * at any moment: read each field once, into a local.
 */
#ifndef TARN_MEM_H
#define TARN_MEM_H

#include "lib/types.h"

struct opts;

/* Where RAM stops below 4 GiB; from here on devices, then RAM again at 4 GiB.
 */
#define MEM_LOW_END 0xc0000000ULL
#define MEM_HIGH_START 0x100000000ULL

#define MEM_MAX_RANGES 32

/** enum mem_backend_type - what a backend is made of. */
enum mem_backend_type {
	MEM_BACKEND_RAM, /* anonymous memory */
	MEM_BACKEND_MEMFD,
	MEM_BACKEND_FILE, /* a file, for instance on tarnfs */
};

/**
 * struct mem_backend - one memory-backend-* object.
 * @id: the object's id
 * @type: what it is made of
 * @size: in bytes, a multiple of 4 KiB
 * @hva: where it is mapped, page-aligned
 * @fd: the file or memfd behind it, -1 for anonymous memory
 * @share: mapped MAP_SHARED
 * @used: already part of guest RAM
 */
struct mem_backend {
	char *id;
	enum mem_backend_type type;
	u64 size;
	void *hva;
	int fd;
	bool share;
	bool used;
	/* private: */
	char *path;
	bool created; /* the file is ours to unlink */
	bool discard_data;
	bool balloon; /* its pool tells pages of a balloon apart */
	struct mem_backend *next;
};

/**
 * struct mem_range - a contiguous piece of RAM.
 * @gpa: guest physical address of its first byte
 * @size: in bytes
 * @hva: host address of its first byte
 * @fd: the file behind it or -1
 * @fd_offset: offset of its first byte in that file
 * @node: the guest's NUMA node
 * @backend: the object it is a part of
 */
struct mem_range {
	u64 gpa;
	u64 size;
	u8 *hva;
	int fd;
	u64 fd_offset;
	unsigned int node;
	struct mem_backend *backend;
};

/**
 * struct tarn_mem - all RAM of a guest, sorted by address.
 * @nr: number of ranges
 * @range: the ranges
 * @size: bytes of RAM in all
 */
struct tarn_mem {
	unsigned int nr;
	u64 size;
	struct mem_range range[MEM_MAX_RANGES];
};

/**
 * mem_backend_create() - make a backend from an -object option and keep it by
 * its id.
 * @opts: qom-type, id, size, mem-path, share, prealloc, discard-data, merge,
 *        dump, host-nodes, policy, seal, hugetlb, hugetlbsize
 *
 * memory-backend-file follows QEMU: a mem-path that is a directory gets an
 * unlinked file in it, a missing file is created, for its owner alone, and
 * removed at the end, an existing one is used and must be large enough.
 *
 * Return: 0 or -errno, reported.
 */
int mem_backend_create(struct opts *opts);

/** mem_backend_find() - the backend called @id, or NULL. */
struct mem_backend *mem_backend_find(const char *id);

/** mem_backend_create_ram() - anonymous memory of @size bytes called @id. */
struct mem_backend *mem_backend_create_ram(const char *id, u64 size);

/** mem_backend_destroy_all() - unmap and forget every backend. */
void mem_backend_destroy_all(void);

/** mem_backend_in_pool() - whether all of it is a file of a pool (tarnfs). */
bool mem_backend_in_pool(const struct mem_backend *backend);

/**
 * tarn_mem_add() - place @backend behind the RAM that is already there.
 * @mem: RAM so far, zeroed at first
 * @backend: not yet used
 * @node: the guest's NUMA node
 *
 * A backend that meets MEM_LOW_END is split and goes on at MEM_HIGH_START.
 */
int tarn_mem_add(struct tarn_mem *mem, struct mem_backend *backend,
		 unsigned int node);

/**
 * tarn_mem_ptr() - the host address of guest physical [@gpa, @gpa + @len).
 *
 * Return: NULL when any byte lies outside RAM, when the bytes are not
 * contiguous in the host or when @len is 0.
 */
void *tarn_mem_ptr(struct tarn_mem *mem, u64 gpa, u64 len);

/** tarn_mem_range() - the range that holds all of [@gpa, @gpa + @len) or NULL.
 */
struct mem_range *tarn_mem_range(struct tarn_mem *mem, u64 gpa, u64 len);

/** tarn_mem_read() - copy @len bytes out of the guest; -EFAULT outside RAM. */
int tarn_mem_read(struct tarn_mem *mem, u64 gpa, void *buf, u64 len);

/** tarn_mem_write() - copy @len bytes into the guest; -EFAULT outside RAM. */
int tarn_mem_write(struct tarn_mem *mem, u64 gpa, const void *buf, u64 len);

/**
 * tarn_mem_discard() - give pages back to the host; they read as zeroes then.
 * @mem: guest memory
 * @gpa: 4 KiB-aligned
 * @len: a multiple of 4 KiB
 *
 * Punches a hole in a shared file, MADV_DONTNEED on anonymous memory. Private
 * file mappings keep their pages (-EOPNOTSUPP).
 */
int tarn_mem_discard(struct tarn_mem *mem, u64 gpa, u64 len);

/**
 * tarn_mem_balloon_begin() - have pools tell pages of a balloon apart.
 * @mem: all RAM
 * @fd: an eventfd that is told when a pool finds that the balloon is gone
 *
 * Return: whether one does.
 */
bool tarn_mem_balloon_begin(struct tarn_mem *mem, int fd);

/**
 * tarn_mem_inflate() - the guest has given pages to its balloon, and says so before it uses
 * them again. Otherwise as tarn_mem_discard(), which memory in no pool gets.
 */
int tarn_mem_inflate(struct tarn_mem *mem, u64 gpa, u64 len);

/** tarn_mem_deflate() - it takes pages back. 0 or -errno, as above. */
int tarn_mem_deflate(struct tarn_mem *mem, u64 gpa, u64 len);

/** tarn_mem_balloon_reset() - it has no balloon any more. */
void tarn_mem_balloon_reset(struct tarn_mem *mem);

#endif
