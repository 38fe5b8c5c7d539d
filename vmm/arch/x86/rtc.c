// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MC146818 real-time clock with its CMOS memory. Time is the host's plus an
 * offset that the guest may set; registers are computed when they are read, so
 * no tick runs unless the guest asks for an interrupt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../bus.h"
#include "../../config.h"
#include "../../device.h"
#include "../../error.h"
#include "../../fields.h"
#include "../../irq.h"
#include "../../loop.h"
#include "../../vm.h"
#include "x86.h"

#define RTC_PORT_BASE 0x70
#define CMOS_SIZE 128

/* The chip's registers. */
#define RTC_SECONDS 0
#define RTC_SECONDS_ALARM 1
#define RTC_MINUTES 2
#define RTC_MINUTES_ALARM 3
#define RTC_HOURS 4
#define RTC_HOURS_ALARM 5
#define RTC_DAY_OF_WEEK 6
#define RTC_DAY_OF_MONTH 7
#define RTC_MONTH 8
#define RTC_YEAR 9
#define RTC_FREQ_SELECT 10
#define RTC_CONTROL 11
#define RTC_INTR_FLAGS 12
#define RTC_VALID 13
#define CMOS_CENTURY 0x32

#define RTC_UIP 0x80
#define RTC_REF_CLCK_32KHZ 0x20

/* Bits of the control register; the interrupt bits match those of the flags. */
#define RTC_SET 0x80
#define RTC_PIE 0x40
#define RTC_AIE 0x20
#define RTC_UIE 0x10
#define RTC_DM_BINARY 0x04
#define RTC_24H 0x02

#define RTC_IRQF 0x80
#define RTC_PF 0x40
#define RTC_AF 0x20
#define RTC_UF 0x10
#define RTC_VRT 0x80

#define NSEC 1000000000ULL
#define MAX_OFFSET 100000000000LL
#define ALARM_ANY 0xc0 /* this and above match every value */

struct rtc {
	struct device dev;
	u8 index;
	u8 cmos[CMOS_SIZE];
	s64 offset; /* seconds to add to the host's clock */
	bool irq_level;
	struct loop_timer *timer;
	u64 period_due; /* CLOCK_MONOTONIC, 0: no periodic interrupt */
	time_t last_second;
};

static void now_get(struct rtc *rtc, struct tm *tm)
{
	time_t t = time(NULL) + rtc->offset;

	if (rtc->dev.vm->config->rtc_localtime)
		localtime_r(&t, tm);
	else
		gmtime_r(&t, tm);
}

static u8 encode(const struct rtc *rtc, int val)
{
	return rtc->cmos[RTC_CONTROL] & RTC_DM_BINARY
		       ? val
		       : val / 10 << 4 | val % 10;
}

static int decode(const struct rtc *rtc, u8 val)
{
	return rtc->cmos[RTC_CONTROL] & RTC_DM_BINARY
		       ? val
		       : (val >> 4) * 10 + (val & 15);
}

static u8 encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[RTC_CONTROL] & RTC_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ?: 12) | (hour >= 12 ? 0x80 : 0);
}

static int decode_hour(const struct rtc *rtc, u8 val)
{
	int hour;

	if (rtc->cmos[RTC_CONTROL] & RTC_24H)
		return decode(rtc, val);
	hour = decode(rtc, val & 0x7f) % 12;
	return val & 0x80 ? hour + 12 : hour;
}

/* While the guest holds SET, the registers are plain memory. */
static void latch(struct rtc *rtc)
{
	u8 *c = rtc->cmos;
	struct tm tm;

	if (c[RTC_CONTROL] & RTC_SET)
		return;
	now_get(rtc, &tm);
	c[RTC_SECONDS] = encode(rtc, tm.tm_sec);
	c[RTC_MINUTES] = encode(rtc, tm.tm_min);
	c[RTC_HOURS] = encode_hour(rtc, tm.tm_hour);
	c[RTC_DAY_OF_WEEK] = encode(rtc, tm.tm_wday + 1);
	c[RTC_DAY_OF_MONTH] = encode(rtc, tm.tm_mday);
	c[RTC_MONTH] = encode(rtc, tm.tm_mon + 1);
	c[RTC_YEAR] = encode(rtc, tm.tm_year % 100);
	c[CMOS_CENTURY] = encode(rtc, (tm.tm_year + 1900) / 100);
}

/* The guest has set the registers: remember how far off the host it is. */
static void commit(struct rtc *rtc)
{
	const u8 *c = rtc->cmos;
	struct tm tm = {
		.tm_sec = decode(rtc, c[RTC_SECONDS]),
		.tm_min = decode(rtc, c[RTC_MINUTES]),
		.tm_hour = decode_hour(rtc, c[RTC_HOURS]),
		.tm_mday = decode(rtc, c[RTC_DAY_OF_MONTH]),
		.tm_mon = decode(rtc, c[RTC_MONTH]) - 1,
		.tm_year = decode(rtc, c[RTC_YEAR]) +
			   100 * decode(rtc, c[CMOS_CENTURY]) - 1900,
		.tm_isdst = -1,
	};
	time_t t =
		rtc->dev.vm->config->rtc_localtime ? mktime(&tm) : timegm(&tm);

	if (t != (time_t)-1)
		rtc->offset = t - time(NULL);
}

static void irq_update(struct rtc *rtc)
{
	u8 flags = rtc->cmos[RTC_INTR_FLAGS] & 0x70;
	bool level = flags & rtc->cmos[RTC_CONTROL];

	rtc->cmos[RTC_INTR_FLAGS] = flags | (level ? RTC_IRQF : 0);
	if (level == rtc->irq_level)
		return;
	rtc->irq_level = level;
	irq_set(rtc->dev.vm, IRQ_RTC, level);
}

static bool alarm_field(u8 alarm, u8 now)
{
	return alarm >= ALARM_ANY || alarm == now;
}

static bool alarm_matches(struct rtc *rtc)
{
	const u8 *c = rtc->cmos;

	latch(rtc);
	return alarm_field(c[RTC_SECONDS_ALARM], c[RTC_SECONDS]) &&
	       alarm_field(c[RTC_MINUTES_ALARM], c[RTC_MINUTES]) &&
	       alarm_field(c[RTC_HOURS_ALARM], c[RTC_HOURS]);
}

static u64 period_ns(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[RTC_FREQ_SELECT] & 15;

	if (!rate)
		return 0;
	/* The two fastest codes stand for slow rates. */
	return NSEC * (1U << ((rate < 3 ? rate + 7 : rate) - 1)) / 32768;
}

static void timer_update(struct rtc *rtc)
{
	u8 control = rtc->cmos[RTC_CONTROL];
	u64 due = 0, now = loop_now();
	struct timespec ts;

	if (control & RTC_PIE && period_ns(rtc)) {
		if (!rtc->period_due)
			rtc->period_due = now + period_ns(rtc);
		due = rtc->period_due;
	} else {
		rtc->period_due = 0;
	}
	if (control & (RTC_AIE | RTC_UIE)) {
		clock_gettime(CLOCK_REALTIME, &ts);
		now += NSEC - ts.tv_nsec;
		due = due ? min_t(u64, due, now) : now;
	}
	loop_timer_set(rtc->timer, due);
}

static void tick(void *arg)
{
	struct rtc *rtc = arg;
	u64 now = loop_now();
	time_t second = time(NULL);

	if (rtc->period_due && now >= rtc->period_due) {
		rtc->cmos[RTC_INTR_FLAGS] |= RTC_PF;
		rtc->period_due =
			max_t(u64, rtc->period_due + period_ns(rtc), now + 1);
	}
	if (second != rtc->last_second) {
		rtc->last_second = second;
		rtc->cmos[RTC_INTR_FLAGS] |= RTC_UF;
		if (alarm_matches(rtc))
			rtc->cmos[RTC_INTR_FLAGS] |= RTC_AF;
	}
	irq_update(rtc);
	timer_update(rtc);
}

static u8 data_read(struct rtc *rtc)
{
	u8 val;

	switch (rtc->index) {
	case RTC_SECONDS:
	case RTC_MINUTES:
	case RTC_HOURS:
	case RTC_DAY_OF_WEEK:
	case RTC_DAY_OF_MONTH:
	case RTC_MONTH:
	case RTC_YEAR:
	case CMOS_CENTURY:
		latch(rtc);
		break;
	case RTC_INTR_FLAGS:
		val = rtc->cmos[RTC_INTR_FLAGS];
		rtc->cmos[RTC_INTR_FLAGS] = 0;
		irq_update(rtc);
		return val;
	}
	return rtc->cmos[rtc->index];
}

static void control_write(struct rtc *rtc, u8 val)
{
	u8 old = rtc->cmos[RTC_CONTROL];

	if (val & RTC_SET && !(old & RTC_SET))
		latch(rtc);
	rtc->cmos[RTC_CONTROL] = val;
	if (old & RTC_SET && !(val & RTC_SET))
		commit(rtc);
	if (val & ~old & (RTC_AIE | RTC_UIE))
		rtc->last_second = time(NULL);
	irq_update(rtc);
	timer_update(rtc);
}

static void data_write(struct rtc *rtc, u8 val)
{
	switch (rtc->index) {
	case RTC_INTR_FLAGS:
	case RTC_VALID:
		return;
	case RTC_CONTROL:
		control_write(rtc, val);
		return;
	case RTC_FREQ_SELECT:
		rtc->cmos[RTC_FREQ_SELECT] = val & ~RTC_UIP;
		rtc->period_due = 0;
		timer_update(rtc);
		return;
	case RTC_SECONDS:
	case RTC_MINUTES:
	case RTC_HOURS:
	case RTC_DAY_OF_WEEK:
	case RTC_DAY_OF_MONTH:
	case RTC_MONTH:
	case RTC_YEAR:
	case CMOS_CENTURY:
		latch(rtc);
		rtc->cmos[rtc->index] = val;
		if (!(rtc->cmos[RTC_CONTROL] & RTC_SET))
			commit(rtc);
		return;
	}
	rtc->cmos[rtc->index] = val;
}

static u64 port_read(void *arg, u64 off, unsigned int size)
{
	/* The index register cannot be read back. */
	return off ? data_read(arg) : 0xff;
}

static void port_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct rtc *rtc = arg;

	if (off)
		data_write(rtc, val);
	else
		rtc->index = val & (CMOS_SIZE - 1);
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

static void rtc_reset(struct device *dev)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);

	rtc->index = 0;
	rtc->cmos[RTC_FREQ_SELECT] = RTC_REF_CLCK_32KHZ | 6;
	rtc->cmos[RTC_CONTROL] = RTC_24H;
	rtc->cmos[RTC_INTR_FLAGS] = 0;
	rtc->cmos[RTC_VALID] = RTC_VRT;
	irq_update(rtc);
	timer_update(rtc);
}

static const struct field rtc_fields[] = {
	FIELD("index", struct rtc, index),
	FIELD_BYTES("cmos", struct rtc, cmos),
	FIELD("offset", struct rtc, offset),
};

static int rtc_save(struct device *dev, struct state_out *out)
{
	return fields_put(out, "", container_of(dev, struct rtc, dev),
			  rtc_fields, ARRAY_SIZE(rtc_fields));
}

static int rtc_load(struct device *dev, struct state_in *in, u32 version)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);
	int ret = fields_get(in, "", rtc, rtc_fields, ARRAY_SIZE(rtc_fields));

	if (ret)
		return ret;
	rtc->index &= CMOS_SIZE - 1;
	/* 3000 years to either side are more than any clock shows. */
	if (rtc->offset > MAX_OFFSET || rtc->offset < -MAX_OFFSET)
		rtc->offset = 0;
	rtc->last_second = time(NULL);
	irq_update(rtc);
	timer_update(rtc);
	return 0;
}

static void rtc_destroy(struct device *dev)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);

	loop_timer_del(rtc->timer);
	bus_del(dev->vm, BUS_PIO, RTC_PORT_BASE);
	device_remove(dev);
	free(rtc);
}

static const struct device_ops rtc_ops = {
	.name = "mc146818rtc",
	.reset = rtc_reset,
	.version = 1,
	.save = rtc_save,
	.load = rtc_load,
	.destroy = rtc_destroy,
};

int rtc_create(struct vm *vm)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));
	int ret = -ENOMEM;

	if (!rtc)
		return ret;
	rtc->timer = loop_timer_add(vm->loop, tick, rtc);
	if (!rtc->timer)
		goto err_free;
	ret = device_init(&rtc->dev, vm, &rtc_ops, NULL);
	if (ret)
		goto err_timer;
	ret = bus_add(vm, BUS_PIO, RTC_PORT_BASE, 2, &port_ops, rtc);
	if (ret)
		goto err_remove;
	return 0;

err_remove:
	device_remove(&rtc->dev);
err_timer:
	loop_timer_del(rtc->timer);
err_free:
	free(rtc);
	return ret;
}
