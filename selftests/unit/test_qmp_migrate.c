// SPDX-License-Identifier: GPL-2.0-only
/* Parameters and capabilities of a save: what is not so is not accepted. */
#include "tap.h"

#include <jansson.h>
#include <stdarg.h>

#include "../../vmm/qmp/migrate.c"
#include "fake_error.h"

static json_t *replied;
static char refused[256];

void qmp_reply(struct qmp_call *call, json_t *value)
{
	json_decref(replied);
	replied = value ? value : json_true();
	*refused = '\0';
}

void qmp_error(struct qmp_call *call, const char *class, const char *fmt, ...)
{
	va_list ap;

	json_decref(replied);
	replied = NULL;
	va_start(ap, fmt);
	vsnprintf(refused, sizeof(refused), fmt, ap);
	va_end(ap);
}

/* The rest of migrate.c is not called. */
void qmp_fail(struct qmp_call *call, int ret) { abort(); }
void qmp_event(const char *name, json_t *data) { abort(); }
json_t *qmp_text(const char *text) { abort(); }
int qmp_fd_take(const char *name) { abort(); }
int qmp_open(const char *path, int flags, mode_t mode) { abort(); }
int transfer_can_save(struct vm *vm) { abort(); }
int transfer_can_save_to(struct vm *vm, const struct stat *st) { abort(); }
int transfer_fd(const char *number) { abort(); }
int transfer_save(struct vm *vm, int fd, int dir, unsigned int flags) { abort(); }
int transfer_restore(struct vm *vm, int fd) { abort(); }
int transfer_restore_from(struct vm *vm, const char *uri) { abort(); }
int transfer_continue(struct vm *vm) { abort(); }
void transfer_cancel(struct vm *vm) { abort(); }
void transfer_info(struct vm *vm, struct transfer_info *info) { abort(); }
void transfer_listen(struct vm *vm, void (*fn)(struct vm *vm)) { abort(); }

static void call(void (*run)(struct vm *vm, struct qmp_call *call, json_t *args),
		 const char *args)
{
	json_t *json = json_loads(args, 0, NULL);

	CHECK(json);
	run(NULL, NULL, json);
	json_decref(json);
}

/* The number is libvirt's "no limit", of a save of any domain. */
static void test_bandwidth(void)
{
	call(set_parameters, "{\"max-bandwidth\": 9223372036853727232}");
	CHECK(replied);
	call(set_parameters, "{\"max-bandwidth\": 9223372036854775807}");
	CHECK(replied);
	call(set_parameters, "{\"max-bandwidth\": 0}");
	CHECK(replied);
	call(set_parameters, "{\"max-bandwidth\": 134217728}");
	CHECK(strstr(refused, "cannot be slowed down"));
	call(set_parameters, "{\"max-bandwidth\": -1}");
	CHECK(strstr(refused, "cannot be slowed down"));
	call(set_parameters, "{\"max-bandwidth\": \"0\"}");
	CHECK(strstr(refused, "cannot be slowed down"));
	call(query_parameters, "{}");
	CHECK_EQ(json_integer_value(json_object_get(replied, "max-bandwidth")),
		 9223372036853727232);
	CHECK_EQ(json_object_size(replied), 2);
}

static void check_compression(const char *name, unsigned int flags)
{
	call(query_parameters, "{}");
	CHECK_STR(json_string_value(json_object_get(replied,
						    "multifd-compression")),
		  name);
	CHECK_EQ(save_flags(), flags);
}

/* libvirt sets what it has read. */
static void test_compression(void)
{
	check_compression("none", 0);
	call(set_parameters, "{\"multifd-compression\": \"zstd\"}");
	CHECK(replied);
	check_compression("zstd", TRANSFER_COMPRESS);
	call(set_parameters, "{\"multifd-compression\": \"zlib\"}");
	CHECK(strstr(refused, "is \"none\" or \"zstd\""));
	call(set_parameters, "{\"multifd-compression\": 1}");
	CHECK(strstr(refused, "is \"none\" or \"zstd\""));
	/* All of a call, or nothing. */
	call(set_parameters, "{\"multifd-compression\": \"none\", \"max-bandwidth\": 5}");
	CHECK(strstr(refused, "cannot be slowed down"));
	check_compression("zstd", TRANSFER_COMPRESS);
	call(set_parameters, "{\"multifd-compression\": \"none\"}");
	CHECK(replied);
	check_compression("none", 0);
}

static void test_others(void)
{
	static const char *const names[] = {
		"downtime-limit", "announce-initial", "announce-max",
		"announce-rounds", "announce-step", "max-postcopy-bandwidth",
		"avail-switchover-bandwidth", "nonsense",
	};
	char args[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(args, sizeof(args), "{\"%s\": 5}", names[i]);
		call(set_parameters, args);
		CHECK(strstr(refused, names[i]));
		CHECK(strstr(refused, "stands still"));
	}
	call(set_parameters, "{}");
	CHECK(replied);
}

static void test_capabilities(void)
{
	call(qmp_capabilities_table.commands[1].run,
	     "{\"capabilities\": [{\"capability\": \"return-path\", \"state\": true}]}");
	CHECK(strstr(refused, "no capability 'return-path'"));
	call(qmp_capabilities_table.commands[1].run,
	     "{\"capabilities\": [{\"capability\": \"events\", \"state\": true}, {\"capability\": \"nonsense\", \"state\": true}]}");
	CHECK(*refused && !qmp_capability(QMP_CAP_EVENTS));
	call(qmp_capabilities_table.commands[1].run,
	     "{\"capabilities\": [{\"capability\": \"events\", \"state\": true}, {\"capability\": \"pause-before-switchover\", \"state\": false}]}");
	CHECK(replied && qmp_capability(QMP_CAP_EVENTS));
	CHECK(!qmp_capability(QMP_CAP_PAUSE_BEFORE_SWITCHOVER));
	call(qmp_capabilities_table.commands[0].run,
	     "{}");
	CHECK_EQ(json_array_size(replied), QMP_NR_CAPS);
}

static const struct tap_test tests[] = {
	{ "a save has no limit of its speed", test_bandwidth },
	{ "a save may be compressed", test_compression },
	{ "nothing else can be set", test_others },
	{ "capabilities are those that there are", test_capabilities },
};

int main(void)
{
	int ret = tap_run(tests, ARRAY_SIZE(tests));

	json_decref(replied);
	return ret;
}
