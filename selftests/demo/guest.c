// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting a guest under tarn-vmm and following it. See guest.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define APPEND                                                          \
	"console=ttyS0 quiet panic=-1 reboot=k tsc=reliable "           \
	"no_timer_check cryptomgr.notests random.trust_cpu=on "         \
	"mitigations=off apparmor=0 audit=0 ipv6.disable=1 "            \
	"8250.nr_uarts=1 initcall_blacklist=jent_mod_init"

static void __attribute__((noreturn))
guest_exec(const struct guest *guest, const struct guest_config *config,
	   unsigned int number)
{
	char memory[16], object[512], append[512];

	snprintf(memory, sizeof(memory), "%u", config->memory_mib);
	snprintf(object, sizeof(object),
		 "memory-backend-file,id=ram,size=%uM,mem-path=%s/%s,share=on",
		 config->memory_mib, config->pool, guest->name);
	snprintf(append, sizeof(append),
		 APPEND " -- demo size=%u threads=4 seconds=%u seed=%u",
		 config->work_mib, config->seconds, number);
	execlp("tarn-vmm", "tarn-vmm", "-name", guest->name, "-machine",
	       "pc,accel=kvm,memory-backend=ram", "-cpu", "host", "-m", memory,
	       "-smp", "1", "-object", object, "-kernel", config->kernel,
	       "-initrd", config->initrd, "-append", append, "-serial", "stdio",
	       "-display", "none", "-no-reboot", NULL);
	fprintf(stderr, "demo: tarn-vmm: %s\n", strerror(errno));
	_exit(127);
}

/* The file is made here, so that its counters can be had from the start. */
static int guest_memory(struct guest *guest, const struct guest_config *config)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", config->pool, guest->name);
	guest->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (guest->file < 0)
		return -errno;
	if (ftruncate(guest->file, (off_t)config->memory_mib << 20))
		return -errno;
	return 0;
}

int guest_start(struct guest *guest, const struct guest_config *config,
		unsigned int number)
{
	int from[2], null, ret;

	memset(guest, 0, sizeof(*guest));
	snprintf(guest->name, sizeof(guest->name), "guest%u", number);
	ret = guest_memory(guest, config);
	if (ret)
		return ret;
	if (pipe2(from, O_CLOEXEC))
		return -errno;
	guest->pid = fork();
	if (guest->pid < 0)
		return -errno;
	if (!guest->pid) {
		null = open("/dev/null", O_RDONLY);
		dup2(null, STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		dup2(from[1], STDERR_FILENO);
		guest_exec(guest, config, number);
	}
	close(from[1]);
	guest->console = from[0];
	return fcntl(from[0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static void guest_line(struct guest *guest, const char *line)
{
	unsigned long long a, b;

	if (sscanf(line, "fill %llu %llu", &a, &b) == 2 && b) {
		guest->phase = GUEST_FILLING;
		guest->filled_percent = (unsigned int)(a * 100 / b);
	} else if (sscanf(line, "work %llu %llu", &a, &b) == 2) {
		guest->phase = GUEST_WORKING;
		guest->ops = a;
		guest->wrong = b;
	} else if (sscanf(line, "done %llu %llu", &a, &b) == 2) {
		guest->phase = GUEST_DONE;
		guest->ops = a;
		guest->wrong = b;
	} else if (*line) {
		snprintf(guest->last_words, sizeof(guest->last_words), "%s",
			 line);
	}
}

static void guest_gone(struct guest *guest)
{
	int status;

	close(guest->console);
	guest->console = -1;
	waitpid(guest->pid, &status, 0);
	guest->pid = 0;
	if (guest->phase != GUEST_DONE)
		guest->phase = GUEST_DEAD;
}

void guest_listen(struct guest *guest)
{
	char text[512];
	ssize_t len, i;

	while ((len = read(guest->console, text, sizeof(text))) > 0) {
		for (i = 0; i < len; i++) {
			if (text[i] == '\r')
				continue;
			if (text[i] != '\n' &&
			    guest->length < sizeof(guest->line) - 1) {
				guest->line[guest->length++] = text[i];
				continue;
			}
			guest->line[guest->length] = '\0';
			guest->length = 0;
			guest_line(guest, guest->line);
		}
	}
	if (!len || errno != EAGAIN)
		guest_gone(guest);
}

void guest_count(struct guest *guest, double seconds)
{
	struct tarn_partition_info info = { .size = sizeof(info) };

	if (ioctl(guest->file, TARN_PARTITION_INFO, &info))
		return;
	guest->page_in_rate =
		(double)(info.page_ins - guest->info.page_ins) / seconds;
	guest->info = info;
}

void guest_end(struct guest *guest)
{
	if (guest->pid > 0) {
		kill(guest->pid, SIGKILL);
		waitpid(guest->pid, NULL, 0);
		guest->pid = 0;
	}
	if (guest->console >= 0)
		close(guest->console);
	close(guest->file);
}

const char *guest_phase_name(const struct guest *guest)
{
	static const char *const names[] = {
		[GUEST_BOOTING] = "booting", [GUEST_FILLING] = "filling",
		[GUEST_WORKING] = "working", [GUEST_DONE] = "done",
		[GUEST_DEAD] = "DEAD",
	};

	return names[guest->phase];
}
