/* The way of one frame through hosts, switches and the controller. See story.h.
 *
 * The frame is known by its tag wherever a link delivered or lost it, whatever was rewritten in it. In
 * a packet-in it is known by its bytes, as they were where it came in; what releases it, by the
 * buffer's number or by the same bytes. What a switch did with a frame shows in what came next. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>

#include "sim/story_private.h"

enum {
	WAY_BYTES = 1200,
	PLACES_BYTES = 900,
	PACKET_INS_MAX = 8, /* of one frame */
	PLACES_MAX = 12,    /* in captures, of one frame */
};

/* A packet-in of the frame. */
struct way_packet_in {
	uint32_t sw, buffer_id;
	bool released;
};

struct way {
	const struct trace *trace;
	const struct scenario *scenario;
	const struct trace_event *last; /* where it arrived last; NULL: nowhere yet */
	uint64_t tag;
	struct trace_relation about; /* its connection */
	struct way_packet_in packet_ins[PACKET_INS_MAX];
	unsigned packet_ins_count;
	bool at_switch;   /* it arrived at one, and nothing is known of it since */
	uint32_t mods_sw; /* flow-mods to this switch, not yet told: */
	unsigned mods_count;
	const struct trace_event *noted; /* the latest whose place was told, */
	unsigned places_count;           /*   of so many */
	struct fb_text way, places;
};

/* --- What it is --- */

static const char *tcp_text(const struct fb_packet *packet)
{
	const uint8_t flags = packet->tcp_flags;

	if (flags & FB_TCP_RST)
		return "RST";
	if (flags & FB_TCP_SYN)
		return flags & FB_TCP_ACK ? "SYN-ACK" : "SYN";
	return flags & FB_TCP_FIN ? "FIN" : "segment";
}

static const char *kind_text(const struct fb_packet *packet)
{
	if (packet->is_tcp)
		return tcp_text(packet);
	if (packet->is_udp)
		return "datagram";
	if (packet->is_arp)
		return packet->nw_proto == 1 ? "ARP request" : "ARP reply";
	if (packet->is_icmp && packet->tp_src == FB_ICMP_ECHO_REQUEST)
		return "echo request";
	if (packet->is_icmp && packet->tp_src == FB_ICMP_ECHO_REPLY)
		return "echo reply";
	return packet->is_icmp ? "ICMP message" : "frame";
}

/* The end of the link that sent the frame of 'event'. */
static unsigned sending_end(const struct trace_event *event)
{
	return event->link_event == LINK_DELIVERED ? !event->end : event->end;
}

/* The same host sent both, and the same but for what differs from one time to the next: the IPv4
 * identification and the header's checksum. */
static bool is_alike(const struct trace_event *one, const struct trace_event *other)
{
	const size_t from = FB_ETH_HEADER_BYTES + 12, most = 22; /* addresses, ports, numbers */
	const unsigned end = sending_end(other);

	if (other->kind != TRACE_FRAME || other->tag == one->tag || other->len != one->len ||
	    other->place != one->place || end != sending_end(one) || other->ends[end].is_switch)
		return false;
	if (one->len <= from)
		return !memcmp(other->bytes, one->bytes, one->len);
	return !memcmp(other->bytes + from, one->bytes + from,
	               one->len - from < most ? one->len - from : most);
}

/* How often a frame like this had been sent when this one was, itself included. */
static unsigned count_alike(const struct way *way, uint64_t number)
{
	const struct trace_event *event = trace_event_at(way->trace, number);
	uint64_t first, end, last_tag = 0;
	unsigned count = 1;

	trace_kept(way->trace, &first, &end);
	for (uint64_t i = first; i < number; i++) {
		const struct trace_event *other = trace_event_at(way->trace, i);

		if (!is_alike(event, other) || other->tag == last_tag)
			continue;
		last_tag = other->tag; /* one that was doubled comes again at once */
		count++;
	}
	return count;
}

static void end_text(const struct scenario *scenario, const struct scenario_end *end,
                     struct fb_text *text)
{
	if (end->is_switch)
		fb_text_printf(text, "%s:%u", scenario->switches[end->index].name, end->port);
	else
		fb_text_puts(text, scenario->hosts[end->index].name);
}

static void write_title(const struct way *way, uint64_t number, const char *indent, FILE *out)
{
	const struct trace_event *event = trace_event_at(way->trace, number);
	const struct scenario_end *from = &event->ends[sending_end(event)];
	const unsigned alike = from->is_switch ? 1 : count_alike(way, number);
	char line[400];
	struct fb_text text = fb_text_make(line, sizeof line);
	struct fb_packet packet;

	end_text(way->scenario, from, &text);
	if (fb_packet_parse(&packet, event->bytes, event->len)) {
		fb_text_puts(&text, ": frame");
	} else {
		fb_text_printf(&text, ": %s", kind_text(&packet));
		if (alike > 1 || (packet.is_tcp && packet.tcp_flags & FB_TCP_SYN))
			fb_text_printf(&text, " #%u", alike);
		if (packet.is_ipv4 || packet.is_arp) {
			fb_text_puts(&text, " ");
			fb_text_ip(&text, packet.nw_src);
			if (packet.is_tcp || packet.is_udp)
				fb_text_printf(&text, ":%u", packet.tp_src);
			fb_text_puts(&text, " > ");
			fb_text_ip(&text, packet.nw_dst);
			if (packet.is_tcp || packet.is_udp)
				fb_text_printf(&text, ":%u", packet.tp_dst);
		}
	}
	fprintf(out, "%s  %4llu.%09llu  %s\n", indent,
	        (unsigned long long)(event->time_ns / FB_NS_PER_S),
	        (unsigned long long)(event->time_ns % FB_NS_PER_S), line);
}

/* --- Where it went --- */

/* "a.pcap 3, b.pcap 5 and 7". */
static void note_place(struct way *way, const struct trace_event *event)
{
	const struct trace_event *before = way->noted;

	if (!event->capture || way->places_count++ >= PLACES_MAX)
		return;
	way->noted = event;
	if (before && before->kind != TRACE_FRAME && event->kind != TRACE_FRAME &&
	    before->place == event->place) {
		if (before->capture != event->capture)
			fb_text_printf(&way->places, " and %llu",
			               (unsigned long long)event->capture);
		return;
	}
	if (before)
		fb_text_puts(&way->places, ", ");
	trace_capture_text(way->trace, event, &way->places);
}

/* Flow-mods for one switch, one after another, are told together. */
static void tell_mods(struct way *way)
{
	if (way->mods_count == 1)
		fb_text_printf(&way->way, " -> flow-mod %s",
		               way->scenario->switches[way->mods_sw].name);
	else if (way->mods_count)
		fb_text_printf(&way->way, " -> %u flow-mods %s", way->mods_count,
		               way->scenario->switches[way->mods_sw].name);
	way->mods_count = 0;
}

static bool same_node(const struct scenario_end *one, const struct scenario_end *other)
{
	return one->is_switch == other->is_switch && one->index == other->index;
}

static const char *loss_text(enum link_event event)
{
	if (event == LINK_QUEUE_FULL)
		return "dropped, the queue is full, before";
	return event == LINK_DOWN ? "dropped, the link is down, before" : "LOST before";
}

static void note_frame(struct way *way, const struct trace_event *event)
{
	const bool arrived = event->link_event == LINK_DELIVERED;
	const struct scenario_end *from = &event->ends[sending_end(event)];
	const struct scenario_end *to = &event->ends[!sending_end(event)];

	tell_mods(way);
	if (!way->way.len)
		end_text(way->scenario, from, &way->way);
	else if (way->last && same_node(&way->last->ends[way->last->end], from)) {
		if (way->at_switch)
			fb_text_puts(&way->way, " -> entry");
		fb_text_puts(&way->way, " -> ");
		end_text(way->scenario, from, &way->way);
	} else {
		fb_text_puts(&way->way, "; ");
		end_text(way->scenario, from, &way->way);
	}
	fb_text_puts(&way->way, " -> ");
	if (!arrived)
		fb_text_printf(&way->way, "%s ", loss_text(event->link_event));
	end_text(way->scenario, to, &way->way);
	note_place(way, event);
	if (arrived) {
		way->last = event;
		way->at_switch = to->is_switch;
	}
}

/* It came in by that port of that switch last, with these first bytes. */
static bool came_in(const struct way *way, uint32_t sw, uint16_t port, struct fb_view data)
{
	const struct scenario_end *at;

	if (!way->last || !way->at_switch)
		return false;
	at = &way->last->ends[way->last->end];
	return at->is_switch && at->index == sw && at->port == port && data.len &&
	       data.len <= way->last->len && !memcmp(data.data, way->last->bytes, data.len);
}

/* The application, where it is the only one: of a chain nobody knows here which of them it was. */
static const char *controller_name(const struct scenario *scenario)
{
	return scenario->controller.apps_count == 1 ? scenario->controller.apps[0].cls->name
	                                            : "controller";
}

static void note_packet_in(struct way *way, const struct trace_event *event,
                           const struct fb_msg *msg)
{
	const struct fb_of_packet_in *in = &msg->packet_in;

	if (!came_in(way, event->place, in->in_port, in->data))
		return;
	tell_mods(way);
	fb_text_printf(&way->way, " -> %s -> packet-in",
	               in->reason == OFPR_NO_MATCH ? "miss" : "entry");
	if (in->buffer_id != OFP_NO_BUFFER)
		fb_text_printf(&way->way, " (buffer %u)", in->buffer_id);
	way->at_switch = false;
	if (event->kind == TRACE_LOST) {
		fb_text_puts(&way->way, " -> LOST on the control channel");
		return;
	}
	note_place(way, event);
	fb_text_printf(&way->way, " -> %s", controller_name(way->scenario));
	if (way->packet_ins_count < PACKET_INS_MAX)
		way->packet_ins[way->packet_ins_count++] =
		        (struct way_packet_in){.sw = event->place, .buffer_id = in->buffer_id};
}

/* The packet-in that the message, with that buffer or these bytes, releases; NULL: none. */
static struct way_packet_in *released_by(struct way *way, uint32_t sw, uint32_t buffer_id,
                                         struct fb_view data)
{
	for (unsigned i = way->packet_ins_count; i--;) {
		struct way_packet_in *in = &way->packet_ins[i];

		if (buffer_id != OFP_NO_BUFFER && in->sw == sw && in->buffer_id == buffer_id)
			return in;
		/* Whole, it may go out anywhere. */
		if (buffer_id == OFP_NO_BUFFER && data.len && way->last &&
		    data.len == way->last->len && data.len > FB_ETH_HEADER_BYTES &&
		    !memcmp(data.data + FB_ETH_HEADER_BYTES, way->last->bytes + FB_ETH_HEADER_BYTES,
		            data.len - FB_ETH_HEADER_BYTES))
			return in;
	}
	return NULL;
}

static void note_message(struct way *way, const struct trace_event *event)
{
	const struct fb_view nothing = {0};
	struct way_packet_in *in = NULL;
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(event->bytes, event->len, &msg, &error))
		return;
	if (msg.type == OFPT_PACKET_IN) {
		note_packet_in(way, event, &msg);
		return;
	}
	if (!way->packet_ins_count || event->kind == TRACE_LOST)
		return;
	if (msg.type == OFPT_PACKET_OUT) {
		in = released_by(way, event->place, msg.packet_out.buffer_id, msg.packet_out.data);
		if (!in)
			return;
		tell_mods(way);
		fb_text_printf(&way->way, " -> packet-out %s",
		               way->scenario->switches[event->place].name);
	} else if (msg.type == OFPT_FLOW_MOD) {
		in = released_by(way, event->place, msg.flow_mod.buffer_id, nothing);
		if (!in && !story_match_is_about(&way->about, &msg.flow_mod.match))
			return;
		if (way->mods_sw != event->place)
			tell_mods(way);
		way->mods_sw = event->place;
		way->mods_count++;
	} else {
		return;
	}
	note_place(way, event);
	if (in)
		in->released = true;
}

/* Entries that come after the frame has arrived somewhere are of other frames. */
static bool is_settled(const struct way *way)
{
	for (unsigned i = 0; i < way->packet_ins_count; i++)
		if (!way->packet_ins[i].released)
			return false;
	return true;
}

static void write_lines(const struct fb_text *text, const char *indent, FILE *out)
{
	if (text->len)
		fprintf(out, "%s                  %s\n", indent, text->buf);
}

void story_way_write(const struct trace *trace, uint64_t first, const char *indent, FILE *out)
{
	const struct trace_event *event = trace_event_at(trace, first);
	char way_buffer[WAY_BYTES], places_buffer[PLACES_BYTES];
	struct way way = {.trace = trace,
	                  .scenario = trace_scenario(trace),
	                  .tag = event->tag,
	                  .about = trace_relation_all(),
	                  .way = fb_text_make(way_buffer, sizeof way_buffer),
	                  .places = fb_text_make(places_buffer, sizeof places_buffer)};
	struct fb_packet packet;
	uint64_t start, end;

	if (!fb_packet_parse(&packet, event->bytes, event->len) && packet.is_ipv4) {
		/* The client's end tells its connection from others of the server. */
		const bool has_ports = packet.is_tcp || packet.is_udp;
		const bool to_client = has_ports && packet.tp_dst > packet.tp_src;

		way.about.ip = to_client ? packet.nw_dst : packet.nw_src;
		way.about.port = !has_ports ? 0 : to_client ? packet.tp_dst : packet.tp_src;
	}
	trace_kept(trace, &start, &end);
	write_title(&way, first, indent, out);
	for (uint64_t i = first; i < end; i++) {
		event = trace_event_at(trace, i);
		if (event->kind == TRACE_FRAME && event->tag == way.tag)
			note_frame(&way, event);
		else if ((event->kind == TRACE_MESSAGE || event->kind == TRACE_LOST) &&
		         (event->end == CHANNEL_CONTROLLER || !is_settled(&way)))
			note_message(&way, event);
	}
	tell_mods(&way);
	for (unsigned i = 0; i < way.packet_ins_count; i++)
		if (!way.packet_ins[i].released)
			fb_text_puts(&way.way, " -> not released");
	if (way.at_switch)
		fb_text_puts(&way.way, " -> nothing more");
	write_lines(&way.way, indent, out);
	write_lines(&way.places, indent, out);
}
