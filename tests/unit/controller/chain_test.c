/* The chain of applications: who sees what, in which order what they send leaves, and that neither
 * depends on how the stream was cut. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

#include <inttypes.h>
#include <stdarg.h>

#include <flowbed/discovery.h>

#include "lib/base/rng.h"

/* --- Applications that record what they see --- */

struct recorder {
	struct fb_app *app;
	char *text; /* one line an event */
	size_t len, size;
	uint64_t stops; /* packet-ins whose buffer id is a multiple of this are stopped; 0: none */
	bool silent;    /* sends nothing */
};

static void __attribute__((format(printf, 2, 3))) note(struct recorder *r, const char *format, ...)
{
	va_list args;
	int len;

	if (r->size - r->len < 256) {
		r->size = 2 * r->size + 1024;
		r->text = realloc(r->text, r->size);
		assert(r->text);
	}
	va_start(args, format);
	len = vsnprintf(r->text + r->len, r->size - r->len, format, args);
	va_end(args);
	assert(len >= 0 && len < 256);
	r->len += (size_t)len;
}

/* The recorders of the bench that was made last, by their place in the chain. */
static struct recorder *recorders[8];

static void *recorder_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct recorder *r = calloc(1, sizeof *r);

	(void)error;
	assert(r);
	r->app = app;
	r->stops = values[0];
	r->silent = values[1];
	recorders[fb_app_index(app)] = r;
	note(r, "create\n");
	return r;
}

static void recorder_destroy(void *state)
{
	struct recorder *r = state;

	free(r->text);
	free(r);
}

static void recorder_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct recorder *r = state;
	struct fb_stats_request request = {.type = OFPST_DESC};

	(void)now_ns;
	note(r, "up %" PRIu64 "\n", fb_switch_dpid(sw));
	if (r->silent)
		return;
	fb_send_stats_request(r->app, sw, NULL, &request);
	fb_send_barrier(r->app, sw, NULL);
	fb_switch_set_state(sw, r->app, r);
}

static void recorder_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct recorder *r = state;
	struct fb_packet_out po = {.buffer_id = 1, .in_port = 1};

	(void)now_ns;
	note(r, "down %" PRIu64 " sent %" PRIu32 "\n", fb_switch_dpid(sw),
	     fb_send_packet_out(r->app, sw, NULL, &po));
}

enum {
	TALKS_FIRST = 1001
}; /* for this buffer id a message without cause comes first; never drawn */

/* What one packet-in leads to: one to three messages, by its buffer id; some of them on another
 * switch. */
static void answer(struct recorder *r, struct fb_switch *sw, const struct fb_packet_in *pi)
{
	struct fb_switch *other = fb_app_next_switch(r->app, NULL);
	struct fb_packet_out po = {.buffer_id = pi->buffer_id,
	                           .in_port = (uint16_t)(0x100 + fb_app_index(r->app))};
	struct fb_flow_mod fm = {.buffer_id = pi->buffer_id, .out_port = OFPP_NONE};
	uint32_t what = pi->buffer_id + fb_app_index(r->app);

	if (other == sw)
		other = fb_app_next_switch(r->app, other);
	if (pi->buffer_id == TALKS_FIRST)
		fb_send_barrier(r->app, sw, NULL);
	if (what % 3 == 0)
		note(r, " flow-mod %x\n", fb_send_flow_mod(r->app, sw, pi, &fm));
	if (what % 3 != 1)
		note(r, " packet-out %x\n", fb_send_packet_out(r->app, sw, pi, &po));
	if (what % 4 == 0 && other)
		note(r, " elsewhere %x\n", fb_send_packet_out(r->app, other, pi, &po));
	if (what % 12 == 0)
		note(r, " without cause %x\n", fb_send_barrier(r->app, sw, NULL));
}

static void recorder_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                               size_t count, uint64_t now_ns)
{
	struct recorder *r = state;

	CU_ASSERT(count > 0);
	for (size_t i = 0; i < count; i++) {
		struct fb_packet_in *pi = &packet_ins[i];

		CU_ASSERT_EQUAL(pi->verdict, FB_CONTINUE);
		note(r,
		     "%" PRIu64 " packet-in %" PRIu32
		     " buffer %x port %u len %u/%u type %x at %" PRIu64 "\n",
		     fb_switch_dpid(sw), pi->order, pi->buffer_id, pi->in_port, pi->packet.len,
		     pi->total_len, pi->packet.dl_type, now_ns);
		if (!r->silent)
			answer(r, sw, pi);
		if (r->stops && pi->buffer_id % r->stops == 0)
			pi->verdict = FB_STOP;
	}
}

static enum fb_verdict recorder_flow_removed(void *state, struct fb_switch *sw,
                                             const struct fb_flow_removed *fr, uint64_t now_ns)
{
	struct recorder *r = state;

	(void)now_ns;
	note(r, "%" PRIu64 " flow-removed %" PRIx64 "\n", fb_switch_dpid(sw), fr->cookie);
	return r->stops && fr->cookie % r->stops == 0 ? FB_STOP : FB_CONTINUE;
}

static enum fb_verdict recorder_port_status(void *state, struct fb_switch *sw,
                                            const struct fb_port_status *ps, uint64_t now_ns)
{
	struct recorder *r = state;
	const struct fb_phy_port *known = fb_switch_port(sw, ps->desc.port_no);
	size_t ports = 0;

	(void)now_ns;
	while (fb_switch_port_at(sw, ports))
		ports++;
	note(r, "port-status %u of %u, known %d state %x, now %zu ports\n", ps->reason,
	     ps->desc.port_no, known != NULL, known ? known->state : 0, ports);
	return r->stops && ps->desc.port_no % r->stops == 0 ? FB_STOP : FB_CONTINUE;
}

static void recorder_error(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
                           uint16_t code, struct fb_view data, uint64_t now_ns)
{
	(void)now_ns;
	note(state, "%" PRIu64 " error %u/%u xid %x own %d data %zu\n", fb_switch_dpid(sw), type,
	     code, xid, own, data.len);
}

static void recorder_stats_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                 const struct fb_stats_reply *reply, uint64_t now_ns)
{
	(void)now_ns;
	note(state, "%" PRIu64 " stats %x flags %u\n", fb_switch_dpid(sw), xid, reply->flags);
}

static void recorder_barrier_reply(void *state, struct fb_switch *sw, uint32_t xid, uint64_t now_ns)
{
	(void)now_ns;
	note(state, "%" PRIu64 " barrier %x\n", fb_switch_dpid(sw), xid);
}

static void recorder_timer(void *state, uint64_t now_ns)
{
	note(state, "timer %" PRIu64 "\n", now_ns);
}

static unsigned tellings; /* of events of the network, to all recorders */

static void recorder_network_event(void *state, const struct fb_network_event *event,
                                   uint64_t now_ns)
{
	note(state, "event %d as number %u at %" PRIu64 "\n", (int)event->type, ++tellings, now_ns);
}

static const struct fb_option recorder_options[] = {
        {.name = "stops", .type = FB_OPTION_INTEGER, .default_text = "0", .max = 1000},
        {.name = "silent", .type = FB_OPTION_BOOL, .default_text = "no"},
};

#define RECORDER_FUNCTIONS                                                                         \
	.options = recorder_options, .options_count = 2, .create = recorder_create,                \
	.destroy = recorder_destroy, .switch_up = recorder_switch_up,                              \
	.switch_down = recorder_switch_down, .packet_in = recorder_packet_in,                      \
	.flow_removed = recorder_flow_removed, .port_status = recorder_port_status,                \
	.error = recorder_error, .stats_reply = recorder_stats_reply,                              \
	.barrier_reply = recorder_barrier_reply, .timer = recorder_timer,                          \
	.network_event = recorder_network_event

static const struct fb_app_class recorder_class = {.name = "recorder", RECORDER_FUNCTIONS};
static const struct fb_app_class discoverer_class = {
        .name = "discoverer", .wants_lldp = true, RECORDER_FUNCTIONS};

/* --- An application that those behind it ask --- */

/* Each packet-in whose buffer id is a multiple of 'every' is a step for it. It takes them one after
 * the other, when all before have been handled to the end. */
struct stepper {
	struct fb_app *app;
	uint64_t every;
	uint32_t steps;
};

static void *stepper_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct stepper *s = calloc(1, sizeof *s);

	(void)error;
	assert(s);
	s->app = app;
	s->every = values[0];
	return s;
}

static void stepper_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                              size_t count, uint64_t now_ns)
{
	struct stepper *s = state;

	(void)now_ns;
	CU_ASSERT_EQUAL(packet_ins[0].verdict, FB_CONTINUE);
	for (size_t i = 0; i < count; i++) {
		if (packet_ins[i].buffer_id % s->every)
			continue;
		if (i > 0) {
			packet_ins[i].verdict = FB_LATER;
			return;
		}
		s->steps++;
		fb_send_barrier(s->app, sw, NULL);
	}
}

static const struct fb_option stepper_options[] = {
        {.name = "every", .type = FB_OPTION_INTEGER, .default_text = "3", .min = 1, .max = 1000},
};

static const struct fb_app_class stepper_class = {
        .name = "stepper",
        .options = stepper_options,
        .options_count = 1,
        .create = stepper_create,
        .destroy = free,
        .packet_in = stepper_packet_in,
};

/* Writes down how far the stepper in front of it is, with each packet-in. */
static void witness_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                              size_t count, uint64_t now_ns)
{
	struct recorder *r = state;
	const struct stepper *stepper = fb_app_before(r->app, &stepper_class);

	for (size_t i = 0; i < count; i++) {
		note(r, "step %u: ", stepper->steps);
		recorder_packet_in(state, sw, &packet_ins[i], 1, now_ns);
	}
}

static const struct fb_app_class witness_class = {
        .name = "witness",
        .options = recorder_options,
        .options_count = 2,
        .create = recorder_create,
        .destroy = recorder_destroy,
        .packet_in = witness_packet_in,
};

/* --- An application that others need: it keeps packet-ins, and tells of events --- */

enum { KEPT_MAX = 600, KEPT_FRAME_BYTES = 60, KEEPER_WAIT_NS = 1000 };

struct kept {
	struct fb_switch *sw;
	struct fb_packet_in pi;
	uint8_t frame[KEPT_FRAME_BYTES];
};

struct keeper {
	struct fb_app *app;
	bool keeps;
	struct kept kept[KEPT_MAX];
	size_t count;
	void *before_in_create, *before_later;
};

static struct keeper *keepers[8]; /* by place, as 'recorders' */

static const struct fb_app_class keeper_class;

static void *keeper_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct keeper *k = calloc(1, sizeof *k);

	(void)error;
	assert(k);
	k->app = app;
	k->keeps = values[0];
	k->before_in_create = fb_app_before(app, &recorder_class);
	keepers[fb_app_index(app)] = k;
	return k;
}

static void keeper_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct keeper *k = state;

	(void)sw;
	(void)now_ns;
	k->before_later = fb_app_before(k->app, &recorder_class);
}

static void keeper_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                             size_t count, uint64_t now_ns)
{
	struct keeper *k = state;

	for (size_t i = 0; i < count && k->keeps; i++) {
		struct kept *kept = &k->kept[k->count++];

		assert(k->count <= KEPT_MAX && packet_ins[i].packet.len <= KEPT_FRAME_BYTES);
		kept->sw = sw;
		kept->pi = packet_ins[i];
		memcpy(kept->frame, packet_ins[i].packet.data, packet_ins[i].packet.len);
		packet_ins[i].verdict = FB_STOP;
		fb_app_set_timer(k->app, now_ns + KEEPER_WAIT_NS);
	}
}

/* Hand on all that is kept, and say so. */
static void keeper_timer(void *state, uint64_t now_ns)
{
	struct keeper *k = state;
	const struct fb_network_event event = {.type = FB_EVENT_EDGE_UP};

	for (size_t i = 0; i < k->count; i++) {
		struct kept *kept = &k->kept[i];

		fb_packet_parse(&kept->pi.packet, kept->frame, kept->pi.packet.len);
		fb_app_redeliver(k->app, kept->sw, &kept->pi, now_ns);
	}
	k->count = 0;
	fb_app_tell(k->app, &event, now_ns);
}

static void keeper_network_event(void *state, const struct fb_network_event *event, uint64_t now_ns)
{
	(void)state;
	(void)event;
	(void)now_ns;
	CU_FAIL("an event is told to who tells it");
}

static const struct fb_option keeper_options[] = {
        {.name = "keeps", .type = FB_OPTION_BOOL, .default_text = "yes"},
};

static const struct fb_app_class keeper_class = {
        .name = "keeper",
        .options = keeper_options,
        .options_count = 1,
        .create = keeper_create,
        .destroy = free,
        .switch_up = keeper_switch_up,
        .packet_in = keeper_packet_in,
        .timer = keeper_timer,
        .network_event = keeper_network_event,
};

/* --- A stream of messages --- */

struct stream {
	uint8_t bytes[1 << 16];
	struct fb_buf buf;
	struct rng rng;
};

static void put_msg(struct stream *s, struct fb_msg *msg)
{
	bool ok;

	msg->version = OFP_VERSION;
	ok = fb_msg_encode(&s->buf, msg);
	assert(ok);
	(void)ok;
}

/* A frame: mostly some experimental type, at times discovery, at times too short for a header. */
static size_t draw_frame(struct stream *s, uint8_t frame[60])
{
	uint64_t src = rng_below(&s->rng, 1000), dst = rng_below(&s->rng, 1000),
	         kind = rng_below(&s->rng, 10);
	size_t len = fake_frame(frame, src, dst);

	if (kind == 0)
		fb_set16(frame + 12, FB_ETH_LLDP);
	return kind == 1 ? 9 : len - rng_below(&s->rng, 40);
}

static void put_packet_in(struct stream *s)
{
	struct fb_msg msg = {.type = OFPT_PACKET_IN};
	uint8_t frame[60];
	size_t len = draw_frame(s, frame);
	uint64_t buffer_id = rng_below(&s->rng, 64), port = rng_below(&s->rng, 4);

	msg.packet_in.buffer_id = buffer_id == 63 ? OFP_NO_BUFFER : (uint32_t)buffer_id;
	msg.packet_in.total_len = (uint16_t)len;
	msg.packet_in.in_port = (uint16_t)port;
	msg.packet_in.data = (struct fb_view){frame, len};
	put_msg(s, &msg);
}

static void put_other(struct stream *s)
{
	struct fb_msg msg = {0};
	uint64_t kind = rng_below(&s->rng, 10), value = rng_below(&s->rng, 8);

	msg.xid = (uint32_t)((value % 4) << 24 |
	                     (1 + value % 3)); /* of the controller, of an application, of nobody */
	switch (kind) {
	case 0:
		msg.type = OFPT_ECHO_REQUEST;
		break;
	case 1:
		msg.type = OFPT_FLOW_REMOVED;
		msg.flow_removed.cookie = value;
		break;
	case 2:
		msg.type = OFPT_PORT_STATUS;
		msg.port_status.reason = (uint8_t)(value % 3);
		msg.port_status.desc = fake_port((uint16_t)(1 + value));
		break;
	case 3:
		msg.type = OFPT_ERROR;
		msg.xid += value % 2 * 3; /* half of them leave the requests of switch_up alone */
		msg.error.type = OFPET_BAD_REQUEST;
		msg.error.code = OFPBRC_BAD_LEN;
		break;
	case 4:
		msg.type = OFPT_STATS_REPLY;
		msg.stats_reply.flags = value & OFPSF_REPLY_MORE;
		break;
	case 5:
		msg.type = OFPT_BARRIER_REPLY;
		break;
	case 6:
		msg.type = OFPT_VENDOR;
		break;
	case 7:
		msg.type = OFPT_BARRIER_REQUEST; /* not a switch's to send */
		break;
	case 8:
		msg.type = OFPT_HELLO; /* a second one */
		break;
	default:
		msg.type = OFPT_ECHO_REPLY;
		break;
	}
	put_msg(s, &msg);
	if (kind == 9)
		s->buf.data[s->buf.len - 7] = 77; /* a type that there is not */
}

static void draw_stream(struct stream *s, uint64_t seed, size_t messages)
{
	s->buf = fb_buf_make(s->bytes, sizeof s->bytes);
	rng_init(&s->rng, seed, "chain_test");
	for (size_t i = 0; i < messages; i++) {
		if (rng_below(&s->rng, 10) < 7)
			put_packet_in(s);
		else
			put_other(s);
	}
}

/* --- A run: two switches, a chain, the stream on the first switch cut as told --- */

enum { APPS_COUNT = 3 };

struct outcome {
	uint8_t *bytes[2]; /* sent to each switch */
	size_t len[2];
	char *seen[APPS_COUNT]; /* by each application */
	struct controller_counters counters;
};

/* A bench with a chain that has all that can go wrong: applications that stop different packet-ins,
 * one that wants discovery frames, two of the same class, messages to another switch. */
static struct bench *make_bench(unsigned apps_count)
{
	struct bench *b = bench_new();

	bench_add(b, &recorder_class, "stops=5");
	if (apps_count > 1)
		bench_add(b, &discoverer_class, "stops=7");
	if (apps_count > 2)
		bench_add(b, &recorder_class, "");
	return b;
}

static void feed_cut(struct fake_switch *sw, const struct stream *s, const size_t *cuts,
                     size_t cuts_count)
{
	size_t from = 0;

	for (size_t i = 0; i <= cuts_count; i++) {
		size_t to = i < cuts_count ? cuts[i] : s->buf.len;

		fake_switch_feed(sw, s->bytes + from, to - from);
		from = to;
	}
}

static void take_outcome(struct outcome *o, struct bench *b, unsigned apps_count)
{
	*o = (struct outcome){0};
	for (size_t i = 0; i < 2; i++) {
		o->bytes[i] = b->switches[i]->sent;
		o->len[i] = b->switches[i]->sent_len;
		b->switches[i]->sent = NULL;
		b->switches[i]->sent_len = b->switches[i]->sent_size = 0;
		CU_ASSERT_PTR_NOT_NULL(b->switches[i]->session);
	}
	for (size_t i = 0; i < apps_count; i++) {
		o->seen[i] = recorders[i]->text;
		recorders[i]->text = NULL;
		recorders[i]->len = recorders[i]->size = 0;
	}
	o->counters = *controller_counters(b->ctl);
	bench_free(b);
}

/* Run 's' with the chain of 'apps_count', cut at 'cuts'. */
static void run_cut(struct outcome *o, const struct stream *s, unsigned apps_count,
                    const size_t *cuts, size_t cuts_count)
{
	struct bench *b = make_bench(apps_count);
	struct fake_switch *sw = fake_switch_join(b, 1, 4);

	fake_switch_join(b, 2, 4);
	feed_cut(sw, s, cuts, cuts_count);
	take_outcome(o, b, apps_count);
}

/* The same in pieces of 'piece' bytes. */
static void run_pieces(struct outcome *o, const struct stream *s, unsigned apps_count, size_t piece)
{
	static size_t cuts[1 << 16];
	size_t count = 0;

	for (size_t at = piece; at < s->buf.len; at += piece)
		cuts[count++] = at;
	run_cut(o, s, apps_count, cuts, count);
}

static void free_outcome(struct outcome *o)
{
	for (size_t i = 0; i < 2; i++)
		free(o->bytes[i]);
	for (size_t i = 0; i < APPS_COUNT; i++)
		free(o->seen[i]);
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	for (size_t i = 0; i < 2; i++) {
		if (a->len[i] != b->len[i] || memcmp(a->bytes[i], b->bytes[i], a->len[i]) != 0)
			return false;
	}
	for (size_t i = 0; i < APPS_COUNT; i++) {
		if (!a->seen[i] != !b->seen[i] ||
		    (a->seen[i] && strcmp(a->seen[i], b->seen[i]) != 0))
			return false;
	}
	return memcmp(&a->counters, &b->counters, sizeof a->counters) == 0;
}

/* Cut 's' at every place in two; true when the outcome is always that of the whole. */
static bool cut_everywhere(const struct stream *s, unsigned apps_count)
{
	struct outcome whole, cut;
	bool same = true;

	run_cut(&whole, s, apps_count, NULL, 0);
	for (size_t at = 1; at < s->buf.len && same; at++) {
		run_cut(&cut, s, apps_count, &at, 1);
		same = same_outcome(&whole, &cut);
		free_outcome(&cut);
	}
	free_outcome(&whole);
	return same;
}

static bool cut_in_pieces(const struct stream *s, unsigned apps_count, size_t pieces_max)
{
	struct outcome whole, cut;
	bool same = true;

	run_cut(&whole, s, apps_count, NULL, 0);
	for (size_t piece = 1; piece <= pieces_max && same; piece++) {
		run_pieces(&cut, s, apps_count, piece);
		same = same_outcome(&whole, &cut);
		free_outcome(&cut);
	}
	free_outcome(&whole);
	return same;
}

/* --- Tests: cuts --- */

static struct stream stream;

static void a_cut_anywhere_in_two_changes_nothing(void)
{
	for (unsigned apps = 1; apps <= APPS_COUNT; apps++) {
		draw_stream(&stream, apps, 20);
		CU_ASSERT(cut_everywhere(&stream, apps));
	}
}

static void pieces_of_any_size_change_nothing(void)
{
	for (unsigned apps = 1; apps <= APPS_COUNT; apps++) {
		draw_stream(&stream, 10 + apps, 30);
		CU_ASSERT(cut_in_pieces(&stream, apps, 120));
	}
}

/* More packet-ins in a row than an array holds. */
static void a_long_run_of_packet_ins_is_cut_without_a_trace(void)
{
	struct outcome whole, cut;

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	rng_init(&stream.rng, 5, "chain_test");
	for (int i = 0; i < 500; i++)
		put_packet_in(&stream);
	run_cut(&whole, &stream, APPS_COUNT, NULL, 0);
	for (size_t piece = 50; piece < 20000; piece = piece * 3 / 2 + 1) {
		run_pieces(&cut, &stream, APPS_COUNT, piece);
		CU_ASSERT(same_outcome(&whole, &cut));
		free_outcome(&cut);
	}
	CU_ASSERT_EQUAL(whole.counters.packet_ins, 500);
	free_outcome(&whole);
}

/* A packet-in with 'buffer_id' appended to 's'. */
static void put_buffer(struct stream *s, uint32_t buffer_id)
{
	struct fb_msg msg = {.type = OFPT_PACKET_IN};
	uint8_t frame[60];
	size_t len = fake_frame(frame, 1, 2);

	msg.packet_in.buffer_id = buffer_id;
	msg.packet_in.total_len = (uint16_t)len;
	msg.packet_in.in_port = 1;
	msg.packet_in.data = (struct fb_view){frame, len};
	put_msg(s, &msg);
}

/* One in front, two that take steps, each with one behind that asks it. */
static struct bench *make_stepping_bench(void)
{
	struct bench *b = bench_new();

	bench_add(b, &recorder_class, "stops=11");
	bench_add(b, &stepper_class, "every=3");
	bench_add(b, &witness_class, "stops=7");
	bench_add(b, &stepper_class, "every=4");
	bench_add(b, &witness_class, "stops=5");
	return b;
}

/* What the recorder at 'place' has seen, taken from it. */
static char *take_seen(size_t place)
{
	char *text = recorders[place]->text;

	recorders[place]->text = NULL;
	recorders[place]->len = recorders[place]->size = 0;
	return text;
}

/* Those behind see an application as it is for the packet-in that they handle, whatever came with it;
 * those in front see each packet-in once; and what is sent is in order. */
static void what_comes_later_comes_in_step(void)
{
	static const size_t pieces[] = {78, 156, 7 * 78, 1 << 20}; /* of one packet-in, two, ... */
	static const size_t places[] = {0, 2, 4};
	char *seen[3] = {NULL};
	uint8_t *sent = NULL;
	size_t sent_len = 0;

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	for (uint32_t i = 1; i <= 300; i++)
		put_buffer(&stream, i * 7919 % 1000);
	CU_ASSERT_EQUAL_FATAL(stream.buf.len, 300 * pieces[0]);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct bench *b = make_stepping_bench();
		struct fake_switch *sw = fake_switch_join(b, 1, 4);

		for (size_t at = 0; at < stream.buf.len; at += pieces[i]) {
			size_t left = stream.buf.len - at;

			fake_switch_feed(sw, stream.bytes + at,
			                 left < pieces[i] ? left : pieces[i]);
		}
		for (size_t k = 0; k < 3; k++) {
			char *text = take_seen(places[k]);

			if (i > 0) {
				CU_ASSERT_STRING_EQUAL(text, seen[k]);
				free(text);
			} else {
				seen[k] = text;
			}
		}
		if (i > 0) {
			CU_ASSERT_EQUAL_FATAL(sw->sent_len, sent_len);
			CU_ASSERT_EQUAL(memcmp(sw->sent, sent, sent_len), 0);
		} else {
			sent = sw->sent;
			sent_len = sw->sent_len;
			sw->sent = NULL;
		}
		CU_ASSERT(controller_counters(b->ctl)->packet_ins_unhandled > 0);
		bench_free(b);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(seen[1], "step 50: "));
	for (size_t k = 0; k < 3; k++)
		free(seen[k]);
	free(sent);
}

/* That the runs above are worth something: each kind of event occurs in them. */
static void the_drawn_streams_contain_every_kind_of_event(void)
{
	static const char *const kinds[] = {
	        " packet-in ",   "flow-mod",     "packet-out",  "elsewhere",
	        "without cause", "flow-removed", "port-status", "own 1",
	        "own 0",         " stats ",      " barrier ",
	};
	struct outcome o;

	draw_stream(&stream, 8, 700);
	run_cut(&o, &stream, APPS_COUNT, NULL, 0);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		bool found = false;

		for (size_t app = 0; app < APPS_COUNT; app++)
			found |= strstr(o.seen[app], kinds[i]) != NULL;
		CU_ASSERT(found);
	}
	CU_ASSERT(strstr(o.seen[1], "type 88cc") != NULL);
	CU_ASSERT(o.counters.packet_ins_short > 0);
	CU_ASSERT(o.counters.packet_ins_unhandled > 0);
	CU_ASSERT(o.counters.lldp_ignored > 0);
	CU_ASSERT(o.counters.bad_messages > 0);
	CU_ASSERT(o.counters.replies_unknown > 0);
	free_outcome(&o);
}

/* --- Tests: order and verdicts --- */

/* For each packet-in first what the first application sent, then the second; a stopped one does not
 * reach the second. The recorders tell themselves apart by in_port. */
static void what_leaves_is_ordered_by_packet_in_and_then_by_application(void)
{
	/* Buffers 5, 8, 14: the first application sends a packet-out when its buffer id leaves 0 or
	 * 2 by 3, the second when its buffer id + 1 does; the first one stops 5. */
	static const struct {
		uint32_t buffer_id;
		uint16_t in_port;
	} expected[] = {{5, 0x100}, {8, 0x100}, {8, 0x101}, {14, 0x100}, {14, 0x101}};
	struct bench *b = make_bench(2);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 5);
	put_buffer(&stream, 8);
	put_buffer(&stream, 14);
	fake_switch_feed(sw, stream.bytes, stream.buf.len);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct fb_msg *msg;

		/* Flow-mods, and the controller's own packet-out for 8, which nobody stopped, are
		 * not looked at. */
		while ((msg = fake_switch_next(sw)) &&
		       (msg->type == OFPT_FLOW_MOD || msg->packet_out.in_port == 1))
			continue;
		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		CU_ASSERT_EQUAL(msg->type, OFPT_PACKET_OUT);
		CU_ASSERT_EQUAL(msg->packet_out.buffer_id, expected[i].buffer_id);
		CU_ASSERT_EQUAL(msg->packet_out.in_port, expected[i].in_port);
	}
	CU_ASSERT_EQUAL(sw->sends, 1);
	CU_ASSERT(strstr(recorders[1]->text, "buffer 5 ") == NULL);
	CU_ASSERT(strstr(recorders[1]->text, "buffer 8 ") != NULL);
	bench_free(b);
}

/* A message without cause belongs to the latest packet-in answered, at first to the first one that
 * the application saw. */
static void what_has_no_cause_follows_the_packet_in_at_hand(void)
{
	/* The first application stops 5, the second one stops the other. */
	static const struct {
		uint8_t type;
		uint8_t sender;
	} expected[] = {
	        {OFPT_PACKET_OUT, 1},      {OFPT_BARRIER_REQUEST, 1}, {OFPT_PACKET_OUT, 1},
	        {OFPT_BARRIER_REQUEST, 2}, {OFPT_FLOW_MOD, 2},        {OFPT_PACKET_OUT, 2},
	};
	struct bench *b = make_bench(2);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 5);
	put_buffer(&stream, TALKS_FIRST);
	fake_switch_feed(sw, stream.bytes, stream.buf.len);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct fb_msg *msg = fake_switch_next(sw);

		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		CU_ASSERT_EQUAL(msg->type, expected[i].type);
		CU_ASSERT_EQUAL(msg->xid >> 24, expected[i].sender);
	}
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

/* What no application stopped is dropped by the controller, in its place, under the controller's
 * own xid. */
static void a_packet_in_that_nobody_stops_has_its_buffer_released(void)
{
	static const uint32_t expected[] = {4, 6, 7};
	struct bench *b = bench_new();
	struct fake_switch *sw;

	bench_add(b, &recorder_class, "stops=8,silent=yes");
	sw = fake_switch_join(b, 1, 2);
	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 4);
	put_buffer(&stream, 8);
	put_buffer(&stream, 6);
	put_buffer(&stream, OFP_NO_BUFFER);
	put_buffer(&stream, 7);
	fake_switch_feed(sw, stream.bytes, stream.buf.len);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);

		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		CU_ASSERT_EQUAL(msg->packet_out.buffer_id, expected[i]);
		CU_ASSERT(fake_goes_nowhere(&msg->packet_out));
		CU_ASSERT_EQUAL(msg->xid >> 24, 0);
	}
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins_unhandled, 4);
	bench_free(b);
}

static void without_applications_every_buffer_is_released(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	uint8_t frame[60];
	size_t len = fake_frame(frame, 1, 2);

	fake_switch_packet_in(sw, 0, 1, frame, len);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_PACKET_OUT));
	fake_switch_packet_in(sw, OFP_NO_BUFFER, 1, frame, len);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

/* Discovery frames reach only those that ask for them; a frame without a header reaches nobody. */
static void discovery_frames_reach_only_those_that_want_them(void)
{
	struct bench *b = make_bench(3);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	uint8_t frame[60];
	size_t len = fake_frame(frame, 1, 2);

	fb_set16(frame + 12, FB_ETH_LLDP);
	fake_switch_packet_in(sw, 2, 1, frame, len);
	CU_ASSERT_PTR_NULL(strstr(recorders[0]->text, "packet-in"));
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[1]->text, "type 88cc"));
	CU_ASSERT_PTR_NULL(strstr(recorders[2]->text, "packet-in"));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->lldp_ignored, 1);
	fake_switch_packet_in(sw, 7, 1, frame, len); /* this one is stopped */
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->lldp_ignored, 1);
	fake_switch_discard(sw);
	fake_switch_packet_in(sw, 3, 1, frame, 13);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_PACKET_OUT));
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins_short, 1);
	CU_ASSERT_PTR_NULL(strstr(recorders[1]->text, "buffer 3"));
	bench_free(b);
}

static void a_discovery_frame_that_nobody_wants_is_dropped_and_counted(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	const struct fb_msg *msg;
	uint8_t frame[60];
	size_t len = fake_frame(frame, 1, 2);

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 2);
	fb_set16(frame + 12, FB_ETH_LLDP);
	fake_switch_packet_in(sw, 9, 1, frame, len);
	msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->packet_out.buffer_id, 9);
	CU_ASSERT(fake_goes_nowhere(&msg->packet_out));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->lldp_ignored, 1);
	bench_free(b);
}

static void a_stopped_event_does_not_reach_the_next_application(void)
{
	struct bench *b = make_bench(2);
	struct fake_switch *sw = fake_switch_join(b, 1, 9);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	msg.flow_removed.cookie = 10;
	fake_switch_send(sw, &msg);
	msg.flow_removed.cookie = 11;
	fake_switch_send(sw, &msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "flow-removed a"));
	CU_ASSERT_PTR_NULL(strstr(recorders[1]->text, "flow-removed a"));
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[1]->text, "flow-removed b"));
	fake_switch_set_link(sw, 5, false);
	fake_switch_set_link(sw, 6, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "of 5,"));
	CU_ASSERT_PTR_NULL(strstr(recorders[1]->text, "of 5,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[1]->text, "of 6,"));
	bench_free(b);
}

/* --- Tests: replies, errors, xids --- */

static void send_reply(struct fake_switch *sw, uint8_t type, uint32_t xid, uint16_t stats_flags)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = type, .xid = xid};

	if (type == OFPT_STATS_REPLY)
		msg.stats_reply.flags = stats_flags;
	fake_switch_send(sw, &msg);
}

static void send_other_stats(struct fake_switch *sw, uint32_t xid)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = xid};

	msg.stats_reply.type = OFPST_AGGREGATE;
	fake_switch_send(sw, &msg);
}

/* At switch_up each recorder asks for statistics and then for a barrier. */
static void a_reply_reaches_the_application_that_asked_and_no_other(void)
{
	struct bench *b = make_bench(2);
	struct fake_switch *sw = fake_switch_join_keeping(b, 1, 2, true);
	uint32_t stats[2], barrier[2];

	for (int i = 0; i < 2; i++) {
		const struct fb_msg *msg = fake_switch_expect(sw, OFPT_STATS_REQUEST);

		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		stats[i] = msg->xid;
		msg = fake_switch_expect(sw, OFPT_BARRIER_REQUEST);
		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		barrier[i] = msg->xid;
	}
	send_reply(sw, OFPT_STATS_REPLY, stats[1], OFPSF_REPLY_MORE);
	send_reply(sw, OFPT_STATS_REPLY, stats[1], 0);
	CU_ASSERT_PTR_NULL(strstr(recorders[0]->text, "stats"));
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(recorders[1]->text, "stats 2000001 flags 1\n1 stats 2000001 flags 0"));
	send_reply(sw, OFPT_BARRIER_REPLY, barrier[0], 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "barrier 1000002"));
	CU_ASSERT_PTR_NULL(strstr(recorders[1]->text, "barrier"));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 0);
	bench_free(b);
}

/* A second reply, one of another kind, one that nobody asked for. */
static void a_reply_that_nobody_awaits_is_dropped_and_counted(void)
{
	struct bench *b = make_bench(1);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	size_t len = recorders[0]->len;

	send_other_stats(sw, 0x01000001); /* a description was asked for */
	CU_ASSERT_EQUAL(recorders[0]->len, len);
	send_reply(sw, OFPT_STATS_REPLY, 0x01000001, 0);
	len = recorders[0]->len;
	send_reply(sw, OFPT_STATS_REPLY, 0x01000001, 0);
	send_reply(sw, OFPT_STATS_REPLY, 0x01000002, 0); /* that is the barrier */
	send_reply(sw, OFPT_BARRIER_REPLY, 0x01000003, 0);
	send_reply(sw, OFPT_BARRIER_REPLY, 0x02000001, 0);
	send_reply(sw, OFPT_BARRIER_REPLY, 0, 0);
	CU_ASSERT_EQUAL(recorders[0]->len, len);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 6);
	bench_free(b);
}

static void requests_without_reply_are_bounded(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;

	bench_add(b, &recorder_class, "");
	sw = fake_switch_join(b, 1, 2);
	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 12); /* asks for a barrier */
	for (int i = 0; i < 5000; i++)
		fake_switch_feed(sw, stream.bytes, stream.buf.len);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->requests_forgotten, 5002 - 4096);
	send_reply(sw, OFPT_BARRIER_REPLY, 0x01000002, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 1);
	bench_free(b);
}

static void an_error_is_own_for_the_sender_and_foreign_for_the_others(void)
{
	struct bench *b = make_bench(2);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = 0x02000001};
	static const uint8_t cause[8] = {1, OFPT_STATS_REQUEST, 0, 8, 2, 0, 0, 1};

	msg.error.type = OFPET_BAD_REQUEST;
	msg.error.code = OFPBRC_BAD_STAT;
	msg.error.data = (struct fb_view){cause, sizeof cause};
	fake_switch_send(sw, &msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "error 1/2 xid 2000001 own 0 data 8"));
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[1]->text, "error 1/2 xid 2000001 own 1 data 8"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "OFPBRC_BAD_STAT"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "STATS_REQUEST"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "of discoverer"));
	/* The failed request is not awaited any more. */
	send_reply(sw, OFPT_STATS_REPLY, 0x02000001, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 1);
	/* An xid that was not given out yet belongs to nobody. */
	msg.xid = 0x02000009;
	fake_switch_send(sw, &msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[1]->text, "xid 2000009 own 0"));
	bench_free(b);
}

/* --- Tests: switches, ports, timers --- */

static void ports_are_known_before_port_status_is_told(void)
{
	struct bench *b = make_bench(1);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	struct fb_phy_port port = fake_port(9);

	fake_switch_port_status(sw, OFPPR_ADD, &port);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(recorders[0]->text, "port-status 0 of 9, known 1 state 0, now 3 ports"));
	fake_switch_set_link(sw, 9, false);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(recorders[0]->text, "port-status 2 of 9, known 1 state 1, now 3 ports"));
	fake_switch_port_status(sw, OFPPR_DELETE, &port);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(recorders[0]->text, "port-status 1 of 9, known 0 state 0, now 2 ports"));
	bench_free(b);
}

static void nothing_is_sent_to_a_switch_that_goes_down(void)
{
	struct bench *b = make_bench(1);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	fake_switch_leave(sw);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "down 1 sent 0"));
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 0);
	bench_free(b);
}

static void a_timer_fires_once_and_at_its_time(void)
{
	struct bench *b = make_bench(2);

	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	fb_app_set_timer(recorders[1]->app, 5 * FB_NS_PER_S);
	fb_app_set_timer(recorders[0]->app, 9 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), 5 * FB_NS_PER_S);
	bench_pass(b, 4 * FB_NS_PER_S - 1);
	CU_ASSERT_STRING_EQUAL(recorders[1]->text, "create\n");
	bench_pass(b, 1);
	CU_ASSERT_STRING_EQUAL(recorders[1]->text, "create\ntimer 5000000000\n");
	CU_ASSERT_STRING_EQUAL(recorders[0]->text, "create\n");
	fb_app_set_timer(recorders[0]->app, FB_NEVER);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	bench_free(b);
}

/* --- How far frames are parsed --- */

static bool saw_ipv4[2]; /* by place in the chain */

static void *looker_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	return app;
}

static void looker_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                             size_t count, uint64_t now_ns)
{
	(void)sw;
	(void)count;
	(void)now_ns;
	CU_ASSERT_EQUAL(packet_ins[0].packet.dl_type, FB_ETH_IPV4);
	saw_ipv4[fb_app_index(state)] = packet_ins[0].packet.is_ipv4;
}

static const struct fb_app_class looker_class = {
        .name = "looker", .create = looker_create, .packet_in = looker_packet_in};
static const struct fb_app_class ethernet_looker_class = {.name = "ethernet_looker",
                                                          .ethernet_only = true,
                                                          .create = looker_create,
                                                          .packet_in = looker_packet_in};

/* Hand an IPv4 packet to a chain of 'first' and 'second' (NULL: none). */
static void show_ipv4(const struct fb_app_class *first, const struct fb_app_class *second)
{
	struct bench *b = bench_new();
	uint8_t frame[60] = {0};

	bench_add(b, first, "");
	if (second)
		bench_add(b, second, "");
	fb_set16(frame + 12, FB_ETH_IPV4);
	frame[14] = 0x45;
	fb_set16(frame + 16, 40);
	fake_switch_packet_in(fake_switch_join(b, 1, 2), 1, 1, frame, sizeof frame);
	bench_free(b);
}

static void frames_are_parsed_as_far_as_one_of_the_chain_looks(void)
{
	show_ipv4(&ethernet_looker_class, NULL);
	CU_ASSERT_FALSE(saw_ipv4[0]);
	show_ipv4(&looker_class, NULL);
	CU_ASSERT_TRUE(saw_ipv4[0]);
	show_ipv4(&ethernet_looker_class, &looker_class);
	CU_ASSERT_TRUE(saw_ipv4[1]);
	show_ipv4(&looker_class, &ethernet_looker_class);
	CU_ASSERT_TRUE(saw_ipv4[0]);
	show_ipv4(&ethernet_looker_class, &ethernet_looker_class);
	CU_ASSERT_FALSE(saw_ipv4[1]);
}

/* --- Tests: applications that others need --- */

static void the_nearest_before_of_a_class_is_found(void)
{
	struct bench *b = bench_new();

	bench_add(b, &keeper_class, "keeps=no");
	bench_add(b, &recorder_class, "silent=yes");
	bench_add(b, &discoverer_class, "silent=yes");
	bench_add(b, &keeper_class, "keeps=no");
	bench_add(b, &recorder_class, "silent=yes");
	bench_add(b, &keeper_class, "keeps=no");
	bench_add(b, &recorder_class, "silent=yes");
	fake_switch_join(b, 1, 1);
	CU_ASSERT_PTR_NULL(keepers[0]->before_in_create);
	CU_ASSERT_PTR_NULL(keepers[0]->before_later);
	CU_ASSERT_PTR_EQUAL(keepers[3]->before_in_create, recorders[1]);
	CU_ASSERT_PTR_EQUAL(keepers[3]->before_later, recorders[1]);
	CU_ASSERT_PTR_EQUAL(keepers[5]->before_in_create, recorders[4]);
	CU_ASSERT_PTR_EQUAL(keepers[5]->before_later, recorders[4]);
	CU_ASSERT_PTR_NULL(fb_app_before(keepers[0]->app, &keeper_class));
	CU_ASSERT_PTR_EQUAL(fb_app_before(keepers[5]->app, &keeper_class), keepers[3]);
	bench_free(b);
}

/* Not those in front of it, not itself, not those who do not care. */
static void an_event_is_told_to_all_behind_in_their_order(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	char expected[64];

	bench_add(b, &recorder_class, "silent=yes");
	bench_add(b, &keeper_class, "");
	bench_add(b, &recorder_class, "silent=yes");
	bench_add(b, &fb_app_learning, "");
	bench_add(b, &recorder_class, "silent=yes");
	sw = fake_switch_join(b, 1, 1);
	tellings = 0;
	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 8);
	fake_switch_feed(sw, stream.bytes, stream.buf.len);
	bench_pass(b, KEEPER_WAIT_NS);
	CU_ASSERT_EQUAL(tellings, 2);
	CU_ASSERT_PTR_NULL(strstr(recorders[0]->text, "event"));
	snprintf(expected, sizeof expected, "event %d as number 1 at %" PRIu64 "\n",
	         (int)FB_EVENT_EDGE_UP, b->now_ns);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[2]->text, expected));
	snprintf(expected, sizeof expected, "event %d as number 2 at %" PRIu64 "\n",
	         (int)FB_EVENT_EDGE_UP, b->now_ns);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[4]->text, expected));
	bench_free(b);
}

/* Packet-ins that an application keeps for a while lead to the same bytes, in the same order, as those
 * that it lets pass, on both switches; and those in front of it see them once. */
static void what_was_kept_leads_to_the_same_as_what_was_not(void)
{
	uint8_t *bytes[2][2];
	size_t len[2][2];

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	rng_init(&stream.rng, 11, "chain_test");
	for (int i = 0; i < 500; i++)
		put_packet_in(&stream);
	for (int keeps = 0; keeps < 2; keeps++) {
		struct bench *b = bench_new();
		struct fake_switch *sw;

		bench_add(b, &recorder_class, "silent=yes");
		bench_add(b, &keeper_class, keeps ? "" : "keeps=no");
		bench_add(b, &recorder_class, "stops=5");
		bench_add(b, &recorder_class, "stops=7");
		sw = fake_switch_join(b, 1, 4);
		fake_switch_join(b, 2, 4);
		fake_switch_feed(sw, stream.bytes, stream.buf.len);
		CU_ASSERT_EQUAL(keepers[1]->count > 300, keeps);
		bench_pass(b, KEEPER_WAIT_NS);
		for (size_t i = 0; i < 2; i++) {
			bytes[keeps][i] = b->switches[i]->sent;
			len[keeps][i] = b->switches[i]->sent_len;
			b->switches[i]->sent = NULL;
		}
		CU_ASSERT(controller_counters(b->ctl)->packet_ins_unhandled > 0);
		CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins, 500);
		bench_free(b);
	}
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT(len[0][i] > 1000);
		CU_ASSERT_EQUAL_FATAL(len[0][i], len[1][i]);
	}
	/* The second switch gets only what packet-ins led to; on the first, frames that reach nobody are
	 * released at once. */
	CU_ASSERT_EQUAL(memcmp(bytes[0][1], bytes[1][1], len[0][1]), 0);
	for (size_t i = 0; i < 4; i++)
		free(bytes[i / 2][i % 2]);
}

/* The same on one switch, where nothing but what is kept comes: all bytes are the same. */
static void what_was_kept_is_answered_in_its_order(void)
{
	uint8_t *bytes[2];
	size_t len[2];

	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	for (uint32_t i = 1; i < 200; i++)
		put_buffer(&stream, i);
	for (int keeps = 0; keeps < 2; keeps++) {
		struct bench *b = bench_new();
		struct fake_switch *sw;

		bench_add(b, &keeper_class, keeps ? "" : "keeps=no");
		bench_add(b, &recorder_class, "stops=5");
		bench_add(b, &recorder_class, "stops=7");
		sw = fake_switch_join(b, 1, 4);
		for (int round = 0; round < 2; round++) {
			size_t len_before = sw->sent_len;

			fake_switch_feed(sw, stream.bytes, stream.buf.len);
			CU_ASSERT_EQUAL(sw->sent_len == len_before, keepers[0]->keeps);
			bench_pass(b, KEEPER_WAIT_NS);
			keepers[0]->keeps = false;
		}
		bytes[keeps] = sw->sent;
		len[keeps] = sw->sent_len;
		sw->sent = NULL;
		bench_free(b);
	}
	CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
	CU_ASSERT_EQUAL(memcmp(bytes[0], bytes[1], len[0]), 0);
	free(bytes[0]);
	free(bytes[1]);
}

static void what_was_kept_reaches_those_behind_alone(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	char expected[128];

	bench_add(b, &recorder_class, "silent=yes");
	bench_add(b, &keeper_class, "");
	bench_add(b, &recorder_class, "silent=yes");
	sw = fake_switch_join(b, 1, 1);
	stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
	put_buffer(&stream, 8);
	fake_switch_feed(sw, stream.bytes, stream.buf.len);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[0]->text, "packet-in 0 buffer 8"));
	CU_ASSERT_PTR_NULL(strstr(recorders[2]->text, "packet-in"));
	CU_ASSERT_EQUAL(sw->sent_len, 0);
	recorders[0]->len = 0;
	note(recorders[0], "-");
	bench_pass(b, KEEPER_WAIT_NS);
	CU_ASSERT_STRING_EQUAL(recorders[0]->text, "-");
	snprintf(expected, sizeof expected,
	         "1 packet-in 0 buffer 8 port 1 len 60/60 type 88b5 at %" PRIu64 "\n", b->now_ns);
	CU_ASSERT_PTR_NOT_NULL(strstr(recorders[2]->text, expected));
	bench_free(b);
}

/* By those behind, or by the controller. */
static void the_buffer_of_what_was_kept_is_released(void)
{
	for (int stops = 0; stops < 2; stops++) {
		struct bench *b = bench_new();
		const struct fb_msg *msg;
		struct fake_switch *sw;

		bench_add(b, &keeper_class, "");
		bench_add(b, &recorder_class, stops ? "silent=yes,stops=8" : "silent=yes");
		sw = fake_switch_join(b, 1, 1);
		stream.buf = fb_buf_make(stream.bytes, sizeof stream.bytes);
		put_buffer(&stream, 8);
		put_buffer(&stream, OFP_NO_BUFFER);
		fake_switch_feed(sw, stream.bytes, stream.buf.len);
		bench_pass(b, KEEPER_WAIT_NS);
		CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins_unhandled, stops ? 1 : 2);
		msg = fake_switch_next(sw);
		CU_ASSERT_EQUAL(msg != NULL, !stops);
		if (msg) {
			CU_ASSERT_EQUAL(msg->type, OFPT_PACKET_OUT);
			CU_ASSERT_EQUAL(msg->packet_out.buffer_id, 8);
			CU_ASSERT(fake_goes_nowhere(&msg->packet_out));
		}
		CU_ASSERT_PTR_NULL(fake_switch_next(sw));
		bench_free(b);
	}
}

UNIT_TESTS("chain", UNIT_TEST(a_cut_anywhere_in_two_changes_nothing),
           UNIT_TEST(pieces_of_any_size_change_nothing),
           UNIT_TEST(a_long_run_of_packet_ins_is_cut_without_a_trace),
           UNIT_TEST(what_comes_later_comes_in_step),
           UNIT_TEST(the_drawn_streams_contain_every_kind_of_event),
           UNIT_TEST(what_leaves_is_ordered_by_packet_in_and_then_by_application),
           UNIT_TEST(what_has_no_cause_follows_the_packet_in_at_hand),
           UNIT_TEST(a_packet_in_that_nobody_stops_has_its_buffer_released),
           UNIT_TEST(without_applications_every_buffer_is_released),
           UNIT_TEST(discovery_frames_reach_only_those_that_want_them),
           UNIT_TEST(a_discovery_frame_that_nobody_wants_is_dropped_and_counted),
           UNIT_TEST(a_stopped_event_does_not_reach_the_next_application),
           UNIT_TEST(a_reply_reaches_the_application_that_asked_and_no_other),
           UNIT_TEST(a_reply_that_nobody_awaits_is_dropped_and_counted),
           UNIT_TEST(requests_without_reply_are_bounded),
           UNIT_TEST(an_error_is_own_for_the_sender_and_foreign_for_the_others),
           UNIT_TEST(ports_are_known_before_port_status_is_told),
           UNIT_TEST(nothing_is_sent_to_a_switch_that_goes_down),
           UNIT_TEST(a_timer_fires_once_and_at_its_time),
           UNIT_TEST(frames_are_parsed_as_far_as_one_of_the_chain_looks),
           UNIT_TEST(the_nearest_before_of_a_class_is_found),
           UNIT_TEST(an_event_is_told_to_all_behind_in_their_order),
           UNIT_TEST(what_was_kept_leads_to_the_same_as_what_was_not),
           UNIT_TEST(what_was_kept_is_answered_in_its_order),
           UNIT_TEST(what_was_kept_reaches_those_behind_alone),
           UNIT_TEST(the_buffer_of_what_was_kept_is_released))
