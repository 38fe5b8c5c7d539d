/* SPDX-License-Identifier: GPL-2.0-only */
/* A pager's devices on files, from the start of one pager to that of the next. */
#define MIB (1ULL << 20)
/* The least there is. */
#define SIZE (8 * MIB)
#define FIRST LAYOUT_HEAD_SLOTS
#define SLOTS 256

static const u8 pool_a[16] = { 0xa };
static const u8 pool_b[16] = { 0xb };
static char folder[] = "/tmp/test_pager.XXXXXX";
static char paths[6][64];
static u64 stored[DEVICE_MAX];
static struct devices devices;
static struct options opts;

/* Files that nobody has seen, or those that are there. */
static void fresh_files(void)
{
	int i;

	memset(stored, 0, sizeof(stored));
	for (i = 0; i < 6; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
		unlink(paths[i]);
	}
	opts = (struct options){};
}

static struct device_option *add_option(char *path, char *mirror, int priority)
{
	struct device_option *opt = &opts.devices[opts.nr_devices++];

	*opt = (struct device_option){
		.paths = { path, mirror },
		.nr_paths = mirror ? 2 : 1,
		.priority = priority,
		.size = SIZE,
	};
	return opt;
}

static int start_up(const u8 *pool)
{
	int ret;

	devices = (struct devices){};
	ret = devices_open(&devices, &opts);
	if (!ret)
		ret = devices_identify(&devices, pool, stored, opts.force);
	if (!ret)
		ret = devices_stamp(&devices);
	if (!ret)
		devices_keep_created(&devices);
	return ret;
}

static void shut_down(void)
{
	devices_close(&devices);
	free(devices.order);
	opts.nr_devices = 0;
}

static void put_bytes(const char *path, off_t size, off_t at, const char *bytes)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && !ftruncate(fd, size));
	CHECK_EQ(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	close(fd);
}

static void open_mirror(char *a, char *b, int expect)
{
	add_option(a, b, 0);
	CHECK_EQ(start_up(pool_a), expect);
}

static int run_in_folder(const struct tap_test *tests, unsigned int nr)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	fresh_files();
	ret = tap_run(tests, nr);
	fresh_files();
	rmdir(folder);
	return ret;
}
