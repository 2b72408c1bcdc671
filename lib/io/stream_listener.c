/* Listening; see stream.h.
 *
 * Without an address one IPv6 socket takes IPv4 too; a system without IPv6 gets an IPv4 one. Where
 * accept() fails for want of descriptors or memory the listener rests a moment: the connection
 * waits in the kernel, and the loop does not spin. */
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/io/stream_private.h"

enum {
	ACCEPT_BATCH = 64, /* connections before others get their turn */
	REST_US = 100000,  /* after accept() failed */
};

struct stream_listener {
	struct event_base *base;
	struct stream_listener_ops ops;
	void *ctx;
	int fd;
	int family;
	SSL_CTX *tls; /* NULL: streams are plain */
	struct event *acceptable, *rested;
	bool failing; /* told */
	bool busy;    /* in a callback: freed after it */
	bool closed;
	char name[STREAM_NAME_BYTES];
	char path[CONN_NAME_PATH_BYTES]; /* the Unix socket's file; empty: none */
	dev_t device;                    /* of that file: only our own is removed */
	ino_t inode;
};

static void take(struct stream_listener *l, int fd, const struct sockaddr *address)
{
	struct stream *s = stream_new(l->base);

	stream_socket_init(fd, l->family);
	stream_address_text(s->peer, address, l->tls);
	stream_set_fd(s, fd);
	if (l->tls)
		stream_tls_init(s, l->tls);
	s->state = STREAM_OPEN;
	stream_enter(s);
	l->ops.accepted(l->ctx, s);
	if (stream_leave(s) && !s->adopted)
		stream_close(s, 0);
}

/* An error of the connection that was to be accepted, not of the listener. */
static bool is_passing(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPERM: /* a firewall's */
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
		return true;
	default:
		return false;
	}
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval rest = {0, REST_US};
	struct stream_listener *l = arg;

	(void)what;
	l->busy = true;
	for (int i = 0; i < ACCEPT_BATCH && !l->closed; i++) {
		struct sockaddr_storage address = {.ss_family = AF_UNIX};
		socklen_t len = sizeof address;
		int got = accept4(fd, (struct sockaddr *)&address, &len,
		                  SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (got >= 0) {
			l->failing = false;
			take(l, got, (const struct sockaddr *)&address);
			continue;
		}
		if (is_passing(errno))
			continue;
		if (errno == EAGAIN)
			break;
		event_del(l->acceptable);
		event_add(l->rested, &rest);
		if (!l->failing && l->ops.failed)
			l->ops.failed(l->ctx, strerror(errno));
		l->failing = true;
		break;
	}
	l->busy = false;
	if (l->closed)
		stream_listener_close(l);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct stream_listener *l = arg;

	(void)fd;
	(void)what;
	event_add(l->acceptable, NULL);
}

/* --- Opening --- */

/* Bind and listen at 'address'; -1 with errno. */
static int listen_at(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, error;

	if (fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, address, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6
	                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
	                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

static int listen_everywhere(uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = listen_at((const struct sockaddr *)&v6, sizeof v6);

	if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	return listen_at((const struct sockaddr *)&v4, sizeof v4);
}

static bool listen_tcp(struct stream_listener *l, const struct conn_name *name, char *error,
                       size_t error_size)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
	                                .ai_socktype = SOCK_STREAM,
	                                .ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV};
	struct evutil_addrinfo *addresses = NULL;
	char port[8];

	l->family = AF_INET;
	if (!name->host[0]) {
		l->fd = listen_everywhere(name->port);
	} else {
		snprintf(port, sizeof port, "%u", name->port);
		if (evutil_getaddrinfo(name->host, port, &hints, &addresses) != 0) {
			snprintf(error, error_size,
			         "'%s' is no address: write one of this machine's, or none for all",
			         name->host);
			return false;
		}
		l->fd = listen_at(addresses->ai_addr, (socklen_t)addresses->ai_addrlen);
		evutil_freeaddrinfo(addresses);
	}
	if (l->fd < 0) {
		snprintf(error, error_size, "cannot listen on port %u%s%s: %s", name->port,
		         name->host[0] ? " of " : "", name->host, strerror(errno));
		return false;
	}
	snprintf(l->name, sizeof l->name,
	         strchr(name->host, ':') ? "%s:%u%s[%.80s]" : "%s:%u%s%.80s",
	         l->tls ? "pssl" : "ptcp", bound_port(l->fd), name->host[0] ? ":" : "", name->host);
	return true;
}

/* True when nobody has the Unix socket open any more: any other answer than a refusal may come from
 * a socket in use, of another kind or another user's. */
static bool is_abandoned(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused = fd >= 0 &&
	               connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 &&
	               errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

/* Remove a socket that a program left behind when it was killed; nothing else. */
static void remove_abandoned(const struct sockaddr_un *address)
{
	struct stat stat;

	if (lstat(address->sun_path, &stat) == 0 && S_ISSOCK(stat.st_mode) && is_abandoned(address))
		unlink(address->sun_path);
}

static bool listen_unix(struct stream_listener *l, const struct conn_name *name, char *error,
                        size_t error_size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat stat;

	l->family = AF_UNIX;
	strcpy(address.sun_path, name->path);
	remove_abandoned(&address);
	l->fd = listen_at((const struct sockaddr *)&address, sizeof address);
	if (l->fd < 0) {
		snprintf(error, error_size, "cannot listen on '%s': %s", name->path,
		         errno == EADDRINUSE && lstat(name->path, &stat) == 0 &&
		                         !S_ISSOCK(stat.st_mode)
		                 ? "what is there is no socket: write another path"
		                 : strerror(errno));
		return false;
	}
	strcpy(l->path, name->path);
	if (lstat(l->path, &stat) == 0) {
		l->device = stat.st_dev;
		l->inode = stat.st_ino;
	}
	snprintf(l->name, sizeof l->name, "punix:%s", name->path);
	return true;
}

static bool listener_open(struct stream_listener *l, const struct conn_name *name, struct tls *tls,
                          char *error, size_t error_size)
{
	switch (name->kind) {
	case CONN_SSL:
		if (!tls) {
			snprintf(error, error_size,
			         "TLS needs a private key, a certificate and the "
			         "certificate of a CA");
			return false;
		}
		l->tls = tls_context(tls);
		SSL_CTX_up_ref(l->tls);
		return listen_tcp(l, name, error, error_size);
	case CONN_TCP:
		return listen_tcp(l, name, error, error_size);
	case CONN_UNIX:
		return listen_unix(l, name, error, error_size);
	}
	abort();
}

struct stream_listener *stream_listen(struct event_base *base, const struct conn_name *name,
                                      struct tls *tls, const struct stream_listener_ops *ops,
                                      void *ctx, char *error, size_t error_size)
{
	struct stream_listener *l = xcalloc(1, sizeof *l);

	l->base = base;
	l->ops = *ops;
	l->ctx = ctx;
	if (!listener_open(l, name, tls, error, error_size)) {
		SSL_CTX_free(l->tls);
		free(l);
		return NULL;
	}
	l->acceptable = event_new(base, l->fd, EV_READ | EV_PERSIST, on_acceptable, l);
	l->rested = event_new(base, -1, 0, on_rested, l);
	if (!l->acceptable || !l->rested)
		abort();
	event_add(l->acceptable, NULL);
	return l;
}

const char *stream_listener_name(const struct stream_listener *l)
{
	return l->name;
}

void stream_listener_close(struct stream_listener *l)
{
	struct stat stat;

	if (!l)
		return;
	l->closed = true;
	if (l->busy)
		return;
	event_free(l->acceptable);
	event_free(l->rested);
	close(l->fd);
	SSL_CTX_free(l->tls);
	if (l->path[0] && lstat(l->path, &stat) == 0 && stat.st_dev == l->device &&
	    stat.st_ino == l->inode)
		unlink(l->path);
	free(l);
}
