// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarn-adapter: leases, changes, faults, and what a manager makes of what it finds, with an
 * adapter that keeps the rules of Virtualization Management and can be told to refuse.
 */
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
static int patience;
static bool once;
static unsigned int offlines;

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

static bool refuses(void)
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

static int fake_read(struct adapter *adapter)
{
	unsigned int i;

	for (i = 0; i < adapter->nr_vfs; i++) {
		if (is_online[i] && adapter->vfs[i].state == VF_FREE)
			vf_move(&adapter->vfs[i], VF_ORPHAN);
	}
	return 0;
}

static uint32_t given(enum resource r, const struct vf *but)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < VFS; i++)
		sum += &m.adapter.vfs[i] == but ? 0 : m.adapter.vfs[i].has.of[r];
	return sum;
}

static int fake_assign(struct adapter *adapter, struct vf *vf, const struct amount *amount,
		       const uint32_t *nsids, size_t count)
{
	enum resource r;

	if (refuses() || is_online[vf->index])
		return -EREMOTEIO;
	for_each_resource(r) {
		if (amount->of[r] + given(r, vf) > adapter->primary.of[r].total)
			return -EREMOTEIO;
	}
	vf->has = *amount;
	return 0;
}

static int fake_online(struct adapter *adapter, struct vf *vf)
{
	if (refuses() || vf->has.of[RESOURCE_QUEUES] < 2 || !vf->has.of[RESOURCE_INTERRUPTS])
		return -EREMOTEIO;
	is_online[vf->index] = true;
	return 0;
}

static int fake_offline(struct adapter *adapter, struct vf *vf)
{
	offlines++;
	is_online[vf->index] = false;
	vf->has = (struct amount){ 0 };
	return 0;
}

static int fake_reset(struct adapter *adapter)
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
	.reset = fake_reset,
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* What vf_stop() and vf_open_group() want of the host. */
static void make_host(void)
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

static void remove_host(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK_EQ(system(command), 0);
}

static void read_groups(const char *text)
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

static void make_adapter(void)
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
	patience = -1;
	once = bug = false;
	said[0] = '\0';
}

static const char two_groups[] =
	"[adapter]\ndeadline=1\nfaults=3\nspare-queues=3\nspare-interrupts=3\n"
	"[group]\nname=a\nweight=2\nnamespaces=1\n"
	"[group]\nname=b\nguest=gb\nnamespaces=2,3\n"
	"[group]\nname=f\nshare=first-come\n";

/* a: 6 queues, b: 3; a: 4 interrupts, b: 2. */
static void begin(const char *groups)
{
	memset(is_online, 0, sizeof(is_online));
	make_host();
	make_adapter();
	read_groups(groups);
	manager_init(&m);
}

static void end(void)
{
	manager_free(&m);
	remove_host();
	CHECK(!bug);
}

/* ---- guests ------------------------------------------------------------------------------ */

static struct peer *last_peer(void)
{
	return LIST_FIRST(&m.peers);
}

/* Connect. Return: the guest's end; the manager's is the first in its list. */
static int guest(void)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	*peer = (struct peer){ .fd = fds[0], .uid = getuid(), .pid = getpid(),
			       .since = clock_ms(), .credit = 64, .refilled = clock_ms() };
	LIST_INSERT_HEAD(&m.peers, peer, link);
	return fds[1];
}

static void say(struct peer *peer, int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), 0) > 0);
	peer_receive(&m, peer);
}

/* The next message, or NULL. */
static json_t *hear(int fd)
{
	static char text[WIRE_ANSWER_MAX];
	ssize_t len = recv(fd, text, sizeof(text), 0);

	return len > 0 ? json_loadb(text, len, 0, NULL) : NULL;
}

/* Whether the next message is of @type; if @text, that has this in it. */
static bool heard(int fd, const char *type, const char *text)
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

static int lease(const char *name, const char *group, struct peer **peer)
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
static int operator_guest(struct peer **peer)
{
	int fd = guest();

	*peer = last_peer();
	(*peer)->uid = 0;
	return fd;
}

static const struct vf *vf_at(unsigned int i)
{
	return &m.adapter.vfs[i];
}

#define HAS(i, queues, interrupts)                                                     \
	do {                                                                           \
		CHECK_EQ(vf_at(i)->has.of[RESOURCE_QUEUES], queues);                   \
		CHECK_EQ(vf_at(i)->has.of[RESOURCE_INTERRUPTS], interrupts);           \
	} while (0)

static void pass(int64_t ms)
{
	usleep(ms * 1000);
	manager_tick(&m);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void test_plan(void)
{
	begin(two_groups);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	CHECK_EQ(vf_at(1)->state, VF_ASSIGNED);
	CHECK_EQ(vf_at(2)->state, VF_PLANNED);
	HAS(0, 6, 4);
	HAS(1, 3, 2);
	HAS(2, 0, 0);
	end();
}

static void test_lease(void)
{
	struct peer *peer, *other;
	int fd, fd2;

	begin(two_groups);
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "granted", NULL));
	CHECK_EQ(vf_at(0)->state, VF_LEASED);
	CHECK(is_online[0]);
	/* A second one, a wrong guest, a foreign user, no such group. */
	fd2 = lease("gx", "a", &other);
	CHECK(heard(fd2, "error", "group 'a' is leased by guest 'ga'"));
	say(other, fd2, "{\"type\":\"grant\",\"group\":\"b\"}");
	CHECK(heard(fd2, "error", "group 'b' is for guest 'gb', not for 'gx'"));
	say(other, fd2, "{\"type\":\"grant\",\"group\":\"c\"}");
	CHECK(heard(fd2, "error", "there is no group 'c'"));
	other->uid = getuid() + 1;
	say(other, fd2, "{\"type\":\"grant\",\"group\":\"f\"}");
	CHECK(heard(fd2, "error", "group 'f' is not for user"));
	say(other, fd2, "{\"type\":\"destroy\",\"group\":\"a\"}");
	CHECK(heard(fd2, "error", "'destroy' is for root"));
	/* One more for the same connection. */
	say(peer, fd, "{\"type\":\"grant\",\"group\":\"f\"}");
	CHECK(heard(fd, "error", "this connection has group 'a' already"));
	/* Its connection is the lease. */
	close(fd);
	peer_receive(&m, peer);
	CHECK(!is_online[0]);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	HAS(0, 6, 4);
	close(fd2);
	end();
}

static void test_first(void)
{
	struct peer *peer;
	int fd;

	begin(two_groups);
	fd = lease("gf", "f", &peer);
	CHECK(heard(fd, "granted", NULL));
	HAS(2, 3, 3);
	HAS(0, 6, 4);
	close(fd);
	peer_receive(&m, peer);
	CHECK_EQ(vf_at(2)->state, VF_PLANNED);
	HAS(2, 0, 0);
	end();
}

static void test_refused_by_adapter(void)
{
	struct peer *peer;
	int fd;

	begin(two_groups);
	patience = 0;
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "error", "the adapter refuses it"));
	CHECK(!is_online[0]);
	CHECK(!peer->vf);
	patience = -1;
	close(fd);
	end();
}

/* A group that cannot be set up is barred, and no other. */
static void test_not_set_up(void)
{
	struct peer *peer, *po;
	int fd, o;

	make_host();
	make_adapter();
	memset(is_online, 0, sizeof(is_online));
	read_groups(two_groups);
	patience = 0;
	once = true;
	manager_init(&m);
	CHECK(strstr(m.file.groups[0].barred, "could not be set up"));
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	CHECK_STR(vf_at(0)->group->name, "b");
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "error", "could not be set up"));
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"a\"}");
	CHECK(heard(o, "ok", NULL));
	say(peer, fd, "{\"type\":\"grant\",\"group\":\"a\"}");
	CHECK(heard(fd, "granted", NULL));
	close(fd);
	close(o);
	end();
}

static void two_leases(int *a, int *b, struct peer **pa, struct peer **pb)
{
	*a = lease("ga", "a", pa);
	CHECK(heard(*a, "granted", NULL));
	*b = lease("gb", "b", pb);
	CHECK(heard(*b, "granted", NULL));
}

static void acknowledge(int fd, struct peer *peer, const char *type)
{
	char text[80];

	snprintf(text, sizeof(text), "{\"type\":\"%s\",\"gen\":%llu}", type,
		 (unsigned long long)peer->vf->gen);
	say(peer, fd, text);
}

static void test_move(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":4,\"from\":\"a\"}");
	CHECK(heard(a, "quiesce", NULL));
	CHECK(heard(b, "quiesce", NULL));
	HAS(0, 6, 4);
	acknowledge(a, pa, "ack");
	CHECK_EQ(vf_at(0)->state, VF_QUIESCED);
	HAS(0, 6, 4);
	/* Nobody gets anything meanwhile. */
	say(po, o, "{\"type\":\"reset\"}");
	CHECK(heard(o, "error", "the adapter is busy: resources are moved"));
	acknowledge(b, pb, "ack");
	HAS(0, 5, 4);
	HAS(1, 4, 2);
	CHECK(heard(a, "recover", NULL));
	CHECK(heard(b, "recover", NULL));
	CHECK(is_online[0] && is_online[1]);
	acknowledge(a, pa, "done");
	CHECK(m.change.kind);
	acknowledge(b, pb, "done");
	CHECK(heard(o, "ok", NULL));
	CHECK(!m.change.kind);
	/* What its file says it has again when it comes again. */
	close(a);
	peer_receive(&m, pa);
	HAS(0, 5, 4);
	close(b);
	peer_receive(&m, pb);
	HAS(0, 6, 4);
	HAS(1, 3, 2);
	close(o);
	end();
}

static void test_move_refused(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":10,\"from\":\"a\"}");
	CHECK(heard(o, "error", "group 'a' has not so much"));
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":8,\"from\":\"a\"}");
	CHECK(heard(o, "error", "group 'a' would have 1 queues; a virtual function needs 2"));
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":7}");
	CHECK(heard(o, "error", "groups want 13 queues in all; this adapter has 12"));
	say(po, o, "{\"type\":\"share\",\"group\":\"f\",\"queues\":3}");
	CHECK(heard(o, "error", "nobody has group 'f'"));
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":5,\"dry\":true}");
	CHECK(heard(o, "ok", NULL));
	CHECK(!hear(a) && !hear(b) && !m.change.kind);
	HAS(0, 6, 4);
	HAS(1, 3, 2);
	close(a);
	close(b);
	close(o);
	end();
}

/* The adapter refuses in the middle, once: both have again what they had. */
static void test_move_undone(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":4,\"from\":\"a\"}");
	CHECK(heard(a, "quiesce", NULL) && heard(b, "quiesce", NULL));
	acknowledge(a, pa, "ack");
	/* What b gets, b online; then a is refused. */
	patience = 2;
	once = true;
	acknowledge(b, pb, "ack");
	HAS(0, 6, 4);
	HAS(1, 3, 2);
	CHECK(is_online[0] && is_online[1]);
	/* It was told before that it goes on, and is told again that it does with what it had. */
	CHECK(heard(b, "recover", NULL) && heard(b, "recover", NULL));
	CHECK(heard(a, "recover", NULL));
	acknowledge(a, pa, "done");
	acknowledge(b, pb, "done");
	CHECK(heard(o, "error", "the adapter has refused it"));
	CHECK(!m.change.kind);
	close(a);
	close(b);
	close(o);
	end();
}

/* For good: both are told that it is over. */
static void test_move_fatal(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"b\",\"queues\":4,\"from\":\"a\"}");
	CHECK(heard(a, "quiesce", NULL) && heard(b, "quiesce", NULL));
	acknowledge(a, pa, "ack");
	patience = 0;
	acknowledge(b, pb, "ack");
	CHECK(heard(a, "destroy", NULL) && heard(b, "destroy", NULL));
	CHECK(heard(o, "error", "the adapter has refused it"));
	CHECK(!is_online[0] && !is_online[1]);
	CHECK(!pa->vf && !pb->vf && !m.change.kind);
	patience = -1;
	close(a);
	close(b);
	close(o);
	end();
}

static void test_fence(void)
{
	struct peer *pa, *pb, *po;
	json_t *answer;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"a\",\"queues\":5}");
	CHECK(heard(a, "quiesce", NULL));
	CHECK(!hear(b));
	pass(1050);
	CHECK_EQ(vf_at(0)->state, VF_FENCED);
	CHECK(!is_online[0]);
	answer = hear(o);
	CHECK_EQ(json_integer_value(json_object_get(answer, "fenced")), 1);
	json_decref(answer);
	/* The other one has noticed nothing. */
	CHECK(is_online[1] && !hear(b));
	/* It answers after all. */
	acknowledge(a, pa, "ack");
	CHECK(heard(a, "recover", NULL));
	CHECK_EQ(vf_at(0)->state, VF_LEASED);
	HAS(0, 5, 4);
	acknowledge(a, pa, "done");
	/* Of an older change. */
	say(pa, a, "{\"type\":\"ack\",\"gen\":1}");
	CHECK(heard(a, "error", "nothing of that number"));
	close(a);
	close(b);
	close(o);
	end();
}

static void test_gone_meanwhile(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"reset\"}");
	CHECK(heard(a, "quiesce", NULL) && heard(b, "quiesce", NULL));
	close(a);
	peer_receive(&m, pa);
	CHECK_EQ(vf_at(0)->state, VF_FREE);
	acknowledge(b, pb, "ack");
	CHECK(heard(b, "recover", NULL));
	close(o);
	peer_receive(&m, po);
	acknowledge(b, pb, "done");
	CHECK(!m.change.kind);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	CHECK_EQ(vf_at(1)->state, VF_LEASED);
	close(b);
	end();
}

static void test_destroy(void)
{
	struct peer *pa, *pb, *po;
	unsigned int before;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	before = offlines;
	say(po, o, "{\"type\":\"destroy\",\"group\":\"a\"}");
	CHECK(heard(o, "ok", NULL));
	CHECK(heard(a, "destroy", NULL));
	CHECK(!is_online[0] && is_online[1]);
	CHECK_EQ(offlines, before + 1);
	CHECK(!hear(b));
	/* What it had is anybody's, until it is let go; its function is not used meanwhile. */
	write_file(m.path, "[group]\nname=b\nguest=gb\n[group]\nname=c\n[group]\nname=a\nweight=2\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(group_find(&m.file, "c")->vf->has.of[RESOURCE_QUEUES], 9);
	write_file(m.path, two_groups);
	CHECK_EQ(manager_reload(&m), 0);
	HAS(0, 0, 0);
	CHECK_EQ(vf_at(0)->state, VF_FREE);
	say(pa, a, "{\"type\":\"grant\",\"group\":\"a\"}");
	CHECK(heard(a, "error", "barred: the operator has destroyed it"));
	say(po, o, "{\"type\":\"share\",\"group\":\"a\"}");
	CHECK(heard(o, "ok", NULL));
	CHECK_EQ(group_find(&m.file, "a")->vf->has.of[RESOURCE_QUEUES], 6);
	/* In good order. */
	say(po, o, "{\"type\":\"revoke\",\"group\":\"b\"}");
	CHECK(heard(b, "quiesce", NULL));
	CHECK(is_online[1]);
	acknowledge(b, pb, "ack");
	CHECK(heard(b, "destroy", NULL));
	CHECK(heard(o, "ok", NULL));
	CHECK(!is_online[1]);
	close(a);
	close(b);
	close(o);
	end();
}

static void test_faults(void)
{
	const struct kmsg_fault fault = { .kind = KMSG_DMA, .bdf = { .bus = 2, .devfn = 1 },
					  .any_domain = true, .address = 0x7000, .write = true };
	struct peer *pa, *pb, *again;
	json_t *told;
	int a, b, c;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	fault_take(&m, &fault);
	told = hear(a);
	CHECK_STR(json_string_value(json_object_get(told, "type")), "dma_blocked");
	CHECK_EQ(json_integer_value(json_object_get(told, "iova")), 0x7000);
	json_decref(told);
	CHECK(!hear(b));
	fault_take(&m, &fault);
	CHECK(is_online[0]);
	fault_take(&m, &fault);
	CHECK(!is_online[0] && is_online[1]);
	CHECK(heard(a, "dma_blocked", NULL) && heard(a, "dma_blocked", NULL));
	CHECK(heard(a, "destroy", NULL));
	c = lease("ga", "a", &again);
	CHECK(heard(c, "error", "group 'a' is barred: 3 of its transactions were blocked"));
	again->uid = 0;
	say(again, c, "{\"type\":\"share\",\"group\":\"a\"}");
	CHECK(heard(c, "ok", NULL));
	again->uid = getuid();
	say(again, c, "{\"type\":\"grant\",\"group\":\"a\"}");
	CHECK(heard(c, "granted", NULL));
	close(a);
	close(b);
	close(c);
	end();
}

/* ---- after a crash ------------------------------------------------------------------------- */

/* Two functions are online, with what a change had given them. */
static void begin_again(void)
{
	make_host();
	make_adapter();
	read_groups(two_groups);
	m.file.rejoin_ms = 200;
	memset(is_online, 0, sizeof(is_online));
	is_online[0] = is_online[1] = true;
	m.adapter.vfs[0].has = (struct amount){ .of = { 5, 4 } };
	m.adapter.vfs[1].has = (struct amount){ .of = { 4, 2 } };
	CHECK_EQ(fake_read(&m.adapter), 0);
	manager_init(&m);
}

static void test_rebuild(void)
{
	struct peer *pa, *px, *pb;
	int a, x, b;

	begin_again();
	CHECK(!m.settled);
	CHECK_EQ(vf_at(0)->state, VF_ORPHAN);
	/* Nothing is given away before they have had their time. */
	x = lease("gb", "b", &px);
	CHECK(heard(x, "error", "it has just begun"));
	a = guest();
	pa = last_peer();
	say(pa, a, "{\"type\":\"hello\",\"guest\":\"ga\",\"group\":\"a\",\"holding\":\"0000:02:00.1\",\"generation\":41}");
	CHECK(heard(a, "hello", NULL));
	CHECK(heard(a, "granted", NULL));
	CHECK_EQ(vf_at(0)->state, VF_LEASED);
	CHECK(vf_at(0)->gen > 41);
	HAS(0, 5, 4);
	/* It does not have the second one open. */
	b = guest();
	pb = last_peer();
	say(pb, b, "{\"type\":\"hello\",\"guest\":\"gb\",\"group\":\"b\",\"holding\":\"0000:02:00.2\"}");
	CHECK(heard(b, "hello", NULL));
	CHECK(heard(b, "error", "does not have VFIO group 1 open"));
	CHECK_EQ(vf_at(1)->state, VF_ORPHAN);
	/* What nobody has come for ends; what somebody has, stays. */
	pass(250);
	CHECK(m.settled);
	CHECK(is_online[0] && !is_online[1]);
	HAS(0, 5, 4);
	say(pb, b, "{\"type\":\"grant\",\"group\":\"b\"}");
	CHECK(heard(b, "granted", NULL));
	close(a);
	close(b);
	close(x);
	end();
}

static void test_wrong_claims(void)
{
	struct peer *peer;
	int fd;

	begin_again();
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gx\",\"group\":\"b\",\"holding\":\"0000:02:00.1\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "error", "for guest 'gb'"));
	close(fd);
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gx\",\"group\":\"a\",\"holding\":\"0000:02:00.3\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "error", "is not to be had any more"));
	close(fd);
	fd = guest();
	peer = last_peer();
	peer->uid = getuid() + 1;
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gx\",\"group\":\"a\",\"holding\":\"0000:02:00.1\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "error", "is not for user"));
	close(fd);
	end();
}

/* A manager that ends leaves all as it is. */
static void test_end(void)
{
	struct peer *peer;
	int fd;

	begin(two_groups);
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "granted", NULL));
	end();
	CHECK(is_online[0]);
	close(fd);
}

/* ---- those who do not behave --------------------------------------------------------------- */

static void test_hostile(void)
{
	char text[4096];
	struct peer *peer;
	unsigned int i;
	int fd;

	begin(two_groups);
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"grant\",\"group\":\"a\"}");
	CHECK(heard(fd, "error", "say hello first"));
	say(peer, fd, "nonsense");
	CHECK(heard(fd, "error", "makes no sense"));
	CHECK_EQ(peer->fd, -1);
	close(fd);
	fd = guest();
	peer = last_peer();
	memset(text, '[', sizeof(text));
	CHECK(send(fd, text, sizeof(text), 0) > 0);
	peer_receive(&m, peer);
	CHECK_EQ(peer->fd, -1);
	close(fd);
	/* More than anybody has to say. */
	fd = guest();
	peer = last_peer();
	peer->uid = getuid() + 1;
	for (i = 0; i < 200 && peer->fd >= 0; i++)
		say(peer, fd, "{\"type\":\"ack\",\"gen\":1}");
	CHECK(i >= 64 && i < 100);
	close(fd);
	/* Who says nothing is not waited for. */
	fd = guest();
	peer = last_peer();
	peer->since -= 6000;
	manager_tick(&m);
	CHECK_EQ(recv(fd, text, sizeof(text), 0), 0);
	close(fd);
	end();
}

/* A guest that reads nothing blocks nobody. */
static void test_deaf(void)
{
	struct peer *pa, *pb, *po;
	unsigned int i;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	for (i = 0; i < 10000 && !pa->lost; i++)
		peer_error(pa, -EIO, "something that is not read, and again, and again");
	CHECK(pa->lost);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"reset\"}");
	acknowledge(b, pb, "ack");
	pass(1050);
	CHECK_EQ(vf_at(0)->state, VF_FENCED);
	CHECK_EQ(vf_at(1)->state, VF_LEASED);
	close(a);
	close(b);
	close(o);
	end();
}

static void shell(const char *fmt, const char *a, const char *b)
{
	char command[600];

	snprintf(command, sizeof(command), fmt, a, b);
	CHECK_EQ(system(command), 0);
}

/* ---- functions that are had as a whole ------------------------------------------------------ */

/* Three, of which one shares its IOMMU group and one has another driver. */
static void make_functions(void)
{
	static const char setup[] =
		"cd %s && pf=bus/pci/devices/0000:02:00.0 && mkdir -p $pf groups drivers/vfio-pci drivers/igb && "
		"echo 3 > $pf/sriov_totalvfs && echo 3 > $pf/sriov_numvfs && for i in 0 1 2; do "
		"vf=bus/pci/devices/0000:02:00.$((i + 1)); ln -s ../0000:02:00.$((i + 1)) $pf/virtfn$i; "
		"mkdir -p groups/$i/devices/$i; ln -s ../../../../groups/$i $vf/iommu_group; "
		"ln -s ../../../../drivers/$([ $i = 2 ] && echo igb || echo vfio-pci) $vf/driver; done; "
		"mkdir groups/1/devices/other%s";

	shell(setup, sysfs, "");
}

static void test_whole(void)
{
	const struct bdf pf = { .bus = 2 };
	const struct amount none = { 0 };

	make_host();
	make_adapter();
	free(m.adapter.vfs);
	make_functions();
	CHECK_EQ(adapter_open(&m.adapter, &roots, &pf), 0);
	CHECK(m.adapter.ops->whole);
	CHECK_EQ(adapter_most_vfs(&m.adapter), 3);
	CHECK_EQ(adapter_prepare(&m.adapter, 1, &none), 0);
	CHECK_EQ(m.adapter.nr_vfs, 3);
	CHECK_EQ(vf_at(0)->state, VF_FREE);
	CHECK_EQ(vf_at(0)->iommu_group, 0);
	CHECK_EQ(vf_at(1)->state, VF_UNUSABLE);
	CHECK_STR(vf_at(1)->why, "it has no IOMMU group of its own");
	CHECK_EQ(vf_at(2)->state, VF_UNUSABLE);
	CHECK_STR(vf_at(2)->why, "vfio-pci does not drive it");
	CHECK(strstr(said, "is driven by igb, and may be in use"));
	CHECK_EQ(adapter_prepare(&m.adapter, 4, &none), -EBUSY);
	CHECK(strstr(said, "has 3 virtual functions, and 4 are needed"));
	/* One function is left, so there can be one group. */
	read_groups("[group]\nname=a\n[group]\nname=b\n");
	manager_init(&m);
	CHECK(strstr(m.no_plan, "2 groups and 1 virtual functions"));
	write_file(m.path, "[group]\nname=a\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	end();
}

static void test_none(void)
{
	const struct bdf pf = { .bus = 2 }, other = { .bus = 3 };

	make_host();
	make_adapter();
	free(m.adapter.vfs);
	CHECK_EQ(adapter_open(&m.adapter, &roots, &other), -ENODEV);
	shell("mkdir %s/bus/pci/devices/0000:02:00.0%s", sysfs, "");
	CHECK_EQ(adapter_open(&m.adapter, &roots, &pf), -EOPNOTSUPP);
	end();
}

/* ---- what the host uses ------------------------------------------------------------------------ */

/* That a disk is in use shows by O_EXCL, which only block devices heed: L1 shows that. */
static void test_host_use(void)
{
	begin(two_groups);
	shell("mkdir -p %s/bus/pci/devices/0000:02:00.0/nvme/nvme5 %s/block", sysfs, sysfs);
	shell("mkdir -p %s/sub/nvme5n1 && mkdir %s/sub/nvme5", sysfs, sysfs);
	shell("ln -s ../sub/nvme5n1 %s/block/ && echo 7 > %s/sub/nvme5n1/nsid", sysfs, sysfs);
	CHECK_EQ(host_use_check(&m.adapter.pf, 7), 0);
	CHECK_EQ(host_use_check(&m.adapter.pf, 8), 0);
	end();
}

/* ---- files --------------------------------------------------------------------------------- */

static void check_file(const char *text, const char *complaint)
{
	struct group_file file;
	char path[128];

	snprintf(path, sizeof(path), "%s/wrong.conf", root);
	write_file(path, text);
	CHECK_EQ(group_file_read(&file, path), -EINVAL);
	CHECK(strstr(said, complaint));
	if (!strstr(said, complaint))
		printf("# %s\n", said);
}

static void test_files(void)
{
	begin(two_groups);
	CHECK_EQ(m.file.groups[1].nr_namespaces, 2);
	CHECK_EQ(m.file.groups[1].namespaces[1], 3);
	CHECK_STR(m.file.groups[1].guest, "gb");
	CHECK_EQ(m.file.groups[2].share, PLAN_FIRST_COME);
	check_file("[adapter]\n", "there is no [group]");
	check_file("[pool]\nsize=5M\n[group]\nname=a\n", "there is no section [pool]");
	check_file("[group]\nweight=5\n", "has no name=");
	check_file("[group]\nname=a\n[group]\nname=a\n", "two groups 'a'");
	check_file("[group]\nname=a\nnamespaces=1,2\n[group]\nname=b\nnamespaces=2\n",
		   "groups 'a' and 'b' both have namespace 2");
	check_file("[group]\nname=a\nshare=absolute\n", "no queues=");
	check_file("[group]\nname=a\nqueues=4\n", "relative share, and queues=");
	check_file("[group]\nname=a\nshare=first-come\nweight=4\n", "for share=relative");
	check_file("[group]\nname=a\nnamespaces=1,x\n", "wants numbers of namespaces");
	check_file("[group]\nname=a/b\n", "letters");
	check_file("[group]\nname=a\nuser=nobody-is-this\n", "there is no such user");
	check_file("[adapter]\ndeadline=0\n[group]\nname=a\n", "wants seconds");
	end();
}

static void test_reload(void)
{
	struct peer *pa;
	int a;

	begin(two_groups);
	a = lease("ga", "a", &pa);
	CHECK(heard(a, "granted", NULL));
	/* Oversubscribed: nothing changes. */
	write_file(m.path, "[group]\nname=a\n[group]\nname=c\nshare=absolute\nqueues=7\n");
	CHECK_EQ(manager_reload(&m), -EINVAL);
	CHECK(strstr(said, "groups want 13 queues in all"));
	HAS(1, 3, 2);
	CHECK_EQ(m.file.count, 3);
	/* A group that somebody has cannot go. */
	write_file(m.path, "[group]\nname=c\n");
	CHECK_EQ(manager_reload(&m), -EBUSY);
	CHECK(strstr(said, "group 'a' is in use and has gone"));
	write_file(m.path, "[group]\nname=c\nshare=absolute\nqueues=4\n[group]\nname=a\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_STR(vf_at(0)->group->name, "a");
	HAS(0, 6, 4);
	CHECK_STR(vf_at(1)->group->name, "c");
	HAS(1, 4, 4);
	CHECK_EQ(vf_at(2)->state, VF_FREE);
	close(a);
	end();
}

static const struct tap_test tests[] = {
	{ "functions have what the plan says", test_plan },
	{ "a lease is a connection, for whom it may be", test_lease },
	{ "who comes first gets what is left", test_first },
	{ "an adapter that refuses", test_refused_by_adapter },
	{ "a group that cannot be set up is barred alone", test_not_set_up },
	{ "a queue moves between guests", test_move },
	{ "what cannot be moved is refused before anything changes", test_move_refused },
	{ "an adapter that refuses in the middle, once", test_move_undone },
	{ "and for good", test_move_fatal },
	{ "who does not acknowledge is fenced, and comes back", test_fence },
	{ "who goes meanwhile is not waited for", test_gone_meanwhile },
	{ "one is destroyed, others are not disturbed", test_destroy },
	{ "blocked transactions fence who makes them", test_faults },
	{ "after a crash owners take up what they have", test_rebuild },
	{ "and nobody what he has not", test_wrong_claims },
	{ "a manager that ends takes nothing away", test_end },
	{ "connections that make no sense end", test_hostile },
	{ "one that does not read blocks nobody", test_deaf },
	{ "disks that the host has, and does not use", test_host_use },
	{ "functions that are had as a whole", test_whole },
	{ "what is no adapter", test_none },
	{ "files that make no sense", test_files },
	{ "a file that is read anew", test_reload },
};

TAP_MAIN(tests)
