/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each vCPU begins, with RSP at the top of a stack of its own, EDI the number of the
 * vCPU and RSI the address of struct adjunct_config; and where exceptions arrive.
 */
#include "adjunct/image/version.h"

	.section .header, "a", @progbits
	.quad HEADER_MAGIC
	.long HEADER_VERSION, 0

	.text
	.globl start
start:
	xor %ebp, %ebp
	call adjunct_main
	ud2

	/* Those with an error code have it on the stack; the others get a 0. */
	.macro stub vector
	.if \vector != 8 && (\vector < 10 || \vector > 14) && \vector != 17 && \vector != 21 && \vector != 29 && \vector != 30
	push $0
	.endif
	push $\vector
	jmp arrived
	.balign EXCEPTION_STUB
	.endm

	.balign EXCEPTION_STUB
	.globl exception_stubs
exception_stubs:
	.set i, 0
	.rept 32
	stub i
	.set i, i + 1
	.endr

arrived:
	mov %rsp, %rdi
	and $-16, %rsp
	call exception_tell
	ud2

	.section .note.GNU-stack, "", @progbits
