/* SPDX-License-Identifier: GPL-2.0-only */
/* The devices of the pager, for tests that put calls of their own in between. */
#include "vmm/pager/content.c"
#include "vmm/pager/device.c"
#include "vmm/pager/devices.c"
#include "vmm/pager/discard.c"
#include "vmm/pager/identify.c"
#include "vmm/pager/layout.c"
#include "vmm/pager/leg.c"
#include "vmm/pager/log.c"
#include "vmm/pager/lost.c"
#include "vmm/pager/owner.c"
#include "vmm/pager/slots.c"
#include "vmm/pager/thread.c"
