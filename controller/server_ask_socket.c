/* Talks to the socket of a running controller; see server_ask_socket.h. */
#include "controller/server_ask_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <flowbed/time.h>

#include "controller/server_options.h"
#include "lib/base/xalloc.h"
#include "lib/io/system.h"

enum {
	ANSWER_BYTES_MAX = 256 << 20,
	READ_BYTES = 65536,
};

static bool fail(const struct server_ask_socket *asked, const char *what, const char *right)
{
	fprintf(stderr, "%s: no controller answers at '%s': %s%s%s\n", asked->program, asked->path,
	        what, *right ? "; " : "", right);
	return false;
}

/* The time that is left, for poll(); 0: none. */
static int left_ms(const struct server_ask_socket *asked)
{
	uint64_t now_ns = system_now_ns(), left_ns;

	if (now_ns >= asked->deadline_ns)
		return 0;
	left_ns = (asked->deadline_ns - now_ns + FB_NS_PER_MS - 1) / FB_NS_PER_MS;
	return left_ns > INT32_MAX ? INT32_MAX : (int)left_ns;
}

static const char *what_to_do(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "ask as the user who runs it, or as root";
	case EAGAIN:
		return "too many ask at once, or it is stuck";
	default:
		return "is one running? --socket PATH names another place, that of its "
		       "--status-socket";
	}
}

static bool find_path(struct server_ask_socket *asked)
{
	if (!asked->path && server_status_path(asked->own_path, sizeof asked->own_path))
		asked->path = asked->own_path;
	if (!asked->path)
		fprintf(stderr,
		        "%s: there is no place where a controller of this user would be "
		        "($XDG_RUNTIME_DIR is not set): --socket PATH names one\n",
		        asked->program);
	return asked->path;
}

static bool connect_to(struct server_ask_socket *asked)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {(time_t)(asked->timeout_ns / FB_NS_PER_S),
	                          (suseconds_t)(asked->timeout_ns % FB_NS_PER_S / FB_NS_PER_US)};

	asked->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (asked->fd < 0)
		return fail(asked, strerror(errno), "");
	/* So long connect() waits where many others do. */
	setsockopt(asked->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	memcpy(address.sun_path, asked->path, strlen(asked->path) + 1);
	if (connect(asked->fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return fail(asked, strerror(errno), what_to_do(errno));
	return true;
}

/* A controller that has too many askers answers before it has read: that answer is read next. */
static bool send_line(const struct server_ask_socket *asked, const char *line)
{
	ssize_t len = (ssize_t)strlen(line);

	if (send(asked->fd, line, (size_t)len, MSG_NOSIGNAL) != len && errno != EPIPE)
		return fail(asked, strerror(errno), "");
	return true;
}

/* Read what has come. False at the end, or when it failed ('*failed'). */
static bool receive_some(struct server_ask_socket *asked, bool *failed)
{
	ssize_t got;

	if (asked->size - asked->len < READ_BYTES) {
		asked->size = asked->size ? 2 * asked->size : 2 * READ_BYTES;
		asked->answer = xrealloc(asked->answer, asked->size);
	}
	got = recv(asked->fd, asked->answer + asked->len, READ_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	*failed = got < 0 || asked->len > ANSWER_BYTES_MAX;
	if (*failed)
		fail(asked, got < 0 ? strerror(errno) : "the answer has no end", "");
	if (got <= 0 || *failed)
		return false;
	asked->len += (size_t)got;
	return true;
}

static bool receive_answer(struct server_ask_socket *asked)
{
	struct pollfd poll_fd = {.fd = asked->fd, .events = POLLIN};
	bool failed = false, more = true;

	while (more) {
		int ready = poll(&poll_fd, 1, left_ms(asked));

		if (ready == 0)
			return fail(asked, "the time is over",
			            "it is busy or stuck: --timeout gives it longer");
		if (ready > 0)
			more = receive_some(asked, &failed);
		else if (errno != EINTR)
			return fail(asked, strerror(errno), "");
	}
	if (failed)
		return false;
	/* The line is complete, or the controller ended while it wrote. */
	if (asked->len < 2 || asked->answer[asked->len - 1] != '\n')
		return fail(asked, "the answer is cut", "the controller ended, or gave up");
	asked->answer[--asked->len] = '\0';
	return true;
}

bool server_ask_socket_talk(struct server_ask_socket *asked, const char *line)
{
	bool answered;

	asked->fd = -1;
	if (!find_path(asked))
		return false;
	asked->deadline_ns = fb_time_after(system_now_ns(), asked->timeout_ns);
	answered = connect_to(asked) && send_line(asked, line) && receive_answer(asked);
	if (asked->fd >= 0)
		close(asked->fd);
	return answered;
}

void server_ask_socket_destroy(struct server_ask_socket *asked)
{
	free(asked->answer);
	asked->answer = NULL;
}
