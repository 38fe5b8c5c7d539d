/* SPDX-License-Identifier: GPL-2.0-only */
/* What -object can make, in one table: see object.c. */
#ifndef TARN_OBJECT_H
#define TARN_OBJECT_H

#include "lib/types.h"

struct opts;

/**
 * struct object_class - something that -object can make.
 * @name: the value of qom-type=
 * @props: what it takes beside qom-type= and id=, with blanks between; checked
 *	   before @create runs
 * @create: makes it from @opts
 * @destroy: by its id: 0, -ENOENT, or -EBUSY while it is used; NULL when that is
 *	     impossible while the machine runs
 * @late: can be made while the machine runs
 */
struct object_class {
	const char *name;
	const char *props;
	int (*create)(struct opts *opts);
	int (*destroy)(const char *id);
	bool late;
};

extern const struct object_class object_classes[];
extern const unsigned int nr_object_classes;

/** object_class_find() - by the value of qom-type=, or NULL. */
const struct object_class *object_class_find(const char *name);

/** object_create() - make what an -object option describes. */
int object_create(struct opts *opts);

#endif
