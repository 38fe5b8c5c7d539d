/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to do about things that other VMMs have and this one has not, in particular those
 * that virt-install or libvirt ask for where nobody said otherwise.
 */
#ifndef TARN_ADVICE_H
#define TARN_ADVICE_H

/** enum advice_kind - what the name is that of. */
enum advice_kind {
	ADVICE_OPTION,
	ADVICE_DEVICE,
	ADVICE_MACHINE,
	ADVICE_CPU,
};

/** advice_find() - a sentence for the user, or NULL: there is nothing to say. */
const char *advice_find(enum advice_kind kind, const char *name);

#endif
