/* The answer to "flowbed-controller status": what the loops have told, merged into one document.
 *
 * It is one map in JSON; <flowbed/report.h> tells what a list ("list of") looks like, and what a key
 * that ends in "_s" means. Keys may be added, never changed.
 *
 *     program, version, pid, time_s (since 1970), uptime_s, threads
 *     listeners       ["ptcp:6653", ...]
 *     connections     {count, limit}, handshakes included
 *     counters        {connects, packet_ins, ...}: of all loops together, since the start
 *     limits_reached  {connections_refused, stalls, ...}: how often, since the start
 *     per_second      {packet_ins, messages_in, messages_out, flow_mods, packet_outs}: of the last
 *                     seconds
 *     loops           [{loop, switches, connections, packet_ins_per_second}, ...]
 *     ready           no application still finds out what there is
 *     cut             lists show fewer items than were wanted: the answer would be too large
 *     apps            [{name, class, summary, options: {...}, counters: {...},
 *                     instances: [{loop, ...}]}, ...] in the order of the chain; an instance is what
 *                     an application tells beside its switches
 *     handshakes      list of connections without switch: {peer, loop, awaits, connected_s,
 *                     bytes_in}
 *     switches        list of, by dpid: {dpid, peer, loop, connected_s,
 *                       liveness: {silent_s, echo_sent, backlog_bytes, paused},
 *                       features: {n_buffers, n_tables, capabilities, actions},
 *                       counters and per_second: {packet_ins, messages_in, messages_out, bytes_in,
 *                       bytes_out},
 *                       ports: list of {port, name, mac, up, config, state, current},
 *                       flow_entries: in all tables; tables: list of {table, name, active, max,
 *                       lookups, matched}, those that are used first; both null where the switch
 *                       did not tell them,
 *                       apps: {NAME: {...}}: what each application knows of the switch}
 *
 * What applications tell is theirs: stations of learning (learning.c), links and hosts of discovery,
 * addresses, backends and sessions of the balancer (balancer_report.c). A question that cannot be answered gets
 * {"error": TEXT}. */
#include <stdlib.h>
#include <unistd.h>

#include "controller/server_status.h"
#include "lib/base/xalloc.h"

enum { REST_BYTES = 1 << 20 }; /* for what is no piece */

/* A piece of one of the parts. */
struct piece {
	const struct controller_report_piece *piece;
	const struct server_status_part *part;
};

static int by_key(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->piece->key != y->piece->key)
		return x->piece->key < y->piece->key ? -1 : 1;
	return x->part->wish.loop < y->part->wish.loop ? -1
	                                               : x->part->wish.loop > y->part->wish.loop;
}

/* All pieces of 'kind' in the order of their keys; to be freed. */
static struct piece *collect(const struct server_status_question *question,
                             enum controller_report_kind kind, size_t *count)
{
	struct piece *pieces;
	size_t size = 0;

	*count = 0;
	for (uint32_t i = 0; i < question->parts_count; i++)
		size += question->parts[i].report.pieces_count;
	pieces = xcalloc(size, sizeof *pieces);
	for (uint32_t i = 0; i < question->parts_count; i++) {
		const struct server_status_part *part = &question->parts[i];

		for (size_t j = 0; j < part->report.pieces_count; j++)
			if (part->report.pieces[j].kind == kind)
				pieces[(*count)++] = (struct piece){&part->report.pieces[j], part};
	}
	qsort(pieces, *count, sizeof *pieces, by_key);
	return pieces;
}

static void write_piece(struct fb_report *answer, const struct piece *piece)
{
	fb_report_json(answer, NULL, piece->part->report.text.text + piece->piece->offset,
	               piece->piece->len);
}

static void write_list(const struct server_status_question *question, struct fb_report *answer,
                       const char *key, enum controller_report_kind kind, uint64_t count)
{
	size_t pieces_count;
	struct piece *pieces = collect(question, kind, &pieces_count);

	fb_report_begin_list(answer, key, count, 0);
	for (size_t i = 0; i < pieces_count && fb_report_more(answer); i++)
		write_piece(answer, &pieces[i]);
	fb_report_end_list(answer);
	free(pieces);
}

/* --- The program as a whole --- */

static void write_program(const struct server_status_question *question, uint64_t uptime_ns,
                          struct fb_report *answer)
{
	struct server *server = question->server;

	fb_report_text(answer, "program", "flowbed-controller");
	fb_report_text(answer, "version", FLOWBED_VERSION);
	fb_report_u64(answer, "pid", (uint64_t)getpid());
	fb_report_duration(answer, "time_s", server_unix_ns());
	fb_report_duration(answer, "uptime_s", uptime_ns);
	fb_report_u64(answer, "threads", server->loops_count > 1 ? server->loops_count - 1 : 1);
	fb_report_begin_plain_list(answer, "listeners");
	for (uint32_t i = 0; i < server->listeners_count; i++)
		fb_report_text(answer, NULL, stream_listener_name(server->listeners[i]));
	fb_report_end_plain_list(answer);
	fb_report_begin_map(answer, "connections");
	fb_report_u64(answer, "count", atomic_load(&server->conns_count));
	fb_report_u64(answer, "limit", server->config.controller.sessions_max);
	fb_report_end_map(answer);
}

/* The totals of all parts; those of limits, or the others. */
static void write_totals(const struct server_status_question *question, bool limits,
                         struct fb_report *answer)
{
	for (size_t i = 0; i < controller_report_totals_count; i++) {
		uint64_t sum = 0;

		if (controller_report_totals[i].limit != limits)
			continue;
		for (uint32_t j = 0; j < question->parts_count; j++)
			sum += controller_report_total(&question->parts[j].report.counters, i);
		fb_report_u64(answer, controller_report_totals[i].name, sum);
	}
}

static uint64_t log_lines_lost(struct server *server)
{
	uint64_t lost;

	pthread_mutex_lock(&server->log_lock);
	lost = server->log->lost;
	pthread_mutex_unlock(&server->log_lock);
	return lost;
}

static void write_counters(const struct server_status_question *question,
                           const struct server_status_counters *counters, struct fb_report *answer)
{
	struct server *server = question->server;
	uint64_t not_reading = 0;

	for (uint32_t i = 0; i < question->parts_count; i++)
		not_reading += question->parts[i].not_reading;
	fb_report_begin_map(answer, "counters");
	write_totals(question, false, answer);
	fb_report_u64(answer, "questions", counters->questions);
	fb_report_u64(answer, "commands", counters->commands);
	fb_report_u64(answer, "commands_denied", counters->commands_denied);
	fb_report_end_map(answer);
	fb_report_begin_map(answer, "limits_reached");
	fb_report_u64(answer, "connections_refused", atomic_load(&server->conns_refused));
	fb_report_u64(answer, "connections_displaced", atomic_load(&server->conns_displaced));
	fb_report_u64(answer, "connections_cut", atomic_load(&server->conns_cut));
	fb_report_u64(answer, "accepts_failed", atomic_load(&server->accepts_failed));
	fb_report_u64(answer, "not_reading", not_reading);
	write_totals(question, true, answer);
	fb_report_u64(answer, "log_lines_lost", log_lines_lost(server));
	fb_report_u64(answer, "askers_refused", counters->askers_refused);
	fb_report_u64(answer, "askers_dropped", counters->askers_dropped);
	fb_report_u64(answer, "answers_cut", counters->answers_cut);
	fb_report_end_map(answer);
}

static void write_rates(const struct server_status_question *question, struct fb_report *answer)
{
	fb_report_begin_map(answer, "per_second");
	for (int i = 0; i < RATES_COUNT; i++) {
		uint64_t sum = 0;

		for (uint32_t j = 0; j < question->parts_count; j++)
			sum += question->parts[j].report.rates_per_s[i];
		fb_report_u64(answer, controller_report_rate_names[i], sum);
	}
	fb_report_end_map(answer);
}

static void write_loops(const struct server_status_question *question, struct fb_report *answer)
{
	fb_report_begin_plain_list(answer, "loops");
	for (uint32_t i = 0; i < question->parts_count; i++) {
		const struct server_status_part *part = &question->parts[i];

		fb_report_begin_map(answer, NULL);
		fb_report_u64(answer, "loop", part->wish.loop);
		fb_report_u64(answer, "switches", part->report.switches_count);
		fb_report_u64(answer, "connections", part->conns_count);
		fb_report_u64(answer, "packet_ins_per_second", part->report.rates_per_s[0]);
		fb_report_end_map(answer);
	}
	fb_report_end_plain_list(answer);
}

/* --- Applications --- */

/* The counters of the application at 'place', which all loops tell in the same order. Where there
 * are several loops the first of them has no applications. */
static void write_app_counters(const struct server_status_question *question, unsigned place,
                               struct fb_report *answer)
{
	uint32_t first = question->parts_count > 1;
	const struct controller_report *like = &question->parts[first].report;

	fb_report_begin_map(answer, "counters");
	for (size_t i = 0; i < like->app_counters_count; i++) {
		uint64_t sum = 0;

		if (like->app_counters[i].app != place)
			continue;
		for (uint32_t j = first; j < question->parts_count; j++)
			if (i < question->parts[j].report.app_counters_count)
				sum += question->parts[j].report.app_counters[i].value;
		fb_report_u64(answer, like->app_counters[i].name, sum);
	}
	fb_report_end_map(answer);
}

static void write_apps(const struct server_status_question *question, struct fb_report *answer)
{
	const struct server_loop *loop = &question->server->loops[question->parts_count > 1];
	size_t count;
	struct piece *instances = collect(question, CONTROLLER_REPORT_INSTANCE, &count);

	fb_report_begin_plain_list(answer, "apps");
	for (unsigned place = 0; place < controller_report_apps(loop->controller); place++) {
		fb_report_begin_map(answer, NULL);
		controller_report_app(loop->controller, place, answer);
		write_app_counters(question, place, answer);
		fb_report_begin_plain_list(answer, "instances");
		for (size_t i = 0; i < count; i++)
			if (instances[i].piece->key == place)
				write_piece(answer, &instances[i]);
		fb_report_end_plain_list(answer);
		fb_report_end_map(answer);
	}
	fb_report_end_plain_list(answer);
	free(instances);
}

/* --- The whole --- */

/* Parts are cut; what they tell fits into the answer. */
static bool is_cut(const struct server_status_question *question)
{
	for (uint32_t i = 0; i < question->parts_count; i++)
		if (question->parts[i].report.text.cut)
			return true;
	return false;
}

static bool is_ready(const struct server_status_question *question)
{
	for (uint32_t i = 0; i < question->parts_count; i++)
		if (!question->parts[i].report.ready)
			return false;
	return true;
}

static void write_all(const struct server_status_question *question,
                      const struct server_status_counters *counters, uint64_t uptime_ns,
                      struct fb_report *answer)
{
	uint64_t switches_count = 0, handshakes_count = 0;

	for (uint32_t i = 0; i < question->parts_count; i++) {
		switches_count += question->parts[i].report.switches_count;
		handshakes_count += question->parts[i].report.connections_count;
	}
	fb_report_begin_map(answer, NULL);
	write_program(question, uptime_ns, answer);
	write_counters(question, counters, answer);
	write_rates(question, answer);
	fb_report_bool(answer, "ready", is_ready(question));
	fb_report_bool(answer, "cut", is_cut(question));
	write_loops(question, answer);
	write_apps(question, answer);
	write_list(question, answer, "handshakes", CONTROLLER_REPORT_CONNECTION, handshakes_count);
	write_list(question, answer, "switches", CONTROLLER_REPORT_SWITCH, switches_count);
	fb_report_end_map(answer);
}

/* Only something of very many single values can be too large: applications by the dozen, each with
 * thousands of counters. */
void server_status_answer(const struct server_status_question *question,
                          struct server_status_counters *counters, uint64_t uptime_ns,
                          struct fb_report *answer)
{
	bool overflow = false;
	size_t bytes = 0;

	for (uint32_t i = 0; i < question->parts_count; i++) {
		overflow |= question->parts[i].report.text.overflow;
		bytes += question->parts[i].report.text.len;
	}
	counters->answers_cut += is_cut(question);
	/* Enough that no list ends here once more. */
	fb_report_init(answer, bytes + bytes / 4 + REST_BYTES, question->list_max);
	if (!overflow)
		write_all(question, counters, uptime_ns, answer);
	if (!overflow && !answer->overflow)
		return;
	fb_report_destroy(answer);
	fb_report_init(answer, REST_BYTES, 0);
	fb_report_begin_map(answer, NULL);
	fb_report_text(answer, "error", "the answer is too large: ask for less with --limit");
	fb_report_end_map(answer);
}
