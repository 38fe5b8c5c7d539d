// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permutations and the alias table of a zipf distribution. See random.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"

void rng_permutation(struct rng *rng, uint32_t *order, uint32_t n)
{
	uint32_t i, j, tmp;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		j = rng_below(rng, i);
		tmp = order[i - 1];
		order[i - 1] = order[j];
		order[j] = tmp;
	}
}

/* Vose: pair each item below the average with one above it. */
static void zipf_pair(struct zipf *zipf, double *weight, uint32_t *stack)
{
	uint32_t n = zipf->n, small = 0, large = n, i, s, l;

	for (i = 0; i < n; i++) {
		if (weight[i] < 1.0)
			stack[small++] = i;
		else
			stack[--large] = i;
	}
	while (small > 0 && large < n) {
		s = stack[--small];
		l = stack[large];
		zipf->slots[s].cut = (uint32_t)(weight[s] * 4294967295.0);
		zipf->slots[s].other = l;
		weight[l] -= 1.0 - weight[s];
		if (weight[l] < 1.0) {
			large++;
			stack[small++] = l;
		}
	}
	while (large < n)
		zipf->slots[stack[large++]].cut = UINT32_MAX;
	while (small > 0)
		zipf->slots[stack[--small]].cut = UINT32_MAX;
}

int zipf_init_order(struct zipf *zipf, uint32_t n, double theta, uint32_t *order)
{
	double *weight = calloc(n, sizeof(*weight));
	double sum = 0;
	uint32_t i;

	zipf->n = n;
	zipf->slots = calloc(n, sizeof(*zipf->slots));
	if (!weight || !zipf->slots) {
		free(weight);
		zipf_exit(zipf);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		weight[order[i]] = pow(i + 1.0, -theta);
		sum += weight[order[i]];
	}
	for (i = 0; i < n; i++) {
		weight[i] *= n / sum;
		zipf->slots[i].other = i;
	}
	zipf_pair(zipf, weight, order);
	free(weight);
	return 0;
}

int zipf_init(struct zipf *zipf, uint32_t n, double theta, struct rng *rng)
{
	uint32_t *order = calloc(n, sizeof(*order));
	int ret;

	if (!order)
		return -ENOMEM;
	rng_permutation(rng, order, n);
	ret = zipf_init_order(zipf, n, theta, order);
	free(order);
	return ret;
}

void zipf_exit(struct zipf *zipf)
{
	free(zipf->slots);
	zipf->slots = NULL;
}
