/* Choosing what a failure's story is made of. See story.h; story_way.c tells the way of one frame. */
#include <string.h>

#include <flowbed/packet.h>

#include "sim/story_private.h"

enum {
	RELATED_BUFFERS_MAX = 32,
	RARE_MAX = 4, /* lines of a story that tell of fail modes and faults */
};

/* --- Selecting --- */

/* Buffer ids of packet-ins that were selected: what releases them belongs to the story. */
struct related_buffers {
	struct {
		uint32_t sw, id;
	} items[RELATED_BUFFERS_MAX];
	unsigned count; /* ever added; the latest overwrite the oldest */
};

static bool buffer_is_related(const struct related_buffers *buffers, uint32_t sw, uint32_t id)
{
	for (unsigned i = 0; i < RELATED_BUFFERS_MAX && i < buffers->count; i++)
		if (buffers->items[i].sw == sw && buffers->items[i].id == id)
			return id != OFP_NO_BUFFER;
	return false;
}

/* It has no ports of its own, and may be what ended a request. */
static bool is_icmp_error(const struct fb_packet *packet)
{
	return packet->is_icmp && packet->tp_src != FB_ICMP_ECHO_REQUEST &&
	       packet->tp_src != FB_ICMP_ECHO_REPLY;
}

bool story_is_about(const struct trace_relation *relation, const uint8_t *bytes, size_t len)
{
	struct fb_packet packet;

	if (!relation->ip || fb_packet_parse(&packet, bytes, len) ||
	    !(packet.is_ipv4 || packet.is_arp))
		return false;
	if (packet.is_arp || is_icmp_error(&packet) || !relation->port)
		return packet.nw_src == relation->ip || packet.nw_dst == relation->ip;
	return (packet.nw_src == relation->ip && packet.tp_src == relation->port) ||
	       (packet.nw_dst == relation->ip && packet.tp_dst == relation->port);
}

bool story_match_is_about(const struct trace_relation *relation, const struct fb_match *match)
{
	if (!relation->ip)
		return false;
	if (match->nw_src == relation->ip && (!relation->port || match->tp_src == relation->port))
		return true;
	return match->nw_dst == relation->ip &&
	       (!relation->port || match->tp_dst == relation->port);
}

static bool message_is_related(const struct trace_relation *relation,
                               const struct trace_event *event, struct related_buffers *buffers)
{
	struct fb_of_error error;
	struct fb_msg msg;
	bool related;

	if (fb_msg_decode(event->bytes, event->len, &msg, &error))
		return false;
	related = msg.type < 32 && (relation->message_types >> msg.type & 1) &&
	          (relation->sw == SCENARIO_NONE || relation->sw == event->place);
	switch (msg.type) {
	case OFPT_PACKET_IN:
		related |=
		        story_is_about(relation, msg.packet_in.data.data, msg.packet_in.data.len) ||
		        (relation->buffer_id != OFP_NO_BUFFER && relation->sw == event->place &&
		         relation->buffer_id == msg.packet_in.buffer_id);
		if (related) {
			unsigned slot = buffers->count++ % RELATED_BUFFERS_MAX;

			buffers->items[slot].sw = event->place;
			buffers->items[slot].id = msg.packet_in.buffer_id;
		}
		break;
	case OFPT_PACKET_OUT:
		related |= story_is_about(relation, msg.packet_out.data.data,
		                          msg.packet_out.data.len) ||
		           buffer_is_related(buffers, event->place, msg.packet_out.buffer_id);
		break;
	case OFPT_FLOW_MOD:
		related |= story_match_is_about(relation, &msg.flow_mod.match) ||
		           buffer_is_related(buffers, event->place, msg.flow_mod.buffer_id);
		break;
	case OFPT_FLOW_REMOVED:
		related |= story_match_is_about(relation, &msg.flow_removed.match);
		break;
	default:
		break;
	}
	return related;
}

static bool frame_is_related(const struct trace_relation *relation, const struct trace_event *event)
{
	const struct pcap_pkthdr header = {.caplen = (uint32_t)event->len,
	                                   .len = (uint32_t)event->len};

	if (relation->life && relation->life == event->tag)
		return true;
	if (relation->link == event->place &&
	    (!relation->program || !relation->program->bf_len ||
	     pcap_offline_filter(relation->program, &header, event->bytes)))
		return true;
	return story_is_about(relation, event->bytes, event->len);
}

static bool is_about_everything(const struct trace_relation *relation)
{
	return !relation->life && !relation->ip && !relation->message_types &&
	       relation->link == SCENARIO_NONE;
}

/* What is seldom and decides what becomes of frames. */
static bool is_rare(const struct trace_event *event)
{
	return event->kind == TRACE_MODE || event->kind == TRACE_FAULT;
}

static bool event_is_related(const struct trace_relation *relation, const struct trace_event *event,
                             struct related_buffers *buffers)
{
	if (is_about_everything(relation))
		return true;
	switch (event->kind) {
	case TRACE_FRAME:
		return frame_is_related(relation, event);
	case TRACE_MESSAGE:
	case TRACE_LOST:
		return message_is_related(relation, event, buffers);
	case TRACE_LOG:
		return false;
	case TRACE_MODE:
		return relation->sw == SCENARIO_NONE || relation->sw == event->place;
	case TRACE_FAULT:
		return true;
	}
	return false;
}

/* The latest events of a kind that were selected, by number. */
struct selection {
	uint64_t items[STORY_LINES_MAX];
	uint64_t count; /* ever added; the latest overwrite the oldest */
};

static void selection_add(struct selection *selection, uint64_t number)
{
	selection->items[selection->count++ % STORY_LINES_MAX] = number;
}

/* The first of the latest 'max' of those that were added. */
static uint64_t selection_first(const struct selection *selection, uint64_t max)
{
	return selection->count > max ? selection->count - max : 0;
}

/* --- Telling --- */

/* The latest events; what is rare and what is not have a share each. */
static void write_events(const struct trace *trace, const struct trace_relation *relation,
                         const char *indent, FILE *out)
{
	struct related_buffers buffers = {.count = 0};
	struct selection rare = {.count = 0}, others = {.count = 0};
	uint64_t first, end, r, o;

	trace_kept(trace, &first, &end);
	for (uint64_t i = first; i < end; i++) {
		const struct trace_event *event = trace_event_at(trace, i);

		if (event_is_related(relation, event, &buffers))
			selection_add(is_rare(event) ? &rare : &others, i);
	}
	r = selection_first(&rare, RARE_MAX);
	o = selection_first(&others, STORY_LINES_MAX - (rare.count - r));
	if (r < rare.count || o < others.count)
		fprintf(out, "%sthe last frames and messages before that:\n", indent);
	while (r < rare.count || o < others.count) {
		const bool is_next = r < rare.count && (o == others.count ||
		                                        rare.items[r % STORY_LINES_MAX] <
		                                                others.items[o % STORY_LINES_MAX]);
		const uint64_t number = is_next ? rare.items[r++ % STORY_LINES_MAX]
		                                : others.items[o++ % STORY_LINES_MAX];

		fputs(indent, out);
		trace_event_write(trace, trace_event_at(trace, number), "  ", out);
	}
}

/* A frame of the story itself, not one that only has to do with it. */
static bool is_told(const struct trace_relation *relation, const struct trace_event *event)
{
	if (event->kind != TRACE_FRAME || !event->tag)
		return false;
	if (relation->life)
		return relation->life == event->tag ||
		       (relation->ip && relation->port &&
		        story_is_about(relation, event->bytes, event->len));
	return relation->ip && story_is_about(relation, event->bytes, event->len);
}

/* The latest frames of the story: the numbers of their first events. The frame that it is about is
 * always among them. */
static unsigned find_ways(const struct trace *trace, const struct trace_relation *relation,
                          uint64_t ways[STORY_WAYS_MAX])
{
	uint64_t tags[STORY_WAYS_MAX], first, end, count = 0;

	trace_kept(trace, &first, &end);
	for (uint64_t i = first; i < end; i++) {
		const struct trace_event *event = trace_event_at(trace, i);
		unsigned known = 0, slot;

		if (!is_told(relation, event))
			continue;
		while (known < STORY_WAYS_MAX && known < count && tags[known] != event->tag)
			known++;
		if (known < STORY_WAYS_MAX && known < count)
			continue;
		slot = count % STORY_WAYS_MAX;
		if (count >= STORY_WAYS_MAX && tags[slot] == relation->life)
			slot = ++count % STORY_WAYS_MAX;
		tags[slot] = event->tag;
		ways[slot] = i;
		count++;
	}
	return (unsigned)(count < STORY_WAYS_MAX ? count : STORY_WAYS_MAX);
}

static void sort(uint64_t *numbers, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		for (unsigned j = i; j && numbers[j - 1] > numbers[j]; j--) {
			const uint64_t number = numbers[j];

			numbers[j] = numbers[j - 1];
			numbers[j - 1] = number;
		}
	}
}

/* The latest packet-in of 'relation->sw' whose frame is in its buffer; false: it is forgotten. */
static bool find_packet_in(const struct trace *trace, const struct trace_relation *relation,
                           uint64_t *number, struct fb_of_packet_in *in)
{
	uint64_t first, end;

	trace_kept(trace, &first, &end);
	for (uint64_t i = end; i-- > first;) {
		const struct trace_event *event = trace_event_at(trace, i);
		struct fb_of_error error;
		struct fb_msg msg;

		if ((event->kind != TRACE_MESSAGE && event->kind != TRACE_LOST) ||
		    event->place != relation->sw ||
		    fb_msg_decode(event->bytes, event->len, &msg, &error) ||
		    msg.type != OFPT_PACKET_IN || msg.packet_in.buffer_id != relation->buffer_id)
			continue;
		*number = i;
		*in = msg.packet_in;
		return true;
	}
	return false;
}

/* The story is of the frame in a buffer: the one that came in where its packet-in says. */
static void follow_buffer(const struct trace *trace, struct trace_relation *relation)
{
	struct fb_of_packet_in in;
	uint64_t first, end, i;

	if (relation->buffer_id == OFP_NO_BUFFER || !find_packet_in(trace, relation, &i, &in))
		return;
	trace_kept(trace, &first, &end);
	while (i-- > first) {
		const struct trace_event *event = trace_event_at(trace, i);
		const struct scenario_end *at = &event->ends[event->end];

		if (event->kind != TRACE_FRAME || event->link_event != LINK_DELIVERED ||
		    !at->is_switch || at->index != relation->sw || at->port != in.in_port ||
		    event->len < in.data.len ||
		    memcmp(event->bytes, in.data.data, in.data.len) != 0)
			continue;
		relation->life = event->tag;
		relation->message_types = 0;
		return;
	}
}

void story_write(const struct trace *trace, const struct trace_relation *about, const char *indent,
                 FILE *out)
{
	struct trace_relation followed = *about;
	const struct trace_relation *relation = &followed;
	uint64_t ways[STORY_WAYS_MAX];
	unsigned count;

	follow_buffer(trace, &followed);
	count = find_ways(trace, relation, ways);

	sort(ways, count);
	if (count)
		fprintf(out, "%sthe way of %s:\n", indent,
		        count == 1 ? "the frame" : "its latest frames");
	for (unsigned i = 0; i < count; i++)
		story_way_write(trace, ways[i], indent, out);
	write_events(trace, relation, indent, out);
}
