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
 * 6.7 gave the times of an inode accessors.
 */
#ifndef TARN_COMPAT_FS_H
#define TARN_COMPAT_FS_H

#include_next <linux/fs.h>

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

#endif
