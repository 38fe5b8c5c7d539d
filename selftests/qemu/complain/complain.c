// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that gives the kernel reasons to complain, so that the testbed's own
 * test can see whether l1 notices. What to do is written to its parameter:
 *
 *   echo -n oops > /sys/module/complain/parameters/about
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

static void warn(void)
{
	WARN(1, "as asked\n");
}

static void oops(void)
{
	WRITE_ONCE(*(int *)8, 1);
}

static void die(void)
{
	panic("as asked\n");
}

/* lockdep: the two orders need not happen at the same time. */
static void invert(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* DEBUG_ATOMIC_SLEEP */
static void nap(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

/* KASAN */
static void overrun(void)
{
	char *bytes = kmalloc(32, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	WRITE_ONCE(bytes[32], 1);
	kfree(bytes);
}

/* kmemleak: several, as a stale copy of an address may hide one. */
static void leak(void)
{
	int i;

	for (i = 0; i < 16; i++) {
		void *lost = kmalloc(200, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static const struct {
	const char *name;
	void (*fn)(void);
} complaints[] = {
	{ "warn", warn }, { "oops", oops },	  { "panic", die },  { "invert", invert },
	{ "nap", nap },	  { "overrun", overrun }, { "leak", leak },
};

static int about_set(const char *value, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(complaints); i++) {
		if (!sysfs_streq(value, complaints[i].name))
			continue;
		complaints[i].fn();
		return 0;
	}
	return -EINVAL;
}

static const struct kernel_param_ops about_ops = { .set = about_set };

module_param_cb(about, &about_ops, NULL, 0200);
MODULE_PARM_DESC(about, "what to give the kernel reason to complain about");
MODULE_DESCRIPTION("Test of the testbed");
MODULE_LICENSE("GPL");
