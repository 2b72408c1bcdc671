/* One connection of the controller: handshake, versions, liveness, and what peers do that they
 * should not. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

/* --- Helpers --- */

static void send_header(struct fake_switch *sw, uint8_t version, uint8_t type, uint32_t xid)
{
	uint8_t bytes[8] = {version, type, 0, 8};

	fb_set32(bytes + 4, xid);
	fake_switch_feed(sw, bytes, sizeof bytes);
}

/* HELLO of 'version' with 'len' bytes behind the header. */
static void send_hello(struct fake_switch *sw, uint8_t version, const void *data, size_t len)
{
	uint8_t bytes[64] = {version, OFPT_HELLO, 0, (uint8_t)(8 + len), 0, 0, 0, 0x21};

	memcpy(bytes + 8, data, len);
	fake_switch_feed(sw, bytes, 8 + len);
}

static bool is_error(const struct fb_msg *msg, uint16_t type, uint16_t code)
{
	return msg && msg->type == OFPT_ERROR && msg->error.type == type && msg->error.code == code;
}

/* The controller's HELLO, and nothing else, was sent. */
static bool said_hello(struct fake_switch *sw)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_HELLO);

	return msg && msg->version == OFP_VERSION && !fake_switch_next(sw);
}

/* --- Handshake --- */

static void hello_is_sent_at_once(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	CU_ASSERT(said_hello(sw));
	bench_free(b);
}

static void a_switch_is_asked_configured_and_woken_up(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 0xabc, 2);
	const struct fb_msg *msg;
	struct fb_match match;

	fake_switch_hello(sw);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_HELLO));
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_FEATURES_REQUEST));
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_STRING_EQUAL(b->events, "");

	fake_switch_features(sw);
	msg = fake_switch_expect(sw, OFPT_SET_CONFIG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->config.miss_send_len, 128);
	CU_ASSERT_EQUAL(msg->config.flags, OFPC_FRAG_NORMAL);
	msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->flow_mod.command, OFPFC_ADD);
	CU_ASSERT_EQUAL(msg->flow_mod.priority, 0);
	CU_ASSERT_EQUAL(msg->flow_mod.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT(fb_mac_is_multicast(msg->flow_mod.match.dl_src));
	match = msg->flow_mod.match;
	msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->flow_mod.command, OFPFC_DELETE_STRICT);
	CU_ASSERT(fb_match_equal(&msg->flow_mod.match, &match));
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_STRING_EQUAL(b->events, "up 2748\n");
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 1);
	bench_free(b);
}

static void miss_send_len_is_the_configured_one(void)
{
	struct controller_config config;
	struct bench *b;
	const struct fb_msg *msg;
	struct fake_switch *sw;

	controller_config_default(&config);
	config.miss_send_len = 0xffff;
	b = bench_new_with(&config);
	sw = fake_switch_connect(b, 1, 2);
	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_features(sw);
	msg = fake_switch_expect(sw, OFPT_SET_CONFIG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->config.miss_send_len, 0xffff);
	bench_free(b);
}

static void every_own_xid_is_new(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	const struct fb_msg *msg;
	uint32_t last = 0;

	fake_switch_hello(sw);
	fake_switch_features(sw);
	while ((msg = fake_switch_next(sw))) {
		CU_ASSERT_EQUAL(msg->xid, last + 1);
		last = msg->xid;
	}
	CU_ASSERT_EQUAL(last, 5);
	bench_free(b);
}

static void the_whole_handshake_may_come_in_one_read(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	uint8_t bytes[2048] = {OFP_VERSION, OFPT_HELLO, 0, 8, 0, 0, 0, 1};
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	buf.len = 8;
	fake_switch_put_features(sw, &buf);
	fake_switch_discard(sw);
	fake_switch_feed(sw, bytes, buf.len);
	CU_ASSERT_EQUAL(sw->sends, 1);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_FEATURES_REQUEST), 1);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_SET_CONFIG), 1);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 1);
	bench_free(b);
}

/* --- Versions --- */

static void a_later_version_settles_on_ours(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	CU_ASSERT(said_hello(sw));
	send_hello(sw, 6, "", 0);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_FEATURES_REQUEST));
	bench_free(b);
}

static void a_peer_below_our_version_is_refused_with_a_text(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	const struct fb_msg *msg;
	char text[256] = "";

	CU_ASSERT(said_hello(sw));
	send_hello(sw, 0, "", 0);
	msg = fake_switch_next(sw);
	CU_ASSERT_FATAL(is_error(msg, OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE));
	CU_ASSERT_EQUAL(msg->xid, 0x21);
	memcpy(text, msg->error.data.data, msg->error.data.len < 255 ? msg->error.data.len : 255);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "OpenFlow 1.0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "0x00"));
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->version_failures, 1);
	bench_free(b);
}

/* HELLO elements came with OpenFlow 1.3.1: a bitmap of versions. */
static void a_version_bitmap_without_ours_is_refused(void)
{
	static const uint8_t only_13[] = {0, 1, 0, 8, 0, 0, 0, 0x10};
	static const uint8_t behind_another[] = {0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10};
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	CU_ASSERT(said_hello(sw));
	send_hello(sw, 4, only_13, sizeof only_13);
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE));
	CU_ASSERT(sw->closed);
	sw = fake_switch_connect(b, 1, 2);
	send_hello(sw, 4, behind_another, sizeof behind_another);
	CU_ASSERT(sw->closed);
	bench_free(b);
}

static void a_version_bitmap_with_ours_or_nonsense_is_taken(void)
{
	static const uint8_t with_10[] = {0, 1, 0, 8, 0, 0, 0, 0x12};
	static const uint8_t nonsense[] = {0, 1, 0, 0, 0xff, 0xff};
	static const uint8_t cut_short[] = {0, 1, 0, 80, 0, 0, 0, 0x10};
	static const struct {
		const uint8_t *data;
		size_t len;
	} cases[] = {{with_10, sizeof with_10},
	             {nonsense, sizeof nonsense},
	             {cut_short, sizeof cut_short}};
	struct bench *b = bench_new();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fake_switch *sw = fake_switch_connect(b, 1, 2);

		CU_ASSERT(said_hello(sw));
		send_hello(sw, 4, cases[i].data, cases[i].len);
		CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_FEATURES_REQUEST));
	}
	bench_free(b);
}

static void a_peer_that_goes_on_in_another_version_is_closed(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	send_hello(sw, 4, "", 0);
	fake_switch_discard(sw);
	send_header(sw, 4, OFPT_ECHO_REQUEST, 9);
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION));
	CU_ASSERT_EQUAL(sw->msg.xid, 9);
	CU_ASSERT(sw->closed);
	CU_ASSERT_PTR_NOT_NULL(strstr(sw->close_reason, "version 0x04"));
	bench_free(b);
}

static void a_peer_that_refuses_our_hello_is_closed_with_its_text(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	struct fb_msg msg = {.version = 4, .type = OFPT_ERROR};

	msg.error.type = OFPET_HELLO_FAILED;
	msg.error.data = (struct fb_view){(const uint8_t *)"only 1.3\x01 here", 14};
	fake_switch_send(sw, &msg);
	CU_ASSERT(sw->closed);
	CU_ASSERT_PTR_NOT_NULL(strstr(sw->close_reason, "only 1.3. here"));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->version_failures, 1);
	bench_free(b);
}

static void a_peer_that_speaks_no_openflow_is_told_what_it_speaks(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *reason;
	} peers[] = {
	        /* As a header of OpenFlow: a whole message of 8 bytes, and one of 258. */
	        {"\x16\x03\x00\x08\x00\x01\x00\x04", 8,
	         "the peer speaks TLS: connect it to a pssl: listener"},
	        {"\x16\x03\x01\x02", 4, "the peer speaks TLS: connect it to a pssl: listener"},
	        {"GET / HTTP/1.1\r\n", 16, "what came is no OpenFlow but text"},
	        {"\x16\x04", 2, NULL},
	        {"\x01\x00", 2, NULL},
	};
	struct bench *b = bench_new();

	for (size_t i = 0; i < 2 * (sizeof peers / sizeof peers[0]); i++) {
		const char *bytes = peers[i / 2].bytes, *reason = peers[i / 2].reason;
		struct fake_switch *sw = fake_switch_connect(b, 1, 2);
		size_t cut = i % 2; /* also byte by byte */

		fake_switch_feed(sw, (const uint8_t *)bytes, cut ? 1 : peers[i / 2].len);
		CU_ASSERT_EQUAL(sw->closed, reason && !cut);
		if (cut)
			fake_switch_feed(sw, (const uint8_t *)bytes + 1, 1);
		CU_ASSERT_EQUAL(sw->closed, reason != NULL);
		if (reason)
			CU_ASSERT_STRING_EQUAL(sw->close_reason, reason);
	}
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->bad_messages, 6);
	bench_free(b);
}

/* --- Before and after their time --- */

static void what_comes_before_hello_ends_the_connection(void)
{
	static const uint8_t types[] = {OFPT_FEATURES_REPLY, OFPT_BARRIER_REPLY, OFPT_PACKET_IN,
	                                77};
	struct bench *b = bench_new();

	for (size_t i = 0; i < sizeof types; i++) {
		struct fake_switch *sw = fake_switch_connect(b, 1, 2);

		send_header(sw, OFP_VERSION, types[i], 1);
		CU_ASSERT(sw->closed);
		CU_ASSERT_STRING_EQUAL(sw->close_reason, "the first message was no HELLO");
	}
	bench_free(b);
}

static void an_echo_before_hello_is_answered(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	CU_ASSERT(said_hello(sw));
	send_header(sw, OFP_VERSION, OFPT_ECHO_REQUEST, 5);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_ECHO_REPLY));
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

static void a_packet_in_behind_features_reply_in_one_read_is_handled(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	uint8_t bytes[2048], frame[60];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	struct fb_of_packet_in pi = {.buffer_id = 3, .total_len = 60, .in_port = 1};

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_connect(b, 1, 2);
	fake_switch_hello(sw);
	fake_switch_put_features(sw, &buf);
	pi.data = (struct fb_view){frame, fake_frame(frame, 1, 2)};
	fb_msg_put_packet_in(&buf, 0, &pi);
	fake_switch_discard(sw);
	fake_switch_feed(sw, bytes, buf.len);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT), 1);
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames"), 1);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins_early, 0);
	bench_free(b);
}

static void a_packet_in_before_features_reply_is_dropped_and_its_buffer_released(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	const struct fb_msg *msg;
	uint8_t frame[60];

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_connect(b, 1, 2);
	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_packet_in(sw, 3, 1, frame, fake_frame(frame, 1, 2));
	msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->packet_out.buffer_id, 3);
	CU_ASSERT(fake_goes_nowhere(&msg->packet_out));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->packet_ins_early, 1);
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames"), 0);
	bench_free(b);
}

static void events_before_features_reply_are_left_alone(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	struct fb_phy_port port = fake_port(7);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_port_status(sw, OFPPR_ADD, &port);
	fake_switch_send(sw, &msg);
	send_header(sw, OFP_VERSION, OFPT_BARRIER_REPLY, 1);
	CU_ASSERT(!sw->closed);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

static void a_second_hello_and_a_second_features_reply_are_ignored(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	fake_switch_hello(sw);
	fake_switch_features(sw);
	CU_ASSERT(!sw->closed);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->bad_messages, 2);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->connects, 1);
	bench_free(b);
}

static void a_switch_that_changes_its_dpid_is_closed(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	sw->dpid = 2;
	fake_switch_features(sw);
	CU_ASSERT(sw->closed);
	CU_ASSERT_PTR_NOT_NULL(strstr(sw->close_reason, "0000000000000002"));
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\ndown 1\n");
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 0);
	bench_free(b);
}

/* --- Messages that have no place --- */

static void what_only_controllers_send_is_answered_with_bad_type(void)
{
	static const uint8_t types[] = {OFPT_FEATURES_REQUEST, OFPT_GET_CONFIG_REQUEST,
	                                OFPT_BARRIER_REQUEST};
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_MOD, .xid = 0x77};
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	for (size_t i = 0; i < sizeof types; i++) {
		send_header(sw, OFP_VERSION, types[i], 0x55);
		CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE));
		CU_ASSERT_EQUAL(sw->msg.xid, 0x55);
	}
	fake_switch_send(sw, &msg);
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE));
	CU_ASSERT(sw->msg.error.data.len >= 64);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->bad_messages, 4);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

static void a_vendor_message_is_answered_with_bad_vendor(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_VENDOR, .xid = 3};

	msg.vendor.vendor = 0x2320;
	fake_switch_send(sw, &msg);
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_VENDOR));
	bench_free(b);
}

static void a_malformed_message_is_answered_and_survived(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	send_header(sw, OFP_VERSION, OFPT_PACKET_IN, 8); /* too short for one */
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN));
	send_header(sw, OFP_VERSION, 99, 9);
	CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE));
	send_header(sw, OFP_VERSION, OFPT_ERROR, 10); /* no error is answered with an error */
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->bad_messages, 3);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

static void a_length_below_eight_ends_the_connection(void)
{
	static const uint8_t lengths[] = {0, 1, 7};
	struct bench *b = bench_new();

	for (size_t i = 0; i < sizeof lengths; i++) {
		struct fake_switch *sw = fake_switch_join(b, 1 + i, 2);
		uint8_t bytes[16] = {OFP_VERSION, OFPT_ECHO_REQUEST, 0, lengths[i]};

		fake_switch_feed(sw, bytes, sizeof bytes);
		CU_ASSERT(is_error(fake_switch_next(sw), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN));
		CU_ASSERT(sw->closed);
	}
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->disconnects, 3);
	bench_free(b);
}

static void errors_of_a_switch_are_logged_by_name(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 0x42, 2);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = 4};
	static const uint8_t cause[] = {1, OFPT_FLOW_MOD, 0, 72};

	msg.error.type = OFPET_FLOW_MOD_FAILED;
	msg.error.code = OFPFMFC_ALL_TABLES_FULL;
	msg.error.data = (struct fb_view){cause, sizeof cause};
	fake_switch_send(sw, &msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	        b->log, "0000000000000042 (fake:1): error OFPFMFC_ALL_TABLES_FULL in answer to "
	                "FLOW_MOD, xid 0x00000004 of the controller\n"));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->errors_in, 1);
	bench_free(b);
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void a_flood_of_wrong_messages_does_not_flood_the_log(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	size_t before = count_lines(b->log);

	for (int i = 0; i < 1000; i++)
		send_header(sw, OFP_VERSION, OFPT_BARRIER_REQUEST, 1);
	CU_ASSERT_EQUAL(count_lines(b->log), before + 10);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->log_lines_suppressed, 990);
	bench_pass(b, FB_NS_PER_S);
	send_header(sw, OFP_VERSION, OFPT_BARRIER_REQUEST, 1);
	CU_ASSERT_EQUAL(count_lines(b->log), before + 11);
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "(990 lines before this one left out)"));
	bench_free(b);
}

static void the_end_of_a_connection_is_logged_whatever_came_before(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	for (int i = 0; i < 1000; i++)
		send_header(sw, OFP_VERSION, OFPT_BARRIER_REQUEST, 1);
	send_header(sw, 4, OFPT_BARRIER_REQUEST, 1);
	CU_ASSERT(sw->closed);
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "closing: a message came with version 0x04 instead "
	                                      "of 0x01 (991 lines before this one left out)\n"));
	bench_free(b);
}

/* Each connection has a limit of its own; all together have one, too. */
static void peers_that_connect_again_and_again_do_not_flood_the_log(void)
{
	struct bench *b = bench_new();
	struct fake_switch sw = {.bench = b};

	for (int i = 0; i < 5000; i++) {
		sw.session = controller_connect(b->ctl, &sw, "fake", b->now_ns);
		fake_switch_leave(&sw);
	}
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->log_lines_suppressed, 4000);
	bench_pass(b, FB_NS_PER_S / 100);
	for (int i = 0; i < 2; i++) {
		sw.session = controller_connect(b->ctl, &sw, "again", b->now_ns);
		fake_switch_leave(&sw);
	}
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->log_lines_suppressed, 4001);
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "again: closed: the switch went away (4000 lines of "
	                                      "all connections left out)\n"));
	free(sw.sent);
	bench_free(b);
}

/* --- Liveness --- */

static void an_echo_request_is_answered_with_its_payload_and_xid(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ECHO_REQUEST, .xid = 0xfeed};
	static uint8_t payload[65527];
	const struct fb_msg *reply;

	payload[65526] = 9;
	msg.data = (struct fb_view){payload, sizeof payload};
	fake_switch_send(sw, &msg);
	reply = fake_switch_expect(sw, OFPT_ECHO_REPLY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
	CU_ASSERT_EQUAL(reply->xid, 0xfeed);
	CU_ASSERT_EQUAL_FATAL(reply->data.len, sizeof payload);
	CU_ASSERT(memcmp(reply->data.data, payload, sizeof payload) == 0);
	bench_free(b);
}

static void an_idle_connection_is_asked_for_an_echo_and_closed_without_one(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	bench_pass(b, 5 * FB_NS_PER_S - 1);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_pass(b, 1);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_ECHO_REQUEST));
	bench_pass(b, 5 * FB_NS_PER_S - 1);
	CU_ASSERT(!sw->closed);
	bench_pass(b, 1);
	CU_ASSERT(sw->closed);
	CU_ASSERT_STRING_EQUAL(sw->close_reason, "no answer to ECHO_REQUEST");
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\ndown 1\n");
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->echo_timeouts, 1);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	bench_free(b);
}

/* The reply of some switches leaves the payload out, and any message is life as well. */
static void an_echo_reply_without_payload_or_any_message_keeps_the_connection(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	for (int i = 0; i < 10; i++) {
		bench_pass(b, 9 * FB_NS_PER_S);
		send_header(sw, OFP_VERSION, i % 2 ? OFPT_ECHO_REPLY : OFPT_ECHO_REQUEST, 0);
	}
	CU_ASSERT(!sw->closed);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_ECHO_REQUEST), 10);
	bench_free(b);
}

static void an_idle_time_below_the_echo_timeout_is_kept_after_a_reply(void)
{
	struct controller_config config;
	struct bench *b;
	struct fake_switch *sw;

	controller_config_default(&config);
	config.liveness.echo_idle_ns = FB_NS_PER_S / 2;
	b = bench_new_with(&config);
	sw = fake_switch_join(b, 1, 2);
	for (int i = 0; i < 10; i++) {
		bench_pass(b, FB_NS_PER_S / 2);
		CU_ASSERT_PTR_NOT_NULL_FATAL(fake_switch_expect(sw, OFPT_ECHO_REQUEST));
		send_header(sw, OFP_VERSION, OFPT_ECHO_REPLY, 0);
	}
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

static void single_bytes_are_no_life(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);
	uint8_t bytes[1000] = {OFP_VERSION, OFPT_ECHO_REQUEST, 3, 0xe8};

	for (size_t i = 0; i < 30 && !sw->closed; i++) {
		fake_switch_feed(sw, bytes + i, 1);
		bench_pass(b, FB_NS_PER_S);
	}
	CU_ASSERT(sw->closed);
	bench_free(b);
}

static void a_peer_that_says_nothing_is_closed_after_the_handshake_timeout(void)
{
	struct bench *b = bench_new();
	struct fake_switch *silent = fake_switch_connect(b, 1, 2),
	                   *half = fake_switch_connect(b, 2, 2);

	fake_switch_hello(half);
	bench_pass(b, 10 * FB_NS_PER_S - 1);
	CU_ASSERT(!silent->closed && !half->closed);
	bench_pass(b, 1);
	CU_ASSERT(silent->closed && half->closed);
	CU_ASSERT_STRING_EQUAL(half->close_reason, "no FEATURES_REPLY in time");
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->handshake_timeouts, 2);
	CU_ASSERT_STRING_EQUAL(b->events, "");
	bench_free(b);
}

/* As long as there is time, and not past its end and round again. */
static void a_timeout_of_for_ever_never_comes(void)
{
	struct controller_config config;
	struct bench *b;
	struct fake_switch *sw;

	controller_config_default(&config);
	config.liveness.handshake_timeout_ns = FB_NEVER;
	config.liveness.echo_idle_ns = FB_NEVER;
	b = bench_new_with(&config);
	sw = fake_switch_connect(b, 1, 2);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	fake_switch_hello(sw);
	fake_switch_features(sw);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	fake_switch_discard(sw);
	controller_run(b->ctl, b->now_ns + FB_NS_PER_S);
	CU_ASSERT(!sw->closed);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

static void echoes_can_be_turned_off(void)
{
	struct controller_config config;
	struct bench *b;
	struct fake_switch *sw;

	controller_config_default(&config);
	config.liveness.echo_idle_ns = 0;
	b = bench_new_with(&config);
	sw = fake_switch_join(b, 1, 2);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

/* --- Replacement and end --- */

static void a_new_connection_of_a_known_dpid_replaces_the_old_one(void)
{
	struct bench *b = bench_new();
	struct fake_switch *old = fake_switch_join(b, 7, 2), *new;

	new = fake_switch_join(b, 7, 2);
	CU_ASSERT(old->closed);
	CU_ASSERT_STRING_EQUAL(
	        old->close_reason,
	        "replaced by a new connection of switch 0000000000000007 from fake:2, while the "
	        "old one was alive");
	CU_ASSERT(!new->closed);
	CU_ASSERT_STRING_EQUAL(b->events, "up 7\ndown 7\nup 7\n");
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 1);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replaced, 1);
	fake_switch_leave(new);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 0);
	bench_free(b);
}

static void a_connection_may_break_at_any_stage(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	fake_switch_leave(sw);
	sw = fake_switch_connect(b, 1, 2);
	fake_switch_hello(sw);
	fake_switch_feed(sw, "\1\6", 2);
	fake_switch_leave(sw);
	sw = fake_switch_join(b, 1, 2);
	fake_switch_leave(sw);
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\ndown 1\n");
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->disconnects, 1);
	bench_free(b);
}

/* Duplicate ports: the later counts; ports come in rising order. */
static void ports_of_features_reply_are_sorted_and_unique(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_connect(b, 1, 0);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FEATURES_REPLY};
	static const uint16_t numbers[] = {9, OFPP_LOCAL, 2, 9, 4};
	uint8_t memory[5 * sizeof(struct ofp_phy_port)];
	struct fb_buf ports = fb_buf_make(memory, sizeof memory);

	for (size_t i = 0; i < 5; i++) {
		struct fb_phy_port port = fake_port(numbers[i]);

		port.config = (uint32_t)i;
		fb_phy_port_put(&ports, &port);
	}
	msg.features_reply.datapath_id = 1;
	msg.features_reply.ports = (struct fb_view){memory, ports.len};
	fake_switch_hello(sw);
	fake_switch_send(sw, &msg);
	CU_ASSERT_PTR_NOT_NULL(strstr(b->log, "switch is up: 4 ports"));
	bench_free(b);
}

UNIT_TESTS("session", UNIT_TEST(hello_is_sent_at_once),
           UNIT_TEST(a_switch_is_asked_configured_and_woken_up),
           UNIT_TEST(miss_send_len_is_the_configured_one), UNIT_TEST(every_own_xid_is_new),
           UNIT_TEST(the_whole_handshake_may_come_in_one_read),
           UNIT_TEST(a_later_version_settles_on_ours),
           UNIT_TEST(a_peer_below_our_version_is_refused_with_a_text),
           UNIT_TEST(a_version_bitmap_without_ours_is_refused),
           UNIT_TEST(a_version_bitmap_with_ours_or_nonsense_is_taken),
           UNIT_TEST(a_peer_that_goes_on_in_another_version_is_closed),
           UNIT_TEST(a_peer_that_refuses_our_hello_is_closed_with_its_text),
           UNIT_TEST(a_peer_that_speaks_no_openflow_is_told_what_it_speaks),
           UNIT_TEST(what_comes_before_hello_ends_the_connection),
           UNIT_TEST(an_echo_before_hello_is_answered),
           UNIT_TEST(a_packet_in_behind_features_reply_in_one_read_is_handled),
           UNIT_TEST(a_packet_in_before_features_reply_is_dropped_and_its_buffer_released),
           UNIT_TEST(events_before_features_reply_are_left_alone),
           UNIT_TEST(a_second_hello_and_a_second_features_reply_are_ignored),
           UNIT_TEST(a_switch_that_changes_its_dpid_is_closed),
           UNIT_TEST(what_only_controllers_send_is_answered_with_bad_type),
           UNIT_TEST(a_vendor_message_is_answered_with_bad_vendor),
           UNIT_TEST(a_malformed_message_is_answered_and_survived),
           UNIT_TEST(a_length_below_eight_ends_the_connection),
           UNIT_TEST(errors_of_a_switch_are_logged_by_name),
           UNIT_TEST(a_flood_of_wrong_messages_does_not_flood_the_log),
           UNIT_TEST(the_end_of_a_connection_is_logged_whatever_came_before),
           UNIT_TEST(peers_that_connect_again_and_again_do_not_flood_the_log),
           UNIT_TEST(an_echo_request_is_answered_with_its_payload_and_xid),
           UNIT_TEST(an_idle_connection_is_asked_for_an_echo_and_closed_without_one),
           UNIT_TEST(an_echo_reply_without_payload_or_any_message_keeps_the_connection),
           UNIT_TEST(an_idle_time_below_the_echo_timeout_is_kept_after_a_reply),
           UNIT_TEST(single_bytes_are_no_life),
           UNIT_TEST(a_peer_that_says_nothing_is_closed_after_the_handshake_timeout),
           UNIT_TEST(a_timeout_of_for_ever_never_comes), UNIT_TEST(echoes_can_be_turned_off),
           UNIT_TEST(a_new_connection_of_a_known_dpid_replaces_the_old_one),
           UNIT_TEST(a_connection_may_break_at_any_stage),
           UNIT_TEST(ports_of_features_reply_are_sorted_and_unique))
