/* What the owner of a datapath says of its ports, and their queues. */
#include "tests/unit/softswitch/datapath_fixture.h"

/* --- Descriptions --- */

static void a_port_that_changes_is_told_once_for_each_news(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port desc = fx_port(2), nobody = fx_port(9);

	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL(fx->statuses_count, 0);
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &nobody, fx->now_ns), -1);
	CU_ASSERT_EQUAL(fx->statuses_count, 0);
	snprintf(desc.name, sizeof desc.name, "lan0");
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL_FATAL(fx->statuses_count, 1);
	CU_ASSERT_EQUAL(fx->statuses[0].reason, OFPPR_MODIFY);
	CU_ASSERT_EQUAL(fx->statuses[0].desc.port_no, 2);
	CU_ASSERT_STRING_EQUAL(fx->statuses[0].desc.name, "lan0");
	desc.hw_addr[0] ^= 4;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	desc.state = OFPPS_LINK_DOWN;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	desc.curr = OFPPF_1GB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	desc.advertised = OFPPF_1GB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	desc.supported = OFPPF_1GB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	desc.peer = OFPPF_1GB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL(fx->statuses_count, 7);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->state, OFPPS_LINK_DOWN);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->hw_addr[0], 6);
	fx_free(fx);
}

static void what_a_controller_configured_outlasts_an_update(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port desc = fx_port(2);
	struct fb_port_mod pm = {.port_no = 2,
	                         .hw_addr = {2, 0, 0, 0, 1, 2},
	                         .config = OFPPC_NO_FLOOD,
	                         .mask = OFPPC_NO_FLOOD,
	                         .advertise = OFPPF_10MB_HD | OFPPF_10GB_FD};

	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->advertised, OFPPF_10MB_HD);
	desc.config = OFPPC_PORT_DOWN;
	desc.advertised = OFPPF_100MB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->config, OFPPC_NO_FLOOD);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->advertised, OFPPF_10MB_HD);
	desc.supported |= OFPPF_10GB_FD;
	CU_ASSERT_EQUAL(datapath_update_port(fx->dp, &desc, fx->now_ns), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->advertised, OFPPF_10MB_HD | OFPPF_10GB_FD);
	fx_free(fx);
}

static void the_driver_hears_of_a_configuration_that_changes(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_mod pm = {.port_no = 2,
	                         .hw_addr = {2, 0, 0, 0, 1, 2},
	                         .config = OFPPC_PORT_DOWN,
	                         .mask = OFPPC_PORT_DOWN};

	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error), 0);
	CU_ASSERT_EQUAL(fx->configured_count, 1);
	CU_ASSERT_EQUAL(fx->configured_port, 2);
	CU_ASSERT_EQUAL(fx->configured_config, OFPPC_PORT_DOWN);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->state, 0);
	pm.advertise = OFPPF_10MB_HD;
	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error), 0);
	CU_ASSERT_EQUAL(fx->configured_count, 1);
	pm.config = 0;
	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error), 0);
	CU_ASSERT_EQUAL(fx->configured_count, 2);
	CU_ASSERT_EQUAL(fx->configured_config, 0);
	fx_free(fx);
}

static void a_link_that_an_update_takes_down_is_forgotten_by_normal(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port desc = fx_port(2);

	fx_add(fx, "actions=normal");
	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	desc.curr = OFPPF_1GB_FD;
	datapath_update_port(fx->dp, &desc, fx->now_ns);
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	desc.state = OFPPS_LINK_DOWN;
	datapath_update_port(fx->dp, &desc, fx->now_ns);
	desc.state = 0;
	datapath_update_port(fx->dp, &desc, fx->now_ns);
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	fx_free(fx);
}

static void a_port_that_is_added_again_is_a_new_one(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port desc = fx_port(2);
	struct fb_port_mod pm = {.port_no = 2,
	                         .hw_addr = {2, 0, 0, 0, 1, 2},
	                         .config = OFPPC_NO_FLOOD,
	                         .mask = OFPPC_NO_FLOOD};
	struct fb_port_stats s;

	fx_add(fx, "actions=output:2");
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 1, 0), 0);
	datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_remove_port(fx->dp, 2, fx->now_ns);
	CU_ASSERT_PTR_NULL(datapath_queue_at(fx->dp, 2, 0));
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_add_port(fx->dp, &desc, fx->now_ns);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 2)->config, 0);
	CU_ASSERT_PTR_NULL(datapath_queue_at(fx->dp, 2, 0));
	CU_ASSERT_TRUE(datapath_port_stats(fx->dp, 2, &s));
	CU_ASSERT_EQUAL(s.tx_packets, 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_TRUE(datapath_port_stats(fx->dp, 2, &s));
	CU_ASSERT_EQUAL(s.tx_packets, 1);
	CU_ASSERT_EQUAL(fx->outputs_count, 2);
	fx_free(fx);
}

/* --- Counters --- */

static void what_the_device_counted_is_added(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_stats more = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, s;

	for (int i = 0; i < 2; i++)
		datapath_count_port(fx->dp, 1, &more);
	datapath_count_port(fx->dp, 9, &more);
	more = (struct fb_port_stats){.rx_packets = UINT64_MAX, .collisions = UINT64_MAX};
	datapath_count_port(fx->dp, 1, &more);
	CU_ASSERT_TRUE(datapath_port_stats(fx->dp, 1, &s));
	CU_ASSERT_EQUAL(s.port_no, 1);
	CU_ASSERT_EQUAL(s.rx_packets, 4);
	CU_ASSERT_EQUAL(s.tx_packets, 6);
	CU_ASSERT_EQUAL(s.rx_bytes, 8);
	CU_ASSERT_EQUAL(s.tx_bytes, 10);
	CU_ASSERT_EQUAL(s.rx_dropped, 12);
	CU_ASSERT_EQUAL(s.tx_dropped, 14);
	CU_ASSERT_EQUAL(s.rx_errors, 16);
	CU_ASSERT_EQUAL(s.tx_errors, 18);
	CU_ASSERT_EQUAL(s.rx_frame_err, 20);
	CU_ASSERT_EQUAL(s.rx_over_err, 22);
	CU_ASSERT_EQUAL(s.rx_crc_err, 24);
	CU_ASSERT_EQUAL(s.collisions, 26);
	fx_free(fx);
}

static void frames_that_do_not_leave_are_counted_by_their_reason(void)
{
	struct fx *fx = fx_new(NULL);
	const struct datapath_queue *q;
	struct fb_port_stats s;

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 1, 0), 0);
	fx_add(fx, "in_port=1,actions=output:2");
	fx_add(fx, "in_port=3,actions=enqueue:2:1");
	fx->sent = DATAPATH_DROPPED;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx_receive(fx, 3, (struct fx_tcp){.src = 1, .dst = 2});
	fx->sent = DATAPATH_FAILED;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx_receive(fx, 3, (struct fx_tcp){.src = 1, .dst = 2});
	fx_receive(fx, 3, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_port_stats(fx->dp, 2, &s);
	CU_ASSERT_EQUAL(s.tx_packets, 0);
	CU_ASSERT_EQUAL(s.tx_bytes, 0);
	CU_ASSERT_EQUAL(s.tx_dropped, 2);
	CU_ASSERT_EQUAL(s.tx_errors, 3);
	q = datapath_queue_at(fx->dp, 2, 0);
	CU_ASSERT_EQUAL(q->stats.tx_errors, 3);
	CU_ASSERT_EQUAL(q->stats.tx_packets, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_out, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 5);
	fx_free(fx);
}

/* --- Queues --- */

static void queues_are_listed_in_rising_order_of_id(void)
{
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 7, 100), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 0, 0), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 3, 0xffff), 0);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 0)->queue_id, 0);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 1)->queue_id, 3);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 1)->min_rate_permille, 0xffff);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 2)->queue_id, 7);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 2)->min_rate_permille, 100);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 2)->stats.queue_id, 7);
	CU_ASSERT_EQUAL(datapath_queue_at(fx->dp, 2, 2)->stats.port_no, 2);
	CU_ASSERT_PTR_NULL(datapath_queue_at(fx->dp, 2, 3));
	CU_ASSERT_PTR_NULL(datapath_queue_at(fx->dp, 1, 0));
	CU_ASSERT_PTR_NULL(datapath_queue_at(fx->dp, 9, 0));
	fx_free(fx);
}

static void queues_that_cannot_be_are_refused(void)
{
	struct fx *fx = fx_new(NULL);
	unsigned count = 0;

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 9, 1, 0), -1);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, OFPQ_ALL, 0), -1);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 1, 600), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 1, 0), -1);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 2, 401), -1);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 2, 1001), 0); /* none guaranteed */
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 3, 400), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 4, 1), -1);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 3, 1, 1000), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 3, 2, 1), -1);
	for (uint32_t id = 0; id < 100; id++)
		count += datapath_add_queue(fx->dp, 2, id, 0) == 0;
	CU_ASSERT_EQUAL(count, DATAPATH_QUEUES_MAX);
	fx_free(fx);
}

static void enqueue_sends_by_the_queue_and_counts_it(void)
{
	struct fx *fx = fx_new(NULL);
	const struct datapath_queue *q;
	struct fb_port_stats s;

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 5, 0), 0);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 5, 0), 0);
	fx_add(fx, "actions=enqueue:2:5,output:2,enqueue:in_port:5");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 2 1");
	CU_ASSERT_EQUAL(fx->outputs[0].queue_id, 5);
	CU_ASSERT_EQUAL(fx->outputs[1].queue_id, OFPQ_ALL);
	CU_ASSERT_EQUAL(fx->outputs[2].queue_id, 5);
	q = datapath_queue_at(fx->dp, 2, 0);
	CU_ASSERT_EQUAL(q->stats.tx_packets, 1);
	CU_ASSERT_EQUAL(q->stats.tx_bytes, 54);
	CU_ASSERT_EQUAL(q->stats.tx_errors, 0);
	datapath_port_stats(fx->dp, 2, &s);
	CU_ASSERT_EQUAL(s.tx_packets, 2);
	fx_clear(fx);
	/* As a plain output to it would be, one to the ingress port is dropped. */
	fx_receive(fx, 2, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL_FATAL(fx->outputs_count, 1);
	/* IN_PORT is port 2 now: its queue 5. */
	CU_ASSERT_EQUAL(fx->outputs[0].queue_id, 5);
	fx_free(fx);
}

static void where_the_queue_is_not_there_a_frame_goes_by_none(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port late = fx_port(5);

	CU_ASSERT_EQUAL(fx_add(fx, "actions=enqueue:in_port:5,enqueue:5:1"), 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1");
	CU_ASSERT_EQUAL(fx->outputs[0].queue_id, OFPQ_ALL);
	fx_clear(fx);
	datapath_add_port(fx->dp, &late, fx->now_ns);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 5");
	CU_ASSERT_EQUAL(fx->outputs[1].queue_id, OFPQ_ALL);
	fx_clear(fx);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 5, 1, 0), 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->outputs[1].queue_id, 1);
	fx_free(fx);
}

UNIT_TESTS("ports", UNIT_TEST(a_port_that_changes_is_told_once_for_each_news),
           UNIT_TEST(what_a_controller_configured_outlasts_an_update),
           UNIT_TEST(the_driver_hears_of_a_configuration_that_changes),
           UNIT_TEST(a_link_that_an_update_takes_down_is_forgotten_by_normal),
           UNIT_TEST(a_port_that_is_added_again_is_a_new_one),
           UNIT_TEST(what_the_device_counted_is_added),
           UNIT_TEST(frames_that_do_not_leave_are_counted_by_their_reason),
           UNIT_TEST(queues_are_listed_in_rising_order_of_id),
           UNIT_TEST(queues_that_cannot_be_are_refused),
           UNIT_TEST(enqueue_sends_by_the_queue_and_counts_it),
           UNIT_TEST(where_the_queue_is_not_there_a_frame_goes_by_none))
