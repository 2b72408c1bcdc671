/* What is no segment of a session: ARP, other protocols, fragments, ICMP errors, strays; and that
 * neither buffers nor the cutting of arrays make a difference. */
#include "tests/unit/controller/balancer_bench.h"

static const uint64_t s_ns = FB_NS_PER_S;

/* A frame of a type that nobody knows. */
static const char *strange(struct lb *lb, uint8_t from, uint64_t to, uint16_t port)
{
	uint8_t bytes[60];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	frame.len = fake_frame(bytes, UINT64_C(0x020000000000) | from, to);
	lb_frame_in(lb, port, &frame);
	return lb_said(lb);
}

static void an_arp_request_is_flooded(void)
{
	struct lb *lb = lb_new("");

	LB_SAYS(lb_arp(lb, &lb_client, FB_ARP_REQUEST, NULL, 2), "out #4 in 1: FLOOD\n");
	lb_free(lb);
}

static void a_unicast_frame_goes_to_the_port_of_its_destination(void)
{
	uint8_t client[FB_MAC_BYTES];
	struct lb *lb = lb_new("");

	lb_mac(client, 1);
	LB_SAYS(lb_arp(lb, &lb_a, FB_ARP_REPLY, client, 1), "out #4 in 2: output:1\n");
	LB_SAYS(strange(lb, 1, UINT64_C(0x020000000002), 1), "out #5 in 1: output:2\n");
	lb_free(lb);
}

static void what_is_unknown_is_flooded(void)
{
	struct lb *lb = lb_new("");

	LB_SAYS(strange(lb, 1, UINT64_C(0x020000000099), 1), "out #4 in 1: FLOOD\n");
	LB_SAYS(strange(lb, 1, UINT64_C(0xffffffffffff), 1), "out #5 in 1: FLOOD\n");
	LB_SAYS(strange(lb, 1, UINT64_C(0x01005e000001), 1), "out #6 in 1: FLOOD\n");
	lb_free(lb);
}

static void stations_are_forgotten_after_ten_minutes_of_silence(void)
{
	struct lb *lb = lb_new("");

	lb_pass(lb, 600 * s_ns - 1);
	lb_said(lb); /* probes: the servers' address is a new one of two */
	LB_SAYS(strange(lb, 2, UINT64_C(0x020000000001), 2), "out #4 in 2: output:1\n");
	lb_pass(lb, 1);
	LB_SAYS(strange(lb, 2, UINT64_C(0x020000000001), 2), "out #5 in 2: FLOOD\n");
	lb_free(lb);
}

static void stations_behind_a_port_that_goes_down_are_forgotten(void)
{
	struct lb *lb = lb_new("");

	fake_switch_set_link(lb->sw, 1, false);
	LB_SAYS(strange(lb, 2, UINT64_C(0x020000000001), 2), "out #4 in 2: FLOOD\n");
	lb_free(lb);
}

static void a_multicast_source_is_never_learned(void)
{
	uint8_t bytes[60];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct lb *lb = lb_new("");

	frame.len = fake_frame(bytes, UINT64_C(0x030000000009), UINT64_C(0x020000000001));
	lb_frame_in(lb, 4, &frame);
	LB_SAYS(lb_said(lb), "out #4 in 4: output:1\n");
	LB_SAYS(strange(lb, 1, UINT64_C(0x030000000009), 1), "out #5 in 1: FLOOD\n");
	lb_free(lb);
}

static void a_frame_that_came_by_the_port_of_its_destination_is_dropped(void)
{
	struct lb *lb = lb_new("");

	strange(lb, 9, UINT64_C(0xffffffffffff), 1);
	LB_SAYS(strange(lb, 9, UINT64_C(0x020000000001), 1), "out #5 in 1: drop\n");
	lb_free(lb);
}

static void a_frame_that_came_cut_and_without_buffer_is_not_sent_on(void)
{
	struct lb *lb = lb_new("");
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

	lb_build(&frame, &(struct lb_segment){.from = &lb_client,
	                                      .to = &lb_a,
	                                      .tp_src = 1,
	                                      .tp_dst = 22,
	                                      .flags = FB_TCP_SYN,
	                                      .data = "0123456789"});
	msg.packet_in = (struct fb_of_packet_in){.buffer_id = OFP_NO_BUFFER,
	                                         .total_len = (uint16_t)frame.len,
	                                         .in_port = 1,
	                                         .data = {frame.data, frame.len - 4}};
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT(!lb_has(lb_said(lb), "mod_dl_dst"));
	CU_ASSERT_EQUAL(lb_counter(lb, "cut"), 1);
	lb_free(lb);
}

static void a_frame_that_came_cut_is_released_by_its_buffer(void)
{
	struct lb *lb = lb_new("");
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

	lb_build(&frame, &(struct lb_segment){.from = &lb_client,
	                                      .to = &lb_a,
	                                      .tp_src = 1,
	                                      .tp_dst = 22,
	                                      .flags = FB_TCP_SYN,
	                                      .data = "0123456789"});
	msg.packet_in = (struct fb_of_packet_in){.buffer_id = 77,
	                                         .total_len = (uint16_t)frame.len,
	                                         .in_port = 1,
	                                         .data = {frame.data, frame.len - 8}};
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT(lb_has(lb_said(lb), "out #77 in 1: mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

/* --- Segments of no session; who of several is found out is told in balancer_recovery_test.c --- */

/* Until all owners of its address have had the time to speak. */
static const char *after_settling(struct lb *lb)
{
	lb_pass(lb, 10 * FB_NS_PER_MS);
	return lb_said(lb);
}

static void a_stray_goes_to_the_only_owner_of_its_address(void)
{
	static const struct lb_host only = {5, 5, 5};
	struct lb *lb = lb_new("");
	struct lb_segment stray = {.from = &lb_client,
	                           .to = &only,
	                           .tp_src = 40000,
	                           .tp_dst = 22,
	                           .flags = FB_TCP_ACK};

	lb_announce(lb, &only);
	lb_pass(lb, 20 * s_ns); /* so that nobody else may appear */
	lb_said(lb);
	LB_SAYS(lb_tcp(lb, &stray),
	        LB_EVERYWHERE "0e:fb:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.5 "
	                      "tell 0.0.0.0\n");
	CU_ASSERT(lb_has(after_settling(lb), "out #5 in 1: mod_dl_dst::05,output:5\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 1);
	lb_free(lb);
}

static void a_stray_to_an_unknown_address_is_asked_for_and_never_flooded(void)
{
	struct lb *lb = lb_new_empty("");

	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), LB_PROBE);
	lb_pass(lb, 200 * FB_NS_PER_MS);
	LB_SAYS(lb_said(lb), "out #1 in 1: drop\n");
	lb_free(lb);
}

/* --- Fragments --- */

static void later_fragments_follow_their_first(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment first = {.from = &lb_client,
	                           .to = &lb_a,
	                           .tp_src = 1,
	                           .tp_dst = 22,
	                           .flags = FB_TCP_ACK,
	                           .ip_id = 77,
	                           .more_fragments = true,
	                           .data = "0123456789ab"};
	struct lb_segment later = {
	        .from = &lb_client, .to = &lb_a, .ip_id = 77, .frag_offset = 32, .data = "rest"};

	lb_syn(lb, 9, 1);
	lb_syn(lb, 1, 1); /* to server_b, which its frames do not name */
	lb_syn_ack(lb, &lb_b, 1, 1);
	LB_SAYS(lb_tcp(lb, &first), "out #7 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(lb_tcp(lb, &later), "out #8 in 1: mod_dl_dst::03,output:3\n");
	first = (struct lb_segment){.from = &lb_b,
	                            .to = &lb_client,
	                            .tp_src = 22,
	                            .tp_dst = 1,
	                            .flags = FB_TCP_ACK,
	                            .ip_id = 78,
	                            .more_fragments = true,
	                            .data = "0123456789ab"};
	later.from = &lb_b;
	later.to = &lb_client;
	later.ip_id = 78;
	lb_tcp(lb, &first);
	LB_SAYS(lb_tcp(lb, &later), "out #10 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "fragments_followed"), 2);
	lb_free(lb);
}

static void later_fragments_without_their_first_are_never_spread(void)
{
	static const struct lb_host nobody = {9, 2, 0};
	struct lb *lb = lb_new("");
	struct lb_segment later = {
	        .from = &lb_client, .to = &lb_b, .ip_id = 77, .frag_offset = 32, .data = "rest"};

	LB_SAYS(lb_tcp(lb, &later), "out #4 in 1: mod_dl_dst::03,output:3\n");
	later.to = &nobody;
	LB_SAYS(lb_tcp(lb, &later), "out #5 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "fragments_lost"), 1);
	lb_free(lb);
}

static void fragments_are_forgotten_after_half_a_minute(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment first = {.from = &lb_client,
	                           .to = &lb_a,
	                           .tp_src = 1,
	                           .tp_dst = 22,
	                           .flags = FB_TCP_ACK,
	                           .ip_id = 77,
	                           .more_fragments = true,
	                           .data = "0123456789ab"};
	struct lb_segment later = {
	        .from = &lb_client, .to = &lb_a, .ip_id = 77, .frag_offset = 32, .data = "rest"};

	lb_syn(lb, 9, 1);
	lb_syn(lb, 1, 1);
	lb_tcp(lb, &first);
	lb_pass(lb, 30 * s_ns);
	lb_said(lb);
	LB_SAYS(lb_tcp(lb, &later),
	        "out #7 in 1: mod_dl_dst::02,output:2\n"); /* by the MAC that it names */
	lb_free(lb);
}

static void the_table_of_fragments_is_bounded(void)
{
	struct lb *lb = lb_new("mode=packet");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	for (unsigned i = 0; i < 5000; i++)
		lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
		                                .to = &lb_a,
		                                .tp_src = 1,
		                                .tp_dst = 22,
		                                .flags = FB_TCP_ACK,
		                                .ip_id = (uint16_t)i,
		                                .more_fragments = true,
		                                .data = "0123456789ab"});
	CU_ASSERT_EQUAL(lb_counter(lb, "fragments_evicted"), 5000 - 4096);
	lb_free(lb);
}

/* --- ICMP errors --- */

/* An ICMP error of 'from' about the segment 'quoted'; 'quoted_len' of its bytes after the IP header
 * are in it. */
static const char *icmp_error(struct lb *lb, const struct lb_host *from,
                              const struct lb_segment *quoted, size_t quoted_len)
{
	uint8_t bytes[256], quoted_bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes),
	              inner = fb_buf_make(quoted_bytes, sizeof quoted_bytes);
	struct lb_segment s = {.from = from, .to = quoted->from};
	struct fb_eth_spec eth = lb_eth(&s);
	struct fb_ipv4_spec ip = {.nw_src = lb_ip(from->ip), .nw_dst = lb_ip(quoted->from->ip)};

	lb_build(&inner, quoted);
	fb_build_icmp(&frame, &eth, &ip, FB_ICMP_UNREACHABLE, 4, 1400,
	              inner.data + FB_ETH_HEADER_BYTES, FB_IPV4_HEADER_BYTES + quoted_len);
	lb_frame_in(lb, from->port, &frame);
	return lb_said(lb);
}

static void an_icmp_error_goes_to_the_backend_whose_segment_it_quotes(void)
{
	struct lb *lb = lb_new("");
	/* The error names server_a: that is what the client's ARP entry says. */
	struct lb_segment quoted = {
	        .from = &lb_a, .to = &lb_client, .tp_src = 22, .tp_dst = 1, .flags = FB_TCP_ACK};

	lb_syn(lb, 9, 1);
	lb_syn(lb, 1, 1); /* server_b's */
	LB_SAYS(icmp_error(lb, &lb_client, &quoted, 8), "out #6 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "icmp_followed"), 1);
	lb_free(lb);
}

static void an_icmp_error_goes_to_the_client_whose_segment_it_quotes(void)
{
	struct lb *lb = lb_new("");
	struct lb_segment quoted = {
	        .from = &lb_client, .to = &lb_a, .tp_src = 1, .tp_dst = 22, .flags = FB_TCP_ACK};

	lb_syn(lb, 1, 1);
	LB_SAYS(icmp_error(lb, &lb_a, &quoted, 8), "out #5 in 2: mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void an_icmp_error_that_quotes_too_little_is_forwarded_as_any_frame(void)
{
	struct lb *lb = lb_new("");
	struct lb_segment quoted = {
	        .from = &lb_a, .to = &lb_client, .tp_src = 22, .tp_dst = 1, .flags = FB_TCP_ACK};

	lb_syn(lb, 9, 1);
	lb_syn(lb, 1, 1);
	LB_SAYS(icmp_error(lb, &lb_client, &quoted, 3), "out #6 in 1: output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "icmp_followed"), 0);
	lb_free(lb);
}

static void an_icmp_error_that_quotes_a_later_fragment_is_forwarded_as_any_frame(void)
{
	struct lb *lb = lb_new("");
	/* Its first bytes look like the ports of the session. */
	struct lb_segment quoted = {
	        .from = &lb_a, .to = &lb_client, .frag_offset = 8, .data = "23452345"};

	lb_syn(lb, 9, 1);
	lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                .to = &lb_a,
	                                .tp_src = 0x3435,
	                                .tp_dst = 0x3233,
	                                .flags = FB_TCP_SYN});
	LB_SAYS(icmp_error(lb, &lb_client, &quoted, 8), "out #6 in 1: output:2\n");
	lb_free(lb);
}

/* --- Independence of what must not matter --- */

/* Frames of every kind that a run of the balancer can see, as one stream of packet-ins. */
static size_t make_stream(uint8_t *out, size_t size, bool buffered)
{
	const struct lb_segment segments[] = {
	        {.from = &lb_client,
	         .to = &lb_a,
	         .tp_src = 1,
	         .tp_dst = 22,
	         .flags = FB_TCP_SYN,
	         .seq = 5},
	        {.from = &lb_client,
	         .to = &lb_a,
	         .tp_src = 2,
	         .tp_dst = 22,
	         .flags = FB_TCP_SYN,
	         .seq = 5},
	        {.from = &lb_a,
	         .to = &lb_client,
	         .tp_src = 22,
	         .tp_dst = 1,
	         .flags = FB_TCP_SYN | FB_TCP_ACK,
	         .ack = 6},
	        {.from = &lb_other,
	         .to = &lb_c,
	         .to_mac = &lb_b,
	         .tp_src = 2,
	         .tp_dst = 22,
	         .flags = FB_TCP_SYN,
	         .seq = 5},
	        {.from = &lb_b,
	         .to = &lb_client,
	         .tp_src = 22,
	         .tp_dst = 2,
	         .flags = FB_TCP_SYN | FB_TCP_ACK,
	         .ack = 6},
	        {.from = &lb_client,
	         .to = &lb_other,
	         .tp_src = 2,
	         .tp_dst = 22,
	         .flags = FB_TCP_SYN,
	         .seq = 5},
	        {.from = &lb_b,
	         .to = &lb_client,
	         .tp_src = 22,
	         .tp_dst = 1,
	         .flags = FB_TCP_SYN | FB_TCP_ACK,
	         .ack = 6},
	        {.from = &lb_other,
	         .to = &lb_client,
	         .tp_src = 9,
	         .tp_dst = 9,
	         .flags = FB_TCP_RST},
	        {.from = &lb_client,
	         .to = &lb_a,
	         .tp_src = 1,
	         .tp_dst = 22,
	         .flags = FB_TCP_ACK,
	         .ip_id = 9,
	         .more_fragments = true,
	         .data = "12345678"},
	        {.from = &lb_client, .to = &lb_a, .ip_id = 9, .frag_offset = 32, .data = "x"},
	        {.from = &lb_client,
	         .to = &lb_a,
	         .tp_src = 1,
	         .tp_dst = 22,
	         .flags = FB_TCP_SYN,
	         .seq = 99},
	};
	struct fb_buf buf = fb_buf_make(out, size);

	for (size_t i = 0; i < sizeof segments / sizeof segments[0]; i++) {
		uint8_t bytes[256];
		struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
		struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

		lb_build(&frame, &segments[i]);
		msg.packet_in = (struct fb_of_packet_in){.buffer_id = buffered ? 100 + (uint32_t)i
		                                                               : OFP_NO_BUFFER,
		                                         .total_len = (uint16_t)frame.len,
		                                         .in_port = segments[i].from->port,
		                                         .data = {frame.data, frame.len}};
		CU_ASSERT(fb_msg_encode(&buf, &msg));
	}
	return buf.len;
}

/* Feed 'stream' in two pieces; what was said is in the answer's bytes. */
static struct lb *fed_in_two(const uint8_t *stream, size_t len, size_t at)
{
	struct lb *lb = lb_new("");

	fake_switch_feed(lb->sw, stream, at);
	fake_switch_feed(lb->sw, stream + at, len - at);
	return lb;
}

static void results_do_not_depend_on_how_the_stream_was_cut(void)
{
	uint8_t stream[4096];

	for (int buffered = 0; buffered < 2; buffered++) {
		size_t len = make_stream(stream, sizeof stream, buffered);
		struct lb *whole = fed_in_two(stream, len, 0);

		CU_ASSERT(whole->sw->sent_len > 1000);
		for (size_t at = 1; at < len; at++) {
			struct lb *cut = fed_in_two(stream, len, at);

			CU_ASSERT_EQUAL_FATAL(cut->sw->sent_len, whole->sw->sent_len);
			CU_ASSERT_FATAL(memcmp(cut->sw->sent, whole->sw->sent, cut->sw->sent_len) ==
			                0);
			cut->leaks = true;
			lb_free(cut);
		}
		whole->leaks = true;
		lb_free(whole);
	}
}

UNIT_TESTS("balancer_frames", UNIT_TEST(an_arp_request_is_flooded),
           UNIT_TEST(a_unicast_frame_goes_to_the_port_of_its_destination),
           UNIT_TEST(what_is_unknown_is_flooded),
           UNIT_TEST(stations_are_forgotten_after_ten_minutes_of_silence),
           UNIT_TEST(stations_behind_a_port_that_goes_down_are_forgotten),
           UNIT_TEST(a_multicast_source_is_never_learned),
           UNIT_TEST(a_frame_that_came_by_the_port_of_its_destination_is_dropped),
           UNIT_TEST(a_frame_that_came_cut_and_without_buffer_is_not_sent_on),
           UNIT_TEST(a_frame_that_came_cut_is_released_by_its_buffer),
           UNIT_TEST(a_stray_goes_to_the_only_owner_of_its_address),
           UNIT_TEST(a_stray_to_an_unknown_address_is_asked_for_and_never_flooded),
           UNIT_TEST(later_fragments_follow_their_first),
           UNIT_TEST(later_fragments_without_their_first_are_never_spread),
           UNIT_TEST(fragments_are_forgotten_after_half_a_minute),
           UNIT_TEST(the_table_of_fragments_is_bounded),
           UNIT_TEST(an_icmp_error_goes_to_the_backend_whose_segment_it_quotes),
           UNIT_TEST(an_icmp_error_goes_to_the_client_whose_segment_it_quotes),
           UNIT_TEST(an_icmp_error_that_quotes_too_little_is_forwarded_as_any_frame),
           UNIT_TEST(an_icmp_error_that_quotes_a_later_fragment_is_forwarded_as_any_frame),
           UNIT_TEST(results_do_not_depend_on_how_the_stream_was_cut))
