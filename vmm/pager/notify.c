// SPDX-License-Identifier: GPL-2.0-only
/* See notify.h. */
#include "notify.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int notify_fd = -1;

/* Connect while we still may; without NOTIFY_SOCKET nobody wants to know. */
void notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len;

	if (!path || (*path != '/' && *path != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd < 0)
		return;
	if (connect(notify_fd, (struct sockaddr *)&addr,
		    offsetof(struct sockaddr_un, sun_path) + len)) {
		log_warn("%s: %s", path, strerror(errno));
		close(notify_fd);
		notify_fd = -1;
	}
}

void notify(const char *state)
{
	if (notify_fd >= 0 &&
	    send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_limited(LOG_WARNING, "service manager: %s",
			    strerror(errno));
}
