// SPDX-License-Identifier: GPL-2.0-only
/* An image that is installed has no errors on purpose; those of tests are in selftests. */
#include "adjunct/image/image.h"

void image_fault(const struct adjunct_config *config, u32 queues)
{
}
