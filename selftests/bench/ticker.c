// SPDX-License-Identifier: GPL-2.0-only
/* See ticker.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "ticker.h"

/* What the guest says, and is told. */
#define READY '<'
#define TICK '#'
#define RIGHT '+'
#define WRONG '!'
#define VERIFY "v"
/* Nothing that is waited for takes longer. */
#define MOST_S 600

static void take(struct ticker *ticker, char c, uint64_t now)
{
	switch (c) {
	case READY:
		ticker->ready = true;
		break;
	case TICK:
		if (ticker->count < TICKER_MOST)
			ticker->at[ticker->count++] = now;
		break;
	case RIGHT:
		ticker->right = true;
		break;
	case WRONG:
		ticker->wrong = true;
		break;
	}
}

static void *listen_to(void *arg)
{
	struct ticker *ticker = arg;
	uint64_t now;
	char text[256];
	ssize_t n, i;

	while ((n = read(ticker->out, text, sizeof(text))) > 0) {
		now = clock_ns();
		pthread_mutex_lock(&ticker->lock);
		for (i = 0; i < n; i++)
			take(ticker, text[i], now);
		pthread_cond_signal(&ticker->changed);
		pthread_mutex_unlock(&ticker->lock);
	}
	pthread_mutex_lock(&ticker->lock);
	ticker->ended = true;
	pthread_cond_signal(&ticker->changed);
	pthread_mutex_unlock(&ticker->lock);
	return NULL;
}

static pid_t spawn(char **command, int in, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execvp(command[0], command);
	fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
	_exit(127);
}

int ticker_start(struct ticker *ticker, char **command)
{
	int in[2], out[2];

	memset(ticker, 0, sizeof(*ticker));
	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -EMFILE;
	}
	ticker->in = in[1];
	ticker->out = out[0];
	pthread_mutex_init(&ticker->lock, NULL);
	pthread_cond_init(&ticker->changed, NULL);
	ticker->began = clock_ns();
	ticker->pid = spawn(command, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (ticker->pid > 0 &&
	    !pthread_create(&ticker->thread, NULL, listen_to, ticker))
		return 0;
	if (ticker->pid > 0)
		kill(ticker->pid, SIGKILL);
	close(ticker->in);
	close(ticker->out);
	return ticker->pid < 0 ? ticker->pid : -EAGAIN;
}

static bool is_ready(const struct ticker *ticker, size_t count)
{
	return ticker->ready;
}

static bool has_ticked(const struct ticker *ticker, size_t count)
{
	return ticker->count >= count;
}

static bool is_right(const struct ticker *ticker, size_t count)
{
	return ticker->right;
}

/* Until it is so, or never will be. */
static int wait_for(struct ticker *ticker,
		    bool (*is_so)(const struct ticker *ticker, size_t count),
		    size_t count)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += MOST_S;
	pthread_mutex_lock(&ticker->lock);
	while (!ret && !ticker->wrong && !is_so(ticker, count)) {
		if (ticker->ended)
			ret = -EPIPE;
		else
			ret = -pthread_cond_timedwait(&ticker->changed,
						      &ticker->lock, &until);
	}
	if (ticker->wrong)
		ret = -EILSEQ;
	pthread_mutex_unlock(&ticker->lock);
	return ret;
}

int ticker_wait_ready(struct ticker *ticker)
{
	return wait_for(ticker, is_ready, 0);
}

int ticker_wait(struct ticker *ticker, size_t count)
{
	if (count > TICKER_MOST)
		return -EOVERFLOW;
	return wait_for(ticker, has_ticked, count);
}

int ticker_verify(struct ticker *ticker)
{
	if (write(ticker->in, VERIFY, 1) != 1)
		return -errno;
	return wait_for(ticker, is_right, 0);
}

void ticker_stop(struct ticker *ticker)
{
	kill(ticker->pid, SIGTERM);
	waitpid(ticker->pid, NULL, 0);
	pthread_join(ticker->thread, NULL);
	close(ticker->in);
	close(ticker->out);
	pthread_mutex_destroy(&ticker->lock);
	pthread_cond_destroy(&ticker->changed);
}
