// SPDX-License-Identifier: GPL-2.0-only
/* Standard output that nobody reads: nothing waits, and others are left alone. */
#include "../../vmm/backend/chardev-fd.c"
#include "../../vmm/backend/chardev-file.c"
#include "tap.h"

#include <pty.h>

#define MOST (4U << 20)

static struct vm vm;
static unsigned int rooms;

int qmp_open(const char *path, int flags, mode_t mode)
{
	return -ENOENT;
}

static void writable(void *arg)
{
	rooms++;
	loop_stop(vm.loop);
}

static const struct chardev_handler handler = {.writable = writable};

/**
 * struct stream - standard output as the VMM finds it.
 * @ours: what the VMM is given
 * @theirs: where it is read
 * @kept: the test's own output, meanwhile
 */
struct stream {
	int ours;
	int theirs;
	int kept;
	struct chardev *chr;
};

static void stream_begin(struct stream *s)
{
	struct opts *opts;

	vm.loop = loop_create(8);
	if (!vm.loop || opts_parse(&opts, "test", "", NULL))
		abort();
	fflush(stdout);
	s->kept = dup(STDOUT_FILENO);
	dup2(s->ours, STDOUT_FILENO);
	if (chr_stdio_create(&vm, opts, &s->chr))
		abort();
	opts_destroy(opts);
	s->chr->handler = &handler;
	rooms = 0;
}

static void stream_end(struct stream *s)
{
	s->chr->ops->destroy(s->chr);
	dup2(s->kept, STDOUT_FILENO);
	close(s->kept);
	close(s->ours);
	close(s->theirs);
	loop_destroy(vm.loop);
}

/* Write until no more is taken; how much that was. */
static size_t fill(struct stream *s)
{
	static const u8 text[65536];
	size_t total = 0, n;

	do {
		n = s->chr->ops->write(s->chr, text, sizeof(text));
		total += n;
	} while (n == sizeof(text) && total < MOST);
	return total;
}

static void drain(struct stream *s)
{
	static u8 buf[65536];
	int flags = fcntl(s->theirs, F_GETFL);

	fcntl(s->theirs, F_SETFL, flags | O_NONBLOCK);
	while (read(s->theirs, buf, sizeof(buf)) > 0)
		;
}

static bool blocks(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Full, and told when there is room, with the mode of others as it was. */
static void check_full(struct stream *s)
{
	bool mode, told;
	size_t n;

	stream_begin(s);
	n = fill(s);
	mode = blocks(s->ours);
	drain(s);
	loop_run(vm.loop);
	told = rooms == 1;
	stream_end(s);
	CHECK(n > 0 && n < MOST);
	CHECK(mode);
	CHECK(told);
}

static void test_pipe(void)
{
	struct stream s;
	int fds[2];

	alarm(60);
	if (pipe(fds))
		abort();
	s.ours = fds[1];
	s.theirs = fds[0];
	check_full(&s);
}

static void make_pty(struct stream *s)
{
	if (openpty(&s->theirs, &s->ours, NULL, NULL, NULL))
		abort();
}

static void test_terminal(void)
{
	struct stream s;

	make_pty(&s);
	check_full(&s);
}

/* Somebody types ^S, and later ^Q. */
static void test_stopped(void)
{
	struct stream s;
	size_t before;
	bool told;

	make_pty(&s);
	stream_begin(&s);
	tcflow(s.ours, TCOOFF);
	before = fill(&s);
	tcflow(s.ours, TCOON);
	loop_run(vm.loop);
	told = rooms == 1;
	stream_end(&s);
	CHECK(before < MOST);
	CHECK(told);
}

/* A terminal of another user cannot be opened once more. */
static void test_not_ours(void)
{
	bool mode, after;
	struct stream s;
	int other;
	size_t n;

	if (geteuid()) {
		TAP_SKIP("not root");
		return;
	}
	make_pty(&s);
	fchmod(s.ours, 0600);
	other = dup(s.ours);
	if (seteuid(65534))
		abort();
	stream_begin(&s);
	n = fill(&s);
	mode = blocks(other);
	stream_end(&s);
	if (seteuid(0))
		abort();
	after = blocks(other);
	close(other);
	CHECK(n > 0 && n < MOST);
	CHECK(!mode);
	CHECK(after);
}

/* In both directions, as a shell has it. It gets it back as it was. */
static void test_both_directions(void)
{
	struct termios before, meanwhile, after;
	bool mode, later;
	struct stream s;
	int other, master, in;

	if (geteuid()) {
		printf("# not root\n");
		return;
	}
	make_pty(&s);
	fchmod(s.ours, 0600);
	other = dup(s.ours);
	/* Without it the terminal would be gone. */
	master = dup(s.theirs);
	in = dup(STDIN_FILENO);
	dup2(s.ours, STDIN_FILENO);
	tcgetattr(other, &before);
	if (seteuid(65534))
		abort();
	stream_begin(&s);
	mode = blocks(other);
	tcgetattr(other, &meanwhile);
	stream_end(&s);
	if (seteuid(0))
		abort();
	later = blocks(other);
	tcgetattr(other, &after);
	dup2(in, STDIN_FILENO);
	close(in);
	close(other);
	close(master);
	CHECK(!mode);
	CHECK(later);
	CHECK(!(meanwhile.c_lflag & ICANON));
	CHECK_EQ(after.c_lflag, before.c_lflag);
	CHECK_EQ(after.c_iflag, before.c_iflag);
	CHECK_EQ(after.c_oflag, before.c_oflag);
}

/* A terminal as the guest's console: which keys are signals, and that it is left as it was. */
static void check_keys(const char *text, bool signals, int interrupt)
{
	struct termios before, now;
	int master, slave, kept = dup(STDIN_FILENO);
	struct opts *opts;
	struct chardev *chr;

	vm.loop = loop_create(8);
	if (!vm.loop || openpty(&master, &slave, NULL, NULL, NULL) ||
	    opts_parse(&opts, "test", text, NULL))
		abort();
	dup2(slave, STDIN_FILENO);
	CHECK_EQ(tcgetattr(slave, &before), 0);
	CHECK_EQ(chr_stdio_create(&vm, opts, &chr), 0);
	CHECK_EQ(opts_check_used(opts), 0);
	opts_destroy(opts);
	CHECK_EQ(tcgetattr(slave, &now), 0);
	CHECK(!(now.c_lflag & (ICANON | ECHO)));
	CHECK_EQ(!!(now.c_lflag & ISIG), signals);
	if (signals)
		CHECK_EQ(now.c_cc[VINTR], interrupt);
	chr->ops->destroy(chr);
	CHECK_EQ(tcgetattr(slave, &now), 0);
	CHECK_EQ(now.c_lflag, before.c_lflag);
	CHECK(!memcmp(now.c_cc, before.c_cc, sizeof(now.c_cc)));
	dup2(kept, STDIN_FILENO);
	close(kept);
	close(master);
	close(slave);
	loop_destroy(vm.loop);
}

static void test_keys(void)
{
	check_keys("", true, 3);
	check_keys("signal=off", false, 0);
	check_keys("escape=on", true, ESCAPE);
	check_keys("escape=on,signal=off", true, ESCAPE);
}

static const struct tap_test tests[] = {
	{"a pipe", test_pipe},
	{"a terminal", test_terminal},
	{"a terminal that is stopped", test_stopped},
	{"a terminal of somebody else", test_not_ours},
	{"in both directions", test_both_directions},
	{"which keys are signals", test_keys},
};

TAP_MAIN(tests)
