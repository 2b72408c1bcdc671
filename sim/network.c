/* The network of a scenario. See network.h.
 *
 * Places of the digest: end e of link l is 2 l + e, end e of switch s's control channel is 2 (links
 * + s) + e, in the order of the file. */
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "controller/session.h"
#include "lib/base/rng.h"
#include "lib/base/xalloc.h"
#include "softswitch/reconnect.h"

#define EVENTS_MAX 10000000

struct network_host {
	struct event event; /* the host's deadline */
	struct network *network;
	struct host *host;
	struct link *link; /* NULL: none */
	unsigned end;
	uint32_t index;
	bool pending; /* it waits for an answer */
};

/* Where a switch's port leads. */
struct network_port {
	struct link *link; /* NULL: no such port */
	unsigned end;
};

struct network_switch {
	struct event event;   /* the agent's deadline */
	struct event control; /* its connection ended, or the next attempt is due */
	struct network *network;
	struct agent *agent;
	struct network_port *ports; /* by port number */
	uint32_t ports_count;
	struct channel *channel;
	struct session *session; /* the controller's end; NULL: closed */
	struct agent_conn *conn; /* the switch's end */
	struct reconnect reconnect;
	bool control_down;       /* attempts fail */
	enum datapath_mode mode; /* as observers know it */
	uint32_t index, place;
};

/* A counter of an application. */
struct network_app_count {
	char *app, *name;
	uint64_t value;
};

struct filter_list {
	struct network_filter **items;
	size_t count;
};

struct network_link {
	struct link *link;
	struct network *network;
	uint32_t index;
	struct scenario_end ends[2];
	struct filter_list filters[2]; /* by receiving end */
};

struct network {
	struct clock clock;
	const struct scenario *scenario;
	uint64_t seed;
	struct frame_pool *pool;
	struct digest *digest;

	struct controller *controller; /* NULL: none, or it is down */
	struct event controller_event; /* its deadline */
	struct rng controller_rng;     /* its run ids */
	enum fb_log_level log_level;
	struct network_controller_counts counts_before; /* of those that went down */
	struct network_app_count *app_counts_before;
	size_t app_counts_before_count;
	struct network_switch *switches;
	struct network_host *hosts;
	struct network_link *links;
	bool closing; /* being freed: nobody reconnects */

	uint64_t last_activity_ns;
	uint32_t hosts_pending; /* hosts that wait for an answer */
	struct network_counters counters;
	struct network_observer observers[NETWORK_OBSERVERS_MAX];
	size_t observers_count;
};

/* Tell all observers that have 'member'. */
#define OBSERVE(network, member, ...)                                                              \
	do {                                                                                       \
		for (size_t o_ = 0; o_ < (network)->observers_count; o_++)                         \
			if ((network)->observers[o_].member)                                       \
				(network)->observers[o_].member((network)->observers[o_].ctx,      \
				                                (network)->clock.now_ns,           \
				                                __VA_ARGS__);                      \
	} while (0)

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

static inline void controller_called(struct network *network)
{
	set_deadline(&network->clock, &network->controller_event,
	             controller_deadline(network->controller));
}

static void host_fire(struct event *event)
{
	struct network_host *h = (struct network_host *)(void *)event;

	_Static_assert(offsetof(struct network_host, event) == 0, "begins with its event");
	host_run(h->host, h->network->clock.now_ns);
	host_called(h);
}

static void agent_fire(struct event *event)
{
	struct network_switch *sw = (struct network_switch *)(void *)event;

	_Static_assert(offsetof(struct network_switch, event) == 0, "begins with its event");
	agent_run(sw->agent, sw->network->clock.now_ns);
	agent_called(sw);
}

static void controller_fire(struct event *event)
{
	struct network *network =
	        (struct network *)(void *)((char *)event -
	                                   offsetof(struct network, controller_event));

	controller_run(network->controller, network->clock.now_ns);
	controller_called(network);
}

/* --- Frames --- */

static void host_transmit(void *ctx, struct frame *frame)
{
	struct network_host *h = ctx;

	OBSERVE(h->network, host_frame, h->index, true, frame);
	if (!h->link) {
		frame_unref(frame);
		return;
	}
	h->network->last_activity_ns = h->network->clock.now_ns;
	link_send(h->link, h->end, frame);
}

static enum datapath_sent agent_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                       struct frame *frame)
{
	struct network_switch *sw = ctx;
	struct network_port *port;
	enum link_event sent;

	if (port_no >= sw->ports_count || !sw->ports[port_no].link)
		return DATAPATH_FAILED;
	port = &sw->ports[port_no];
	sw->network->last_activity_ns = sw->network->clock.now_ns;
	if (queue_id == OFPQ_ALL)
		sent = link_send(port->link, port->end, frame_ref(frame));
	else
		sent = link_send_queued(port->link, port->end, queue_id, frame_ref(frame));
	return sent == LINK_SENT ? DATAPATH_SENT : DATAPATH_DROPPED;
}

static void count_filters(const struct filter_list *filters, struct frame *frame)
{
	for (size_t i = 0; i < filters->count; i++) {
		struct network_filter *filter = filters->items[i];
		struct pcap_pkthdr header = {.caplen = frame->len, .len = frame->len};

		if (!filter->program || !filter->program->bf_len ||
		    pcap_offline_filter(filter->program, &header, frame_data(frame)))
			filter->count++;
	}
}

static void link_deliver(void *ctx, unsigned end, struct frame *frame)
{
	struct network_link *l = ctx;
	struct network *network = l->network;
	const struct scenario_end *to = &l->ends[end];
	const uint64_t now_ns = network->clock.now_ns;

	digest_delivery(network->digest, now_ns, 2 * l->index + end, frame_data(frame), frame->len);
	network->last_activity_ns = now_ns;
	network->counters.frames_delivered++;
	if (l->filters[end].count)
		count_filters(&l->filters[end], frame);
	if (to->is_switch) {
		struct network_switch *sw = &network->switches[to->index];

		agent_frame(sw->agent, to->port, frame, now_ns);
		agent_called(sw);
	} else {
		struct network_host *h = &network->hosts[to->index];

		OBSERVE(network, host_frame, to->index, false, frame);
		host_receive(h->host, frame, now_ns);
		host_called(h);
	}
}

static void link_observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame)
{
	struct network_link *l = ctx;

	OBSERVE(l->network, frame, l->index, end, event, frame);
}

static void link_state(void *ctx, unsigned end, bool up)
{
	struct network_link *l = ctx;
	const struct scenario_end *at = &l->ends[end];
	const uint64_t now_ns = l->network->clock.now_ns;

	if (at->is_switch) {
		agent_set_link(l->network->switches[at->index].agent, at->port, up, now_ns);
		agent_called(&l->network->switches[at->index]);
	} else {
		host_set_link(l->network->hosts[at->index].host, up, now_ns);
		host_called(&l->network->hosts[at->index]);
	}
}

/* --- The control channel --- */

static void controller_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct network_switch *sw = conn;

	sw->network->last_activity_ns = sw->network->clock.now_ns;
	channel_send(sw->channel, CHANNEL_CONTROLLER, bytes, len);
}

static void agent_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct network_switch *sw = conn;

	sw->network->last_activity_ns = sw->network->clock.now_ns;
	channel_send(sw->channel, CHANNEL_SWITCH, bytes, len);
}

/* The switch's end is closed, or an attempt failed. What follows from that is an event of its own,
 * because agents may not be called from here. */
static void connection_ended(struct network_switch *sw)
{
	struct clock *clock = &sw->network->clock;

	if (sw->network->closing)
		return;
	reconnect_ended(&sw->reconnect, clock->now_ns);
	clock_set(clock, &sw->control, clock->now_ns);
}

static void controller_close(void *conn, const char *reason)
{
	struct network_switch *sw = conn;

	(void)reason; /* the controller's log tells it */
	sw->session = NULL;
	channel_close(sw->channel, CHANNEL_CONTROLLER);
}

static void agent_close(void *conn, const char *reason)
{
	struct network_switch *sw = conn;

	OBSERVE(sw->network, log, sw->network->scenario->switches[sw->index].name, reason);
	sw->conn = NULL;
	channel_close(sw->channel, CHANNEL_SWITCH);
	connection_ended(sw);
}

/* The controller's HELLO came. */
static void agent_ready(void *conn)
{
	struct network_switch *sw = conn;

	reconnect_ready(&sw->reconnect);
}

static void channel_deliver(void *ctx, unsigned end, const uint8_t *bytes, size_t len)
{
	struct network_switch *sw = ctx;
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	digest_delivery(network->digest, now_ns, sw->place + end, bytes, len);
	network->last_activity_ns = now_ns;
	OBSERVE(network, bytes, sw->index, end, bytes, len);
	if (end == CHANNEL_CONTROLLER && sw->session) {
		session_receive(sw->session, bytes, len, now_ns);
		controller_called(network);
	} else if (end == CHANNEL_SWITCH && sw->conn) {
		agent_receive(sw->conn, bytes, len, now_ns);
		agent_called(sw);
	}
}

/* The other end's close arrived at 'end'. */
static void channel_closed(void *ctx, unsigned end, const char *reason)
{
	struct network_switch *sw = ctx;
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	network->last_activity_ns = now_ns;
	OBSERVE(network, closed, sw->index, end);
	if (end == CHANNEL_CONTROLLER && sw->session) {
		struct session *session = sw->session;

		sw->session = NULL;
		session_closed(session, reason, now_ns);
		controller_called(network);
	} else if (end == CHANNEL_SWITCH && sw->conn) {
		struct agent_conn *conn = sw->conn;

		sw->conn = NULL;
		agent_closed(conn, reason, now_ns);
		agent_called(sw);
		connection_ended(sw);
	}
}

/* Begin an attempt where there is a controller to reach. */
static void connect_switch(struct network_switch *sw)
{
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;
	const char *name = network->scenario->switches[sw->index].name;

	if (!network->controller || sw->control_down) {
		OBSERVE(network, log, name, "cannot reach the controller");
		connection_ended(sw);
		return;
	}
	channel_open(sw->channel);
	OBSERVE(network, connected, sw->index);
	sw->session = controller_connect(network->controller, sw, name, now_ns);
	controller_called(network);
	if (!sw->session)
		channel_close(sw->channel, CHANNEL_CONTROLLER);
	sw->conn = agent_connect(sw->agent, sw, "controller", AGENT_CONTROLLER, now_ns);
	agent_called(sw);
	if (!sw->conn) {
		channel_close(sw->channel, CHANNEL_SWITCH);
		connection_ended(sw);
	}
}

/* The switch looks after its control connection: it gives the controller up when it has tried often
 * enough, and tries again when the time has come and the controller has heard of the old
 * connection's end. */
static void control_run(struct network_switch *sw)
{
	struct clock *clock = &sw->network->clock;
	uint64_t next_ns = reconnect_deadline(&sw->reconnect);

	if (reconnect_exhausted(&sw->reconnect)) {
		agent_controllers_lost(sw->agent, clock->now_ns);
		agent_called(sw);
	}
	if (next_ns <= clock->now_ns && (sw->session || channel_in_flight(sw->channel))) {
		next_ns = clock->now_ns + sw->reconnect.config.backoff_min_ns;
	} else if (reconnect_begin(&sw->reconnect, clock->now_ns)) {
		connect_switch(sw);
		return;
	}
	clock_set(clock, &sw->control, next_ns);
}

static void control_fire(struct event *event)
{
	control_run((struct network_switch *)(void *)((char *)event -
	                                              offsetof(struct network_switch, control)));
}

static void controller_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	struct network *network = ctx;

	(void)level;
	OBSERVE(network, log, who, line);
}

/* The line that follows a change of the mode is the one that tells of it. */
static void agent_log(void *ctx, enum agent_log_level level, const char *line)
{
	struct network_switch *sw = ctx;
	const enum datapath_mode mode = datapath_mode(agent_datapath(sw->agent));

	(void)level;
	if (mode == sw->mode) {
		OBSERVE(sw->network, log, sw->network->scenario->switches[sw->index].name, line);
		return;
	}
	sw->mode = mode;
	OBSERVE(sw->network, mode, sw->index, mode, line);
}

/* --- Building --- */

static void build_controller(struct network *network)
{
	const struct scenario_controller *from = &network->scenario->controller;
	const struct controller_ops ops = {.send = controller_send,
	                                   .close = controller_close,
	                                   .log = controller_log,
	                                   .ctx = network};
	struct controller_config config = from->config;
	char buffer[400];

	if (!from->apps_count)
		return;
	config.run_id = (uint32_t)rng_next(&network->controller_rng);
	config.log_level = network->log_level;
	network->controller_event.fire = controller_fire;
	network->controller = controller_new(&config, &ops);
	for (size_t i = 0; i < from->apps_count; i++) {
		struct fb_text error = fb_text_make(buffer, sizeof buffer);

		/* The loader has made this chain before. */
		if (controller_add_app(network->controller, from->apps[i].cls,
		                       from->apps[i].options, &error))
			abort();
	}
}

static void build_switches(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->switches = xcalloc(scenario->switches_count + 1, sizeof *network->switches);
	for (uint32_t i = 0; i < scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];
		const struct scenario_switch *from = &scenario->switches[i];
		const struct agent_ops ops = {.send = agent_send,
		                              .close = agent_close,
		                              .ready = agent_ready,
		                              .output = agent_output,
		                              .log = agent_log,
		                              .ctx = sw};
		const struct channel_ops channel_ops = {
		        .deliver = channel_deliver, .closed = channel_closed, .ctx = sw};
		char name[SCENARIO_NAME_BYTES_MAX + 16];
		struct fb_text text = fb_text_make(name, sizeof name);

		fb_text_printf(&text, "channel %s", from->name);
		sw->event.fire = agent_fire;
		sw->control.fire = control_fire;
		sw->network = network;
		sw->index = i;
		sw->place = 2 * ((uint32_t)scenario->links_count + i);
		reconnect_init(&sw->reconnect, &from->reconnect, 0);
		sw->agent = agent_new(&from->config, &ops, network->pool);
		sw->mode = datapath_mode(agent_datapath(sw->agent));
		datapath_set_fragments(agent_datapath(sw->agent), from->fragments);
		sw->channel = channel_new(&network->clock, from->delay_ns, &channel_ops,
		                          network->seed, name);
	}
}

static void build_hosts(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->hosts = xcalloc(scenario->hosts_count + 1, sizeof *network->hosts);
	for (uint32_t i = 0; i < scenario->hosts_count; i++) {
		struct network_host *h = &network->hosts[i];
		const struct scenario_host *from = &scenario->hosts[i];
		const struct host_ops ops = {.transmit = host_transmit, .ctx = h};
		struct host_config config;

		host_config_default(&config);
		config.name = from->name;
		config.hostname = from->hostname;
		memcpy(config.mac, from->mac, FB_MAC_BYTES);
		config.ip = from->ip;
		config.prefix_len = from->prefix_len;
		config.gateway = from->gateway;
		config.seed = network->seed;
		h->event.fire = host_fire;
		h->network = network;
		h->index = i;
		h->host = host_new(&config, &ops, network->pool);
		for (size_t j = 0; j < from->tcp_count; j++)
			if (from->tcp[j].service != HOST_SERVICE_NONE)
				host_listen_tcp(h->host, from->tcp[j].port, from->tcp[j].service);
		for (size_t j = 0; j < from->udp_count; j++)
			if (from->udp[j].service != HOST_SERVICE_NONE)
				host_listen_udp(h->host, from->udp[j].port, from->udp[j].service);
	}
}

/* What the port says of itself: full duplex at the nearest rate that the specification knows. */
static uint32_t port_features(uint64_t rate_bps)
{
	if (!rate_bps || rate_bps > 1000000000)
		return OFPPF_10GB_FD | OFPPF_FIBER;
	if (rate_bps > 100000000)
		return OFPPF_1GB_FD | OFPPF_COPPER;
	return (rate_bps > 10000000 ? OFPPF_100MB_FD : OFPPF_10MB_FD) | OFPPF_COPPER;
}

/* Give switch 'sw' the port that 'end' of 'link' names. */
static void build_port(struct network *network, struct network_switch *sw,
                       struct network_link *link, unsigned end)
{
	const uint16_t port_no = link->ends[end].port;
	const char *switch_name = network->scenario->switches[sw->index].name;
	struct fb_phy_port port = {.port_no = port_no};
	char name[SCENARIO_NAME_BYTES_MAX + 16];
	struct fb_text text = fb_text_make(name, sizeof name);

	if (port_no >= sw->ports_count) {
		uint32_t count = 2 * (uint32_t)port_no + 1;

		sw->ports = xrealloc(sw->ports, count * sizeof *sw->ports);
		for (uint32_t i = sw->ports_count; i < count; i++)
			sw->ports[i] = (struct network_port){0};
		sw->ports_count = count;
	}
	sw->ports[port_no] = (struct network_port){link->link, end};
	fb_text_printf(&text, "%s-eth%u", switch_name, port_no);
	if (text.len > OFP_MAX_PORT_NAME_LEN - 1) {
		text = fb_text_make(name, sizeof name);
		fb_text_printf(&text, "eth%u", port_no);
	}
	strcpy(port.name, name);
	fb_mac_from_u64(port.hw_addr,
	                UINT64_C(0x0a0000000000) | ((uint64_t)sw->index << 16) | port_no);
	port.curr = port_features(network->scenario->links[link->index].config.rate_bps);
	agent_add_port(sw->agent, &port, 0);
	agent_called(sw);
}

static void build_links(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->links = xcalloc(scenario->links_count + 1, sizeof *network->links);
	for (uint32_t i = 0; i < scenario->links_count; i++) {
		struct network_link *l = &network->links[i];
		const struct scenario_link *from = &scenario->links[i];
		struct link_ops ops = {.deliver = link_deliver, .state = link_state, .ctx = l};

		for (size_t o = 0; o < network->observers_count; o++)
			if (network->observers[o].frame)
				ops.observe = link_observe;
		l->network = network;
		l->index = i;
		memcpy(l->ends, from->ends, sizeof l->ends);
		l->link = link_new(&network->clock, &from->config, &ops, network->seed, from->name);
		for (unsigned e = 0; e < 2; e++) {
			if (l->ends[e].is_switch) {
				build_port(network, &network->switches[l->ends[e].index], l, e);
			} else {
				network->hosts[l->ends[e].index].link = l->link;
				network->hosts[l->ends[e].index].end = e;
			}
		}
	}
}

/* The queues of a switch's ports, which are there now, and the entries that it begins with. The
 * loader has tried both. */
static void build_tables(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];
	struct datapath *dp = agent_datapath(sw->agent);
	struct fb_of_error error;

	for (size_t i = 0; i < from->queues_count; i++) {
		const struct scenario_queue *queue = &from->queues[i];
		const struct network_port *port = &sw->ports[queue->port];

		if (datapath_add_queue(dp, queue->port, queue->id, queue->min_rate_permille) ||
		    link_add_queue(port->link, port->end, queue->id, queue->min_rate_permille))
			abort();
	}
	for (size_t i = 0; i < from->flows_count; i++)
		if (datapath_flow_mod(dp, &from->flows[i].mod, 0, &error))
			abort();
	agent_called(sw);
}

struct network *network_new(const struct scenario *scenario, uint64_t seed,
                            enum fb_log_level log_level, const struct network_observer *observers,
                            size_t observers_count)
{
	struct network *network = xcalloc(1, sizeof *network);

	network->scenario = scenario;
	network->seed = seed;
	network->log_level = log_level;
	network->pool = frame_pool_new();
	network->digest = digest_new();
	for (size_t i = 0; i < observers_count && i < NETWORK_OBSERVERS_MAX; i++)
		network->observers[network->observers_count++] = observers[i];
	clock_init(&network->clock, EVENTS_MAX);
	rng_init(&network->controller_rng, seed, "controller");
	build_controller(network);
	build_switches(network);
	build_hosts(network);
	build_links(network);
	for (size_t i = 0; i < scenario->switches_count; i++)
		build_tables(&network->switches[i]);
	return network;
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
	for (size_t i = 0; i < scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];

		clock_cancel(&network->clock, &sw->event);
		clock_cancel(&network->clock, &sw->control);
		agent_free(sw->agent);
		channel_free(sw->channel);
		free(sw->ports);
	}
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
	struct filter_list *list = &network->links[link].filters[end];

	list->items = xrealloc(list->items, (list->count + 1) * sizeof(struct network_filter *));
	list->items[list->count++] = filter;
}

/* --- Running --- */

void network_start(struct network *network)
{
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];

		if (network->controller)
			control_run(sw);
		else
			agent_controllers_lost(sw->agent, network->clock.now_ns);
	}
}

size_t network_switches_up(const struct network *network)
{
	return network->controller ? controller_switches_up(network->controller) : 0;
}

bool network_joined(const struct network *network)
{
	if (!network->controller)
		return true;
	if (network_switches_up(network) != network->scenario->switches_count)
		return false;
	for (size_t i = 0; i < network->scenario->switches_count; i++)
		if (channel_in_flight(network->switches[i].channel))
			return false;
	return true;
}

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

/* Add the counter to those of the controllers that went down. */
static void keep_counter(void *ctx, const char *app, const char *name, uint64_t value)
{
	struct network *network = ctx;
	struct network_app_count *all = network->app_counts_before;
	size_t i = 0;

	while (i < network->app_counts_before_count &&
	       (strcmp(all[i].app, app) || strcmp(all[i].name, name)))
		i++;
	if (i == network->app_counts_before_count) {
		all = xrealloc(all, (i + 1) * sizeof *all);
		all[i] = (struct network_app_count){xstrdup(app), xstrdup(name), 0};
		network->app_counts_before = all;
		network->app_counts_before_count++;
	}
	all[i].value += value;
}

/* The controller goes down: what it counted still counts. */
static void keep_counts(struct network *network)
{
	network->counts_before = network_controller_counts(network);
	controller_app_counters(network->controller, keep_counter, network);
}

void network_set_link(struct network *network, uint32_t link, bool up)
{
	network->last_activity_ns = network->clock.now_ns;
	link_set_up(network->links[link].link, up);
}

void network_set_host(struct network *network, uint32_t host, bool on)
{
	network->last_activity_ns = network->clock.now_ns;
	host_set_power(network->hosts[host].host, on, network->clock.now_ns);
	host_called(&network->hosts[host]);
}

void network_set_controller(struct network *network, bool up)
{
	if (up == (network->controller != NULL))
		return;
	network->last_activity_ns = network->clock.now_ns;
	if (up) {
		build_controller(network);
		return;
	}
	clock_cancel(&network->clock, &network->controller_event);
	keep_counts(network);
	controller_free(network->controller);
	network->controller = NULL;
}

void network_set_control(struct network *network, uint32_t sw, bool up)
{
	network->last_activity_ns = network->clock.now_ns;
	network->switches[sw].control_down = !up;
	if (!up)
		channel_break(network->switches[sw].channel, "the control channel is down");
}

bool network_link_is_up(const struct network *network, uint32_t link)
{
	return link_is_up(network->links[link].link);
}

bool network_host_is_on(const struct network *network, uint32_t host)
{
	return host_is_on(network->hosts[host].host);
}

bool network_controller_is_up(const struct network *network)
{
	return network->controller != NULL;
}

bool network_control_is_up(const struct network *network, uint32_t sw)
{
	return !network->switches[sw].control_down;
}

uint64_t network_last_activity(const struct network *network)
{
	return network->last_activity_ns;
}

bool network_busy(const struct network *network, struct fb_text *what)
{
	const struct scenario *scenario = network->scenario;

	for (size_t i = 0; i < scenario->links_count; i++) {
		if (!link_in_flight(network->links[i].link))
			continue;
		if (what)
			fb_text_printf(what, "frames on %s", scenario->links[i].name);
		return true;
	}
	for (size_t i = 0; i < scenario->switches_count; i++) {
		if (!channel_in_flight(network->switches[i].channel))
			continue;
		if (what)
			fb_text_printf(what, "messages between %s and the controller",
			               scenario->switches[i].name);
		return true;
	}
	for (size_t i = 0; what && i < scenario->hosts_count; i++) {
		if (network->hosts[i].pending) {
			fb_text_printf(what, "%s waits for an answer", scenario->hosts[i].name);
			break;
		}
	}
	return network->hosts_pending != 0;
}

struct agent *network_agent(struct network *network, uint32_t sw)
{
	return network->switches[sw].agent;
}

struct network_controller_counts network_controller_counts(const struct network *network)
{
	struct network_controller_counts counts = network->counts_before;

	if (network->controller) {
		const struct controller_counters *now = controller_counters(network->controller);

		counts.messages += now->messages_in + now->messages_out;
		counts.packet_ins += now->packet_ins;
		counts.packet_outs += now->packet_outs;
		counts.flow_mods += now->flow_mods;
	}
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
	return wanted.value;
}

const struct network_counters *network_counters(const struct network *network)
{
	return &network->counters;
}

void network_digest(const struct network *network, char text[DIGEST_TEXT_BYTES])
{
	digest_text(network->digest, text);
}
