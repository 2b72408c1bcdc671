/* What simulated hosts and links cost: 100 MB from one host to another, a frame at a time.
 *
 * The path is host, link, switch, link, host. The switch is in turn a piece of wire (what comes in
 * at one port goes out at the other) and a datapath with an exact flow each way; each with and
 * without the run's digest over every delivery. Frames are counted at the switch, once each. */
#include <flowbed/action.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/digest.h"
#include "sim/clock.h"
#include "sim/host.h"
#include "sim/link.h"
#include "softswitch/datapath.h"

enum {
	ROUNDS = 5,
	BYTES = 100000000,
	PORT = 9,
	IP_FIRST = 0x0a000001,
};

struct bench {
	struct clock clock;
	struct frame_pool *pool;
	struct link *link[2]; /* by host; the host is its end 0 */
	struct host *host[2];
	struct event event[2];     /* of the hosts' deadlines */
	struct datapath *datapath; /* NULL: a piece of wire */
	struct digest *digest;     /* NULL: none */
	uint64_t frames;           /* at the switch */
	bool done, intact;
};

/* What a callback of 'bench' is about. */
struct place {
	struct bench *bench;
	unsigned number;
};

static void fail(const char *what)
{
	fprintf(stderr, "host_bench: %s\n", what);
	exit(1);
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void follow(struct bench *b, unsigned number)
{
	uint64_t deadline = host_deadline(b->host[number]);
	struct event *event = &b->event[number];

	if (heap_contains(&event->node) ? event->node.key != deadline : deadline != FB_NEVER)
		clock_set(&b->clock, event, deadline);
}

static void fire(struct bench *b, unsigned number)
{
	host_run(b->host[number], b->clock.now_ns);
	follow(b, number);
}

static void fire_0(struct event *event)
{
	fire((struct bench *)(void *)((char *)event - offsetof(struct bench, event[0])), 0);
}

static void fire_1(struct event *event)
{
	fire((struct bench *)(void *)((char *)event - offsetof(struct bench, event[1])), 1);
}

static void transmit(void *ctx, struct frame *frame)
{
	const struct place *place = ctx;

	link_send(place->bench->link[place->number], 0, frame);
}

static enum datapath_sent output(void *ctx, uint16_t port_no, uint32_t queue_id,
				 struct frame *frame)
{
	struct bench *b = ctx;

	(void)queue_id;
	link_send(b->link[port_no - 1], 1, frame_ref(frame));
	return DATAPATH_SENT;
}

static void observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame)
{
	const struct place *place = ctx;
	struct bench *b = place->bench;

	if (event == LINK_DELIVERED && b->digest)
		digest_delivery(b->digest, b->clock.now_ns, 2 * place->number + end,
		                frame->memory + frame->offset, frame->len);
}

static void deliver(void *ctx, unsigned end, struct frame *frame)
{
	const struct place *place = ctx;
	struct bench *b = place->bench;

	if (end == 0) {
		host_receive(b->host[place->number], frame, b->clock.now_ns);
		follow(b, place->number);
		return;
	}
	b->frames++;
	if (b->datapath)
		datapath_receive(b->datapath, (uint16_t)(place->number + 1), frame,
		                 b->clock.now_ns);
	else
		link_send(b->link[1 - place->number], 1, frame);
}

static void ignore_packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	(void)ctx;
	(void)pi;
	(void)miss;
}

static void ignore_flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	(void)ctx;
	(void)fr;
}

static void ignore_port_status(void *ctx, const struct fb_port_status *ps)
{
	(void)ctx;
	(void)ps;
}

static void add_flow(struct datapath *dp, const struct fb_match *match, uint16_t out_port)
{
	uint8_t actions[32];
	struct fb_buf buf = fb_buf_make(actions, sizeof actions);
	struct fb_flow_mod fm = {.match = *match,
	                         .command = OFPFC_ADD,
	                         .buffer_id = OFP_NO_BUFFER,
	                         .out_port = OFPP_NONE};
	struct fb_of_error error;

	fb_action_put_output(&buf, out_port, 0);
	fm.actions = (struct fb_view){buf.data, (uint32_t)buf.len};
	if (datapath_flow_mod(dp, &fm, 0, &error) < 0)
		fail("the flow-mod was refused");
}

/* A datapath with two ports that passes ARP from each to the other, and what flows the connection
 * needs. */
static struct datapath *make_datapath(struct bench *b)
{
	struct datapath_ops ops = {.output = output,
	                           .packet_in = ignore_packet_in,
	                           .flow_removed = ignore_flow_removed,
	                           .port_status = ignore_port_status,
	                           .ctx = b};
	struct datapath_config config;
	struct datapath *dp;

	datapath_config_default(&config);
	dp = datapath_new(&config, &ops, b->pool);
	for (uint16_t port_no = 1; port_no <= 2; port_no++) {
		struct fb_phy_port port = {.port_no = port_no};
		struct fb_match arp = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_IN_PORT &
		                                    ~(uint32_t)OFPFW_DL_TYPE,
		                       .in_port = port_no,
		                       .dl_type = FB_ETH_ARP};

		datapath_add_port(dp, &port, 0);
		add_flow(dp, &arp, (uint16_t)(3 - port_no));
	}
	return dp;
}

static void add_exact_flows(struct bench *b, uint16_t client_port)
{
	for (unsigned from = 0; from < 2; from++) {
		struct fb_match m = {.in_port = (uint16_t)(from + 1),
		                     .dl_vlan = OFP_VLAN_NONE,
		                     .dl_type = FB_ETH_IPV4,
		                     .nw_proto = FB_IP_TCP,
		                     .nw_src = IP_FIRST + from,
		                     .nw_dst = IP_FIRST + 1 - from,
		                     .tp_src = from ? PORT : client_port,
		                     .tp_dst = from ? client_port : PORT};

		memcpy(m.dl_src, host_mac(b->host[from]), FB_MAC_BYTES);
		memcpy(m.dl_dst, host_mac(b->host[1 - from]), FB_MAC_BYTES);
		add_flow(b->datapath, &m, (uint16_t)(2 - from));
	}
}

static void done(void *ctx, const struct host_result *result)
{
	struct bench *b = ctx;

	b->done = true;
	b->intact = result->outcome == HOST_OK && result->intact;
}

/* One transfer; returns how long it took. '*frames' and 'text' tell what it was. */
static uint64_t transfer(bool with_datapath, bool with_digest, uint64_t *frames,
                         char text[DIGEST_TEXT_BYTES])
{
	struct bench b = {.pool = frame_pool_new()};
	struct place place[2] = {{&b, 0}, {&b, 1}};
	struct link_config link_config;
	struct host_tcp_request request = {.ip = IP_FIRST + 1,
	                                   .port = PORT,
	                                   .local_port = 40000,
	                                   .send_bytes = BYTES,
	                                   .expect_service = HOST_SERVICE_DISCARD};
	uint64_t start_ns, took_ns;

	clock_init(&b.clock, 100);
	b.digest = with_digest ? digest_new() : NULL;
	b.datapath = with_datapath ? make_datapath(&b) : NULL;
	link_config_default(&link_config);
	link_config.rate_bps = UINT64_C(10000000000);
	b.event[0].fire = fire_0;
	b.event[1].fire = fire_1;
	for (unsigned i = 0; i < 2; i++) {
		struct link_ops link_ops = {
		        .deliver = deliver, .observe = observe, .ctx = &place[i]};
		struct host_ops host_ops = {transmit, &place[i]};
		struct host_config config;

		host_config_default(&config);
		config.name = i ? "h2" : "h1";
		config.ip = IP_FIRST + i;
		config.mac[0] = 2;
		config.mac[5] = (uint8_t)(i + 1);
		b.link[i] =
		        link_new(&b.clock, &link_config, &link_ops, 1, i ? "h2 -- s1" : "h1 -- s1");
		b.host[i] = host_new(&config, &host_ops, b.pool);
	}
	if (b.datapath)
		add_exact_flows(&b, request.local_port);
	host_listen_tcp(b.host[1], PORT, HOST_SERVICE_DISCARD);

	start_ns = wall_ns();
	host_tcp(b.host[0], &request, 0, done, &b);
	follow(&b, 0);
	while (!b.done && clock_step(&b.clock))
		;
	took_ns = wall_ns() - start_ns;
	if (!b.intact)
		fail("the transfer failed");
	*frames = b.frames;
	strcpy(text, "-");
	if (b.digest)
		digest_text(b.digest, text);
	for (unsigned i = 0; i < 2; i++) {
		host_free(b.host[i]);
		link_free(b.link[i]);
	}
	datapath_free(b.datapath);
	digest_free(b.digest);
	clock_destroy(&b.clock);
	frame_pool_free(b.pool);
	return took_ns;
}

int main(void)
{
	for (unsigned i = 0; i < 4; i++) {
		bool with_datapath = i / 2, with_digest = i % 2;
		uint64_t best_ns = UINT64_MAX, frames = 0;
		char text[DIGEST_TEXT_BYTES];

		for (unsigned round = 0; round < ROUNDS; round++) {
			uint64_t ns = transfer(with_datapath, with_digest, &frames, text);

			best_ns = ns < best_ns ? ns : best_ns;
		}
		printf("100 MB through %-15s %-11s %7.1f ns a frame  %5.2f million frames/s  %s\n",
		       with_datapath ? "a datapath," : "a wire,",
		       with_digest ? "digest" : "no digest", (double)best_ns / (double)frames,
		       (double)frames * 1000.0 / (double)best_ns, text);
	}
	return 0;
}
