/* Events as lines. See trace.h. */
#include "sim/trace.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "sim/lldp.h"

enum {
	FRAMERS_PER_SWITCH = 2, /* one for each receiving end */
	RELATED_BUFFERS_MAX = 32,
	PLACE_WIDTH_MAX = 40,
	MODES_MAX = 4, /* lines of a story that tell of fail modes */
};

enum trace_kind { TRACE_FRAME, TRACE_MESSAGE, TRACE_LOG, TRACE_MODE };

struct trace_event {
	uint64_t time_ns;
	enum trace_kind kind;
	uint32_t place; /* link or switch */
	unsigned end;   /* of the link, or the receiving end of the channel */
	struct scenario_end ends[2]; /* FRAME: what the link was between */
	enum link_event link_event;
	char *who;      /* LOG, MODE */
	uint8_t *bytes; /* frame, message or text */
	size_t len;
	size_t size; /* room at 'bytes' */
};

struct trace {
	const struct scenario *scenario;
	FILE *live;
	bool keep;
	int place_width;        /* of the second column */
	struct scenario_end (*ends)[2]; /* of each link, as it is now */
	struct framer *framers; /* by switch and receiving end */
	struct trace_event *ring;
	uint64_t events;            /* seen; the latest is at (events - 1) % TRACE_EVENTS_MAX */
	struct trace_event scratch; /* the event being written when nothing is kept */
};

/* --- Text --- */

/* "h1 > s1:1": the way of a frame that arrives at 'end'. */
static void way_text(const struct scenario *scenario, const struct scenario_end ends[2],
                     unsigned end, struct fb_text *text)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct scenario_end *at = &ends[i ? end : !end];

		if (at->is_switch)
			fb_text_printf(text, "%s:%u", scenario->switches[at->index].name, at->port);
		else
			fb_text_puts(text, scenario->hosts[at->index].name);
		if (!i)
			fb_text_puts(text, " > ");
	}
}

static void place_text(const struct trace *trace, const struct trace_event *event,
                       struct fb_text *text)
{
	const char *name;

	switch (event->kind) {
	case TRACE_FRAME:
		/* A frame that got lost was going to the other end. */
		way_text(trace->scenario, event->ends,
		         event->link_event == LINK_DELIVERED ? event->end : !event->end, text);
		break;
	case TRACE_MESSAGE:
		name = trace->scenario->switches[event->place].name;
		if (event->end == CHANNEL_CONTROLLER)
			fb_text_printf(text, "%s > controller", name);
		else
			fb_text_printf(text, "controller > %s", name);
		break;
	case TRACE_LOG:
	case TRACE_MODE:
		fb_text_puts(text, event->who);
		break;
	}
}

static const char *link_event_text(enum link_event event)
{
	switch (event) {
	case LINK_SENT:
	case LINK_DELIVERED:
		return "";
	case LINK_LOST:
		return "LOST: ";
	case LINK_QUEUE_FULL:
		return "QUEUE FULL: ";
	case LINK_DOWN:
		return "LINK DOWN: ";
	}
	return "";
}

static void event_write(const struct trace *trace, const struct trace_event *event,
                        const char *indent, FILE *out)
{
	char place[4 * SCENARIO_NAME_BYTES_MAX], line[2 * FB_TEXT_LINE_BYTES];
	struct fb_text place_out = fb_text_make(place, sizeof place);
	struct fb_text text = fb_text_make(line, sizeof line);

	place_text(trace, event, &place_out);
	switch (event->kind) {
	case TRACE_FRAME:
		fb_text_puts(&text, link_event_text(event->link_event));
		fb_text_packet(&text, event->bytes, event->len);
		break;
	case TRACE_MESSAGE:
		fb_text_msg_bytes(&text, event->bytes, event->len);
		break;
	case TRACE_LOG:
	case TRACE_MODE:
		fb_text_printf(&text, "%.*s", (int)event->len, (const char *)event->bytes);
		break;
	}
	/* Always nine decimals, so that the points stand in one column. */
	fprintf(out, "%s%4llu.%09llu  %-*s  %s\n", indent,
	        (unsigned long long)(event->time_ns / FB_NS_PER_S),
	        (unsigned long long)(event->time_ns % FB_NS_PER_S), trace->place_width, place,
	        line);
}

/* --- Taking events --- */

/* Discovery belongs to no story: it goes on all the time, whatever happens. */
static bool is_discovery(const struct trace_event *event, const void *bytes, size_t len)
{
	return (event->kind == TRACE_FRAME && lldp_is_frame(bytes, len)) ||
	       (event->kind == TRACE_MESSAGE && lldp_is_message(bytes, len));
}

static void take(struct trace *trace, struct trace_event from, const char *who, const void *bytes,
                 size_t len)
{
	struct trace_event *event = trace->keep && !is_discovery(&from, bytes, len)
	                                    ? &trace->ring[trace->events++ % TRACE_EVENTS_MAX]
	                                    : &trace->scratch;

	from.who = event->who;
	from.bytes = event->bytes;
	from.size = event->size;
	from.len = len;
	if (from.size < len || !from.bytes) {
		from.size = len + 64;
		from.bytes = xrealloc(from.bytes, from.size);
	}
	if (len)
		memcpy(from.bytes, bytes, len);
	free(from.who);
	from.who = who ? xstrdup(who) : NULL;
	*event = from;
	if (trace->live)
		event_write(trace, event, "", trace->live);
}

/* Frames are shown where they arrive, and where they are lost. */
static void take_frame(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
                       enum link_event event, const struct frame *frame)
{
	struct trace *trace = ctx;
	struct trace_event taken = {.time_ns = now_ns,
	                            .kind = TRACE_FRAME,
	                            .place = link,
	                            .end = end,
	                            .link_event = event};

	if (event == LINK_SENT)
		return;
	memcpy(taken.ends, trace->ends[link], sizeof taken.ends);
	take(trace, taken, NULL, frame->memory + frame->offset, frame->len);
}

static void take_moved(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
                       const struct scenario_end *at)
{
	struct trace *trace = ctx;

	(void)now_ns;
	trace->ends[link][end] = *at;
}

/* Bytes become messages again; a message is shown when its last byte arrives. */
static void take_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                       size_t len)
{
	struct trace *trace = ctx;
	struct framer *framer = &trace->framers[FRAMERS_PER_SWITCH * sw + to];
	const uint8_t *msg;
	size_t msg_len;

	framer_push(framer, bytes, len);
	while (framer_next(framer, &msg, &msg_len) == FRAMER_MESSAGE)
		take(trace,
		     (struct trace_event){
		             .time_ns = now_ns, .kind = TRACE_MESSAGE, .place = sw, .end = to},
		     NULL, msg, msg_len);
	framer_finish(framer);
}

static void take_log(void *ctx, uint64_t now_ns, const char *who, const char *line)
{
	take(ctx, (struct trace_event){.time_ns = now_ns, .kind = TRACE_LOG}, who, line,
	     strlen(line));
}

static void take_mode(void *ctx, uint64_t now_ns, uint32_t sw, enum datapath_mode mode,
                      const char *line)
{
	struct trace *trace = ctx;

	(void)mode;
	take(trace, (struct trace_event){.time_ns = now_ns, .kind = TRACE_MODE, .place = sw},
	     trace->scenario->switches[sw].name, line, strlen(line));
}

static void take_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	struct trace *trace = ctx;

	for (unsigned end = 0; end < FRAMERS_PER_SWITCH; end++) {
		framer_destroy(&trace->framers[FRAMERS_PER_SWITCH * sw + end]);
		framer_init(&trace->framers[FRAMERS_PER_SWITCH * sw + end]);
	}
	take_log(trace, now_ns, trace->scenario->switches[sw].name, "connects to the controller");
}

static void take_closed(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at)
{
	struct trace *trace = ctx;

	take_log(trace, now_ns, trace->scenario->switches[sw].name,
	         at == CHANNEL_CONTROLLER ? "its control connection has ended at the controller"
	                                  : "its control connection has ended at the switch");
}

struct network_observer trace_observer(struct trace *trace)
{
	return (struct network_observer){.frame = take_frame,
	                                 .moved = take_moved,
	                                 .connected = take_connected,
	                                 .closed = take_closed,
	                                 .bytes = take_bytes,
	                                 .log = take_log,
	                                 .mode = take_mode,
	                                 .ctx = trace};
}

/* --- Making --- */

/* The widest place there can be, within reason. */
static int place_width(const struct scenario *scenario)
{
	size_t width = strlen("controller");
	char place[4 * SCENARIO_NAME_BYTES_MAX];

	for (uint32_t i = 0; i < scenario->links_count; i++) {
		struct fb_text text = fb_text_make(place, sizeof place);

		way_text(scenario, scenario->links[i].ends, 0, &text);
		width = text.len > width ? text.len : width;
	}
	for (size_t i = 0; i < scenario->switches_count; i++) {
		size_t len = strlen(scenario->switches[i].name) + strlen(" > controller");

		width = len > width ? len : width;
	}
	return width > PLACE_WIDTH_MAX ? PLACE_WIDTH_MAX : (int)width;
}

struct trace *trace_new(const struct scenario *scenario, FILE *live, bool keep)
{
	struct trace *trace = xcalloc(1, sizeof *trace);

	trace->scenario = scenario;
	trace->live = live;
	trace->keep = keep;
	trace->place_width = place_width(scenario);
	trace->ends = xcalloc(scenario->links_count + 1, sizeof *trace->ends);
	for (size_t i = 0; i < scenario->links_count; i++)
		memcpy(trace->ends[i], scenario->links[i].ends, sizeof *trace->ends);
	trace->framers =
	        xcalloc(FRAMERS_PER_SWITCH * scenario->switches_count + 1, sizeof *trace->framers);
	for (size_t i = 0; i < FRAMERS_PER_SWITCH * scenario->switches_count; i++)
		framer_init(&trace->framers[i]);
	if (keep)
		trace->ring = xcalloc(TRACE_EVENTS_MAX, sizeof *trace->ring);
	return trace;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	for (size_t i = 0; i < FRAMERS_PER_SWITCH * trace->scenario->switches_count; i++)
		framer_destroy(&trace->framers[i]);
	for (size_t i = 0; trace->ring && i < TRACE_EVENTS_MAX; i++) {
		free(trace->ring[i].who);
		free(trace->ring[i].bytes);
	}
	free(trace->scratch.who);
	free(trace->scratch.bytes);
	free(trace->ring);
	free(trace->ends);
	free(trace->framers);
	free(trace);
}

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

static bool packet_is_related(const struct trace_relation *relation, const uint8_t *bytes,
                              size_t len)
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

static bool match_is_related(const struct trace_relation *relation, const struct fb_match *match)
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
		related |= packet_is_related(relation, msg.packet_in.data.data,
		                             msg.packet_in.data.len);
		if (related) {
			unsigned slot = buffers->count++ % RELATED_BUFFERS_MAX;

			buffers->items[slot].sw = event->place;
			buffers->items[slot].id = msg.packet_in.buffer_id;
		}
		break;
	case OFPT_PACKET_OUT:
		related |= packet_is_related(relation, msg.packet_out.data.data,
		                             msg.packet_out.data.len) ||
		           buffer_is_related(buffers, event->place, msg.packet_out.buffer_id);
		break;
	case OFPT_FLOW_MOD:
		related |= match_is_related(relation, &msg.flow_mod.match) ||
		           buffer_is_related(buffers, event->place, msg.flow_mod.buffer_id);
		break;
	case OFPT_FLOW_REMOVED:
		related |= match_is_related(relation, &msg.flow_removed.match);
		break;
	default:
		break;
	}
	return related;
}

static bool event_is_related(const struct trace_relation *relation, const struct trace_event *event,
                             struct related_buffers *buffers)
{
	struct pcap_pkthdr header = {.caplen = (uint32_t)event->len, .len = (uint32_t)event->len};

	if (!relation->ip && !relation->message_types && relation->link == SCENARIO_NONE)
		return true;
	switch (event->kind) {
	case TRACE_FRAME:
		if (relation->link == event->place &&
		    (!relation->program || !relation->program->bf_len ||
		     pcap_offline_filter(relation->program, &header, event->bytes)))
			return true;
		return packet_is_related(relation, event->bytes, event->len);
	case TRACE_MESSAGE:
		return message_is_related(relation, event, buffers);
	case TRACE_LOG:
		return false;
	case TRACE_MODE: /* it decides what becomes of every frame */
		return relation->sw == SCENARIO_NONE || relation->sw == event->place;
	}
	return false;
}

/* The latest events of a kind that were selected, by number. */
struct selection {
	uint64_t items[TRACE_LINES_MAX];
	uint64_t count; /* ever added; the latest overwrite the oldest */
};

static void selection_add(struct selection *selection, uint64_t number)
{
	selection->items[selection->count++ % TRACE_LINES_MAX] = number;
}

/* The first of the latest 'max' of those that were added. */
static uint64_t selection_first(const struct selection *selection, uint64_t max)
{
	return selection->count > max ? selection->count - max : 0;
}

size_t trace_write(struct trace *trace, const struct trace_relation *relation, const char *indent,
                   FILE *out)
{
	struct related_buffers buffers = {.count = 0};
	struct selection modes = {.count = 0}, others = {.count = 0};
	uint64_t first = trace->events > TRACE_EVENTS_MAX ? trace->events - TRACE_EVENTS_MAX : 0;
	uint64_t mode, other, lines;

	for (uint64_t i = first; trace->keep && i < trace->events; i++) {
		const struct trace_event *event = &trace->ring[i % TRACE_EVENTS_MAX];

		if (event_is_related(relation, event, &buffers))
			selection_add(event->kind == TRACE_MODE ? &modes : &others, i);
	}
	/* Fail modes are seldom, and frames that come after them are many: each has its share. */
	mode = selection_first(&modes, MODES_MAX);
	other = selection_first(&others, TRACE_LINES_MAX - (modes.count - mode));
	lines = modes.count - mode + others.count - other;
	for (uint64_t i = 0; i < lines; i++) {
		const bool is_mode =
		        mode < modes.count &&
		        (other == others.count || modes.items[mode % TRACE_LINES_MAX] <
		                                          others.items[other % TRACE_LINES_MAX]);
		const uint64_t number = is_mode ? modes.items[mode++ % TRACE_LINES_MAX]
		                                : others.items[other++ % TRACE_LINES_MAX];

		event_write(trace, &trace->ring[number % TRACE_EVENTS_MAX], indent, out);
	}
	return (size_t)lines;
}
