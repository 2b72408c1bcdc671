/* What steps break in a network, and bring back: links, hosts, switches, the controller and its
 * channels; and cables that are pulled and put in elsewhere. See network_private.h.
 *
 * A link has a carrier when no step and no fault keeps it down, both its ends are plugged in, and the
 * switches there have power. A host is on when no step and no fault keeps it off. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

/* --- Links --- */

static bool has_carrier(const struct network_link *l)
{
	if (l->down || l->kept_down || l->unplugged)
		return false;
	for (unsigned e = 0; e < 2; e++)
		if (l->ends[e].is_switch && l->network->switches[l->ends[e].index].off)
			return false;
	return true;
}

static void refresh(struct network_link *l)
{
	l->network->last_activity_ns = l->network->clock.now_ns;
	link_set_up(l->link, has_carrier(l));
}

void network_set_link(struct network *network, uint32_t link, bool up)
{
	network->links[link].down = !up;
	refresh(&network->links[link]);
}

bool network_link_is_up(const struct network *network, uint32_t link)
{
	return !network->links[link].down && !network->links[link].kept_down;
}

void network_keep_link_down(struct network *network, uint32_t link, bool begins)
{
	struct network_link *l = &network->links[link];

	assert(begins || l->kept_down);
	l->kept_down += begins ? 1 : -1U;
	refresh(l);
}

bool network_link_has_carrier(const struct network *network, uint32_t link)
{
	return link_is_up(network->links[link].link);
}

/* --- Hosts --- */

static void refresh_host(struct network_host *h)
{
	struct network *network = h->network;

	network->last_activity_ns = network->clock.now_ns;
	host_set_power(h->host, !h->off && !h->kept_off, network->clock.now_ns);
	h->changed_ns = network->clock.now_ns;
	network_host_called(network, h->index);
}

void network_set_host(struct network *network, uint32_t host, bool on)
{
	network->hosts[host].off = !on;
	refresh_host(&network->hosts[host]);
}

void network_keep_host_off(struct network *network, uint32_t host, bool begins)
{
	struct network_host *h = &network->hosts[host];

	assert(begins || h->kept_off);
	h->kept_off += begins ? 1 : -1U;
	refresh_host(h);
}

bool network_host_is_on(const struct network *network, uint32_t host)
{
	return host_is_on(network->hosts[host].host);
}

bool network_host_is_reachable(const struct network *network, uint32_t host)
{
	const struct network_host *h = &network->hosts[host];

	return host_is_on(h->host) && h->link && link_is_up(h->link->link);
}

uint64_t network_host_absent_ns(const struct network *network, uint32_t host)
{
	return network_host_is_reachable(network, host) ? network->hosts[host].changed_ns
	                                                : network->clock.now_ns;
}

static void unplug(struct network *network, uint32_t host)
{
	struct network_link *l = network->hosts[host].link;
	const struct scenario_end *at = &l->ends[!network->hosts[host].end];

	if (l->unplugged)
		return;
	l->unplugged = true;
	refresh(l);
	network->switches[at->index].ports[at->port].link = NULL;
}

void network_unplug(struct network *network, uint32_t host)
{
	unplug(network, host);
	network->hosts[host].link->unplugged_by_step = true;
}

void network_plug(struct network *network, uint32_t host, uint32_t sw, uint16_t port_no)
{
	network->hosts[host].link->unplugged_by_step = false;
	network->hosts[host].home =
	        (struct scenario_end){.is_switch = true, .index = sw, .port = port_no};
	network_plug_for_now(network, host, sw, port_no);
}

void network_plug_for_now(struct network *network, uint32_t host, uint32_t sw, uint16_t port_no)
{
	struct network_link *l = network->hosts[host].link;
	const unsigned end = !network->hosts[host].end;
	struct network_port *port = &network->switches[sw].ports[port_no];

	unplug(network, host);
	l->ends[end] = (struct scenario_end){.is_switch = true, .index = sw, .port = port_no};
	port->link = l;
	port->end = end;
	l->unplugged = false;
	NETWORK_OBSERVE(network, moved, l->index, end, &l->ends[end]);
	refresh(l);
}

/* --- Switches --- */

/* What the agent counted still counts. */
static void keep_switch_counts(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];

	sw->before = network_switch_counts(sw->network, sw->index);
	sw->lldp_packet_ins = 0;
	for (size_t i = 0; i < from->queues_count; i++)
		sw->queues_before[i] = network_queue_counts(
		        sw->network, sw->index, from->queues[i].port, from->queues[i].id);
}

static void refresh_links_of(const struct network_switch *sw)
{
	for (uint32_t i = 0; i < sw->ports_count; i++)
		if (sw->ports[i].link)
			refresh(sw->ports[i].link);
}

/* Its end of the connection is gone; the controller hears of it. */
static void drop_connection(struct network_switch *sw)
{
	struct agent_conn *conn = sw->conn;

	sw->conn = NULL;
	if (conn)
		agent_closed(conn, "the switch has no power", sw->network->clock.now_ns);
	channel_close(sw->channel, CHANNEL_SWITCH);
	clock_cancel(&sw->network->clock, &sw->control);
}

static void switch_off(struct network_switch *sw)
{
	sw->off = true;
	network_messages_leave(sw);
	drop_connection(sw);
	refresh_links_of(sw);
	keep_switch_counts(sw);
	clock_cancel(&sw->network->clock, &sw->event);
	agent_free(sw->agent);
	lldp_buffers_forget(&sw->lldp_buffers);
	network_build_agent(sw);
}

static void switch_on(struct network_switch *sw)
{
	sw->off = false;
	network_build_tables(sw);
	network_fault_limits(sw);
	refresh_links_of(sw);
	if (sw->network->scenario->controller.apps_count)
		network_control_run(sw);
	else
		agent_controllers_lost(sw->agent, sw->network->clock.now_ns);
	network_agent_called(sw);
}

void network_apply_power(struct network_switch *sw)
{
	const bool on = !sw->step_off && !sw->fault_off;

	if (on == !sw->off)
		return;
	NETWORK_OBSERVE(sw->network, changed, NETWORK_POWER, sw->index, on);
	if (on)
		switch_on(sw);
	else
		switch_off(sw);
}

void network_set_switch(struct network *network, uint32_t sw, bool on)
{
	network->last_activity_ns = network->clock.now_ns;
	network->switches[sw].step_off = !on;
	network_apply_power(&network->switches[sw]);
}

bool network_switch_is_on(const struct network *network, uint32_t sw)
{
	return !network->switches[sw].off;
}

/* --- The controller and its channels --- */

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

void network_keep_counts(struct network *network, const struct controller *controller)
{
	const struct controller_counters *now = controller_counters(controller);
	struct network_controller_counts *before = &network->counts_before;

	before->messages += now->messages_in + now->messages_out;
	before->packet_ins += now->packet_ins;
	before->packet_outs += now->packet_outs;
	before->flow_mods += now->flow_mods;
	controller_app_counters(controller, keep_counter, network);
}

/* Connections that it has not noticed end too. */
static void refuse_unaccepted(struct network *network)
{
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];

		if (sw->unaccepted)
			channel_close(sw->channel, CHANNEL_CONTROLLER);
		sw->unaccepted = false;
	}
}

void network_apply_controller(struct network *network)
{
	const bool up = !network->step_controller_down && !network->fault_controller_down;

	if (up == (network->controller != NULL) || !network->scenario->controller.apps_count)
		return;
	network->last_activity_ns = network->clock.now_ns;
	NETWORK_OBSERVE(network, changed, NETWORK_CONTROLLER, 0, up);
	if (up) {
		network_build_controller(network);
		return;
	}
	clock_cancel(&network->clock, &network->controller_event);
	network_keep_counts(network, network->controller);
	controller_free(network->controller);
	network->controller = NULL;
	refuse_unaccepted(network);
}

void network_set_controller(struct network *network, bool up)
{
	network->step_controller_down = !up;
	network_apply_controller(network);
}

bool network_controller_is_up(const struct network *network)
{
	return network->controller != NULL;
}

void network_apply_control(struct network_switch *sw)
{
	const bool down = sw->step_control_down || sw->fault_control_down;

	if (down == sw->control_down)
		return;
	NETWORK_OBSERVE(sw->network, changed, NETWORK_CONTROL, sw->index, !down);
	sw->control_down = down;
	if (down)
		channel_break(sw->channel, "the control channel is down");
}

void network_set_control(struct network *network, uint32_t sw, bool up)
{
	network->last_activity_ns = network->clock.now_ns;
	network->switches[sw].step_control_down = !up;
	network_apply_control(&network->switches[sw]);
}

bool network_control_is_up(const struct network *network, uint32_t sw)
{
	return !network->switches[sw].control_down;
}
