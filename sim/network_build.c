/* Making a network of a scenario: controller, switches, hosts and links. See network_private.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

/* --- The controller --- */

/* A controller with the scenario's applications, whose run id 'rng' draws and whose lines 'log' takes;
 * NULL where the scenario has none. */
static struct controller *build_controller(struct network *network, struct rng *rng,
                                           void (*log)(void *ctx, enum fb_log_level level,
                                                       const char *who, const char *line))
{
	const struct scenario_controller *from = &network->scenario->controller;
	const struct controller_ops ops = {.send = network_controller_send,
	                                   .close = network_controller_close,
	                                   .log = log,
	                                   .read_file = network_controller_read_file,
	                                   .ctx = network};
	struct controller_config config = from->config;
	struct controller *controller;
	char buffer[400];

	if (!from->apps_count)
		return NULL;
	config.run_id = (uint32_t)rng_next(rng);
	config.log_level = network->log_level;
	controller = controller_new(&config, &ops);
	for (size_t i = 0; i < from->apps_count; i++) {
		struct fb_text error = fb_text_make(buffer, sizeof buffer);

		/* The loader has made this chain before, with the same files. */
		if (controller_add_app(controller, from->apps[i].cls, from->apps[i].options,
		                       &error))
			abort();
	}
	return controller;
}

void network_build_controller(struct network *network)
{
	network->controller =
	        build_controller(network, &network->controller_rng, network_controller_log);
}

void network_build_second(struct network *network)
{
	network->second = build_controller(network, &network->second_rng, network_second_log);
}

/* --- Switches --- */

/* What the port says of itself: full duplex at the nearest rate that the specification knows. */
static uint32_t port_features(uint64_t rate_bps)
{
	if (!rate_bps || rate_bps > 1000000000)
		return OFPPF_10GB_FD | OFPPF_FIBER;
	if (rate_bps > 100000000)
		return OFPPF_1GB_FD | OFPPF_COPPER;
	return (rate_bps > 10000000 ? OFPPF_100MB_FD : OFPPF_10MB_FD) | OFPPF_COPPER;
}

static void add_port(struct network_switch *sw, uint16_t port_no, uint32_t state)
{
	const char *switch_name = sw->network->scenario->switches[sw->index].name;
	struct fb_phy_port port = {.port_no = port_no, .state = state};
	char name[SCENARIO_NAME_BYTES_MAX + 16];
	struct fb_text text = fb_text_make(name, sizeof name);

	fb_text_printf(&text, "%s-eth%u", switch_name, port_no);
	if (text.len > OFP_MAX_PORT_NAME_LEN - 1) {
		text = fb_text_make(name, sizeof name);
		fb_text_printf(&text, "eth%u", port_no);
	}
	strcpy(port.name, name);
	fb_mac_from_u64(port.hw_addr,
	                UINT64_C(0x0a0000000000) | ((uint64_t)sw->index << 16) | port_no);
	port.curr = port_features(sw->ports[port_no].rate_bps);
	agent_add_port(sw->agent, &port, sw->network->clock.now_ns);
	network_agent_called(sw);
}

void network_build_agent(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];
	const struct agent_ops ops = {.send = network_agent_send,
	                              .close = network_agent_close,
	                              .ready = network_agent_ready,
	                              .output = network_output,
	                              .buffer_expired = network_agent_buffer_expired,
	                              .log = network_agent_log,
	                              .ctx = sw};

	reconnect_init(&sw->reconnect, &from->reconnect, sw->network->clock.now_ns);
	sw->agent = agent_new(&from->config, &ops, sw->network->pool);
	sw->mode = datapath_mode(agent_datapath(sw->agent));
	sw->errors_told = 0;
	datapath_set_fragments(agent_datapath(sw->agent), from->fragments);
	for (uint32_t i = 0; i < sw->ports_count; i++)
		if (sw->ports[i].exists)
			add_port(sw, (uint16_t)i, OFPPS_LINK_DOWN);
}

static void agent_fire(struct event *event)
{
	struct network_switch *sw = (struct network_switch *)(void *)event;

	_Static_assert(offsetof(struct network_switch, event) == 0, "begins with its event");
	agent_run(sw->agent, sw->network->clock.now_ns);
	network_agent_called(sw);
}

static void build_switches(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->switches = xcalloc(scenario->switches_count + 1, sizeof *network->switches);
	for (uint32_t i = 0; i < scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];
		const struct scenario_switch *from = &scenario->switches[i];
		struct channel_ops channel_ops = {.deliver = network_channel_deliver,
		                                  .closed = network_channel_closed,
		                                  .ctx = sw};
		char name[SCENARIO_NAME_BYTES_MAX + 16];
		struct fb_text text = fb_text_make(name, sizeof name);

		fb_text_printf(&text, "channel %s", from->name);
		sw->event.fire = agent_fire;
		sw->control.fire = network_control_fire;
		sw->network = network;
		sw->index = i;
		sw->place = 2 * ((uint32_t)scenario->links_count + i);
		sw->queues_before = xcalloc(from->queues_count + 1, sizeof *sw->queues_before);
		network_build_agent(sw);
		for (size_t o = 0; o < network->observers_count; o++)
			if (network->observers[o].chance)
				channel_ops.cut = network_channel_cut;
		sw->channel = channel_new(&network->clock, from->delay_ns, &channel_ops,
		                          network->seed, name);
		channel_set_cuts(sw->channel, !scenario->faults.at.line || scenario->faults.splits);
	}
}

/* Give the switch a port, where it has none of that number. */
static struct network_port *build_port(struct network_switch *sw, uint16_t port_no,
                                       uint64_t rate_bps, uint32_t state)
{
	struct network_port *port;

	if (port_no >= sw->ports_count) {
		uint32_t count = 2 * (uint32_t)port_no + 1;

		sw->ports = xrealloc(sw->ports, count * sizeof *sw->ports);
		for (uint32_t i = sw->ports_count; i < count; i++)
			sw->ports[i] = (struct network_port){0};
		sw->ports_count = count;
	}
	port = &sw->ports[port_no];
	if (port->exists)
		return port;
	*port = (struct network_port){.exists = true, .rate_bps = rate_bps};
	add_port(sw, port_no, state);
	return port;
}

/* The queues of a switch's ports, and the entries that it begins with. The loader has tried both. */
void network_build_tables(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];
	struct datapath *dp = agent_datapath(sw->agent);
	struct fb_of_error error;

	for (size_t i = 0; i < from->queues_count; i++)
		if (datapath_add_queue(dp, from->queues[i].port, from->queues[i].id,
		                       from->queues[i].min_rate_permille))
			abort();
	for (size_t i = 0; i < from->flows_count; i++)
		if (datapath_flow_mod(dp, &from->flows[i].mod, sw->network->clock.now_ns, &error))
			abort();
	network_agent_called(sw);
}

/* --- Hosts --- */

static void build_hosts(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->hosts = xcalloc(scenario->hosts_count + 1, sizeof *network->hosts);
	for (uint32_t i = 0; i < scenario->hosts_count; i++) {
		struct network_host *h = &network->hosts[i];
		const struct scenario_host *from = &scenario->hosts[i];
		const struct host_ops ops = {.transmit = network_transmit, .ctx = h};
		struct host_config config;

		host_config_default(&config);
		config.name = from->name;
		config.hostname = from->hostname;
		memcpy(config.mac, from->mac, FB_MAC_BYTES);
		config.ip = from->ip;
		config.prefix_len = from->prefix_len;
		config.gateway = from->gateway;
		config.seed = network->seed;
		h->event.fire = network_host_fire;
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

/* --- Links --- */

/* Tie both ends of 'l' to what they are at. */
static void build_ends(struct network *network, struct network_link *l)
{
	const uint64_t rate_bps = network->scenario->links[l->index].config.rate_bps;

	for (unsigned e = 0; e < 2; e++) {
		const struct scenario_end *end = &l->ends[e];

		if (end->is_switch) {
			struct network_port *port =
			        build_port(&network->switches[end->index], end->port, rate_bps, 0);

			port->link = l;
			port->end = e;
		} else {
			network->hosts[end->index].link = l;
			network->hosts[end->index].end = e;
		}
	}
}

/* The link tells what somebody wants to know. */
static void observe_link(const struct network_observer *observer, struct link_ops *ops)
{
	if (observer->frame)
		ops->observe = network_observe;
	if (observer->lost)
		ops->lost = network_lost;
	if (observer->chance)
		ops->chance = network_chance;
}

static void build_links(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	network->links = xcalloc(scenario->links_count + 1, sizeof *network->links);
	for (uint32_t i = 0; i < scenario->links_count; i++) {
		struct network_link *l = &network->links[i];
		const struct scenario_link *from = &scenario->links[i];
		struct link_ops ops = {.deliver = network_deliver,
		                       .duplicated = network_duplicated,
		                       .corrupted = network_corrupted,
		                       .state = network_carrier,
		                       .ctx = l};

		for (size_t o = 0; o < network->observers_count; o++)
			observe_link(&network->observers[o], &ops);
		l->network = network;
		l->index = i;
		memcpy(l->ends, from->ends, sizeof l->ends);
		l->link = link_new(&network->clock, &from->config, &ops, network->seed, from->name);
		build_ends(network, l);
	}
}

/* Ports that hosts move to: nothing is plugged into them yet. */
static void build_spare_ports(struct network *network)
{
	const struct scenario *scenario = network->scenario;

	for (size_t i = 0; i < scenario->spares_count; i++) {
		const struct scenario_spare *spare = &scenario->spares[i];
		const uint32_t link = scenario->hosts[spare->host].link;

		build_port(&network->switches[spare->sw], spare->port,
		           scenario->links[link].config.rate_bps, OFPPS_LINK_DOWN);
	}
}

/* The links' side of the switches' queues. */
static void build_queues(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];

	for (size_t i = 0; i < from->queues_count; i++) {
		const struct scenario_queue *queue = &from->queues[i];
		const struct network_port *port = &sw->ports[queue->port];

		if (link_add_queue(port->link->link, port->end, queue->id,
		                   queue->min_rate_permille))
			abort();
	}
}

void network_build(struct network *network)
{
	network_build_controller(network);
	build_switches(network);
	build_hosts(network);
	build_links(network);
	build_spare_ports(network);
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		build_queues(&network->switches[i]);
		network_build_tables(&network->switches[i]);
	}
}
