// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a save promises when it is completed: all of it is durable, the images were
 * given up after that, and no error on the way was lost. The disk that fails is
 * this file: it has the system calls that make something durable.
 */
#include "../../vmm/save/transfer.c"
#include "tap.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FILE_STEPS "memory sync dir give-up sync close "
/* The record that ends a stream. */
#define END_SIZE 24

static struct vm_config config;
static struct vm vm = {.config = &config, .state = VM_RUNNING};

/* The steps of a save in their order; the @fail_at'th, from 1, fails with @fail_with. */
static char steps[256];
static unsigned int nr_steps, fail_at;
static int fail_with;
static int saved_fd = -1, saved_dir = -1;
static off_t sizes[2];
static unsigned int nr_sizes;
static bool taken_back;
static sem_t ended;

static int step(const char *name)
{
	strcat(strcat(steps, name), " ");
	if (++nr_steps != fail_at)
		return 0;
	errno = fail_with;
	return -1;
}

int fdatasync(int fd)
{
	struct stat st;

	CHECK_EQ(fd, saved_fd);
	if (nr_sizes < ARRAY_SIZE(sizes) && !fstat(fd, &st))
		sizes[nr_sizes++] = st.st_size;
	return step("sync");
}

int fsync(int fd)
{
	CHECK_EQ(fd, saved_dir);
	return step("dir");
}

/* It is closed even if that fails. */
int close(int fd)
{
	int ret = syscall(SYS_close, fd);

	if (fd != saved_fd)
		return ret;
	saved_fd = -1;
	return step("close");
}

/* The rest of the machine. */

int memory_save(struct stream *s, const struct tarn_mem *mem,
		struct workers *workers, struct prefetch *prefetch,
		bool compress, struct memory_progress *progress)
{
	return step("memory") ? -errno : 0;
}

void block_give_up_all(void)
{
	step("give-up");
}

int block_take_back_all(void)
{
	taken_back = true;
	return 0;
}

int vm_pause(struct vm *v)
{
	v->state = VM_PAUSED;
	return 0;
}

int vm_resume(struct vm *v)
{
	v->state = VM_RUNNING;
	return 0;
}

void loop_post(struct loop *loop, struct loop_work *work)
{
	if (work == &vm.transfer->end_work)
		sem_post(&ended);
}

/* Nothing here waits. */
void worker_post(struct vm *v, struct vm_job *job)
{
	job->run(v, job);
}

void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

u64 loop_now(void)
{
	return 1;
}

int sandbox_enter(enum sandbox_kind kind) { return 0; }
bool mem_backend_in_pool(const struct mem_backend *backend) { return false; }
int block_sync_all(void) { return 0; }
int machine_can_save(struct vm *v) { return 0; }
bool x86_pci_ejects(struct vm *v) { return false; }
int machine_describe(struct vm *v, struct state_out *out) { return 0; }
int machine_save(struct vm *v, struct state_out *out) { return 0; }
int machine_check(struct vm *v, const struct stream_record *rec) { abort(); }
int machine_load(struct vm *v, const struct stream_record *rec) { return 0; }
void memory_loaded(const struct tarn_mem *mem)
{
}

int memory_clear(struct tarn_mem *mem) { abort(); }
struct memory_loader *memory_loader_create(struct stream *s,
					   struct tarn_mem *mem,
					   struct workers *workers,
					   struct prefetch *prefetch,
					   struct memory_progress *progress)
{
	abort();
}

int memory_load(struct memory_loader *l, const struct stream_record *rec)
{
	abort();
}

int memory_load_end(struct memory_loader *l) { abort(); }
void memory_loader_destroy(struct memory_loader *l) { abort(); }
const char *vm_state_name(enum vm_state state) { return "?"; }
void vm_quit(struct vm *v, int status) { abort(); }

/* Save to @fd, in directory @dir, and wait for the end. */
static struct transfer_info save_to(int fd, int dir)
{
	struct transfer_info info;

	*steps = '\0';
	nr_steps = nr_sizes = 0;
	taken_back = false;
	saved_fd = fd;
	saved_dir = dir;
	vm.state = VM_RUNNING;
	CHECK(fd >= 0);
	CHECK_EQ(transfer_create(&vm), 0);
	CHECK_EQ(transfer_save(&vm, fd, dir, 0), 0);
	vm.transfer->begin_work.fn(&vm.transfer->begin_work);
	sem_wait(&ended);
	vm.transfer->end_work.fn(&vm.transfer->end_work);
	transfer_info(&vm, &info);
	CHECK(fcntl(fd, F_GETFD) < 0);
	CHECK(dir < 0 || fcntl(dir, F_GETFD) < 0);
	transfer_destroy(&vm);
	return info;
}

static struct transfer_info save(void)
{
	return save_to(memfd_create("saved", MFD_CLOEXEC),
		       open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static bool completed(const struct transfer_info *info)
{
	return info->status == TRANSFER_COMPLETED && vm.state == VM_POSTMIGRATE &&
	       !taken_back && !*info->error;
}

static void test_order(void)
{
	struct transfer_info info = save();

	CHECK(completed(&info));
	CHECK_STR(steps, FILE_STEPS);
	/* The first is of all but the end, the second of that. */
	CHECK_EQ(sizes[1] - sizes[0], END_SIZE);
	CHECK_EQ(sizes[1], info.bytes);
}

static void test_no_directory(void)
{
	struct transfer_info info =
		save_to(memfd_create("saved", MFD_CLOEXEC), -1);

	CHECK(completed(&info));
	CHECK_STR(steps, "memory sync give-up sync close ");
}

static void test_pipe(void)
{
	struct transfer_info info;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	info = save_to(fds[1], -1);
	CHECK(completed(&info));
	CHECK_STR(steps, "memory give-up close ");
	close(fds[0]);
}

/* The guest goes on, with its images, and who asked is told why. */
static void test_failures(void)
{
	static const struct {
		int error;
		const char *steps;
		const char *text;
	} cases[] = {
		{EIO, "memory close ", "cannot save the guest: Input/output error"},
		{ENOSPC, "memory sync close ", "durable: No space left on device"},
		{EDQUOT, "memory sync dir close ", "durable: Disk quota exceeded"},
		{0, NULL, NULL}, /* give-up does not fail */
		{EROFS, "memory sync dir give-up sync close ",
		 "durable: Read-only file system"},
		{EIO, FILE_STEPS, "cannot close what was saved: Input/output error"},
	};
	struct transfer_info info;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!cases[i].error)
			continue;
		fail_at = i + 1;
		fail_with = cases[i].error;
		info = save();
		CHECK_EQ(info.status, TRANSFER_FAILED);
		CHECK_EQ(vm.state, VM_RUNNING);
		CHECK(taken_back);
		CHECK_STR(steps, cases[i].steps);
		if (!strstr(info.error, cases[i].text)) {
			printf("# '%s'\n", info.error);
			CHECK(strstr(info.error, cases[i].text));
		}
	}
	fail_at = 0;
}

/* Filesystems that have nothing to make durable, or nothing for directories, say so. */
static void test_cannot(void)
{
	struct transfer_info info;

	fail_with = EINVAL;
	for (fail_at = 2; fail_at <= 3; fail_at++) {
		info = save();
		CHECK(completed(&info));
		CHECK_STR(steps, FILE_STEPS);
	}
	fail_at = 0;
}

static void test_full(void)
{
	struct transfer_info info =
		save_to(open("/dev/full", O_WRONLY | O_CLOEXEC), -1);

	CHECK_EQ(info.status, TRANSFER_FAILED);
	CHECK_EQ(vm.state, VM_RUNNING);
	CHECK(strstr(info.error, "No space left on device"));
}

/* A guest that is restored runs, unless somebody has asked for a stop. */
static void test_restored(void)
{
	int stop;

	for (stop = 0; stop <= 1; stop++) {
		CHECK_EQ(transfer_create(&vm), 0);
		vm.transfer->info.incoming = true;
		vm.transfer->prefetch = prefetch_create(&vm.mem);
		CHECK(vm.transfer->prefetch);
		vm.state = VM_INMIGRATE;
		vm.stay_paused = stop;
		restore_end(vm.transfer);
		CHECK_EQ(vm.transfer->info.status, TRANSFER_COMPLETED);
		CHECK_EQ(vm.state, stop ? VM_PAUSED : VM_RUNNING);
		transfer_destroy(&vm);
	}
	vm.stay_paused = false;
}

static const struct tap_test tests[] = {
	{"a file is durable before images are given up, and at the end", test_order},
	{"a file in a directory that nobody may open", test_no_directory},
	{"a pipe has nothing to make durable", test_pipe},
	{"a failure of any step is one of the save", test_failures},
	{"what nothing can be made durable of is none", test_cannot},
	{"a disk that is full", test_full},
	{"a guest that is restored, and stopped meanwhile", test_restored},
};

int main(void)
{
	sem_init(&ended, 0, 0);
	return tap_run(tests, ARRAY_SIZE(tests));
}
