/* learning: a switch that learns where stations are and installs flow entries between them.
 *
 * What it knows, on each switch: for each station (address and VLAN) the port that it was last
 * heard on. A frame to a known station gets a flow entry; a frame to an unknown one or to a group
 * is flooded.
 *
 * Entries match in_port, dl_src, dl_dst and dl_vlan, nothing else: what a frame carries does not
 * change where it goes, and one entry serves all of a pair's traffic (an entry that matched nw_tos
 * would miss when ssh sets it in mid-session). dl_src and in_port are there so that a station that
 * is new, or heard on another port, still reaches the controller.
 *
 * What it knows and what the switch does never disagree: whenever a station is forgotten or has
 * moved, the entries from it and to it are deleted, so that its next frame comes to the controller
 * again. Otherwise a busy entry would lead to the old port for ever, or an unknown station would
 * send by an old entry, unheard, while all frames to it are flooded. Stations are forgotten after
 * mac_idle without a packet-in, which is also how those go whose frames all pass by entries: they
 * are learned anew from their next frame.
 *
 * On join entries that an earlier run left (told by their cookies) are asked for, and what they say
 * is taken as learned. Only those of ports that went meanwhile are deleted.
 *
 * A flow table that is full is no reason to lose frames: for a second they are forwarded one by
 * one.
 *
 * Loops in the topology and several switches as one network are left to other applications. */
#include <inttypes.h>
#include <stdlib.h>

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/port_lists.h"

enum {
	BATCH_MAX = 32,            /* packet-ins whose stations are looked for at once */
	PRIORITY = 100,            /* of all entries: low, for applications in front */
	COOKIE_TAG = 0x4c524e47,   /* low half of the cookies; the high one is the run */
	FULL_HOLD_NS = 1000000000, /* no flow-mods after the switch said its tables were full */
	PORT_NUMBERS = 65536,
};

struct learning {
	struct fb_app *app;
	uint64_t mac_idle_ns;
	uint64_t refresh_ns;      /* a station heard longer ago than this is noted as heard again */
	uint32_t macs_max;        /* per switch */
	uint64_t timer_ns;        /* when the timer is set for; FB_NEVER: unset */
	struct fb_flow_mod entry; /* what install() fills in and sends */
	struct ofp_action_output output; /* what output_to() fills in */

	/* Counters */
	uint64_t learned, moved, expired, ports_down;
	uint64_t macs_evicted;             /* the oldest, to make room at macs_max */
	uint64_t flows, floods, forwarded; /* frames with a flow entry, flooded, without either */
	uint64_t same_port;   /* dropped: the destination is where the frame came from */
	uint64_t frames_cut;  /* neither whole nor buffered: not sent on */
	uint64_t tables_full; /* errors */
};

/* What is kept of a switch. */
struct place {
	struct fb_table *stations;
	struct port_lists at_ports;     /* the stations, by port */
	uint8_t bare[PORT_NUMBERS / 8]; /* a bit for each port: see lose_port() */
	uint64_t full_until_ns;         /* the flow tables are taken for full until then */
	struct fb_log_limit log_limit;
};

/* What is looked up for a batch of packet-ins. */
struct batch {
	uint64_t keys[2 * BATCH_MAX]; /* of each packet-in: source, target */
	void *found[2 * BATCH_MAX];   /* the stations, NULL: unknown */
	uint64_t changes;             /* of the table at that time */
};

struct station {
	uint64_t key;      /* address and VLAN: station_key() */
	uint64_t heard_ns; /* as it changes, the station is touched: order of use is of age */
	uint16_t port_no;
	bool has_flows; /* entries from it or to it may be there */
};

/* --- Stations --- */

static uint64_t station_key(const uint8_t mac[FB_MAC_BYTES], uint16_t dl_vlan)
{
	return fb_mac_to_u64(mac) << 16 | dl_vlan;
}

/* The VLAN of a frame as a match has it. */
static uint16_t vlan_of(const struct fb_packet *packet)
{
	return packet->has_vlan ? packet->vlan_tci & 0x0fff : OFP_VLAN_NONE;
}

/* Ports behind which a station may be. */
static bool is_station_port(uint16_t port_no)
{
	return port_no < OFPP_MAX || port_no == OFPP_LOCAL;
}

/* Make sure that the timer is set for the station that will be too old first. */
static void want_timer(struct learning *l, uint64_t heard_ns)
{
	if (heard_ns + l->mac_idle_ns >= l->timer_ns)
		return;
	l->timer_ns = heard_ns + l->mac_idle_ns;
	fb_app_set_timer(l->app, l->timer_ns);
}

/* Delete the entries of 'key' as dl_src or dl_dst, according to 'field' (its wildcard bit). */
static void delete_by(struct learning *l, struct fb_switch *sw, const struct fb_packet_in *cause,
                      uint64_t key, uint32_t field)
{
	struct fb_flow_mod fm = {
	        .command = OFPFC_DELETE, .buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};

	fb_match_any(&fm.match);
	fm.match.wildcards &= ~(field | OFPFW_DL_VLAN);
	fb_mac_from_u64(field == OFPFW_DL_SRC ? fm.match.dl_src : fm.match.dl_dst, key >> 16);
	fm.match.dl_vlan = key & 0xffff;
	fb_send_flow_mod(l->app, sw, cause, &fm);
}

/* Delete the entries to 'station' and from it, if there are any. */
static void delete_flows(struct learning *l, struct fb_switch *sw, const struct fb_packet_in *cause,
                         struct station *station)
{
	if (!station->has_flows)
		return;
	delete_by(l, sw, cause, station->key, OFPFW_DL_DST);
	delete_by(l, sw, cause, station->key, OFPFW_DL_SRC);
	station->has_flows = false;
}

static void set_bare(struct place *place, uint16_t port_no, bool bare)
{
	uint8_t bit = (uint8_t)(1 << port_no % 8);

	if (bare)
		place->bare[port_no / 8] |= bit;
	else
		place->bare[port_no / 8] &= (uint8_t)~bit;
}

static bool is_bare(const struct place *place, uint16_t port_no)
{
	return place->bare[port_no / 8] & 1 << port_no % 8;
}

static void remove_station(struct place *place, struct station *station)
{
	port_lists_remove(&place->at_ports, station->port_no,
	                  fb_table_index_of(place->stations, station));
	fb_table_remove(place->stations, station);
}

/* 'station', which is at no port, is at 'port_no'. False when memory is short: then it is forgotten.
 */
static bool put_at_port(struct place *place, struct station *station, uint16_t port_no)
{
	station->port_no = port_no;
	if (!port_lists_add(&place->at_ports, port_no,
	                    fb_table_index_of(place->stations, station))) {
		fb_table_remove(place->stations, station);
		return false;
	}
	set_bare(place, port_no, false);
	return true;
}

/* Make room for one station more. */
static void evict_oldest(struct learning *l, struct fb_switch *sw, struct place *place,
                         const struct fb_packet_in *cause)
{
	struct station *oldest = fb_table_oldest(place->stations);

	l->macs_evicted++;
	delete_flows(l, sw, cause, oldest);
	remove_station(place, oldest);
}

/* Remember the station 'key', which is not known, on 'port_no'. NULL when memory is short. */
static struct station *add_station(struct learning *l, struct fb_switch *sw, struct place *place,
                                   const struct fb_packet_in *cause, uint64_t key, uint16_t port_no,
                                   uint64_t now_ns)
{
	struct station *station;

	if (fb_table_count(place->stations) == fb_table_limit(place->stations))
		evict_oldest(l, sw, place, cause);
	station = fb_table_add(place->stations, &key);
	if (!station || !put_at_port(place, station, port_no))
		return NULL;
	station->heard_ns = now_ns;
	l->learned++;
	want_timer(l, now_ns);
	return station;
}

static void log_move(struct learning *l, struct fb_switch *sw, struct place *place,
                     const struct station *station, uint16_t port_no, uint64_t now_ns)
{
	char line[128];
	struct fb_text text = fb_text_make(line, sizeof line);
	uint8_t mac[FB_MAC_BYTES];
	uint64_t suppressed;

	if (!fb_app_logs(l->app, FB_LOG_INFO) ||
	    !fb_log_limit_allows(&place->log_limit, now_ns, &suppressed))
		return;
	fb_mac_from_u64(mac, station->key >> 16);
	fb_text_mac(&text, mac);
	fb_text_puts(&text, " moved from port ");
	fb_text_port(&text, station->port_no);
	fb_text_puts(&text, " to ");
	fb_text_port(&text, port_no);
	if (suppressed)
		fb_text_printf(&text, " (%" PRIu64 " moves before this one left out)", suppressed);
	fb_app_log(l->app, FB_LOG_INFO, "%016" PRIx64 ": %s", fb_switch_dpid(sw), line);
}

/* It is time to note that 'station' was heard again. */
static bool is_to_refresh(const struct learning *l, const struct station *station, uint64_t now_ns)
{
	return now_ns - station->heard_ns >= l->refresh_ns;
}

/* The source of 'pi' is heard: learn it, notice a move, note the time. 'station' is it, or NULL
 * where it is not known yet. Returns it, or NULL where it cannot be a station. */
static struct station *hear(struct learning *l, struct fb_switch *sw, struct place *place,
                            const struct fb_packet_in *pi, uint64_t key, struct station *station,
                            uint64_t now_ns)
{
	if (fb_mac_is_multicast(pi->packet.dl_src) || !is_station_port(pi->in_port))
		return NULL;
	if (!station)
		return add_station(l, sw, place, pi, key, pi->in_port, now_ns);
	if (is_to_refresh(l, station, now_ns)) {
		station->heard_ns = now_ns;
		fb_table_touch(place->stations, station);
	}
	if (station->port_no != pi->in_port) {
		l->moved++;
		log_move(l, sw, place, station, pi->in_port, now_ns);
		delete_flows(l, sw, pi, station);
		port_lists_remove(&place->at_ports, station->port_no,
		                  fb_table_index_of(place->stations, station));
		if (!put_at_port(place, station, pi->in_port))
			return NULL;
	}
	return station;
}

/* --- Frames --- */

/* Actions that send a frame to 'port_no'; valid until they are asked for again. */
static struct fb_view output_to(struct learning *l, uint16_t port_no)
{
	fb_set16(&l->output.port, port_no);
	return (struct fb_view){.data = (const uint8_t *)&l->output, .len = sizeof l->output};
}

/* Send the frame of 'pi' on by 'port_no'. */
static void release(struct learning *l, struct fb_switch *sw, const struct fb_packet_in *pi,
                    uint16_t port_no)
{
	if (!fb_send_release(l->app, sw, pi, output_to(l, port_no)))
		l->frames_cut++;
}

/* Install the entry that sends frames like that of 'pi' to 'port_no'; it takes a buffered frame
 * along. */
static void install(struct learning *l, struct fb_switch *sw, const struct fb_packet_in *pi,
                    uint16_t port_no)
{
	struct fb_flow_mod *fm = &l->entry;

	fm->match.in_port = pi->in_port;
	memcpy(fm->match.dl_src, pi->packet.dl_src, FB_MAC_BYTES);
	memcpy(fm->match.dl_dst, pi->packet.dl_dst, FB_MAC_BYTES);
	fm->match.dl_vlan = vlan_of(&pi->packet);
	fm->buffer_id = pi->buffer_id;
	fm->actions = output_to(l, port_no);
	fb_send_flow_mod(l->app, sw, pi, fm);
	l->flows++;
	if (pi->buffer_id == OFP_NO_BUFFER)
		release(l, sw, pi, port_no);
}

static void flood(struct learning *l, struct fb_switch *sw, const struct fb_packet_in *pi)
{
	l->floods++;
	release(l, sw, pi, OFPP_FLOOD);
}

/* Find the stations of 'count' packet-ins, all at once, and ask for the memory that refreshing them
 * will need. */
static void look_up(const struct learning *l, const struct place *place, struct batch *batch,
                    const struct fb_packet_in *packet_ins, size_t count, uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		const struct fb_packet *packet = &packet_ins[i].packet;
		uint16_t dl_vlan = vlan_of(packet);

		batch->keys[2 * i] = station_key(packet->dl_src, dl_vlan);
		batch->keys[2 * i + 1] = station_key(packet->dl_dst, dl_vlan);
	}
	fb_table_find_many(place->stations, batch->keys, 2 * count, batch->found);
	batch->changes = fb_table_changes(place->stations);
	for (size_t i = 0; i < count; i++) {
		const struct station *source = batch->found[2 * i];

		if (source && is_to_refresh(l, source, now_ns))
			fb_table_prefetch_touch(place->stations, source);
	}
}

/* The station of the key at 'i', as it is now. */
static struct station *found(const struct place *place, const struct batch *batch, size_t i)
{
	if (batch->changes == fb_table_changes(place->stations))
		return batch->found[i];
	return fb_table_find(place->stations, &batch->keys[i]);
}

/* 'pi' is the packet-in at 'i' of 'batch'. */
static void handle(struct learning *l, struct fb_switch *sw, struct place *place,
                   const struct batch *batch, size_t i, struct fb_packet_in *pi, uint64_t now_ns)
{
	struct station *source =
	        hear(l, sw, place, pi, batch->keys[2 * i], found(place, batch, 2 * i), now_ns);
	struct station *target;

	pi->verdict = FB_STOP;
	if (fb_mac_is_multicast(pi->packet.dl_dst)) {
		flood(l, sw, pi);
		return;
	}
	target = found(place, batch, 2 * i + 1);
	if (!target) {
		flood(l, sw, pi);
	} else if (target->port_no == pi->in_port) {
		l->same_port++;
		fb_send_release(l->app, sw, pi, (struct fb_view){0});
	} else if (!source || now_ns < place->full_until_ns) {
		l->forwarded++;
		release(l, sw, pi, target->port_no);
	} else {
		source->has_flows = true;
		target->has_flows = true;
		install(l, sw, pi, target->port_no);
	}
}

/* In batches: first all stations are looked up, then the frames are handled in their order. */
static void learning_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                               size_t count, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = fb_switch_state(sw, l->app);
	struct batch batch;

	while (count > 0) {
		size_t some = count < BATCH_MAX ? count : BATCH_MAX;

		look_up(l, place, &batch, packet_ins, some, now_ns);
		for (size_t i = 0; i < some; i++)
			handle(l, sw, place, &batch, i, &packet_ins[i], now_ns);
		packet_ins += some;
		count -= some;
	}
}

/* --- What else happens --- */

/* Forget the stations that were not heard for mac_idle; returns when to look again. */
static uint64_t expire(struct learning *l, struct fb_switch *sw, struct place *place,
                       uint64_t now_ns)
{
	struct station *oldest;

	while ((oldest = fb_table_oldest(place->stations))) {
		if (oldest->heard_ns + l->mac_idle_ns > now_ns)
			return oldest->heard_ns + l->mac_idle_ns;
		l->expired++;
		delete_flows(l, sw, NULL, oldest);
		remove_station(place, oldest);
	}
	return FB_NEVER;
}

static void learning_timer(void *state, uint64_t now_ns)
{
	struct learning *l = state;
	struct fb_switch *sw = NULL;

	l->timer_ns = FB_NEVER;
	while ((sw = fb_app_next_switch(l->app, sw)))
		l->timer_ns = fb_time_min(l->timer_ns,
		                          expire(l, sw, fb_switch_state(sw, l->app), now_ns));
	fb_app_set_timer(l->app, l->timer_ns);
}

/* True for a port that no frame passes. */
static bool is_down(const struct fb_phy_port *port)
{
	return (port->state & OFPPS_LINK_DOWN) || (port->config & OFPPC_PORT_DOWN);
}

/* Delete all entries that take from 'port_no' or give to it. Those of other applications too:
 * nothing comes from a dead port, and what goes there is lost. */
static void delete_port_flows(struct learning *l, struct fb_switch *sw, uint16_t port_no)
{
	struct fb_flow_mod fm = {
	        .command = OFPFC_DELETE, .buffer_id = OFP_NO_BUFFER, .out_port = port_no};

	fb_match_any(&fm.match);
	fb_send_flow_mod(l->app, sw, NULL, &fm);
	fm.out_port = OFPP_NONE;
	fm.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
	fm.match.in_port = port_no;
	fb_send_flow_mod(l->app, sw, NULL, &fm);
}

/* The stations behind 'port_no' and its entries are gone. Where that was so before, and nothing was
 * heard from there or said of it since, there is nothing to delete: a port may be reported as lost
 * again and again. */
static void lose_port(struct learning *l, struct fb_switch *sw, struct place *place,
                      uint16_t port_no)
{
	uint32_t index;

	if (is_bare(place, port_no))
		return;
	delete_port_flows(l, sw, port_no);
	while ((index = port_lists_first(&place->at_ports, port_no)) != FB_TABLE_NONE)
		remove_station(place, fb_table_at(place->stations, index));
	set_bare(place, port_no, true);
}

static enum fb_verdict learning_port_status(void *state, struct fb_switch *sw,
                                            const struct fb_port_status *ps, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = fb_switch_state(sw, l->app);

	(void)now_ns;
	if (ps->reason == OFPPR_DELETE || is_down(&ps->desc)) {
		l->ports_down++;
		lose_port(l, sw, place, ps->desc.port_no);
	} else {
		/* Who knows what others install there? */
		set_bare(place, ps->desc.port_no, false);
	}
	return FB_CONTINUE;
}

/* The flow-mod in 'data' was refused, so that the buffer that it named is still held: release it as
 * the entry would have, or with 'flooding'. Where the switch quotes too little of the message to
 * tell, the buffer is left to expire. */
static void release_refused(struct learning *l, struct fb_switch *sw, struct fb_view data,
                            bool flooding)
{
	uint8_t memory[sizeof(struct ofp_action_output)];
	struct fb_buf flood_actions = fb_buf_make(memory, sizeof memory);
	struct fb_packet_out po = {0};
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(data.data, data.len, &msg, &error) < 0 || msg.type != OFPT_FLOW_MOD ||
	    msg.flow_mod.buffer_id == OFP_NO_BUFFER)
		return;
	fb_action_put_output(&flood_actions, OFPP_FLOOD, 0);
	po.buffer_id = msg.flow_mod.buffer_id;
	po.in_port = msg.flow_mod.match.in_port;
	po.actions = flooding ? (struct fb_view){.data = memory, .len = sizeof memory}
	                      : msg.flow_mod.actions;
	fb_send_packet_out(l->app, sw, NULL, &po);
}

/* Only refused flow-mods matter: tables that are full, or a port that went meanwhile. */
static void learning_error(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
                           uint16_t code, struct fb_view data, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = fb_switch_state(sw, l->app);
	bool full = type == OFPET_FLOW_MOD_FAILED && code == OFPFMFC_ALL_TABLES_FULL;

	(void)xid;
	if (!own || (type != OFPET_FLOW_MOD_FAILED && type != OFPET_BAD_ACTION))
		return;
	if (full) {
		l->tables_full++;
		place->full_until_ns = now_ns + FULL_HOLD_NS;
	}
	release_refused(l, sw, data, !full);
}

/* --- Entries of an earlier run --- */

/* True for an entry that install() made, perhaps in another run; then '*port_no' is where it leads.
 */
static bool is_ours(const struct fb_flow_stats *flow, uint16_t *port_no)
{
	const uint32_t needed = OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN;
	struct fb_action action;
	size_t offset = 0;

	if ((uint32_t)flow->cookie != COOKIE_TAG || (flow->match.wildcards & needed) ||
	    fb_mac_is_multicast(flow->match.dl_src) || fb_mac_is_multicast(flow->match.dl_dst) ||
	    !fb_action_next(flow->actions.data, flow->actions.len, &offset, &action) ||
	    action.type != OFPAT_OUTPUT)
		return false;
	*port_no = action.output.port;
	return true;
}

/* True when 'port_no' is a port of 'sw' that may be up. */
static bool is_usable(const struct fb_switch *sw, uint16_t port_no)
{
	const struct fb_phy_port *port = fb_switch_port(sw, port_no);

	return port && !is_down(port);
}

static void delete_entry(struct learning *l, struct fb_switch *sw, const struct fb_flow_stats *flow)
{
	struct fb_flow_mod fm = {
	        .match = flow->match,
	        .command = OFPFC_DELETE_STRICT,
	        .priority = flow->priority,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	};

	fb_send_flow_mod(l->app, sw, NULL, &fm);
}

/* An entry says that the station 'mac' is on 'port_no'. What was heard since the join counts more:
 * then the entries of the station are out of date. */
static void recall(struct learning *l, struct fb_switch *sw, struct place *place,
                   const uint8_t mac[FB_MAC_BYTES], uint16_t dl_vlan, uint16_t port_no,
                   uint64_t now_ns)
{
	uint64_t key = station_key(mac, dl_vlan);
	struct station *station = fb_table_find(place->stations, &key);

	if (!station)
		station = add_station(l, sw, place, NULL, key, port_no, now_ns);
	if (!station)
		return;
	station->has_flows = true;
	if (station->port_no != port_no)
		delete_flows(l, sw, NULL, station);
}

static void learning_stats_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                 const struct fb_stats_reply *reply, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = fb_switch_state(sw, l->app);
	struct fb_flow_stats flow;
	size_t offset = 0;
	uint16_t port_no;

	(void)xid;
	while (fb_flow_stats_next(reply->entries, &offset, &flow)) {
		const struct fb_match *match = &flow.match;

		if (!is_ours(&flow, &port_no))
			continue;
		if (!is_usable(sw, match->in_port) || !is_usable(sw, port_no)) {
			delete_entry(l, sw, &flow);
			continue;
		}
		recall(l, sw, place, match->dl_src, match->dl_vlan, match->in_port, now_ns);
		recall(l, sw, place, match->dl_dst, match->dl_vlan, port_no, now_ns);
	}
}

static void ask_for_flows(struct learning *l, struct fb_switch *sw)
{
	struct fb_stats_request request = {.type = OFPST_FLOW};

	fb_match_any(&request.flow.match);
	request.flow.table_id = 0xff;
	request.flow.out_port = OFPP_NONE;
	fb_send_stats_request(l->app, sw, NULL, &request);
}

/* --- The instance --- */

static void learning_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = calloc(1, sizeof *place);

	(void)now_ns;
	if (!place)
		abort();
	place->stations = fb_table_new(sizeof(uint64_t), sizeof(struct station), l->macs_max);
	if (!place->stations || !port_lists_init(&place->at_ports, fb_app_run_id(l->app)))
		abort();
	fb_table_seed(place->stations, fb_app_run_id(l->app));
	fb_switch_set_state(sw, l->app, place);
	ask_for_flows(l, sw);
}

static void learning_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct learning *l = state;
	struct place *place = fb_switch_state(sw, l->app);

	(void)now_ns;
	port_lists_free(&place->at_ports);
	fb_table_free(place->stations);
	free(place);
	fb_switch_set_state(sw, l->app, NULL);
}

enum { IDLE_TIMEOUT, HARD_TIMEOUT, MAC_IDLE, MACS_MAX, OPTIONS_COUNT };

static const struct fb_option options[OPTIONS_COUNT] = {
        [IDLE_TIMEOUT] =
                {
                        .name = "idle_timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "60s",
                        .min = 0,
                        .max = UINT16_MAX * FB_NS_PER_S,
                        .help = "flow entries go after this time without a frame, in whole "
                                "seconds; 0: never",
                },
        [HARD_TIMEOUT] =
                {
                        .name = "hard_timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "0s",
                        .min = 0,
                        .max = UINT16_MAX * FB_NS_PER_S,
                        .help = "flow entries go after this time in any case, in whole seconds; 0: "
                                "never",
                },
        [MAC_IDLE] =
                {
                        .name = "mac_idle",
                        .type = FB_OPTION_DURATION,
                        .default_text = "300s",
                        .min = FB_NS_PER_MS,
                        .max = 86400 * FB_NS_PER_S,
                        .help = "stations are forgotten after this time without a frame to the "
                                "controller",
                },
        [MACS_MAX] =
                {
                        .name = "macs_max",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "131072",
                        .min = 1,
                        .max = 1 << 24,
                        .help = "stations remembered per switch; the oldest goes for a new one",
                },
};

static void *learning_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct learning *l;

	for (int i = IDLE_TIMEOUT; i <= HARD_TIMEOUT; i++) {
		if (values[i] % FB_NS_PER_S) {
			fb_text_printf(error, "learning: %s must be whole seconds",
			               options[i].name);
			return NULL;
		}
	}
	l = calloc(1, sizeof *l);
	if (!l) {
		fb_text_puts(error, "learning: out of memory");
		return NULL;
	}
	l->app = app;
	l->entry = (struct fb_flow_mod){
	        .match.wildcards =
	                OFPFW_ALL & ~(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN),
	        .cookie = (uint64_t)fb_app_run_id(app) << 32 | COOKIE_TAG,
	        .command = OFPFC_ADD,
	        .idle_timeout = (uint16_t)(values[IDLE_TIMEOUT] / FB_NS_PER_S),
	        .hard_timeout = (uint16_t)(values[HARD_TIMEOUT] / FB_NS_PER_S),
	        .priority = PRIORITY,
	        .out_port = OFPP_NONE,
	};
	fb_set16(&l->output.type, OFPAT_OUTPUT);
	fb_set16(&l->output.len, sizeof l->output);
	l->mac_idle_ns = values[MAC_IDLE];
	l->refresh_ns = fb_time_min(values[MAC_IDLE] / 64, FB_NS_PER_S);
	l->macs_max = (uint32_t)values[MACS_MAX];
	l->timer_ns = FB_NEVER;
	return l;
}

static void learning_counters(const void *state,
                              void (*tell)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	const struct learning *l = state;

	tell(ctx, "learned", l->learned);
	tell(ctx, "moved", l->moved);
	tell(ctx, "expired", l->expired);
	tell(ctx, "macs_evicted", l->macs_evicted);
	tell(ctx, "ports_down", l->ports_down);
	tell(ctx, "flows", l->flows);
	tell(ctx, "floods", l->floods);
	tell(ctx, "forwarded", l->forwarded);
	tell(ctx, "same_port", l->same_port);
	tell(ctx, "frames_cut", l->frames_cut);
	tell(ctx, "tables_full", l->tables_full);
}

/* Those heard last come first. */
static void learning_report_switch(const void *state, const struct fb_switch *sw,
                                   struct fb_report *report, uint64_t now_ns)
{
	const struct learning *l = state;
	const struct place *place = fb_switch_state(sw, l->app);
	const struct station *station = fb_table_newest(place->stations);
	uint8_t mac[FB_MAC_BYTES];

	fb_report_begin_list(report, "stations", fb_table_count(place->stations),
	                     fb_table_limit(place->stations));
	for (; station && fb_report_more(report);
	     station = fb_table_older(place->stations, station)) {
		fb_report_begin_map(report, NULL);
		fb_mac_from_u64(mac, station->key >> 16);
		fb_report_mac(report, "mac", mac);
		fb_report_vlan(report, "vlan", station->key & 0xffff);
		fb_report_u64(report, "port", station->port_no);
		fb_report_age(report, "heard_s", station->heard_ns, now_ns);
		fb_report_bool(report, "has_flows", station->has_flows);
		fb_report_end_map(report);
	}
	fb_report_end_list(report);
	if (now_ns < place->full_until_ns)
		fb_report_duration(report, "tables_full_for_s", place->full_until_ns - now_ns);
	else
		fb_report_null(report, "tables_full_for_s");
}

const struct fb_app_class fb_app_learning = {
        .name = "learning",
        .summary = "learns where addresses are and installs flow entries between them",
        .scope = FB_SCOPE_SWITCH,
        .ethernet_only = true,
        .takes_all = true,
        .options = options,
        .options_count = OPTIONS_COUNT,
        .create = learning_create,
        .destroy = free,
        .switch_up = learning_switch_up,
        .switch_down = learning_switch_down,
        .packet_in = learning_packet_in,
        .port_status = learning_port_status,
        .error = learning_error,
        .stats_reply = learning_stats_reply,
        .timer = learning_timer,
        .counters = learning_counters,
        .report_switch = learning_report_switch,
};
