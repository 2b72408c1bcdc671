/* Several connections of an agent at once: who gets which events, what the loss of the controllers
 * does, and that a peer that does not read holds up nobody else. */
#include "tests/unit/softswitch/agent_fixture.h"

/* --- Several connections --- */

static void events_go_to_all_that_said_hello_and_replies_to_who_asked(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	connect_silently(at, 2);
	peer_clear(&at->peers[2]);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_PACKET_IN);
		peer_clear(&at->peers[i]);
	}
	agent_set_link(at->agent, 2, false, at->now_ns);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_PORT_STATUS);
		peer_clear(&at->peers[i]);
	}
	send_type(at, 0, OFPT_BARRIER_REQUEST, 1);
	CU_ASSERT_EQUAL(at->peers[1].len, 0);
	CU_ASSERT_EQUAL(at->peers[2].len, 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, 4);
	at_free(at);
}

static void events_that_nobody_takes_are_counted_and_hold_no_buffer(void)
{
	struct at *at = at_new();

	connect_silently(at, 0);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	/* Four ports were added before, too. */
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, 5);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(agent_datapath(at->agent)), 0);
	at_free(at);
}

static void flow_removed_goes_to_all_even_when_one_deleted_it(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2);

	connect_ready(at, 1);
	fm.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	send_msg(at, 0, &fm);
	fm.flow_mod.command = OFPFC_DELETE;
	send_msg(at, 0, &fm);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_FLOW_REMOVED);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].flow_removed.reason, OFPRR_DELETE);
	}
	at_free(at);
}

static void the_port_status_of_a_port_mod_spares_who_asked(void)
{
	struct at *at = at_ready();
	struct fb_msg pm = {.version = OFP_VERSION,
	                    .type = OFPT_PORT_MOD,
	                    .port_mod = {.port_no = 2,
	                                 .hw_addr = {2, 0, 0, 0, 1, 2},
	                                 .config = OFPPC_NO_FLOOD,
	                                 .mask = OFPPC_NO_FLOOD}};
	uint64_t lost_before;

	lost_before = agent_counters(at->agent)->events_lost;
	send_msg(at, 0, &pm);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, lost_before);
	pm.port_mod.config = 0;
	send_msg(at, 0, &pm);
	pm.port_mod.config = OFPPC_NO_FLOOD;
	connect_ready(at, 1);
	send_msg(at, 0, &pm);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[1]), 1);
	CU_ASSERT_EQUAL(at->peers[1].msgs[0].port_status.desc.config, OFPPC_NO_FLOOD);
	agent_set_link(at->agent, 2, false, at->now_ns);
	CU_ASSERT_EQUAL(peer_read(&at->peers[0]), 1);
	at_free(at);
}

static void more_connections_than_the_limit_are_refused(void)
{
	struct agent_config config;
	struct at *at;

	agent_config_default(&config);
	config.conns_max = 2;
	at = at_new_with(&config);
	connect_ready(at, 0);
	connect_ready(at, 1);
	connect_silently(at, 2);
	CU_ASSERT_PTR_NULL(at->peers[2].conn);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->conns_refused, 1);
	agent_closed(at->peers[0].conn, "reset", at->now_ns);
	connect_silently(at, 2);
	CU_ASSERT_PTR_NOT_NULL(at->peers[2].conn);
	at_free(at);
	/* at_free() ended the two that were left, and told so. */
}

static void the_end_of_the_switch_closes_its_connections(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	agent_free(at->agent);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_TRUE(at->peers[1].closed);
	at->agent = NULL;
	at_free(at);
}

/* --- Roles --- */

static void set_miss_send_len(struct at *at, size_t i, uint16_t len)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_SET_CONFIG};

	msg.config.miss_send_len = len;
	send_msg(at, i, &msg);
}

/* A packet-in, a flow-removed and a port-status happen; returns the messages that 'peers[i]' got.
 */
static size_t events_at(struct at *at, size_t i)
{
	struct fb_msg fm = flow_mod(4, output_2);
	const struct fb_phy_port *port = datapath_port(agent_datapath(at->agent), 2);

	peer_clear(&at->peers[i]);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	fm.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	send_msg(at, 0, &fm);
	fm.flow_mod.command = OFPFC_DELETE;
	send_msg(at, 0, &fm);
	agent_set_link(at->agent, 2, port->state & OFPPS_LINK_DOWN, at->now_ns);
	return peer_read(&at->peers[i]);
}

static void a_management_connection_gets_events_while_it_asks_for_them(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[1];

	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(events_at(at, 1), 0);
	set_miss_send_len(at, 1, 1);
	CU_ASSERT_EQUAL_FATAL(events_at(at, 1), 3);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_PACKET_IN);
	CU_ASSERT_EQUAL(p->msgs[0].packet_in.data.len, 1);
	CU_ASSERT_EQUAL(p->msgs[1].type, OFPT_FLOW_REMOVED);
	CU_ASSERT_EQUAL(p->msgs[2].type, OFPT_PORT_STATUS);
	set_miss_send_len(at, 1, 0);
	CU_ASSERT_EQUAL(events_at(at, 1), 0);
	at_free(at);
}

static void a_controller_gets_events_whatever_it_asks_for(void)
{
	struct at *at = at_ready();

	CU_ASSERT_EQUAL(events_at(at, 0), 3);
	set_miss_send_len(at, 0, 0);
	CU_ASSERT_EQUAL(events_at(at, 0), 3);
	at_free(at);
}

static void events_for_a_silent_management_connection_alone_are_lost(void)
{
	struct at *at = at_new();
	uint64_t before = agent_counters(at->agent)->events_lost;

	connect_ready_as(at, 0, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(events_at(at, 0), 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, before + 3);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(agent_datapath(at->agent)), 0);
	at_free(at);
}

static struct frame *long_frame(struct at *at)
{
	struct frame *frame = frame_new(at->pool, 200);

	memset(frame_data(frame), 0, 200);
	frame_data(frame)[11] = 1;
	fb_set16(frame_data(frame) + 12, 0x88b5);
	return frame;
}

static size_t packet_in_len(struct at *at, size_t i)
{
	struct peer *p = &at->peers[i];
	size_t len;

	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL_FATAL(p->msgs[0].type, OFPT_PACKET_IN);
	CU_ASSERT_EQUAL(p->msgs[0].packet_in.total_len, 200);
	len = p->msgs[0].packet_in.data.len;
	peer_clear(p);
	return len;
}

static void each_connection_gets_as_much_of_a_miss_as_it_asked_for(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	connect_ready_as(at, 2, AGENT_MANAGEMENT);
	set_miss_send_len(at, 1, 0xffff);
	set_miss_send_len(at, 2, 20);
	agent_frame(at->agent, 1, long_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(packet_in_len(at, 0), OFP_DEFAULT_MISS_SEND_LEN);
	CU_ASSERT_EQUAL(packet_in_len(at, 1), 200);
	CU_ASSERT_EQUAL(packet_in_len(at, 2), 20);
	at_free(at);
}

static void of_a_frame_that_an_action_sends_each_gets_as_much_as_the_action_says(void)
{
	static const uint8_t to_controller[8] = {0, 0, 0, 8, 0xff, 0xfd, 0, 100};
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, to_controller);

	connect_ready(at, 1);
	set_miss_send_len(at, 1, 20);
	send_msg(at, 0, &fm);
	agent_frame(at->agent, 1, long_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(packet_in_len(at, 0), 100);
	CU_ASSERT_EQUAL(packet_in_len(at, 1), 100);
	at_free(at);
}

static void without_buffers_everyone_gets_the_whole_frame(void)
{
	struct agent_config config;
	struct at *at;

	agent_config_default(&config);
	config.datapath.buffers_max = 0;
	at = at_new_with(&config);
	connect_ready(at, 0);
	connect_ready(at, 1);
	set_miss_send_len(at, 1, 20);
	agent_frame(at->agent, 1, long_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(packet_in_len(at, 0), 200);
	CU_ASSERT_EQUAL(packet_in_len(at, 1), 200);
	at_free(at);
}

static uint16_t miss_send_len_of(struct at *at, size_t i, uint16_t *flags)
{
	struct peer *p = &at->peers[i];

	peer_clear(p);
	send_type(at, i, OFPT_GET_CONFIG_REQUEST, 4);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL_FATAL(p->msgs[0].type, OFPT_GET_CONFIG_REPLY);
	*flags = p->msgs[0].config.flags;
	return p->msgs[0].config.miss_send_len;
}

static void the_configuration_told_is_the_connections_own_but_fragments_are_the_switchs(void)
{
	struct fb_msg set = {
	        .version = OFP_VERSION, .type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_DROP, 99}};
	struct at *at = at_ready();
	uint16_t flags;

	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(miss_send_len_of(at, 0, &flags), OFP_DEFAULT_MISS_SEND_LEN);
	CU_ASSERT_EQUAL(miss_send_len_of(at, 1, &flags), 0);
	CU_ASSERT_EQUAL(flags, OFPC_FRAG_NORMAL);
	send_msg(at, 1, &set);
	CU_ASSERT_EQUAL(miss_send_len_of(at, 1, &flags), 99);
	CU_ASSERT_EQUAL(miss_send_len_of(at, 0, &flags), OFP_DEFAULT_MISS_SEND_LEN);
	CU_ASSERT_EQUAL(flags, OFPC_FRAG_DROP);
	at_free(at);
}

static void the_driver_is_told_once_when_the_hellos_were_exchanged(void)
{
	struct at *at = at_new();

	connect_silently(at, 0);
	CU_ASSERT_EQUAL(at->peers[0].readies, 0);
	send_type(at, 0, OFPT_HELLO, 1);
	CU_ASSERT_EQUAL(at->peers[0].readies, 1);
	send_type(at, 0, OFPT_HELLO, 1);
	CU_ASSERT_EQUAL(at->peers[0].readies, 1);
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(at->peers[1].readies, 1);
	connect_silently(at, 2);
	send_bytes(at, 2, (const uint8_t[]){0, OFPT_HELLO, 0, 8, 0, 0, 0, 1}, 8);
	CU_ASSERT_TRUE(at->peers[2].closed);
	CU_ASSERT_EQUAL(at->peers[2].readies, 0);
	at_free(at);
}

static void a_port_that_changes_is_told_to_all_and_one_that_is_not_there_to_none(void)
{
	struct fb_phy_port port = {.port_no = 2, .hw_addr = {2, 0, 0, 0, 9, 9}, .name = "new"};
	struct at *at = at_ready();

	connect_ready(at, 1);
	CU_ASSERT_EQUAL(agent_update_port(at->agent, &port, at->now_ns), 0);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_PORT_STATUS);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].port_status.reason, OFPPR_MODIFY);
		CU_ASSERT_STRING_EQUAL(at->peers[i].msgs[0].port_status.desc.name, "new");
		peer_clear(&at->peers[i]);
	}
	port.port_no = 9;
	CU_ASSERT_EQUAL(agent_update_port(at->agent, &port, at->now_ns), -1);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	CU_ASSERT_EQUAL(agent_remove_port(at->agent, 2, at->now_ns), 0);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[1]), 1);
	CU_ASSERT_EQUAL(at->peers[1].msgs[0].port_status.reason, OFPPR_DELETE);
	at_free(at);
}

static void the_driver_is_told_what_a_port_mod_configures(void)
{
	struct fb_msg pm = {.version = OFP_VERSION,
	                    .type = OFPT_PORT_MOD,
	                    .port_mod = {.port_no = 2,
	                                 .hw_addr = {2, 0, 0, 0, 1, 2},
	                                 .config = OFPPC_PORT_DOWN,
	                                 .mask = OFPPC_PORT_DOWN}};
	struct at *at = at_ready();

	send_msg(at, 0, &pm);
	CU_ASSERT_EQUAL(at->configured, 1);
	CU_ASSERT_EQUAL(at->last_configured_port, 2);
	CU_ASSERT_EQUAL(at->last_config, OFPPC_PORT_DOWN);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	/* As the interface goes down, its link does: that is news to the sender, too. */
	agent_set_link(at->agent, 2, false, at->now_ns);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[0]), 1);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].type, OFPT_PORT_STATUS);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].port_status.desc.config, OFPPC_PORT_DOWN);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].port_status.desc.state, OFPPS_LINK_DOWN);
	at_free(at);
}

/* --- Controllers lost --- */

static struct at *at_failing(enum agent_fail_mode fail_mode)
{
	struct agent_config config;

	agent_config_default(&config);
	CU_ASSERT_EQUAL(config.fail_mode, AGENT_FAIL_SECURE);
	config.fail_mode = fail_mode;
	return at_new_with(&config);
}

static enum datapath_mode mode_of(struct at *at)
{
	return datapath_mode(agent_datapath(at->agent));
}

static void the_loss_changes_nothing_in_secure_mode(void)
{
	struct at *at = at_failing(AGENT_FAIL_SECURE);

	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->controllers_lost, 0);
	at_free(at);
}

static void a_lost_controller_that_finishes_hello_ends_the_loss(void)
{
	struct at *at = at_failing(AGENT_FAIL_STANDALONE);

	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	agent_controllers_lost(at->agent, at->now_ns);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->controllers_lost, 1);
	connect_silently(at, 0);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	send_type(at, 0, OFPT_HELLO, 1);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	leave(at, 0);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->controllers_lost, 2);
	at_free(at);
}

static void the_loss_is_none_while_a_controller_is_there(void)
{
	struct at *at = at_failing(AGENT_FAIL_STANDALONE);

	connect_ready(at, 0);
	connect_ready(at, 1);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	leave(at, 0);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	leave(at, 1);
	connect_silently(at, 1);
	leave(at, 1);
	connect_silently(at, 1);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	at_free(at);
}

static void management_connections_neither_prevent_nor_end_the_loss(void)
{
	struct at *at = at_failing(AGENT_FAIL_STANDALONE);

	connect_ready_as(at, 0, AGENT_MANAGEMENT);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_STANDALONE);
	leave(at, 0);
	connect_ready(at, 0);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	leave(at, 1);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	at_free(at);
}

static void in_standalone_mode_frames_go_on_and_then_to_the_controller_again(void)
{
	struct at *at = at_failing(AGENT_FAIL_STANDALONE);

	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 0);
	agent_controllers_lost(at->agent, at->now_ns);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 3);
	connect_ready(at, 0);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 3);
	CU_ASSERT_EQUAL(peer_read(&at->peers[0]), 1);
	at_free(at);
}

static uint32_t entries_in(struct at *at, uint8_t table_id)
{
	struct fb_flow_stats_request request = {.table_id = table_id, .out_port = OFPP_NONE};
	struct fb_aggregate_stats stats;

	fb_match_any(&request.match);
	datapath_aggregate(agent_datapath(at->agent), &request, &stats);
	return stats.flow_count;
}

/* Section 4.3: "the first time a switch starts up, it is considered to be in emergency mode". */
static void a_switch_that_may_be_in_emergency_mode_starts_in_it(void)
{
	struct at *at = at_failing(AGENT_FAIL_EMERGENCY);

	CU_ASSERT_EQUAL(datapath_mode(agent_datapath(at->agent)), DATAPATH_EMERGENCY);
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	CU_ASSERT_EQUAL(datapath_mode(agent_datapath(at->agent)), DATAPATH_EMERGENCY);
	connect_ready(at, 0);
	CU_ASSERT_EQUAL(datapath_mode(agent_datapath(at->agent)), DATAPATH_NORMAL);
	at_free(at);
}

/* Section 4.3, as messages show it. */
static void in_emergency_mode_the_emergency_entries_alone_are_in_force(void)
{
	struct at *at = at_failing(AGENT_FAIL_EMERGENCY);
	struct fb_msg normal = flow_mod(1, output_2), emergency = flow_mod(3, output_2);

	connect_ready(at, 0);
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	set_miss_send_len(at, 1, 100);
	normal.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	emergency.flow_mod.flags = OFPFF_EMERG;
	send_msg(at, 0, &normal);
	send_msg(at, 0, &emergency);
	leave(at, 0);
	agent_controllers_lost(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(entries_in(at, 0xff), 0);
	CU_ASSERT_EQUAL(entries_in(at, 0xfe), 1);
	CU_ASSERT_EQUAL(at->peers[1].len, 0);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 0);
	agent_frame(at->agent, 3, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 1);
	connect_ready(at, 0);
	CU_ASSERT_EQUAL(mode_of(at), DATAPATH_NORMAL);
	CU_ASSERT_EQUAL(entries_in(at, 0xfe), 1);
	peer_clear(&at->peers[0]);
	agent_frame(at->agent, 3, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 1);
	CU_ASSERT_EQUAL(peer_read(&at->peers[0]), 1);
	at_free(at);
}

/* --- Peers that do not read --- */

enum { PACKET_IN_BACKLOG = 1 << 20, PAUSE_BACKLOG = 16 << 20 };

static void a_peer_that_does_not_read_gets_no_packet_ins_but_other_events(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	at->peers[1].backlog = PACKET_IN_BACKLOG;
	CU_ASSERT_EQUAL(events_at(at, 1), 3);
	at->peers[1].backlog++;
	CU_ASSERT_EQUAL_FATAL(events_at(at, 1), 2);
	CU_ASSERT_EQUAL(at->peers[1].msgs[0].type, OFPT_FLOW_REMOVED);
	CU_ASSERT_EQUAL(at->peers[1].msgs[1].type, OFPT_PORT_STATUS);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->packet_ins_dropped, 1);
	CU_ASSERT_EQUAL(events_at(at, 0), 3);
	at_free(at);
}

static void a_packet_in_that_none_could_take_uses_no_buffer(void)
{
	struct at *at = at_ready();
	uint64_t lost_before = agent_counters(at->agent)->events_lost;

	connect_ready(at, 1);
	at->peers[0].backlog = at->peers[1].backlog = PACKET_IN_BACKLOG + 1;
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(agent_datapath(at->agent)), 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->packet_ins_dropped, 2);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, lost_before);
	at_free(at);
}

/* Barrier requests with the xids 'first' to 'last', one after the other. */
static size_t barriers(uint8_t *bytes, uint32_t first, uint32_t last)
{
	size_t len = 0;

	for (uint32_t xid = first; xid <= last; xid++, len += 8) {
		memcpy(bytes + len, (const uint8_t[]){1, OFPT_BARRIER_REQUEST, 0, 8}, 4);
		fb_set32(bytes + len + 4, xid);
	}
	return len;
}

/* What came are the replies to those barriers. */
static void assert_replies(struct peer *p, uint32_t first, uint32_t last)
{
	CU_ASSERT_EQUAL_FATAL(peer_read(p), last - first + 1);
	for (uint32_t xid = first; xid <= last; xid++) {
		CU_ASSERT_EQUAL(p->msgs[xid - first].type, OFPT_BARRIER_REPLY);
		CU_ASSERT_EQUAL(p->msgs[xid - first].xid, xid);
	}
	peer_clear(p);
}

static void the_messages_of_a_peer_that_does_not_read_wait_until_it_does(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	uint8_t bytes[256];
	size_t len = barriers(bytes, 1, 10);

	connect_ready(at, 1);
	p->backlog = PAUSE_BACKLOG;
	send_bytes(at, 0, bytes, 8);
	/* With the reply the limit is passed, until the driver says otherwise. */
	CU_ASSERT_FALSE(agent_conn_paused(p->conn));
	assert_replies(p, 1, 1);
	p->backlog++;
	send_bytes(at, 0, bytes + 8, 12);
	assert_replies(p, 2, 2);
	CU_ASSERT_TRUE(agent_conn_paused(p->conn));
	send_bytes(at, 0, bytes + 20, 30);
	send_bytes(at, 0, bytes + 50, len - 50);
	agent_resume(p->conn, at->now_ns);
	CU_ASSERT_TRUE(agent_conn_paused(p->conn));
	CU_ASSERT_EQUAL(p->len, 0);
	send_type(at, 1, OFPT_BARRIER_REQUEST, 7);
	assert_replies(&at->peers[1], 7, 7);
	p->backlog = 0;
	agent_resume(p->conn, at->now_ns);
	CU_ASSERT_FALSE(agent_conn_paused(p->conn));
	assert_replies(p, 3, 10);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->pauses, 1);
	at_free(at);
}

static void a_message_cut_by_the_pause_is_put_together(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	uint8_t bytes[64];
	size_t len = barriers(bytes, 1, 4);

	for (size_t cut = 8; cut < len; cut++) {
		p->backlog = PAUSE_BACKLOG + 1;
		send_bytes(at, 0, bytes, cut);
		assert_replies(p, 1, 1);
		send_bytes(at, 0, bytes + cut, len - cut);
		p->backlog = 0;
		agent_resume(p->conn, at->now_ns);
		assert_replies(p, 2, 4);
	}
	at_free(at);
}

static void a_pause_may_follow_a_pause(void)
{
	struct agent_config config;
	struct at *at;
	struct peer *p;
	uint8_t bytes[64];

	agent_config_default(&config);
	config.pause_backlog_bytes = 7; /* less than a reply */
	at = at_new_with(&config);
	p = &at->peers[0];
	connect_ready(at, 0);
	p->backlog_after_send = 8;
	send_bytes(at, 0, bytes, barriers(bytes, 1, 4));
	assert_replies(p, 1, 1);
	for (uint32_t xid = 2; xid <= 4; xid++) {
		CU_ASSERT_TRUE(agent_conn_paused(p->conn));
		p->backlog = 0;
		agent_resume(p->conn, at->now_ns);
		assert_replies(p, xid, xid);
	}
	CU_ASSERT_EQUAL(agent_counters(at->agent)->pauses, 4);
	at_free(at);
}

static void a_peer_that_sends_much_and_does_not_read_is_left(void)
{
	static uint8_t bytes[AGENT_HELD_BYTES];
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];

	connect_ready(at, 1);
	p->backlog = PAUSE_BACKLOG + 1;
	send_bytes(at, 0, bytes, barriers(bytes, 1, 1));
	send_bytes(at, 0, bytes, sizeof bytes);
	CU_ASSERT_FALSE(p->closed);
	send_bytes(at, 0, bytes, 1);
	CU_ASSERT_TRUE(p->closed);
	CU_ASSERT_FALSE(at->peers[1].closed);
	at_free(at);
}

static struct at *at_with_turns_of(uint64_t work)
{
	struct agent_config config;
	struct at *at;

	agent_config_default(&config);
	config.turn_work_max = work;
	at = at_new_with(&config);
	connect_ready(at, 0);
	connect_ready(at, 1);
	return at;
}

static void a_peer_that_asks_for_much_takes_turns_with_the_others(void)
{
	struct at *at = at_with_turns_of(4);
	struct peer *p = &at->peers[0];
	uint8_t bytes[128];

	send_bytes(at, 0, bytes, barriers(bytes, 1, 10));
	assert_replies(p, 1, 4);
	CU_ASSERT_TRUE(agent_conn_paused(p->conn));
	CU_ASSERT_EQUAL(agent_deadline(at->agent), at->now_ns);
	send_type(at, 1, OFPT_BARRIER_REQUEST, 7);
	assert_replies(&at->peers[1], 7, 7);
	CU_ASSERT_EQUAL(p->len, 0);
	agent_run(at->agent, at->now_ns);
	assert_replies(p, 5, 8);
	agent_run(at->agent, at->now_ns);
	assert_replies(p, 9, 10);
	CU_ASSERT_FALSE(agent_conn_paused(p->conn));
	CU_ASSERT_TRUE(agent_deadline(at->agent) > at->now_ns);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->turns_ended, 2);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->pauses, 0);
	at_free(at);
}

static void a_request_that_looks_at_all_entries_is_more_work(void)
{
	struct at *at = at_with_turns_of(9);
	struct peer *p = &at->peers[0];
	struct fb_msg aggregate = {.type = OFPT_STATS_REQUEST};
	uint8_t bytes[4 * 64];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	for (uint16_t port = 1; port <= 3; port++) {
		struct fb_msg add = flow_mod(port, output_2);

		send_msg(at, 0, &add);
	}
	aggregate.version = OFP_VERSION;
	aggregate.stats_request.type = OFPST_AGGREGATE;
	fb_match_any(&aggregate.stats_request.flow.match);
	aggregate.stats_request.flow.out_port = OFPP_NONE;
	for (unsigned i = 0; i < 4; i++)
		fb_msg_encode(&buf, &aggregate);
	send_bytes(at, 0, bytes, buf.len);
	CU_ASSERT_EQUAL(peer_read(p), 3); /* of 4 steps each */
	CU_ASSERT_TRUE(agent_conn_paused(p->conn));
	agent_run(at->agent, at->now_ns);
	CU_ASSERT_EQUAL(peer_read(p), 4);
	CU_ASSERT_FALSE(agent_conn_paused(p->conn));
	at_free(at);
}

static void a_paused_peer_may_leave_or_be_left(void)
{
	uint8_t bytes[32];
	struct at *at = at_ready();

	connect_ready(at, 1);
	at->peers[0].backlog = at->peers[1].backlog = PAUSE_BACKLOG + 1;
	send_bytes(at, 0, bytes, barriers(bytes, 1, 3));
	send_bytes(at, 1, bytes, barriers(bytes, 1, 3));
	leave(at, 0);
	at_free(at);
}

static void what_waited_may_end_the_connection(void)
{
	static const uint8_t bad[] = {1, OFPT_HELLO, 0, 7, 0, 0, 0, 9};
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	uint8_t bytes[16];

	p->backlog = PAUSE_BACKLOG + 1;
	send_bytes(at, 0, bytes, barriers(bytes, 1, 1));
	send_bytes(at, 0, bad, sizeof bad);
	peer_clear(p);
	p->backlog = 0;
	agent_resume(p->conn, at->now_ns);
	CU_ASSERT_TRUE(p->closed);
	assert_error(p, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, 9);
	at_free(at);
}

static void a_peer_that_is_not_paused_cannot_be_resumed(void)
{
	struct at *at = at_ready();
	uint8_t bytes[8];

	barriers(bytes, 1, 1);
	send_bytes(at, 0, bytes, 5);
	agent_resume(at->peers[0].conn, at->now_ns);
	send_bytes(at, 0, bytes + 5, 3);
	assert_replies(&at->peers[0], 1, 1);
	at_free(at);
}

/* The peer takes 'step_bytes' of a long reply every 10 s and says nothing; true when it is still
 * connected after ten minutes. */
static bool survives_reading(size_t step_bytes)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	bool alive;

	p->backlog = 100 << 20;
	for (unsigned i = 0; i < 60 && !p->closed; i++) {
		advance_to(at, at->now_ns + 10 * FB_NS_PER_S);
		p->backlog -= step_bytes;
	}
	alive = !p->closed;
	at_free(at);
	return alive;
}

static void a_slow_reader_is_alive_and_one_that_reads_nothing_is_not(void)
{
	CU_ASSERT_TRUE(survives_reading(1000));
	CU_ASSERT_FALSE(survives_reading(0));
}

static void a_reader_that_has_read_all_must_answer_again(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];

	p->backlog = 1000;
	advance_to(at, 20 * FB_NS_PER_S);
	p->backlog = 0;
	advance_to(at, 50 * FB_NS_PER_S);
	CU_ASSERT_FALSE(p->closed);
	advance_to(at, 80 * FB_NS_PER_S);
	CU_ASSERT_TRUE(p->closed);
	at_free(at);
}

UNIT_TESTS("agent connections",
           UNIT_TEST(events_go_to_all_that_said_hello_and_replies_to_who_asked),
           UNIT_TEST(events_that_nobody_takes_are_counted_and_hold_no_buffer),
           UNIT_TEST(flow_removed_goes_to_all_even_when_one_deleted_it),
           UNIT_TEST(the_port_status_of_a_port_mod_spares_who_asked),
           UNIT_TEST(more_connections_than_the_limit_are_refused),
           UNIT_TEST(the_end_of_the_switch_closes_its_connections),
           UNIT_TEST(a_management_connection_gets_events_while_it_asks_for_them),
           UNIT_TEST(a_controller_gets_events_whatever_it_asks_for),
           UNIT_TEST(events_for_a_silent_management_connection_alone_are_lost),
           UNIT_TEST(each_connection_gets_as_much_of_a_miss_as_it_asked_for),
           UNIT_TEST(of_a_frame_that_an_action_sends_each_gets_as_much_as_the_action_says),
           UNIT_TEST(without_buffers_everyone_gets_the_whole_frame),
           UNIT_TEST(the_configuration_told_is_the_connections_own_but_fragments_are_the_switchs),
           UNIT_TEST(the_driver_is_told_once_when_the_hellos_were_exchanged),
           UNIT_TEST(a_port_that_changes_is_told_to_all_and_one_that_is_not_there_to_none),
           UNIT_TEST(the_driver_is_told_what_a_port_mod_configures),
           UNIT_TEST(the_loss_changes_nothing_in_secure_mode),
           UNIT_TEST(a_lost_controller_that_finishes_hello_ends_the_loss),
           UNIT_TEST(the_loss_is_none_while_a_controller_is_there),
           UNIT_TEST(management_connections_neither_prevent_nor_end_the_loss),
           UNIT_TEST(in_standalone_mode_frames_go_on_and_then_to_the_controller_again),
           UNIT_TEST(a_switch_that_may_be_in_emergency_mode_starts_in_it),
           UNIT_TEST(in_emergency_mode_the_emergency_entries_alone_are_in_force),
           UNIT_TEST(a_peer_that_does_not_read_gets_no_packet_ins_but_other_events),
           UNIT_TEST(a_packet_in_that_none_could_take_uses_no_buffer),
           UNIT_TEST(the_messages_of_a_peer_that_does_not_read_wait_until_it_does),
           UNIT_TEST(a_message_cut_by_the_pause_is_put_together),
           UNIT_TEST(a_pause_may_follow_a_pause),
           UNIT_TEST(a_peer_that_sends_much_and_does_not_read_is_left),
           UNIT_TEST(a_peer_that_asks_for_much_takes_turns_with_the_others),
           UNIT_TEST(a_request_that_looks_at_all_entries_is_more_work),
           UNIT_TEST(a_paused_peer_may_leave_or_be_left),
           UNIT_TEST(what_waited_may_end_the_connection),
           UNIT_TEST(a_peer_that_is_not_paused_cannot_be_resumed),
           UNIT_TEST(a_slow_reader_is_alive_and_one_that_reads_nothing_is_not),
           UNIT_TEST(a_reader_that_has_read_all_must_answer_again))
