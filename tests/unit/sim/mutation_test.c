/* What each mutant makes of messages and frames: these in, those out. */
#include <string.h>

#include "sim/mutation.h"
#include "tests/unit/harness.h"

enum { SWITCHES = 2, GOT_MAX = 100, BYTES_MAX = 256, S0 = 0, S1 = 1 };
enum { CLIENT_PORT = 50000, SERVER_PORT = 22 };

static const uint8_t client_mac[] = {2, 0, 0, 0, 0, 1}, server_mac[] = {2, 0, 0, 0, 0, 2},
                     other_mac[] = {2, 0, 0, 0, 0, 3}, lldp_mac[] = {1, 0x80, 0xc2, 0, 0, 0x0e};
#define CLIENT_IP UINT32_C(0x0a000001)
#define SERVER_IP UINT32_C(0x0a000002)

/* What came out. */
struct got {
	bool is_frame;
	enum mutation_point point;
	uint32_t sw;
	uint16_t port_no;
	uint64_t time_ns;
	size_t len;
	uint8_t bytes[BYTES_MAX];
};

static struct clock vclock;
static struct frame_pool *pool;
static struct mutation *mutation;
static struct got got[GOT_MAX];
static size_t got_count;

static struct got *take(uint32_t sw, const uint8_t *bytes, size_t len)
{
	struct got *g = &got[got_count++];

	CU_ASSERT_FATAL(got_count <= GOT_MAX && len <= BYTES_MAX);
	*g = (struct got){.sw = sw, .time_ns = vclock.now_ns, .len = len};
	memcpy(g->bytes, bytes, len);
	return g;
}

static void take_message(void *ctx, enum mutation_point point, uint32_t sw, const uint8_t *msg,
                         size_t len)
{
	(void)ctx;
	take(sw, msg, len)->point = point;
}

static enum datapath_sent take_frame(void *ctx, uint32_t sw, uint16_t port_no, uint32_t queue_id,
                                     struct frame *frame)
{
	struct got *g = take(sw, frame_data(frame), frame->len);

	(void)ctx;
	(void)queue_id;
	g->is_frame = true;
	g->port_no = port_no;
	return port_no == 9 ? DATAPATH_DROPPED : DATAPATH_SENT;
}

static void begin_with(const struct mutant *mutant)
{
	const struct mutation_ops ops = {.message = take_message, .output = take_frame};

	CU_ASSERT_PTR_NOT_NULL_FATAL(mutant);
	clock_init(&vclock, 1000);
	pool = frame_pool_new();
	mutation = mutation_new(mutant, &vclock, pool, SWITCHES, &ops);
	got_count = 0;
}

static void begin(const char *name)
{
	begin_with(mutants_find(name));
}

static void end(uint64_t occasions)
{
	CU_ASSERT_EQUAL(mutation_occasions(mutation), occasions);
	mutation_free(mutation);
	frame_pool_free(pool);
	clock_destroy(&vclock);
}

static void pass(enum mutation_point point, uint32_t sw, const struct fb_msg *msg)
{
	uint8_t bytes[BYTES_MAX];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&out, msg));
	mutation_message(mutation, point, sw, bytes, out.len);
}

/* The message that came out as number 'i'. */
static struct fb_msg message(size_t i)
{
	struct fb_of_error error;
	struct fb_msg msg = {0};

	CU_ASSERT_FATAL(i < got_count && !got[i].is_frame);
	CU_ASSERT_EQUAL(fb_msg_decode(got[i].bytes, got[i].len, &msg, &error), 0);
	return msg;
}

/* Messages of these types came out, in this order, and no others; they count for nothing from now on. */
#define CAME_OUT(...)                                                                              \
	do {                                                                                       \
		static const uint8_t types_[] = {__VA_ARGS__};                                     \
		came_out(types_, sizeof types_);                                                   \
	} while (0)

static void came_out(const uint8_t *types, size_t count)
{
	CU_ASSERT_EQUAL(got_count, count);
	for (size_t i = 0; i < count && i < got_count; i++)
		CU_ASSERT_EQUAL(message(i).type, types[i]);
	got_count = 0;
}

static void nothing_comes_out(void)
{
	CU_ASSERT_EQUAL(got_count, 0);
	got_count = 0;
}

/* --- What goes in --- */

static struct fb_buf actions_memory(void)
{
	static uint8_t memory[8][64];
	static unsigned next;

	next = (next + 1) % 8;
	return fb_buf_make(memory[next], sizeof memory[next]);
}

static struct fb_view view_of(const struct fb_buf *buf)
{
	return (struct fb_view){.data = buf->data, .len = buf->len};
}

static struct fb_view outputs(uint16_t port_no, uint16_t other)
{
	struct fb_buf actions = actions_memory();

	fb_action_put_output(&actions, port_no, 0);
	if (other)
		fb_action_put_output(&actions, other, 0);
	return view_of(&actions);
}

static struct fb_view rewrites(const uint8_t *mac, uint16_t port_no)
{
	struct fb_buf actions = actions_memory();

	fb_action_put_dl_addr(&actions, OFPAT_SET_DL_DST, mac);
	fb_action_put_output(&actions, port_no, 0);
	return view_of(&actions);
}

static struct fb_match match_of(bool back)
{
	return (struct fb_match){.wildcards = OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN |
	                                      OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS,
	                         .in_port = back ? 2 : 1,
	                         .dl_type = FB_ETH_IPV4,
	                         .nw_proto = FB_IP_TCP,
	                         .nw_src = back ? SERVER_IP : CLIENT_IP,
	                         .nw_dst = back ? CLIENT_IP : SERVER_IP,
	                         .tp_src = back ? SERVER_PORT : CLIENT_PORT,
	                         .tp_dst = back ? CLIENT_PORT : SERVER_PORT};
}

static struct fb_msg flow_mod(uint16_t command, uint32_t buffer_id)
{
	struct fb_msg msg = {.type = OFPT_FLOW_MOD, .xid = 77};

	msg.flow_mod = (struct fb_flow_mod){.match = match_of(false),
	                                    .command = command,
	                                    .idle_timeout = 60,
	                                    .hard_timeout = 90,
	                                    .priority = 100,
	                                    .buffer_id = buffer_id,
	                                    .out_port = OFPP_NONE,
	                                    .actions = outputs(2, 0)};
	return msg;
}

static struct fb_msg packet_out(uint32_t buffer_id, struct fb_view actions, struct fb_view data)
{
	struct fb_msg msg = {.type = OFPT_PACKET_OUT, .xid = 78};

	msg.packet_out = (struct fb_packet_out){
	        .buffer_id = buffer_id, .in_port = 1, .actions = actions, .data = data};
	return msg;
}

static struct fb_msg packet_in(uint32_t buffer_id, struct fb_view data)
{
	struct fb_msg msg = {.type = OFPT_PACKET_IN};

	msg.packet_in = (struct fb_of_packet_in){.buffer_id = buffer_id,
	                                         .total_len = (uint16_t)data.len,
	                                         .in_port = 1,
	                                         .data = data};
	return msg;
}

static struct fb_view tcp_frame(bool back, uint8_t flags, uint32_t seq, uint32_t ack)
{
	static uint8_t memory[4][BYTES_MAX];
	static unsigned next;
	struct fb_buf out = fb_buf_make(memory[next = (next + 1) % 4], BYTES_MAX);
	struct fb_eth_spec eth = {.has_vlan = false};
	const struct fb_ipv4_spec ip = {.nw_src = back ? SERVER_IP : CLIENT_IP,
	                                .nw_dst = back ? CLIENT_IP : SERVER_IP};
	const struct fb_tcp_spec tcp = {.tp_src = back ? SERVER_PORT : CLIENT_PORT,
	                                .tp_dst = back ? CLIENT_PORT : SERVER_PORT,
	                                .seq = seq,
	                                .ack = ack,
	                                .flags = flags};

	memcpy(eth.dl_src, back ? server_mac : client_mac, FB_MAC_BYTES);
	memcpy(eth.dl_dst, back ? client_mac : server_mac, FB_MAC_BYTES);
	CU_ASSERT_TRUE(fb_build_tcp(&out, &eth, &ip, &tcp, NULL, 0));
	return view_of(&out);
}

static struct fb_view syn(uint32_t seq)
{
	return tcp_frame(false, FB_TCP_SYN, seq, 0);
}

static struct fb_view lldp_frame(void)
{
	static uint8_t memory[64];
	struct fb_buf out = fb_buf_make(memory, sizeof memory);
	struct fb_eth_spec eth = {.has_vlan = false};

	memcpy(eth.dl_dst, lldp_mac, FB_MAC_BYTES);
	fb_build_eth(&out, &eth, FB_ETH_LLDP, "\2\7", 2);
	return view_of(&out);
}

static struct fb_msg of_type(uint8_t type)
{
	return (struct fb_msg){.type = type, .xid = 79};
}

/* The switch has the ports 1, 2 and 5. */
static void tell_ports(enum mutation_point point)
{
	static const uint16_t numbers[] = {5, OFPP_LOCAL, 1, 2};
	uint8_t memory[4 * sizeof(struct ofp_phy_port)];
	struct fb_buf ports = fb_buf_make(memory, sizeof memory);
	struct fb_msg msg = of_type(OFPT_FEATURES_REPLY);

	for (size_t i = 0; i < 4; i++) {
		const struct fb_phy_port port = {.port_no = numbers[i]};

		CU_ASSERT_TRUE(fb_phy_port_put(&ports, &port));
	}
	msg.features_reply.ports = view_of(&ports);
	pass(point, S0, &msg);
	CAME_OUT(OFPT_FEATURES_REPLY);
}

static void pass_flow_mod(enum mutation_point point, uint16_t command, uint32_t buffer_id)
{
	const struct fb_msg msg = flow_mod(command, buffer_id);

	pass(point, S0, &msg);
}

static void pass_packet_in(enum mutation_point point, uint32_t buffer_id)
{
	const struct fb_msg msg = packet_in(buffer_id, syn(1));

	pass(point, S0, &msg);
}

static void pass_packet_out(enum mutation_point point, uint32_t buffer_id)
{
	const struct fb_msg msg = packet_out(buffer_id, outputs(2, 0), (struct fb_view){0});

	pass(point, S0, &msg);
}

static void pass_type(enum mutation_point point, uint8_t type)
{
	const struct fb_msg msg = of_type(type);

	pass(point, S0, &msg);
}

static void pass_flow_removed(enum mutation_point point, uint8_t reason)
{
	struct fb_msg msg = of_type(OFPT_FLOW_REMOVED);

	msg.flow_removed.reason = reason;
	pass(point, S0, &msg);
}

static void pass_port_status(enum mutation_point point, uint8_t reason, uint32_t state)
{
	struct fb_msg msg = of_type(OFPT_PORT_STATUS);

	msg.port_status.reason = reason;
	msg.port_status.desc.state = state;
	pass(point, S0, &msg);
}

/* --- Frames --- */

static void leave(uint16_t port_no, struct fb_view bytes)
{
	struct frame *frame = frame_copy_of(pool, bytes.data, bytes.len);

	frame->tag = 7;
	CU_ASSERT_EQUAL(mutation_output(mutation, S0, port_no, OFPQ_ALL, frame),
	                port_no == 9 ? DATAPATH_DROPPED : DATAPATH_SENT);
	CU_ASSERT_EQUAL(frame->len, bytes.len);
	CU_ASSERT_EQUAL(memcmp(frame_data(frame), bytes.data, bytes.len), 0);
	frame_unref(frame);
}

static bool is_same(const struct got *g, struct fb_view bytes)
{
	return g->is_frame && g->len == bytes.len && !memcmp(g->bytes, bytes.data, bytes.len);
}

/* --- All mutants --- */

/* At every point of every mutant. */
static void all_pass(const struct fb_msg *msg)
{
	const struct mutant *mutant;

	for (size_t i = 0; (mutant = mutants_at(i)) != NULL; i++) {
		begin_with(mutant);
		for (unsigned point = 0; point < MUTATION_POINTS; point++)
			for (unsigned times = 0; times < 40; times++) {
				pass((enum mutation_point)point, S1, msg);
				CU_ASSERT_EQUAL(got_count, 1);
				CU_ASSERT_EQUAL(got[0].point, point);
				CU_ASSERT_EQUAL(got[0].sw, S1);
				CU_ASSERT_EQUAL(message(0).type, msg->type);
				got_count = 0;
			}
		end(0);
	}
}

static void names_are_unique_and_found(void)
{
	const struct mutant *mutant;
	size_t count = 0;

	for (; (mutant = mutants_at(count)) != NULL; count++) {
		CU_ASSERT_PTR_EQUAL(mutants_find(mutant->name), mutant);
		CU_ASSERT_TRUE(strlen(mutant->description) > 10);
		CU_ASSERT_TRUE((mutant->message != NULL) != (mutant->output != NULL));
	}
	CU_ASSERT_TRUE(count >= 20);
	CU_ASSERT_PTR_NULL(mutants_find("none"));
}

static void the_handshake_is_left_alone(void)
{
	static const uint8_t types[] = {OFPT_HELLO, OFPT_FEATURES_REQUEST, OFPT_FEATURES_REPLY,
	                                OFPT_SET_CONFIG, OFPT_ECHO_REQUEST};

	for (size_t i = 0; i < sizeof types; i++) {
		const struct fb_msg msg = of_type(types[i]);

		all_pass(&msg);
	}
}

static void discovery_is_left_alone(void)
{
	const struct fb_msg in = packet_in(OFP_NO_BUFFER, lldp_frame());
	const struct fb_msg out = packet_out(OFP_NO_BUFFER, outputs(1, 2), lldp_frame());
	const struct mutant *mutant;

	all_pass(&in);
	all_pass(&out);
	for (size_t i = 0; (mutant = mutants_at(i)) != NULL; i++) {
		begin_with(mutant);
		for (unsigned times = 0; times < 40; times++)
			leave(1, lldp_frame());
		CU_ASSERT_EQUAL(got_count, 40);
		end(0);
	}
}

static void buffers_of_discovery_are_left_alone(void)
{
	const struct fb_msg in = packet_in(3, lldp_frame());

	begin("leaked-buffer");
	for (unsigned times = 0; times < 40; times++) {
		pass(CONTROLLER_HEARS, S0, &in);
		pass_packet_out(CONTROLLER_SAYS, 3);
		CAME_OUT(OFPT_PACKET_IN, OFPT_PACKET_OUT);
	}
	end(0);
}

static void an_entry_that_no_frame_can_match_is_left_alone(void)
{
	struct fb_msg msg = flow_mod(OFPFC_ADD, OFP_NO_BUFFER);

	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.match.wildcards &= ~(uint32_t)OFPFW_DL_SRC;
	msg.flow_mod.match.dl_src[0] = 3;
	all_pass(&msg);
	msg.flow_mod.command = OFPFC_DELETE_STRICT;
	all_pass(&msg);
}

static void what_passes_on_the_other_side_is_left_alone(void)
{
	begin("no-deletes");
	pass_flow_mod(SWITCH_HEARS, OFPFC_DELETE, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	end(0);
	begin("ignores-deletes");
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	end(0);
}

static void what_the_output_comes_to_is_told(void)
{
	begin("wrong-checksum");
	leave(9, syn(1)); /* a queue that is full */
	end(0);
}

/* --- Controllers --- */

static void every_fifth_buffer_is_leaked(void)
{
	begin("leaked-buffer");
	for (uint32_t id = 1; id <= 10; id++) {
		pass_packet_in(CONTROLLER_HEARS, id);
		CAME_OUT(OFPT_PACKET_IN);
	}
	pass_packet_in(CONTROLLER_HEARS, OFP_NO_BUFFER);
	CAME_OUT(OFPT_PACKET_IN);
	pass_packet_out(CONTROLLER_SAYS, 4);
	CAME_OUT(OFPT_PACKET_OUT);
	pass_packet_out(CONTROLLER_SAYS, 5);
	nothing_comes_out();
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, 10);
	CU_ASSERT_EQUAL(message(0).flow_mod.buffer_id, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, 9);
	CU_ASSERT_EQUAL(message(0).flow_mod.buffer_id, 9);
	end(2);
}

static void a_leaked_buffer_is_forgotten_with_its_connection(void)
{
	begin("leaked-buffer");
	for (uint32_t id = 1; id <= 5; id++)
		pass_packet_in(CONTROLLER_HEARS, id);
	mutation_forget(mutation, S1);
	got_count = 0;
	pass_packet_out(CONTROLLER_SAYS, 5);
	nothing_comes_out();
	mutation_forget(mutation, S0);
	pass_packet_out(CONTROLLER_SAYS, 5);
	CAME_OUT(OFPT_PACKET_OUT);
	end(1);
}

static void no_entry_is_installed_for_what_a_server_sends(void)
{
	struct fb_msg msg = flow_mod(OFPFC_ADD, OFP_NO_BUFFER);

	begin("no-reverse-entry");
	pass(CONTROLLER_SAYS, S0, &msg);
	CAME_OUT(OFPT_FLOW_MOD);
	msg.flow_mod.match = match_of(true);
	pass(CONTROLLER_SAYS, S0, &msg);
	nothing_comes_out();
	/* Its packet is sent nevertheless. */
	pass_packet_in(CONTROLLER_HEARS, 4);
	CAME_OUT(OFPT_PACKET_IN);
	msg.flow_mod.buffer_id = 4;
	pass(CONTROLLER_SAYS, S0, &msg);
	CU_ASSERT_EQUAL(message(0).packet_out.buffer_id, 4);
	CU_ASSERT_EQUAL(message(0).packet_out.in_port, 1);
	CU_ASSERT_EQUAL(message(0).packet_out.actions.len, 8);
	CAME_OUT(OFPT_PACKET_OUT);
	msg.flow_mod.command = OFPFC_DELETE_STRICT;
	pass(CONTROLLER_SAYS, S0, &msg);
	CAME_OUT(OFPT_FLOW_MOD);
	end(2);
}

static void flow_mods_come_late(void)
{
	begin("late-flow-mod");
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, 4);
	CAME_OUT(OFPT_PACKET_OUT);
	CU_ASSERT_TRUE(mutation_holds(mutation));
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE, OFP_NO_BUFFER);
	pass_type(CONTROLLER_SAYS, OFPT_BARRIER_REQUEST);
	CAME_OUT(OFPT_BARRIER_REQUEST);
	while (clock_step(&vclock)) {
	}
	CU_ASSERT_EQUAL(vclock.now_ns, 5 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(got[0].point, CONTROLLER_SAYS);
	CU_ASSERT_EQUAL(message(0).flow_mod.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(message(1).flow_mod.command, OFPFC_DELETE);
	CAME_OUT(OFPT_FLOW_MOD, OFPT_FLOW_MOD);
	CU_ASSERT_FALSE(mutation_holds(mutation));
	end(2);
}

static void what_is_held_is_lost_with_its_connection(void)
{
	const struct fb_msg msg = flow_mod(OFPFC_ADD, OFP_NO_BUFFER);

	begin("late-flow-mod");
	pass(CONTROLLER_SAYS, S0, &msg);
	pass(CONTROLLER_SAYS, S1, &msg);
	mutation_forget(mutation, S0);
	while (clock_step(&vclock)) {
	}
	CU_ASSERT_EQUAL(got[0].sw, S1);
	CAME_OUT(OFPT_FLOW_MOD);
	pass(CONTROLLER_SAYS, S0, &msg); /* and at the end of the run */
	end(3);
}

/* The SYN as the controller sees it, whose checksum is right. */
static uint32_t seq_seen(struct fb_view data)
{
	struct fb_packet packet;

	CU_ASSERT_EQUAL(fb_packet_parse(&packet, data.data, data.len), 0);
	CU_ASSERT_TRUE(packet.is_tcp);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&packet));
	return packet.tcp_seq;
}

static uint32_t ack_seen(struct fb_view data)
{
	struct fb_packet packet;

	CU_ASSERT_EQUAL(fb_packet_parse(&packet, data.data, data.len), 0);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&packet));
	return packet.tcp_ack;
}

static void hear(uint32_t sw, struct fb_view data)
{
	const struct fb_msg msg = packet_in(3, data);

	got_count = 0;
	pass(CONTROLLER_HEARS, sw, &msg);
}

static void say(struct fb_view data)
{
	const struct fb_msg msg = packet_out(OFP_NO_BUFFER, outputs(2, 0), data);

	got_count = 0;
	pass(CONTROLLER_SAYS, S0, &msg);
}

static void a_syn_that_comes_again_has_another_number(void)
{
	uint32_t again;

	begin("round-robin-on-retransmission");
	hear(S0, syn(1000));
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_in.data), 1000);
	hear(S1, syn(1000)); /* the same one, further on */
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_in.data), 1000);
	hear(S0, syn(1000));
	again = seq_seen(message(0).packet_in.data);
	CU_ASSERT_NOT_EQUAL(again, 1000);
	hear(S0, syn(1000));
	CU_ASSERT_NOT_EQUAL(seq_seen(message(0).packet_in.data), 1000);
	CU_ASSERT_NOT_EQUAL(seq_seen(message(0).packet_in.data), again);
	hear(S0, syn(5000)); /* this is a new one */
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_in.data), 5000);
	end(2);
}

static void hosts_know_nothing_of_other_numbers(void)
{
	uint32_t again;

	begin("round-robin-on-retransmission");
	hear(S0, syn(1000));
	hear(S0, syn(1000));
	again = seq_seen(message(0).packet_in.data);
	say(syn(again));
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_out.data), 1000);
	say(syn(1000));
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_out.data), 1000);
	hear(S0, tcp_frame(true, FB_TCP_SYN | FB_TCP_ACK, 9, 1001));
	CU_ASSERT_EQUAL(ack_seen(message(0).packet_in.data), again + 1);
	say(tcp_frame(true, FB_TCP_SYN | FB_TCP_ACK, 9, again + 1));
	CU_ASSERT_EQUAL(ack_seen(message(0).packet_out.data), 1001);
	hear(S0, tcp_frame(false, FB_TCP_ACK, 1001, 10));
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_in.data), again + 1);
	say(tcp_frame(false, FB_TCP_ACK, again + 1, 10));
	CU_ASSERT_EQUAL(seq_seen(message(0).packet_out.data), 1001);
	end(1);
}

/* The address that entry number 'i' sets. */
static uint64_t mac_set(size_t i)
{
	const struct fb_msg msg = message(i);
	struct fb_action action;
	size_t offset = 0;

	CU_ASSERT_TRUE(fb_action_next(msg.flow_mod.actions.data, msg.flow_mod.actions.len, &offset,
	                              &action));
	CU_ASSERT_EQUAL(action.type, OFPAT_SET_DL_DST);
	return fb_mac_to_u64(action.dl_addr);
}

static void every_third_entry_has_the_address_of_another(void)
{
	struct fb_msg msg = flow_mod(OFPFC_ADD, OFP_NO_BUFFER);

	begin("wrong-server-mac");
	for (unsigned i = 0; i < 5; i++) { /* of the first there is no other */
		msg.flow_mod.actions = rewrites(i % 2 ? other_mac : server_mac, 2);
		pass(CONTROLLER_SAYS, S0, &msg);
	}
	CU_ASSERT_EQUAL(mac_set(0), 0x020000000002);
	CU_ASSERT_EQUAL(mac_set(1), 0x020000000003);
	CU_ASSERT_EQUAL(mac_set(2), 0x020000000002);
	CU_ASSERT_EQUAL(mac_set(3), 0x020000000002);
	CU_ASSERT_EQUAL(mac_set(4), 0x020000000002);
	got_count = 0;
	for (unsigned i = 0; i < 10; i++) { /* one client is always the same */
		msg.flow_mod.match = match_of(true);
		msg.flow_mod.actions = rewrites(client_mac, 1);
		pass(CONTROLLER_SAYS, S0, &msg);
		CU_ASSERT_EQUAL(mac_set(i), 0x020000000001);
	}
	end(1);
}

static void barriers_are_answered_unasked(void)
{
	begin("no-barriers");
	pass_type(CONTROLLER_SAYS, OFPT_BARRIER_REQUEST);
	nothing_comes_out(); /* the controller is not called while it speaks */
	CU_ASSERT_TRUE(clock_step(&vclock));
	CU_ASSERT_EQUAL(vclock.now_ns, 0);
	CU_ASSERT_EQUAL(got[0].point, CONTROLLER_HEARS);
	CU_ASSERT_EQUAL(message(0).xid, 79);
	CAME_OUT(OFPT_BARRIER_REPLY);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	end(1);
}

static void packet_outs_with_a_frame_are_sent_twice(void)
{
	begin("packet-out-twice");
	say(syn(1));
	CAME_OUT(OFPT_PACKET_OUT, OFPT_PACKET_OUT);
	pass_packet_out(CONTROLLER_SAYS, 4);
	CAME_OUT(OFPT_PACKET_OUT);
	end(1);
}

static size_t actions_count(struct fb_view actions)
{
	struct fb_action action;
	size_t offset = 0, count = 0;

	while (fb_action_next(actions.data, actions.len, &offset, &action))
		count++;
	return count;
}

static void floods_go_back_too(void)
{
	struct fb_msg out = packet_out(4, outputs(OFPP_FLOOD, 0), (struct fb_view){0});
	struct fb_msg entry = flow_mod(OFPFC_ADD, OFP_NO_BUFFER);

	begin("output-to-ingress");
	pass(CONTROLLER_SAYS, S0, &out);
	CU_ASSERT_EQUAL(actions_count(message(0).packet_out.actions), 2);
	got_count = 0;
	out.packet_out.actions = outputs(2, 3);
	pass(CONTROLLER_SAYS, S0, &out);
	CU_ASSERT_EQUAL(actions_count(message(0).packet_out.actions), 3);
	got_count = 0;
	out.packet_out.actions = outputs(2, 0); /* to one alone */
	pass(CONTROLLER_SAYS, S0, &out);
	CU_ASSERT_EQUAL(actions_count(message(0).packet_out.actions), 1);
	got_count = 0;
	out.packet_out.actions = outputs(2, 3);
	out.packet_out.in_port = OFPP_NONE; /* came in by no port */
	pass(CONTROLLER_SAYS, S0, &out);
	CU_ASSERT_EQUAL(actions_count(message(0).packet_out.actions), 2);
	got_count = 0;
	entry.flow_mod.actions = outputs(OFPP_ALL, 0);
	pass(CONTROLLER_SAYS, S0, &entry);
	CU_ASSERT_EQUAL(actions_count(message(0).flow_mod.actions), 2);
	end(3);
}

static uint16_t first_port(size_t i)
{
	const struct fb_msg msg = message(i);
	struct fb_action action;
	size_t offset = 0;

	CU_ASSERT_TRUE(fb_action_next(msg.packet_out.actions.data, msg.packet_out.actions.len,
	                              &offset, &action));
	return action.output.port;
}

static void every_tenth_packet_out_goes_to_the_next_port(void)
{
	const struct fb_msg drop = packet_out(4, outputs(1, 0), (struct fb_view){0});

	begin("wrong-output-port");
	pass_packet_out(CONTROLLER_SAYS, 4); /* its ports are not known */
	got_count = 0;
	tell_ports(CONTROLLER_HEARS);
	for (unsigned i = 0; i < 20; i++)
		pass(CONTROLLER_SAYS, S0, &drop); /* goes nowhere: it came in there */
	got_count = 0;
	for (unsigned i = 0; i < 10; i++) {
		pass_packet_out(CONTROLLER_SAYS, 4);
		CU_ASSERT_EQUAL(first_port(i), i < 9 ? 2 : 5);
	}
	end(1);
}

static void the_next_port_after_the_last_is_the_first(void)
{
	begin("wrong-output-port");
	CU_ASSERT_EQUAL(mutation_next_port(mutation, S0, 1), 0);
	tell_ports(CONTROLLER_HEARS);
	CU_ASSERT_EQUAL(mutation_next_port(mutation, S0, 1), 2);
	CU_ASSERT_EQUAL(mutation_next_port(mutation, S0, 2), 5);
	CU_ASSERT_EQUAL(mutation_next_port(mutation, S0, 5), 1);
	CU_ASSERT_EQUAL(mutation_next_port(mutation, S1, 5), 0);
	end(0);
}

static void entries_have_no_timeouts(void)
{
	begin("entries-for-ever");
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(message(0).flow_mod.idle_timeout, 0);
	CU_ASSERT_EQUAL(message(0).flow_mod.hard_timeout, 0);
	CAME_OUT(OFPT_FLOW_MOD);
	end(1);
}

static void entries_match_any_port(void)
{
	begin("ports-wildcarded");
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, OFP_NO_BUFFER);
	CU_ASSERT_TRUE(message(0).flow_mod.match.wildcards & OFPFW_TP_SRC);
	CU_ASSERT_TRUE(message(0).flow_mod.match.wildcards & OFPFW_TP_DST);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE_STRICT, OFP_NO_BUFFER);
	CU_ASSERT_TRUE(message(1).flow_mod.match.wildcards & OFPFW_TP_DST);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE, OFP_NO_BUFFER);
	CU_ASSERT_FALSE(message(2).flow_mod.match.wildcards & OFPFW_TP_DST);
	end(2);
}

static void nothing_is_deleted(void)
{
	begin("no-deletes");
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE, OFP_NO_BUFFER);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_DELETE_STRICT, OFP_NO_BUFFER);
	nothing_comes_out();
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_MODIFY, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	end(2);
}

static void what_is_alike_is_deleted_too(void)
{
	struct fb_msg msg = flow_mod(OFPFC_DELETE_STRICT, OFP_NO_BUFFER);

	begin("deletes-too-much");
	pass(CONTROLLER_SAYS, S0, &msg);
	CU_ASSERT_EQUAL(message(0).flow_mod.command, OFPFC_DELETE_STRICT);
	CU_ASSERT_EQUAL(message(1).flow_mod.command, OFPFC_DELETE);
	CU_ASSERT_TRUE(message(1).flow_mod.match.wildcards & OFPFW_TP_SRC);
	CU_ASSERT_EQUAL(message(1).flow_mod.match.nw_dst, SERVER_IP);
	CAME_OUT(OFPT_FLOW_MOD, OFPT_FLOW_MOD);
	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.match.wildcards &= ~(uint32_t)(OFPFW_DL_SRC | OFPFW_DL_DST);
	memcpy(msg.flow_mod.match.dl_dst, server_mac, FB_MAC_BYTES);
	pass(CONTROLLER_SAYS, S0, &msg);
	CU_ASSERT_TRUE(message(1).flow_mod.match.wildcards & OFPFW_DL_SRC);
	CU_ASSERT_FALSE(message(1).flow_mod.match.wildcards & OFPFW_DL_DST);
	got_count = 0;
	fb_match_any(&msg.flow_mod.match); /* nothing is alike */
	pass(CONTROLLER_SAYS, S0, &msg);
	pass_flow_mod(CONTROLLER_SAYS, OFPFC_ADD, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD, OFPT_FLOW_MOD);
	end(2);
}

static void ports_that_go_down_are_hidden(const char *name, enum mutation_point point)
{
	begin(name);
	pass_port_status(point, OFPPR_MODIFY, OFPPS_LINK_DOWN);
	pass_port_status(point, OFPPR_DELETE, 0);
	nothing_comes_out();
	pass_port_status(point, OFPPR_MODIFY, 0);
	CAME_OUT(OFPT_PORT_STATUS);
	end(2);
}

static void entries_that_expire_are_hidden(const char *name, enum mutation_point point)
{
	begin(name);
	pass_flow_removed(point, OFPRR_IDLE_TIMEOUT);
	pass_flow_removed(point, OFPRR_HARD_TIMEOUT);
	nothing_comes_out();
	pass_flow_removed(point, OFPRR_DELETE);
	CAME_OUT(OFPT_FLOW_REMOVED);
	end(2);
}

static void a_deaf_controller_does_not_hear_of_ports(void)
{
	ports_that_go_down_are_hidden("deaf-to-port-status", CONTROLLER_HEARS);
}

static void a_deaf_controller_does_not_hear_of_entries(void)
{
	entries_that_expire_are_hidden("deaf-to-flow-removed", CONTROLLER_HEARS);
}

static void every_seventh_packet_in_is_lost(void)
{
	begin("lost-packet-in");
	for (unsigned i = 1; i <= 14; i++)
		pass_packet_in(CONTROLLER_HEARS, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(got_count, 12);
	end(2);
}

static void echo_requests_are_not_answered(void)
{
	begin("no-echo-reply");
	pass_type(CONTROLLER_SAYS, OFPT_ECHO_REPLY);
	nothing_comes_out();
	pass_type(CONTROLLER_HEARS, OFPT_ECHO_REPLY);
	pass_type(CONTROLLER_SAYS, OFPT_ECHO_REQUEST);
	CAME_OUT(OFPT_ECHO_REPLY, OFPT_ECHO_REQUEST);
	end(1);
}

/* --- Switches --- */

static bool has_right_checksums(const struct got *g)
{
	struct fb_packet packet;

	return !fb_packet_parse(&packet, g->bytes, g->len) && packet.is_ipv4 &&
	       fb_packet_checksums_ok(&packet);
}

static void every_twentieth_checksum_is_wrong(void)
{
	begin("wrong-checksum");
	for (unsigned i = 0; i < 20; i++) {
		leave(1, syn(1));
		CU_ASSERT_EQUAL(is_same(&got[i], syn(1)), i < 19);
		CU_ASSERT_EQUAL(has_right_checksums(&got[i]), i < 19);
		CU_ASSERT_EQUAL(got[i].port_no, 1);
	}
	end(1);
}

static void every_fourth_add_is_ignored(void)
{
	begin("ignores-adds");
	for (unsigned i = 0; i < 3; i++)
		pass_flow_mod(SWITCH_HEARS, OFPFC_ADD, 4);
	pass_flow_mod(SWITCH_HEARS, OFPFC_DELETE, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD, OFPT_FLOW_MOD, OFPT_FLOW_MOD, OFPT_FLOW_MOD);
	pass_flow_mod(SWITCH_HEARS, OFPFC_ADD, 4); /* the frame is sent on */
	CAME_OUT(OFPT_PACKET_OUT);
	end(1);
}

static void deletes_are_ignored(void)
{
	begin("ignores-deletes");
	pass_flow_mod(SWITCH_HEARS, OFPFC_DELETE, OFP_NO_BUFFER);
	pass_flow_mod(SWITCH_HEARS, OFPFC_DELETE_STRICT, OFP_NO_BUFFER);
	nothing_comes_out();
	pass_flow_mod(SWITCH_HEARS, OFPFC_ADD, OFP_NO_BUFFER);
	CAME_OUT(OFPT_FLOW_MOD);
	end(2);
}

/* A switch of which this test has its datapath: what it is told it forwards. */
static void take_and_forward(void *ctx, enum mutation_point point, uint32_t sw, const uint8_t *msg,
                             size_t len)
{
	const struct fb_view *frame = ctx;

	take_message(NULL, point, sw, msg, len);
	if (point == SWITCH_HEARS)
		leave(2, *frame);
}

static void begin_forwarding(const char *name, const struct fb_view *frame)
{
	const struct mutation_ops ops = {
	        .message = take_and_forward, .output = take_frame, .ctx = (void *)(uintptr_t)frame};

	clock_init(&vclock, 1000);
	pool = frame_pool_new();
	mutation = mutation_new(mutants_find(name), &vclock, pool, SWITCHES, &ops);
	got_count = 0;
}

static size_t frames_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < got_count; i++)
		count += got[i].is_frame;
	got_count = 0;
	return count;
}

static void a_released_frame_is_sent_twice(void)
{
	const struct fb_view frame = syn(1);
	const struct fb_msg carrying = packet_out(OFP_NO_BUFFER, outputs(2, 0), frame);

	begin_forwarding("buffer-sent-twice", &frame);
	pass_packet_in(SWITCH_SAYS, 4);
	got_count = 0;
	pass_packet_out(SWITCH_HEARS, 4);
	CU_ASSERT_EQUAL(frames_count(), 2);
	pass_flow_mod(SWITCH_HEARS, OFPFC_ADD, 4);
	CU_ASSERT_EQUAL(frames_count(), 2);
	pass(SWITCH_HEARS, S0, &carrying); /* that was in no buffer */
	CU_ASSERT_EQUAL(frames_count(), 1);
	leave(2, frame);
	CU_ASSERT_EQUAL(frames_count(), 1);
	end(2);
}

static void addresses_are_not_rewritten(void)
{
	const struct fb_view came = syn(1), back = tcp_frame(true, FB_TCP_SYN, 1, 0);
	struct frame *frame;

	begin_forwarding("ignores-rewrites", &back); /* as it would leave */
	frame = frame_copy_of(pool, came.data, came.len);
	mutation_input(mutation, S0, frame);
	leave(2, back);
	CU_ASSERT_EQUAL(memcmp(got[0].bytes, came.data, MUTATION_ADDRESSES_BYTES), 0);
	CU_ASSERT_EQUAL(memcmp(got[0].bytes + MUTATION_ADDRESSES_BYTES,
	                       back.data + MUTATION_ADDRESSES_BYTES,
	                       back.len - MUTATION_ADDRESSES_BYTES),
	                0);
	leave(2, came);
	CU_ASSERT_TRUE(is_same(&got[1], came));
	mutation_input(mutation, S0, NULL);
	leave(2, back); /* where it came from nobody knows */
	CU_ASSERT_TRUE(is_same(&got[2], back));
	frame_unref(frame);
	end(1);
}

static void addresses_of_released_frames_are_not_rewritten(void)
{
	const struct fb_view came = syn(1), back = tcp_frame(true, FB_TCP_SYN, 1, 0);
	const struct fb_msg carrying = packet_out(OFP_NO_BUFFER, outputs(2, 0), came);

	begin_forwarding("ignores-rewrites", &back);
	pass_packet_in(SWITCH_SAYS, 4);
	got_count = 0;
	pass_packet_out(SWITCH_HEARS, 4);
	CU_ASSERT_EQUAL(memcmp(got[1].bytes, came.data, MUTATION_ADDRESSES_BYTES), 0);
	got_count = 0;
	pass(SWITCH_HEARS, S0, &carrying);
	CU_ASSERT_EQUAL(memcmp(got[1].bytes, came.data, MUTATION_ADDRESSES_BYTES), 0);
	got_count = 0;
	pass_packet_out(SWITCH_HEARS, 5); /* a buffer that nobody told of */
	CU_ASSERT_TRUE(is_same(&got[1], back));
	end(2);
}

static void a_silent_switch_does_not_tell_of_entries(void)
{
	entries_that_expire_are_hidden("no-flow-removed", SWITCH_SAYS);
}

static void a_silent_switch_does_not_tell_of_ports(void)
{
	ports_that_go_down_are_hidden("no-port-status", SWITCH_SAYS);
}

static void barriers_pass_flow_mods(void)
{
	begin("early-barrier-reply");
	pass_flow_mod(SWITCH_HEARS, OFPFC_ADD, 4);
	pass_type(SWITCH_HEARS, OFPT_BARRIER_REQUEST);
	CAME_OUT(OFPT_BARRIER_REQUEST);
	while (clock_step(&vclock)) {
	}
	CU_ASSERT_EQUAL(got[0].time_ns, 3 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(message(0).flow_mod.buffer_id, 4);
	CAME_OUT(OFPT_FLOW_MOD);
	end(1);
}

static void every_fifth_packet_in_tells_another_port(void)
{
	begin("wrong-in-port");
	tell_ports(SWITCH_SAYS);
	for (unsigned i = 0; i < 5; i++) {
		pass_packet_in(SWITCH_SAYS, 4);
		CU_ASSERT_EQUAL(message(i).packet_in.in_port, i < 4 ? 1 : 2);
	}
	end(1);
}

static void every_eighth_frame_is_overtaken(void)
{
	begin("reversed-frames");
	for (uint32_t i = 1; i <= 9; i++)
		leave(1, syn(i));
	CU_ASSERT_EQUAL(got_count, 9);
	CU_ASSERT_TRUE(is_same(&got[6], syn(7)));
	CU_ASSERT_TRUE(is_same(&got[7], syn(9)));
	CU_ASSERT_TRUE(is_same(&got[8], syn(8)));
	CU_ASSERT_FALSE(mutation_holds(mutation));
	CU_ASSERT_FALSE(clock_step(&vclock));
	end(1);
}

static void a_frame_waits_for_another_of_its_port_and_not_for_long(void)
{
	begin("reversed-frames");
	for (uint32_t i = 1; i <= 8; i++)
		leave(1, syn(i));
	leave(2, syn(9));
	CU_ASSERT_EQUAL(got_count, 8);
	CU_ASSERT_TRUE(clock_step(&vclock));
	CU_ASSERT_EQUAL(vclock.now_ns, FB_NS_PER_MS);
	CU_ASSERT_TRUE(is_same(&got[8], syn(8)));
	end(1);
}

static void a_frame_that_waits_leaves_when_the_connection_begins_anew(void)
{
	begin("reversed-frames");
	for (uint32_t i = 1; i <= 8; i++)
		leave(1, syn(i));
	mutation_forget(mutation, S0);
	CU_ASSERT_TRUE(is_same(&got[7], syn(8)));
	for (uint32_t i = 1; i <= 8; i++)
		leave(1, syn(i)); /* the last one is held at the end of the run */
	end(2);
}

static void every_twentieth_frame_is_a_byte_short(void)
{
	begin("truncated-frames");
	for (unsigned i = 0; i < 20; i++) {
		leave(1, syn(1));
		CU_ASSERT_EQUAL(got[i].len, syn(1).len - (i == 19));
	}
	end(1);
}

UNIT_TESTS("mutation", UNIT_TEST(names_are_unique_and_found),
           UNIT_TEST(the_handshake_is_left_alone), UNIT_TEST(discovery_is_left_alone),
           UNIT_TEST(buffers_of_discovery_are_left_alone),
           UNIT_TEST(an_entry_that_no_frame_can_match_is_left_alone),
           UNIT_TEST(what_passes_on_the_other_side_is_left_alone),
           UNIT_TEST(what_the_output_comes_to_is_told), UNIT_TEST(every_fifth_buffer_is_leaked),
           UNIT_TEST(a_leaked_buffer_is_forgotten_with_its_connection),
           UNIT_TEST(no_entry_is_installed_for_what_a_server_sends), UNIT_TEST(flow_mods_come_late),
           UNIT_TEST(what_is_held_is_lost_with_its_connection),
           UNIT_TEST(a_syn_that_comes_again_has_another_number),
           UNIT_TEST(hosts_know_nothing_of_other_numbers),
           UNIT_TEST(every_third_entry_has_the_address_of_another),
           UNIT_TEST(barriers_are_answered_unasked),
           UNIT_TEST(packet_outs_with_a_frame_are_sent_twice), UNIT_TEST(floods_go_back_too),
           UNIT_TEST(every_tenth_packet_out_goes_to_the_next_port),
           UNIT_TEST(the_next_port_after_the_last_is_the_first),
           UNIT_TEST(entries_have_no_timeouts), UNIT_TEST(entries_match_any_port),
           UNIT_TEST(nothing_is_deleted), UNIT_TEST(what_is_alike_is_deleted_too),
           UNIT_TEST(a_deaf_controller_does_not_hear_of_ports),
           UNIT_TEST(a_deaf_controller_does_not_hear_of_entries),
           UNIT_TEST(every_seventh_packet_in_is_lost), UNIT_TEST(echo_requests_are_not_answered),
           UNIT_TEST(every_twentieth_checksum_is_wrong), UNIT_TEST(every_fourth_add_is_ignored),
           UNIT_TEST(deletes_are_ignored), UNIT_TEST(a_released_frame_is_sent_twice),
           UNIT_TEST(addresses_are_not_rewritten),
           UNIT_TEST(addresses_of_released_frames_are_not_rewritten),
           UNIT_TEST(a_silent_switch_does_not_tell_of_entries),
           UNIT_TEST(a_silent_switch_does_not_tell_of_ports), UNIT_TEST(barriers_pass_flow_mods),
           UNIT_TEST(every_fifth_packet_in_tells_another_port),
           UNIT_TEST(every_eighth_frame_is_overtaken),
           UNIT_TEST(a_frame_waits_for_another_of_its_port_and_not_for_long),
           UNIT_TEST(a_frame_that_waits_leaves_when_the_connection_begins_anew),
           UNIT_TEST(every_twentieth_frame_is_a_byte_short))
