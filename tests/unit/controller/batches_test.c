/* The shipped applications look up what a whole array of packet-ins is about before they handle the
 * first of them. What they answer must be what it would be if each had come alone: drawn streams, in
 * which stations and connections come, go and move all the time because tables are tiny, are fed at
 * once, one by one, and in pieces. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_network.h"

#include "lib/base/rng.h"

/* Nobody waits any more for what a switch that joined may tell. */
#define SETTLED_NS (3 * FB_NS_PER_S)

enum { PACKET_INS = 400, PORTS = 5, STREAM_BYTES = 1 << 16, STREAMS = 25 };

struct stream {
	uint8_t bytes[STREAM_BYTES];
	size_t ends[PACKET_INS]; /* of each packet-in */
	size_t len;
};

/* A few hosts; two of them have one address. */
static uint64_t mac_of(uint64_t host)
{
	return UINT64_C(0x020000000000) | host;
}

static uint32_t ip_of(uint64_t host)
{
	return 0x0a000000 | (uint32_t)(host / 2);
}

static void put_arp(struct fb_buf *frame, struct rng *rng, const struct fb_eth_spec *eth,
                    uint64_t from, uint64_t to)
{
	bool request = rng_below(rng, 2);

	fb_build_arp(frame, eth, request ? FB_ARP_REQUEST : FB_ARP_REPLY, eth->dl_src, ip_of(from),
	             eth->dl_dst, ip_of(to));
}

static void put_tcp(struct fb_buf *frame, struct rng *rng, const struct fb_eth_spec *eth,
                    uint64_t from, uint64_t to)
{
	static const uint8_t flags[] = {FB_TCP_SYN, FB_TCP_SYN | FB_TCP_ACK, FB_TCP_ACK,
	                                FB_TCP_FIN | FB_TCP_ACK, FB_TCP_RST};
	const struct fb_ipv4_spec ip = {.nw_src = ip_of(from), .nw_dst = ip_of(to)};
	struct fb_tcp_spec tcp = {.seq = 1000, .ack = 1001};

	tcp.flags = flags[rng_below(rng, sizeof flags)];
	tcp.tp_src = (uint16_t)(80 + rng_below(rng, 2));
	tcp.tp_dst = (uint16_t)(80 + rng_below(rng, 2));
	fb_build_tcp(frame, eth, &ip, &tcp, NULL, 0);
}

/* A frame of some kind between hosts that may just have moved. */
static size_t draw_frame(struct rng *rng, uint8_t *memory, size_t size, uint16_t *in_port)
{
	uint64_t from = rng_below(rng, 16), to = rng_below(rng, 16), kind = rng_below(rng, 8);
	struct fb_buf frame = fb_buf_make(memory, size);
	struct fb_eth_spec eth = {.has_vlan = rng_below(rng, 10) == 0};

	if (eth.has_vlan)
		eth.vlan_tci = 7;
	*in_port = (uint16_t)(1 + (from + (rng_below(rng, 12) == 0)) % PORTS);
	fb_mac_from_u64(eth.dl_src, mac_of(from));
	fb_mac_from_u64(eth.dl_dst, kind == 0 ? UINT64_C(0xffffffffffff) : mac_of(to));
	if (kind <= 1)
		put_arp(&frame, rng, &eth, from, to);
	else
		put_tcp(&frame, rng, &eth, from, to);
	return frame.len;
}

static void draw_stream(struct stream *stream, uint64_t seed)
{
	struct fb_buf out = fb_buf_make(stream->bytes, sizeof stream->bytes);
	uint8_t frame[128];
	struct rng rng;

	rng_init(&rng, seed, "batches");
	for (uint32_t i = 0; i < PACKET_INS; i++) {
		struct fb_of_packet_in pi = {.buffer_id = i};
		bool ok;

		pi.data.len = draw_frame(&rng, frame, sizeof frame, &pi.in_port);
		pi.data.data = frame;
		pi.total_len = (uint16_t)pi.data.len;
		if (rng_below(&rng, 10) == 0)
			pi.buffer_id = OFP_NO_BUFFER;
		ok = fb_msg_put_packet_in(&out, 0, &pi);
		CU_ASSERT_FATAL(ok);
		stream->ends[i] = out.len;
	}
	stream->len = out.len;
}

/* --- Feeding --- */

/* Every second host is heard behind the switch 'sw'. */
static void announce(struct fake_switch *sw)
{
	for (uint64_t host = 1; host < 16; host += 2) {
		struct fb_eth_spec eth = {.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
		uint8_t memory[128];
		struct fb_buf frame = fb_buf_make(memory, sizeof memory);

		fb_mac_from_u64(eth.dl_src, mac_of(host));
		fb_build_arp(&frame, &eth, FB_ARP_REQUEST, eth.dl_src, ip_of(host), eth.dl_dst,
		             ip_of(host));
		fake_switch_packet_in(sw, OFP_NO_BUFFER, (uint16_t)(1 + host % (PORTS - 1)),
		                      frame.data, frame.len);
	}
}

/* A chain of 'cls' on a switch; with what it needs on two, with a link between their last ports.
 * They are up, and all is known of them. */
static struct fake_switch *begin(const struct fb_app_class *cls, const char *options)
{
	struct fake_network net = {.b = bench_new()};
	struct fake_switch *sw, *other = NULL;

	if (cls->needs)
		bench_add(net.b, cls->needs, "edge_after=50ms,interval=1h,timeout=3h");
	bench_add(net.b, cls, options);
	sw = fake_network_join(&net, 1, PORTS);
	if (cls->needs) {
		other = fake_network_join(&net, 2, PORTS);
		fake_network_wire(&net, sw, PORTS, other, PORTS);
	}
	fake_network_pass(&net, SETTLED_NS);
	if (other)
		announce(other);
	fake_network_discard(&net);
	return sw;
}

/* Feed the packet-ins of 'stream' 'at_once' at a time; 0: drawn numbers of them. */
static struct fake_switch *fed(const struct fb_app_class *cls, const char *options,
                               const struct stream *stream, uint32_t at_once)
{
	struct fake_switch *sw = begin(cls, options);
	struct rng rng;
	size_t begins = 0;

	rng_init(&rng, stream->len, "pieces");
	for (uint32_t i = 0; i < PACKET_INS;) {
		uint32_t count = at_once ? at_once : 1 + (uint32_t)rng_below(&rng, 70);

		i = i + count < PACKET_INS ? i + count : PACKET_INS;
		fake_switch_feed(sw, stream->bytes + begins, stream->ends[i - 1] - begins);
		begins = stream->ends[i - 1];
	}
	return sw;
}

static void said_the_same(const struct fake_switch *sw, const struct fake_switch *as)
{
	for (size_t i = 0; i < sw->bench->switches_count; i++) {
		const struct fake_switch *a = sw->bench->switches[i], *b = as->bench->switches[i];

		CU_ASSERT_FATAL(a->sent_len == b->sent_len);
		CU_ASSERT_FATAL(memcmp(a->sent, b->sent, a->sent_len) == 0);
	}
}

static size_t packet_outs(const struct fake_switch *sw)
{
	size_t count = 0;

	for (size_t i = 0; i < sw->bench->switches_count; i++)
		count += fake_switch_count(sw->bench->switches[i], OFPT_PACKET_OUT);
	return count;
}

static void is_the_same_however_fed(const struct fb_app_class *cls, const char *options)
{
	static const uint32_t at_once[] = {PACKET_INS, 2, 33, 0};
	struct stream *stream = malloc(sizeof *stream);

	CU_ASSERT_FATAL(stream != NULL);
	for (uint64_t seed = 1; seed <= STREAMS; seed++) {
		struct fake_switch *alone;

		draw_stream(stream, seed);
		alone = fed(cls, options, stream, 1);
		CU_ASSERT(packet_outs(alone) > PACKET_INS / 4);
		for (size_t i = 0; i < sizeof at_once / sizeof at_once[0]; i++) {
			struct fake_switch *sw = fed(cls, options, stream, at_once[i]);

			said_the_same(sw, alone);
			bench_free(sw->bench);
		}
		bench_free(alone->bench);
	}
	free(stream);
}

static void what_the_hub_answers_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_hub, "");
}

static void what_learning_answers_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_learning, "macs_max=1000");
}

static void what_learning_answers_with_a_full_table_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_learning, "macs_max=1");
	is_the_same_however_fed(&fb_app_learning, "macs_max=7");
}

static void what_the_balancer_answers_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_balancer, "");
	is_the_same_however_fed(&fb_app_balancer, "mode=packet");
	is_the_same_however_fed(&fb_app_balancer, "arp=flood");
}

static void what_the_balancer_answers_with_full_tables_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_balancer, "sessions_max=5,addresses_max=3,owners_max=1");
	is_the_same_however_fed(&fb_app_balancer, "sessions_max=2,addresses_max=2,mode=packet");
}

static void what_forwarding_answers_does_not_depend_on_batches(void)
{
	is_the_same_however_fed(&fb_app_forwarding, "");
	is_the_same_however_fed(&fb_app_forwarding, "flows_max=3");
}

UNIT_TESTS("batches", UNIT_TEST(what_the_hub_answers_does_not_depend_on_batches),
           UNIT_TEST(what_learning_answers_does_not_depend_on_batches),
           UNIT_TEST(what_learning_answers_with_a_full_table_does_not_depend_on_batches),
           UNIT_TEST(what_the_balancer_answers_does_not_depend_on_batches),
           UNIT_TEST(what_the_balancer_answers_with_full_tables_does_not_depend_on_batches),
           UNIT_TEST(what_forwarding_answers_does_not_depend_on_batches))
