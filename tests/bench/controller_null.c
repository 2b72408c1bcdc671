/* controller_null: the null responder, which no controller can beat: it answers each packet-in with
 * one flow-mod, always the same but for buffer id and xid, and looks at nothing else of it. See
 * controller_null --help.
 *
 * Its speed is the limit of the machine: of its sockets, and of the load generator. So it does with
 * each read what can be done least: one read of all there is, one look at each header, two stores
 * into an answer that lies ready, one write for all answers.
 *
 * For tests of the load generator it also gives other answers, and wrong ones
 * (controller_null_answers.c); those are made one by one. */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <flowbed/bytes.h>

#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"
#include "lib/io/conn_name.h"
#include "lib/io/options.h"
#include "tests/bench/controller_null.h"

enum {
	READ_BYTES = 64 * 1024,
	MESSAGE_BYTES_MAX = 65535,
	PACKET_IN_BYTES_MIN = sizeof(struct ofp_packet_in),
	ANSWERS_MAX = (READ_BYTES + MESSAGE_BYTES_MAX) / PACKET_IN_BYTES_MIN + 1,
	CONTROL_BYTES = 128 * 1024,
	EVENTS_MAX = 256,
	WRONG_EACH = 100, /* one of so many answers is wrong, where any is */
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
	enum null_kind kind;
	enum null_wrong wrong;
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
	if (body_len)
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

/* An answer that does not lie ready. */
static bool make_answer(struct responder *r, struct peer *peer, const uint8_t *packet_in,
                        size_t len)
{
	uint8_t *bytes;
	size_t bytes_len;

	if (r->control_len + NULL_ANSWERS_BYTES_MAX > CONTROL_BYTES && !flush(r, peer))
		return false;
	bytes = r->control + r->control_len;
	bytes_len = null_answers_put(bytes, r->kind, packet_in, len, ++r->xid);
	if (r->wrong && r->xid % WRONG_EACH == 0)
		bytes_len = null_answers_spoil(bytes, bytes_len, r->wrong);
	r->control_len += bytes_len;
	return true;
}

/* Any message but a packet-in that gets the answer that lies ready. */
static bool take_other(struct responder *r, struct peer *peer, const uint8_t *message, size_t len)
{
	if (message[1] == OFPT_PACKET_IN && len >= PACKET_IN_BYTES_MIN)
		return make_answer(r, peer, message, len);
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
	uint8_t ready_type = r->kind == NULL_FIXED && !r->wrong ? OFPT_PACKET_IN : UINT8_MAX;
	size_t at = 0;

	while (len - at >= sizeof(struct ofp_header)) {
		const uint8_t *message = bytes + at;
		size_t message_len = fb_get16(message + 2);

		if (message_len < sizeof(struct ofp_header))
			return false;
		if (message_len > len - at)
			break;
		if (message[1] == ready_type && message_len >= PACKET_IN_BYTES_MIN)
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

static _Noreturn void serve(struct responder *r)
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

static int listen_tcp(struct conn_name *name)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t address_len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	fb_set16(&address.sin_port, name->port);
	fb_set32(&address.sin_addr, INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &address_len) < 0)
		die("listening");
	fprintf(stderr, "controller_null: ready on ptcp:%u:127.0.0.1\n",
	        fb_get16(&address.sin_port));
	return fd;
}

static int listen_unix(const struct conn_name *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", name->path);
	unlink(name->path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		die("listening");
	fprintf(stderr, "controller_null: ready on punix:%s\n", name->path);
	return fd;
}

static void start(struct responder *r, struct conn_name *name)
{
	struct epoll_event event = {.events = EPOLLIN};

	signal(SIGPIPE, SIG_IGN);
	r->input = xmalloc(MESSAGE_BYTES_MAX + READ_BYTES);
	r->control = xmalloc(2 * CONTROL_BYTES);
	r->answers = xmalloc((size_t)ANSWERS_MAX * NULL_ANSWER_BYTES);
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		null_answer(r->answers + i * NULL_ANSWER_BYTES);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->listener = name->kind == CONN_UNIX ? listen_unix(name) : listen_tcp(name);
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &event) < 0)
		die("epoll_ctl");
}

/* --- The command line --- */

enum { OPTION_ANSWER = 256, OPTION_WRONG };

static const struct option long_options[] = {
        {"answer", required_argument, NULL, OPTION_ANSWER},
        {"wrong", required_argument, NULL, OPTION_WRONG},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {.program = "controller_null", .table = long_options};

static void usage(void)
{
	fputs("usage: controller_null [OPTION...] ptcp:PORT | punix:PATH\n"
	      "\n"
	      "Answers each packet-in with one flow-mod, always the same but for buffer id and "
	      "xid. Listens on 127.0.0.1.\n"
	      "\n"
	      "      --answer KIND  fixed (default), or, as controller_load expects of an "
	      "application, learning, hub or\n"
	      "                     balancer\n"
	      "      --wrong WHAT   every hundredth answer is wrong: buffer, port, match, address, "
	      "twice, never, entry\n"
	      "                     or no-entry\n"
	      "  -h, --help         this text\n",
	      stdout);
}

/* The place of 'text' among 'count' names, or 'count'. */
static unsigned place_of(const char *text, const char *const *names, unsigned count)
{
	unsigned i = 0;

	while (i < count && strcmp(text, names[i]) != 0)
		i++;
	return i;
}

static bool take_option(struct responder *r, int option, const char *text)
{
	static const char *const kinds[NULL_KINDS] = {"fixed", "learning", "hub", "balancer"};
	static const char *const wrongs[NULL_WRONGS] = {"nothing", "buffer",  "port",
	                                                "match",   "address", "twice",
	                                                "never",   "entry",   "no-entry"};

	if (option == OPTION_ANSWER) {
		r->kind = (enum null_kind)place_of(text, kinds, NULL_KINDS);
		return r->kind < NULL_KINDS ||
		       options_wrong(&table, option, text,
		                     "write fixed, learning, hub or balancer");
	}
	r->wrong = (enum null_wrong)place_of(text, wrongs, NULL_WRONGS);
	return r->wrong < NULL_WRONGS ||
	       options_wrong(&table, option, text,
	                     "write nothing, buffer, port, match, address, twice, never, entry or "
	                     "no-entry");
}

static int complain(const char *why)
{
	fprintf(stderr, "controller_null: %s\n", why);
	return 2;
}

int main(int argc, char **argv)
{
	struct responder r = {0};
	struct conn_name name;
	char line[256];
	struct fb_text text = fb_text_make(line, sizeof line);
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'h') {
			usage();
			return 0;
		}
		if (option == '?' || option == ':') {
			bad_option_text(&text, long_options, option, optopt, argv[optind - 1]);
			return complain(line);
		}
		if (!take_option(&r, option, optarg))
			return 2;
	}
	if (argc - optind != 1)
		return complain("one place to listen on is wanted, as ptcp:6653");
	if (!conn_name_parse_for(argv[optind], CONN_NAME_LISTEN, &name, line, sizeof line))
		return complain(line);
	start(&r, &name);
	serve(&r);
}
