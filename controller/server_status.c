/* Answers "flowbed-controller status" and "tell" over a Unix socket; see server.h.
 *
 * An asker sends one line and gets one line of JSON, after which the connection ends:
 *
 *     status [limit=N] [wait_ms=N] [dpid=HEX]    server_status_answer.c
 *     tell APP WORD...                           server_tell.c
 *
 * Whoever may connect may ask. Commands are taken from root and from the user who runs the
 * controller alone, so that the socket's mode may be opened for those who only look.
 *
 * The first loop takes the question and posts a part of it to each loop, itself included. There the
 * switches are asked for their tables; when all have answered, or after 'wait_ms', the loop
 * describes what it knows in its own thread and posts the part back. With the last part the answer
 * goes out. So no thread looks into another's core, and there is no lock; a loop that is busy
 * answers late.
 *
 * Once it has asked nothing more is read, so that an asker may end its side with the question, as
 * "nc -N" does. That it went altogether shows when the answer goes out.
 *
 * Answers are bounded, each and all together: what the parts have written, and then the answer,
 * counts from its beginning to its leaving, and while there is too much of it new parts may write
 * little. Lists end there, and the answer says that it is cut.
 *
 * An asker has PATIENCE_NS to say what it wants, and again to read the answer; there are at most
 * ASKERS_MAX at a time. A question whose asker went ends by itself.
 *
 * Each loop takes samples for rates once a second, where somebody may ask. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/server_status.h"
#include "controller/server_tell.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"

#define PATIENCE_NS (5 * FB_NS_PER_S)

enum {
	ASKERS_MAX = 16,
	QUESTION_BYTES = 4096, /* or of a command */
	LIST_MAX_DEFAULT = 20,
	LIST_MAX_MAX = 10000,
	WAIT_MS_DEFAULT = 500,
	WAIT_MS_MAX = 60000,
	OUT_BYTES_MAX = 1 << 30, /* more than one answer, which are bounded elsewhere */
	ERROR_BYTES = SERVER_ERROR_BYTES,
	LAST_BYTES = 200,
	ERROR_ANSWER_BYTES_MAX = 4096,
};

struct server_status_asker {
	TAILQ_ENTRY(server_status_asker) link;
	struct server_status *status;
	struct stream *stream;
	struct event *patience;
	char line[QUESTION_BYTES];
	size_t len;                              /* of 'line', so far */
	bool asked;                              /* the line is complete */
	struct server_status_question *question; /* under way; NULL: none */
	struct server_tell *tell;                /* the same: a command */
	size_t answer_bytes;                     /* of 'bytes_under_way' */
};

struct server_status {
	struct server *server;
	struct stream_listener *listener; /* NULL: drained */
	TAILQ_HEAD(, server_status_asker) askers;
	uint32_t askers_count;
	uint32_t numbers;               /* 1 << number of each question that is under way */
	_Atomic size_t bytes_under_way; /* of parts and answers; for all threads */
	uint64_t opened_ns;
	struct server_status_counters counters;
	struct fb_log_limit denied_limit; /* of log lines about commands that are not allowed */
};

/* What a loop keeps for those who ask. */
struct server_status_loop {
	TAILQ_HEAD(, server_status_part) waiting; /* for switches */
	struct event *sampler;
};

static struct timeval timeval_of(uint64_t ns)
{
	return (struct timeval){(time_t)(ns / FB_NS_PER_S),
	                        (suseconds_t)(ns % FB_NS_PER_S / FB_NS_PER_US)};
}

/* --- Askers --- */

static void asker_free(struct server_status_asker *asker)
{
	struct server_status *status = asker->status;

	if (asker->question)
		asker->question->asker = NULL;
	if (asker->tell)
		server_tell_forget(asker->tell);
	TAILQ_REMOVE(&status->askers, asker, link);
	status->askers_count--;
	atomic_fetch_sub(&status->bytes_under_way, asker->answer_bytes);
	event_free(asker->patience);
	free(asker);
}

/* Its stream ends, after what waits has left. */
static void asker_end(struct server_status_asker *asker, uint64_t linger_ns)
{
	stream_close(asker->stream, linger_ns);
	asker_free(asker);
}

static void drop(struct server_status_asker *asker)
{
	asker->status->counters.askers_dropped++;
	asker_end(asker, 0);
}

static void on_impatient(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drop(arg);
}

static void be_patient(struct server_status_asker *asker)
{
	const struct timeval patience = timeval_of(PATIENCE_NS);

	event_add(asker->patience, &patience);
}

/* 'answer' goes out; the asker is there until it has left, so that answers that nobody reads are
 * bounded too. */
static void send_answer(struct server_status_asker *asker, const struct fb_report *answer)
{
	asker->answer_bytes = answer->len;
	atomic_fetch_add(&asker->status->bytes_under_way, answer->len);
	stream_send(asker->stream, answer->text, answer->len);
	stream_send(asker->stream, "\n", 1);
	if (stream_pending_bytes(asker->stream) == 0)
		asker_end(asker, asker->status->server->config.drain_ns);
	else
		be_patient(asker);
}

static void send_error(struct server_status_asker *asker, const char *error)
{
	struct fb_report answer;

	fb_report_init(&answer, ERROR_ANSWER_BYTES_MAX, 0);
	fb_report_begin_map(&answer, NULL);
	fb_report_text(&answer, "error", error);
	fb_report_end_map(&answer);
	send_answer(asker, &answer);
	fb_report_destroy(&answer);
}

/* The same to one that is no asker (yet, or any more): 'error' needs no escaping. */
static void send_last(struct server_status *status, struct stream *stream, const char *error)
{
	char answer[LAST_BYTES];
	int len = snprintf(answer, sizeof answer, "{\"error\":\"%s\"}\n", error);

	stream_send(stream, answer, (size_t)len);
	stream_close(stream, status->server->config.drain_ns);
}

/* --- Questions --- */

static void free_question(struct server_status_question *question)
{
	for (uint32_t i = 0; i < question->parts_count; i++) {
		struct controller_report *report = &question->parts[i].report;

		atomic_fetch_sub(&question->server->status->bytes_under_way, report->text.size);
		controller_report_destroy(report);
	}
	free(question);
}

/* The part is at its end; the last one takes the question with it. */
static bool is_last(struct server_status_part *part)
{
	return atomic_fetch_sub(&part->question->parts_on, 1) == 1;
}

/* The loop stops, and so does the server: nobody waits for an answer. */
static void give_up(struct server_status_part *part)
{
	if (is_last(part))
		free_question(part->question);
}

/* In the first loop's thread: a part has arrived. */
static void arrive(struct server_loop *loop, struct server_task *task)
{
	struct server_status_part *part = (struct server_status_part *)task;
	struct server_status_question *question = part->question;
	struct server_status *status = loop->server->status;
	struct server_status_asker *asker = question->asker;
	struct fb_report answer;

	if (!is_last(part))
		return;
	status->numbers &= ~(UINT32_C(1) << question->number);
	if (asker) {
		server_status_answer(question, &status->counters,
		                     server_now_ns() - status->opened_ns, &answer);
		asker->question = NULL;
		send_answer(asker, &answer);
		fb_report_destroy(&answer);
	}
	free_question(question);
}

/* What a part may write now. Several may ask at the same moment, and get more together. */
static size_t part_bytes(const struct server_status_part *part)
{
	struct server *server = part->loop->server;
	size_t used = atomic_load(&server->status->bytes_under_way);
	size_t share = SERVER_STATUS_ANSWER_BYTES_MAX / server->loops_count;

	if (used >= SERVER_STATUS_UNDER_WAY_BYTES_MAX)
		return SERVER_STATUS_PART_BYTES_LEFT;
	return share > SERVER_STATUS_PART_BYTES_MIN ? share : SERVER_STATUS_PART_BYTES_MIN;
}

/* In the loop's thread: describe, and give the part back. */
static void describe(struct server_status_part *part, uint64_t now_ns)
{
	struct server_loop *loop = part->loop;

	TAILQ_REMOVE(&loop->status->waiting, part, link);
	event_free(part->wait);
	part->wish.bytes_max = part_bytes(part);
	controller_report_write(loop->controller, &part->wish, part->question->number,
	                        &part->report, now_ns);
	atomic_fetch_add(&loop->server->status->bytes_under_way, part->report.text.size);
	part->conns_count = loop->conns_count;
	part->not_reading = loop->not_reading;
	part->task.run = arrive;
	server_loop_post(&loop->server->loops[0], &part->task);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	describe(arg, server_now_ns());
}

void server_status_settle(struct server_loop *loop, uint64_t now_ns)
{
	struct server_status_part *part = TAILQ_FIRST(&loop->status->waiting), *next;

	for (; part; part = next) {
		next = TAILQ_NEXT(part, link);
		if (!controller_report_awaits(loop->controller, part->question->number))
			describe(part, now_ns);
	}
}

/* In the loop's thread: ask the switches. The end of the callback looks whether all have answered.
 */
static void begin_part(struct server_loop *loop, struct server_task *task)
{
	struct server_status_part *part = (struct server_status_part *)task;
	const struct timeval wait = timeval_of(part->question->wait_ns);

	if (!loop->status) {
		give_up(part);
		return;
	}
	part->wait = event_new(loop->base, -1, 0, on_waited, part);
	if (!part->wait)
		xalloc_failed("a timer");
	event_add(part->wait, &wait);
	TAILQ_INSERT_TAIL(&loop->status->waiting, part, link);
	controller_report_ask(loop->controller, &part->wish, part->question->number,
	                      server_now_ns());
}

/* A number that no question has; false: there is none. */
static bool take_number(struct server_status *status, unsigned *number)
{
	if (status->numbers == UINT32_MAX)
		return false;
	*number = (unsigned)__builtin_ctz(~status->numbers);
	status->numbers |= UINT32_C(1) << *number;
	return true;
}
_Static_assert((int)CONTROLLER_REPORT_QUESTIONS_MAX == 32, "a bit for each");

/* Post the parts of 'like', which has none, to the loops. */
static void begin_question(struct server_status_asker *asker,
                           const struct server_status_question *like)
{
	struct server *server = asker->status->server;
	struct server_status_question *question;

	question = xcalloc(1, sizeof *question + server->loops_count * sizeof question->parts[0]);
	question->server = server;
	question->asker = asker;
	question->number = like->number;
	question->wait_ns = like->wait_ns;
	question->list_max = like->list_max;
	question->one_switch = like->one_switch;
	question->dpid = like->dpid;
	question->parts_count = server->loops_count;
	atomic_init(&question->parts_on, server->loops_count);
	asker->question = question;
	for (uint32_t i = 0; i < server->loops_count; i++) {
		struct server_status_part *part = &question->parts[i];

		part->task.run = begin_part;
		part->question = question;
		part->loop = &server->loops[i];
		part->wish = (struct controller_report_wish){
		        .loop = i,
		        .one_switch = question->one_switch,
		        .dpid = question->dpid,
		        .list_max = question->list_max,
		};
		server_loop_post(part->loop, &part->task);
	}
}

/* --- Reading a question --- */

static bool read_number(const char *text, uint64_t max, uint64_t *value)
{
	return !values_number(text, value) && *value <= max;
}

static bool read_dpid(const char *text, uint64_t *dpid)
{
	char *end;

	if (!*text || strspn(text, "0123456789abcdefABCDEF") != strlen(text) || strlen(text) > 16)
		return false;
	*dpid = strtoull(text, &end, 16);
	return !*end;
}

/* Take one "name=value". */
static bool read_word(const char *word, struct server_status_question *question)
{
	uint64_t number;

	if (strncmp(word, "limit=", 6) == 0 && read_number(word + 6, LIST_MAX_MAX, &number)) {
		question->list_max = (uint32_t)number;
		return true;
	}
	if (strncmp(word, "wait_ms=", 8) == 0 && read_number(word + 8, WAIT_MS_MAX, &number)) {
		question->wait_ns = number * FB_NS_PER_MS;
		return true;
	}
	if (strncmp(word, "dpid=", 5) == 0 && read_dpid(word + 5, &question->dpid)) {
		question->one_switch = true;
		return true;
	}
	return false;
}

/* Read what is behind "status" into '*question'; false with what is wrong in 'error'. */
static bool read_question(char *words, struct server_status_question *question,
                          char error[ERROR_BYTES])
{
	char *rest, *word = strtok_r(words, " \r", &rest);

	question->list_max = LIST_MAX_DEFAULT;
	question->wait_ns = WAIT_MS_DEFAULT * FB_NS_PER_MS;
	for (; word; word = strtok_r(NULL, " \r", &rest)) {
		if (read_word(word, question))
			continue;
		snprintf(error, ERROR_BYTES,
		         "'%.60s' is not understood: expected limit=N (at most %d), wait_ms=N (at "
		         "most %d) or dpid=HEX",
		         word, LIST_MAX_MAX, WAIT_MS_MAX);
		return false;
	}
	return true;
}

static void take_question(struct server_status_asker *asker, char *words)
{
	struct server_status *status = asker->status;
	struct server_status_question question = {0};
	char error[ERROR_BYTES];

	status->counters.questions++;
	if (!read_question(words, &question, error)) {
		send_error(asker, error);
	} else if (!take_number(status, &question.number)) {
		status->counters.askers_refused++;
		send_error(asker, "too many questions are under way: ask again");
	} else {
		begin_question(asker, &question);
	}
}

/* --- Commands --- */

/* True for one who may command: 'who' says who it is. */
static bool may_tell(const struct server_status_asker *asker, char who[SERVER_TELL_WHO_BYTES])
{
	pid_t process;
	uid_t user;

	if (!stream_peer_user(asker->stream, &user, &process)) {
		snprintf(who, SERVER_TELL_WHO_BYTES, "nobody that is known");
		return false;
	}
	snprintf(who, SERVER_TELL_WHO_BYTES, "user %ju (process %jd)", (uintmax_t)user,
	         (intmax_t)process);
	return user == 0 || user == geteuid();
}

static void deny(struct server_status_asker *asker, const char *who)
{
	struct server_status *status = asker->status;
	uint64_t suppressed;

	status->counters.commands_denied++;
	if (fb_log_limit_allows(&status->denied_limit, server_now_ns(), &suppressed))
		server_log(status->server, LOG_LEVEL_WARNING, "controller",
		           "%s tells: not allowed (%" PRIu64 " lines like this left out)", who,
		           suppressed);
	send_error(asker, "you may ask for the status, but commands are for the user who runs the "
	                  "controller, and for root");
}

static void take_command(struct server_status_asker *asker, const char *words)
{
	struct server_status *status = asker->status;
	char who[SERVER_TELL_WHO_BYTES], error[ERROR_BYTES];

	if (!may_tell(asker, who)) {
		deny(asker, who);
		return;
	}
	status->counters.commands++;
	asker->tell = server_tell_begin(status->server, asker, words, who, error);
	if (!asker->tell)
		send_error(asker, error);
}

void server_status_told(struct server_status_asker *asker, const struct fb_report *answer)
{
	asker->tell = NULL;
	if (answer->overflow)
		send_error(asker, "the answer is too large");
	else
		send_answer(asker, answer);
}

/* --- Lines --- */

/* What is behind 'word' in the line; NULL: it begins with another. */
static char *behind(char *line, const char *word)
{
	size_t len = strlen(word);

	line += strspn(line, " ");
	if (strncmp(line, word, len) != 0 || (line[len] && !strchr(" \r", line[len])))
		return NULL;
	return line + len;
}

static void take_line(struct server_status_asker *asker)
{
	char *status = behind(asker->line, "status"), *tell = behind(asker->line, "tell");

	event_del(asker->patience);
	if (status)
		take_question(asker, status);
	else if (tell)
		take_command(asker, tell);
	else
		send_error(asker, "expected 'status [limit=N] [wait_ms=N] [dpid=HEX]' or 'tell APP "
		                  "WORD...'");
}

static void on_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct server_status_asker *asker = ctx;
	char *end;

	if (asker->asked)
		return; /* there is nothing more to say */
	if (len >= sizeof asker->line - asker->len) {
		drop(asker);
		return;
	}
	memcpy(asker->line + asker->len, bytes, len);
	asker->len += len;
	end = memchr(asker->line, '\n', asker->len);
	if (!end)
		return;
	*end = '\0';
	asker->asked = true;
	stream_set_reading(asker->stream, false);
	take_line(asker);
}

/* Of an answer that was too long for one write. */
static void on_sent(void *ctx)
{
	struct server_status_asker *asker = ctx;

	if (stream_pending_bytes(asker->stream) == 0)
		asker_end(asker, asker->status->server->config.drain_ns);
}

static void on_closed(void *ctx, const char *reason)
{
	(void)reason;
	asker_free(ctx);
}

static const struct stream_ops asker_ops = {
        .received = on_received, .sent = on_sent, .closed = on_closed};

static void on_accepted(void *ctx, struct stream *stream)
{
	struct server_status *status = ctx;
	struct server_status_asker *asker;

	if (status->askers_count == ASKERS_MAX) {
		status->counters.askers_refused++;
		stream_adopt(stream, &asker_ops, NULL, LAST_BYTES);
		send_last(status, stream, "too many ask at once: ask again");
		return;
	}
	asker = xcalloc(1, sizeof *asker);
	asker->status = status;
	asker->stream = stream;
	asker->patience = event_new(status->server->base, -1, 0, on_impatient, asker);
	if (!asker->patience)
		xalloc_failed("a timer");
	TAILQ_INSERT_TAIL(&status->askers, asker, link);
	status->askers_count++;
	stream_adopt(stream, &asker_ops, asker, OUT_BYTES_MAX);
	be_patient(asker);
}

/* --- Life --- */

static void on_sample(evutil_socket_t fd, short what, void *arg)
{
	struct server_loop *loop = arg;

	(void)fd;
	(void)what;
	controller_report_sample(loop->controller, server_now_ns());
}

/* Before the loop runs. */
static void open_loop(struct server_loop *loop)
{
	const struct timeval second = {1, 0};
	struct server_status_loop *status = xcalloc(1, sizeof *status);

	TAILQ_INIT(&status->waiting);
	status->sampler = event_new(loop->base, -1, EV_PERSIST, on_sample, loop);
	if (!status->sampler || event_add(status->sampler, &second) < 0)
		xalloc_failed("a timer");
	loop->status = status;
	controller_report_sample(loop->controller, server_now_ns());
}

/* Listen on the path, for nobody but ourselves. */
static struct stream_listener *listen_on(struct server_status *status, const char *path,
                                         char *error)
{
	static const struct stream_listener_ops ops = {.accepted = on_accepted};
	char text[CONN_NAME_PATH_BYTES + sizeof "punix:"], why[SERVER_ERROR_BYTES];
	struct stream_listener *listener;
	struct conn_name name;
	mode_t mask;

	snprintf(text, sizeof text, "punix:%s", path);
	if (strlen(path) >= CONN_NAME_PATH_BYTES ||
	    !conn_name_parse_for(text, CONN_NAME_LISTEN, &name, why, sizeof why)) {
		snprintf(error, SERVER_ERROR_BYTES,
		         "--status-socket '%.100s' is no path of at most %d bytes", path,
		         CONN_NAME_PATH_BYTES - 1);
		return NULL;
	}
	mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
	listener = stream_listen(status->server->base, &name, NULL, &ops, status, why, sizeof why);
	umask(mask);
	if (!listener)
		snprintf(error, SERVER_ERROR_BYTES,
		         "--status-socket: %.300s (each controller that runs needs a path of its "
		         "own, in a folder that there is)",
		         why);
	return listener;
}

bool server_status_open(struct server *server, char *error)
{
	const char *path = server->config.status_path;
	struct server_status *status;

	if (!path)
		return true;
	status = xcalloc(1, sizeof *status);
	status->server = server;
	status->opened_ns = server_now_ns();
	TAILQ_INIT(&status->askers);
	status->listener = listen_on(status, path, error);
	if (!status->listener) {
		free(status);
		if (server->config.status_must)
			return false;
		server_log(server, LOG_LEVEL_WARNING, "controller",
		           "nobody can ask for the status: %s", error);
		return true;
	}
	server->status = status;
	for (uint32_t i = 0; i < server->loops_count; i++)
		open_loop(&server->loops[i]);
	return true;
}

void server_status_loop_drain(struct server_loop *loop)
{
	struct server_status_part *part;

	if (!loop->status)
		return;
	while ((part = TAILQ_FIRST(&loop->status->waiting))) {
		TAILQ_REMOVE(&loop->status->waiting, part, link);
		event_free(part->wait);
		give_up(part);
	}
	event_free(loop->status->sampler);
	free(loop->status);
	loop->status = NULL;
}

void server_status_drain(struct server *server)
{
	struct server_status *status = server->status;
	struct server_status_asker *asker;

	if (!status || !status->listener)
		return;
	stream_listener_close(status->listener);
	status->listener = NULL;
	while ((asker = TAILQ_FIRST(&status->askers))) {
		if (asker->question || asker->tell)
			send_last(status, asker->stream, "the controller stops");
		else
			stream_close(asker->stream, server->config.drain_ns);
		asker_free(asker);
	}
}

void server_status_free(struct server *server)
{
	free(server->status);
	server->status = NULL;
}
