// SPDX-License-Identifier: GPL-2.0-only
/* See balance.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "balance.h"
#include "error.h"
#include "gather.h"
#include "home.h"
#include "partition.h"
#include "report.h"

/* ---- setting ------------------------------------------------------------ */

static int to_homes(const struct host *host, const struct decide_place *place,
		    struct homes *homes)
{
	size_t i;

	memset(homes, 0, sizeof(*homes));
	homes->items = calloc(DECIDE_NODES, sizeof(*homes->items));
	if (!homes->items)
		return err_nomem();
	for (i = 0; i < host->nodes.nr; i++) {
		if (place->homes & 1ULL << i)
			homes->items[homes->count++] = (struct tarn_home){
				.node = host->nodes.node[i].nid,
				.flags = TARN_NODE_IS_HOME,
				.wanted_frames = place->frames[i],
			};
	}
	return 0;
}

/* Unless somebody has set others by hand since it was decided. */
static int set_writable(const struct subject *s, const struct homes *homes)
{
	char self[32];
	int fd, lock, ret;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", s->fd);
	fd = open(self, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	lock = home_mark_lock();
	ret = lock < 0 ? lock : 0;
	if (!ret && home_mark_read(s->uuid, s->id).automatic)
		ret = homes_set(fd, homes);
	if (lock >= 0)
		close(lock);
	close(fd);
	return ret;
}

static int set_homes(struct balance *b, struct subject *s,
		     const struct decide_part *part)
{
	struct homes homes;
	int ret = to_homes(&b->host, &part->then, &homes);

	if (ret)
		return ret;
	ret = set_writable(s, &homes);
	homes_free(&homes);
	if (ret)
		return err_errno(ret, "%s: set the home nodes", s->name);
	s->age = 0;
	return 0;
}

/* ---- a round ------------------------------------------------------------ */

static int act(struct balance *b, struct verdict *v)
{
	int ret = 0, err;
	size_t i;

	for (i = 0; i < v->d.nr_parts; i++) {
		const struct decide_part *part = &v->d.parts[i];
		struct subject *s = &b->subjects[v->subjects[i]];

		s->age++;
		if (!decide_changes(part))
			continue;
		err = set_homes(b, s, part);
		if (!err)
			report_change(b, v, i);
		else if (!ret)
			ret = err;
	}
	return ret;
}

static int do_pool(struct balance *b, const struct pool *pool,
		   void (*tell)(const struct balance *b,
				const struct verdict *v, void *arg),
		   void *arg)
{
	struct verdict v = { .pool = pool };
	int ret = gather(b, &v);

	if (!ret) {
		decide(&v.d);
		if (tell)
			tell(b, &v, arg);
		if (!b->dry)
			ret = act(b, &v);
	}
	gather_end(b, &v);
	return ret;
}

static void subject_exit(struct subject *s)
{
	free(s->name);
	free(s->path);
}

/* Of partitions that are gone nothing is remembered. */
static void forget(struct balance *b)
{
	size_t from, to = 0;

	for (from = 0; from < b->nr_subjects; from++) {
		struct subject *s = &b->subjects[from];

		if (s->seen)
			b->subjects[to++] = *s;
		else
			subject_exit(s);
	}
	b->nr_subjects = to;
}

int balance_round(struct balance *b, const struct pool_list *pools, double now,
		  void (*tell)(const struct balance *b,
			       const struct verdict *v, void *arg),
		  void *arg)
{
	int ret = 0, err;
	size_t i;

	for (i = 0; i < b->nr_subjects; i++)
		b->subjects[i].seen = false;
	users_look(&b->users, &b->host);
	gather_load(b, pools, now);
	for (i = 0; i < pools->count; i++) {
		err = do_pool(b, &pools->items[i], tell, arg);
		if (!ret)
			ret = err;
	}
	forget(b);
	users_begin(&b->users, now);
	return ret;
}

void balance_forget_loads(struct balance *b)
{
	size_t i;

	for (i = 0; i < b->nr_subjects; i++)
		b->subjects[i].known = false;
	memset(b->busy, 0, sizeof(b->busy));
	b->since = 0;
}

void balance_free(struct balance *b)
{
	size_t i;

	for (i = 0; i < b->nr_subjects; i++)
		subject_exit(&b->subjects[i]);
	free(b->subjects);
	users_free(&b->users);
	host_free(&b->host);
}
