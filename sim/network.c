/* The network of a scenario: its life, the ways of frames, and what is asked of it. See network.h,
 * and network_private.h for its other files.
 *
 * Places of the digest: end e of link l is 2 l + e, end e of switch s's control channel is 2 (links
 * + s) + e, in the order of the file. */
#include <stdlib.h>
#include <string.h>

#include "controller/controller_report.h"
#include "lib/base/xalloc.h"
#include "sim/json.h"
#include "sim/network_private.h"

#define EVENTS_MAX 10000000

enum { REPORT_BYTES_MAX = 1 << 26, NAME_BYTES = 64 };

/* --- Deadlines --- */

/* Set 'event' to 'deadline_ns', which may have passed; an event that is set right keeps its place
 * in the queue. */
static inline void set_deadline(struct clock *clock, struct event *event, uint64_t deadline_ns)
{
	if (deadline_ns < clock->now_ns)
		deadline_ns = clock->now_ns;
	if (heap_contains(&event->node) ? event->node.key != deadline_ns : deadline_ns != FB_NEVER)
		clock_set(clock, event, deadline_ns);
}

/* A host was called: its deadline, and whether it waits for an answer, may have changed. That it
 * waits no longer is news, as a frame is. */
static inline void host_called(struct network_host *h)
{
	struct network *network = h->network;
	const bool pending = host_pending(h->host);

	set_deadline(&network->clock, &h->event, host_deadline(h->host));
	if (pending == h->pending)
		return;
	h->pending = pending;
	network->hosts_pending += pending ? 1 : -1U;
	network->last_activity_ns = network->clock.now_ns;
}

static inline void agent_called(struct network_switch *sw)
{
	set_deadline(&sw->network->clock, &sw->event, agent_deadline(sw->agent));
}

void network_agent_called(struct network_switch *sw)
{
	agent_called(sw);
}

void network_controller_called(struct network *network)
{
	if (network->controller)
		set_deadline(&network->clock, &network->controller_event,
		             network->controller_stalled
		                     ? FB_NEVER
		                     : controller_deadline(network->controller));
	if (network->second)
		set_deadline(&network->clock, &network->second_event,
		             controller_deadline(network->second));
}

void network_host_fire(struct event *event)
{
	struct network_host *h = (struct network_host *)(void *)event;

	_Static_assert(offsetof(struct network_host, event) == 0, "begins with its event");
	host_run(h->host, h->network->clock.now_ns);
	host_called(h);
}

static void controller_fire(struct event *event)
{
	struct network *network =
	        (struct network *)(void *)((char *)event -
	                                   offsetof(struct network, controller_event));

	/* One that stood still sees first what came, then what time it is. */
	if (network->resumed_ns == network->clock.now_ns && network_control_is_due(network)) {
		clock_set(&network->clock, event, network->clock.now_ns);
		return;
	}
	controller_run(network->controller, network->clock.now_ns);
	network_controller_called(network);
}

static void second_fire(struct event *event)
{
	struct network *network =
	        (struct network *)(void *)((char *)event - offsetof(struct network, second_event));

	controller_run(network->second, network->clock.now_ns);
	network_controller_called(network);
}

/* --- Frames --- */

static inline bool is_discovery(struct frame *frame)
{
	return lldp_is_frame(frame_data(frame), frame->len);
}

static bool is_traffic(struct frame *frame)
{
	return !is_discovery(frame);
}

/* 'frame', which 'host' (SCENARIO_NONE: a switch) sends, is about to go over 'l' to its end 'to'. */
static inline void note_sending(struct network_link *l, unsigned to, uint32_t host,
                                struct frame *frame)
{
	struct network *network = l->network;

	network->last_activity_ns = network->clock.now_ns;
	if (link_is_up(l->link))
		NETWORK_OBSERVE(network, sending, l->index, to, host, frame);
}

void network_transmit(void *ctx, struct frame *frame)
{
	struct network_host *h = ctx;

	NETWORK_OBSERVE(h->network, host_frame, h->index, true, frame);
	if (!h->link) {
		frame_unref(frame);
		return;
	}
	note_sending(h->link, !h->end, h->index, frame);
	link_send(h->link->link, h->end, frame);
}

enum datapath_sent network_send_by(struct network_switch *sw, uint16_t port_no, uint32_t queue_id,
                                   struct frame *frame)
{
	struct network_port *port;
	enum link_event sent;

	if (port_no >= sw->ports_count || !sw->ports[port_no].link)
		return DATAPATH_FAILED;
	port = &sw->ports[port_no];
	if (!is_discovery(frame))
		note_sending(port->link, !port->end, SCENARIO_NONE, frame);
	if (queue_id == OFPQ_ALL)
		sent = link_send(port->link->link, port->end, frame_ref(frame));
	else
		sent = link_send_queued(port->link->link, port->end, queue_id, frame_ref(frame));
	return sent == LINK_SENT ? DATAPATH_SENT : DATAPATH_DROPPED;
}

enum datapath_sent network_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                  struct frame *frame)
{
	struct network_switch *sw = ctx;

	if (!sw->network->mutation)
		return network_send_by(sw, port_no, queue_id, frame);
	return mutation_output(sw->network->mutation, sw->index, port_no, queue_id, frame);
}

static void count_filters(const struct network_filters *filters, struct frame *frame)
{
	for (size_t i = 0; i < filters->count; i++) {
		struct network_filter *filter = filters->items[i];
		struct pcap_pkthdr header = {.caplen = frame->len, .len = frame->len};

		if (!filter->program || !filter->program->bf_len ||
		    pcap_offline_filter(filter->program, &header, frame_data(frame)))
			filter->count++;
	}
}

/* Count a frame that was delivered to 'end' of 'l'; true when it is one of discovery. */
static inline bool count_frame(struct network_link *l, unsigned end, struct frame *frame)
{
	struct network *network = l->network;

	if (is_discovery(frame)) {
		network->counters.lldp_frames++;
		return true;
	}
	network->last_activity_ns = network->clock.now_ns;
	network->counters.frames_delivered++;
	if (l->filters[end].count)
		count_filters(&l->filters[end], frame);
	return false;
}

void network_deliver(void *ctx, unsigned end, struct frame *frame)
{
	struct network_link *l = ctx;
	struct network *network = l->network;
	const struct scenario_end *to = &l->ends[end];
	const uint64_t now_ns = network->clock.now_ns;
	bool discovery;

	digest_delivery(network->digest, now_ns, 2 * l->index + end, frame_data(frame), frame->len);
	discovery = count_frame(l, end, frame);
	if (to->is_switch) {
		struct network_switch *sw = &network->switches[to->index];

		if (network->mutation)
			mutation_input(network->mutation, sw->index, frame);
		agent_frame(sw->agent, to->port, frame, now_ns);
		if (network->mutation)
			mutation_input(network->mutation, sw->index, NULL);
		agent_called(sw);
		return;
	}
	NETWORK_OBSERVE(network, host_frame, to->index, false, frame);
	if (discovery) {
		frame_unref(frame);
		return;
	}
	host_receive(network->hosts[to->index].host, frame, now_ns);
	host_called(&network->hosts[to->index]);
}

void network_observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame)
{
	struct network_link *l = ctx;

	NETWORK_OBSERVE(l->network, frame, l->index, end, event, frame);
}

void network_lost(void *ctx, unsigned end, const struct frame *frame)
{
	struct network_link *l = ctx;

	NETWORK_OBSERVE(l->network, lost, l->index, !end, frame);
}

void network_duplicated(void *ctx, const struct frame *frame)
{
	struct network_link *l = ctx;

	NETWORK_OBSERVE(l->network, duplicated, l->index, frame);
}

void network_carrier(void *ctx, unsigned end, bool up)
{
	struct network_link *l = ctx;
	const struct scenario_end *at = &l->ends[end];
	const uint64_t now_ns = l->network->clock.now_ns;

	if (!at->is_switch) {
		host_set_link(l->network->hosts[at->index].host, up, now_ns);
		l->network->hosts[at->index].changed_ns = now_ns;
		host_called(&l->network->hosts[at->index]);
	} else if (!l->network->switches[at->index].off) {
		agent_set_link(l->network->switches[at->index].agent, at->port, up, now_ns);
		agent_called(&l->network->switches[at->index]);
	}
}

void network_corrupted(void *ctx, struct frame *frame)
{
	struct network_link *l = ctx;

	NETWORK_OBSERVE(l->network, corrupted, frame);
}

void network_chance(void *ctx, unsigned end, const struct link_decision *decision)
{
	static const enum fault_kind kinds[] = {[LINK_LOSE] = FAULT_LOSE,
	                                        [LINK_DUPLICATE] = FAULT_DUPLICATE,
	                                        [LINK_HOLD] = FAULT_HOLD,
	                                        [LINK_CORRUPT] = FAULT_CORRUPT};
	struct network_link *l = ctx;
	const struct fault fault = {.kind = kinds[decision->fate],
	                            .time_ns = l->network->clock.now_ns,
	                            .place = l->index,
	                            .end = end,
	                            .skip = decision->skip,
	                            .count = decision->count,
	                            .by_ns = decision->by_ns,
	                            .byte = decision->byte,
	                            .flip = decision->flip};

	NETWORK_OBSERVE(l->network, chance, &fault);
}

/* --- Life --- */

struct network *network_new(const struct scenario *scenario, const struct network_options *options)
{
	struct network *network = xcalloc(1, sizeof *network);

	network->scenario = scenario;
	network->seed = options->seed;
	network->log_level = options->log_level;
	network->pool = frame_pool_new();
	network->digest = digest_new();
	network->controller_event.fire = controller_fire;
	network->second_event.fire = second_fire;
	network->resumed_ns = FB_NEVER;
	for (size_t i = 0; i < options->observers_count && i < NETWORK_OBSERVERS_MAX; i++)
		network->observers[network->observers_count++] = options->observers[i];
	clock_init(&network->clock, EVENTS_MAX);
	rng_init(&network->controller_rng, options->seed, "controller");
	rng_init(&network->second_rng, options->seed, "second controller");
	network_build(network);
	network_messages_init(network, options);
	return network;
}

static void free_switch(struct network_switch *sw)
{
	clock_cancel(&sw->network->clock, &sw->event);
	clock_cancel(&sw->network->clock, &sw->control);
	agent_free(sw->agent);
	channel_free(sw->channel);
	lldp_buffers_forget(&sw->lldp_buffers);
	free(sw->queues_before);
	free(sw->ports);
}

void network_free(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->closing = true;
	network->observers_count = 0;
	if (network->controller) {
		clock_cancel(&network->clock, &network->controller_event);
		controller_free(network->controller);
	}
	if (network->second) {
		clock_cancel(&network->clock, &network->second_event);
		controller_free(network->second);
	}
	network_fault_control_free(network);
	for (size_t i = 0; i < scenario->switches_count; i++)
		free_switch(&network->switches[i]);
	for (size_t i = 0; i < scenario->hosts_count; i++) {
		clock_cancel(&network->clock, &network->hosts[i].event);
		host_free(network->hosts[i].host);
	}
	for (size_t i = 0; i < scenario->links_count; i++) {
		link_free(network->links[i].link);
		free(network->links[i].filters[0].items);
		free(network->links[i].filters[1].items);
	}
	for (size_t i = 0; i < network->app_counts_before_count; i++) {
		free(network->app_counts_before[i].app);
		free(network->app_counts_before[i].name);
	}
	free(network->app_counts_before);
	network_messages_free(network);
	network_ongoing_forget(network);
	free(network->switches);
	free(network->hosts);
	free(network->links);
	digest_free(network->digest);
	frame_pool_free(network->pool);
	clock_destroy(&network->clock);
	free(network);
}

void network_add_filter(struct network *network, uint32_t link, unsigned end,
                        struct network_filter *filter)
{
	struct network_filters *list = &network->links[link].filters[end];

	list->items = xrealloc(list->items, (list->count + 1) * sizeof(struct network_filter *));
	list->items[list->count++] = filter;
}

void network_start(struct network *network)
{
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];

		if (network->controller)
			network_control_run(sw);
		else
			agent_controllers_lost(sw->agent, network->clock.now_ns);
	}
}

/* --- Readiness --- */

size_t network_switches_up(const struct network *network)
{
	size_t up = 0;

	if (network->controller)
		up += controller_switches_up(network->controller);
	if (network->second)
		up += controller_switches_up(network->second);
	return up > network->stale_count ? up - network->stale_count : 0;
}

size_t network_switches_expected(const struct network *network)
{
	size_t count = 0;

	for (size_t i = 0; i < network->scenario->switches_count; i++)
		count += !network->switches[i].off && !network->switches[i].control_down;
	return count;
}

bool network_joined(const struct network *network)
{
	if (!network->scenario->controller.apps_count)
		return true;
	if (network_switches_up(network) != network_switches_expected(network))
		return false;
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		const struct network_switch *sw = &network->switches[i];

		if (channel_in_flight(sw->channel) || network_fault_holds(sw))
			return false;
		if (!sw->off && !sw->control_down && !network_switch_is_connected(network, i))
			return false;
	}
	return network->controller != NULL && !mutation_holds(network->mutation);
}

bool network_ready(const struct network *network)
{
	return network_joined(network) && !network->controller_stalled && !network->second &&
	       !network->stale_count &&
	       (!network->controller || controller_ready(network->controller));
}

bool network_switch_is_connected(const struct network *network, uint32_t sw)
{
	return network->switches[sw].conn && network->switches[sw].session;
}

bool network_switch_kept_connected(const struct network *network, uint32_t sw)
{
	return network_switch_is_connected(network, sw) && network->switches[sw].connects == 1;
}

/* --- Asking --- */

struct clock *network_clock(struct network *network)
{
	return &network->clock;
}

uint64_t network_now(const struct network *network)
{
	return network->clock.now_ns;
}

struct host *network_host(struct network *network, uint32_t host)
{
	return network->hosts[host].host;
}

void network_host_called(struct network *network, uint32_t host)
{
	host_called(&network->hosts[host]);
}

const struct scenario_end *network_link_end(const struct network *network, uint32_t link,
                                            unsigned end)
{
	return &network->links[link].ends[end];
}

int network_command(struct network *network, const char *app, const char *const *words,
                    size_t count, struct fb_text *answer)
{
	int result;

	if (!network->controller || network->controller_stalled) {
		fb_text_puts(answer, network->controller ? "the controller stands still"
		                                         : "the controller is down");
		return -1;
	}
	result = controller_command(network->controller, app, words, count, answer,
	                            network->clock.now_ns);
	network_controller_called(network);
	return result;
}

uint64_t network_mutation_occasions(const struct network *network)
{
	return mutation_occasions(network->mutation);
}

uint64_t network_last_activity(const struct network *network)
{
	return network->last_activity_ns;
}

bool network_busy(const struct network *network, struct fb_text *what)
{
	const struct scenario *scenario = network->scenario;

	for (size_t i = 0; i < scenario->links_count; i++) {
		if (!link_in_flight(network->links[i].link) ||
		    !link_carries(network->links[i].link, is_traffic))
			continue;
		if (what)
			fb_text_printf(what, "frames on %s", scenario->links[i].name);
		return true;
	}
	for (size_t i = 0; i < scenario->switches_count; i++) {
		if (!channel_in_flight(network->switches[i].channel) &&
		    !network_fault_holds(&network->switches[i]))
			continue;
		if (what)
			fb_text_printf(what, "messages between %s and the controller",
			               scenario->switches[i].name);
		return true;
	}
	if (mutation_holds(network->mutation)) {
		if (what)
			fb_text_puts(what, "what the mutant holds back");
		return true;
	}
	for (size_t i = 0; what && i < scenario->hosts_count; i++) {
		if (network->hosts[i].pending) {
			fb_text_printf(what,
			               "%s waits for an answer (where none may come, the step "
			               "needs a timeout)",
			               scenario->hosts[i].name);
			break;
		}
	}
	return network->hosts_pending != 0;
}

struct agent *network_agent(struct network *network, uint32_t sw)
{
	return network->switches[sw].agent;
}

/* --- Counts --- */

/* One count from another, of which it is a part, as far as it arrived. */
static uint64_t without(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

struct network_switch_counts network_switch_counts(const struct network *network, uint32_t sw)
{
	const struct network_switch *s = &network->switches[sw];
	struct network_switch_counts counts = s->before;

	counts.packet_ins += without(datapath_counters(agent_datapath(s->agent))->packet_ins,
	                             s->lldp_packet_ins);
	counts.errors_in += agent_counters(s->agent)->errors_in;
	counts.errors_out += agent_counters(s->agent)->errors_out;
	return counts;
}

struct network_queue_counts network_queue_counts(const struct network *network, uint32_t sw,
                                                 uint16_t port, uint32_t queue_id)
{
	const struct network_switch *s = &network->switches[sw];
	const struct scenario_switch *from = &network->scenario->switches[sw];
	const struct datapath_queue *queue;
	struct network_queue_counts counts = {0};

	for (size_t i = 0; i < from->queues_count; i++)
		if (from->queues[i].port == port && from->queues[i].id == queue_id)
			counts = s->queues_before[i];
	for (size_t i = 0; (queue = datapath_queue_at(agent_datapath(s->agent), port, i)) != NULL;
	     i++) {
		if (queue->queue_id != queue_id)
			continue;
		counts.sent += queue->stats.tx_packets;
		counts.dropped += queue->stats.tx_errors;
	}
	return counts;
}

static void add_counts(struct network_controller_counts *counts,
                       const struct controller *controller)
{
	const struct controller_counters *now;

	if (!controller)
		return;
	now = controller_counters(controller);
	counts->messages += now->messages_in + now->messages_out;
	counts->packet_ins += now->packet_ins;
	counts->packet_outs += now->packet_outs;
	counts->flow_mods += now->flow_mods;
}

struct network_controller_counts network_controller_counts(const struct network *network)
{
	struct network_controller_counts counts = network->counts_before;
	uint64_t lldp_packet_ins = 0;

	add_counts(&counts, network->controller);
	add_counts(&counts, network->second);
	for (size_t i = 0; i < network->scenario->switches_count; i++)
		lldp_packet_ins += channel_counters(network->switches[i].channel)
		                           ->background[CHANNEL_CONTROLLER];
	counts.lldp_messages = lldp_packet_ins + network->lldp_packet_outs;
	counts.messages = without(counts.messages, counts.lldp_messages);
	counts.packet_ins = without(counts.packet_ins, lldp_packet_ins);
	counts.packet_outs = without(counts.packet_outs, network->lldp_packet_outs);
	return counts;
}

/* A counter that is being looked for. */
struct wanted_counter {
	const char *app, *name;
	uint64_t value;
};

static void take_counter(void *ctx, const char *app, const char *name, uint64_t value)
{
	struct wanted_counter *wanted = ctx;

	if (!strcmp(app, wanted->app) && !strcmp(name, wanted->name))
		wanted->value += value;
}

uint64_t network_app_counter(const struct network *network, const char *app, const char *name)
{
	struct wanted_counter wanted = {.app = app, .name = name};

	for (size_t i = 0; i < network->app_counts_before_count; i++) {
		const struct network_app_count *before = &network->app_counts_before[i];

		take_counter(&wanted, before->app, before->name, before->value);
	}
	if (network->controller)
		controller_app_counters(network->controller, take_counter, &wanted);
	if (network->second)
		controller_app_counters(network->second, take_counter, &wanted);
	return wanted.value;
}

/* The place in the chain of the application 'app'; as many as there are: none. */
static unsigned place_of_app(const struct network *network, const char *app)
{
	const unsigned count = controller_report_apps(network->controller);
	unsigned place = 0;

	for (; place < count; place++) {
		struct fb_report report;
		struct json name;
		char text[NAME_BYTES] = "";

		fb_report_init(&report, REPORT_BYTES_MAX, 1);
		fb_report_begin_map(&report, NULL);
		controller_report_app(network->controller, place, &report);
		fb_report_end_map(&report);
		if (json_member((struct json){report.text, report.len}, "name", &name))
			json_text(name, text, sizeof text);
		fb_report_destroy(&report);
		if (!strcmp(text, app))
			break;
	}
	return place;
}

char *network_app_report(struct network *network, const char *app, uint32_t list_max, size_t *len)
{
	/* No switch has that number. */
	const struct controller_report_wish wish = {.one_switch = true,
	                                            .dpid = UINT64_MAX,
	                                            .list_max = list_max,
	                                            .bytes_max = REPORT_BYTES_MAX};
	struct controller_report report;
	char *text = NULL;
	unsigned place;

	if (!network->controller)
		return NULL;
	place = place_of_app(network, app);
	controller_report_write(network->controller, &wish, 0, &report, network->clock.now_ns);
	for (size_t i = 0; i < report.pieces_count && !report.text.overflow; i++) {
		const struct controller_report_piece *piece = &report.pieces[i];

		if (piece->kind != CONTROLLER_REPORT_INSTANCE || piece->key != place)
			continue;
		*len = piece->len;
		text = xmalloc(piece->len + 1);
		memcpy(text, report.text.text + piece->offset, piece->len);
		text[piece->len] = 0;
		break;
	}
	controller_report_destroy(&report);
	return text;
}

char *network_controller_report(struct network *network, size_t *len)
{
	const struct controller_report_wish wish = {.bytes_max = REPORT_BYTES_MAX};
	struct controller_report report;
	char *text;

	if (!network->controller)
		return NULL;
	controller_report_write(network->controller, &wish, 0, &report, network->clock.now_ns);
	*len = report.text.overflow ? 0 : report.text.len;
	text = xmalloc(*len + 1);
	memcpy(text, report.text.text, *len);
	text[*len] = 0;
	controller_report_destroy(&report);
	return text;
}

const struct link *network_link(const struct network *network, uint32_t link)
{
	return network->links[link].link;
}

const struct channel_counters *network_channel_counters(const struct network *network, uint32_t sw)
{
	return channel_counters(network->switches[sw].channel);
}

const struct network_counters *network_counters(const struct network *network)
{
	return &network->counters;
}

void network_digest(const struct network *network, char text[DIGEST_TEXT_BYTES])
{
	digest_text(network->digest, text);
}
