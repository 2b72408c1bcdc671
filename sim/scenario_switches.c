/* Switches of a scenario: their settings, and the queues and flow entries that they begin with, which
 * scenario_tables.c holds against the network once links have been read. See scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/action.h>

#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum {
	ATTEMPTS_DEFAULT = 3,           /* of a fail mode that makes a difference */
	ACTIONS_BYTES_MAX = 65535 - 72, /* what a FLOW_MOD has room for */
	PPM_PER_PERMILLE = 1000,
};

/* --- Settings --- */

static void read_plain_values(struct loader *loader, const struct yaml_node *node,
                              struct scenario_switch *sw)
{
	const struct yaml_node *value;
	uint64_t number;

	if ((value = yaml_get(node, "dpid")) != NULL)
		scenario_read_number(loader, value, "'dpid'", 0, UINT64_MAX,
		                     &sw->config.datapath.dpid);
	if ((value = yaml_get(node, "buffers")) != NULL &&
	    scenario_read_number(loader, value, "'buffers'", 0, 65536, &number))
		sw->config.datapath.buffers_max = (uint32_t)number;
	if ((value = yaml_get(node, "entries")) != NULL &&
	    scenario_read_number(loader, value, "'entries'", 1, 10000000, &number))
		sw->config.datapath.entries_max = (uint32_t)number;
	if ((value = yaml_get(node, "macs")) != NULL &&
	    scenario_read_number(loader, value, "'macs'", 1, 1000000, &number))
		sw->config.datapath.macs_max = (uint32_t)number;
	if ((value = yaml_get(node, "buffer_expiry")) != NULL)
		scenario_read_duration(loader, value, "'buffer_expiry'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &sw->config.datapath.buffer_expiry_ns);
	if ((value = yaml_get(node, "mac_idle")) != NULL)
		scenario_read_duration(loader, value, "'mac_idle'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &sw->config.datapath.mac_idle_ns);
	if ((value = yaml_get(node, "echo_idle")) != NULL)
		scenario_read_duration(loader, value, "'echo_idle'", 0, SCENARIO_TIME_NS_MAX,
		                       &sw->config.echo_idle_ns);
	if ((value = yaml_get(node, "echo_timeout")) != NULL)
		scenario_read_duration(loader, value, "'echo_timeout'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &sw->config.echo_timeout_ns);
	if ((value = yaml_get(node, "handshake_timeout")) != NULL)
		scenario_read_duration(loader, value, "'handshake_timeout'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &sw->config.handshake_timeout_ns);
	if ((value = yaml_get(node, "delay")) != NULL)
		scenario_read_duration(loader, value, "'delay'", 0, 60 * FB_NS_PER_S,
		                       &sw->delay_ns);
}

/* 1s, or [1s, 8s]: the first wait and the longest. */
static void read_backoff(struct loader *loader, const struct yaml_node *node,
                         struct reconnect_config *config)
{
	const bool is_pair = node->kind == YAML_SEQUENCE && node->count == 2;
	const struct yaml_node *first = is_pair ? node->items[0] : node;
	const struct yaml_node *last = is_pair ? node->items[1] : node;

	if (node->kind != YAML_SCALAR && !is_pair) {
		problems_add(loader->problems, node->at,
		             "'backoff' is %s: write the first and the longest wait, as [1s, 8s]",
		             node->kind == YAML_MAPPING ? "a map" : "not a list of two");
		return;
	}
	if (!scenario_read_duration(loader, first, "'backoff'", FB_NS_PER_MS, SCENARIO_TIME_NS_MAX,
	                            &config->backoff_min_ns) ||
	    !scenario_read_duration(loader, last, "'backoff'", FB_NS_PER_MS, SCENARIO_TIME_NS_MAX,
	                            &config->backoff_max_ns))
		return;
	if (config->backoff_min_ns > config->backoff_max_ns)
		problems_add(loader->problems, node->at,
		             "'backoff' begins with its longest wait: write the shorter one first");
}

static void read_attempts(struct loader *loader, const struct yaml_node *node,
                          struct reconnect_config *config)
{
	uint64_t number;

	if (node->kind == YAML_SCALAR && !strcmp(node->text, "unlimited"))
		config->attempts_max = RECONNECT_UNLIMITED;
	else if (scenario_read_number(loader, node, "'max_attempts'", 0, RECONNECT_UNLIMITED - 1,
	                              &number))
		config->attempts_max = (uint32_t)number;
}

/* What the switch does without its controller, and how it looks for it. */
static void read_failing(struct loader *loader, const struct yaml_node *node,
                         struct scenario_switch *sw)
{
	const struct yaml_node *mode = yaml_get(node, "fail_mode");
	const struct yaml_node *attempts = yaml_get(node, "max_attempts");
	const struct yaml_node *backoff = yaml_get(node, "backoff");
	unsigned choice;

	sw->fail_mode_wrong = mode && !scenario_read_choice(loader, mode, "'fail_mode'",
	                                                    scenario_keys_fail_modes, &choice);
	if (mode && !sw->fail_mode_wrong)
		sw->config.fail_mode = (enum agent_fail_mode)choice;
	if (sw->config.fail_mode != AGENT_FAIL_SECURE)
		sw->reconnect.attempts_max = ATTEMPTS_DEFAULT;
	if (!loader->scenario->controller.at.line && (attempts || backoff)) {
		problems_add(loader->problems, attempts ? attempts->at : backoff->at,
		             "without a 'controller' there are no attempts to connect: leave '%s' "
		             "out",
		             attempts ? "max_attempts" : "backoff");
		return;
	}
	if (attempts)
		read_attempts(loader, attempts, &sw->reconnect);
	if (backoff)
		read_backoff(loader, backoff, &sw->reconnect);
}

static void read_fragments(struct loader *loader, const struct yaml_node *node,
                           struct scenario_switch *sw)
{
	unsigned choice;

	if (!scenario_read_choice(loader, node, "'fragments'", scenario_keys_fragments, &choice))
		return;
	_Static_assert(OFPC_FRAG_NORMAL == 0 && OFPC_FRAG_DROP == 1 && OFPC_FRAG_REASM == 2,
	               "in the order of scenario_keys_fragments");
	sw->fragments = (uint16_t)choice;
	if (loader->scenario->controller.at.line)
		problems_add(loader->problems, node->at,
		             "'fragments' has no effect: the controller sets normal when the "
		             "switch joins; leave 'fragments' out, or 'controller'");
}

/* --- Queues --- */

/* In permille. A wrong one is told, and none: the queue is there nevertheless, for those who name
 * it. */
static uint16_t read_min_rate(struct loader *loader, const struct yaml_node *node)
{
	const struct yaml_node *rate = yaml_get(node, "min_rate");
	uint32_t ppm;

	if (!rate || !scenario_read_share(loader, rate, "'min_rate'", &ppm))
		return LINK_QUEUE_RATE_NONE;
	if (ppm && !(ppm % PPM_PER_PERMILLE))
		return (uint16_t)(ppm / PPM_PER_PERMILLE);
	problems_add(loader->problems, rate->at,
	             "'min_rate' is '%.60s': it is from 0.1%% to 100%%, in steps of 0.1%%",
	             rate->text);
	return LINK_QUEUE_RATE_NONE;
}

/* {port: 2, queue: 1, min_rate: 30%} */
static void read_queue(struct loader *loader, const struct yaml_node *node,
                       struct scenario_switch *sw)
{
	const struct yaml_node *port, *id;
	uint64_t port_no, queue_id;

	if (!scenario_read_map(loader, node, "a queue", scenario_keys_queue))
		return;
	port = yaml_get(node, "port");
	id = yaml_get(node, "queue");
	if (!port || !id) {
		scenario_lacks(loader, node, scenario_keys_queue,
		               "a queue without '%s': write one, as {port: 2, queue: 1, min_rate: "
		               "30%%}",
		               port ? "queue" : "port");
		return;
	}
	if (!scenario_read_number(loader, port, "'port'", 1, OFPP_MAX - 1, &port_no) ||
	    !scenario_read_number(loader, id, "'queue'", 0, OFPQ_ALL - UINT64_C(1), &queue_id))
		return;
	sw->queues = xrealloc(sw->queues, (sw->queues_count + 1) * sizeof *sw->queues);
	sw->queues[sw->queues_count++] =
	        (struct scenario_queue){.at = node->at,
	                                .port = (uint16_t)port_no,
	                                .id = (uint32_t)queue_id,
	                                .min_rate_permille = read_min_rate(loader, node)};
}

static void read_queues(struct loader *loader, const struct yaml_node *node,
                        struct scenario_switch *sw)
{
	sw->queues_wrong = !scenario_read_list(loader, node, "'queues'");
	if (sw->queues_wrong)
		return;
	for (size_t i = 0; i < node->count; i++)
		read_queue(loader, node->items[i], sw);
	sw->queues_wrong = sw->queues_count != node->count;
}

/* --- Flows --- */

/* "priority=10,in_port=1,actions=enqueue:2:1" */
static void read_flow(struct loader *loader, const struct yaml_node *node,
                      struct scenario_switch *sw, uint8_t *memory)
{
	struct fb_buf actions = fb_buf_make(memory, ACTIONS_BYTES_MAX);
	struct scenario_flow *flow;
	struct fb_flow_mod mod;
	const char *text;
	char buffer[400];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);

	if (!scenario_read_text(loader, node, "a flow", &text))
		return;
	if (fb_parse_flow(text, OFPFC_ADD, &mod, &actions, &error)) {
		problems_add(loader->problems, node->at, "a flow: %s", buffer);
		return;
	}
	if (!(sw->flows_count & (sw->flows_count - 1)))
		sw->flows = xrealloc(sw->flows, (sw->flows_count ? 2 * sw->flows_count : 1) *
		                                        sizeof *sw->flows);
	flow = &sw->flows[sw->flows_count++];
	*flow = (struct scenario_flow){.at = node->at, .mod = mod};
	flow->actions = xmalloc(actions.len + 1);
	memcpy(flow->actions, memory, actions.len);
	flow->mod.actions = (struct fb_view){flow->actions, actions.len};
}

static void read_flows(struct loader *loader, const struct yaml_node *node,
                       struct scenario_switch *sw)
{
	uint8_t *memory;

	if (!scenario_read_list(loader, node, "'flows'"))
		return;
	loader->flows += node->count;
	if (loader->flows > SCENARIO_FLOWS_MAX) {
		problems_add(loader->problems, node->at, "more than %d flows: leave some out",
		             SCENARIO_FLOWS_MAX);
		return;
	}
	memory = xmalloc(ACTIONS_BYTES_MAX);
	for (size_t i = 0; i < node->count; i++)
		read_flow(loader, node->items[i], sw, memory);
	free(memory);
}

/* --- A switch --- */

void scenario_free_switch(struct scenario_switch *sw)
{
	for (size_t i = 0; i < sw->flows_count; i++)
		free(sw->flows[i].actions);
	free(sw->flows);
	free(sw->queues);
	free(sw->name);
}

static void read_switch_values(struct loader *loader, const struct yaml_node *node,
                               struct scenario_switch *sw)
{
	const struct yaml_node *value;

	read_plain_values(loader, node, sw);
	read_failing(loader, node, sw);
	if ((value = yaml_get(node, "fragments")) != NULL)
		read_fragments(loader, value, sw);
	if ((value = yaml_get(node, "queues")) != NULL)
		read_queues(loader, value, sw);
	if ((value = yaml_get(node, "flows")) != NULL)
		read_flows(loader, value, sw);
}

/* True when the file tells the switch, at 'node', what to do with a frame. */
static bool has_rules(const struct loader *loader, const struct yaml_node *node,
                      const struct scenario_switch *sw)
{
	return loader->scenario->controller.at.line ||
	       sw->config.fail_mode == AGENT_FAIL_STANDALONE ||
	       (node->kind == YAML_MAPPING && yaml_get(node, "flows"));
}

static void switch_init(struct scenario_switch *sw, const struct yaml_node *key, uint64_t dpid,
                        uint64_t delay_ns)
{
	sw->at = key->at;
	sw->name = xstrdup(key->text);
	agent_config_default(&sw->config);
	sw->config.datapath.dpid = dpid;
	sw->delay_ns = delay_ns;
	sw->fragments = OFPC_FRAG_NORMAL;
	reconnect_config_default(&sw->reconnect);
	sw->reconnect.attempt_timeout_ns = FB_NEVER; /* the agent has its own */
}

/* Two switches with one dpid are one switch to a controller, which would drop the first. */
static void check_dpids(struct loader *loader)
{
	struct scenario *scenario = loader->scenario;
	struct fb_table *dpids =
	        fb_table_new(sizeof(uint64_t), sizeof(uint64_t), SCENARIO_SWITCHES_MAX);

	for (size_t i = 0; i < scenario->switches_count; i++) {
		const struct scenario_switch *sw = &scenario->switches[i];

		if (fb_table_find(dpids, &sw->config.datapath.dpid))
			problems_add(loader->problems, sw->at,
			             "switch '%s' has the dpid %llu of another: give it its own",
			             sw->name, (unsigned long long)sw->config.datapath.dpid);
		else
			fb_table_add(dpids, &sw->config.datapath.dpid);
	}
	fb_table_free(dpids);
}

void scenario_read_switches(struct loader *loader, const struct yaml_node *node)
{
	struct scenario *scenario = loader->scenario;
	const struct scenario_switch *idle = NULL;

	if (yaml_is_null(node) || !scenario_read_name_map(loader, node, "'switches'"))
		return;
	if (node->count > SCENARIO_SWITCHES_MAX) {
		problems_add(loader->problems, node->at, "more than %d switches: leave some out",
		             SCENARIO_SWITCHES_MAX);
		return;
	}
	scenario->switches = xcalloc(node->count, sizeof *scenario->switches);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i), *value = yaml_value(node, i);
		struct scenario_switch *sw = &scenario->switches[scenario->switches_count];

		if (!scenario_add_name(loader, key->at, key->text, true,
		                       (uint32_t)scenario->switches_count))
			continue;
		scenario->switches_count++;
		switch_init(sw, key, i + 1, scenario->controller.delay_ns);
		if (!yaml_is_null(value) &&
		    scenario_read_map(loader, value, "a switch", scenario_keys_switch))
			read_switch_values(loader, value, sw);
		if (!idle && !has_rules(loader, value, sw))
			idle = sw;
	}
	if (idle)
		problems_add(loader->problems, idle->at,
		             "switch '%s' would forward nothing: name a controller, as controller: "
		             "learning, or give it flows, or fail_mode: standalone",
		             idle->name);
	check_dpids(loader);
}
