/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A manager of an adapter that keeps the rules of Virtualization Management and can be told
 * to refuse, and guests and operators that speak with it, for tests.
 */
#ifndef TARN_UNIT_ADAPTER_GUESTS_H
#define TARN_UNIT_ADAPTER_GUESTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/tarn-adapter/host_use.h"
#include "../../tools/tarn-adapter/kmsg.h"
#include "../../tools/tarn-adapter/manager.h"
#include "tap.h"

#define VFS 3
#define QUEUES 12
#define INTERRUPTS 9

static struct manager m;
static char root[64], sysfs[80], dev[80];
static const struct pci_roots roots = { sysfs, dev };
/*
 * How the adapter is, and how often it is to do what it is told before it refuses; -1: always.
 * @once: then it does again.
 */
static bool is_online[VFS];
/* What is attached to a function: a bit a namespace. */
static uint32_t namespaces[VFS];
static int patience;
static bool once;
static unsigned int offlines;
/* It takes nothing offline. */
static bool stubborn;

/* The last message that was reported, and whether there was one about us. */
static char said[1200];
static bool bug;

void err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	bug = bug || !strncmp(said, "bug", 3);
}

int err_errno(int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	return ret;
}

int err_nomem(void)
{
	return -ENOMEM;
}

int err_stdout(void)
{
	return 0;
}

/* ---- an adapter ------------------------------------------------------------------------- */

static inline bool refuses(void)
{
	if (!patience) {
		if (once)
			patience = -1;
		return true;
	}
	if (patience > 0)
		patience--;
	return false;
}

static inline int fake_read(struct adapter *adapter)
{
	unsigned int i;

	for (i = 0; i < adapter->nr_vfs; i++) {
		if (is_online[i] && adapter->vfs[i].state == VF_FREE)
			vf_move(&adapter->vfs[i], VF_ORPHAN);
	}
	return 0;
}

static inline uint32_t given(enum resource r, const struct vf *but)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < VFS; i++)
		sum += &m.adapter.vfs[i] == but ? 0 : m.adapter.vfs[i].has.of[r];
	return sum;
}

static inline uint32_t bits(const uint32_t *nsids, size_t count)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum |= 1u << nsids[i];
	return sum;
}

static inline bool is_alone(const struct vf *vf, uint32_t with)
{
	unsigned int i;

	for (i = 0; i < VFS; i++) {
		if (i != vf->index && namespaces[i] & with)
			return false;
	}
	return true;
}

static inline int fake_assign(struct adapter *adapter, struct vf *vf, const struct amount *amount,
		       const uint32_t *nsids, size_t count)
{
	enum resource r;

	if (refuses() || is_online[vf->index] || !is_alone(vf, bits(nsids, count)))
		return -EREMOTEIO;
	for_each_resource(r) {
		if (amount->of[r] + given(r, vf) > adapter->primary.of[r].total)
			return -EREMOTEIO;
	}
	vf->has = *amount;
	vf->attached = true;
	namespaces[vf->index] = bits(nsids, count);
	return 0;
}

static inline int fake_detach(struct adapter *adapter, struct vf *vf)
{
	if (is_online[vf->index])
		return -EREMOTEIO;
	vf->attached = false;
	namespaces[vf->index] = 0;
	return 0;
}

static inline int fake_has_only(struct adapter *adapter, const struct vf *vf,
				const uint32_t *nsids, size_t count)
{
	return namespaces[vf->index] == bits(nsids, count);
}

static inline int fake_online(struct adapter *adapter, struct vf *vf)
{
	if (refuses() || vf->has.of[RESOURCE_QUEUES] < 2 || !vf->has.of[RESOURCE_INTERRUPTS])
		return -EREMOTEIO;
	is_online[vf->index] = true;
	return 0;
}

static inline int fake_offline(struct adapter *adapter, struct vf *vf)
{
	offlines++;
	if (stubborn)
		return -EREMOTEIO;
	is_online[vf->index] = false;
	vf->has = (struct amount){ 0 };
	return 0;
}

static inline int fake_reset(struct adapter *adapter)
{
	unsigned int i;

	for (i = 0; i < VFS; i++)
		fake_offline(adapter, &adapter->vfs[i]);
	return 0;
}

static const struct adapter_ops fake_ops = {
	.name = "a test",
	.read = fake_read,
	.assign = fake_assign,
	.online = fake_online,
	.offline = fake_offline,
	.detach = fake_detach,
	.has_only = fake_has_only,
	.reset = fake_reset,
};

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* What vf_stop() and vf_open_group() want of the host. */
static inline void make_host(void)
{
	char path[256];
	unsigned int i;

	snprintf(root, sizeof(root), "/tmp/tarn-adapter.XXXXXX");
	CHECK(mkdtemp(root));
	snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
	snprintf(dev, sizeof(dev), "%s/dev", root);
	snprintf(path, sizeof(path), "mkdir -p %s/vfio %s/bus/pci/devices", dev, sysfs);
	CHECK_EQ(system(path), 0);
	for (i = 0; i < VFS; i++) {
		snprintf(path, sizeof(path), "%s/bus/pci/devices/0000:02:00.%u", sysfs, i + 1);
		CHECK_EQ(mkdir(path, 0700), 0);
		strcat(path, "/reset");
		write_file(path, "");
		/* A process has the first one open if it has /dev/null open, as all have. */
		snprintf(path, sizeof(path), "%s/vfio/%u", dev, i);
		CHECK_EQ(symlink(i ? "/dev/full" : "/dev/null", path), 0);
	}
}

static inline void remove_host(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK_EQ(system(command), 0);
}

static inline void read_groups(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/file.conf", root);
	write_file(path, text);
	snprintf(m.path, sizeof(m.path), "%s", path);
	CHECK_EQ(group_file_read(&m.file, path), 0);
	/* Not only root runs this. */
	for (size_t i = 0; i < m.file.count; i++)
		m.file.groups[i].user = getuid();
}

static inline void make_adapter(void)
{
	const struct bdf pf = { .bus = 2 };
	unsigned int i;

	memset(&m, 0, sizeof(m));
	LIST_INIT(&m.peers);
	m.adapter.ops = &fake_ops;
	m.adapter.nvme = -1;
	pci_init(&m.adapter.pf, &roots, &pf);
	m.adapter.primary.of[RESOURCE_QUEUES] = (struct nvme_flexible){ .total = QUEUES };
	m.adapter.primary.of[RESOURCE_INTERRUPTS] = (struct nvme_flexible){ .total = INTERRUPTS };
	m.adapter.vfs = calloc(VFS, sizeof(*m.adapter.vfs));
	m.adapter.nr_vfs = VFS;
	for (i = 0; i < VFS; i++) {
		const struct bdf bdf = { .bus = 2, .devfn = i + 1 };

		m.adapter.vfs[i] = (struct vf){ .index = i, .iommu_group = i, .state = VF_FREE };
		pci_init(&m.adapter.vfs[i].fn, &roots, &bdf);
	}
	memset(namespaces, 0, sizeof(namespaces));
	patience = -1;
	once = bug = stubborn = false;
	said[0] = '\0';
}

static const char two_groups[] __attribute__((unused)) =
	"[adapter]\ndeadline=1\nfaults=3\nspare-queues=3\nspare-interrupts=3\n"
	"[group]\nname=a\nweight=2\nnamespaces=1\n"
	"[group]\nname=b\nguest=gb\nnamespaces=2,3\n"
	"[group]\nname=f\nshare=first-come\n";

/* a: 6 queues, b: 3; a: 4 interrupts, b: 2. */
static inline void begin(const char *groups)
{
	memset(is_online, 0, sizeof(is_online));
	make_host();
	make_adapter();
	read_groups(groups);
	manager_init(&m);
}

static inline void end(void)
{
	manager_free(&m);
	remove_host();
	CHECK(!bug);
}

/* ---- guests ------------------------------------------------------------------------------ */

static inline struct peer *last_peer(void)
{
	return LIST_FIRST(&m.peers);
}

/* Connect. Return: the guest's end; the manager's is the first in its list. */
static inline int guest(void)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	*peer = (struct peer){ .fd = fds[0], .uid = getuid(), .pid = getpid(),
			       .since = clock_ms(), .credit = 64, .refilled = clock_ms() };
	LIST_INSERT_HEAD(&m.peers, peer, link);
	return fds[1];
}

static inline void say(struct peer *peer, int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), 0) > 0);
	peer_receive(&m, peer);
}

/* The next message, or NULL. */
static inline json_t *hear(int fd)
{
	static char text[WIRE_ANSWER_MAX];
	ssize_t len = recv(fd, text, sizeof(text), 0);

	return len > 0 ? json_loadb(text, len, 0, NULL) : NULL;
}

/* Whether the next message is of @type; if @text, that has this in it. */
static inline bool heard(int fd, const char *type, const char *text)
{
	json_t *message = hear(fd);
	const char *is = json_string_value(json_object_get(message, "type"));
	const char *says = json_string_value(json_object_get(message, "text"));
	bool right = is && !strcmp(is, type) && (!text || (says && strstr(says, text)));

	if (!right)
		printf("# it was told %s: %s\n", is ? is : "nothing", says ? says : "");
	json_decref(message);
	return right;
}

static inline int lease(const char *name, const char *group, struct peer **peer)
{
	int fd = guest();
	char text[100];

	*peer = last_peer();
	snprintf(text, sizeof(text), "{\"type\":\"hello\",\"guest\":\"%s\"}", name);
	say(*peer, fd, text);
	CHECK(heard(fd, "hello", NULL));
	snprintf(text, sizeof(text), "{\"type\":\"grant\",\"group\":\"%s\"}", group);
	say(*peer, fd, text);
	return fd;
}

/* An operator. */
static inline int operator_guest(struct peer **peer)
{
	int fd = guest();

	*peer = last_peer();
	(*peer)->uid = 0;
	return fd;
}

static inline const struct vf *vf_at(unsigned int i)
{
	return &m.adapter.vfs[i];
}

#define HAS(i, queues, interrupts)                                                     \
	do {                                                                           \
		CHECK_EQ(vf_at(i)->has.of[RESOURCE_QUEUES], queues);                   \
		CHECK_EQ(vf_at(i)->has.of[RESOURCE_INTERRUPTS], interrupts);           \
	} while (0)

static inline void pass(int64_t ms)
{
	usleep(ms * 1000);
	manager_tick(&m);
}

static inline void two_leases(int *a, int *b, struct peer **pa, struct peer **pb)
{
	*a = lease("ga", "a", pa);
	CHECK(heard(*a, "granted", NULL));
	*b = lease("gb", "b", pb);
	CHECK(heard(*b, "granted", NULL));
}

static inline void acknowledge(int fd, struct peer *peer, const char *type)
{
	char text[80];

	snprintf(text, sizeof(text), "{\"type\":\"%s\",\"gen\":%llu}", type,
		 (unsigned long long)peer->vf->gen);
	say(peer, fd, text);
}

static inline void shell(const char *fmt, const char *a, const char *b)
{
	char command[600];

	snprintf(command, sizeof(command), fmt, a, b);
	CHECK_EQ(system(command), 0);
}

#endif
