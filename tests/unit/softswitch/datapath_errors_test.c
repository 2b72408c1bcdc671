/* Every error code of section 5.4.4 of the specification, and the call of the datapath that raises
 * it; of each other code, why a datapath never does. */
#include "tests/unit/softswitch/datapath_fixture.h"

#include "softswitch/actions.h"

/* A packet-out and a flow-mod with the list of 'len' bytes at 'actions' are refused alike. */
static void assert_bad_action(struct fx *fx, const uint8_t *actions, size_t len, uint16_t code)
{
	uint8_t data[64] = {0};
	struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER,
	                           .in_port = OFPP_NONE,
	                           .actions = {actions, len},
	                           .data = {data, sizeof data}};
	struct fb_flow_mod fm = {.command = OFPFC_ADD,
	                         .buffer_id = OFP_NO_BUFFER,
	                         .out_port = OFPP_NONE,
	                         .actions = {actions, len}};

	fb_match_any(&fm.match);
	FX_ASSERT_ERROR(fx, datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error),
	                OFPET_BAD_ACTION, code);
	for (fm.command = OFPFC_ADD; fm.command <= OFPFC_MODIFY_STRICT; fm.command++)
		FX_ASSERT_ERROR(fx, datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error),
		                OFPET_BAD_ACTION, code);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""), "");
}

/* Not raised: BAD_VENDOR_TYPE (no vendor's actions are known: BAD_VENDOR comes first), EPERM
 * (whoever has a connection may do everything). */
static void bad_actions_are_named(void)
{
	static const uint8_t type[8] = {0, 12, 0, 8}, len[8] = {0, OFPAT_OUTPUT, 0, 16},
	                     vendor[8] = {0xff, 0xff, 0, 8, 0, 0, 0x23, 0x20},
	                     out_port[8] = {0, OFPAT_OUTPUT, 0, 8, 0xff, 0x00 + 1},
	                     argument[8] = {0, OFPAT_SET_VLAN_VID, 0, 8, 0x10},
	                     queue[16] = {0, OFPAT_ENQUEUE, 0, 16, 0, 1};
	static uint8_t many[(ACTIONS_COUNT_MAX + 1) * 8];
	struct fb_buf list = fb_buf_make(many, sizeof many);
	struct fx *fx = fx_new(NULL);

	while (fb_action_put_output(&list, 2, 0))
		;
	assert_bad_action(fx, type, 8, OFPBAC_BAD_TYPE);
	assert_bad_action(fx, len, 8, OFPBAC_BAD_LEN);
	assert_bad_action(fx, vendor, 8, OFPBAC_BAD_VENDOR);
	assert_bad_action(fx, out_port, 8, OFPBAC_BAD_OUT_PORT);
	assert_bad_action(fx, argument, 8, OFPBAC_BAD_ARGUMENT);
	assert_bad_action(fx, many, sizeof many, OFPBAC_TOO_MANY);
	assert_bad_action(fx, queue, 16, OFPBAC_BAD_QUEUE);
	fx_free(fx);
}

/* Not raised: EPERM (see above), UNSUPPORTED (every list of known actions can be done in its
 * order). */
static void failed_flow_mods_are_named(void)
{
	struct datapath_config config;
	struct fb_flow_mod fm = {.command = OFPFC_DELETE_STRICT + 1};
	struct fx *fx;

	datapath_config_default(&config);
	config.entries_max = 1;
	fx = fx_new(&config);
	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,in_port=1,actions=output:2"), 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "priority=5,in_port=2,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	FX_ASSERT_ERROR(fx, fx_add(fx, "priority=5,tcp,check_overlap,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
	FX_ASSERT_ERROR(fx, fx_add(fx, "emerg,idle_timeout=1,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT);
	FX_ASSERT_ERROR(fx, fx_add(fx, "emerg,hard_timeout=1,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT);
	FX_ASSERT_ERROR(fx, datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND);
	fx_free(fx);
}

static void failed_port_mods_are_named(void)
{
	struct fb_port_mod pm = {.port_no = 9, .hw_addr = {2, 0, 0, 0, 1, 1}};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error),
	                OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT);
	pm.port_no = 2;
	FX_ASSERT_ERROR(fx, datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error),
	                OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR);
	fx_free(fx);
}

/* The codes of requests that are about messages (version, type, statistics, vendor, subtype,
 * permissions), HELLO_FAILED and QUEUE_OP_FAILED are the agent's, who sees messages. */
static void bad_requests_are_named(void)
{
	uint8_t data[14] = {0};
	struct fb_packet_out po = {
	        .buffer_id = OFP_NO_BUFFER, .in_port = OFPP_NONE, .data = {data, sizeof data - 1}};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error),
	                OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
	po.buffer_id = 0x70000000;
	FX_ASSERT_ERROR(fx, datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error),
	                OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	po.buffer_id = fx->packet_ins[0].pi.buffer_id;
	CU_ASSERT_EQUAL(datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error), 0);
	FX_ASSERT_ERROR(fx, datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error),
	                OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY);
	fx_free(fx);
}

UNIT_TESTS("datapath_errors", UNIT_TEST(bad_actions_are_named),
           UNIT_TEST(failed_flow_mods_are_named), UNIT_TEST(failed_port_mods_are_named),
           UNIT_TEST(bad_requests_are_named))
