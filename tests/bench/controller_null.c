/* controller_null: the null responder, which no controller can beat: it answers each packet-in with
 * one flow-mod, always the same but for buffer id and xid, and looks at nothing else of it.
 *
 *     controller_null tcp-port | unix-path
 *
 * Its speed is the limit of the machine: of its sockets, and of the load generator. So it does with
 * each read what can be done least: one read of all there is, one look at each header, two stores
 * into an answer that lies ready, one write for all answers. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <flowbed/bytes.h>

#include "lib/base/xalloc.h"
#include "lib/io/conn_name.h"
#include "tests/bench/controller_null.h"

enum {
	READ_BYTES = 64 * 1024,
	MESSAGE_BYTES_MAX = 65535,
	PACKET_IN_BYTES_MIN = sizeof(struct ofp_packet_in),
	ANSWERS_MAX = (READ_BYTES + MESSAGE_BYTES_MAX) / PACKET_IN_BYTES_MIN + 1,
	CONTROL_BYTES = 128 * 1024,
	EVENTS_MAX = 256,
};

/* A connection with a switch. */
struct peer {
	int fd;
	uint8_t *rest; /* of a message whose end is to come */
	size_t rest_len;
	uint8_t *waits; /* what the socket did not take; nothing is read until it has */
	size_t waits_len;
};

struct responder {
	int epoll, listener;
	uint32_t xid;
	uint8_t *input;
	uint8_t *answers; /* ready to go */
	size_t answers_count;
	uint8_t *control; /* what else is said */
	size_t control_len;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "controller_null: %s: %s\n", what, strerror(errno));
	exit(3);
}

/* --- Output --- */

static void peer_close(struct peer *peer)
{
	close(peer->fd);
	free(peer->rest);
	free(peer->waits);
	free(peer);
}

static void want(struct responder *r, struct peer *peer, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = peer};

	epoll_ctl(r->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

/* Keep 'len' bytes until the socket takes them. */
static void keep(struct responder *r, struct peer *peer, const uint8_t *bytes, size_t len)
{
	peer->waits = xrealloc(peer->waits, peer->waits_len + len);
	memcpy(peer->waits + peer->waits_len, bytes, len);
	peer->waits_len += len;
	want(r, peer, EPOLLOUT);
}

/* False when the connection is broken. */
static bool put(struct responder *r, struct peer *peer, const uint8_t *bytes, size_t len)
{
	ssize_t count = 0;

	if (!peer->waits_len)
		count = write(peer->fd, bytes, len);
	if (count < 0 && errno != EAGAIN)
		return false;
	if (count < 0)
		count = 0;
	if ((size_t)count < len)
		keep(r, peer, bytes + count, len - (size_t)count);
	return true;
}

/* Send what was collected. */
static bool flush(struct responder *r, struct peer *peer)
{
	size_t answers_count = r->answers_count, control_len = r->control_len;

	r->answers_count = r->control_len = 0;
	return (!answers_count || put(r, peer, r->answers, answers_count * NULL_ANSWER_BYTES)) &&
	       (!control_len || put(r, peer, r->control, control_len));
}

/* The socket takes more of what waits. */
static bool resume(struct responder *r, struct peer *peer)
{
	ssize_t count = write(peer->fd, peer->waits, peer->waits_len);

	if (count < 0)
		return errno == EAGAIN;
	peer->waits_len -= (size_t)count;
	memmove(peer->waits, peer->waits + count, peer->waits_len);
	if (!peer->waits_len)
		want(r, peer, EPOLLIN);
	return true;
}

static void put_header(struct responder *r, uint8_t type, uint32_t xid, const uint8_t *body,
                       size_t body_len)
{
	uint8_t *bytes = r->control + r->control_len;

	bytes[0] = OFP_VERSION;
	bytes[1] = type;
	fb_set16(bytes + 2, (uint16_t)(8 + body_len));
	fb_set32(bytes + 4, xid);
	memcpy(bytes + 8, body, body_len);
	r->control_len += 8 + body_len;
}

/* --- Input --- */

static void answer(struct responder *r, const uint8_t *packet_in)
{
	uint8_t *bytes = r->answers + r->answers_count++ * NULL_ANSWER_BYTES;

	fb_set32(bytes + offsetof(struct ofp_header, xid), ++r->xid);
	memcpy(bytes + offsetof(struct ofp_flow_mod, buffer_id),
	       packet_in + offsetof(struct ofp_packet_in, buffer_id), 4);
}

static bool take_other(struct responder *r, struct peer *peer, const uint8_t *message, size_t len)
{
	if (message[1] == OFPT_HELLO)
		put_header(r, OFPT_FEATURES_REQUEST, ++r->xid, NULL, 0);
	if (message[1] != OFPT_ECHO_REQUEST)
		return true;
	if (r->control_len + len > CONTROL_BYTES && !flush(r, peer))
		return false;
	put_header(r, OFPT_ECHO_REPLY, fb_get32(message + 4), message + 8, len - 8);
	return true;
}

/* Take the messages of 'len' bytes; '*taken' becomes how many bytes they have. */
static bool take(struct responder *r, struct peer *peer, const uint8_t *bytes, size_t len,
                 size_t *taken)
{
	size_t at = 0;

	while (len - at >= sizeof(struct ofp_header)) {
		const uint8_t *message = bytes + at;
		size_t message_len = fb_get16(message + 2);

		if (message_len < sizeof(struct ofp_header))
			return false;
		if (message_len > len - at)
			break;
		if (message[1] == OFPT_PACKET_IN && message_len >= PACKET_IN_BYTES_MIN)
			answer(r, message);
		else if (!take_other(r, peer, message, message_len))
			return false;
		at += message_len;
	}
	*taken = at;
	return true;
}

static bool receive(struct responder *r, struct peer *peer)
{
	size_t len = peer->rest_len, taken;
	ssize_t count;

	memcpy(r->input, peer->rest, len);
	count = read(peer->fd, r->input + len, READ_BYTES);
	if (count <= 0)
		return count < 0 && errno == EAGAIN;
	len += (size_t)count;
	if (!take(r, peer, r->input, len, &taken))
		return false;
	peer->rest_len = len - taken;
	memcpy(peer->rest, r->input + taken, peer->rest_len);
	return flush(r, peer);
}

/* --- The program --- */

static void take_peer(struct responder *r)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct peer *peer;

	if (fd < 0)
		return;
	peer = xcalloc(1, sizeof *peer);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	peer->fd = fd;
	peer->rest = xmalloc(MESSAGE_BYTES_MAX);
	event.data.ptr = peer;
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
	put_header(r, OFPT_HELLO, ++r->xid, NULL, 0);
	if (!flush(r, peer))
		peer_close(peer);
}

static void handle(struct responder *r, struct peer *peer, uint32_t events)
{
	bool fine = true;

	if (events & EPOLLOUT)
		fine = resume(r, peer);
	else
		fine = receive(r, peer);
	if (!fine) {
		r->answers_count = r->control_len = 0;
		peer_close(peer);
	}
}

static void serve(struct responder *r)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int count = epoll_wait(r->epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				handle(r, events[i].data.ptr, events[i].events);
			else
				take_peer(r);
		}
	}
}

/* Listen on a port of 127.0.0.1 (0: any) and tell which. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t address_len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	fb_set16(&address.sin_port, port);
	fb_set32(&address.sin_addr, 0x7f000001);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &address_len) < 0)
		die("listening");
	fprintf(stderr, "controller_null: ready on ptcp:%u:127.0.0.1\n",
	        fb_get16(&address.sin_port));
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct responder r = {0};

	if (argc != 2) {
		fputs("usage: controller_null PORT\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	r.input = xmalloc(MESSAGE_BYTES_MAX + READ_BYTES);
	r.control = xmalloc(2 * CONTROL_BYTES);
	r.answers = xmalloc((size_t)ANSWERS_MAX * NULL_ANSWER_BYTES);
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		null_answer(r.answers + i * NULL_ANSWER_BYTES);
	r.epoll = epoll_create1(EPOLL_CLOEXEC);
	r.listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
	if (epoll_ctl(r.epoll, EPOLL_CTL_ADD, r.listener, &event) < 0)
		die("epoll_ctl");
	serve(&r);
}
