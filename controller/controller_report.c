/* What a controller tells of itself; see controller_report.h.
 *
 * Switches are asked for their tables (OFPST_TABLE) when somebody asks for the status, under an xid
 * of the controller itself, one request at a time for each switch. What comes back is kept beside
 * the switch and never reaches an application; neither does a refusal. A switch that does not answer
 * is asked again when REASK_NS have passed, and is shown without tables.
 *
 * A question that waits has a bit in each switch that has not answered, and a count of them, so that
 * whoever waits looks at one number. */
#include "controller/controller_report.h"

#include <stdlib.h>

#include "controller/core.h"
#include "lib/base/xalloc.h"
#include "lib/wire/text_parts.h"

#define REASK_NS (10 * FB_NS_PER_S)

enum {
	TABLES_MAX = 256, /* remembered of a switch */
	NAMES_BYTES = 512,
};

/* The tables of a switch, as it told them last. */
struct switch_tables {
	uint32_t xid; /* of the request */
	bool awaited; /* its reply has not come, or not wholly */
	bool partly;  /* some of it has */
	bool told;    /* all of it: 'entries' are all tables */
	uint64_t asked_ns;
	uint32_t waiting; /* 1 << number of each question that waits */
	struct fb_table_stats *entries;
	uint32_t count, size; /* entries */
	uint32_t total;       /* with those beyond TABLES_MAX */
};

/* What the controller keeps for those who ask. */
struct controller_reporter {
	struct rates rates;
	uint32_t awaits[CONTROLLER_REPORT_QUESTIONS_MAX]; /* switches, by question */
};

const struct controller_report_total controller_report_totals[] = {
#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct controller_counters, name), false                           \
	}
#define LIMIT(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct controller_counters, name), true                            \
	}
        COUNTER(connects),
        COUNTER(disconnects),
        COUNTER(replaced),
        COUNTER(moved),
        COUNTER(dpids_refused),
        COUNTER(messages_in),
        COUNTER(messages_out),
        COUNTER(packet_ins),
        COUNTER(flow_mods),
        COUNTER(packet_outs),
        COUNTER(errors_in),
        COUNTER(bad_messages),
        COUNTER(version_failures),
        COUNTER(replies_unknown),
        COUNTER(lldp_ignored),
        COUNTER(packet_ins_early),
        COUNTER(packet_ins_short),
        COUNTER(packet_ins_unhandled),
        LIMIT(sessions_refused),
        LIMIT(handshake_timeouts),
        LIMIT(echo_timeouts),
        LIMIT(stalls),
        LIMIT(pauses),
        LIMIT(requests_forgotten),
        LIMIT(ports_refused),
        LIMIT(log_lines_suppressed),
#undef COUNTER
#undef LIMIT
};
const size_t controller_report_totals_count =
        sizeof controller_report_totals / sizeof controller_report_totals[0];
_Static_assert(sizeof controller_report_totals / sizeof controller_report_totals[0] ==
                       sizeof(struct controller_counters) / sizeof(uint64_t),
               "each counter has its line");

/* --- Rates --- */

/* The order of what sessions count; that of the controller has flow-mods and packet-outs in place of
 * the bytes. */
static const char *const session_rate_names[RATES_COUNT] = {
        "packet_ins", "messages_in", "messages_out", "bytes_in", "bytes_out"};
const char *const controller_report_rate_names[RATES_COUNT] = {
        "packet_ins", "messages_in", "messages_out", "flow_mods", "packet_outs"};

static void session_counts(const struct session *session, uint64_t counts[RATES_COUNT])
{
	counts[0] = session->packet_ins_total;
	counts[1] = session->messages_in;
	counts[2] = session->messages_out;
	counts[3] = session->bytes_in;
	counts[4] = session->bytes_out;
}

static void controller_counts(const struct controller *ctl, uint64_t counts[RATES_COUNT])
{
	counts[0] = ctl->counters.packet_ins;
	counts[1] = ctl->counters.messages_in;
	counts[2] = ctl->counters.messages_out;
	counts[3] = ctl->counters.flow_mods;
	counts[4] = ctl->counters.packet_outs;
}

static struct controller_reporter *reporter_of(struct controller *ctl)
{
	if (!ctl->reporter)
		ctl->reporter = xcalloc(1, sizeof *ctl->reporter);
	return ctl->reporter;
}

void controller_report_sample(struct controller *ctl, uint64_t now_ns)
{
	uint64_t counts[RATES_COUNT];
	struct session *session;

	controller_counts(ctl, counts);
	rates_sample(&reporter_of(ctl)->rates, now_ns, counts);
	TAILQ_FOREACH(session, &ctl->sessions, link)
	{
		if (!session->rates)
			session->rates = xcalloc(1, sizeof *session->rates);
		session_counts(session, counts);
		rates_sample(session->rates, now_ns, counts);
	}
}

/* --- Asking switches for their tables --- */

static int by_dpid(const void *a, const void *b)
{
	const struct fb_switch *const *x = a, *const *y = b;
	uint64_t left = (*x)->features.datapath_id, right = (*y)->features.datapath_id;

	return left < right ? -1 : left > right;
}

/* The switches that 'wish' is about, in the order of their dpids; to be freed. */
static struct fb_switch **choose(const struct controller *ctl,
                                 const struct controller_report_wish *wish, size_t *count)
{
	struct fb_switch **chosen = xcalloc(ctl->switches_count, sizeof *chosen), *sw;

	*count = 0;
	if (wish->one_switch) {
		sw = controller_switch(ctl, wish->dpid);
		if (sw)
			chosen[(*count)++] = sw;
		return chosen;
	}
	TAILQ_FOREACH(sw, &ctl->switches, link)
	chosen[(*count)++] = sw;
	qsort(chosen, *count, sizeof *chosen, by_dpid);
	if (*count > wish->list_max)
		*count = wish->list_max;
	return chosen;
}

/* Nobody waits for 'tables' any more. */
static void release(struct controller *ctl, struct switch_tables *tables)
{
	tables->awaited = false;
	for (; tables->waiting; tables->waiting &= tables->waiting - 1)
		ctl->reporter->awaits[__builtin_ctz(tables->waiting)]--;
}

static void send_request(struct fb_switch *sw, uint64_t now_ns)
{
	struct switch_tables *tables = sw->tables;
	struct session *session = sw->session;
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REQUEST};
	struct fb_buf *out = session_out(session, sizeof(struct ofp_stats_request));
	size_t len_before = out->len;

	msg.stats_request.type = OFPST_TABLE;
	msg.xid = session_xid_of(0, session->sent++);
	if (!fb_msg_encode(out, &msg)) {
		out->overflow = false;
		return;
	}
	tables->xid = msg.xid;
	tables->awaited = true;
	tables->partly = false; /* what came of the reply before does not count */
	tables->told = false;
	tables->asked_ns = now_ns;
	session_sent(session, len_before, 0);
}

/* Ask 'sw', unless it says that it has no such statistics, or takes nothing now. */
static void ask(struct controller *ctl, struct fb_switch *sw, unsigned number, uint64_t now_ns)
{
	if (!(sw->features.capabilities & OFPC_TABLE_STATS) || sw->session->live.paused)
		return;
	if (!sw->tables)
		sw->tables = xcalloc(1, sizeof *sw->tables);
	if (!sw->tables->awaited || now_ns - sw->tables->asked_ns >= REASK_NS)
		send_request(sw, now_ns);
	if (!sw->tables->awaited || sw->tables->waiting & 1u << number)
		return;
	sw->tables->waiting |= 1u << number;
	ctl->reporter->awaits[number]++;
}

void controller_report_ask(struct controller *ctl, const struct controller_report_wish *wish,
                           unsigned number, uint64_t now_ns)
{
	struct fb_switch **chosen;
	size_t count;

	now_ns = controller_advance(ctl, now_ns);
	reporter_of(ctl);
	chosen = choose(ctl, wish, &count);
	for (size_t i = 0; i < count; i++)
		ask(ctl, chosen[i], number, now_ns);
	free(chosen);
	controller_flush(ctl);
}

bool controller_report_awaits(const struct controller *ctl, unsigned number)
{
	return ctl->reporter && ctl->reporter->awaits[number] > 0;
}

/* The question 'number' is over, also for those who have not answered. */
static void forget_question(struct controller *ctl, unsigned number)
{
	struct fb_switch *sw;

	if (!controller_report_awaits(ctl, number))
		return;
	TAILQ_FOREACH(sw, &ctl->switches, link)
	{
		if (sw->tables)
			sw->tables->waiting &= ~(1u << number);
	}
	ctl->reporter->awaits[number] = 0;
}

static void take_entries(struct switch_tables *tables, struct fb_view view)
{
	struct fb_table_stats entry;
	size_t offset = 0;

	while (fb_table_stats_next(view, &offset, &entry)) {
		tables->total++;
		if (tables->count == TABLES_MAX)
			continue;
		if (tables->count == tables->size) {
			tables->size = tables->size ? 2 * tables->size : 2;
			tables->entries =
			        xrealloc(tables->entries, tables->size * sizeof *tables->entries);
		}
		tables->entries[tables->count++] = entry;
	}
}

bool controller_report_reply(struct controller *ctl, struct fb_switch *sw, const struct fb_msg *msg)
{
	struct switch_tables *tables = sw->tables;

	if (!tables || !tables->awaited || msg->type != OFPT_STATS_REPLY ||
	    msg->xid != tables->xid || msg->stats_reply.type != OFPST_TABLE)
		return false;
	if (!tables->partly)
		tables->count = tables->total = 0;
	take_entries(tables, msg->stats_reply.entries);
	tables->partly = msg->stats_reply.flags & OFPSF_REPLY_MORE;
	if (tables->partly)
		return true;
	tables->told = true;
	release(ctl, tables);
	return true;
}

bool controller_report_refused(struct controller *ctl, struct fb_switch *sw,
                               const struct fb_msg *msg)
{
	struct switch_tables *tables = sw->tables;

	if (!tables || !tables->awaited || msg->xid != tables->xid)
		return false;
	release(ctl, tables);
	return true;
}

void controller_report_switch_gone(struct controller *ctl, struct fb_switch *sw)
{
	if (!sw->tables)
		return;
	release(ctl, sw->tables);
	free(sw->tables->entries);
	free(sw->tables);
	sw->tables = NULL;
}

/* --- Switches --- */

static void write_port(struct fb_report *report, const struct fb_phy_port *port)
{
	char names[NAMES_BYTES];
	struct fb_text text = fb_text_make(names, sizeof names);

	fb_report_begin_map(report, NULL);
	fb_report_u64(report, "port", port->port_no);
	fb_report_text(report, "name", port->name);
	fb_report_mac(report, "mac", port->hw_addr);
	fb_report_bool(report, "up",
	               !(port->config & OFPPC_PORT_DOWN) && !(port->state & OFPPS_LINK_DOWN));
	text_port_config(&text, port->config);
	fb_report_names(report, "config", names);
	text = fb_text_make(names, sizeof names);
	text_port_state(&text, port->state);
	fb_report_names(report, "state", names);
	text = fb_text_make(names, sizeof names);
	text_port_features(&text, port->curr);
	fb_report_names(report, "current", names);
	fb_report_end_map(report);
}

static void write_ports(struct fb_report *report, const struct fb_switch *sw)
{
	fb_report_begin_list(report, "ports", sw->ports_count, PORTS_MAX);
	for (uint32_t i = 0; i < sw->ports_count && fb_report_more(report); i++)
		write_port(report, &sw->ports[i]);
	fb_report_end_list(report);
}

/* A counter of all ones is not counted by the switch. */
static void write_counter(struct fb_report *report, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		fb_report_null(report, key);
	else
		fb_report_u64(report, key, value);
}

static void write_table(struct fb_report *report, const struct fb_table_stats *entry)
{
	fb_report_begin_map(report, NULL);
	fb_report_u64(report, "table", entry->table_id);
	fb_report_text(report, "name", entry->name);
	fb_report_u64(report, "active", entry->active_count);
	fb_report_u64(report, "max", entry->max_entries);
	write_counter(report, "lookups", entry->lookup_count);
	write_counter(report, "matched", entry->matched_count);
	fb_report_end_map(report);
}

static bool is_used(const struct fb_table_stats *entry)
{
	return entry->active_count > 0 ||
	       (entry->lookup_count > 0 && entry->lookup_count != UINT64_MAX);
}

/* Those that are used come first: a switch may have hundreds of which it uses one. */
static void write_tables(struct fb_report *report, const struct fb_switch *sw)
{
	const struct switch_tables *tables = sw->tables;
	uint64_t active = 0;

	if (!tables || !tables->told) {
		fb_report_null(report, "flow_entries");
		fb_report_null(report, "tables");
		return;
	}
	for (uint32_t i = 0; i < tables->count; i++)
		active += tables->entries[i].active_count;
	fb_report_u64(report, "flow_entries", active);
	fb_report_begin_list(report, "tables", tables->total, 0);
	for (int used = 1; used >= 0; used--)
		for (uint32_t i = 0; i < tables->count; i++)
			if (is_used(&tables->entries[i]) == used && fb_report_more(report))
				write_table(report, &tables->entries[i]);
	fb_report_end_list(report);
}

static void write_features(struct fb_report *report, const struct fb_features_reply *features)
{
	char names[NAMES_BYTES];
	struct fb_text text = fb_text_make(names, sizeof names);

	fb_report_begin_map(report, "features");
	fb_report_u64(report, "n_buffers", features->n_buffers);
	fb_report_u64(report, "n_tables", features->n_tables);
	text_capabilities(&text, features->capabilities);
	fb_report_names(report, "capabilities", names);
	text = fb_text_make(names, sizeof names);
	text_supported_actions(&text, features->actions);
	fb_report_names(report, "actions", names);
	fb_report_end_map(report);
}

static void write_traffic(struct fb_report *report, const struct session *session, uint64_t now_ns)
{
	uint64_t counts[RATES_COUNT], per_s[RATES_COUNT];

	session_counts(session, counts);
	rates_per_s(session->rates, session->live.connected_ns, now_ns, counts, per_s);
	fb_report_begin_map(report, "counters");
	for (int i = 0; i < RATES_COUNT; i++)
		fb_report_u64(report, session_rate_names[i], counts[i]);
	fb_report_end_map(report);
	fb_report_begin_map(report, "per_second");
	for (int i = 0; i < RATES_COUNT; i++)
		fb_report_u64(report, session_rate_names[i], per_s[i]);
	fb_report_end_map(report);
}

static void write_liveness(struct fb_report *report, const struct liveness *live, uint64_t now_ns)
{
	fb_report_begin_map(report, "liveness");
	fb_report_age(report, "silent_s", live->heard_ns, now_ns);
	fb_report_bool(report, "echo_sent", live->echo_sent);
	fb_report_u64(report, "backlog_bytes", live->backlog_bytes);
	fb_report_bool(report, "paused", live->paused);
	fb_report_end_map(report);
}

/* What each application knows of 'sw', by its name. */
static void write_knowledge(struct fb_report *report, const struct controller *ctl,
                            const struct fb_switch *sw, uint64_t now_ns)
{
	fb_report_begin_map(report, "apps");
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		const struct fb_app *app = ctl->apps[i];

		if (!app->cls->report_switch)
			continue;
		fb_report_begin_map(report, app->name);
		app->cls->report_switch(app->state, sw, report, now_ns);
		fb_report_end_map(report);
	}
	fb_report_end_map(report);
}

static void write_switch(struct fb_report *report, const struct controller *ctl,
                         const struct controller_report_wish *wish, const struct fb_switch *sw,
                         uint64_t now_ns)
{
	const struct session *session = sw->session;

	fb_report_begin_map(report, NULL);
	fb_report_dpid(report, "dpid", sw->features.datapath_id);
	fb_report_text(report, "peer", session->peer);
	fb_report_u64(report, "loop", wish->loop);
	fb_report_age(report, "connected_s", session->live.connected_ns, now_ns);
	write_liveness(report, &session->live, now_ns);
	write_features(report, &sw->features);
	write_traffic(report, session, now_ns);
	write_ports(report, sw);
	write_tables(report, sw);
	write_knowledge(report, ctl, sw, now_ns);
	fb_report_end_map(report);
}

/* --- Connections without a switch --- */

static void write_connection(struct fb_report *report, const struct controller_report_wish *wish,
                             const struct session *session, uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_text(report, "peer", session->peer);
	fb_report_u64(report, "loop", wish->loop);
	fb_report_text(report, "awaits",
	               session->state == SESSION_AWAITS_HELLO ? "HELLO" : "FEATURES_REPLY");
	fb_report_age(report, "connected_s", session->live.connected_ns, now_ns);
	fb_report_u64(report, "bytes_in", session->bytes_in);
	fb_report_end_map(report);
}

/* --- Applications --- */

static void write_option(struct fb_report *report, const struct fb_option *option, uint64_t value)
{
	char duration[NAMES_BYTES];
	struct fb_text text = fb_text_make(duration, sizeof duration);

	switch (option->type) {
	case FB_OPTION_INTEGER:
		fb_report_u64(report, option->name, value);
		break;
	case FB_OPTION_DURATION:
		app_options_duration(&text, value);
		fb_report_text(report, option->name, duration);
		break;
	case FB_OPTION_BOOL:
		fb_report_bool(report, option->name, value);
		break;
	case FB_OPTION_CHOICE:
		fb_report_text(report, option->name, option->choices[value]);
		break;
	case FB_OPTION_TEXT:
		fb_report_text(report, option->name, fb_option_text(value));
		break;
	}
}

unsigned controller_report_apps(const struct controller *ctl)
{
	return ctl->apps_count;
}

void controller_report_app(const struct controller *ctl, unsigned place, struct fb_report *report)
{
	const struct fb_app *app = ctl->apps[place];

	fb_report_text(report, "name", app->name);
	fb_report_text(report, "class", app->cls->name);
	fb_report_text(report, "summary", app->cls->summary);
	fb_report_begin_map(report, "options");
	for (size_t i = 0; i < app->cls->options_count; i++)
		write_option(report, &app->cls->options[i], app->values[i]);
	fb_report_end_map(report);
}

struct counters_of {
	struct controller_report *report;
	unsigned app;
};

static void take_counter(void *ctx, const char *name, uint64_t value)
{
	const struct counters_of *of = ctx;
	struct controller_report *report = of->report;

	if (report->app_counters_count == report->app_counters_size) {
		report->app_counters_size =
		        report->app_counters_size ? 2 * report->app_counters_size : 64;
		report->app_counters =
		        xrealloc(report->app_counters,
		                 report->app_counters_size * sizeof *report->app_counters);
	}
	report->app_counters[report->app_counters_count++] =
	        (struct controller_report_counter){.app = of->app, .name = name, .value = value};
}

static void write_instance(struct fb_report *report, const struct controller_report_wish *wish,
                           const struct fb_app *app, uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_u64(report, "loop", wish->loop);
	app->cls->report(app->state, report, now_ns);
	fb_report_end_map(report);
}

/* --- The whole --- */

/* Where the next value of the list that is open begins. */
static size_t piece_begin(const struct controller_report *report)
{
	return report->text.len + report->text.comma;
}

static void piece_end(struct controller_report *report, enum controller_report_kind kind,
                      uint64_t key, size_t offset)
{
	if (report->pieces_count == report->pieces_size) {
		report->pieces_size = report->pieces_size ? 2 * report->pieces_size : 16;
		report->pieces =
		        xrealloc(report->pieces, report->pieces_size * sizeof *report->pieces);
	}
	report->pieces[report->pieces_count++] = (struct controller_report_piece){
	        .kind = kind, .key = key, .offset = offset, .len = report->text.len - offset};
}

static void take_switches(struct controller *ctl, const struct controller_report_wish *wish,
                          struct controller_report *report, uint64_t now_ns)
{
	struct fb_switch **chosen;
	size_t count;

	chosen = choose(ctl, wish, &count);
	fb_report_begin_plain_list(&report->text, NULL);
	for (size_t i = 0; i < count && fb_report_more(&report->text); i++) {
		size_t offset = piece_begin(report);

		write_switch(&report->text, ctl, wish, chosen[i], now_ns);
		piece_end(report, CONTROLLER_REPORT_SWITCH, chosen[i]->features.datapath_id,
		          offset);
	}
	fb_report_end_plain_list(&report->text);
	free(chosen);
}

/* The newest are the likeliest to be without a switch: they are looked at first, and the pieces
 * turned round. */
static void take_connections(const struct controller *ctl,
                             const struct controller_report_wish *wish,
                             struct controller_report *report, uint64_t now_ns)
{
	size_t from = report->pieces_count, left = report->connections_count;
	const struct session *session;

	fb_report_begin_plain_list(&report->text, NULL);
	TAILQ_FOREACH_REVERSE(session, &ctl->sessions, session_list, link)
	{
		size_t offset = piece_begin(report);

		if (left == 0)
			break;
		if (session->sw)
			continue;
		if (!fb_report_more(&report->text))
			break;
		left--;
		write_connection(&report->text, wish, session, now_ns);
		piece_end(report, CONTROLLER_REPORT_CONNECTION, session->number, offset);
	}
	fb_report_end_plain_list(&report->text);
	for (size_t to = report->pieces_count; from + 1 < to; from++) {
		struct controller_report_piece piece = report->pieces[from];

		report->pieces[from] = report->pieces[--to];
		report->pieces[to] = piece;
	}
}

static void take_apps(const struct controller *ctl, const struct controller_report_wish *wish,
                      struct controller_report *report, uint64_t now_ns)
{
	fb_report_begin_plain_list(&report->text, NULL);
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct counters_of of = {.report = report, .app = i};
		const struct fb_app *app = ctl->apps[i];
		size_t offset = piece_begin(report);

		if (app->cls->counters)
			app->cls->counters(app->state, take_counter, &of);
		if (!app->cls->report)
			continue;
		write_instance(&report->text, wish, app, now_ns);
		piece_end(report, CONTROLLER_REPORT_INSTANCE, i, offset);
	}
	fb_report_end_plain_list(&report->text);
}

void controller_report_write(struct controller *ctl, const struct controller_report_wish *wish,
                             unsigned number, struct controller_report *report, uint64_t now_ns)
{
	uint64_t counts[RATES_COUNT];

	now_ns = controller_advance(ctl, now_ns);
	forget_question(ctl, number);
	*report = (struct controller_report){
	        .counters = ctl->counters,
	        .switches_count = ctl->switches_count,
	        .connections_count = ctl->sessions_count - ctl->switches_count,
	        .ready = controller_ready(ctl),
	};
	controller_counts(ctl, counts);
	rates_per_s(&reporter_of(ctl)->rates, 0, now_ns, counts, report->rates_per_s);
	fb_report_init(&report->text, wish->bytes_max, wish->list_max);
	take_apps(ctl, wish, report, now_ns);
	take_connections(ctl, wish, report, now_ns);
	take_switches(ctl, wish, report, now_ns);
}

void controller_report_destroy(struct controller_report *report)
{
	fb_report_destroy(&report->text);
	free(report->pieces);
	free(report->app_counters);
	*report = (struct controller_report){0};
}

void controller_report_free(struct controller *ctl)
{
	free(ctl->reporter);
	ctl->reporter = NULL;
}
