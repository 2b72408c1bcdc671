/* The agent: HELLO, liveness, requests, statistics. Errors are agent_errors_test.c, what several
 * connections have to do with each other agent_conns_test.c. */
#include "tests/unit/softswitch/agent_fixture.h"

#include "lib/base/rng.h"

/* --- HELLO --- */

static void hello_is_sent_at_once_and_answered_by_silence(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_HELLO);
	CU_ASSERT_EQUAL(p->msgs[0].version, OFP_VERSION);
	peer_clear(p);
	send_type(at, 0, OFPT_HELLO, 1);
	send_type(at, 0, OFPT_HELLO, 2);
	CU_ASSERT_EQUAL(p->len, 0);
	CU_ASSERT_FALSE(p->closed);
	at_free(at);
}

/* Say HELLO with 'version' and 'len' bytes of elements; true when the connection survives. */
static bool survives_hello(uint8_t version, const uint8_t *elements, uint16_t len)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];
	uint8_t *bytes = malloc(8u + len); /* not a byte more, for the sanitizer */
	bool alive;

	memcpy(bytes, (const uint8_t[]){version, OFPT_HELLO, 0, (uint8_t)(8 + len), 0, 0, 0, 9}, 8);
	if (len)
		memcpy(bytes + 8, elements, len);
	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, bytes, 8u + len);
	alive = !p->closed;
	if (!alive) {
		CU_ASSERT_EQUAL(agent_counters(at->agent)->version_failures, 1);
		CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
		CU_ASSERT_EQUAL(p->msgs[0].error.type, OFPET_HELLO_FAILED);
		CU_ASSERT_EQUAL(p->msgs[0].error.code, OFPHFC_INCOMPATIBLE);
		CU_ASSERT_EQUAL(p->msgs[0].xid, 9);
		CU_ASSERT(p->msgs[0].error.data.len > 10);
	}
	free(bytes);
	at_free(at);
	return alive;
}

static void the_smaller_version_is_spoken_if_both_have_it(void)
{
	static const uint8_t with_1[] = {0, 1, 0, 8, 0, 0, 0, 0x12},
	                     without_1[] = {0, 1, 0, 8, 0, 0, 0, 0x10};
	static const uint8_t other_first[] = {0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10};
	static const uint8_t nonsense[] = {0, 1, 0, 3, 9, 9, 9, 9};

	CU_ASSERT_TRUE(survives_hello(1, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(4, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(0x97, NULL, 0));
	CU_ASSERT_FALSE(survives_hello(0, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(4, with_1, sizeof with_1));
	CU_ASSERT_FALSE(survives_hello(4, without_1, sizeof without_1));
	CU_ASSERT_FALSE(survives_hello(4, other_first, sizeof other_first));
	CU_ASSERT_TRUE(survives_hello(4, nonsense, sizeof nonsense));
	CU_ASSERT_TRUE(survives_hello(4, other_first, 5));
}

static void a_peer_that_refuses_our_hello_is_left(void)
{
	struct fb_msg refusal = {.version = OFP_VERSION, .type = OFPT_ERROR};
	struct at *at = at_new();

	refusal.error.type = OFPET_HELLO_FAILED;
	connect_silently(at, 0);
	connect_ready(at, 1);
	peer_clear(&at->peers[0]);
	send_msg(at, 0, &refusal);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	send_msg(at, 1, &refusal);
	CU_ASSERT_TRUE(at->peers[1].closed);
	at_free(at);
}

/* --- Liveness --- */

static void a_peer_without_hello_has_ten_seconds(void)
{
	struct at *at = at_new();

	connect_silently(at, 0);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 11 * FB_NS_PER_S);
	advance_to(at, 11 * FB_NS_PER_S - 1);
	CU_ASSERT_FALSE(at->peers[0].closed);
	advance_to(at, 11 * FB_NS_PER_S);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->handshake_timeouts, 1);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), FB_NEVER);
	at_free(at);
}

static void timeouts_beyond_the_end_of_time_never_come(void)
{
	struct at *at = at_new();

	at->now_ns = FB_NEVER - FB_NS_PER_S;
	connect_silently(at, 0);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), FB_NEVER);
	connect_ready(at, 1);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), FB_NEVER);
	agent_run(at->agent, FB_NEVER);
	CU_ASSERT_FALSE(at->peers[0].closed);
	CU_ASSERT_EQUAL(at->peers[1].len, 0);
	at_free(at);
}

static void an_echo_that_is_asked_for_at_the_end_of_time_is_never_overdue(void)
{
	struct at *at = at_new();

	at->now_ns = FB_NEVER - 16 * FB_NS_PER_S;
	connect_ready(at, 0);
	advance_to(at, FB_NEVER - 2);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[0]), 1);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].type, OFPT_ECHO_REQUEST);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), FB_NEVER);
	CU_ASSERT_FALSE(at->peers[0].closed);
	at_free(at);
}

static void a_part_of_hello_wins_no_time_but_hello_does(void)
{
	static const uint8_t hello[] = {1, OFPT_HELLO, 0, 8, 0, 0, 0, 1};
	struct at *at = at_new();

	connect_silently(at, 0);
	at->now_ns = 5 * FB_NS_PER_S;
	send_bytes(at, 0, hello, 7);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 11 * FB_NS_PER_S);
	send_bytes(at, 0, hello + 7, 1);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 20 * FB_NS_PER_S);
	at_free(at);
}

static void silence_brings_an_echo_request_and_more_silence_the_end(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];

	advance_to(at, 16 * FB_NS_PER_S - 1);
	CU_ASSERT_EQUAL(p->len, 0);
	advance_to(at, 16 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_ECHO_REQUEST);
	advance_to(at, 20 * FB_NS_PER_S);
	send_type(at, 0, OFPT_ECHO_REPLY, p->msgs[0].xid);
	peer_clear(p);
	advance_to(at, 35 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(peer_read(p), 1);
	advance_to(at, 50 * FB_NS_PER_S - 1);
	CU_ASSERT_FALSE(p->closed);
	advance_to(at, 50 * FB_NS_PER_S);
	CU_ASSERT_TRUE(p->closed);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->echo_timeouts, 1);
	at_free(at);
}

static void an_echo_comes_back_with_its_bytes(void)
{
	struct at *at = at_ready();
	struct fb_msg echo = {.version = OFP_VERSION, .type = OFPT_ECHO_REQUEST, .xid = 77};
	struct peer *p = &at->peers[0];

	echo.data = (struct fb_view){(const uint8_t *)"are you there", 13};
	send_msg(at, 0, &echo);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_ECHO_REPLY);
	CU_ASSERT_EQUAL(p->msgs[0].xid, 77);
	CU_ASSERT_EQUAL(p->msgs[0].data.len, 13);
	CU_ASSERT_EQUAL(memcmp(p->msgs[0].data.data, "are you there", 13), 0);
	at_free(at);
}

static void an_echo_may_be_as_long_as_a_message(void)
{
	static uint8_t bytes[65535] = {1, OFPT_ECHO_REQUEST, 0xff, 0xff, 0, 0, 0, 5};
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];

	for (size_t i = 8; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (unsigned i = 0; i < 5; i++)
		send_bytes(at, 0, bytes, sizeof bytes);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 5);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(p->msgs[i].type, OFPT_ECHO_REPLY);
		CU_ASSERT_EQUAL(p->msgs[i].data.len, sizeof bytes - 8);
		CU_ASSERT_EQUAL(memcmp(p->msgs[i].data.data, bytes + 8, sizeof bytes - 8), 0);
	}
	at_free(at);
}

/* --- Requests --- */

static void features_list_the_ports(void)
{
	struct at *at = at_ready();
	struct fb_msg request = {.version = OFP_VERSION, .type = OFPT_FEATURES_REQUEST, .xid = 3};
	const struct fb_msg *reply = ask(at, &request);
	struct fb_phy_port port;
	size_t offset = 0;

	CU_ASSERT_EQUAL_FATAL(reply->type, OFPT_FEATURES_REPLY);
	CU_ASSERT_EQUAL(reply->features_reply.datapath_id, 1);
	for (uint16_t n = 1; n <= 4; n++) {
		CU_ASSERT_TRUE(fb_phy_port_next(reply->features_reply.ports, &offset, &port));
		CU_ASSERT_EQUAL(port.port_no, n);
	}
	CU_ASSERT_FALSE(fb_phy_port_next(reply->features_reply.ports, &offset, &port));
	at_free(at);
}

static void configuration_is_set_and_told(void)
{
	struct at *at = at_ready();
	struct fb_msg set = {
	        .version = OFP_VERSION, .type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_DROP, 99}};
	struct fb_msg get = {.version = OFP_VERSION, .type = OFPT_GET_CONFIG_REQUEST, .xid = 4};
	const struct fb_msg *reply;

	send_msg(at, 0, &set);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	reply = ask(at, &get);
	CU_ASSERT_EQUAL(reply->type, OFPT_GET_CONFIG_REPLY);
	CU_ASSERT_EQUAL(reply->config.flags, OFPC_FRAG_DROP);
	CU_ASSERT_EQUAL(reply->config.miss_send_len, 99);
	set.config.flags = OFPC_FRAG_MASK;
	send_msg(at, 0, &set);
	CU_ASSERT_EQUAL(ask(at, &get)->config.flags, OFPC_FRAG_MASK);
	at_free(at);
}

static void after_the_barrier_reply_the_next_frame_meets_the_entry(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2),
	              barrier = {.version = OFP_VERSION, .type = OFPT_BARRIER_REQUEST, .xid = 8};
	const struct fb_msg *reply;

	send_msg(at, 0, &fm);
	reply = ask(at, &barrier);
	CU_ASSERT_EQUAL(reply->type, OFPT_BARRIER_REPLY);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 1);
	at_free(at);
}

/* --- Statistics --- */

static void description_table_and_aggregate_are_one_message_each(void)
{
	struct at *at = at_ready();
	struct fb_msg desc = stats_request(OFPST_DESC), table = stats_request(OFPST_TABLE);
	struct fb_msg aggregate = stats_request(OFPST_AGGREGATE), fm = flow_mod(1, output_2);
	const struct fb_msg *reply = ask(at, &desc);
	struct fb_table_stats ts;
	size_t offset = 0;

	CU_ASSERT_EQUAL(reply->stats_reply.type, OFPST_DESC);
	CU_ASSERT_STRING_EQUAL(reply->stats_reply.desc.mfr_desc, "Flowbed");
	send_msg(at, 0, &fm);
	reply = ask(at, &table);
	CU_ASSERT_TRUE(fb_table_stats_next(reply->stats_reply.entries, &offset, &ts));
	CU_ASSERT_EQUAL(ts.active_count, 1);
	CU_ASSERT_FALSE(fb_table_stats_next(reply->stats_reply.entries, &offset, &ts));
	fb_match_any(&aggregate.stats_request.flow.match);
	aggregate.stats_request.flow.table_id = 0xff;
	aggregate.stats_request.flow.out_port = OFPP_NONE;
	reply = ask(at, &aggregate);
	CU_ASSERT_EQUAL(reply->stats_reply.aggregate.flow_count, 1);
	at_free(at);
}

static unsigned ports_in_reply(struct at *at, uint16_t port_no)
{
	struct fb_msg request = stats_request(OFPST_PORT);
	const struct fb_msg *reply;
	struct fb_port_stats ps;
	size_t offset = 0;
	unsigned count = 0;

	request.stats_request.port_no = port_no;
	reply = ask(at, &request);
	CU_ASSERT_EQUAL(reply->stats_reply.flags, 0);
	while (fb_port_stats_next(reply->stats_reply.entries, &offset, &ps))
		count++;
	return count;
}

static void port_statistics_are_of_one_or_of_all(void)
{
	struct at *at = at_ready();

	CU_ASSERT_EQUAL(ports_in_reply(at, OFPP_NONE), 4);
	CU_ASSERT_EQUAL(ports_in_reply(at, 3), 1);
	CU_ASSERT_EQUAL(ports_in_reply(at, 9), 0);
	at_free(at);
}

/* --- Queues --- */

/* Port 1 has the queues 5 (10.5 %) and 7 (no rate), port 3 the queue 5 (nothing guaranteed). */
static struct at *at_queues(void)
{
	struct at *at = at_ready();
	struct datapath *dp = agent_datapath(at->agent);

	CU_ASSERT_EQUAL(datapath_add_queue(dp, 1, 7, 0xffff), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(dp, 1, 5, 105), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(dp, 3, 5, 0), 0);
	return at;
}

/* The queues in the reply for 'port_no' and 'queue_id', as "PORT:QUEUE PORT:QUEUE". */
static const char *queues_listed(struct at *at, uint16_t port_no, uint32_t queue_id)
{
	static char text[256];
	struct fb_msg request = stats_request(OFPST_QUEUE);
	const struct fb_msg *reply;
	struct fb_queue_stats qs;
	size_t offset = 0, len = 0;

	request.stats_request.queue.port_no = port_no;
	request.stats_request.queue.queue_id = queue_id;
	reply = ask(at, &request);
	CU_ASSERT_EQUAL_FATAL(reply->type, OFPT_STATS_REPLY);
	CU_ASSERT_EQUAL(reply->stats_reply.type, OFPST_QUEUE);
	CU_ASSERT_EQUAL(reply->stats_reply.flags, 0);
	text[0] = '\0';
	while (fb_queue_stats_next(reply->stats_reply.entries, &offset, &qs))
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u:%u", len ? " " : "",
		                        qs.port_no, qs.queue_id);
	return text;
}

static void queue_statistics_are_of_one_or_of_all(void)
{
	struct at *at = at_queues();

	CU_ASSERT_STRING_EQUAL(queues_listed(at, OFPP_ALL, OFPQ_ALL), "1:5 1:7 3:5");
	CU_ASSERT_STRING_EQUAL(queues_listed(at, 1, OFPQ_ALL), "1:5 1:7");
	CU_ASSERT_STRING_EQUAL(queues_listed(at, 2, OFPQ_ALL), "");
	CU_ASSERT_STRING_EQUAL(queues_listed(at, OFPP_ALL, 5), "1:5 3:5");
	CU_ASSERT_STRING_EQUAL(queues_listed(at, OFPP_ALL, 7), "1:7");
	CU_ASSERT_STRING_EQUAL(queues_listed(at, 3, 5), "3:5");
	at_free(at);
}

static void queues_that_are_not_there_are_errors(void)
{
	static const struct {
		uint16_t port_no;
		uint32_t queue_id;
		uint16_t code;
	} cases[] = {
	        {3, 7, OFPQOFC_BAD_QUEUE},        {2, 5, OFPQOFC_BAD_QUEUE},
	        {OFPP_ALL, 6, OFPQOFC_BAD_QUEUE}, {9, 5, OFPQOFC_BAD_PORT},
	        {9, OFPQ_ALL, OFPQOFC_BAD_PORT},  {OFPP_NONE, OFPQ_ALL, OFPQOFC_BAD_PORT},
	};
	struct at *at = at_queues();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fb_msg request = stats_request(OFPST_QUEUE);

		request.stats_request.queue.port_no = cases[i].port_no;
		request.stats_request.queue.queue_id = cases[i].queue_id;
		send_msg(at, 0, &request);
		assert_error(&at->peers[0], OFPET_QUEUE_OP_FAILED, cases[i].code, 11);
	}
	at_free(at);
}

static void a_queued_frame_counts_in_its_queues_statistics(void)
{
	static const uint8_t enqueue[16] = {0, 11, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
	struct at *at = at_queues();
	struct fb_msg fm = flow_mod(2, enqueue), request = stats_request(OFPST_QUEUE);
	const struct fb_msg *reply;
	struct fb_queue_stats qs;
	size_t offset = 0;

	fm.flow_mod.actions.len = sizeof enqueue;
	send_msg(at, 0, &fm);
	agent_frame(at->agent, 2, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 1);
	CU_ASSERT_EQUAL(at->last_queue_id, 5);
	request.stats_request.queue.port_no = 1;
	request.stats_request.queue.queue_id = 5;
	reply = ask(at, &request);
	CU_ASSERT_TRUE(fb_queue_stats_next(reply->stats_reply.entries, &offset, &qs));
	CU_ASSERT_EQUAL(qs.tx_packets, 1);
	CU_ASSERT_EQUAL(qs.tx_bytes, 60);
	CU_ASSERT_EQUAL(qs.tx_errors, 0);
	at_free(at);
}

static const struct fb_msg *queue_config(struct at *at, uint16_t port_no)
{
	struct fb_msg request = {
	        .version = OFP_VERSION, .type = OFPT_QUEUE_GET_CONFIG_REQUEST, .xid = 12};
	const struct fb_msg *reply;

	request.queue_config_request_port = port_no;
	reply = ask(at, &request);
	CU_ASSERT_EQUAL_FATAL(reply->type, OFPT_QUEUE_GET_CONFIG_REPLY);
	CU_ASSERT_EQUAL(reply->queue_config_reply.port, port_no);
	return reply;
}

static void the_configuration_of_queues_tells_their_rates(void)
{
	struct at *at = at_queues();
	const struct fb_msg *reply = queue_config(at, 1);
	struct fb_packet_queue queue;
	size_t offset = 0;

	CU_ASSERT_TRUE(fb_packet_queue_next(reply->queue_config_reply.queues, &offset, &queue));
	CU_ASSERT_EQUAL(queue.queue_id, 5);
	CU_ASSERT_TRUE(queue.has_min_rate);
	CU_ASSERT_EQUAL(queue.min_rate, 105);
	CU_ASSERT_TRUE(fb_packet_queue_next(reply->queue_config_reply.queues, &offset, &queue));
	CU_ASSERT_EQUAL(queue.queue_id, 7);
	CU_ASSERT_FALSE(queue.has_min_rate);
	CU_ASSERT_FALSE(fb_packet_queue_next(reply->queue_config_reply.queues, &offset, &queue));
	reply = queue_config(at, 3);
	offset = 0;
	CU_ASSERT_TRUE(fb_packet_queue_next(reply->queue_config_reply.queues, &offset, &queue));
	CU_ASSERT_TRUE(queue.has_min_rate);
	CU_ASSERT_EQUAL(queue.min_rate, 0);
	at_free(at);
}

static void a_port_without_queues_has_an_empty_configuration(void)
{
	struct at *at = at_queues();

	CU_ASSERT_EQUAL(queue_config(at, 2)->queue_config_reply.queues.len, 0);
	CU_ASSERT_EQUAL(queue_config(at, 2)->length, 16);
	at_free(at);
}

static void as_many_queues_as_a_port_may_have_fit_into_one_reply(void)
{
	struct at *at = at_ready();

	for (uint32_t id = 0; id < DATAPATH_QUEUES_MAX; id++)
		CU_ASSERT_EQUAL(datapath_add_queue(agent_datapath(at->agent), 2, id, 1), 0);
	CU_ASSERT_EQUAL(queue_config(at, 2)->queue_config_reply.queues.len,
	                DATAPATH_QUEUES_MAX * 24);
	at_free(at);
}

/* Section 5.3.4: physical ports only. */
static void the_local_port_has_no_configuration_of_queues(void)
{
	struct fb_phy_port local = {.port_no = OFPP_LOCAL};
	struct fb_msg request = {
	        .version = OFP_VERSION, .type = OFPT_QUEUE_GET_CONFIG_REQUEST, .xid = 12};
	struct at *at = at_queues();

	CU_ASSERT_EQUAL(agent_add_port(at->agent, &local, at->now_ns), 0);
	peer_clear(&at->peers[0]);
	request.queue_config_request_port = OFPP_LOCAL;
	send_msg(at, 0, &request);
	assert_error(&at->peers[0], OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, 12);
	CU_ASSERT_STRING_EQUAL(queues_listed(at, OFPP_LOCAL, OFPQ_ALL), "");
	at_free(at);
}

static void without_ports_the_list_of_all_queues_is_empty(void)
{
	struct at *at = at_queues();

	for (uint16_t n = 1; n <= 4; n++)
		CU_ASSERT_EQUAL(agent_remove_port(at->agent, n, at->now_ns), 0);
	CU_ASSERT_STRING_EQUAL(queues_listed(at, OFPP_ALL, OFPQ_ALL), "");
	at_free(at);
}

/* 32 ports with 64 queues of 32 bytes each are 13 bytes more than one message may list. */
static void many_queues_come_in_parts(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg request = stats_request(OFPST_QUEUE);

	for (uint16_t n = 1; n <= 32; n++) {
		struct fb_phy_port port = {.port_no = n};

		if (n > 4)
			agent_add_port(at->agent, &port, at->now_ns);
		for (uint32_t id = 0; id < 64; id++)
			CU_ASSERT_EQUAL_FATAL(
			        datapath_add_queue(agent_datapath(at->agent), n, id, 0), 0);
	}
	peer_clear(p);
	request.stats_request.queue.port_no = OFPP_ALL;
	request.stats_request.queue.queue_id = OFPQ_ALL;
	send_msg(at, 0, &request);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 2);
	CU_ASSERT_EQUAL(p->msgs[0].stats_reply.flags, OFPSF_REPLY_MORE);
	CU_ASSERT_EQUAL(p->msgs[0].stats_reply.entries.len, 2047 * 32);
	CU_ASSERT_EQUAL(p->msgs[1].stats_reply.flags, 0);
	CU_ASSERT_EQUAL(p->msgs[1].stats_reply.entries.len, 32);
	at_free(at);
}

/* --- Lists in parts --- */

/* Add 'count' entries, list them, and compare; returns the messages that it took. */
static size_t list_flows(unsigned count, unsigned *sends)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg request = stats_request(OFPST_FLOW);
	struct fb_flow_stats fs;
	unsigned seen = 0;
	size_t parts;

	for (unsigned i = 1; i <= count; i++) {
		struct fb_msg fm = flow_mod((uint16_t)i, output_2);

		fm.flow_mod.cookie = i;
		send_msg(at, 0, &fm);
	}
	fb_match_any(&request.stats_request.flow.match);
	request.stats_request.flow.table_id = 0xff;
	request.stats_request.flow.out_port = OFPP_NONE;
	send_msg(at, 0, &request);
	parts = peer_read(p);
	for (size_t i = 0; i < parts; i++) {
		const struct fb_msg *part = &p->msgs[i];
		size_t offset = 0;

		CU_ASSERT_EQUAL(part->xid, 11);
		CU_ASSERT_EQUAL(part->stats_reply.flags, i + 1 < parts ? OFPSF_REPLY_MORE : 0);
		while (fb_flow_stats_next(part->stats_reply.entries, &offset, &fs))
			CU_ASSERT_EQUAL_FATAL(fs.cookie, ++seen);
	}
	CU_ASSERT_EQUAL(seen, count);
	*sends = p->sends;
	at_free(at);
	return parts;
}

static void two_thousand_flows_come_in_parts_with_one_write(void)
{
	unsigned sends;

	/* 96 bytes each, 682 to a message. */
	CU_ASSERT_EQUAL(list_flows(2000, &sends), 3);
	CU_ASSERT_EQUAL(sends, 1);
	CU_ASSERT_EQUAL(list_flows(682, &sends), 1);
	CU_ASSERT_EQUAL(list_flows(683, &sends), 2);
	CU_ASSERT_EQUAL(list_flows(0, &sends), 1);
}

static void a_list_over_the_output_buffer_takes_several_writes(void)
{
	unsigned sends;

	CU_ASSERT_EQUAL(list_flows(20000, &sends), 30);
	CU_ASSERT(sends > 5 && sends < 20);
}

static void many_ports_come_in_parts(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg request = stats_request(OFPST_PORT);

	for (uint16_t n = 5; n <= 1364; n++) {
		struct fb_phy_port port = {.port_no = n};

		CU_ASSERT_EQUAL_FATAL(agent_add_port(at->agent, &port, at->now_ns), 0);
	}
	/* One more could not be told in a FEATURES_REPLY. */
	CU_ASSERT_EQUAL(
	        agent_add_port(at->agent, &(struct fb_phy_port){.port_no = 1365}, at->now_ns), -1);
	peer_clear(p);
	request.stats_request.port_no = OFPP_NONE;
	send_msg(at, 0, &request);
	CU_ASSERT_EQUAL(peer_read(p), 3);
	peer_clear(p);
	send_type(at, 0, OFPT_FEATURES_REQUEST, 1);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].features_reply.ports.len, 1364 * 48);
	at_free(at);
}

/* --- Time --- */

static void timeouts_reach_the_controller(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2);

	fm.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	fm.flow_mod.hard_timeout = 3;
	send_msg(at, 0, &fm);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 4 * FB_NS_PER_S);
	advance_to(at, 4 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[0]), 1);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].flow_removed.reason, OFPRR_HARD_TIMEOUT);
	at_free(at);
}

static void a_request_at_the_deadline_meets_no_expired_entry(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg fm = flow_mod(1, output_2), request = stats_request(OFPST_AGGREGATE);

	fm.flow_mod.hard_timeout = 3;
	send_msg(at, 0, &fm);
	fb_match_any(&request.stats_request.flow.match);
	request.stats_request.flow.table_id = 0xff;
	request.stats_request.flow.out_port = OFPP_NONE;
	at->now_ns = 4 * FB_NS_PER_S;
	send_msg(at, 0, &request);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].stats_reply.aggregate.flow_count, 0);
	at_free(at);
}

/* --- Cuts and garbage --- */

/* A conversation: HELLO, requests, flow-mods, a bad message. */
static size_t conversation(uint8_t *bytes, size_t size)
{
	static const uint8_t simple[] = {
	        OFPT_HELLO,           OFPT_FEATURES_REQUEST, OFPT_GET_CONFIG_REQUEST,
	        OFPT_BARRIER_REQUEST, OFPT_ECHO_REQUEST,     OFPT_BARRIER_REPLY};
	struct fb_buf out = fb_buf_make(bytes, size);
	struct fb_msg stats = stats_request(OFPST_FLOW);

	for (uint32_t i = 0; i < sizeof simple; i++) {
		struct fb_msg msg = {.version = OFP_VERSION, .type = simple[i], .xid = i};

		fb_msg_encode(&out, &msg);
	}
	for (uint16_t i = 1; i <= 20; i++) {
		struct fb_msg fm = flow_mod(i, output_2);

		fb_msg_encode(&out, &fm);
	}
	fb_match_any(&stats.stats_request.flow.match);
	stats.stats_request.flow.table_id = 0xff;
	stats.stats_request.flow.out_port = OFPP_NONE;
	fb_msg_encode(&out, &stats);
	CU_ASSERT_FALSE_FATAL(out.overflow);
	return out.len;
}

static void bytes_one_by_one_are_answered_like_all_at_once(void)
{
	static uint8_t bytes[8192];
	size_t len = conversation(bytes, sizeof bytes);
	struct at *whole = at_new(), *cut = at_new();

	connect_silently(whole, 0);
	connect_silently(cut, 0);
	peer_clear(&whole->peers[0]);
	send_bytes(whole, 0, bytes, len);
	CU_ASSERT_EQUAL(whole->peers[0].sends, 1);
	peer_clear(&cut->peers[0]);
	for (size_t i = 0; i < len; i++)
		send_bytes(cut, 0, bytes + i, 1);
	CU_ASSERT_EQUAL(cut->peers[0].sends, 6);
	CU_ASSERT_EQUAL_FATAL(cut->peers[0].len, whole->peers[0].len);
	CU_ASSERT_EQUAL(memcmp(cut->peers[0].bytes, whole->peers[0].bytes, whole->peers[0].len), 0);
	at_free(whole);
	at_free(cut);
}

static void garbage_on_one_connection_leaves_the_other_alone(void)
{
	static uint8_t bytes[8192], spoilt[8192];
	size_t len = conversation(bytes, sizeof bytes);
	struct at *at = at_new();
	struct rng rng;

	rng_init(&rng, 11, "agent_test");
	connect_ready(at, 1);
	for (unsigned round = 0; round < 2000; round++) {
		memcpy(spoilt, bytes, len);
		for (unsigned i = 0; i < 1 + round % 8; i++)
			spoilt[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
		peer_clear(&at->peers[0]);
		if (!at->peers[0].conn) {
			at->peers[0].closed = false;
			connect_silently(at, 0);
		}
		for (size_t at_byte = 0; at_byte < len && at->peers[0].conn;) {
			size_t step = 1 + rng_below(&rng, 500);

			step = step < len - at_byte ? step : len - at_byte;
			send_bytes(at, 0, spoilt + at_byte, step);
			at_byte += step;
		}
		agent_frame(at->agent, 3, some_frame(at), at->now_ns);
		peer_clear(&at->peers[1]);
		send_type(at, 1, OFPT_BARRIER_REQUEST, round);
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[1]), 1);
		CU_ASSERT_EQUAL_FATAL(at->peers[1].msgs[0].xid, round);
		at->now_ns += FB_NS_PER_MS;
	}
	CU_ASSERT(agent_counters(at->agent)->errors_out > 100);
	at_free(at);
}

static void a_peer_cannot_flood_the_log(void)
{
	struct at *at = at_ready();
	unsigned before = at->log_lines;

	for (unsigned i = 0; i < 1000; i++)
		send_bytes(at, 0, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 9}, 8);
	CU_ASSERT(at->log_lines - before <= 11);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_out, 1000);
	before = at->log_lines;
	at->now_ns += FB_NS_PER_S;
	send_bytes(at, 0, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 9}, 8);
	CU_ASSERT_EQUAL(at->log_lines, before + 1);
	at_free(at);
}

UNIT_TESTS("agent", UNIT_TEST(hello_is_sent_at_once_and_answered_by_silence),
           UNIT_TEST(the_smaller_version_is_spoken_if_both_have_it),

           UNIT_TEST(a_peer_that_refuses_our_hello_is_left),
           UNIT_TEST(a_peer_without_hello_has_ten_seconds),
           UNIT_TEST(timeouts_beyond_the_end_of_time_never_come),
           UNIT_TEST(an_echo_that_is_asked_for_at_the_end_of_time_is_never_overdue),
           UNIT_TEST(a_part_of_hello_wins_no_time_but_hello_does),
           UNIT_TEST(silence_brings_an_echo_request_and_more_silence_the_end),
           UNIT_TEST(an_echo_comes_back_with_its_bytes),
           UNIT_TEST(an_echo_may_be_as_long_as_a_message), UNIT_TEST(features_list_the_ports),
           UNIT_TEST(configuration_is_set_and_told),
           UNIT_TEST(after_the_barrier_reply_the_next_frame_meets_the_entry),
           UNIT_TEST(description_table_and_aggregate_are_one_message_each),
           UNIT_TEST(port_statistics_are_of_one_or_of_all),
           UNIT_TEST(queue_statistics_are_of_one_or_of_all),
           UNIT_TEST(queues_that_are_not_there_are_errors),
           UNIT_TEST(a_queued_frame_counts_in_its_queues_statistics),
           UNIT_TEST(the_configuration_of_queues_tells_their_rates),
           UNIT_TEST(a_port_without_queues_has_an_empty_configuration),
           UNIT_TEST(as_many_queues_as_a_port_may_have_fit_into_one_reply),
           UNIT_TEST(the_local_port_has_no_configuration_of_queues),
           UNIT_TEST(without_ports_the_list_of_all_queues_is_empty),
           UNIT_TEST(many_queues_come_in_parts),
           UNIT_TEST(two_thousand_flows_come_in_parts_with_one_write),
           UNIT_TEST(a_list_over_the_output_buffer_takes_several_writes),
           UNIT_TEST(many_ports_come_in_parts), UNIT_TEST(timeouts_reach_the_controller),
           UNIT_TEST(a_request_at_the_deadline_meets_no_expired_entry),
           UNIT_TEST(bytes_one_by_one_are_answered_like_all_at_once),
           UNIT_TEST(garbage_on_one_connection_leaves_the_other_alone),
           UNIT_TEST(a_peer_cannot_flood_the_log))
