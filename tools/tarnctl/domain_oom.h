/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the kernel's OOM killer looks at VMMs of domains in pools. It counts frames
 * that they have mapped, so they seem to be the largest processes of the host, while
 * killing one frees none of the host's memory.
 */
#ifndef TARNCTL_DOMAIN_OOM_H
#define TARNCTL_DOMAIN_OOM_H

/** Where an operator has the oom_score_adj of all of them, a number. */
#define DOMAIN_OOM_FILE "/etc/tarn/oom-score-adj"

/**
 * domain_oom_read() - Read the number.
 * Return: 1 with *@score; 0: there is no such file; or an errno, reported.
 */
int domain_oom_read(const char *path, int *score);

/**
 * domain_oom_set() - Give it to a process.
 * @dir: descriptor of its directory in /proc
 * Return: 0 or an errno, not reported.
 */
int domain_oom_set(int dir, int score);

#endif
