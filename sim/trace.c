/* Events as lines. See trace.h. */
#include "sim/trace.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "sim/capture_numbers.h"
#include "sim/lldp.h"

enum {
	FRAMERS_PER_SWITCH = 2, /* one for each receiving end */
	PLACE_WIDTH_MAX = 40,
};

struct trace {
	const struct scenario *scenario;
	FILE *live;
	bool keep;
	int place_width;        /* of the second column */
	struct scenario_end (*ends)[2]; /* of each link, as it is now */
	struct framer *framers; /* by switch and receiving end */
	struct capture_numbers *numbers;
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
	case TRACE_LOST:
		fb_text_printf(text, "%s > ?", trace->scenario->switches[event->place].name);
		break;
	case TRACE_LOG:
	case TRACE_MODE:
		fb_text_puts(text, event->who);
		break;
	case TRACE_FAULT:
		fb_text_puts(text, "fault");
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

/* "  [h1--s1-1.h1.pcap 17]": where captures have it. */
static void capture_text(const struct trace *trace, const struct trace_event *event,
                         struct fb_text *text)
{
	if (!event->capture)
		return;
	fb_text_puts(text, "  [");
	trace_capture_text(trace, event, text);
	fb_text_puts(text, "]");
}

void trace_capture_text(const struct trace *trace, const struct trace_event *event,
                        struct fb_text *text)
{
	if (event->kind == TRACE_FRAME)
		capture_link_name(trace->scenario, event->place, event->end, text);
	else
		capture_control_name(trace->scenario, event->place, text);
	fb_text_printf(text, ".pcap %llu", (unsigned long long)event->capture);
}

void trace_event_write(const struct trace *trace, const struct trace_event *event,
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
	case TRACE_LOST:
		fb_text_puts(&text, "LOST: ");
		fb_text_msg_bytes(&text, event->bytes, event->len);
		break;
	case TRACE_LOG:
	case TRACE_MODE:
	case TRACE_FAULT:
		fb_text_printf(&text, "%.*s", (int)event->len, (const char *)event->bytes);
		break;
	}
	if (indent[0])
		capture_text(trace, event, &text);
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
		trace_event_write(trace, event, "", trace->live);
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
	                            .link_event = event,
	                            .tag = frame->tag};

	if (event == LINK_SENT || event == LINK_DELIVERED)
		taken.capture = capture_numbers_frame(trace->numbers, link, end);
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

	capture_numbers_bytes(trace->numbers, now_ns, sw, to, bytes, len);
	framer_push(framer, bytes, len);
	while (framer_next(framer, &msg, &msg_len) == FRAMER_MESSAGE)
		take(trace,
		     (struct trace_event){.time_ns = now_ns,
		                          .kind = TRACE_MESSAGE,
		                          .place = sw,
		                          .end = to,
		                          .capture = capture_numbers_message(
		                                  trace->numbers, sw, to, framer->input_len)},
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
	capture_numbers_connected(trace->numbers, now_ns, sw);
	take_log(trace, now_ns, trace->scenario->switches[sw].name, "connects to the controller");
}

static void take_closed(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at)
{
	struct trace *trace = ctx;

	capture_numbers_closed(trace->numbers, now_ns, sw, at);
	take_log(trace, now_ns, trace->scenario->switches[sw].name,
	         at == CHANNEL_CONTROLLER ? "its control connection has ended at the controller"
	                                  : "its control connection has ended at the switch");
}

static void take_fault(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	struct trace *trace = ctx;
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	if (!begins && !fault_lasts(fault->kind))
		return;
	fb_text_puts(&text, begins ? "" : "over: ");
	fault_text(trace->scenario, fault, &text);
	take(trace, (struct trace_event){.time_ns = now_ns, .kind = TRACE_FAULT}, NULL, line,
	     strlen(line));
}

static void take_lost(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	take(ctx, (struct trace_event){.time_ns = now_ns, .kind = TRACE_LOST, .place = sw}, NULL,
	     msg, len);
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
	                                 .fault = take_fault,
	                                 .message_lost = take_lost,
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
	trace->numbers = capture_numbers_new(scenario);
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
	capture_numbers_free(trace->numbers);
	free(trace->ends);
	free(trace->framers);
	free(trace);
}

/* --- Looking back --- */

const struct scenario *trace_scenario(const struct trace *trace)
{
	return trace->scenario;
}

void trace_kept(const struct trace *trace, uint64_t *first, uint64_t *end)
{
	*end = trace->keep ? trace->events : 0;
	*first = *end > TRACE_EVENTS_MAX ? *end - TRACE_EVENTS_MAX : 0;
}

const struct trace_event *trace_event_at(const struct trace *trace, uint64_t number)
{
	return &trace->ring[number % TRACE_EVENTS_MAX];
}
