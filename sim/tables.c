/* Comparing the tables of switches with what they were told. See tables.h.
 *
 * What arrives waits in a list, in its order, until its fate is known: flow-mods, barriers, flow-removed
 * and the beginning of emergency mode. Then it is done to the model. */
#include "sim/tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/xalloc.h"
#include "sim/channel.h"
#include "sim/flow_model.h"

enum {
	TABLE_ALL = 0xff,
	TABLE_EMERGENCY = 0xfe,
	ERROR_TYPE_AT = 8,
	ERROR_CODE_AT = 10,
	ERROR_CAUSE_AT = 12,
	TIDY_COUNT_MIN = 4096, /* entries of a model before it is worth while */
};

/* Something that arrived. */
struct waiting {
	STAILQ_ENTRY(waiting) link;
	uint64_t time_ns;
	bool emergency; /* no message: emergency mode began */
	bool refused;
	bool undone; /* the switch never did it, and did not say so */
	size_t len;
	uint8_t bytes[];
};

STAILQ_HEAD(waiting_list, waiting);

struct table {
	struct flow_model *model;
	struct waiting_list list;
	size_t waiting_count;         /* flow-mods in the list */
	struct waiting *refused_last; /* the latest that was; NULL: none that waits */
	struct waiting *undone_last;  /* the same */
	uint64_t connected_ns;        /* when the present connection began */
	uint64_t seen;       /* of entries that a walk of the switch's table met: its number */
	size_t tidied_count; /* entries after the latest tidying */
	bool given_up;
};

struct tables {
	const struct scenario *scenario;
	struct tables_ops ops;
	struct table *switches;
	uint64_t given_up;
};

/* --- Life --- */

static void begin(struct tables *tables, uint32_t sw, uint64_t now_ns)
{
	const struct scenario_switch *from = &tables->scenario->switches[sw];

	for (size_t i = 0; i < from->flows_count; i++)
		flow_model_apply(tables->switches[sw].model, &from->flows[i].mod, now_ns, false);
}

struct tables *tables_new(const struct scenario *scenario, const struct tables_ops *ops)
{
	struct tables *tables = xcalloc(1, sizeof *tables);

	tables->scenario = scenario;
	tables->ops = *ops;
	tables->switches = xcalloc(scenario->switches_count + 1, sizeof *tables->switches);
	for (uint32_t i = 0; i < scenario->switches_count; i++) {
		STAILQ_INIT(&tables->switches[i].list);
		tables->switches[i].model = flow_model_new();
		begin(tables, i, 0);
	}
	return tables;
}

/* Take the first of those that wait; the caller frees it. */
static struct waiting *take_first(struct table *table)
{
	struct waiting *first = STAILQ_FIRST(&table->list);

	STAILQ_REMOVE_HEAD(&table->list, link);
	if (table->refused_last == first)
		table->refused_last = NULL;
	if (table->undone_last == first)
		table->undone_last = NULL;
	if (first->len && first->bytes[offsetof(struct ofp_header, type)] == OFPT_FLOW_MOD)
		table->waiting_count--;
	return first;
}

static void forget_waiting(struct table *table)
{
	while (!STAILQ_EMPTY(&table->list))
		free(take_first(table));
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables->scenario->switches_count; i++) {
		forget_waiting(&tables->switches[i]);
		flow_model_free(tables->switches[i].model);
	}
	free(tables->switches);
	free(tables);
}

uint64_t tables_given_up(const struct tables *tables)
{
	return tables->given_up;
}

/* --- Doing what waited --- */

/* The switch told that an entry expired: this one, unless it is younger than that. */
static void note_removed(struct table *table, const struct fb_flow_removed *removed,
                         uint64_t now_ns)
{
	const uint64_t lived_ns = removed->duration_sec * FB_NS_PER_S + removed->duration_nsec;
	struct flow_model_entry *entry =
	        flow_model_find(table->model, &removed->match, removed->priority, false);

	if (entry && removed->reason != OFPRR_DELETE && entry->since_ns + lived_ns <= now_ns)
		entry->told_gone = true;
}

static void do_one(struct tables *tables, struct table *table, const struct waiting *waiting)
{
	struct fb_of_error error;
	struct fb_msg msg;

	if (waiting->emergency) {
		flow_model_clear(table->model, false);
		return;
	}
	if (waiting->refused || fb_msg_decode(waiting->bytes, waiting->len, &msg, &error))
		return;
	if (msg.type == OFPT_FLOW_REMOVED) {
		note_removed(table, &msg.flow_removed, waiting->time_ns);
	} else if (msg.type == OFPT_FLOW_MOD &&
	           flow_model_apply(table->model, &msg.flow_mod, waiting->time_ns,
	                            waiting->undone) == FLOW_MODEL_FULL) {
		table->given_up = true;
		tables->given_up++;
	}
}

/* Do what waits up to 'last', or all of it (NULL). */
static void do_waiting(struct tables *tables, struct table *table, const struct waiting *last)
{
	const struct waiting *done = NULL;

	while (!STAILQ_EMPTY(&table->list) && (!last || done != last)) {
		struct waiting *waiting = take_first(table);

		do_one(tables, table, waiting);
		done = waiting; /* compared with 'last', no more */
		free(waiting);
	}
}

/* --- What arrives --- */

static struct waiting *add_waiting(struct table *table, uint64_t now_ns, const uint8_t *msg,
                                   size_t len)
{
	struct waiting *waiting = xmalloc(sizeof *waiting + len);

	*waiting = (struct waiting){.time_ns = now_ns, .len = len};
	if (len)
		memcpy(waiting->bytes, msg, len);
	STAILQ_INSERT_TAIL(&table->list, waiting, link);
	return waiting;
}

/* The reply to a barrier: what came before it is done. */
static void pass_barrier(struct tables *tables, struct table *table, uint32_t xid)
{
	const struct waiting *waiting;

	STAILQ_FOREACH(waiting, &table->list, link)
	{
		if (waiting->len &&
		    waiting->bytes[offsetof(struct ofp_header, type)] == OFPT_BARRIER_REQUEST &&
		    fb_get32(waiting->bytes + offsetof(struct ofp_header, xid)) == xid)
			break;
	}
	if (waiting)
		do_waiting(tables, table, waiting);
}

static void tidy(struct tables *tables, uint32_t sw, uint64_t now_ns);

static void take_flow_mod(struct tables *tables, uint32_t sw, uint64_t now_ns, const uint8_t *msg,
                          size_t len)
{
	struct table *table = &tables->switches[sw];

	if (table->waiting_count == TABLES_WAITING_MAX)
		while (table->waiting_count > TABLES_WAITING_MAX / 2)
			do_waiting(tables, table, STAILQ_FIRST(&table->list));
	add_waiting(table, now_ns, msg, len);
	table->waiting_count++;
	if (flow_model_count(table->model) >= TIDY_COUNT_MIN &&
	    flow_model_count(table->model) / 2 >= table->tidied_count)
		tidy(tables, sw, now_ns);
}

void tables_message(struct tables *tables, uint64_t now_ns, uint32_t sw, unsigned to,
                    const uint8_t *msg, size_t len)
{
	struct table *table = &tables->switches[sw];
	const uint8_t type = msg[offsetof(struct ofp_header, type)];

	if (table->given_up)
		return;
	if (to == CHANNEL_SWITCH) {
		if (type == OFPT_FLOW_MOD)
			take_flow_mod(tables, sw, now_ns, msg, len);
		else if (type == OFPT_BARRIER_REQUEST && table->waiting_count)
			add_waiting(table, now_ns, msg, len);
	} else if (type == OFPT_FLOW_REMOVED) {
		add_waiting(table, now_ns, msg, len);
	} else if (type == OFPT_BARRIER_REPLY) {
		pass_barrier(tables, table, fb_get32(msg + offsetof(struct ofp_header, xid)));
	}
}

/* The one that waits, after 'waiting' or from the first on, of which 'cause' is the beginning. */
static struct waiting *find_cause(const struct table *table, struct waiting *after,
                                  const uint8_t *cause, size_t len)
{
	struct waiting *waiting = after ? STAILQ_NEXT(after, link) : STAILQ_FIRST(&table->list);

	while (waiting &&
	       (waiting->refused || waiting->undone || waiting->len < len ||
	        memcmp(waiting->bytes, cause, len) != 0))
		waiting = STAILQ_NEXT(waiting, link);
	return waiting;
}

/* The flow-mod was done to the model already: nobody knows what the switch has in its place. */
static void doubt(const struct table *table, const uint8_t *cause, size_t len)
{
	struct flow_model_entry *entry;
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(cause, len, &msg, &error) || msg.type != OFPT_FLOW_MOD)
		return;
	entry = flow_model_find(table->model, &msg.flow_mod.match, msg.flow_mod.priority,
	                        msg.flow_mod.flags & OFPFF_EMERG);
	if (entry)
		entry->undone = true;
}

void tables_error(struct tables *tables, uint32_t sw, const uint8_t *msg, size_t len)
{
	struct table *table = &tables->switches[sw];
	const uint8_t *cause = msg + ERROR_CAUSE_AT;
	struct waiting *waiting;

	if (len < ERROR_CAUSE_AT + sizeof(struct ofp_header) ||
	    cause[offsetof(struct ofp_header, type)] != OFPT_FLOW_MOD)
		return;
	len -= ERROR_CAUSE_AT;
	if (fb_get16(msg + ERROR_TYPE_AT) == OFPET_BAD_REQUEST &&
	    (fb_get16(msg + ERROR_CODE_AT) == OFPBRC_BUFFER_EMPTY ||
	     fb_get16(msg + ERROR_CODE_AT) == OFPBRC_BUFFER_UNKNOWN))
		return;
	/* Errors come in the order of what they are about, but for what a switch shuffles. */
	waiting = find_cause(table, table->refused_last, cause, len);
	if (!waiting)
		waiting = find_cause(table, NULL, cause, len);
	if (!waiting) {
		doubt(table, cause, len);
		return;
	}
	waiting->refused = true;
	table->refused_last = waiting;
}

/* What is alike was done before: the latest is the one. */
void tables_message_undone(struct tables *tables, uint32_t sw, const uint8_t *msg, size_t len)
{
	struct table *table = &tables->switches[sw];
	struct waiting *waiting, *found = NULL;

	waiting = find_cause(table, table->undone_last, msg, len);
	if (!waiting)
		waiting = find_cause(table, NULL, msg, len);
	for (; waiting; waiting = find_cause(table, waiting, msg, len))
		found = waiting;
	if (!found) {
		doubt(table, msg, len);
		return;
	}
	found->undone = true;
	table->undone_last = found;
}

void tables_connected(struct tables *tables, uint64_t now_ns, uint32_t sw)
{
	struct table *table = &tables->switches[sw];

	do_waiting(tables, table, NULL);
	table->connected_ns = now_ns;
}

void tables_power(struct tables *tables, uint64_t now_ns, uint32_t sw, bool on)
{
	struct table *table = &tables->switches[sw];

	forget_waiting(table);
	flow_model_clear(table->model, true);
	table->given_up = false;
	if (on)
		begin(tables, sw, now_ns);
}

void tables_mode(struct tables *tables, uint64_t now_ns, uint32_t sw, enum datapath_mode mode)
{
	if (mode == DATAPATH_EMERGENCY)
		add_waiting(&tables->switches[sw], now_ns, NULL, 0)->emergency = true;
}

/* --- Comparing --- */

/* A walk through a switch's table. */
struct walk {
	struct tables *tables;
	struct table *table;
	uint32_t sw;
	uint64_t now_ns;
	bool tell;
};

static void tell(const struct walk *walk, enum tables_wrong wrong,
                 const struct flow_model_entry *entry, const struct fb_flow_stats *is)
{
	const struct tables_difference difference = {.wrong = wrong,
	                                             .sw = walk->sw,
	                                             .should = entry ? &entry->mod : NULL,
	                                             .is = is,
	                                             .undone = entry && entry->undone};

	walk->tables->ops.differ(walk->tables->ops.ctx, &difference);
}

static bool is_alike(const struct flow_model_entry *entry, const struct fb_flow_stats *is)
{
	const struct fb_flow_mod *mod = &entry->mod;

	if (mod->actions.len != is->actions.len ||
	    (is->actions.len && memcmp(mod->actions.data, is->actions.data, is->actions.len) != 0))
		return false;
	return entry->doubtful ||
	       (mod->cookie == is->cookie && mod->idle_timeout == is->idle_timeout &&
	        mod->hard_timeout == is->hard_timeout);
}

static bool is_overdue(const struct fb_flow_stats *is)
{
	return is->hard_timeout && (is->duration_sec > is->hard_timeout ||
	                            (is->duration_sec == is->hard_timeout && is->duration_nsec));
}

static bool compare_one(void *ctx, const struct fb_flow_stats *is)
{
	const struct walk *walk = ctx;
	struct flow_model_entry *entry = flow_model_find(
	        walk->table->model, &is->match, is->priority, is->table_id == TABLE_EMERGENCY);

	if (entry)
		entry->seen = walk->table->seen;
	if (!walk->tell)
		return true;
	if (!entry)
		tell(walk, TABLES_UNEXPECTED, NULL, is);
	else if (!is_alike(entry, is))
		tell(walk, TABLES_OTHER, entry, is);
	else if (is_overdue(is))
		tell(walk, TABLES_OVERDUE, entry, is);
	return true;
}

/* Mark in the model what the switch has. */
static void walk_switch(struct walk *walk)
{
	const struct datapath *dp = walk->tables->ops.datapath(walk->tables->ops.ctx, walk->sw);
	struct fb_flow_stats_request request = {.table_id = TABLE_ALL, .out_port = OFPP_NONE};

	walk->table->seen++;
	fb_match_any(&request.match);
	datapath_flows(dp, &request, walk->now_ns, compare_one, walk);
	request.table_id = TABLE_EMERGENCY;
	datapath_flows(dp, &request, walk->now_ns, compare_one, walk);
}

/* That the entry is gone should have been told, and was not. */
static bool is_untold(const struct table *table, const struct flow_model_entry *entry)
{
	return entry->mod.flags & OFPFF_SEND_FLOW_REM && !entry->told_gone && !entry->doubtful &&
	       table->connected_ns <= entry->since_ns;
}

/* The switch does not have the entry. True: and it will not come back. */
static bool judge_absent(const struct walk *walk, const struct flow_model_entry *entry, bool quiet)
{
	if (!entry->doubtful && !flow_model_may_be_gone(entry, walk->now_ns)) {
		if (walk->tell)
			tell(walk, TABLES_MISSING, entry, NULL);
		return false;
	}
	if (!is_untold(walk->table, entry))
		return true;
	if (walk->tell && quiet)
		tell(walk, TABLES_UNTOLD, entry, NULL);
	return false;
}

static void judge_all_absent(const struct walk *walk, bool quiet)
{
	struct flow_model *model = walk->table->model;
	struct flow_model_entry *entry = flow_model_oldest(model), *next;

	for (; entry; entry = next) {
		next = flow_model_newer(model, entry);
		if (entry->seen != walk->table->seen && judge_absent(walk, entry, quiet))
			flow_model_remove(model, entry);
	}
	walk->table->tidied_count = flow_model_count(model);
}

void tables_compare(struct tables *tables, uint32_t sw, uint64_t now_ns, bool quiet)
{
	struct table *table = &tables->switches[sw];
	struct walk walk = {
	        .tables = tables, .table = table, .sw = sw, .now_ns = now_ns, .tell = true};

	do_waiting(tables, table, NULL);
	if (table->given_up)
		return;
	walk_switch(&walk);
	judge_all_absent(&walk, quiet);
}

/* The model knows of no entry when it expires, and would grow for ever: forget those that have. */
static void tidy(struct tables *tables, uint32_t sw, uint64_t now_ns)
{
	struct walk walk = {
	        .tables = tables, .table = &tables->switches[sw], .sw = sw, .now_ns = now_ns};

	walk_switch(&walk);
	judge_all_absent(&walk, false);
}

void tables_difference_text(struct fb_text *text, const char *switch_name,
                            const struct tables_difference *difference)
{
	fb_text_puts(text, switch_name);
	switch (difference->wrong) {
	case TABLES_MISSING:
		fb_text_puts(text, " lacks ");
		break;
	case TABLES_UNEXPECTED:
		fb_text_puts(text, " has what nobody installed: ");
		break;
	case TABLES_OTHER:
		fb_text_puts(text, " has ");
		fb_text_flow_stats(text, difference->is);
		fb_text_puts(text, " in place of ");
		break;
	case TABLES_OVERDUE:
		fb_text_puts(text, " still has, though its hard timeout is over, ");
		break;
	case TABLES_UNTOLD:
		fb_text_puts(text, " has let expire, and not told, ");
		break;
	}
	if (difference->should)
		fb_text_flow_mod(text, difference->should);
	else
		fb_text_flow_stats(text, difference->is);
}
