// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest without a kernel, for tests of the VMM that are not about Linux: it is up
 * as soon as the machine is. It enters by PVH (bare-entry.S) in 32-bit mode without paging,
 * says "guest: up on bare" on COM1, does what the words on its command line say, which
 * are those of Linux guests where these have them, says "guest: status 0" and ends:
 *
 *	mark=WORD	have "marked WORD" in memory, at 16 MiB
 *	cpuid		print what CPUID tells of Tarn
 *	end=poweroff	say "Power down" and do, by ACPI; this is the default
 *	end=reboot	as the word reboot=p (port 0xcf9, the default), reboot=k
 *			(keyboard controller) or reboot=t (triple fault) says
 *	end=halt	do nothing any more
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tarn_para.h>

#include "bare.h"

/* Of tarn-vmm's machine: PM1a control, S5 and "go"; the reset register. */
#define PM1_CONTROL	0x604
#define PM1_POWER_OFF	(1 << 13 | 5 << 10)
#define RESET_PORT	0xcf9
#define RESET_NOW	0x06
#define KEYBOARD_COMMAND	0x64
#define KEYBOARD_RESET	0xfe

#define MARK		((char *)0x1000000)

static const char *command_line;

static void print(const char *text)
{
	for (; *text; text++)
		com1_put(*text);
}

static void print_hex(uint32_t value)
{
	char digits[] = "0x00000000";
	int i = 10, start;

	do {
		digits[--i] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	start = i - 2;
	digits[start] = '0';
	digits[start + 1] = 'x';
	print(digits + start);
}

/* Where @text goes on behind the whole of @prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return NULL;
	return text;
}

/* What follows @key in the last word that begins with it, as for Linux. */
static const char *word(const char *key)
{
	const char *at = command_line, *value = NULL, *found;

	for (;;) {
		while (*at == ' ')
			at++;
		if (!*at)
			return value;
		found = behind(at, key);
		if (found)
			value = found;
		while (*at && *at != ' ')
			at++;
	}
}

static bool word_is(const char *key, const char *value)
{
	const char *at = word(key);

	at = at ? behind(at, value) : NULL;
	return at && (!*at || *at == ' ');
}

/* Nobody but this program has these words in memory one behind the other. */
static void mark(const char *text)
{
	const char *before = "marked ";
	char *at = MARK;

	while (*before)
		*at++ = *before++;
	while (*text && *text != ' ')
		*at++ = *text++;
	*at = '\0';
}

static void cpuid(uint32_t leaf, uint32_t r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(0));
}

/* The line of selftests/kmod/guest/guest_cpuid.c. */
static void print_cpuid(void)
{
	uint32_t base, max, r[4];
	char signature[13] = "";

	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		cpuid(base, r);
		max = r[0];
		__builtin_memcpy(signature, r + 1, 12);
		if (!behind(signature, TARN_CPUID_SIGNATURE))
			continue;
		cpuid(base + TARN_CPUID_FEATURES, r);
		print("cpuid ");
		print_hex(base);
		print(" max ");
		print_hex(max);
		print(" features ");
		print_hex(r[0]);
		print(" base ");
		print_hex(r[1]);
		print("\n");
		return;
	}
	print("cpuid none\n");
}

static void restart(void)
{
	static const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) no_idt;

	if (word_is("reboot=", "k"))
		out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	else if (word_is("reboot=", "t"))
		asm volatile("lidt %0; int3" : : "m"(no_idt));
	else
		out8(RESET_PORT, RESET_NOW);
}

void guest_main(const struct start_info *info)
{
	command_line = (const char *)(uintptr_t)info->command_line;
	print("guest: up on bare\n");
	if (word("mark="))
		mark(word("mark="));
	if (word("cpuid"))
		print_cpuid();
	print("guest: status 0\n");
	if (word_is("end=", "reboot")) {
		restart();
	} else if (!word_is("end=", "halt")) {
		print("Power down\n");
		out16(PM1_CONTROL, PM1_POWER_OFF);
	}
	for (;;)
		asm volatile("hlt");
}
