/* The application discovery: what it sends, and links, paths, floods and hosts as an application
 * behind it sees them. */
#include "tests/unit/harness.h"

#include <inttypes.h>
#include <stdarg.h>

#include "tests/unit/controller/fake_network.h"

enum { A = 0x0a, B = 0x0b, C = 0x0c, TEXT_BYTES = 1 << 16 };
#define MAC(host) (UINT64_C(0x020000000000) | (host))
#define BROADCAST UINT64_C(0xffffffffffff)

#define INTERVAL_NS (5 * FB_NS_PER_S)
#define TIMEOUT_NS  (15 * FB_NS_PER_S)

/* --- An application that writes down what it is told --- */

static struct watcher {
	struct fb_app *app;
	struct fb_discovery *discovery;
	char text[TEXT_BYTES]; /* events and packet-ins, one a line */
	size_t len;
	bool tells_hosts; /* with each packet-in what is known of its source */
} watcher;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	watcher.len += (size_t)vsnprintf(watcher.text + watcher.len, TEXT_BYTES - watcher.len,
	                                 format, args);
	va_end(args);
	CU_ASSERT_FATAL(watcher.len < TEXT_BYTES);
}

static void *watcher_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	watcher.app = app;
	watcher.discovery = fb_discovery_of(app);
	watcher.len = 0;
	watcher.text[0] = '\0';
	watcher.tells_hosts = false;
	return &watcher;
}

/* "1:2" by dpid and port. */
static void note_place(const char *before, struct fb_place at)
{
	note("%s%" PRIu64 ":%u", before, fb_discovery_dpid(watcher.discovery, at.node), at.port);
}

static void watcher_event(void *state, const struct fb_network_event *event, uint64_t now_ns)
{
	static const char *const names[] = {
	        [FB_EVENT_LINK_UP] = "link-up",     [FB_EVENT_LINK_DOWN] = "link-down",
	        [FB_EVENT_EDGE_UP] = "edge-up",     [FB_EVENT_PORT_DOWN] = "port-down",
	        [FB_EVENT_HOST_NEW] = "host-new",   [FB_EVENT_HOST_MOVED] = "host-moved",
	        [FB_EVENT_HOST_GONE] = "host-gone",
	};

	(void)state;
	(void)now_ns;
	note("%s", names[event->type]);
	if (event->host)
		note(" %02x", event->host->mac[5]);
	note_place(" ", event->at);
	if (event->other.port)
		note_place(" ", event->other);
	note("\n");
}

static void watcher_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                              size_t count, uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	for (size_t i = 0; i < count; i++) {
		const struct fb_packet *packet = &packet_ins[i].packet;
		const struct fb_host *host =
		        fb_discovery_host(watcher.discovery, packet->dl_src, OFP_VLAN_NONE);

		note("frame %" PRIu64 ":%u %02x", fb_switch_dpid(sw), packet_ins[i].in_port,
		     packet->dl_src[5]);
		if (watcher.tells_hosts && host) {
			note_place(" at ", host->at);
			note(" ip %x", host->ip);
		}
		note("\n");
	}
}

static const struct fb_app_class watcher_class = {
        .name = "watcher",
        .summary = "writes down what it is told",
        .needs = &fb_app_discovery,
        .create = watcher_create,
        .network_event = watcher_event,
        .packet_in = watcher_packet_in,
};

/* What was written down since the last time is 'expected'. */
static bool told(const char *expected)
{
	bool same = strcmp(watcher.text, expected) == 0;

	if (!same)
		fprintf(stderr, "# told:\n%s# expected:\n%s", watcher.text, expected);
	watcher.len = 0;
	watcher.text[0] = '\0';
	return same;
}

static struct fake_network begin(const char *options)
{
	return fake_network_begin(options, &watcher_class, "");
}

/* Forget what was told and sent so far. */
static void forget(struct fake_network *net)
{
	fake_network_discard(net);
	watcher.len = 0;
	watcher.text[0] = '\0';
}

static struct fb_place at(uint64_t dpid, uint16_t port)
{
	for (uint16_t node = 0; node < FAKE_WIRES_MAX; node++) {
		if (fb_discovery_dpid(watcher.discovery, node) == dpid)
			return (struct fb_place){.node = node, .port = port};
	}
	return (struct fb_place){.node = FB_NODE_NONE, .port = port};
}

static enum fb_port_kind kind(uint64_t dpid, uint16_t port)
{
	return fb_discovery_port(watcher.discovery, at(dpid, port));
}

static unsigned distance(uint64_t from, uint64_t to)
{
	return fb_discovery_distance(watcher.discovery, at(from, 0).node, at(to, 0).node);
}

static const struct fb_host *host(uint64_t mac)
{
	uint8_t bytes[FB_MAC_BYTES];

	fb_mac_from_u64(bytes, mac);
	return fb_discovery_host(watcher.discovery, bytes, OFP_VLAN_NONE);
}

static bool is_at(uint64_t mac, uint64_t dpid, uint16_t port)
{
	const struct fb_host *found = host(mac);
	struct fb_place place = at(dpid, port);

	return found && found->at.node == place.node && found->at.port == place.port;
}

static void frame_in(struct fake_switch *sw, uint32_t buffer_id, uint16_t port, uint64_t src,
                     uint64_t dst)
{
	uint8_t frame[60];
	size_t len = fake_frame(frame, src, dst);

	fake_switch_packet_in(sw, buffer_id, port, frame, len);
}

/* The next message to 'sw' drops the frame of 'buffer_id'. */
static bool is_dropped(struct fake_switch *sw, uint32_t buffer_id)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);

	return msg && msg->packet_out.buffer_id == buffer_id && fake_goes_nowhere(&msg->packet_out);
}

/* Two switches with three ports, linked by port 3, which are known. */
static struct fake_network begin_pair(struct fake_switch **a, struct fake_switch **b)
{
	struct fake_network net = begin("");

	*a = fake_network_join(&net, 1, 3);
	*b = fake_network_join(&net, 2, 3);
	fake_network_wire(&net, *a, 3, *b, 3);
	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	return net;
}

/* Three switches with four ports: 1:3 - 2:2, 2:3 - 3:2, 3:3 - 1:2; ports 1 and 4 are edges. */
static struct fake_network begin_ring(struct fake_switch *ring[3])
{
	struct fake_network net = begin("");

	for (uint64_t i = 0; i < 3; i++)
		ring[i] = fake_network_join(&net, i + 1, 4);
	for (size_t i = 0; i < 3; i++)
		fake_network_wire(&net, ring[i], 3, ring[(i + 1) % 3], 2);
	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	return net;
}

/* --- Finding links --- */

static void two_switches_find_their_link(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b = fake_network_join(&net, 2, 2);

	fake_network_wire(&net, a, 2, b, 1);
	CU_ASSERT_FALSE(controller_ready(net.b->ctl));
	CU_ASSERT_EQUAL(kind(1, 2), FB_PORT_PENDING);
	CU_ASSERT(told(""));
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 1:2 2:1\n"));
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_PENDING);
	CU_ASSERT_FALSE(controller_ready(net.b->ctl));
	fake_network_pass(&net, 100 * FB_NS_PER_MS);
	CU_ASSERT(told("edge-up 1:1\nedge-up 2:2\n"));
	CU_ASSERT(controller_ready(net.b->ctl));
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_EDGE);
	CU_ASSERT_EQUAL(kind(1, 2), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_DOWN);
	CU_ASSERT_EQUAL(fb_discovery_peer(watcher.discovery, at(1, 2)).port, 1);
	CU_ASSERT_EQUAL(fb_discovery_peer(watcher.discovery, at(1, 2)).node, at(2, 1).node);
	CU_ASSERT_EQUAL(fb_discovery_peer(watcher.discovery, at(1, 1)).port, 0);
	CU_ASSERT_EQUAL(distance(1, 2), 2);
	/* And nothing more happens. */
	fake_network_pass(&net, 60 * FB_NS_PER_S);
	CU_ASSERT(told(""));
	fake_network_end(&net);
}

/* Whichever end comes first: its frames were sent when nobody heard them. */
static void a_link_is_found_at_once_when_its_other_end_joins(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b;

	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(told("edge-up 1:1\nedge-up 1:2\n"));
	b = fake_network_join(&net, 2, 2);
	fake_network_wire(&net, a, 2, b, 1);
	fake_network_settle(&net);
	CU_ASSERT(told("port-down 1:2\nlink-up 2:1 1:2\n"));
	fake_network_end(&net);
}

static void a_port_that_comes_up_is_looked_at_at_once(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	fake_switch_set_link(a, 3, false);
	fake_switch_set_link(b, 3, false);
	CU_ASSERT(told("link-down 1:3 2:3\nport-down 1:3\nport-down 2:3\n"));
	fake_switch_set_link(a, 3, true);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_PENDING);
	fake_switch_set_link(b, 3, true);
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 1:3 2:3\n"));
	fake_network_end(&net);
}

static void a_link_is_used_when_both_ends_hear_each_other(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b = fake_network_join(&net, 2, 2);

	fake_network_wire_one_way(&net, a, 2, b, 2);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(told("edge-up 1:1\nedge-up 1:2\nedge-up 2:1\n"));
	CU_ASSERT_EQUAL(kind(2, 2), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(1, 2), FB_PORT_EDGE);
	CU_ASSERT_EQUAL(distance(1, 2), 0);
	fake_network_wire_one_way(&net, b, 2, a, 2);
	fake_network_pass(&net, INTERVAL_NS);
	CU_ASSERT(told("port-down 1:2\nlink-up 1:2 2:2\n"));
	CU_ASSERT_EQUAL(distance(1, 2), 2);
	fake_network_end(&net);
}

/* Frames get lost: a port sends some before it passes for an edge, and who hears it answers each. */
static void a_link_that_loses_frames_is_no_edge(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 1), *b = fake_network_join(&net, 2, 1);

	fake_network_wire(&net, a, 1, b, 1);
	fake_network_cut(&net, a, 1, true);
	fake_network_pass(&net, 60 * FB_NS_PER_MS);
	/* The last frame of a is heard, and the answer is lost. */
	fake_network_cut_one_way(&net, a, 1, false);
	fake_network_pass(&net, 20 * FB_NS_PER_MS);
	CU_ASSERT(told(""));
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_PENDING);
	fake_network_cut(&net, a, 1, false);
	fake_network_pass(&net, 60 * FB_NS_PER_S);
	CU_ASSERT(told("edge-up 1:1\nport-down 1:1\nlink-up 1:1 2:1\n"));
	/* The first is heard, and its answer; the others too are answered. */
	fake_switch_set_link(a, 1, false);
	forget(&net);
	fake_network_cut_one_way(&net, b, 1, true);
	fake_switch_set_link(a, 1, true);
	fake_network_pass(&net, 40 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_PENDING);
	fake_network_cut(&net, a, 1, false);
	fake_network_pass(&net, 20 * FB_NS_PER_MS);
	CU_ASSERT(told("link-up 1:1 2:1\n"));
	fake_network_end(&net);
}

static void parallel_links_are_all_found(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 3), *b = fake_network_join(&net, 2, 3);
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	unsigned over[4] = {0};

	for (uint16_t port = 1; port <= 2; port++)
		fake_network_wire(&net, a, port, b, (uint16_t)(3 - port));
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(told("link-up 1:2 2:1\nlink-up 1:1 2:2\nedge-up 1:3\nedge-up 2:3\n"));
	for (uint64_t hash = 0; hash < 100; hash++) {
		CU_ASSERT_EQUAL_FATAL(
		        fb_discovery_path(watcher.discovery, at(1, 3), at(2, 3), hash, hops), 2);
		CU_ASSERT(fb_discovery_path_holds(watcher.discovery, hops, 2));
		over[hops[0].out_port]++;
	}
	CU_ASSERT(over[1] > 20 && over[2] > 20);
	fake_network_end(&net);
}

/* --- Discovery frames --- */

/* The type and length of the element at '*offset' of 'frame'; its value is at '*offset' then. */
static unsigned next_tlv(const uint8_t *frame, size_t *offset, size_t *len)
{
	unsigned header = fb_get16(frame + *offset);

	*offset += 2;
	*len = header & 0x1ff;
	return header >> 9;
}

static void frames_are_lldp_with_the_elements_in_their_order(void)
{
	struct fake_network net = begin("timeout=14500ms");
	struct fake_switch *a = fake_network_join(&net, UINT64_C(0xabcdef), 1);
	uint8_t frame[256];
	size_t len = 0, offset = 14, value_len = 0;
	uint16_t port = 0;

	len = fake_network_take_lldp(a, frame, &port);
	CU_ASSERT_FATAL(len > 14 && len < OFP_DEFAULT_MISS_SEND_LEN);
	CU_ASSERT_EQUAL(port, 1);
	CU_ASSERT_EQUAL(fb_mac_to_u64(frame), UINT64_C(0x0180c200000e));
	CU_ASSERT_EQUAL(fb_mac_to_u64(frame + 6), fb_mac_to_u64(fake_port(1).hw_addr));
	CU_ASSERT_EQUAL(next_tlv(frame, &offset, &value_len), 1);
	CU_ASSERT_EQUAL(memcmp(frame + offset,
	                       "\7"
	                       "0000000000abcdef",
	                       value_len),
	                0);
	offset += value_len;
	CU_ASSERT_EQUAL(next_tlv(frame, &offset, &value_len), 2);
	CU_ASSERT_EQUAL(memcmp(frame + offset,
	                       "\7"
	                       "1",
	                       value_len),
	                0);
	offset += value_len;
	CU_ASSERT_EQUAL(next_tlv(frame, &offset, &value_len), 3);
	CU_ASSERT_EQUAL(fb_get16(frame + offset), 15);
	offset += value_len;
	CU_ASSERT_EQUAL(next_tlv(frame, &offset, &value_len), 127);
	offset += value_len;
	CU_ASSERT_EQUAL(next_tlv(frame, &offset, &value_len), 0);
	CU_ASSERT_EQUAL(offset, len);
	fake_network_end(&net);
}

static void each_port_sends_one_every_interval(void)
{
	struct fake_network net = begin("interval=2s");

	fake_network_join(&net, 1, 3);
	fake_network_join(&net, 2, 2);
	/* Four while they are pending. */
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(net.lldp_count, 20);
	fake_network_pass(&net, 20 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(net.lldp_count, 70);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_sent"), 70);
	fake_network_end(&net);
}

/* A thousand ports of one switch: after the first time a few at a time. */
static void what_falls_due_at_once_is_sent_little_by_little(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 900);

	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(net.lldp_count, 3600);
	forget(&net);
	bench_pass(net.b, INTERVAL_NS - FB_NS_PER_S + 75 * FB_NS_PER_MS);
	CU_ASSERT(fake_switch_count(a, OFPT_PACKET_OUT) < 300);
	bench_pass(net.b, 10 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(fake_switch_count(a, OFPT_PACKET_OUT), 900);
	fake_network_end(&net);
}

/* Take a frame that was sent by 'port' of 'sw'; its length. */
static size_t take_frame(struct fake_switch *sw, uint16_t port, uint8_t frame[256])
{
	uint16_t out_port = 0;
	size_t len;

	while ((len = fake_network_take_lldp(sw, frame, &out_port)) > 0 && out_port != port)
		;
	CU_ASSERT_FATAL(len > 0);
	return len;
}

static void a_forged_frame_is_counted_and_not_believed(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b = fake_network_join(&net, 2, 2);
	uint8_t frame[256], forged[256];
	size_t len = take_frame(a, 1, frame);

	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	/* Each bit of what is of ours in it. */
	for (size_t bit = 8 * (len - 2 - 22); bit < 8 * (len - 2); bit++) {
		memcpy(forged, frame, len);
		forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
		fake_switch_discard(b);
		fake_switch_packet_in(b, 7, 1, forged, len);
		CU_ASSERT(is_dropped(b, 7));
	}
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_forged"), 8 * 22);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_heard"), 0);
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_EDGE);
	CU_ASSERT(told(""));
	/* The frame as it was is believed. */
	fake_switch_packet_in(b, 7, 1, frame, len);
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_LINK);
	fake_network_end(&net);
}

/* The key is the run: what one controller sent means nothing to the next. */
static void a_frame_of_another_run_is_not_believed(void)
{
	struct fake_network net = begin("");
	uint8_t frame[256];
	size_t len = take_frame(fake_network_join(&net, 1, 2), 1, frame);
	struct controller_config config;
	struct fake_switch *b;
	struct bench *other;

	controller_config_default(&config);
	config.run_id = 0x4321;
	other = bench_new_with(&config);
	bench_add(other, &fb_app_discovery, "");
	fake_switch_join(other, 1, 2);
	b = fake_switch_join(other, 2, 2);
	fake_switch_packet_in(b, OFP_NO_BUFFER, 1, frame, len);
	CU_ASSERT_EQUAL(bench_counter(other, "discovery", "lldp_forged"), 1);
	bench_free(other);
	fake_network_end(&net);
}

/* From before the port went and came back. */
static void a_frame_that_is_out_of_date_is_not_believed(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b = fake_network_join(&net, 2, 2);
	uint8_t frame[256];
	size_t len = take_frame(a, 1, frame);

	fake_switch_set_link(a, 1, false);
	fake_switch_packet_in(b, OFP_NO_BUFFER, 1, frame, len);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_stale"), 1);
	fake_switch_set_link(a, 1, true);
	fake_switch_packet_in(b, OFP_NO_BUFFER, 1, frame, len);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_stale"), 2);
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_PENDING);
	len = take_frame(a, 1, frame);
	fake_switch_leave(a);
	fake_switch_packet_in(b, OFP_NO_BUFFER, 1, frame, len);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_stale"), 3);
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_PENDING);
	/* By a port that nobody knows. */
	fake_switch_packet_in(b, OFP_NO_BUFFER, 9, frame, len);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_stale"), 4);
	fake_network_end(&net);
}

static void frames_of_others_are_counted_and_left_to_others(void)
{
	static const uint8_t foreign[] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, 0x02, 0x00, 0x00,
	                                  0x00, 0x00, 0x99, 0x88, 0xcc, 0x02, 0x02, 0x07, 0x41,
	                                  0x04, 0x02, 0x07, 0x42, 0x06, 0x02, 0x00, 0x78, 0xfe,
	                                  0x05, 0x00, 0x80, 0xc2, 0x01, 0x01, 0x00, 0x00};
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	fake_switch_packet_in(a, 5, 1, foreign, sizeof foreign);
	CU_ASSERT(is_dropped(a, 5));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_foreign"), 1);
	CU_ASSERT_EQUAL(controller_counters(net.b->ctl)->lldp_ignored, 1);
	/* Cut anywhere: nothing is read beyond it. */
	for (size_t len = 14; len < sizeof foreign - 2; len++)
		fake_switch_packet_in(a, OFP_NO_BUFFER, 1, foreign, len);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_cut"), sizeof foreign - 2 - 14);
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_EDGE);
	CU_ASSERT(told(""));
	CU_ASSERT_PTR_NULL(host(UINT64_C(0x020000000099)));
	fake_network_end(&net);
}

static void a_host_that_sends_back_what_it_got_is_no_link(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_wire_one_way(&net, a, 1, a, 1);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "lldp_echoed"), 4);
	CU_ASSERT_EQUAL(kind(1, 1), FB_PORT_EDGE);
	CU_ASSERT(told("edge-up 1:1\nedge-up 1:2\n"));
	fake_network_end(&net);
}

/* Behind a hub all hear all: two of them are a link, the third is in none, and that does not
 * change. */
static void behind_a_hub_two_are_a_link_and_the_third_is_in_none(void)
{
	struct fake_network net = begin("");
	struct fake_switch *sws[3];

	for (uint64_t i = 0; i < 3; i++)
		sws[i] = fake_network_join(&net, i + 1, 2);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 3; k++) {
			if (i != k)
				fake_network_wire_one_way(&net, sws[i], 1, sws[k], 1);
		}
	}
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(told("link-up 1:1 2:1\nedge-up 1:2\nedge-up 2:2\nedge-up 3:2\n"));
	CU_ASSERT(fake_network_counter(&net, "lldp_crowded") > 0);
	fake_network_pass(&net, 100 * FB_NS_PER_S);
	CU_ASSERT(told(""));
	CU_ASSERT_EQUAL(kind(3, 1), FB_PORT_LINK);
	CU_ASSERT_EQUAL(fb_discovery_peer(watcher.discovery, at(3, 1)).port, 0);
	CU_ASSERT_EQUAL(distance(1, 3), 0);
	CU_ASSERT_EQUAL(distance(1, 2), 2);
	/* One of the two goes: the third takes its place. */
	fake_switch_leave(sws[1]);
	fake_network_pass(&net, 4 * INTERVAL_NS);
	CU_ASSERT_EQUAL(distance(1, 3), 2);
	fake_network_end(&net);
}

/* The cable is in another port now, and no port went down. */
static void a_port_that_hears_another_for_long_enough_follows(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b = fake_network_join(&net, 2, 2);
	struct fake_switch *c = fake_network_join(&net, 3, 2);

	fake_network_wire(&net, a, 1, b, 1);
	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	fake_network_cut(&net, a, 1, true);
	fake_network_wire(&net, a, 1, c, 1);
	fake_network_pass(&net, 3 * INTERVAL_NS);
	CU_ASSERT_EQUAL(distance(1, 3), 2);
	CU_ASSERT_EQUAL(distance(1, 2), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(watcher.text, "link-down 1:1 2:1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(watcher.text, "link-up"));
	fake_network_end(&net);
}

/* --- Losing links --- */

static void a_silent_link_is_gone_and_its_ports_are_no_edges_at_once(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	fake_network_cut(&net, a, 3, true);
	fake_network_pass(&net, TIMEOUT_NS - 2 * FB_NS_PER_S);
	CU_ASSERT(told(""));
	fake_network_pass(&net, 2 * FB_NS_PER_S);
	CU_ASSERT(told("link-down 2:3 1:3\n"));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "links_silent"), 2);
	CU_ASSERT_EQUAL(distance(1, 2), 0);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(2, 3), FB_PORT_LINK);
	CU_ASSERT(controller_ready(net.b->ctl));
	/* What comes in by it is nobody's. */
	frame_in(a, OFP_NO_BUFFER, 3, MAC(A), BROADCAST);
	CU_ASSERT_PTR_NULL(host(MAC(A)));
	CU_ASSERT(told("frame 1:3 0a\n"));
	/* Two timeouts after it was heard last it is pending. */
	fake_network_pass(&net, 2 * TIMEOUT_NS + FB_NS_PER_S - net.b->now_ns);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_PENDING);
	CU_ASSERT_FALSE(controller_ready(net.b->ctl));
	frame_in(a, OFP_NO_BUFFER, 3, MAC(A), BROADCAST);
	fake_network_pass(&net, 99 * FB_NS_PER_MS);
	CU_ASSERT(told(""));
	fake_network_pass(&net, FB_NS_PER_MS);
	CU_ASSERT(told("edge-up 2:3\nedge-up 1:3\nhost-new 0a 1:3\nframe 1:3 0a\n"));
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_EDGE);
	CU_ASSERT_EQUAL(kind(2, 3), FB_PORT_EDGE);
	/* It speaks again. */
	fake_network_cut(&net, a, 3, false);
	fake_network_pass(&net, INTERVAL_NS);
	CU_ASSERT_EQUAL(distance(1, 2), 2);
	fake_network_end(&net);
}

/* What goes out of it still comes in at a switch. */
static void a_port_that_is_heard_stays_a_link_for_ever(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	fake_network_cut_one_way(&net, b, 3, true);
	fake_network_pass(&net, 20 * TIMEOUT_NS);
	CU_ASSERT(told("link-down 1:3 2:3\n"));
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(2, 3), FB_PORT_LINK);
	fake_network_cut_one_way(&net, a, 3, true);
	fake_network_pass(&net, 5 * TIMEOUT_NS);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_EDGE);
	CU_ASSERT_EQUAL(kind(2, 3), FB_PORT_EDGE);
	fake_network_end(&net);
}

static void a_port_that_goes_down_takes_its_link_along(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);
	struct fb_phy_port port = fake_port(3);
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	CU_ASSERT_EQUAL(fb_discovery_path(watcher.discovery, at(1, 1), at(2, 1), 0, hops), 2);
	fake_switch_set_link(a, 3, false);
	CU_ASSERT(told("link-down 1:3 2:3\nport-down 1:3\n"));
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_DOWN);
	CU_ASSERT_EQUAL(kind(2, 3), FB_PORT_LINK);
	CU_ASSERT_FALSE(fb_discovery_path_holds(watcher.discovery, hops, 2));
	fake_switch_set_link(a, 3, true);
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 1:3 2:3\n"));
	/* By its configuration. */
	port.config = OFPPC_PORT_DOWN;
	fake_switch_port_status(b, OFPPR_MODIFY, &port);
	CU_ASSERT(told("link-down 2:3 1:3\nport-down 2:3\n"));
	port.config = 0;
	fake_switch_port_status(b, OFPPR_MODIFY, &port);
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 2:3 1:3\n"));
	fake_switch_port_status(b, OFPPR_DELETE, &port);
	CU_ASSERT(told("link-down 2:3 1:3\nport-down 2:3\n"));
	/* It is gone already. */
	fake_switch_port_status(b, OFPPR_DELETE, &port);
	fake_switch_set_link(b, 9, false);
	CU_ASSERT(told(""));
	fake_switch_port_status(b, OFPPR_ADD, &port);
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 2:3 1:3\n"));
	fake_network_end(&net);
}

static void a_switch_that_leaves_takes_all_along_and_is_remembered(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);
	uint16_t node = at(2, 0).node;
	uint64_t version = fb_discovery_version(watcher.discovery);

	frame_in(b, OFP_NO_BUFFER, 1, MAC(B), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	forget(&net);
	fake_switch_leave(b);
	CU_ASSERT(told("host-gone 0b 2:1\nport-down 2:1\nport-down 2:2\n"
	               "link-down 2:3 1:3\nport-down 2:3\n"));
	CU_ASSERT(fb_discovery_version(watcher.discovery) > version);
	CU_ASSERT_PTR_NULL(fb_discovery_switch(watcher.discovery, node));
	CU_ASSERT_EQUAL(fb_discovery_dpid(watcher.discovery, node), 2);
	CU_ASSERT_EQUAL(kind(2, 1), FB_PORT_DOWN);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	CU_ASSERT_EQUAL(fb_discovery_peer(watcher.discovery, at(1, 3)).port, 0);
	CU_ASSERT_PTR_NULL(host(MAC(B)));
	CU_ASSERT(is_at(MAC(A), 1, 1));
	/* The port that led to it is no edge for a while. */
	fake_network_pass(&net, TIMEOUT_NS - 1);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	fake_network_pass(&net, 1);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_PENDING);
	CU_ASSERT(told(""));
	/* It comes back, under the same number, and is linked at once. */
	fake_network_join(&net, 3, 1);
	net.wires_count = 0;
	b = fake_network_join(&net, 2, 3);
	fake_network_wire(&net, a, 3, b, 3);
	CU_ASSERT_EQUAL(at(2, 0).node, node);
	CU_ASSERT_PTR_NOT_NULL(fb_discovery_switch(watcher.discovery, node));
	CU_ASSERT_EQUAL(
	        fb_discovery_node(watcher.discovery, fb_discovery_switch(watcher.discovery, node)),
	        node);
	fake_network_settle(&net);
	CU_ASSERT(told("link-up 2:3 1:3\n"));
	fake_network_end(&net);
}

/* A switch without its controller may go on forwarding by the entries that it has. */
static void a_port_that_led_to_a_switch_that_is_away_is_no_edge_at_once(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	fake_switch_leave(b);
	forget(&net);
	fake_switch_set_link(a, 3, false);
	fake_switch_set_link(a, 3, true);
	fake_switch_set_link(a, 2, false);
	fake_switch_set_link(a, 2, true);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	CU_ASSERT_EQUAL(kind(1, 2), FB_PORT_PENDING);
	fake_network_pass(&net, 10 * FB_NS_PER_S);
	CU_ASSERT(told("port-down 1:3\nport-down 1:2\nedge-up 1:2\n"));
	/* Nor after once more. */
	fake_switch_set_link(a, 3, false);
	fake_switch_set_link(a, 3, true);
	fake_network_pass(&net, TIMEOUT_NS - 1);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_LINK);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_EDGE);
	CU_ASSERT(told("port-down 1:3\nedge-up 1:3\n"));
	/* It is an edge now, and what it led to is forgotten. */
	fake_switch_set_link(a, 3, false);
	fake_switch_set_link(a, 3, true);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_PENDING);
	fake_network_end(&net);
}

/* Its other end is up: then nothing is to be doubted. */
static void a_port_that_led_to_a_switch_that_is_up_is_an_edge_as_any_other(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	fake_network_cut(&net, a, 3, true);
	fake_switch_set_link(a, 3, false);
	fake_switch_set_link(a, 3, true);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_PENDING);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(kind(1, 3), FB_PORT_EDGE);
	fake_network_end(&net);
}

/* No path leads over it while that is being told. */
static unsigned paths_seen;

static void counter_event(void *state, const struct fb_network_event *event, uint64_t now_ns)
{
	(void)state;
	(void)event;
	(void)now_ns;
	paths_seen +=
	        distance(1, 3) + (fb_discovery_switch(watcher.discovery, at(2, 0).node) != NULL);
}

static const struct fb_app_class counter_class = {
        .name = "counter",
        .summary = "asks for a path when it is told something",
        .needs = &fb_app_discovery,
        .create = watcher_create,
        .network_event = counter_event,
};

static void events_are_told_when_all_has_changed(void)
{
	struct fake_network net = fake_network_begin("", &counter_class, "");
	struct fake_switch *sws[3];

	for (uint64_t i = 0; i < 3; i++)
		sws[i] = fake_network_join(&net, i + 1, 2);
	fake_network_wire(&net, sws[0], 2, sws[1], 1);
	fake_network_wire(&net, sws[1], 2, sws[2], 1);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(distance(1, 3), 3);
	paths_seen = 0;
	fake_switch_leave(sws[1]);
	CU_ASSERT_EQUAL(paths_seen, 0);
	fake_network_end(&net);
}

/* --- Floods --- */

/* The outputs of a flood of what came in by 'in_port', as "2 3"; "drop" where there is none. */
static const char *flood(uint64_t dpid, uint16_t in_port)
{
	static char text[256];
	uint8_t memory[512];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);
	const struct fb_switch *sw = fb_discovery_switch(watcher.discovery, at(dpid, 0).node);
	struct fb_action action;
	size_t offset = 0, len = 0;

	if (!fb_discovery_put_flood(watcher.discovery, sw, in_port, &actions)) {
		CU_ASSERT_EQUAL(actions.len, 0);
		return "drop";
	}
	while (fb_action_next(actions.data, actions.len, &offset, &action))
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", len ? " " : "",
		                        action.output.port);
	return text;
}

#define CU_ASSERT_FLOOD(dpid, in_port, expected)                                                   \
	CU_ASSERT_STRING_EQUAL(flood(dpid, in_port), expected)

static void a_switch_alone_floods_by_itself(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 3), *b;

	CU_ASSERT_FLOOD(1, 1, "drop");
	fake_network_pass(&net, 100 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(1, 1, "65531");
	/* Another one does not matter, a link does. */
	b = fake_network_join(&net, 2, 1);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_FLOOD(1, 1, "65531");
	fake_network_wire(&net, a, 3, b, 1);
	fake_network_pass(&net, 2 * INTERVAL_NS);
	CU_ASSERT_FLOOD(1, 1, "2 3");
	CU_ASSERT_FLOOD(2, 1, "drop");
	fake_switch_set_link(a, 3, false);
	CU_ASSERT_FLOOD(1, 1, "65531");
	/* A port that nobody knows, and one that is down. */
	CU_ASSERT_FLOOD(1, 9, "drop");
	CU_ASSERT_FLOOD(1, 3, "drop");
	fake_network_end(&net);
}

static void nothing_is_flooded_through_pending_ports_and_those_that_are_not_to_be_flooded(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 5);
	struct fb_phy_port port = fake_port(2);

	fake_network_pass(&net, FB_NS_PER_S);
	fake_switch_set_link(a, 5, false);
	fake_switch_set_link(a, 5, true);
	CU_ASSERT_FLOOD(1, 1, "2 3 4");
	CU_ASSERT_FLOOD(1, 5, "drop");
	port.config = OFPPC_NO_FLOOD;
	fake_switch_port_status(a, OFPPR_MODIFY, &port);
	CU_ASSERT_FLOOD(1, 1, "3 4");
	fake_switch_set_link(a, 4, false);
	CU_ASSERT_FLOOD(1, 1, "3");
	CU_ASSERT_FLOOD(1, 2, "1 3");
	/* It is so when the port comes up, too. */
	fake_switch_port_status(a, OFPPR_DELETE, &port);
	fake_switch_port_status(a, OFPPR_ADD, &port);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_FLOOD(1, 1, "65531");
	fake_switch_set_link(a, 4, true);
	CU_ASSERT_FLOOD(1, 1, "3 5");
	fake_network_end(&net);
}

static void a_ring_is_flooded_over_a_tree(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring(ring);

	/* The link 2:3 - 3:2 is not of it. */
	CU_ASSERT_FLOOD(1, 1, "2 3 4");
	CU_ASSERT_FLOOD(1, 2, "1 3 4");
	CU_ASSERT_FLOOD(2, 1, "2 4");
	CU_ASSERT_FLOOD(2, 2, "1 4");
	CU_ASSERT_FLOOD(2, 3, "drop");
	CU_ASSERT_FLOOD(3, 3, "1 4");
	CU_ASSERT_FLOOD(3, 2, "drop");
	fake_network_end(&net);
}

/* What left the tree is out of force at once; what comes into it waits. */
static void when_a_link_of_the_tree_goes_another_takes_its_place_after_a_while(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring(ring);

	fake_switch_set_link(ring[0], 3, false);
	fake_network_pass(&net, 99 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(1, 1, "2 4");
	CU_ASSERT_FLOOD(2, 1, "4");
	CU_ASSERT_FLOOD(2, 3, "drop");
	CU_ASSERT_FALSE(controller_ready(net.b->ctl));
	fake_network_pass(&net, FB_NS_PER_MS);
	CU_ASSERT_FLOOD(2, 1, "3 4");
	CU_ASSERT_FLOOD(2, 3, "1 4");
	CU_ASSERT_FLOOD(3, 3, "1 2 4");
	CU_ASSERT(controller_ready(net.b->ctl));
	/* It comes back: the other leaves at once, and it waits in turn. */
	fake_switch_set_link(ring[0], 3, true);
	fake_network_pass(&net, 50 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(2, 1, "4");
	CU_ASSERT_FLOOD(3, 3, "1 4");
	CU_ASSERT_FLOOD(1, 1, "2 4");
	fake_network_pass(&net, 60 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(2, 1, "2 4");
	CU_ASSERT_FLOOD(1, 1, "2 3 4");
	fake_network_end(&net);
}

/* The wait begins anew with each link that leaves, also of a plan that is not in force yet. */
static void another_loss_meanwhile_makes_it_wait_longer(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring(ring);
	struct fake_switch *more = fake_network_join(&net, 4, 2);

	fake_network_wire(&net, more, 1, ring[0], 4);
	fake_network_pass(&net, 2 * INTERVAL_NS);
	CU_ASSERT_FLOOD(4, 2, "1");
	fake_switch_set_link(ring[0], 3, false);
	fake_network_pass(&net, 60 * FB_NS_PER_MS);
	fake_switch_set_link(more, 1, false);
	fake_network_pass(&net, 60 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(2, 1, "4");
	fake_network_pass(&net, 50 * FB_NS_PER_MS);
	CU_ASSERT_FLOOD(2, 1, "3 4");
	fake_network_end(&net);
}

static void where_nothing_left_the_tree_a_link_is_of_it_at_once(void)
{
	struct fake_network net = begin("tree_delay=1m");
	struct fake_switch *a = fake_network_join(&net, 1, 3), *b = fake_network_join(&net, 2, 3);

	fake_network_wire(&net, a, 3, b, 3);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_FLOOD(1, 1, "2 3");
	CU_ASSERT(controller_ready(net.b->ctl));
	fake_network_end(&net);
}

static void frames_to_all_hosts_go_to_edges_only(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring(ring);
	const struct fb_switch *sw = fb_discovery_switch(watcher.discovery, at(2, 0).node);
	uint8_t memory[64];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);
	struct fb_action action;
	size_t offset = 0;

	CU_ASSERT(fb_discovery_put_edges(watcher.discovery, sw, 0, &actions));
	CU_ASSERT_EQUAL(actions.len, 16);
	actions.len = 0;
	CU_ASSERT(fb_discovery_put_edges(watcher.discovery, sw, 1, &actions));
	CU_ASSERT(fb_action_next(actions.data, actions.len, &offset, &action));
	CU_ASSERT_EQUAL(action.output.port, 4);
	CU_ASSERT_EQUAL(offset, actions.len);
	actions.len = 0;
	fake_switch_set_link(ring[1], 4, false);
	CU_ASSERT_FALSE(fb_discovery_put_edges(watcher.discovery, sw, 1, &actions));
	CU_ASSERT_EQUAL(actions.len, 0);
	fake_network_end(&net);
}

/* --- Frames of pending ports --- */

static void frames_of_a_pending_port_wait_until_it_is_an_edge(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_settle(&net);
	fake_switch_discard(a);
	frame_in(a, 1, 1, MAC(A), BROADCAST);
	frame_in(a, 2, 2, MAC(B), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(C), BROADCAST);
	CU_ASSERT_EQUAL(a->sent_len, 0);
	CU_ASSERT(told(""));
	fake_network_pass(&net, 100 * FB_NS_PER_MS);
	CU_ASSERT(told("edge-up 1:1\nedge-up 1:2\n"
	               "host-new 0a 1:1\nframe 1:1 0a\nhost-new 0c 1:1\nframe 1:1 0c\n"
	               "host-new 0b 1:2\nframe 1:2 0b\n"));
	/* Nobody wanted them: what the switch kept is given back. */
	CU_ASSERT(is_dropped(a, 1));
	CU_ASSERT(is_dropped(a, 2));
	CU_ASSERT_PTR_NULL(fake_switch_next(a));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held"), 3);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held_passed"), 3);
	fake_network_end(&net);
}

static void frames_of_a_pending_port_that_is_a_link_are_dropped(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 1), *b = fake_network_join(&net, 2, 1);

	fake_network_settle(&net);
	fake_switch_discard(a);
	frame_in(a, 1, 1, MAC(A), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	fake_network_wire(&net, a, 1, b, 1);
	fake_switch_set_link(b, 1, false);
	fake_switch_set_link(b, 1, true);
	fake_network_settle(&net);
	CU_ASSERT(is_dropped(a, 1));
	CU_ASSERT_PTR_NULL(fake_switch_next(a));
	CU_ASSERT(told("link-up 2:1 1:1\n"));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held_dropped"), 2);
	CU_ASSERT_PTR_NULL(host(MAC(A)));
	fake_network_end(&net);
}

static void frames_of_a_pending_port_that_goes_are_dropped(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 1);

	fake_network_settle(&net);
	fake_switch_discard(a);
	frame_in(a, 1, 1, MAC(A), BROADCAST);
	fake_switch_set_link(a, 1, false);
	CU_ASSERT(is_dropped(a, 1));
	CU_ASSERT(told(""));
	fake_switch_set_link(a, 1, true);
	fake_network_settle(&net);
	frame_in(a, 2, 1, MAC(A), BROADCAST);
	fake_switch_leave(a);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held_dropped"), 2);
	fake_network_end(&net);
}

static void no_more_frames_wait_than_may(void)
{
	struct fake_network net = begin("held_max=2");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_settle(&net);
	fake_switch_discard(a);
	for (uint32_t i = 1; i <= 4; i++)
		frame_in(a, i, 1, MAC(i), BROADCAST);
	frame_in(a, 5, 2, MAC(5), BROADCAST);
	CU_ASSERT(is_dropped(a, 3));
	CU_ASSERT(is_dropped(a, 4));
	CU_ASSERT_PTR_NULL(fake_switch_next(a));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held"), 3);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "held_full"), 2);
	fake_network_end(&net);
}

/* --- Hosts --- */

static void hosts_are_heard_at_edges_and_nowhere_else(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), MAC(B));
	CU_ASSERT(told("host-new 0a 1:1\nframe 1:1 0a\n"));
	CU_ASSERT(is_at(MAC(A), 1, 1));
	/* On its way. */
	frame_in(b, OFP_NO_BUFFER, 3, MAC(A), MAC(B));
	frame_in(b, OFP_NO_BUFFER, 3, MAC(C), MAC(B));
	CU_ASSERT(told("frame 2:3 0a\nframe 2:3 0c\n"));
	CU_ASSERT(is_at(MAC(A), 1, 1));
	CU_ASSERT_PTR_NULL(host(MAC(C)));
	/* From a group, and by a port that is down or none. */
	frame_in(b, OFP_NO_BUFFER, 1, UINT64_C(0x010000000009), MAC(B));
	fake_switch_set_link(b, 2, false);
	frame_in(b, OFP_NO_BUFFER, 2, MAC(C), MAC(B));
	frame_in(b, OFP_NO_BUFFER, 77, MAC(C), MAC(B));
	CU_ASSERT(told("frame 2:1 09\nport-down 2:2\nframe 2:2 0c\nframe 2:77 0c\n"));
	CU_ASSERT_PTR_NULL(host(UINT64_C(0x010000000009)));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "hosts_new"), 1);
	fake_network_end(&net);
}

static void a_host_that_is_heard_at_another_edge_has_moved(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	frame_in(b, OFP_NO_BUFFER, 2, MAC(A), BROADCAST);
	CU_ASSERT(told("host-new 0a 1:1\nframe 1:1 0a\nhost-moved 0a 2:2 1:1\nframe 2:2 0a\n"));
	CU_ASSERT(is_at(MAC(A), 2, 2));
	CU_ASSERT_PTR_NOT_NULL(strstr(net.b->log, "02:00:00:00:00:0a moved from "
	                                          "0000000000000001:1 to 0000000000000002:2"));
	/* It is of the new port alone. */
	fake_switch_set_link(a, 1, false);
	CU_ASSERT(told("port-down 1:1\n"));
	fake_switch_set_link(b, 2, false);
	CU_ASSERT(told("host-gone 0a 2:2\nport-down 2:2\n"));
	fake_network_end(&net);
}

static void all_hosts_of_a_port_go_with_it(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);

	for (uint64_t i = 1; i <= 3; i++)
		frame_in(a, OFP_NO_BUFFER, 1, MAC(i), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 2, MAC(4), BROADCAST);
	frame_in(b, OFP_NO_BUFFER, 1, MAC(5), BROADCAST);
	forget(&net);
	fake_switch_set_link(a, 1, false);
	CU_ASSERT(told("host-gone 01 1:1\nhost-gone 02 1:1\nhost-gone 03 1:1\nport-down 1:1\n"));
	CU_ASSERT(is_at(MAC(4), 1, 2));
	CU_ASSERT(is_at(MAC(5), 2, 1));
	fake_network_end(&net);
}

static void the_hosts_of_an_edge_that_is_a_link_after_all_are_gone(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2), *b;

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 2, MAC(A), BROADCAST);
	forget(&net);
	b = fake_network_join(&net, 2, 1);
	fake_network_wire(&net, a, 2, b, 1);
	fake_network_settle(&net);
	CU_ASSERT(told("host-gone 0a 1:2\nport-down 1:2\nlink-up 2:1 1:2\n"));
	fake_network_end(&net);
}

static void silent_hosts_are_forgotten_and_others_are_not(void)
{
	struct fake_network net = begin("host_timeout=100s");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(B), BROADCAST);
	for (int i = 0; i < 9; i++) {
		fake_network_pass(&net, 11 * FB_NS_PER_S);
		frame_in(a, OFP_NO_BUFFER, 1, MAC(B), BROADCAST);
	}
	forget(&net);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(told("host-gone 0a 1:1\n"));
	fake_network_pass(&net, 98 * FB_NS_PER_S);
	CU_ASSERT(told(""));
	fake_network_pass(&net, 2 * FB_NS_PER_S);
	CU_ASSERT(told("host-gone 0b 1:1\n"));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "hosts_expired"), 2);
	fake_network_end(&net);
}

/* At its time, although nothing else happens then. */
static void a_silent_host_is_forgotten_in_time(void)
{
	struct fake_network net = begin("interval=59m,timeout=60m,host_timeout=10s");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	forget(&net);
	fake_network_pass(&net, 10 * FB_NS_PER_S - 1);
	CU_ASSERT(told(""));
	fake_network_pass(&net, 1);
	CU_ASSERT(told("host-gone 0a 1:1\n"));
	fake_network_end(&net);
}

static void the_host_that_was_silent_longest_goes_for_a_new_one(void)
{
	struct fake_network net = begin("hosts_max=2");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(B), BROADCAST);
	fake_network_pass(&net, 10 * FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	forget(&net);
	frame_in(a, OFP_NO_BUFFER, 2, MAC(C), BROADCAST);
	CU_ASSERT(told("host-gone 0b 1:1\nhost-new 0c 1:2\nframe 1:2 0c\n"));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "hosts_evicted"), 1);
	fake_network_end(&net);
}

static void hosts_are_known_by_vlan(void)
{
	struct fake_network net = begin("");
	struct fake_switch *a = fake_network_join(&net, 1, 2);
	const struct fb_host *tagged;
	uint8_t frame[60], mac[FB_MAC_BYTES];
	size_t len = fake_frame(frame, MAC(A), BROADCAST);

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	fb_set16(frame + 12, FB_ETH_VLAN);
	fb_set16(frame + 14, 0x6005);
	fake_switch_packet_in(a, OFP_NO_BUFFER, 2, frame, len);
	CU_ASSERT(is_at(MAC(A), 1, 1));
	fb_mac_from_u64(mac, MAC(A));
	tagged = fb_discovery_host(watcher.discovery, mac, 5);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tagged);
	CU_ASSERT_EQUAL(tagged->vlan, 5);
	CU_ASSERT_EQUAL(tagged->at.port, 2);
	CU_ASSERT_PTR_NULL(fb_discovery_host(watcher.discovery, mac, 6));
	fake_network_end(&net);
}

/* An IPv4 packet or, with 'op', an ARP packet from 'ip', whose sender is 'sha' in ARP. */
static void ip_in(struct fake_switch *sw, uint16_t port, uint64_t src, uint32_t ip, uint16_t op,
                  uint64_t sha)
{
	uint8_t memory[128], sender[FB_MAC_BYTES];
	struct fb_buf frame = fb_buf_make(memory, sizeof memory);
	const struct fb_ipv4_spec spec = {.nw_src = ip, .nw_dst = 0x0a0000fe};
	struct fb_eth_spec eth = {.has_vlan = false};

	fb_mac_from_u64(eth.dl_src, src);
	fb_mac_from_u64(eth.dl_dst, MAC(0xfe));
	fb_mac_from_u64(sender, sha);
	if (op)
		fb_build_arp(&frame, &eth, op, sender, ip, eth.dl_dst, 0x0a0000fe);
	else
		fb_build_udp(&frame, &eth, &spec, 1, 2, "hello", 5);
	fake_switch_packet_in(sw, OFP_NO_BUFFER, port, memory, frame.len);
}

/* The same whether somebody else looks at what is in frames or not. */
static void addresses_are_learned(const struct fb_app_class *cls)
{
	struct fake_network net = fake_network_begin("", cls, "");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	fake_network_pass(&net, FB_NS_PER_S);
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0);
	ip_in(a, 1, MAC(A), 0x0a000001, 0, 0);
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0x0a000001);
	/* A router sends from many; what it says of itself counts. */
	ip_in(a, 1, MAC(A), 0x0a000002, 0, 0);
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0x0a000001);
	ip_in(a, 1, MAC(A), 0x0a000003, FB_ARP_REQUEST, MAC(A));
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0x0a000003);
	ip_in(a, 1, MAC(A), 0x0a000004, FB_ARP_REPLY, MAC(A));
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0x0a000004);
	/* A probe, and what somebody says of another. */
	ip_in(a, 1, MAC(A), 0, FB_ARP_REQUEST, MAC(A));
	ip_in(a, 1, MAC(A), 0x0a000005, FB_ARP_REPLY, MAC(B));
	CU_ASSERT_EQUAL(host(MAC(A))->ip, 0x0a000004);
	ip_in(a, 1, MAC(B), 0x0a000006, 0, 0);
	CU_ASSERT_EQUAL(host(MAC(B))->ip, 0x0a000006);
	fake_network_end(&net);
}

static void the_address_of_a_host_is_what_it_says_of_itself(void)
{
	struct fb_app_class shallow = watcher_class;

	shallow.ethernet_only = true;
	addresses_are_learned(&watcher_class);
	addresses_are_learned(&shallow);
}

/* --- Arrays of packet-ins --- */

enum { STREAM_FRAMES = 300, STREAM_BYTES = STREAM_FRAMES * (18 + 60) };

/* ARP packets of a few hosts that move and change their addresses all the time. */
static void draw_stream(uint8_t *bytes, size_t *ends)
{
	struct fb_buf out = fb_buf_make(bytes, STREAM_BYTES);
	uint32_t state = 1;

	for (uint32_t i = 0; i < STREAM_FRAMES; i++) {
		struct fb_of_packet_in pi = {.buffer_id = i, .total_len = 42};
		struct fb_eth_spec eth = {.has_vlan = false};
		uint8_t memory[60];
		struct fb_buf frame = fb_buf_make(memory, sizeof memory);

		state = state * 1103515245 + 12345;
		fb_mac_from_u64(eth.dl_src, MAC(state >> 16 & 7));
		fb_mac_from_u64(eth.dl_dst, BROADCAST);
		fb_build_arp(&frame, &eth, FB_ARP_REQUEST, eth.dl_src, state >> 20 & 3, eth.dl_dst,
		             9);
		pi.in_port = (uint16_t)(1 + (state >> 24 & 3 ? state >> 16 & 1 : 2));
		pi.data = (struct fb_view){.data = memory, .len = frame.len};
		CU_ASSERT_FATAL(fb_msg_put_packet_in(&out, 0, &pi));
		ends[i] = out.len;
	}
}

/* What the watcher saw, and what was sent, when 'at_once' packet-ins come in a read. */
static char *seen_with(const uint8_t *bytes, const size_t *ends, uint32_t at_once, uint8_t **sent,
                       size_t *sent_len)
{
	struct fake_network net = begin("hosts_max=6");
	struct fake_switch *a = fake_network_join(&net, 1, 3);
	size_t begins = 0;
	char *text;

	fake_network_pass(&net, FB_NS_PER_S);
	forget(&net);
	watcher.tells_hosts = true;
	for (uint32_t i = 0; i < STREAM_FRAMES;) {
		i = i + at_once < STREAM_FRAMES ? i + at_once : STREAM_FRAMES;
		fake_switch_feed(a, bytes + begins, ends[i - 1] - begins);
		begins = ends[i - 1];
	}
	text = strdup(watcher.text);
	*sent = a->sent;
	*sent_len = a->sent_len;
	a->sent = NULL;
	fake_network_end(&net);
	return text;
}

static void those_behind_are_told_in_step_with_the_frames(void)
{
	static uint8_t bytes[STREAM_BYTES];
	static size_t ends[STREAM_FRAMES];
	static const uint32_t at_once[] = {2, 7, 64, STREAM_FRAMES};
	size_t alone_len, sent_len;
	uint8_t *alone_sent, *sent;
	char *alone, *text;

	draw_stream(bytes, ends);
	alone = seen_with(bytes, ends, 1, &alone_sent, &alone_len);
	CU_ASSERT_PTR_NOT_NULL(strstr(alone, "host-moved"));
	CU_ASSERT_PTR_NOT_NULL(strstr(alone, "host-gone"));
	for (size_t i = 0; i < sizeof at_once / sizeof at_once[0]; i++) {
		text = seen_with(bytes, ends, at_once[i], &sent, &sent_len);
		CU_ASSERT_STRING_EQUAL(text, alone);
		CU_ASSERT_EQUAL_FATAL(sent_len, alone_len);
		CU_ASSERT_EQUAL(memcmp(sent, alone_sent, sent_len), 0);
		free(text);
		free(sent);
	}
	free(alone);
	free(alone_sent);
}

/* --- Options --- */

static void with_edge_after_0_ports_are_edges_in_the_next_moment(void)
{
	struct fake_network net = begin("edge_after=0");
	struct fake_switch *a = fake_network_join(&net, 1, 2);

	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	fake_network_pass(&net, 0);
	CU_ASSERT(told("edge-up 1:1\nedge-up 1:2\nhost-new 0a 1:1\nframe 1:1 0a\n"));
	CU_ASSERT_EQUAL(net.lldp_count, 2);
	CU_ASSERT(controller_ready(net.b->ctl));
	fake_network_end(&net);
}

static void options_that_do_not_go_together_are_refused(void)
{
	struct bench *b = bench_new();

	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_discovery, "interval=5s,timeout=5s"), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "discovery: timeout must be longer than interval");
	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_discovery, "interval=20ms,timeout=50ms"), 0);
	bench_free(b);
}

/* --- Reports --- */

static void it_tells_what_it_knows(void)
{
	struct fake_switch *a, *b;
	struct fake_network net = begin_pair(&a, &b);
	struct fb_report report;

	ip_in(a, 1, MAC(A), 0x0a000001, FB_ARP_REQUEST, MAC(A));
	frame_in(b, OFP_NO_BUFFER, 2, MAC(B), BROADCAST);
	fake_switch_set_link(b, 1, false);
	fake_switch_set_link(b, 1, true);
	frame_in(b, OFP_NO_BUFFER, 1, MAC(C), BROADCAST);
	fb_report_init(&report, 1 << 16, 100);
	fb_report_begin_map(&report, NULL);
	fb_app_discovery.report(watcher.discovery, &report, net.b->now_ns);
	fb_report_end_map(&report);
	CU_ASSERT_STRING_EQUAL(
	        report.text,
	        "{\"switches_up\":2,\"switches_away\":0,\"ports_pending\":1,\"tree_settled\":true,"
	        "\"links\":{\"count\":1,\"limit\":null,\"items\":["
	        "{\"a\":{\"dpid\":\"0000000000000001\",\"port\":3},"
	        "\"b\":{\"dpid\":\"0000000000000002\",\"port\":3},\"in_tree\":true}],\"shown\":1},"
	        "\"hosts\":{\"count\":2,\"limit\":131072,\"items\":["
	        "{\"mac\":\"02:00:00:00:00:0b\",\"vlan\":null,\"ip\":null,"
	        "\"dpid\":\"0000000000000002\",\"port\":2,\"heard_s\":0.000},"
	        "{\"mac\":\"02:00:00:00:00:0a\",\"vlan\":null,\"ip\":\"10.0.0.1\","
	        "\"dpid\":\"0000000000000001\",\"port\":1,\"heard_s\":0.000}],\"shown\":2}}");
	fb_report_destroy(&report);
	fb_report_init(&report, 1 << 16, 100);
	fb_report_begin_map(&report, NULL);
	fb_app_discovery.report_switch(watcher.discovery,
	                               fb_discovery_switch(watcher.discovery, at(2, 0).node),
	                               &report, net.b->now_ns);
	fb_report_end_map(&report);
	CU_ASSERT_STRING_EQUAL(
	        report.text,
	        "{\"ports\":{\"count\":3,\"limit\":null,\"items\":["
	        "{\"port\":1,\"kind\":\"pending\",\"peer\":null,\"in_tree\":false,\"held\":1},"
	        "{\"port\":2,\"kind\":\"edge\",\"peer\":null,\"in_tree\":false,\"held\":0},"
	        "{\"port\":3,\"kind\":\"link\",\"peer\":{\"dpid\":\"0000000000000001\",\"port\":3},"
	        "\"in_tree\":true,\"held\":0}],\"shown\":3}}");
	fb_report_destroy(&report);
	fake_network_end(&net);
}

UNIT_TESTS("discovery", UNIT_TEST(two_switches_find_their_link),
           UNIT_TEST(a_link_is_found_at_once_when_its_other_end_joins),
           UNIT_TEST(a_port_that_comes_up_is_looked_at_at_once),
           UNIT_TEST(a_link_is_used_when_both_ends_hear_each_other),
           UNIT_TEST(a_link_that_loses_frames_is_no_edge), UNIT_TEST(parallel_links_are_all_found),
           UNIT_TEST(frames_are_lldp_with_the_elements_in_their_order),
           UNIT_TEST(each_port_sends_one_every_interval),
           UNIT_TEST(what_falls_due_at_once_is_sent_little_by_little),
           UNIT_TEST(a_forged_frame_is_counted_and_not_believed),
           UNIT_TEST(a_frame_of_another_run_is_not_believed),
           UNIT_TEST(a_frame_that_is_out_of_date_is_not_believed),
           UNIT_TEST(frames_of_others_are_counted_and_left_to_others),
           UNIT_TEST(a_host_that_sends_back_what_it_got_is_no_link),
           UNIT_TEST(behind_a_hub_two_are_a_link_and_the_third_is_in_none),
           UNIT_TEST(a_port_that_hears_another_for_long_enough_follows),
           UNIT_TEST(a_silent_link_is_gone_and_its_ports_are_no_edges_at_once),
           UNIT_TEST(a_port_that_is_heard_stays_a_link_for_ever),
           UNIT_TEST(a_port_that_goes_down_takes_its_link_along),
           UNIT_TEST(a_switch_that_leaves_takes_all_along_and_is_remembered),
           UNIT_TEST(a_port_that_led_to_a_switch_that_is_away_is_no_edge_at_once),
           UNIT_TEST(a_port_that_led_to_a_switch_that_is_up_is_an_edge_as_any_other),
           UNIT_TEST(events_are_told_when_all_has_changed),
           UNIT_TEST(a_switch_alone_floods_by_itself),
           UNIT_TEST(nothing_is_flooded_through_pending_ports_and_those_that_are_not_to_be_flooded),
           UNIT_TEST(a_ring_is_flooded_over_a_tree),
           UNIT_TEST(when_a_link_of_the_tree_goes_another_takes_its_place_after_a_while),
           UNIT_TEST(another_loss_meanwhile_makes_it_wait_longer),
           UNIT_TEST(where_nothing_left_the_tree_a_link_is_of_it_at_once),
           UNIT_TEST(frames_to_all_hosts_go_to_edges_only),
           UNIT_TEST(frames_of_a_pending_port_wait_until_it_is_an_edge),
           UNIT_TEST(frames_of_a_pending_port_that_is_a_link_are_dropped),
           UNIT_TEST(frames_of_a_pending_port_that_goes_are_dropped),
           UNIT_TEST(no_more_frames_wait_than_may),
           UNIT_TEST(hosts_are_heard_at_edges_and_nowhere_else),
           UNIT_TEST(a_host_that_is_heard_at_another_edge_has_moved),
           UNIT_TEST(all_hosts_of_a_port_go_with_it),
           UNIT_TEST(the_hosts_of_an_edge_that_is_a_link_after_all_are_gone),
           UNIT_TEST(silent_hosts_are_forgotten_and_others_are_not),
           UNIT_TEST(a_silent_host_is_forgotten_in_time),
           UNIT_TEST(the_host_that_was_silent_longest_goes_for_a_new_one),
           UNIT_TEST(hosts_are_known_by_vlan),
           UNIT_TEST(the_address_of_a_host_is_what_it_says_of_itself),
           UNIT_TEST(those_behind_are_told_in_step_with_the_frames),
           UNIT_TEST(with_edge_after_0_ports_are_edges_in_the_next_moment),
           UNIT_TEST(options_that_do_not_go_together_are_refused),
           UNIT_TEST(it_tells_what_it_knows))
