/* SPDX-License-Identifier: GPL-2.0-only */
/* The bare guest's program as data of the VMM; the makefile says where it is. */
	.section .rodata
	.globl bare_program, bare_program_end
bare_program:
	.incbin PROGRAM
bare_program_end:
	.section .note.GNU-stack, "", @progbits
