// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test pager for shell scripts: pager_hold DIRECTORY serves the pool until
 * SIGTERM, says "serving" when it does, and at SIGUSR1 prints counters.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pager.h"

static struct pool pool;
static struct pager pg;

static void report(void)
{
	struct tarn_pool_info info = pool_info(&pool);

	printf("page_ins=%llu\n", info.page_ins);
	printf("errors=%llu\n", info.load_errors + info.checksum_errors +
					info.store_errors +
					pg.ctl->protocol_errors);
	printf("page_outs=%llu\n", info.page_outs);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	sigset_t set;
	int sig;

	if (argc == 3 && !strcmp(argv[1], PAGER_ARG))
		return pager_main(atoi(argv[2]));
	if (argc != 2 || strlen(argv[1]) >= sizeof(pool.dir))
		return 2;
	harness_init();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	strcpy(pool.dir, argv[1]);
	pool.fd = ASSERT_OK(open(pool.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	pager_start(&pg, &pool);
	printf("serving\n");
	fflush(stdout);
	while (!sigwait(&set, &sig) && sig == SIGUSR1)
		report();
	pager_stop(&pg);
	return 0;
}
