/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector, which firmware starts: it reads the next sector by the BIOS, says the
 * text that is there on COM1, whether ACPI's root is where a PC has it, how much memory
 * there is above 1 MiB (in units of 64 KiB, as hexadecimal), and powers off. A text that
 * begins with R has it reboot once before, one with H stand still.
 */
	.set COM1, 0x3f8
	.set TEXT, 0x7e00
	.set CMOS, 0x70
	.set MARK_AT, 0x70	/* a byte of CMOS memory that nobody uses */
	.set MARK, 0x5a

	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $hello, %si
	call say

	/* The number of the disk is still in DL. */
	movw $packet, %si
	movb $0x42, %ah
	int $0x13
	movw $failed, %si
	jc 1f
	movw $TEXT, %si
1:	call say

	/* "RSD PTR " on a boundary of 16 bytes from 0xf0000. */
	movw $0xf000, %ax
	movw %ax, %es
	xorw %di, %di
2:	movw $root, %si
	movw $8, %cx
	pushw %di
	repe cmpsb
	popw %di
	je 3f
	addw $16, %di
	jnz 2b
	movw $no_root, %si
	jmp 4f
3:	movw $root, %si
4:	call say

	movw $0xe801, %ax
	int $0x15
	movw $memory, %si
	call say
	movw $4, %cx
5:	rolw $4, %bx
	movb %bl, %al
	andb $15, %al
	addb $'0', %al
	cmpb $'9', %al
	jbe 6f
	addb $('a' - '9' - 1), %al
6:	call put
	loop 5b
	movw $newline, %si
	call say

	cmpb $'H', TEXT
	je 8f
	cmpb $'R', TEXT
	jne 7f
	movb $MARK_AT, %al
	outb %al, $CMOS
	inb $(CMOS + 1), %al
	cmpb $MARK, %al
	je 7f
	movb $MARK_AT, %al
	outb %al, $CMOS
	movb $MARK, %al
	outb %al, $(CMOS + 1)
	movw $0xcf9, %dx
	movb $6, %al
	outb %al, %dx
	jmp 8f

7:	movw $0x604, %dx
	movw $0x3400, %ax
	outw %ax, %dx
8:	hlt
	jmp 8b

say:	lodsb
	testb %al, %al
	jz 9f
	call put
	jmp say
9:	ret

/* Where the port is not ready after some time, it is not there. */
put:	pushw %ax
	pushw %cx
	pushw %dx
	movw $0xffff, %cx
	movw $(COM1 + 5), %dx
10:	inb %dx, %al
	testb $0x20, %al
	loopz 10b
	popw %dx
	popw %cx
	popw %ax
	pushw %dx
	movw $COM1, %dx
	outb %al, %dx
	popw %dx
	ret

packet:	.byte 16, 0
	.word 1, TEXT, 0
	.quad 1

hello:	.asciz "guest: up on firmware\r\n"
failed:	.asciz "cannot read\r\n"
root:	.asciz "RSD PTR \r\n"
no_root: .asciz "no root\r\n"
memory:	.asciz "memory "
newline: .asciz "\r\n"

	.org 510
	.word 0xaa55
	.section .note.GNU-stack, "", @progbits
