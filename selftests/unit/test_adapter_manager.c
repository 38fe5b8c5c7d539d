// SPDX-License-Identifier: GPL-2.0-only
/* tarn-adapter: leases, blocked transactions, a crash, and connections that do not behave. */
#include "adapter_guests.h"

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

/* Who comes next begins with none. */
static void test_faults_of_others(void)
{
	const struct kmsg_fault fault = { .kind = KMSG_DMA, .bdf = { .bus = 2, .devfn = 1 },
					  .any_domain = true, .address = 0x7000 };
	struct peer *peer;
	int fd;

	begin(two_groups);
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "granted", NULL));
	fault_take(&m, &fault);
	fault_take(&m, &fault);
	close(fd);
	peer_receive(&m, peer);
	fd = lease("ga", "a", &peer);
	CHECK(heard(fd, "granted", NULL));
	fault_take(&m, &fault);
	fault_take(&m, &fault);
	CHECK(is_online[0]);
	CHECK_EQ(vf_at(0)->faults, 4);
	fault_take(&m, &fault);
	CHECK(!is_online[0]);
	close(fd);
	end();
}

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
	namespaces[0] = 1u << 1;
	namespaces[1] = 1u << 2 | 1u << 3;
	m.adapter.vfs[0].attached = m.adapter.vfs[1].attached = true;
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

/* A device that is open by O_PATH is no device that is open, which anybody can have. */
static void test_open_by_path(void)
{
	struct peer *peer;
	int fd, path;

	begin_again();
	path = open("/dev/full", O_PATH);
	CHECK(path >= 0);
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gb\",\"group\":\"b\",\"holding\":\"0000:02:00.2\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "error", "does not have VFIO group 1 open"));
	close(fd);
	close(path);
	/* As it is when it is open. */
	path = open("/dev/full", O_RDWR);
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gb\",\"group\":\"b\",\"holding\":\"0000:02:00.2\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "granted", NULL));
	close(fd);
	close(path);
	end();
}

/* The file has changed while nobody managed: the disk is another group's now. */
static void test_moved_meanwhile(void)
{
	struct peer *peer;
	int fd;

	begin_again();
	m.file.groups[0].namespaces[0] = 4;
	m.file.groups[2].namespaces[m.file.groups[2].nr_namespaces++] = 1;
	fd = guest();
	peer = last_peer();
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"ga\",\"group\":\"a\",\"holding\":\"0000:02:00.1\"}");
	CHECK(heard(fd, "hello", NULL));
	CHECK(heard(fd, "error", "is not attached to the namespaces of group 'a'"));
	CHECK_EQ(vf_at(0)->state, VF_ORPHAN);
	pass(250);
	CHECK(!is_online[0]);
	CHECK_EQ(namespaces[group_find(&m.file, "a")->vf->index], 1u << 4);
	close(fd);
	fd = lease("gf", "f", &peer);
	CHECK(heard(fd, "granted", NULL));
	CHECK_EQ(namespaces[peer->vf->index], 1u << 1);
	close(fd);
	end();
}

/* A disk that goes to another group leaves the one that has it, or stays. */
static void test_reload_namespaces(void)
{
	static const char moved[] =
		"[group]\nname=a\nweight=2\nnamespaces=4\n"
		"[group]\nname=c\nweight=2\nnamespaces=1\n"
		"[group]\nname=b\nguest=gb\nnamespaces=3,2\n";
	struct peer *pa, *pb;
	int a, b;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	write_file(m.path, moved);
	CHECK_EQ(manager_reload(&m), -EBUSY);
	CHECK(strstr(said, "group 'a' is in use, and has other namespaces"));
	CHECK_EQ(namespaces[0], 1u << 1);
	close(a);
	peer_receive(&m, pa);
	CHECK_EQ(vf_at(0)->state, VF_ASSIGNED);
	/* Amounts of a are as they were: what it is attached to is not. */
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(namespaces[group_find(&m.file, "a")->vf->index], 1u << 4);
	CHECK_EQ(namespaces[group_find(&m.file, "c")->vf->index], 1u << 1);
	CHECK_EQ(namespaces[1], 1u << 2 | 1u << 3);
	CHECK(is_online[1]);
	/* What is no group's is no function's. */
	write_file(m.path, "[group]\nname=b\nguest=gb\nnamespaces=2,3\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(namespaces[0] | namespaces[2], 0);
	close(b);
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

/* Who may lease nothing does not stay by saying hello, or by talking; who may does. */
static void test_uninvited(void)
{
	struct peer *peer, *own, *operator;
	char text[256];
	int fd, fd2, o;

	begin(two_groups);
	fd = guest();
	peer = last_peer();
	peer->uid = getuid() + 1;
	fd2 = guest();
	own = last_peer();
	o = operator_guest(&operator);
	peer->since -= 6000;
	own->since -= 6000;
	operator->since -= 6000;
	say(peer, fd, "{\"type\":\"hello\",\"guest\":\"gx\"}");
	say(own, fd2, "{\"type\":\"hello\",\"guest\":\"ga\"}");
	say(operator, o, "{\"type\":\"show\"}");
	CHECK(heard(fd, "hello", NULL) && heard(fd2, "hello", NULL) && heard(o, "ok", NULL));
	manager_tick(&m);
	CHECK_EQ(recv(fd, text, sizeof(text), 0), 0);
	CHECK_EQ(recv(fd2, text, sizeof(text), 0), -1);
	CHECK_EQ(recv(o, text, sizeof(text), 0), -1);
	close(fd);
	close(fd2);
	close(o);
	end();
}

/* An answer of some length arrives, and in place of one of any length an error does. */
static void test_long_answers(void)
{
	static char text[WIRE_ANSWER_MAX + 1];
	struct peer *peer;
	int fd;

	begin(two_groups);
	fd = operator_guest(&peer);
	memset(text, 'x', sizeof(text) - 1);
	CHECK_EQ(peer_send(peer, json_pack("{s:s, s:s}", "type", "ok", "text", text), -1),
		 -EMSGSIZE);
	CHECK(heard(fd, "error", "the answer is too long"));
	text[WIRE_ANSWER_MAX - 100] = '\0';
	CHECK_EQ(peer_send(peer, json_pack("{s:s, s:s}", "type", "ok", "text", text), -1), 0);
	CHECK(heard(fd, "ok", NULL));
	close(fd);
	end();
}

static const struct tap_test tests[] = {
	{ "functions have what the plan says", test_plan },
	{ "a lease is a connection, for whom it may be", test_lease },
	{ "who comes first gets what is left", test_first },
	{ "an adapter that refuses", test_refused_by_adapter },
	{ "a group that cannot be set up is barred alone", test_not_set_up },
	{ "blocked transactions fence who makes them", test_faults },
	{ "and not who comes after him", test_faults_of_others },
	{ "after a crash owners take up what they have", test_rebuild },
	{ "and nobody what he has not", test_wrong_claims },
	{ "nor what it has by its path only", test_open_by_path },
	{ "nor what has become somebody else's", test_moved_meanwhile },
	{ "a disk is one group's, however its file changes", test_reload_namespaces },
	{ "a manager that ends takes nothing away", test_end },
	{ "connections that make no sense end", test_hostile },
	{ "and those that can come to nothing", test_uninvited },
	{ "answers that are long, and too long", test_long_answers },
};

TAP_MAIN(tests)
