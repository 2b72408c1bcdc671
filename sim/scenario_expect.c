/* Expectations of a scenario: each count that an 'expect' names becomes one. See scenario_loader.h.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/xalloc.h"
#include "sim/bpf_filter.h"
#include "sim/dump.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum { OUTCOMES = HOST_ABORTED + 1, COUNTER_BYTES = 80 };

/* Entries, buffers and what the balancer knows are what is now; all other counts only grow. */
static bool kind_is_state(enum scenario_kind kind)
{
	return kind == EXPECT_FLOWS || kind == EXPECT_BUFFERS_IN_USE || kind == EXPECT_DUMP ||
	       (kind >= EXPECT_BACKENDS && kind <= EXPECT_SESSIONS);
}

/* What only a controller makes switches do. */
static bool kind_needs_controller(enum scenario_kind kind)
{
	return kind == EXPECT_PACKET_INS || kind == EXPECT_PACKET_OUTS ||
	       kind == EXPECT_FLOW_MODS || kind == EXPECT_ERRORS ||
	       kind == EXPECT_BUFFERS_IN_USE || kind == EXPECT_CONTROL_BYTES ||
	       kind == EXPECT_CONNECTION_PACKET_INS || kind == EXPECT_CONNECTION_FLOW_MODS;
}

struct scenario_expectation *scenario_add_expectation(struct loader *loader,
                                                      struct scenario_expect_frame *frame,
                                                      enum scenario_kind kind, struct position at,
                                                      const struct yaml_node *value,
                                                      const char *format, ...)
{
	struct scenario_step *step = frame->step;
	struct scenario_expectation *expectation;
	struct scenario_bounds bounds;
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	bounds = (struct scenario_bounds){.has_min = true, .has_max = true, .min = 1, .max = 1};
	if (value && !(kind == EXPECT_CONNECTION_SETUP ? scenario_read_time_bounds
	                                               : scenario_read_bounds)(
	                     loader, value, text, &bounds))
		return NULL;
	if (loader->scenario->expectation_ids == SCENARIO_EXPECTATIONS_MAX) {
		problems_add(loader->problems, at, "more than %d expectations: leave some out",
		             SCENARIO_EXPECTATIONS_MAX);
		return NULL;
	}
	if (kind_is_state(kind) && frame->mark != SCENARIO_NONE) {
		problems_add(loader->problems, at,
		             "%s is what there is now, which 'since' does not change: move it to "
		             "another expect",
		             text);
		return NULL;
	}
	if (kind_needs_controller(kind) && bounds.has_min && bounds.min &&
	    !loader->scenario->controller.at.line) {
		problems_add(loader->problems, at,
		             "%s can never hold: without a controller there are none", text);
		return NULL;
	}
	step->expectations = xrealloc(step->expectations,
	                              (step->expectations_count + 1) * sizeof *step->expectations);
	expectation = &step->expectations[step->expectations_count++];
	*expectation = (struct scenario_expectation){
	        .at = at,
	        .kind = kind,
	        .id = loader->scenario->expectation_ids++,
	        .text = xstrdup(text),
	        .bounds = bounds,
	        .within_ns = frame->within_ns,
	        .mark = frame->mark,
	        .at_end = frame->has_at_end
	                          ? frame->at_end
	                          : !kind_is_state(kind) && kind != EXPECT_CONNECTION_FLOWS,
	        .subject = SCENARIO_NONE,
	        .link = SCENARIO_NONE};
	return expectation;
}

void scenario_free_expectation(struct scenario_expectation *expectation)
{
	free(expectation->text);
	free(expectation->filter);
	free(expectation->app);
	free(expectation->counter);
	for (size_t i = 0; expectation->dump && i < expectation->dump->lines_count; i++)
		free(expectation->dump->lines[i]);
	if (expectation->dump)
		free(expectation->dump->lines);
	free(expectation->dump);
	pcap_freecode(&expectation->program);
}

bool scenario_is_bounds(const struct yaml_node *node)
{
	if (node->kind != YAML_MAPPING)
		return true;
	return !node->count || yaml_get(node, "at_least") || yaml_get(node, "at_most");
}

/* --- The kinds --- */

/* {h2: 5, h3: 5} */
static void read_by_host(struct loader *loader, struct scenario_expect_frame *frame,
                         enum scenario_kind kind, const char *what, const struct yaml_node *node)
{
	char quoted[40];
	struct fb_text text = fb_text_make(quoted, sizeof quoted);

	fb_text_printf(&text, "'%s'", what);
	if (!scenario_read_word_map(loader, node, quoted))
		return;
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "%s expects nothing: name a host, as {h2: 5}", quoted);
	if (!loader->tcp_steps && !loader->udp_steps)
		problems_add(loader->problems, node->at,
		             "%s counts server connections: without a tcp step there are none",
		             quoted);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i);
		struct scenario_expectation *expectation;
		uint32_t host;

		if (!scenario_read_host(loader, key, &host))
			continue;
		expectation =
		        scenario_add_expectation(loader, frame, kind, key->at, yaml_value(node, i),
		                                 "%s %s", what, key->text);
		if (expectation)
			expectation->subject = host;
	}
}

/* 30, {at_most: 30}, or {s1: 30, s2: {at_most: 10}} */
static void read_by_switch(struct loader *loader, struct scenario_expect_frame *frame,
                           enum scenario_kind kind, const char *what, const struct yaml_node *key,
                           const struct yaml_node *node)
{
	if (!loader->scenario->switches_count)
		problems_add(loader->problems, key->at,
		             "'%s' counts what switches do: this network has none", what);
	if (scenario_is_bounds(node)) {
		scenario_add_expectation(loader, frame, kind, key->at, node, "%s", what);
		return;
	}
	if (!scenario_read_word_map(loader, node, what))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *name = yaml_key(node, i);
		struct scenario_expectation *expectation;
		uint32_t sw;

		if (!scenario_read_switch(loader, name, &sw))
			continue;
		expectation =
		        scenario_add_expectation(loader, frame, kind, name->at, yaml_value(node, i),
		                                 "%s %s", what, name->text);
		if (expectation)
			expectation->subject = sw;
	}
}

/* 10, or {ok: 10, refused: 0} */
static void read_connections(struct loader *loader, struct scenario_expect_frame *frame,
                             const struct yaml_node *key, const struct yaml_node *node)
{
	const char *outcomes[OUTCOMES + 1] = {NULL};

	for (unsigned i = 0; i < OUTCOMES; i++)
		outcomes[i] = host_outcome_text((enum host_outcome)i);
	if (!loader->tcp_steps)
		problems_add(loader->problems, key->at,
		             "'connections' counts those of tcp steps: there is none before this");
	if (scenario_is_bounds(node)) {
		scenario_add_expectation(loader, frame, EXPECT_CONNECTIONS, key->at, node,
		                         "connections");
		return;
	}
	if (!scenario_read_map(loader, node, "'connections'", outcomes))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *name = yaml_key(node, i);
		struct scenario_expectation *expectation;
		uint32_t outcome = 0;

		while (outcome < OUTCOMES && strcmp(outcomes[outcome], name->text))
			outcome++;
		if (outcome == OUTCOMES)
			continue;
		expectation =
		        scenario_add_expectation(loader, frame, EXPECT_CONNECTIONS, name->at,
		                                 yaml_value(node, i), "connections %s", name->text);
		if (expectation)
			expectation->subject = outcome;
	}
}

/* No application has that counter: name the nearest, or all of them. */
static void unknown_counter(struct loader *loader, const struct yaml_node *key)
{
	char list[400], *names_text = xcalloc(loader->counters_count + 1, COUNTER_BYTES);
	const char **names = xcalloc(loader->counters_count + 1, sizeof *names), *meant;
	struct fb_text all = fb_text_make(list, sizeof list);

	for (size_t i = 0; i < loader->counters_count; i++) {
		struct fb_text name = fb_text_make(names_text + i * COUNTER_BYTES, COUNTER_BYTES);

		fb_text_printf(&name, "%s.%s", loader->counters[i].app, loader->counters[i].name);
		names[i] = name.buf;
		fb_text_printf(&all, "%s%s", i ? ", " : "", name.buf);
	}
	meant = nearest(key->text, names);
	if (meant)
		problems_add(loader->problems, key->at,
		             "no application counts '%.60s': did you mean '%s'?", key->text, meant);
	else
		problems_add(loader->problems, key->at,
		             "no application counts '%.60s': there are %s", key->text,
		             loader->counters_count ? list : "none");
	free(names);
	free(names_text);
}

/* {balancer.moved: 0} */
static void read_counters(struct loader *loader, struct scenario_expect_frame *frame,
                          const struct yaml_node *node)
{
	if (!scenario_read_word_map(loader, node, "'counters'") || loader->controller_wrong)
		return;
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "'counters' expects nothing: name one, as {balancer.moved: 0}");
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i);
		const char *point = strchr(key->text, '.');
		struct scenario_expectation *expectation;
		size_t c = 0, app_len = point ? (size_t)(point - key->text) : 0;

		while (c < loader->counters_count &&
		       (!point || strlen(loader->counters[c].app) != app_len ||
		        strncmp(loader->counters[c].app, key->text, app_len) ||
		        strcmp(loader->counters[c].name, point + 1)))
			c++;
		if (c == loader->counters_count) {
			unknown_counter(loader, key);
			continue;
		}
		expectation =
		        scenario_add_expectation(loader, frame, EXPECT_COUNTER, key->at,
		                                 yaml_value(node, i), "counter %.100s", key->text);
		if (expectation) {
			expectation->app = xstrdup(loader->counters[c].app);
			expectation->counter = xstrdup(loader->counters[c].name);
		}
	}
}

/* The switch that 'node' names, NULL: the only one. */
static bool read_flows_switch(struct loader *loader, const struct yaml_node *flows,
                              const struct yaml_node *node, uint32_t *sw)
{
	*sw = 0;
	if (node)
		return scenario_read_switch(loader, node, sw);
	if (loader->scenario->switches_count == 1)
		return true;
	problems_add(loader->problems, flows->at,
	             "'flows' without 'switch': name one of the %zu switches",
	             loader->scenario->switches_count);
	return false;
}

static bool has_port(const struct scenario *scenario, uint32_t sw, uint16_t port_no)
{
	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];

		if (end->is_switch && end->index == sw && end->port == port_no)
			return true;
	}
	for (size_t i = 0; i < scenario->spares_count; i++)
		if (scenario->spares[i].sw == sw && scenario->spares[i].port == port_no)
			return true;
	return false;
}

/* A match of entries of 'sw'; NULL: all. */
static bool read_flows_match(struct loader *loader, const struct yaml_node *node, uint32_t sw,
                             struct fb_match *match, const char **text)
{
	char buffer[300];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);

	fb_match_any(match);
	*text = "";
	if (!node)
		return true;
	if (!scenario_read_text(loader, node, "'match'", text))
		return false;
	if ((*text)[0] && fb_parse_match(*text, match, &error)) {
		problems_add(loader->problems, node->at, "'match': %s", buffer);
		return false;
	}
	if (match->wildcards & OFPFW_IN_PORT || match->in_port >= OFPP_MAX || loader->links_wrong ||
	    has_port(loader->scenario, sw, match->in_port))
		return true;
	problems_add(loader->problems, node->at,
	             "'match': switch '%s' has no port %u: name one that a link gives it",
	             loader->scenario->switches[sw].name, match->in_port);
	return false;
}

/* {switch: s1, match: "tcp,nw_dst=192.168.2.2", emergency: no, count: 2} */
static void read_flows(struct loader *loader, struct scenario_expect_frame *frame,
                       const struct yaml_node *node)
{
	const struct yaml_node *count, *value;
	struct scenario_expectation *expectation;
	const char *text;
	struct fb_match match;
	bool emergency = false;
	uint32_t sw;

	if (!scenario_read_map(loader, node, "'flows'", scenario_keys_flows))
		return;
	count = yaml_get(node, "count");
	if (!count) {
		problems_add(
		        loader->problems, node->at,
		        "'flows' without 'count' expects nothing: write how many, as count: 2");
		return;
	}
	if ((value = yaml_get(node, "emergency")) != NULL &&
	    !scenario_read_bool(loader, value, "'emergency'", &emergency))
		return;
	if (!read_flows_switch(loader, node, yaml_get(node, "switch"), &sw) ||
	    !read_flows_match(loader, yaml_get(node, "match"), sw, &match, &text))
		return;
	expectation = scenario_add_expectation(
	        loader, frame, EXPECT_FLOWS, node->at, count, "%sflows %s%s%.150s%s",
	        emergency ? "emergency " : "", loader->scenario->switches[sw].name,
	        text[0] ? " '" : "", text, text[0] ? "'" : "");
	if (expectation) {
		expectation->subject = sw;
		expectation->match = match;
		expectation->emergency = emergency;
	}
}

/* --- Frames --- */

static bool find_host(void *ctx, const char *name, uint32_t *ip, uint8_t mac[FB_MAC_BYTES])
{
	const struct loader *loader = ctx;
	const struct scenario_name *entry = scenario_find_name(loader, name);
	const struct scenario_host *host;

	if (!entry || entry->is_switch)
		return false;
	host = &loader->scenario->hosts[entry->index];
	*ip = host->ip;
	memcpy(mac, host->mac, FB_MAC_BYTES);
	return true;
}

/* Where the frames are counted: 'on' a link, both ways, or 'at' one end of it. */
static bool read_place(struct loader *loader, const struct yaml_node *node, uint32_t *link,
                       bool ends[2], char **place)
{
	const struct yaml_node *on = yaml_get(node, "on"), *at = yaml_get(node, "at");
	const struct yaml_node *direction_node = yaml_get(node, "direction");
	unsigned direction = 0, end;

	if (!on == !at) {
		problems_add(
		        loader->problems, node->at,
		        "'frames' needs one place: on: h1 -- s1 (both ways) or at: h1 (one end)");
		return false;
	}
	if (direction_node && on) {
		problems_add(loader->problems, direction_node->at,
		             "'on' counts both ways: write 'at' to choose a direction");
		return false;
	}
	if (direction_node && !scenario_read_choice(loader, direction_node, "'direction'",
	                                            scenario_keys_directions, &direction))
		return false;
	ends[0] = ends[1] = true;
	if (on) {
		if (!scenario_read_link_name(loader, on, link))
			return false;
		*place = xstrdup(on->text);
		return true;
	}
	if (!scenario_read_link_end(loader, at, link, &end))
		return false;
	/* In: delivered to this end; out: delivered to the other. */
	ends[direction == 0 ? !end : end] = direction == 2;
	*place = xstrdup(at->text);
	return true;
}

static void read_frames(struct loader *loader, struct scenario_expect_frame *frame,
                        const struct yaml_node *node)
{
	const struct yaml_node *filter, *count;
	struct scenario_expectation *expectation;
	struct bpf_program program = {0};
	const char *filter_text = NULL;
	char buffer[400], *place = NULL;
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	uint32_t link;
	bool ends[2];

	if (!scenario_read_map(loader, node, "'frames'", scenario_keys_frames))
		return;
	filter = yaml_get(node, "filter");
	count = yaml_get(node, "count");
	if (!count) {
		problems_add(loader->problems, node->at,
		             "'frames' without 'count' expects nothing: write how many, as count: "
		             "{at_most: 3}");
		return;
	}
	if (filter && !scenario_read_text(loader, filter, "'filter'", &filter_text))
		return;
	if (filter && !bpf_filter_compile(filter_text, find_host, loader, &program, &error)) {
		problems_add(loader->problems, filter->at, "'filter': %s", buffer);
		return;
	}
	if (!read_place(loader, node, &link, ends, &place)) {
		pcap_freecode(&program);
		return;
	}
	expectation = scenario_add_expectation(
	        loader, frame, EXPECT_FRAMES, node->at, count, "frames %s %.80s%s%.120s%s",
	        yaml_get(node, "on") ? "on" : "at", place, filter_text ? " '" : "",
	        filter_text ? filter_text : "", filter_text ? "'" : "");
	free(place);
	if (!expectation) {
		pcap_freecode(&program);
		return;
	}
	expectation->link = link;
	expectation->ends[0] = ends[0];
	expectation->ends[1] = ends[1];
	expectation->filter = filter_text ? xstrdup(filter_text) : NULL;
	expectation->program = program;
}

/* --- Queues --- */

/* The link of port 's1:2' if the port has the queue 'queue'. */
static bool read_queue(struct loader *loader, const struct yaml_node *at,
                       const struct yaml_node *queue, uint32_t *link, unsigned *end, uint64_t *id)
{
	const struct scenario *scenario = loader->scenario;
	const struct scenario_switch *sw;
	const struct scenario_end *port;

	if (!scenario_read_link_end(loader, at, link, end) ||
	    !scenario_read_number(loader, queue, "'queue'", 0, OFPQ_ALL - UINT64_C(1), id))
		return false;
	port = &scenario->links[*link].ends[*end];
	if (!port->is_switch) {
		problems_add(loader->problems, at->at,
		             "'%.60s' is a host, which has no queues: write a port, as s1:2",
		             at->text);
		return false;
	}
	sw = &scenario->switches[port->index];
	for (size_t i = 0; i < sw->queues_count; i++)
		if (sw->queues[i].port == port->port && sw->queues[i].id == *id)
			return true;
	problems_add(loader->problems, queue->at,
	             "%s has no queue %llu: name one of the 'queues' of switch '%s'", at->text,
	             (unsigned long long)*id, sw->name);
	return false;
}

/* {at: s1:2, queue: 1, sent: 100, dropped: never} */
static void read_queues(struct loader *loader, struct scenario_expect_frame *frame,
                        const struct yaml_node *node)
{
	static const struct {
		const char *key;
		enum scenario_kind kind;
	} counts[] = {{"sent", EXPECT_QUEUE_SENT}, {"dropped", EXPECT_QUEUE_DROPPED}};
	const struct yaml_node *at, *queue;
	uint32_t link;
	uint64_t id;
	unsigned end;

	if (!scenario_read_map(loader, node, "'queues'", scenario_keys_queues))
		return;
	at = yaml_get(node, "at");
	queue = yaml_get(node, "queue");
	if (!at || !queue || !(yaml_get(node, "sent") || yaml_get(node, "dropped"))) {
		scenario_lacks(loader, node, scenario_keys_queues,
		               "'queues' needs a port, a queue and a count: write them, as {at: "
		               "s1:2, queue: 1, sent: 100}");
		return;
	}
	if (!read_queue(loader, at, queue, &link, &end, &id))
		return;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const struct yaml_node *value = yaml_get(node, counts[i].key);
		struct scenario_expectation *expectation;

		if (!value)
			continue;
		expectation = scenario_add_expectation(
		        loader, frame, counts[i].kind, node->at, value, "queue %llu at %.80s %s",
		        (unsigned long long)id, at->text, counts[i].key);
		if (!expectation)
			return;
		expectation->link = link;
		expectation->subject = loader->scenario->links[link].ends[end].index;
		expectation->port = loader->scenario->links[link].ends[end].port;
		expectation->queue_id = (uint32_t)id;
	}
}

/* --- What connections cost --- */

/* {packet_ins: 2, flow_mods: 4, flows: 2, setup_time: 650us} */
static void read_per_connection(struct loader *loader, struct scenario_expect_frame *frame,
                                const struct yaml_node *key, const struct yaml_node *node)
{
	if (!scenario_read_map(loader, node, "'per_connection'", scenario_keys_per_connection))
		return;
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "'per_connection' expects nothing: write what one may cost, as "
		             "{packet_ins: 2}");
	if (!loader->tcp_steps)
		problems_add(loader->problems, key->at,
		             "'per_connection' is of those of tcp steps: there is none before "
		             "this");
	for (unsigned i = 0; scenario_keys_per_connection[i]; i++) {
		const struct yaml_node *value = yaml_get(node, scenario_keys_per_connection[i]);

		if (value)
			scenario_add_expectation(
			        loader, frame,
			        (enum scenario_kind)(EXPECT_CONNECTION_PACKET_INS + i), value->at,
			        value, "%s per connection", scenario_keys_per_connection[i]);
	}
}

/* --- Dumps --- */

static bool line_is_sound(struct loader *loader, const struct yaml_node *node, const char *line)
{
	char list[200];
	struct fb_text text = fb_text_make(list, sizeof list);
	const char *at;
	size_t len;

	if (dump_line_is_sound(line, &at, &len))
		return true;
	for (unsigned i = 0; dump_wildcards[i]; i++)
		fb_text_printf(&text, "%s%s", i ? ", " : "", dump_wildcards[i]);
	if (at)
		problems_add(loader->problems, node->at,
		             "'%.*s' is no wildcard of dumps: there are %s",
		             (int)(len < 40 ? len : 40), at, list);
	else
		problems_add(loader->problems, node->at,
		             "more than %d times <any> in one line: write what is between them",
		             DUMP_ANYS_MAX);
	return false;
}

/* The lines of 'node', a text or a list of lines; nothing at all where they are yet to be written. */
static bool read_lines(struct loader *loader, const struct yaml_node *node,
                       struct scenario_dump *dump)
{
	const size_t items = node->kind == YAML_SEQUENCE ? node->count : 1;
	bool sound = true;

	dump->unwritten = yaml_is_null(node);
	for (size_t i = 0; i < items && !dump->unwritten; i++) {
		const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->items[i] : node;
		struct dump_lines lines;
		const char *text;

		if (!scenario_read_text(loader, item, "'is'", &text))
			return false;
		dump_split(&lines, text);
		dump->lines = xrealloc(dump->lines, (dump->lines_count + lines.count + 1) *
		                                            sizeof *dump->lines);
		for (size_t j = 0; j < lines.count; j++) {
			sound &= line_is_sound(loader, item, lines.items[j]);
			dump->lines[dump->lines_count++] = lines.items[j];
		}
		free(lines.items);
	}
	return sound;
}

/* The position of the key 'is'. */
static struct position key_of_is(const struct yaml_node *node)
{
	for (size_t i = 0; i < node->count; i++)
		if (!strcmp(yaml_key(node, i)->text, "is"))
			return yaml_key(node, i)->at;
	return node->at;
}

/* {flows: s1, counters: no, is: [...]}, or ports in place of flows */
static void read_dump(struct loader *loader, struct scenario_expect_frame *frame,
                      const struct yaml_node *node)
{
	const struct yaml_node *flows, *ports, *is, *value;
	struct scenario_expectation *expectation;
	struct scenario_dump *dump;
	uint32_t sw;

	if (!scenario_read_map(loader, node, "'dump'", scenario_keys_dump))
		return;
	flows = yaml_get(node, "flows");
	ports = yaml_get(node, "ports");
	is = yaml_get(node, "is");
	if (flows && ports) {
		problems_add(loader->problems, ports->at,
		             "'flows' and 'ports' in one dump: write two");
		return;
	}
	if ((!flows && !ports) || !is) {
		scenario_lacks(loader, node, scenario_keys_dump,
		               "'dump' needs a switch and what is to be there: write {flows: s1, "
		               "is: ...} or {ports: s1, is: ...}; an empty 'is:' is filled by "
		               "'flowbed run --update'");
		return;
	}
	if (!scenario_read_switch(loader, flows ? flows : ports, &sw))
		return;
	expectation = scenario_add_expectation(loader, frame, EXPECT_DUMP, node->at, NULL,
	                                       "dump of the %s of %s", flows ? "flows" : "ports",
	                                       loader->scenario->switches[sw].name);
	if (!expectation)
		return;
	dump = expectation->dump = xcalloc(1, sizeof *dump);
	expectation->subject = sw;
	dump->ports = ports != NULL;
	dump->key_at = key_of_is(node);
	dump->at = is->at;
	if ((value = yaml_get(node, "counters")) != NULL)
		scenario_read_bool(loader, value, "'counters'", &dump->counters);
	read_lines(loader, is, dump);
}

/* --- The whole --- */

/* One map, or a list of them. 'what' is its key. */
static void read_each(struct loader *loader, struct scenario_expect_frame *frame, const char *what,
                      const struct yaml_node *node,
                      void (*read)(struct loader *, struct scenario_expect_frame *,
                                   const struct yaml_node *))
{
	if (node->kind != YAML_SEQUENCE) {
		read(loader, frame, node);
		return;
	}
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "an empty list of '%s' expects nothing: write one, or leave it out",
		             what);
	for (size_t i = 0; i < node->count; i++)
		read(loader, frame, node->items[i]);
}

/* Read the count that 'key' names. */
static void read_count(struct loader *loader, struct scenario_expect_frame *frame,
                       const struct yaml_node *key, const struct yaml_node *value)
{
	const char *name = key->text;

	if (!strcmp(name, "answered"))
		read_by_host(loader, frame, EXPECT_ANSWERED, name, value);
	else if (!strcmp(name, "accepted"))
		read_by_host(loader, frame, EXPECT_ACCEPTED, name, value);
	else if (!strcmp(name, "connections"))
		read_connections(loader, frame, key, value);
	else if (!strcmp(name, "split_connections"))
		scenario_add_expectation(loader, frame, EXPECT_SPLIT_CONNECTIONS, key->at, value,
		                         "%s", name);
	else if (!strcmp(name, "packet_ins"))
		read_by_switch(loader, frame, EXPECT_PACKET_INS, name, key, value);
	else if (!strcmp(name, "packet_outs"))
		scenario_add_expectation(loader, frame, EXPECT_PACKET_OUTS, key->at, value, "%s",
		                         name);
	else if (!strcmp(name, "flow_mods"))
		scenario_add_expectation(loader, frame, EXPECT_FLOW_MODS, key->at, value, "%s",
		                         name);
	else if (!strcmp(name, "errors"))
		scenario_add_expectation(loader, frame, EXPECT_ERRORS, key->at, value, "%s", name);
	else if (!strcmp(name, "buffers_in_use"))
		read_by_switch(loader, frame, EXPECT_BUFFERS_IN_USE, name, key, value);
	else if (!strcmp(name, "counters"))
		read_counters(loader, frame, value);
	else if (!strcmp(name, "flows"))
		read_each(loader, frame, name, value, read_flows);
	else if (!strcmp(name, "frames"))
		read_each(loader, frame, name, value, read_frames);
	else if (!strcmp(name, "queues"))
		read_each(loader, frame, name, value, read_queues);
	else if (!strcmp(name, "backends"))
		read_each(loader, frame, name, value, scenario_read_backends);
	else if (!strcmp(name, "control_bytes"))
		read_by_switch(loader, frame, EXPECT_CONTROL_BYTES, name, key, value);
	else if (!strcmp(name, "per_connection"))
		read_per_connection(loader, frame, key, value);
	else if (!strcmp(name, "dump"))
		read_each(loader, frame, name, value, read_dump);
	else if (!strcmp(name, "sessions"))
		scenario_read_sessions(loader, frame, key, value);
}

bool scenario_read_mark(struct loader *loader, const struct yaml_node *node, bool is_new,
                        uint32_t *mark)
{
	struct scenario *scenario = loader->scenario;
	const char *name;
	uint32_t i = 0;

	if (!scenario_read_text(loader, node, "a mark", &name))
		return false;
	while (i < scenario->marks_count && strcmp(scenario->marks[i], name))
		i++;
	*mark = i;
	if (is_new && i < scenario->marks_count) {
		problems_add(loader->problems, node->at,
		             "the mark '%.60s' is set twice: use another name", name);
		return false;
	}
	if (!is_new && i == scenario->marks_count) {
		problems_add(loader->problems, node->at,
		             "no step before this sets the mark '%.60s': add the step mark: %.60s",
		             name, name);
		return false;
	}
	if (is_new && i == SCENARIO_MARKS_MAX) {
		problems_add(loader->problems, node->at, "more than %d marks: leave some out",
		             SCENARIO_MARKS_MAX);
		return false;
	}
	if (is_new) {
		scenario->marks = xrealloc(scenario->marks, (i + 1) * sizeof *scenario->marks);
		scenario->marks[scenario->marks_count++] = xstrdup(name);
	}
	return true;
}

void scenario_read_expect(struct loader *loader, const struct yaml_node *node,
                          struct scenario_step *step)
{
	struct scenario_expect_frame frame = {
	        .step = step, .within_ns = SCENARIO_WITHIN_NS_DEFAULT, .mark = SCENARIO_NONE};
	size_t problems_before = loader->problems->count;
	const struct yaml_node *within, *value;
	bool waits = false;

	if (!scenario_read_map(loader, node, "'expect'", scenario_keys_expect))
		return;
	if ((within = yaml_get(node, "within")) != NULL)
		scenario_read_duration(loader, within, "'within'", 0, SCENARIO_TIME_NS_MAX,
		                       &frame.within_ns);
	if ((value = yaml_get(node, "at_end")) != NULL)
		frame.has_at_end = scenario_read_bool(loader, value, "'at_end'", &frame.at_end);
	if ((value = yaml_get(node, "since")) != NULL &&
	    !scenario_read_mark(loader, value, false, &frame.mark))
		return;
	for (size_t i = 0; i < node->count; i++)
		read_count(loader, &frame, yaml_key(node, i), yaml_value(node, i));
	for (size_t i = 0; i < step->expectations_count; i++)
		waits |= step->expectations[i].kind != EXPECT_DUMP &&
		         step->expectations[i].bounds.has_min &&
		         step->expectations[i].bounds.min > 0;
	if (loader->problems->count != problems_before)
		return;
	if (!step->expectations_count && !loader->controller_wrong)
		problems_add(
		        loader->problems, node->at,
		        "this expect can never fail: name a count, as packet_ins: {at_most: 30}");
	else if (within && !waits)
		problems_add(
		        loader->problems, within->at,
		        "'within' is for lower bounds, and nothing here has one: leave it out");
}
