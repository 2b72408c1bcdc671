/* The queues and flow entries that switches begin with, held against the network. See
 * scenario_loader.h.
 *
 * Both name ports, which links bring: so they are looked at once links have been read. Each entry is
 * held against ports, queues, the fail mode and the entries before it, then tried on a datapath,
 * which says the same as it would say in a run. No mistake hides another: an entry with wrong
 * actions is tried without them, since those after it may overlap it, and where links are missing
 * because of mistakes every port that is named counts as there. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/action.h>

#include "lib/base/xalloc.h"
#include "sim/scenario_loader.h"

/* A switch that is being tried. */
struct trial {
	struct loader *loader;
	const struct scenario_switch *sw;
	struct datapath *dp;
	struct fb_table *entries; /* struct entry: those so far */
	bool emergency_told;      /* that its emergency entries never take effect, */
	bool full_told;           /* that they are too many */
};

/* An entry of the switch: what it is known by, without padding, and its line. */
struct entry {
	uint32_t wildcards, nw_src, nw_dst;
	uint16_t in_port, dl_vlan, dl_type, tp_src, tp_dst, priority;
	uint8_t dl_src[FB_MAC_BYTES], dl_dst[FB_MAC_BYTES];
	uint8_t dl_vlan_pcp, nw_tos, nw_proto, is_emergency;
	uint32_t line; /* not of the key */
};

enum { ENTRY_KEY_BYTES = offsetof(struct entry, line) };

/* --- A datapath to try on --- */

static enum datapath_sent trial_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                       struct frame *frame)
{
	(void)ctx;
	(void)port_no;
	(void)queue_id;
	(void)frame;
	return DATAPATH_SENT;
}

static void trial_packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	(void)ctx;
	(void)pi;
	(void)miss;
}

static void trial_flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	(void)ctx;
	(void)fr;
}

static void trial_port_status(void *ctx, const struct fb_port_status *ps)
{
	(void)ctx;
	(void)ps;
}

/* Tell that the switch has no port 'port_no', and which it has. */
static void no_port(const struct trial *trial, struct position at, uint16_t port_no)
{
	const struct fb_phy_port *port;
	char list[100];
	struct fb_text text = fb_text_make(list, sizeof list);

	for (size_t i = 0; !text.cut && (port = datapath_port_at(trial->dp, i)) != NULL; i++)
		fb_text_printf(&text, "%s%u", i ? ", " : "", port->port_no);
	problems_add(trial->loader->problems, at,
	             "switch '%s' has no port %u: its links give it %s%s", trial->sw->name, port_no,
	             text.len ? list : "none", text.cut ? "..." : "");
}

/* --- Queues --- */

static void try_queue(const struct trial *trial, const struct scenario_queue *queue)
{
	struct problems *problems = trial->loader->problems;
	const struct scenario_queue *first = trial->sw->queues;
	uint32_t guaranteed = 0;

	if (!datapath_port(trial->dp, queue->port)) {
		no_port(trial, queue->at, queue->port);
		return;
	}
	if (!datapath_add_queue(trial->dp, queue->port, queue->id, queue->min_rate_permille))
		return;
	while (first->port != queue->port || first->id != queue->id)
		first++;
	if (first != queue) {
		problems_add(problems, queue->at,
		             "queue %u of port %u is there already, in line %u: give it another "
		             "number",
		             queue->id, queue->port, first->at.line);
		return;
	}
	for (first = trial->sw->queues; first <= queue; first++)
		if (first->port == queue->port && first->min_rate_permille <= LINK_QUEUE_RATE_ALL)
			guaranteed += first->min_rate_permille;
	if (guaranteed > LINK_QUEUE_RATE_ALL)
		problems_add(problems, queue->at,
		             "the queues of port %u are guaranteed %u.%u%% of it together: lower "
		             "one, so that it is at most 100%%",
		             queue->port, guaranteed / 10, guaranteed % 10);
	else
		problems_add(problems, queue->at, "more than %d queues at port %u: leave some out",
		             DATAPATH_QUEUES_MAX, queue->port);
}

/* True when the file gives the port that queue; it may be wrong, which is told there. */
static bool file_has_queue(const struct scenario_switch *sw, uint16_t port_no, uint32_t queue_id)
{
	for (size_t i = 0; i < sw->queues_count; i++)
		if (sw->queues[i].port == port_no && sw->queues[i].id == queue_id)
			return true;
	return sw->queues_wrong;
}

static bool datapath_has_queue(const struct datapath *dp, uint16_t port_no, uint32_t queue_id)
{
	const struct datapath_queue *queue;

	for (size_t i = 0; (queue = datapath_queue_at(dp, port_no, i)) != NULL; i++)
		if (queue->queue_id == queue_id)
			return true;
	return false;
}

/* --- Flows --- */

/* The physical port that the action names; 0: none. */
static uint16_t action_port(const struct fb_action *action)
{
	uint16_t port_no = 0;

	if (action->type == OFPAT_OUTPUT)
		port_no = action->output.port;
	else if (action->type == OFPAT_ENQUEUE)
		port_no = action->enqueue.port;
	return port_no < OFPP_MAX ? port_no : 0;
}

/* True when the switch has all that the entry's actions name. */
static bool check_actions(const struct trial *trial, const struct scenario_flow *flow)
{
	struct problems *problems = trial->loader->problems;
	struct fb_action action;
	size_t offset = 0;
	bool sound = true;

	while (fb_action_next(flow->actions, flow->mod.actions.len, &offset, &action)) {
		const uint16_t port_no = action_port(&action);

		if (action.type == OFPAT_OUTPUT && action.output.port == OFPP_CONTROLLER &&
		    !trial->loader->scenario->controller.at.line)
			problems_add(problems, flow->at,
			             "the action 'controller' sends to nobody: name one, as "
			             "controller: learning, or leave the action out");
		if (port_no && !datapath_port(trial->dp, port_no)) {
			no_port(trial, flow->at, port_no);
			sound = false;
		} else if (port_no && action.type == OFPAT_ENQUEUE &&
		           !datapath_has_queue(trial->dp, port_no, action.enqueue.queue_id)) {
			if (!file_has_queue(trial->sw, port_no, action.enqueue.queue_id))
				problems_add(problems, flow->at,
				             "port %u has no queue %u: add it to 'queues'", port_no,
				             action.enqueue.queue_id);
			sound = false;
		}
	}
	return sound;
}

/* Entries that can never be in force. */
static void check_emergency(struct trial *trial, const struct scenario_flow *flow)
{
	const struct scenario_switch *sw = trial->sw;
	const bool is_emergency = flow->mod.flags & OFPFF_EMERG;
	const bool has_mode = sw->config.fail_mode == AGENT_FAIL_EMERGENCY;

	if (sw->fail_mode_wrong)
		return;
	if (is_emergency && !has_mode && !trial->emergency_told) {
		trial->emergency_told = true;
		problems_add(trial->loader->problems, flow->at,
		             "an emergency entry, and the fail mode of switch '%s' is %s: write "
		             "fail_mode: emergency, or leave 'emerg' out",
		             sw->name,
		             sw->config.fail_mode == AGENT_FAIL_SECURE ? "secure" : "standalone");
	}
	if (!is_emergency && has_mode && !trial->loader->scenario->controller.at.line)
		problems_add(trial->loader->problems, flow->at,
		             "this entry never takes effect: without a controller, fail_mode: "
		             "emergency follows emergency entries alone: write 'emerg' in it, or "
		             "another fail mode");
}

/* True when an entry before this one has the same match and priority, after telling so. */
static bool is_second(const struct trial *trial, const struct scenario_flow *flow)
{
	const struct fb_flow_mod *mod = &flow->mod;
	const struct fb_match *match = &mod->match;
	struct entry entry = {.wildcards = match->wildcards,
	                      .nw_src = match->nw_src,
	                      .nw_dst = match->nw_dst,
	                      .in_port = match->in_port,
	                      .dl_vlan = match->dl_vlan,
	                      .dl_type = match->dl_type,
	                      .tp_src = match->tp_src,
	                      .tp_dst = match->tp_dst,
	                      .priority = mod->priority,
	                      .dl_vlan_pcp = match->dl_vlan_pcp,
	                      .nw_tos = match->nw_tos,
	                      .nw_proto = match->nw_proto,
	                      .is_emergency = (mod->flags & OFPFF_EMERG) != 0};
	struct entry *found;

	memcpy(entry.dl_src, match->dl_src, FB_MAC_BYTES);
	memcpy(entry.dl_dst, match->dl_dst, FB_MAC_BYTES);
	found = fb_table_find(trial->entries, &entry);
	if (found) {
		problems_add(trial->loader->problems, flow->at,
		             "this entry would replace that of line %u, which has the same match "
		             "and priority: change one of them, or leave one out",
		             found->line);
		return true;
	}
	found = fb_table_add(trial->entries, &entry);
	if (found)
		found->line = flow->at.line;
	return false;
}

/* The datapath refuses the entry: tell why, and what would be right. */
static void tell_refusal(struct trial *trial, const struct scenario_flow *flow,
                         const struct fb_of_error *error)
{
	const char *remedy = "";
	const bool full =
	        error->type == OFPET_FLOW_MOD_FAILED && error->code == OFPFMFC_ALL_TABLES_FULL;

	if (full && trial->full_told)
		return;
	trial->full_told |= full;
	if (full)
		remedy = ": raise 'entries'";
	else if (error->type == OFPET_FLOW_MOD_FAILED && error->code == OFPFMFC_OVERLAP)
		remedy = ": give it another priority, or leave check_overlap out";
	else if (error->type == OFPET_FLOW_MOD_FAILED && error->code == OFPFMFC_BAD_EMERG_TIMEOUT)
		remedy = ": leave them out";
	problems_add(trial->loader->problems, flow->at, "the switch refuses this flow: %s%s",
	             error->why, remedy);
}

static void try_flow(struct trial *trial, const struct scenario_flow *flow)
{
	struct fb_flow_mod mod = flow->mod;
	struct fb_of_error error;

	if (!(mod.match.wildcards & OFPFW_IN_PORT) && mod.match.in_port < OFPP_MAX &&
	    !datapath_port(trial->dp, mod.match.in_port))
		no_port(trial, flow->at, mod.match.in_port);
	if (!check_actions(trial, flow))
		mod.actions.len = 0;
	check_emergency(trial, flow);
	if (!is_second(trial, flow) && datapath_flow_mod(trial->dp, &mod, 0, &error))
		tell_refusal(trial, flow, &error);
}

/* --- A switch --- */

/* The ports of all switches: those of switch i are at 'ports' from 'first[i]' to 'first[i + 1]'. */
struct port_lists {
	uint32_t *first;
	uint16_t *ports;
};

static void port_lists_init(struct port_lists *lists, const struct scenario *scenario)
{
	const size_t switches = scenario->switches_count;

	lists->first = xcalloc(switches + 2, sizeof *lists->first);
	lists->ports = xcalloc(2 * scenario->links_count + 1, sizeof *lists->ports);
	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];

		if (end->is_switch)
			lists->first[end->index + 2]++;
	}
	for (size_t i = 2; i < switches + 2; i++)
		lists->first[i] += lists->first[i - 1];
	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];

		if (end->is_switch)
			lists->ports[lists->first[end->index + 1]++] = end->port;
	}
}

/* One that is there already, or impossible, is left as it is. */
static void add_port(const struct trial *trial, uint16_t port_no)
{
	const struct fb_phy_port port = {.port_no = port_no};

	if (port_no && port_no < OFPP_MAX && !datapath_port(trial->dp, port_no))
		datapath_add_port(trial->dp, &port, 0);
}

/* Which links there would be nobody knows: take every port that is named as there. */
static void add_named_ports(const struct trial *trial)
{
	for (size_t i = 0; i < trial->sw->queues_count; i++)
		add_port(trial, trial->sw->queues[i].port);
	for (size_t i = 0; i < trial->sw->flows_count; i++) {
		const struct scenario_flow *flow = &trial->sw->flows[i];
		struct fb_action action;
		size_t offset = 0;

		add_port(trial, flow->mod.match.in_port);
		while (fb_action_next(flow->actions, flow->mod.actions.len, &offset, &action))
			add_port(trial, action_port(&action));
	}
}

static void try_switch(struct loader *loader, uint32_t index, const struct port_lists *lists)
{
	static const struct datapath_ops ops = {.output = trial_output,
	                                        .packet_in = trial_packet_in,
	                                        .flow_removed = trial_flow_removed,
	                                        .port_status = trial_port_status};
	const struct scenario_switch *sw = &loader->scenario->switches[index];
	struct frame_pool *pool = frame_pool_new();
	struct trial trial = {
	        .loader = loader,
	        .sw = sw,
	        .dp = datapath_new(&sw->config.datapath, &ops, pool),
	        .entries = fb_table_new(ENTRY_KEY_BYTES, sizeof(struct entry), SCENARIO_FLOWS_MAX)};

	for (uint32_t i = lists->first[index]; i < lists->first[index + 1]; i++)
		add_port(&trial, lists->ports[i]);
	if (loader->links_wrong)
		add_named_ports(&trial);
	for (size_t i = 0; i < sw->queues_count; i++)
		try_queue(&trial, &sw->queues[i]);
	/* Entries may be for hosts that come later. */
	for (size_t i = 0; i < loader->scenario->spares_count; i++)
		if (loader->scenario->spares[i].sw == index)
			add_port(&trial, loader->scenario->spares[i].port);
	for (size_t i = 0; i < sw->flows_count; i++)
		try_flow(&trial, &sw->flows[i]);
	fb_table_free(trial.entries);
	datapath_free(trial.dp);
	frame_pool_free(pool);
}

void scenario_check_tables(struct loader *loader)
{
	const struct scenario *scenario = loader->scenario;
	struct port_lists lists;

	port_lists_init(&lists, scenario);
	for (uint32_t i = 0; i < scenario->switches_count; i++)
		if (scenario->switches[i].queues_count || scenario->switches[i].flows_count)
			try_switch(loader, i, &lists);
	free(lists.first);
	free(lists.ports);
}
