// SPDX-License-Identifier: GPL-2.0-only
/*
 * In a guest: start another kernel in place of this one, or have one ready for a panic.
 *
 *	kexec KERNEL INITRD CMDLINE		now
 *	kexec --on-panic KERNEL INITRD CMDLINE	when this one panics, in its crashkernel=
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	int panic = argc > 1 && !strcmp(argv[1], "--on-panic");

	argv += panic;
	argc -= panic;
	if (argc != 4)
		errx(2, "usage: kexec [--on-panic] KERNEL INITRD CMDLINE");
	if (syscall(SYS_kexec_file_load, open_file(argv[1]), open_file(argv[2]),
		    strlen(argv[3]) + 1, argv[3],
		    panic ? KEXEC_FILE_ON_CRASH : 0UL))
		err(1, "kexec_file_load");
	if (panic)
		return 0;
	sync();
	reboot(RB_KEXEC);
	err(1, "reboot");
}
