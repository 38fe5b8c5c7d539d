// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection is read-only: the listener asks libvirt what domains look like
 * and changes partitions by itself. All runs in one thread, in libvirt's loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "domain_apply.h"
#include "domain_rules.h"
#include "error.h"
#include "live.h"
#include "listen.h"

/* Milliseconds between attempts to connect, and looks at <numatune>. */
#define RETRY_MS 2000
/* Seconds after which libvirt is asked whether it lives, and how often. */
#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 3

/**
 * struct listener - all there is
 * @uri: of libvirt
 * @conn: to it, or NULL
 * @lost: @conn is of no use any more
 * @stop: a signal has come
 * @told: that libvirt cannot be reached has been said
 * @timer: of attempts to connect
 * @live: whose vCPUs are put where their memory is
 * @follow: timer of that
 */
struct listener {
	const char *uri;
	virConnectPtr conn;
	bool lost;
	bool stop;
	bool told;
	int timer;
	struct live live;
	int follow;
};

/* ---- a domain ---------------------------------------------------------------- */

static int apply(const struct domain *dom)
{
	struct domain_settings set = { 0 };
	int ret;

	ret = domain_settings_read(&set, dom);
	if (!ret)
		ret = domain_schema_check(dom);
	if (!ret)
		ret = domain_home_check(dom, &set, "/sys");
	if (!ret)
		ret = domain_apply(dom, &set);
	if (!ret)
		domain_home_note(dom, &set, "/sys");
	domain_settings_free(&set);
	return ret;
}

/*
 * @changed: they were changed just now, so none means defaults. Else a domain
 * that has none is left alone: somebody may have set its partition by hand.
 */
static int handle(struct listener *l, virDomainPtr domain, bool changed)
{
	char *xml = virDomainGetXMLDesc(domain, 0);
	struct domain dom;
	int ret;

	/* It may have ended. */
	if (!xml)
		return 0;
	ret = domain_parse(&dom, NULL, xml, strlen(xml));
	if (!ret)
		live_add(&l->live, domain, &dom);
	if (!ret && (dom.settings || (changed && domain_in_files(&dom)))) {
		ret = apply(&dom);
		if (!ret)
			printf("%s: settings applied\n", dom.source);
		fflush(stdout);
	}
	domain_free(&dom);
	free(xml);
	return ret;
}

static int handle_all(struct listener *l)
{
	virDomainPtr *domains;
	int count, i, ret = 0;

	count = virConnectListAllDomains(l->conn, &domains,
					 VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (count < 0)
		return -EIO;
	for (i = 0; i < count; i++) {
		if (handle(l, domains[i], false))
			ret = -EIO;
		virDomainFree(domains[i]);
	}
	free(domains);
	return ret;
}

/* ---- events ------------------------------------------------------------------ */

static void on_metadata(virConnectPtr conn, virDomainPtr domain, int type,
			const char *uri, void *opaque)
{
	if (type != VIR_DOMAIN_METADATA_ELEMENT || !uri ||
	    strcmp(uri, DOMAIN_NAMESPACE))
		return;
	if (virDomainIsActive(domain) == 1)
		handle(opaque, domain, true);
}

/* The hook has applied its settings, or does so just now. */
static void on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event,
			 int detail, void *opaque)
{
	struct listener *l = opaque;
	struct domain dom;
	char *xml;

	if (event != VIR_DOMAIN_EVENT_STARTED &&
	    event != VIR_DOMAIN_EVENT_RESUMED)
		return;
	xml = virDomainGetXMLDesc(domain, 0);
	if (!xml)
		return;
	if (!domain_parse(&dom, NULL, xml, strlen(xml)))
		live_add(&l->live, domain, &dom);
	domain_free(&dom);
	free(xml);
}

/* <numatune> has other nodes by now, which are its homes. */
static void on_tuned(virDomainPtr domain, void *opaque)
{
	handle(opaque, domain, false);
}

/* Its vCPUs were pinned otherwise. Nothing is set: homes may be somebody's by now. */
static void on_pinned(struct listener *l, virDomainPtr domain)
{
	char *xml = virDomainGetXMLDesc(domain, 0);
	struct domain_settings set = { 0 };
	struct domain dom;

	if (!xml)
		return;
	if (!domain_parse(&dom, NULL, xml, strlen(xml)) &&
	    domain_in_files(&dom) && !domain_settings_read(&set, &dom))
		domain_home_note(&dom, &set, "/sys");
	live_again(&l->live, domain);
	domain_settings_free(&set);
	domain_free(&dom);
	free(xml);
}

static void on_tunable(virConnectPtr conn, virDomainPtr domain,
		       virTypedParameterPtr params, int n, void *opaque)
{
	static const char pin[] = "cputune.vcpupin";
	int i;

	for (i = 0; i < n; i++) {
		if (!strncmp(params[i].field, pin, strlen(pin))) {
			on_pinned(opaque, domain);
			return;
		}
	}
}

/* tarn-vmm has done all by itself when it tells. */
static bool resets_itself(const struct domain *dom)
{
	char *path = domain_text(dom, "/domain/devices/emulator");
	const char *name = path ? strrchr(path, '/') : NULL;
	bool itself = name && !strcmp(name, "/tarn-vmm");

	free(path);
	return itself;
}

static void on_reset(virConnectPtr conn, virDomainPtr domain, void *opaque)
{
	char *xml = virDomainGetXMLDesc(domain, 0);
	struct domain dom;

	if (!xml)
		return;
	if (!domain_parse(&dom, NULL, xml, strlen(xml)) &&
	    domain_in_files(&dom) && !resets_itself(&dom) &&
	    domain_reset(&dom) > 0)
		printf("%s: it was reset, and its VM attached anew\n",
		       dom.source);
	fflush(stdout);
	domain_free(&dom);
	free(xml);
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
	struct listener *l = opaque;

	l->lost = true;
}

static void on_signal(int watch, int fd, int events, void *opaque)
{
	struct listener *l = opaque;

	l->stop = true;
}

/* ---- the connection ----------------------------------------------------------- */

/* libvirt's own messages come from err() alone. */
static void quiet(void *opaque, virErrorPtr error)
{
}

static void disconnect(struct listener *l)
{
	if (l->conn)
		virConnectClose(l->conn);
	l->conn = NULL;
	l->lost = false;
}

static int subscribe(struct listener *l)
{
	if (virConnectRegisterCloseCallback(l->conn, on_close, l, NULL) ||
	    virConnectDomainEventRegisterAny(
		    l->conn, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
		    VIR_DOMAIN_EVENT_CALLBACK(on_metadata), l, NULL) < 0 ||
	    virConnectDomainEventRegisterAny(
		    l->conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		    VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), l, NULL) < 0 ||
	    virConnectDomainEventRegisterAny(
		    l->conn, NULL, VIR_DOMAIN_EVENT_ID_TUNABLE,
		    VIR_DOMAIN_EVENT_CALLBACK(on_tunable), l, NULL) < 0 ||
	    virConnectDomainEventRegisterAny(
		    l->conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT,
		    VIR_DOMAIN_EVENT_CALLBACK(on_reset), l, NULL) < 0)
		return -EIO;
	/* A local libvirt may know no keepalive; it closes the socket instead. */
	virConnectSetKeepAlive(l->conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
	return 0;
}

static int connect_once(struct listener *l)
{
	l->conn = virConnectOpenReadOnly(l->uri);
	if (l->conn && !subscribe(l)) {
		l->told = false;
		printf("listening to %s\n", l->uri);
		fflush(stdout);
		/* Changes that were made meanwhile. */
		handle_all(l);
		return 0;
	}
	if (!l->told)
		err("%s: %s; it is tried again until it works", l->uri,
		    virGetLastErrorMessage());
	l->told = true;
	disconnect(l);
	return -EIO;
}

static void on_timer(int timer, void *opaque)
{
	struct listener *l = opaque;

	if (l->lost)
		disconnect(l);
	if (!l->conn)
		connect_once(l);
	else
		live_tuned(&l->live, l->conn, on_tuned, l);
}

/* libvirt need not be there for that. */
static void on_follow(int timer, void *opaque)
{
	struct listener *l = opaque;

	virEventUpdateTimeout(timer, live_look(&l->live));
}

/* ---- running ------------------------------------------------------------------ */

static int watch_signals(struct listener *l)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_errno(-errno, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(-errno, "wait for signals");
	if (virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_signal, l,
			      NULL) < 0) {
		close(fd);
		return err_nomem();
	}
	return 0;
}

static int serve(struct listener *l)
{
	int ret = watch_signals(l);

	if (ret)
		return ret;
	l->timer = virEventAddTimeout(RETRY_MS, on_timer, l, NULL);
	l->follow = virEventAddTimeout(live_look(&l->live), on_follow, l,
				       NULL);
	if (l->timer < 0 || l->follow < 0)
		return err_nomem();
	connect_once(l);
	while (!l->stop) {
		if (virEventRunDefaultImpl() < 0) {
			err("the event loop: %s", virGetLastErrorMessage());
			ret = -EIO;
			break;
		}
	}
	disconnect(l);
	return ret;
}

static int run_once(struct listener *l)
{
	int ret;

	l->conn = virConnectOpenReadOnly(l->uri);
	if (!l->conn) {
		err("%s: %s", l->uri, virGetLastErrorMessage());
		return -EIO;
	}
	ret = handle_all(l);
	disconnect(l);
	return ret;
}

int listen_run(const char *uri, int once, enum home_dispatch dispatch)
{
	struct listener l = { .uri = uri };
	int ret;

	virSetErrorFunc(NULL, quiet);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
		err("libvirt's library: %s", virGetLastErrorMessage());
		return -EIO;
	}
	live_init(&l.live, dispatch);
	ret = once ? run_once(&l) : serve(&l);
	live_exit(&l.live);
	return ret;
}
