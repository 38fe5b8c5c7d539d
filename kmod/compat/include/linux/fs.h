/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/fs.h>.
 *
 * 6.3 replaced the user namespace of a mount by its ID mapping. tarnfs takes no
 * part in ID-mapped mounts, so it only passes on what it gets, and the old type
 * may go by the new name.
 *
 * 6.6 had generic_fillattr() told what is asked for; without that it fills in
 * everything.
 *
 * 6.5 has a file be read into pages that are then put into the pipe. Before, it was
 * read into an iterator of the pipe.
 *
 * 6.7 gave the times of an inode accessors.
 *
 * 6.15 lets ->mkdir answer with another dentry than it was given. tarnfs never does:
 * NULL, or an error, says the same.
 *
 * 6.18 renamed generic_delete_inode().
 *
 * 6.19 marks the names of file systems that have nothing else; before, each was held
 * by a reference, which kill_litter_super() dropped.
 *
 * 7.3 calls ->create only for files that are not there, and no longer says so.
 */
#ifndef TARN_COMPAT_FS_H
#define TARN_COMPAT_FS_H

#include_next <linux/fs.h>

#include <linux/dcache.h>

#ifdef HAVE_INODE_MKDIR_USER_NS
#define mnt_idmap	user_namespace
#define nop_mnt_idmap	init_user_ns
#endif

#ifdef HAVE_FILLATTR_USER_NS
#define generic_fillattr(idmap, mask, inode, stat)			\
	((void)(mask), generic_fillattr(idmap, inode, stat))
#endif

#ifdef HAVE_MTIME_FIELD
static inline struct timespec64 inode_set_mtime_to_ts(struct inode *inode,
						      struct timespec64 ts)
{
	inode->i_mtime = ts;
	return ts;
}

static inline struct timespec64 simple_inode_init_ts(struct inode *inode)
{
	inode->i_atime = current_time(inode);
	inode->i_mtime = inode->i_atime;
	inode->i_ctime = inode->i_atime;
	return inode->i_atime;
}
#endif

#ifdef HAVE_SPLICE_READ_PIPE
#define copy_splice_read	generic_file_splice_read
#endif

#ifdef HAVE_INODE_MKDIR_DENTRY
typedef struct dentry *tarn_mkdir_t;
#define TARN_MKDIR_RESULT(err)	ERR_PTR(err)
#else
typedef int tarn_mkdir_t;
#define TARN_MKDIR_RESULT(err)	(err)
#endif

#ifdef HAVE_INODE_CREATE_EXCL
#define TARN_CREATE_EXCL	, bool excl
#else
#define TARN_CREATE_EXCL
#endif

#ifdef HAVE_INODE_DROP_DELETE
#define inode_just_drop		generic_delete_inode
#endif

#ifdef HAVE_DENTRY_KEPT_LITTER
#define kill_anon_super		kill_litter_super

static inline void d_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}
#endif

#endif
