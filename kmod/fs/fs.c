// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnfs: mounting, mount options, directories. The simplest of filesystems but
 * for what its regular files are (file.c); directories live in the dentry cache
 * alone.
 */
#include <linux/ctype.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/user_namespace.h>

#include "fs/ctl.h"
#include "fs/fs.h"
#include "fs/life.h"
#include "kvm/vm.h"
#include "policy/evacuate.h"
#include "policy/size.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* An index has to fit a frame's owner. */
#define TARN_FILE_MAX	(1LL << (TARN_OWNER_INDEX_BITS + PAGE_SHIFT))

static struct kmem_cache *inode_cache;
static struct file_system_type tarn_fs_type;

/**
 * struct tarn_fs_options - what mount was told
 * @size: of the pool
 * @has_size: some size was given
 * @mode: of the root directory
 * @uid: its owner
 * @gid: its group
 * @paging: a pager will come
 * @huge: of partitions that are made from now on
 */
struct tarn_fs_options {
	struct tarn_pool_size size;
	bool has_size;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	bool paging;
	u32 huge;
};

struct tarn_pool *tarn_pool_of(struct super_block *sb)
{
	return sb->s_type == &tarn_fs_type ? sb->s_fs_info : NULL;
}

void tarn_touch(struct inode *inode)
{
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
}

/* ---- inodes ------------------------------------------------------------- */

static const struct inode_operations tarn_dir_inode_ops;

static const struct file_operations tarn_dir_ops = {
	.open = dcache_dir_open,
	.release = dcache_dir_close,
	.llseek = dcache_dir_lseek,
	.read = generic_read_dir,
	.iterate_shared = dcache_readdir,
	.fsync = noop_fsync,
	.unlocked_ioctl = tarn_fs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct inode *inode_create(struct super_block *sb, struct inode *dir,
				  umode_t mode)
{
	struct inode *inode = new_inode(sb);
	struct tarn_partition *part;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = get_next_ino();
	inode_init_owner(&nop_mnt_idmap, inode, dir, mode);
	simple_inode_init_ts(inode);
	if (S_ISDIR(mode)) {
		inode->i_op = &tarn_dir_inode_ops;
		inode->i_fop = &tarn_dir_ops;
		inc_nlink(inode);
		return inode;
	}
	part = tarn_partition_create(sb->s_fs_info, inode);
	if (IS_ERR(part)) {
		iput(inode);
		return ERR_CAST(part);
	}
	TARN_I(inode)->part = part;
	inode->i_op = &tarn_file_inode_ops;
	inode->i_fop = &tarn_file_ops;
	return inode;
}

static int make(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode = inode_create(dir->i_sb, dir, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	/* The name is all there is: it holds the file until it is removed. */
	d_make_persistent(dentry, inode);
	tarn_touch(dir);
	return 0;
}

static int tarn_create(struct mnt_idmap *idmap, struct inode *dir,
		       struct dentry *dentry, umode_t mode TARN_CREATE_EXCL)
{
	return make(dir, dentry, mode | S_IFREG);
}

static tarn_mkdir_t tarn_mkdir(struct mnt_idmap *idmap, struct inode *dir,
			       struct dentry *dentry, umode_t mode)
{
	int ret = make(dir, dentry, mode | S_IFDIR);

	if (!ret)
		inc_nlink(dir);
	return TARN_MKDIR_RESULT(ret);
}

static const struct inode_operations tarn_dir_inode_ops = {
	.lookup = simple_lookup,
	.create = tarn_create,
	.link = simple_link,
	.unlink = simple_unlink,
	.mkdir = tarn_mkdir,
	.rmdir = simple_rmdir,
	.rename = simple_rename,
};

static struct inode *tarn_alloc_inode(struct super_block *sb)
{
	struct tarn_inode *ti = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!ti)
		return NULL;
	ti->part = NULL;
	return &ti->vfs;
}

static void tarn_free_inode(struct inode *inode)
{
	kmem_cache_free(inode_cache, TARN_I(inode));
}

static void tarn_evict_inode(struct inode *inode)
{
	struct tarn_partition *part = TARN_I(inode)->part;

	clear_inode(inode);
	if (part)
		tarn_partition_evict(part);
}

static void inode_init_once_slab(void *p)
{
	inode_init_once(&((struct tarn_inode *)p)->vfs);
}

/* ---- superblock --------------------------------------------------------- */

static int tarn_statfs(struct dentry *dentry, struct kstatfs *st)
{
	struct tarn_pool *pool = dentry->d_sb->s_fs_info;
	u64 id = huge_encode_dev(dentry->d_sb->s_dev);

	st->f_type = TARN_SUPER_MAGIC;
	st->f_bsize = PAGE_SIZE;
	st->f_frsize = PAGE_SIZE;
	st->f_blocks = READ_ONCE(pool->frames);
	st->f_bfree = tarn_pool_free_frames(pool);
	st->f_bavail = st->f_bfree;
	st->f_namelen = NAME_MAX;
	st->f_fsid = u64_to_fsid(id);
	return 0;
}

/* As it has to be given again: mount(8) repeats it at a remount. */
static void show_size(struct seq_file *m, struct tarn_pool *pool)
{
	int nid;

	if (!READ_ONCE(pool->per_node)) {
		seq_printf(m, ",size=%lluK",
			   READ_ONCE(pool->frames) << (PAGE_SHIFT - 10));
		return;
	}
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct tarn_node *n = tarn_pool_node(pool, nid);

		seq_printf(m, "%s%lluK", nid ? ":" : ",nodes=",
			   n ? READ_ONCE(n->frames) << (PAGE_SHIFT - 10) : 0);
	}
}

/* By enum tarn_huge. */
static const struct constant_table huge_values[] = {
	{ "auto", TARN_HUGE_AUTO },
	{ "never", TARN_HUGE_NEVER },
	{ "advise", TARN_HUGE_ADVISE },
	{ "always", TARN_HUGE_ALWAYS },
	{}
};

static int tarn_show_options(struct seq_file *m, struct dentry *root)
{
	struct tarn_pool *pool = root->d_sb->s_fs_info;
	struct inode *inode = d_inode(root);

	show_size(m, pool);
	seq_printf(m, ",mode=%o", inode->i_mode & 07777);
	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u",
			   from_kuid_munged(&init_user_ns, inode->i_uid));
	if (!gid_eq(inode->i_gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u",
			   from_kgid_munged(&init_user_ns, inode->i_gid));
	seq_printf(m, ",paging=%s", pool->paging ? "pager" : "none");
	seq_printf(m, ",huge=%s", huge_values[READ_ONCE(pool->huge)].name);
	return 0;
}

static const struct super_operations tarn_super_ops = {
	.alloc_inode = tarn_alloc_inode,
	.free_inode = tarn_free_inode,
	.evict_inode = tarn_evict_inode,
	.drop_inode = inode_just_drop,
	.statfs = tarn_statfs,
	.show_options = tarn_show_options,
};

static int tarn_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct tarn_fs_options *opt = fc->fs_private;
	struct tarn_pool *pool;
	struct inode *root;

	if (!opt->has_size)
		return invalf(fc, "tarn: size= or nodes= is needed");
	pool = tarn_pool_create(&opt->size, opt->paging);
	if (IS_ERR(pool)) {
		if (PTR_ERR(pool) == -EINVAL)
			return invalf(fc, "tarn: size of nothing, or of a node without memory");
		errorf(fc, "tarn: not so much memory is free in pieces of 2 MiB: drop caches, write 1 to /proc/sys/vm/compact_memory");
		return PTR_ERR(pool);
	}
	pool->huge = opt->huge;
	sb->s_fs_info = pool;
	sb->s_maxbytes = TARN_FILE_MAX;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = TARN_SUPER_MAGIC;
	sb->s_op = &tarn_super_ops;
	sb->s_time_gran = 1;
	root = inode_create(sb, NULL, S_IFDIR | opt->mode);
	if (IS_ERR(root))
		return PTR_ERR(root);
	root->i_uid = opt->uid;
	root->i_gid = opt->gid;
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static void tarn_kill_sb(struct super_block *sb)
{
	struct tarn_pool *pool = sb->s_fs_info;

	kill_anon_super(sb);
	if (!pool)
		return;
	tarn_pool_shutdown(pool);
	tarn_vm_settle();
}

/* ---- mount options ------------------------------------------------------ */

enum { OPT_SIZE, OPT_NODES, OPT_MODE, OPT_UID, OPT_GID, OPT_PAGING, OPT_HUGE };
enum { PAGING_NONE, PAGING_PAGER };

static const struct constant_table paging_values[] = {
	{ "none", PAGING_NONE },
	{ "pager", PAGING_PAGER },
	{}
};

static const struct fs_parameter_spec tarn_params[] = {
	fsparam_string("size", OPT_SIZE),
	fsparam_string("nodes", OPT_NODES),
	fsparam_u32oct("mode", OPT_MODE),
	fsparam_u32("uid", OPT_UID),
	fsparam_u32("gid", OPT_GID),
	fsparam_enum("paging", OPT_PAGING, paging_values),
	fsparam_enum("huge", OPT_HUGE, huge_values),
	{}
};

/* "8G", "25%", up to @stop or the end: to frames. */
static int parse_size(const char **s, char stop, u64 *frames)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *unit, *rest = *s;
	u64 n = 0;

	if (!isdigit(**s) || strspn(*s, "0123456789") > 18)
		return -EINVAL;
	while (isdigit(*rest))
		n = 10 * n + *rest++ - '0';
	unit = *rest ? strchr(units, toupper(*rest)) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		rest++;
	} else if (*rest == '%') {
		if (n > 100)
			return -EINVAL;
		n = (totalram_pages() * n / 100) << PAGE_SHIFT;
		rest++;
	}
	if ((*rest && *rest != stop) || n > (u64)MAX_LFS_FILESIZE >> shift)
		return -EINVAL;
	*s = *rest ? rest + 1 : rest;
	*frames = DIV_ROUND_UP_ULL(n << shift, PAGE_SIZE);
	return 0;
}

static int parse_nodes(const char *s, struct tarn_pool_size *size)
{
	unsigned int nid = 0;
	int ret;

	size->per_node = true;
	do {
		if (nid >= nr_node_ids)
			return -EINVAL;
		ret = parse_size(&s, ':', &size->node[nid++]);
		if (ret)
			return ret;
	} while (*s);
	return 0;
}

static int parse_owner(struct fs_context *fc, struct tarn_fs_options *opt,
		       int what, u32 id)
{
	if (what == OPT_UID) {
		opt->uid = make_kuid(fc->user_ns, id);
		return uid_valid(opt->uid) ? 0 : -EINVAL;
	}
	opt->gid = make_kgid(fc->user_ns, id);
	return gid_valid(opt->gid) ? 0 : -EINVAL;
}

static int tarn_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct tarn_fs_options *opt = fc->fs_private;
	struct fs_parse_result result;
	const char *s = param->string;
	int what = fs_parse(fc, tarn_params, param, &result);
	int ret = 0;

	if (what < 0)
		return what;
	switch (what) {
	case OPT_SIZE:
	case OPT_NODES:
		/* mount(8) repeats the old size at a remount: the last counts. */
		if (opt->has_size && fc->purpose == FS_CONTEXT_FOR_MOUNT)
			return invalf(fc, "tarn: one of size= and nodes=, once");
		memset(&opt->size, 0, sizeof(opt->size));
		opt->has_size = true;
		ret = what == OPT_SIZE ? parse_size(&s, 0, &opt->size.total) :
		      parse_nodes(s, &opt->size);
		break;
	case OPT_MODE:
		opt->mode = result.uint_32;
		ret = result.uint_32 & ~07777 ? -EINVAL : 0;
		break;
	case OPT_UID:
	case OPT_GID:
		ret = parse_owner(fc, opt, what, result.uint_32);
		break;
	case OPT_PAGING:
		opt->paging = result.uint_32 == PAGING_PAGER;
		break;
	case OPT_HUGE:
		opt->huge = result.uint_32;
		break;
	}
	return ret ? invalf(fc, "tarn: bad value for '%s'", param->key) : 0;
}

static int tarn_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, tarn_fill_super);
}

static int tarn_reconfigure(struct fs_context *fc)
{
	struct tarn_fs_options *opt = fc->fs_private;
	struct tarn_pool *pool = fc->root->d_sb->s_fs_info;
	struct inode *root = d_inode(fc->root->d_sb->s_root);
	struct tarn_held held = {};
	int ret = 0;

	if (opt->paging != pool->paging)
		return invalf(fc, "tarn: paging= is for a new mount");
	if (opt->mode != (root->i_mode & 07777) ||
	    !uid_eq(opt->uid, root->i_uid) || !gid_eq(opt->gid, root->i_gid))
		return invalf(fc, "tarn: use chmod and chown on the mounted directory");
	if (opt->has_size)
		ret = tarn_pool_resize(pool, &opt->size, &held);
	if (ret == -EALREADY) {
		errorf(fc, "tarn: a node is being drained: see tarnctl pool drain-node --status");
		return -EBUSY;
	}
	if (!ret)
		WRITE_ONCE(pool->huge, opt->huge);
	if (ret == -EBUSY && held.pages)
		errorf(fc, "tarn: %llu pages that would have to go are held, for DMA perhaps, the first one is page %llu of partition %u",
		       held.pages, tarn_owner_index(held.owner),
		       tarn_owner_id(held.owner));
	else if (ret == -EBUSY)
		errorf(fc, "tarn: pages that would have to go are in use or cannot be paged out: see tarnctl pager show, tarnctl partition pins");
	if (ret == -ENOSPC)
		errorf(fc, "tarn: partitions have more than that as their minimum");
	return ret;
}

static void tarn_free_fc(struct fs_context *fc)
{
	kfree(fc->fs_private);
}

static const struct fs_context_operations tarn_context_ops = {
	.parse_param = tarn_parse_param,
	.get_tree = tarn_get_tree,
	.reconfigure = tarn_reconfigure,
	.free = tarn_free_fc,
};

static int tarn_init_fs_context(struct fs_context *fc)
{
	struct tarn_fs_options *opt = kzalloc(sizeof(*opt), GFP_KERNEL);

	if (!opt)
		return -ENOMEM;
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE) {
		/* What is not said stays as it is. */
		struct super_block *sb = fc->root->d_sb;

		opt->mode = d_inode(sb->s_root)->i_mode & 07777;
		opt->uid = d_inode(sb->s_root)->i_uid;
		opt->gid = d_inode(sb->s_root)->i_gid;
		opt->paging = tarn_pool_of(sb)->paging;
		opt->huge = READ_ONCE(tarn_pool_of(sb)->huge);
	} else {
		opt->mode = 0755;
		opt->uid = current_fsuid();
		opt->gid = current_fsgid();
		opt->paging = true;
		opt->huge = TARN_HUGE_AUTO;
	}
	fc->fs_private = opt;
	fc->ops = &tarn_context_ops;
	return 0;
}

static struct file_system_type tarn_fs_type = {
	.owner = THIS_MODULE,
	.name = "tarnfs",
	.init_fs_context = tarn_init_fs_context,
	.parameters = tarn_params,
	.kill_sb = tarn_kill_sb,
};
MODULE_ALIAS_FS("tarnfs");

int tarn_fs_init(void)
{
	int ret;

	inode_cache = kmem_cache_create("tarn_inode", sizeof(struct tarn_inode),
					0, SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					inode_init_once_slab);
	if (!inode_cache)
		return -ENOMEM;
	ret = register_filesystem(&tarn_fs_type);
	if (ret)
		kmem_cache_destroy(inode_cache);
	return ret;
}

void tarn_fs_exit(void)
{
	unregister_filesystem(&tarn_fs_type);
	/* Inodes are freed after a grace period. */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}
