/* Flowbed's switch as the differential test runs it: its agent and datapath in this process, one
 * controller, time that stands still but for the program's steps. A new switch for each program. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "softswitch/agent.h"
#include "tests/live/ovs_differential_known.h"

struct ours {
	struct frame_pool *pool;
	struct agent *agent;
	struct outcome *outcome;
	const struct program *program;
	unsigned step;
	struct framer framer; /* of what the agent sends */
};

static void take_message(struct ours *ours, const uint8_t *msg, size_t len)
{
	const struct step *step = &ours->program->steps[ours->step];
	const struct datapath_counters *counters = datapath_counters(agent_datapath(ours->agent));
	uint8_t *copy = xmalloc(len);

	memcpy(copy, msg, len);
	known_message_from_ours(counters->fragments_dropped, copy, len);
	outcome_add_message(ours->outcome, ours->step, step->kind == STEP_MESSAGE ? step : NULL,
	                    copy, len);
	free(copy);
}

static void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct ours *ours = conn;
	const uint8_t *msg;
	size_t msg_len;

	framer_push(&ours->framer, bytes, len);
	while (framer_next(&ours->framer, &msg, &msg_len) == FRAMER_MESSAGE)
		take_message(ours, msg, msg_len);
	framer_finish(&ours->framer);
}

static void on_close(void *conn, const char *reason)
{
	(void)conn;
	if (strcmp(reason, "the switch ends") != 0)
		die("our switch closed the connection: %s", reason);
}

static enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                    struct frame *frame)
{
	struct ours *ours = ctx;

	(void)queue_id;
	outcome_add(ours->outcome, ours->step, port_no, frame_data(frame), frame->len);
	return DATAPATH_SENT;
}

struct ours *ours_new(void)
{
	struct ours *ours = xcalloc(1, sizeof *ours);

	ours->pool = frame_pool_new();
	return ours;
}

void ours_free(struct ours *ours)
{
	frame_pool_free(ours->pool);
	free(ours);
}

static void agent_start(struct ours *ours)
{
	struct agent_ops ops = {
	        .send = on_send, .close = on_close, .output = on_output, .ctx = ours};
	struct agent_config config;

	agent_config_default(&config);
	config.datapath.buffers_max = 0;
	config.echo_idle_ns = 0;
	ours->agent = agent_new(&config, &ops, ours->pool);
	for (unsigned place = 0; place < PLACES_COUNT; place++) {
		struct fb_phy_port port = {.port_no = port_of_place(place),
		                           .hw_addr = {2, 0, 0, 0, 0xff, (uint8_t)place}};

		agent_add_port(ours->agent, &port, 0);
	}
}

/* A controller that has said HELLO and wants its packet-ins whole. */
static struct agent_conn *connect_controller(struct ours *ours)
{
	struct fb_msg config = {.type = OFPT_SET_CONFIG, .config.miss_send_len = 0xffff};
	struct agent_conn *conn = agent_connect(ours->agent, ours, "test", AGENT_CONTROLLER, 0);
	uint8_t bytes[64];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	fb_msg_put_header_only(&buf, OFPT_HELLO, 0);
	fb_msg_encode(&buf, &config);
	agent_receive(conn, bytes, buf.len, 0);
	return conn;
}

void ours_run(struct ours *ours, const struct program *program, struct outcome *outcome)
{
	struct agent_conn *conn;
	uint64_t now_ns = 0;

	outcome_clear(outcome);
	ours->program = program;
	ours->outcome = outcome;
	ours->step = 0;
	framer_init(&ours->framer);
	agent_start(ours);
	conn = connect_controller(ours);
	outcome_clear(outcome);
	for (ours->step = 0; ours->step < program->count; ours->step++) {
		const struct step *step = &program->steps[ours->step];

		if (step->skip)
			continue;
		switch (step->kind) {
		case STEP_FRAME:
			agent_frame(ours->agent, step->port,
			            frame_copy_of(ours->pool, step->bytes, step->len), now_ns);
			break;
		case STEP_MESSAGE:
			agent_receive(conn, step->bytes, step->len, now_ns);
			break;
		case STEP_WARP:
			now_ns += step->warp_ms * FB_NS_PER_MS;
			agent_run(ours->agent, now_ns);
			break;
		}
	}
	agent_free(ours->agent);
	framer_destroy(&ours->framer);
}
