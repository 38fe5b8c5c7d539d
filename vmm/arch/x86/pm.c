// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI fixed hardware: the PM1 event block with the power button, the PM1
 * control register with S5, and the PM timer. ACPI mode is always on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../bus.h"
#include "../../device.h"
#include "../../fields.h"
#include "../../irq.h"
#include "../../loop.h"
#include "../../vm.h"
#include "x86.h"

#define PM_LEN 12
#define PM_STS_OFF 0
#define PM_EN_OFF 2
#define PM_CNT_OFF 4
#define PM_TMR_OFF 8

#define PM_PWRBTN (1U << 8)
#define PM_EVENTS PM_PWRBTN

#define CNT_SCI_EN (1U << 0)
#define CNT_SLP_TYP_SHIFT 10
#define CNT_SLP_EN (1U << 13)

#define PM_TMR_HZ 3579545ULL
#define NSEC 1000000000ULL

struct pm {
	struct device dev;
	u16 sts;
	u16 en;
	u16 cnt;
	u64 epoch;
	bool sci;
};

static void sci_update(struct pm *pm)
{
	bool level = pm->sts & pm->en & PM_EVENTS;

	if (level == pm->sci)
		return;
	pm->sci = level;
	x86_sci_set(pm->dev.vm, X86_SCI_PM, level);
}

static u32 timer_read(const struct pm *pm)
{
	u64 ns = loop_now() - pm->epoch;

	/* Seconds and the rest apart, so that nothing overflows in 64 bits. */
	return ns / NSEC * PM_TMR_HZ + ns % NSEC * PM_TMR_HZ / NSEC;
}

static u64 port_read(void *arg, u64 off, unsigned int size)
{
	struct pm *pm = arg;
	u8 regs[PM_LEN + 8] = {0};
	u32 timer;
	u64 val;

	memcpy(regs + PM_STS_OFF, &pm->sts, 2);
	memcpy(regs + PM_EN_OFF, &pm->en, 2);
	memcpy(regs + PM_CNT_OFF, &pm->cnt, 2);
	if (off + size > PM_TMR_OFF) {
		timer = htole32(timer_read(pm));
		memcpy(regs + PM_TMR_OFF, &timer, 4);
	}
	memcpy(&val, regs + off, sizeof(val));
	return val;
}

static void cnt_write(struct pm *pm, u16 val)
{
	pm->cnt = (val & ~CNT_SLP_EN) | CNT_SCI_EN;
	if (val & CNT_SLP_EN && (val >> CNT_SLP_TYP_SHIFT & 7) == PM_SLP_TYP_S5)
		vm_request_shutdown(pm->dev.vm);
}

/* Bytes are merged with what is there; status bits are cleared by ones. */
static void port_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct pm *pm = arg;
	unsigned int i;
	u16 cnt = pm->cnt;

	for (i = 0; i < size && i < 8; i++, val >>= 8) {
		unsigned int shift = (off + i) % 2 * 8;
		u16 mask = 0xff << shift, byte = (val & 0xff) << shift;

		switch (ALIGN_DOWN(off + i, 2)) {
		case PM_STS_OFF:
			pm->sts &= ~byte;
			break;
		case PM_EN_OFF:
			pm->en = (pm->en & ~mask) | byte;
			break;
		case PM_CNT_OFF:
			cnt = (cnt & ~mask) | byte;
			break;
		}
	}
	sci_update(pm);
	if (off <= PM_CNT_OFF + 1 && off + size > PM_CNT_OFF)
		cnt_write(pm, cnt);
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

void pm_power_button(struct pm *pm)
{
	pm->sts |= PM_PWRBTN;
	sci_update(pm);
}

static void pm_reset(struct device *dev)
{
	struct pm *pm = container_of(dev, struct pm, dev);

	pm->sts = pm->en = 0;
	pm->cnt = CNT_SCI_EN;
	pm->epoch = loop_now();
	sci_update(pm);
}

static const struct field pm_fields[] = {
	FIELD("sts", struct pm, sts),
	FIELD("en", struct pm, en),
	FIELD("cnt", struct pm, cnt),
};

/* The timer goes on where it stood. */
static int pm_save(struct device *dev, struct state_out *out)
{
	struct pm *pm = container_of(dev, struct pm, dev);
	int ret = fields_put(out, "", pm, pm_fields, ARRAY_SIZE(pm_fields));

	return ret ?: state_put_u64(out, "timer_ns", loop_now() - pm->epoch);
}

static int pm_load(struct device *dev, struct state_in *in, u32 version)
{
	struct pm *pm = container_of(dev, struct pm, dev);
	u64 ns;
	int ret;

	if ((ret = fields_get(in, "", pm, pm_fields, ARRAY_SIZE(pm_fields))) ||
	    (ret = state_get_u64(in, "timer_ns", &ns, INT64_MAX)))
		return ret;
	pm->epoch = loop_now() - ns;
	sci_update(pm);
	return 0;
}

static void pm_destroy(struct device *dev)
{
	struct pm *pm = container_of(dev, struct pm, dev);

	dev->vm->arch->pm = NULL;
	bus_del(dev->vm, BUS_PIO, PM_EVT_PORT);
	device_remove(dev);
	free(pm);
}

static const struct device_ops pm_ops = {
	.name = "acpi-pm",
	.reset = pm_reset,
	.version = 1,
	.save = pm_save,
	.load = pm_load,
	.destroy = pm_destroy,
};

int pm_create(struct vm *vm)
{
	struct pm *pm = calloc(1, sizeof(*pm));
	int ret;

	if (!pm)
		return -ENOMEM;
	ret = device_init(&pm->dev, vm, &pm_ops, NULL);
	if (ret)
		goto err_free;
	ret = bus_add(vm, BUS_PIO, PM_EVT_PORT, PM_LEN, &port_ops, pm);
	if (ret)
		goto err_remove;
	vm->arch->pm = pm;
	return 0;

err_remove:
	device_remove(&pm->dev);
err_free:
	free(pm);
	return ret;
}
