// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn_guest.ko: begin and end.
 *
 * What was told to the host is taken back when the module goes, and before this
 * kernel gives its memory to somebody else: a reboot, a kernel started by kexec, or
 * a hibernation image, which may wake up on another host.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "guest.h"

#define METRICS_MS_MIN	50
#define METRICS_MS_MAX	60000
#define AREAS_ALL	2

static unsigned int metrics_ms = 250;
static unsigned int areas = AREAS_ALL;
static bool hints = true;

static int set_metrics_ms(const char *text, const struct kernel_param *kp)
{
	unsigned int value;
	int ret = kstrtouint(text, 0, &value);

	if (ret)
		return ret;
	if (value && (value < METRICS_MS_MIN || value > METRICS_MS_MAX))
		return -EINVAL;
	metrics_ms = value;
	return 0;
}

static int set_areas(const char *text, const struct kernel_param *kp)
{
	return param_set_uint_minmax(text, kp, 0, AREAS_ALL);
}

static const struct kernel_param_ops metrics_ms_ops = {
	.set = set_metrics_ms,
	.get = param_get_uint,
};

static const struct kernel_param_ops areas_ops = {
	.set = set_areas,
	.get = param_get_uint,
};

module_param_cb(metrics_ms, &metrics_ms_ops, &metrics_ms, 0444);
MODULE_PARM_DESC(metrics_ms, "Milliseconds between updates of the page of metrics, 50 to 60000, 0: share none (250)");
module_param_cb(areas, &areas_ops, &areas, 0444);
MODULE_PARM_DESC(areas, "Areas to register, 0: none, 1: descriptor tables, 2: and data of processors (2)");
module_param(hints, bool, 0444);
MODULE_PARM_DESC(hints, "Tell the host which memory is free (Y)");

/* What is started, so that the end takes back just that. */
static DEFINE_MUTEX(lock);
static bool has_areas, has_metrics, has_hints;

/* A part that does not start is told of, and no reason not to have the others. */
static bool started(const char *what, int ret)
{
	if (ret == -EBUSY)
		pr_info("no %s: the balloon does it\n", what);
	else if (ret)
		pr_info("no %s: %d\n", what, ret);
	return !ret;
}

static void stop_all(void)
{
	mutex_lock(&lock);
	if (has_hints)
		tarn_hints_stop();
	if (has_metrics)
		tarn_metrics_stop();
	if (has_areas)
		tarn_areas_stop();
	has_hints = false;
	has_metrics = false;
	has_areas = false;
	mutex_unlock(&lock);
}

static int start_all(void)
{
	long features = tarn_para_detect();

	if (features < 0)
		return features;
	mutex_lock(&lock);
	if (areas && (features & TARN_PARA_AREAS))
		has_areas = started("areas", tarn_areas_start(areas == AREAS_ALL));
	if (metrics_ms && (features & TARN_PARA_METRICS))
		has_metrics = started("metrics", tarn_metrics_start(metrics_ms));
	if (hints && (features & TARN_PARA_HINTS))
		has_hints = started("hints", tarn_hints_start());
	pr_info("the host has features 0x%lx, in use:%s%s%s\n", features,
		has_areas ? " areas" : "", has_metrics ? " metrics" : "",
		has_hints ? " hints" : "");
	mutex_unlock(&lock);
	return 0;
}

/* Also before a kernel that was loaded by kexec. */
static int on_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	stop_all();
	return NOTIFY_DONE;
}

static int on_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		stop_all();
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		/* It may be another host, with or without Tarn. */
		if (start_all())
			pr_info("this host has no Tarn\n");
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = on_reboot };
static struct notifier_block sleep_block = { .notifier_call = on_sleep };

static int __init tarn_guest_init(void)
{
	int ret;

	ret = start_all();
	if (ret)
		return ret;
	ret = register_pm_notifier(&sleep_block);
	if (ret)
		goto err_stop;
	ret = register_reboot_notifier(&reboot_block);
	if (ret)
		goto err_pm;
	return 0;

err_pm:
	unregister_pm_notifier(&sleep_block);
err_stop:
	stop_all();
	return ret;
}

static void __exit tarn_guest_exit(void)
{
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&sleep_block);
	stop_all();
}

module_init(tarn_guest_init);
module_exit(tarn_guest_exit);

MODULE_DESCRIPTION("Tarn's hypercalls from a Linux guest");
MODULE_AUTHOR("The Tarn authors");
MODULE_LICENSE("GPL");
