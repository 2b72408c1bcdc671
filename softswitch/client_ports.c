/* The client's interfaces: frames between them and the agent, ports as they come and go, and the
 * queues that the user asked for. See client.h. */
#include "softswitch/client_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* --- What the interfaces tell --- */

static void on_frame(void *ctx, uint16_t port_no, struct frame *frame)
{
	struct client *client = ctx;
	uint64_t now_ns = client_now_ns();

	client_captures_frame(client, port_no, PCAP_FILE_IN, frame);
	agent_frame(client->agent, port_no, frame, now_ns);
	client_settle(client, now_ns);
}

/* Give a new port its queues. */
static void add_queues(struct client *client, uint16_t port_no)
{
	for (uint32_t i = 0; i < client->queues_count; i++) {
		const struct client_queue *queue = &client->queues[i];

		if (queue->port_no == port_no &&
		    datapath_add_queue(agent_datapath(client->agent), port_no, queue->queue_id,
		                       queue->min_rate_permille) < 0)
			client_log(client, LOG_LEVEL_WARNING,
			           "queue %" PRIu32 " of port %u cannot be made", queue->queue_id,
			           port_no);
	}
}

static void on_added(void *ctx, const struct fb_phy_port *port)
{
	struct client *client = ctx;
	uint64_t now_ns = client_now_ns();

	if (agent_add_port(client->agent, port, now_ns) < 0) {
		client_log(client, LOG_LEVEL_ERROR, "port %u (%s) cannot be added", port->port_no,
		           port->name);
		return;
	}
	add_queues(client, port->port_no);
	if (client->started)
		client_settle(client, now_ns);
}

static void on_removed(void *ctx, uint16_t port_no)
{
	struct client *client = ctx;
	uint64_t now_ns = client_now_ns();

	agent_remove_port(client->agent, port_no, now_ns);
	client_settle(client, now_ns);
}

static void on_updated(void *ctx, const struct fb_phy_port *port)
{
	struct client *client = ctx;
	uint64_t now_ns = client_now_ns();

	agent_update_port(client->agent, port, now_ns);
	if (client->started)
		client_settle(client, now_ns);
}

static void on_counted(void *ctx, uint16_t port_no, const struct fb_port_stats *more)
{
	struct client *client = ctx;

	datapath_count_port(agent_datapath(client->agent), port_no, more);
}

static void on_log(void *ctx, enum log_level level, const char *line)
{
	client_log(ctx, level, "%s", line);
}

/* --- The agent's operations --- */

enum datapath_sent client_ports_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                       struct frame *frame)
{
	struct client *client = ctx;
	enum datapath_sent sent;

	/* The datapath counts by queue; when frames leave is decided by the interface's tc. */
	(void)queue_id;
	sent = pcap_ports_send(client->ports, port_no, frame);
	if (sent == DATAPATH_SENT)
		client_captures_frame(client, port_no, PCAP_FILE_OUT, frame);
	return sent;
}

void client_ports_configured(void *ctx, uint16_t port_no, uint32_t config)
{
	struct client *client = ctx;

	if (client->ports)
		pcap_ports_set_down(client->ports, port_no, config & OFPPC_PORT_DOWN);
}

/* --- Life --- */

/* The interfaces, made when the first is wanted. */
static struct pcap_ports *ports_of(struct client *client)
{
	const struct pcap_ports_ops ops = {
	        .frame = on_frame,
	        .added = on_added,
	        .removed = on_removed,
	        .updated = on_updated,
	        .counted = on_counted,
	        .log = on_log,
	        .ctx = client,
	};

	if (!client->ports)
		client->ports =
		        pcap_ports_new(client->base, &client->config.ports, &ops, client->pool);
	return client->ports;
}

bool client_add_interface(struct client *client, const char *name, char *error)
{
	if (pcap_ports_add(ports_of(client), name, error, CLIENT_ERROR_BYTES) < 0)
		return false;
	client->interfaces_count++;
	return true;
}

bool client_add_queue(struct client *client, uint16_t port_no, uint32_t queue_id,
                      uint16_t min_rate_permille, char *error)
{
	unsigned count = 0, permille = min_rate_permille;

	for (uint32_t i = 0; i < client->queues_count; i++) {
		if (client->queues[i].port_no != port_no)
			continue;
		if (client->queues[i].queue_id == queue_id) {
			snprintf(error, CLIENT_ERROR_BYTES,
			         "port %u has a queue %" PRIu32 " already", port_no, queue_id);
			return false;
		}
		permille += client->queues[i].min_rate_permille;
		count++;
	}
	if (count == DATAPATH_QUEUES_MAX) {
		snprintf(error, CLIENT_ERROR_BYTES,
		         "port %u has %d queues already, which is the most", port_no,
		         DATAPATH_QUEUES_MAX);
		return false;
	}
	if (permille > 1000) {
		snprintf(error, CLIENT_ERROR_BYTES,
		         "the queues of port %u are promised more than 100%% of it together",
		         port_no);
		return false;
	}
	client->queues =
	        xrealloc(client->queues, (client->queues_count + 1) * sizeof *client->queues);
	client->queues[client->queues_count++] = (struct client_queue){
	        .port_no = port_no, .queue_id = queue_id, .min_rate_permille = min_rate_permille};
	return true;
}

bool client_ports_start(struct client *client, char *error)
{
	if (!client->interfaces_count && !client->config.ports.local)
		return true;
	return pcap_ports_start(ports_of(client), error, CLIENT_ERROR_BYTES) == 0;
}

const char *client_ports_name(const struct client *client, uint32_t place)
{
	if (place < client->interfaces_count)
		return pcap_ports_name(client->ports, (uint16_t)(place + 1));
	return place == client->interfaces_count ? client->config.ports.local : NULL;
}

uint32_t client_ports_place(const struct client *client, uint16_t port_no)
{
	return port_no == OFPP_LOCAL ? client->interfaces_count : port_no - UINT32_C(1);
}

/* "; queues 2:7:25%", as they are written on the command line. */
static void put_queues(const struct client *client, struct fb_text *text)
{
	for (uint32_t i = 0; i < client->queues_count; i++) {
		const struct client_queue *queue = &client->queues[i];

		fb_text_puts(text, i ? ", " : "; queues ");
		fb_text_port(text, queue->port_no);
		fb_text_printf(text, ":%" PRIu32 ":%u", queue->queue_id,
		               queue->min_rate_permille / 10);
		if (queue->min_rate_permille % 10)
			fb_text_printf(text, ".%u", queue->min_rate_permille % 10);
		fb_text_puts(text, "%");
	}
}

void client_ports_text(const struct client *client, struct fb_text *text)
{
	const struct datapath *dp = agent_datapath(client->agent);
	const struct fb_phy_port *port;
	const char *before = "ports ";

	if (!datapath_port_at(dp, 0))
		fb_text_puts(text, "no ports");
	for (size_t i = 0; (port = datapath_port_at(dp, i)) != NULL; i++) {
		fb_text_puts(text, before);
		fb_text_port(text, port->port_no);
		fb_text_printf(text, " (%s%s)", port->name,
		               port->state & OFPPS_LINK_DOWN ? ", link down" : "");
		before = ", ";
	}
	put_queues(client, text);
}

void client_ports_drain(struct client *client)
{
	if (client->ports)
		pcap_ports_free(client->ports);
	client->ports = NULL;
}
