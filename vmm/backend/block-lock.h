/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks on images, understood by QEMU, qemu-img and the like: who opens an image
 * says what he does with it and what others may do meanwhile, each by a byte of
 * the file that is locked for reading. Byte 100 + N: does N; byte 200 + N: lets
 * nobody else do N. One who comes looks whether what he does is let, and whether
 * what he does not let is being done.
 *
 * The locks belong to the open file and end with it. They are advice: a program
 * that does not ask is not stopped.
 */
#ifndef TARN_BACKEND_BLOCK_LOCK_H
#define TARN_BACKEND_BLOCK_LOCK_H

/* What can be done with an image; N is the number of the bit. */
#define IMAGE_READ (1U << 0) /* read it and rely on what is there */
#define IMAGE_WRITE (1U << 1)
#define IMAGE_REWRITE (1U << 2) /* write what changes nothing */
#define IMAGE_RESIZE (1U << 3)
#define IMAGE_ALL 0xfU

/**
 * image_lock() - lock an image.
 * @fd: of it, open for reading at least
 * @use: IMAGE_* that are done
 * @share: IMAGE_* that others may do
 *
 * Return: 0, -EAGAIN when others do or forbid something of this, or another
 * -errno where files cannot be locked; without a lock then.
 */
int image_lock(int fd, unsigned int use, unsigned int share);

/** image_unlock() - undo it. */
void image_unlock(int fd);

#endif
