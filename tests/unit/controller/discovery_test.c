/* The application discovery: links, paths, floods and hosts, as an application behind it sees them. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_network.h"

static void two_switches_find_their_link(void)
{
	struct fake_network net = fake_network_begin("", NULL, "");
	struct fake_switch *a = fake_network_join(&net, 1, 3), *b = fake_network_join(&net, 2, 3);

	fake_network_wire(&net, a, 3, b, 2);
	CU_ASSERT_FALSE(controller_ready(net.b->ctl));
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT(controller_ready(net.b->ctl));
	CU_ASSERT_EQUAL(fake_network_counter(&net, "links_up"), 1);
	CU_ASSERT_EQUAL(fake_network_counter(&net, "edges"), 4);
	fake_network_end(&net);
}

UNIT_TESTS("discovery", UNIT_TEST(two_switches_find_their_link))
