/* Connecting; see stream.h. A host's name is looked up by libevent's resolver in the loop; each of
 * its addresses is tried in turn, and the last one's failure is told. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/io/stream_private.h"

/* A server that does not answer is told of before those who wait for a connection lose patience
 * (10 s), also where a search domain or two are tried first. */
#define RESOLVER_TIMEOUT_S "1.5"
#define RESOLVER_ATTEMPTS  "2"

enum { ADDRESS_PATIENCE_S = 2 }; /* with an address that is not the last */

/* A look-up that was given up lives until the resolver has called back with its cancellation. */
struct stream_connect {
	struct event_base *base;
	struct stream *stream;                     /* NULL: given up */
	struct evdns_base *dns;                    /* NULL: the host is an address */
	struct evdns_getaddrinfo_request *request; /* under way */
	struct evutil_addrinfo *addresses;         /* all of the host */
	struct evutil_addrinfo *next;              /* to be tried */
};

void stream_address_text(char text[STREAM_NAME_BYTES], const struct sockaddr *address, bool is_tls)
{
	const char *method = is_tls ? "ssl" : "tcp";
	char host[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		snprintf(text, STREAM_NAME_BYTES, "%s:%s:%u", method, host, ntohs(v4->sin_port));
	} else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host, sizeof host);
		snprintf(text, STREAM_NAME_BYTES, "%s:%s:%u", method, host, ntohs(v6->sin6_port));
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		snprintf(text, STREAM_NAME_BYTES, "%s:[%s]:%u", method, host, ntohs(v6->sin6_port));
	} else {
		strcpy(text, "unix");
	}
}

/* Messages are written whole, so waiting for more to fill a segment (Nagle) only costs time. */
void stream_socket_init(int fd, int family)
{
	int on = 1;

	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Begin to connect a new socket to 'address'. True when it is under way; else errno tells. */
static bool connect_to(struct stream *s, const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	stream_socket_init(fd, address->sa_family);
	if (connect(fd, address, len) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		errno = error;
		return false;
	}
	stream_set_fd(s, fd);
	event_add(s->writable, NULL);
	return true;
}

/* Try the addresses that are left, up to one whose outcome is open. One that does not answer is
 * given up while there are others. */
static void try_next(struct stream *s)
{
	const struct timeval patience = {ADDRESS_PATIENCE_S, 0};
	struct stream_connect *c = s->connect;
	int error = EHOSTUNREACH;

	stream_drop_fd(s);
	event_del(s->end);
	while (c->next) {
		struct evutil_addrinfo *address = c->next;

		c->next = address->ai_next;
		stream_address_text(s->peer, address->ai_addr, s->tls);
		if (connect_to(s, address->ai_addr, (socklen_t)address->ai_addrlen)) {
			if (c->next)
				event_add(s->end, &patience);
			return;
		}
		error = errno;
	}
	stream_fail_later(s, strerror(error));
}

void stream_connect_result(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (!error) {
		event_del(s->end);
		stream_connect_stop(s);
		if (s->tls)
			stream_tls_begin(s);
		else
			stream_connected(s);
	} else if (s->connect && s->connect->next) {
		try_next(s);
	} else {
		stream_fail(s, strerror(error));
	}
}

void stream_connect_overdue(struct stream *s)
{
	try_next(s);
}

static void free_resolver(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	evdns_base_free(arg, 0);
}

static void connect_free(struct stream_connect *c)
{
	const struct timeval at_once = {0, 0};

	/* A resolver is not to be freed in its own callback. */
	if (c->dns)
		event_base_once(c->base, -1, EV_TIMEOUT, free_resolver, c->dns, &at_once);
	if (c->addresses)
		evutil_freeaddrinfo(c->addresses);
	free(c);
}

void stream_connect_stop(struct stream *s)
{
	struct stream_connect *c = s->connect;

	if (!c)
		return;
	s->connect = NULL;
	c->stream = NULL;
	if (c->request)
		evdns_getaddrinfo_cancel(c->request);
	else
		connect_free(c);
}

/* What went wrong with a look-up. Libevent calls it a failure of name resolution that cannot be
 * recovered when no server answers. */
static const char *lookup_text(int result)
{
	if (result == EVUTIL_EAI_NONAME || result == EVUTIL_EAI_NODATA)
		return "there is no such name";
	if (result == EVUTIL_EAI_FAIL || result == EVUTIL_EAI_AGAIN)
		return "no name server gives an answer (those of /etc/resolv.conf are asked)";
	return evutil_gai_strerror(result);
}

static void on_addresses(int result, struct evutil_addrinfo *addresses, void *arg)
{
	struct stream_connect *c = arg;
	char reason[STREAM_REASON_BYTES];

	c->request = NULL;
	c->addresses = c->next = addresses;
	if (!c->stream) {
		connect_free(c);
	} else if (result) {
		snprintf(reason, sizeof reason, "the host's address was not found: %s",
		         lookup_text(result));
		stream_fail_later(c->stream, reason);
	} else {
		try_next(c->stream);
	}
}

/* A resolver; one that knows nothing but the hosts file where no server is configured. */
static struct evdns_base *resolver_new(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
	                                                      EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	if (!dns) {
		dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		if (!dns)
			return NULL;
		evdns_base_load_hosts(dns, "/etc/hosts");
	}
	evdns_base_set_option(dns, "timeout", RESOLVER_TIMEOUT_S);
	evdns_base_set_option(dns, "attempts", RESOLVER_ATTEMPTS);
	return dns;
}

static void connect_tcp(struct stream *s, const struct conn_name *name)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
	                                .ai_socktype = SOCK_STREAM,
	                                .ai_protocol = IPPROTO_TCP,
	                                .ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV};
	struct stream_connect *c = s->connect = xcalloc(1, sizeof *c);
	struct evdns_getaddrinfo_request *request;
	char port[8];

	c->base = s->base;
	c->stream = s;
	snprintf(port, sizeof port, "%u", name->port);
	if (evutil_getaddrinfo(name->host, port, &hints, &c->addresses) == 0) {
		c->next = c->addresses;
		try_next(s);
		return;
	}
	c->addresses = NULL;
	/* Not EVUTIL_AI_ADDRCONFIG: libevent remembers for good which families the machine had. */
	hints.ai_flags = EVUTIL_AI_NUMERICSERV;
	c->dns = resolver_new(s->base);
	if (!c->dns) {
		stream_fail_later(s, "the host's name cannot be looked up: no resolver");
		return;
	}
	/* NULL: it was called back already. */
	request = evdns_getaddrinfo(c->dns, name->host, port, &hints, on_addresses, c);
	if (request)
		c->request = request;
}

static void connect_unix(struct stream *s, const struct conn_name *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, name->path);
	if (!connect_to(s, (struct sockaddr *)&address, sizeof address))
		stream_fail_later(s, strerror(errno));
}

struct stream *stream_connect(struct event_base *base, const struct conn_name *name,
                              struct tls *tls, const struct stream_ops *ops, void *ctx,
                              size_t out_bytes_max)
{
	struct stream *s = stream_new(base);

	s->ops = *ops;
	s->ctx = ctx;
	s->out_bytes_max = out_bytes_max;
	s->state = STREAM_CONNECTING;
	switch (name->kind) {
	case CONN_SSL:
		snprintf(s->peer, sizeof s->peer, "ssl:%.80s:%u", name->host, name->port);
		if (!tls) {
			stream_fail_later(s, "TLS: there is no key and no certificate");
			break;
		}
		stream_tls_init(s, tls_context(tls));
		connect_tcp(s, name);
		break;
	case CONN_TCP:
		snprintf(s->peer, sizeof s->peer, "tcp:%.80s:%u", name->host, name->port);
		connect_tcp(s, name);
		break;
	case CONN_UNIX:
		snprintf(s->peer, sizeof s->peer, "unix:%s", name->path);
		connect_unix(s, name);
		break;
	}
	return s;
}
