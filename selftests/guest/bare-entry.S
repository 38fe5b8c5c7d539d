/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry of the bare guest, and the note by which a VMM finds it. */
	.section .note.pvh, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long start

	.text
	.globl start
start:
	mov $stack_end, %esp
	push %ebx
	call guest_main

	.bss
	.balign 16
	.skip 4096
stack_end:
	.section .note.GNU-stack, "", @progbits
