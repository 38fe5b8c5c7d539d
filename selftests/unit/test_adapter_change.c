// SPDX-License-Identifier: GPL-2.0-only
/* tarn-adapter: what owners of functions wait for: moves, resets, ends; and who does not answer. */
#include "adapter_guests.h"

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

/* The text of the last event of a kind, "" if there was none. */
static const char *last_text(const char *kind)
{
	const char *text = "";
	uint64_t i;

	for (i = 0; i < m.event_seq && i < EVENTS_MAX; i++) {
		const json_t *event = m.events[i];

		if (!strcmp(json_string_value(json_object_get(event, "event")), kind))
			text = json_string_value(json_object_get(event, "text"));
	}
	return text;
}

/* Nobody is told that a function is offline that is not. */
static void test_not_fenced(void)
{
	struct peer *pa, *pb, *po;
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"revoke\",\"group\":\"a\"}");
	CHECK(heard(a, "quiesce", NULL));
	stubborn = true;
	pass(1050);
	CHECK(strstr(last_text("fenced"), "does not take its function offline"));
	CHECK_EQ(vf_at(0)->state, VF_UNUSABLE);
	CHECK(is_online[0] && namespaces[0] == 1u << 1);
	stubborn = false;
	close(a);
	close(b);
	close(o);
	end();
}

/* What it said in time counts, if it is read late because a command took long. */
static void test_read_late(void)
{
	struct peer *pa, *pb, *po;
	char text[80];
	int a, b, o;

	begin(two_groups);
	two_leases(&a, &b, &pa, &pb);
	o = operator_guest(&po);
	say(po, o, "{\"type\":\"share\",\"group\":\"a\",\"queues\":5}");
	CHECK(heard(a, "quiesce", NULL));
	snprintf(text, sizeof(text), "{\"type\":\"ack\",\"gen\":%llu}",
		 (unsigned long long)pa->vf->gen);
	CHECK(send(a, text, strlen(text), 0) > 0);
	pass(1050);
	CHECK(heard(a, "recover", NULL));
	CHECK_EQ(vf_at(0)->state, VF_LEASED);
	HAS(0, 5, 4);
	acknowledge(a, pa, "done");
	CHECK(heard(o, "ok", NULL));
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
	/* What it had is anybody's, until it is let go. */
	HAS(0, 0, 0);
	CHECK_EQ(vf_at(0)->state, VF_FREE);
	write_file(m.path, "[group]\nname=b\nguest=gb\nnamespaces=2,3\n[group]\nname=c\n[group]\nname=a\nweight=2\n");
	CHECK_EQ(manager_reload(&m), 0);
	CHECK_EQ(group_find(&m.file, "c")->vf->has.of[RESOURCE_QUEUES], 9);
	write_file(m.path, two_groups);
	CHECK_EQ(manager_reload(&m), 0);
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

static const struct tap_test tests[] = {
	{ "a queue moves between guests", test_move },
	{ "what cannot be moved is refused before anything changes", test_move_refused },
	{ "an adapter that refuses in the middle, once", test_move_undone },
	{ "and for good", test_move_fatal },
	{ "who does not acknowledge is fenced, and comes back", test_fence },
	{ "who cannot be is not said to be", test_not_fenced },
	{ "who has in time is not, when it is read late", test_read_late },
	{ "who goes meanwhile is not waited for", test_gone_meanwhile },
	{ "one is destroyed, others are not disturbed", test_destroy },
	{ "one that does not read blocks nobody", test_deaf },
};

TAP_MAIN(tests)
