// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.14: is_endbr() takes the word that may be an ENDBR. */
#include <asm/ibt.h>
#include <linux/module.h>

bool probe(u32 word);
bool probe(u32 word)
{
	return is_endbr(word);
}

MODULE_LICENSE("GPL");
