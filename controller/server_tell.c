/* Commands for applications on their way through the loops; see server_tell.h.
 *
 * The first loop takes the command and posts a part of it to each loop that has applications: to
 * itself where it is the only one, to all others where there are several. There it runs in the
 * loop's own thread, as everything that an application does, and the part comes back with the
 * answer. So commands run in each loop in the order in which they came.
 *
 * An application of network scope is in one loop, and its answer is the answer. Others have an
 * instance in each loop, which mostly say the same: equal answers are told once.
 *
 *     {"app": "balancer", "done": true,
 *      "answers": [{"loops": [0], "done": true, "text": "drained: ..."}]}
 *
 * A command whose asker goes, or that has begun when the server stops, runs all the same. */
#include "controller/server_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/server_status.h"
#include "lib/base/xalloc.h"

enum {
	TEXT_BYTES = 4096,           /* of the answer of one loop */
	TEXT_LOGGED = 600,           /* characters of it, and */
	LINE_LOGGED = 300,           /*   of the command */
	ANSWER_BYTES_MAX = 16 << 20, /* of the whole, in JSON */
	LOOPS_TEXT_BYTES = 1200,     /* "1, 2, 3" */
};

/* What one loop does. It is in that loop's hands until it arrives in the first loop. */
struct part {
	struct server_task task; /* first: it is a task */
	struct server_tell *tell;
	uint32_t loop;
	bool done; /* the application has done it */
	bool told; /* by write_answers() */
	char text[TEXT_BYTES];
};

struct server_tell {
	struct server *server;
	struct server_status_asker *asker; /* NULL: gone; the first loop's */
	char who[SERVER_TELL_WHO_BYTES];
	char *line;  /* the command, for the log */
	char *words; /* the same, cut into words */
	const char *word[SERVER_TELL_WORDS_MAX];
	size_t words_count;        /* that of the application included */
	_Atomic uint32_t parts_on; /* parts that have neither arrived nor been given up */
	uint32_t parts_count;
	struct part parts[];
};

static void free_tell(struct server_tell *tell)
{
	free(tell->line);
	free(tell->words);
	free(tell);
}

/* The part is at its end; the last one takes the command with it. */
static bool is_last(struct part *part)
{
	return atomic_fetch_sub(&part->tell->parts_on, 1) == 1;
}

/* --- The answer --- */

/* From 'part' on: the same answer, not told yet. */
static struct part *next_like(struct server_tell *tell, const struct part *like, struct part *part)
{
	for (; part < tell->parts + tell->parts_count; part++)
		if (!part->told && part->done == like->done && strcmp(part->text, like->text) == 0)
			return part;
	return NULL;
}

static void log_answer(const struct server_tell *tell, const struct part *part, const char *loops)
{
	bool threads = tell->parts_count > 1;

	server_log(tell->server, LOG_LEVEL_INFO, "controller", "%s tells %.*s: %s%s%s%s%s%.*s",
	           tell->who, LINE_LOGGED, tell->line, threads ? "threads " : "",
	           threads ? loops : "", threads ? ": " : "", part->done ? "done" : "refused",
	           *part->text ? ": " : "", TEXT_LOGGED, part->text);
}

/* One answer, with all loops that gave it. */
static void write_answer(struct server_tell *tell, struct part *part, struct fb_report *answer)
{
	char loops[LOOPS_TEXT_BYTES];
	struct fb_text text = fb_text_make(loops, sizeof loops);
	const struct part *like = part;

	fb_report_begin_map(answer, NULL);
	fb_report_begin_plain_list(answer, "loops");
	for (; part; part = next_like(tell, like, part + 1)) {
		fb_text_printf(&text, "%s%" PRIu32, text.len ? ", " : "", part->loop);
		fb_report_u64(answer, NULL, part->loop);
		part->told = true;
	}
	fb_report_end_plain_list(answer);
	fb_report_bool(answer, "done", like->done);
	fb_report_text(answer, "text", like->text);
	fb_report_end_map(answer);
	log_answer(tell, like, loops);
}

static void write_answers(struct server_tell *tell, struct fb_report *answer)
{
	bool done = true;

	for (uint32_t i = 0; i < tell->parts_count; i++)
		done &= tell->parts[i].done;
	fb_report_begin_map(answer, NULL);
	fb_report_text(answer, "app", tell->word[0]);
	fb_report_bool(answer, "done", done);
	fb_report_begin_plain_list(answer, "answers");
	for (uint32_t i = 0; i < tell->parts_count; i++)
		if (!tell->parts[i].told)
			write_answer(tell, &tell->parts[i], answer);
	fb_report_end_plain_list(answer);
	fb_report_end_map(answer);
}

/* In the first loop's thread: a part has arrived. */
static void arrive(struct server_loop *loop, struct server_task *task)
{
	struct part *part = (struct part *)task;
	struct server_tell *tell = part->tell;
	struct fb_report answer;

	if (!is_last(part))
		return;
	loop->server->tells_count--;
	fb_report_init(&answer, ANSWER_BYTES_MAX, 0);
	write_answers(tell, &answer);
	if (tell->asker)
		server_status_told(tell->asker, &answer);
	fb_report_destroy(&answer);
	free_tell(tell);
}

/* --- The command --- */

/* In the loop's thread. The end of the callback sends what the application sent. */
static void run_part(struct server_loop *loop, struct server_task *task)
{
	struct part *part = (struct part *)task;
	const struct server_tell *tell = part->tell;
	struct fb_text text = fb_text_make(part->text, sizeof part->text);

	if (!loop->controller) { /* the loop stops, and so does the server */
		fb_text_puts(&text, "not done: the controller stops");
		if (is_last(part))
			free_tell(part->tell);
		return;
	}
	part->done = controller_command(loop->controller, tell->word[0], tell->word + 1,
	                                tell->words_count - 1, &text, server_now_ns()) == 0;
	part->task.run = arrive;
	server_loop_post(&loop->server->loops[0], &part->task);
}

/* Cut the line into words; false where there is none, or too many. */
static bool cut(struct server_tell *tell, char *error)
{
	char *rest, *word = strtok_r(tell->words, " \r", &rest);

	for (; word; word = strtok_r(NULL, " \r", &rest)) {
		if (tell->words_count == SERVER_TELL_WORDS_MAX) {
			snprintf(error, SERVER_ERROR_BYTES, "a command has at most %d words",
			         SERVER_TELL_WORDS_MAX);
			return false;
		}
		tell->word[tell->words_count++] = word;
	}
	if (tell->words_count == 0)
		snprintf(error, SERVER_ERROR_BYTES, "expected 'tell APP WORD...'");
	return tell->words_count > 0;
}

struct server_tell *server_tell_begin(struct server *server, struct server_status_asker *asker,
                                      const char *line, const char *who, char *error)
{
	uint32_t first = server->loops_count > 1, count = server->loops_count - first;
	struct server_tell *tell;

	if (server->tells_count == SERVER_TELL_UNDER_WAY_MAX) {
		snprintf(error, SERVER_ERROR_BYTES, "too many commands are under way: try again");
		return NULL;
	}
	tell = xcalloc(1, sizeof *tell + count * sizeof tell->parts[0]);
	tell->line = xstrdup(line + strspn(line, " "));
	tell->words = xstrdup(line);
	if (!cut(tell, error)) {
		free_tell(tell);
		return NULL;
	}
	server->tells_count++;
	tell->server = server;
	tell->asker = asker;
	snprintf(tell->who, sizeof tell->who, "%s", who);
	tell->parts_count = count;
	atomic_init(&tell->parts_on, count);
	for (uint32_t i = 0; i < count; i++) {
		tell->parts[i].task.run = run_part;
		tell->parts[i].tell = tell;
		tell->parts[i].loop = first + i;
		server_loop_post(&server->loops[first + i], &tell->parts[i].task);
	}
	return tell;
}

void server_tell_forget(struct server_tell *tell)
{
	tell->asker = NULL;
}
