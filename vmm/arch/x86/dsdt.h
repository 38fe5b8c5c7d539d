/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TARN_DSDT_H
#define TARN_DSDT_H

struct aml;
struct vm;

/** dsdt_write() - append the body of the DSDT, without its table header. */
void dsdt_write(struct vm *vm, struct aml *aml);

#endif
