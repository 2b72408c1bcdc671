/* Two hosts and a link on a clock: the smallest network, for tests of hosts and links.
 *
 * Host 0 is 192.168.2.1 (02:00:00:00:00:01), host 1 is 192.168.2.2 (...:02). Only this header
 * drives them: frames of a host go onto the link, frames from the link go to the host, and an event
 * of the clock follows each host's deadline. Time passes in two_hosts_run(). What goes over the
 * link can be told to a test by 'seen', and dropped by 'filter'. */
#ifndef UNIT_SIM_TWO_HOSTS_H
#define UNIT_SIM_TWO_HOSTS_H

#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>

#include "lib/base/frame.h"
#include "sim/clock.h"
#include "sim/host.h"
#include "sim/link.h"
#include "tests/unit/harness.h"

#define IP_1   UINT32_C(0xc0a80201)
#define IP_2   UINT32_C(0xc0a80202)
#define MS     FB_NS_PER_MS
#define SECOND FB_NS_PER_S

struct two_hosts {
	struct clock clock;
	struct frame_pool *pool;
	struct link *link;
	struct host *host[2];
	struct event event[2]; /* of the hosts' deadlines */
	struct link_counters carried[2];
	/* Told of each frame that is sent; false drops it before the link. May be NULL. */
	bool (*filter)(void *ctx, unsigned end, const struct fb_packet *packet);
	void *filter_ctx;
	uint64_t frames[2]; /* sent by each host */
	uint64_t quiet_ns;  /* when two_hosts_settle() found the network quiet */
};

/* The owner of the event 'event[end]'. */
static inline void two_hosts_follow(struct two_hosts *t, unsigned end)
{
	uint64_t deadline = host_deadline(t->host[end]);

	if (!heap_contains(&t->event[end].node) || t->event[end].node.key != deadline)
		clock_set(&t->clock, &t->event[end], deadline);
}

static inline void two_hosts_fire(struct two_hosts *t, unsigned end)
{
	host_run(t->host[end], t->clock.now_ns);
	two_hosts_follow(t, end);
}

static inline void two_hosts_fire_0(struct event *event)
{
	two_hosts_fire(
	        (struct two_hosts *)(void *)((char *)event - offsetof(struct two_hosts, event[0])),
	        0);
}

static inline void two_hosts_fire_1(struct event *event)
{
	two_hosts_fire(
	        (struct two_hosts *)(void *)((char *)event - offsetof(struct two_hosts, event[1])),
	        1);
}

static inline void two_hosts_transmit(struct two_hosts *t, unsigned end, struct frame *frame)
{
	struct fb_packet packet;

	t->frames[end]++;
	fb_packet_parse(&packet, frame_data(frame), frame->len);
	if (t->filter && !t->filter(t->filter_ctx, end, &packet))
		frame_unref(frame);
	else
		link_send(t->link, end, frame);
}

static inline void two_hosts_transmit_0(void *ctx, struct frame *frame)
{
	two_hosts_transmit(ctx, 0, frame);
}

static inline void two_hosts_transmit_1(void *ctx, struct frame *frame)
{
	two_hosts_transmit(ctx, 1, frame);
}

static inline void two_hosts_deliver(void *ctx, unsigned end, struct frame *frame)
{
	struct two_hosts *t = ctx;

	host_receive(t->host[end], frame, t->clock.now_ns);
	two_hosts_follow(t, end);
}

static inline void two_hosts_state(void *ctx, unsigned end, bool up)
{
	struct two_hosts *t = ctx;

	host_set_link(t->host[end], up, t->clock.now_ns);
	two_hosts_follow(t, end);
}

/* The defaults of host 'end'. */
static inline struct host_config two_hosts_config(unsigned end)
{
	struct host_config config;

	host_config_default(&config);
	config.name = end ? "h2" : "h1";
	config.mac[0] = 2;
	config.mac[5] = (uint8_t)(end + 1);
	config.ip = end ? IP_2 : IP_1;
	config.seed = 1;
	return config;
}

static inline void two_hosts_start(struct two_hosts *t, const struct link_config *link,
                                   const struct host_config config[2], uint64_t seed)
{
	struct link_ops link_ops = {
	        .deliver = two_hosts_deliver, .state = two_hosts_state, .ctx = t};
	struct host_ops ops[2] = {{two_hosts_transmit_0, t}, {two_hosts_transmit_1, t}};

	*t = (struct two_hosts){.pool = frame_pool_new()};
	clock_init(&t->clock, 1000);
	t->link = link_new(&t->clock, link, &link_ops, seed, "h1 -- h2");
	t->event[0].fire = two_hosts_fire_0;
	t->event[1].fire = two_hosts_fire_1;
	for (unsigned end = 0; end < 2; end++)
		t->host[end] = host_new(&config[end], &ops[end], t->pool);
}

/* Both hosts and the link as by default. */
static inline void two_hosts_start_plain(struct two_hosts *t)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	struct link_config link;

	link_config_default(&link);
	two_hosts_start(t, &link, config, 1);
}

/* Frees everything; no frame may be left. */
static inline void two_hosts_stop(struct two_hosts *t)
{
	for (unsigned end = 0; end < 2; end++) {
		host_free(t->host[end]);
		clock_cancel(&t->clock, &t->event[end]);
	}
	link_free(t->link);
	CU_ASSERT_EQUAL(frame_pool_in_use(t->pool), 0);
	CU_ASSERT_FALSE(t->clock.overflow);
	frame_pool_free(t->pool);
	clock_destroy(&t->clock);
}

/* Let time pass until 'time_ns'. */
static inline void two_hosts_run_until(struct two_hosts *t, uint64_t time_ns)
{
	two_hosts_follow(t, 0);
	two_hosts_follow(t, 1);
	while (clock_next(&t->clock) <= time_ns)
		clock_step(&t->clock);
	clock_advance(&t->clock, time_ns);
}

static inline void two_hosts_run(struct two_hosts *t, uint64_t for_ns)
{
	two_hosts_run_until(t, t->clock.now_ns + for_ns);
}

/* Let time pass until nothing is pending, or 'limit_ns' is over; false then. */
static inline bool two_hosts_settle(struct two_hosts *t, uint64_t limit_ns)
{
	uint64_t end_ns = t->clock.now_ns + limit_ns;

	two_hosts_follow(t, 0);
	two_hosts_follow(t, 1);
	while (host_pending(t->host[0]) || host_pending(t->host[1]) || link_in_flight(t->link)) {
		if (clock_next(&t->clock) > end_ns)
			return false;
		clock_step(&t->clock);
	}
	t->quiet_ns = t->clock.now_ns;
	return true;
}

/* What a request came to. */
struct outcome {
	unsigned done;             /* calls of done() */
	struct host_result result; /* of the last; 'reply' is NULL */
	char reply[4097];          /* terminated */
};

static inline void outcome_done(void *ctx, const struct host_result *result)
{
	struct outcome *outcome = ctx;

	outcome->done++;
	outcome->result = *result;
	outcome->result.reply = NULL;
	if (result->reply_len)
		memcpy(outcome->reply, result->reply, result->reply_len);
	outcome->reply[result->reply_len] = '\0';
}

/* A request from host 0 to port 'port' of host 1. */
static inline struct host_tcp_request tcp_to(uint16_t port, const char *text,
                                             enum host_service expect)
{
	return (struct host_tcp_request){.ip = IP_2,
	                                 .port = port,
	                                 .send = (const uint8_t *)text,
	                                 .send_bytes = strlen(text),
	                                 .expect_service = expect};
}

static inline struct host_tcp_request tcp_pattern(uint16_t port, uint64_t bytes,
                                                  enum host_service expect)
{
	return (struct host_tcp_request){
	        .ip = IP_2, .port = port, .send_bytes = bytes, .expect_service = expect};
}

static inline void two_hosts_tcp(struct two_hosts *t, const struct host_tcp_request *request,
                                 struct outcome *outcome)
{
	memset(outcome, 0, sizeof *outcome);
	host_tcp(t->host[0], request, t->clock.now_ns, outcome_done, outcome);
}

#endif
