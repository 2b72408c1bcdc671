/* The options of the balancer: what they are by default, and what is refused. */
#include "tests/unit/controller/balancer_bench.h"

static void a_balancer_without_options_has_the_defaults(void)
{
	static const struct {
		const char *name, *text;
	} must_be[] = {
	        {"scheduler", "rr"},
	        {"mode", "flows"},
	        {"entries", "tuple"},
	        {"arp", "proxy"},
	        {"on_failure", "reset"},
	        {"probe_interval", "5s"},
	        {"probes_lost_max", "3"},
	        {"grace", "300s"},
	        {"idle_timeout", "60s"},
	        {"hold", "200ms"},
	        {"barrier_timeout", "1s"},
	        {"check_interval", "5s"},
	        {"vip", ""},
	        {"check", ""},
	};

	for (size_t i = 0; i < sizeof must_be / sizeof must_be[0]; i++) {
		const struct fb_option *found = NULL;

		for (size_t k = 0; k < fb_app_balancer.options_count; k++) {
			if (strcmp(fb_app_balancer.options[k].name, must_be[i].name) == 0)
				found = &fb_app_balancer.options[k];
		}
		CU_ASSERT_FATAL(found != NULL);
		CU_ASSERT_STRING_EQUAL(found->default_text, must_be[i].text);
		CU_ASSERT(strlen(found->help) > 0);
	}
}

static void wrong_options_are_refused_with_what_would_be_right(void)
{
	static const struct {
		const char *options, *told;
	} wrong[] = {
	        {"check=80", "expected tcp:PORT"},
	        {"check=tcp:", "expected tcp:PORT"},
	        {"check=tcp:0", "expected tcp:PORT"},
	        {"check=tcp:65536", "expected tcp:PORT"},
	        {"check=tcp:80x", "expected tcp:PORT"},
	        {"check=udp:53", "expected tcp:PORT"},
	        {"check_address=here", "expected an IPv4 address"},
	        {"check_address=192.168.2", "expected an IPv4 address"},
	        {"vip=192.168.2", "192.168.2"},
	        {"ports=tcp/80", "vip"},
	        {"backends=02:00:00:00:00:02", "vip"},
	        {"vip=192.168.2.2,backends=02:00:00:00:00:02*65536", "65535"},
	        {"scheduler=best", "maglev"},
	        {"mode=fast", "flows"},
	        {"on_failure=panic", "leave"},
	        {"sessions_max=0", "sessions_max"},
	        {"addresses_max=1", "addresses_max"},
	        {"installs_max=0", "installs_max"},
	        {"idle_timeout=500ms", "idle_timeout"},
	        {"barrier_timeout=0", "barrier_timeout"},
	        {"probes=3", "probes"},
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct bench *b = bench_new();

		CU_ASSERT(bench_try_add(b, &fb_app_balancer, wrong[i].options) < 0);
		CU_ASSERT(lb_has(b->error, wrong[i].told));
		if (!lb_has(b->error, wrong[i].told))
			printf("# %s: %s\n", wrong[i].options, b->error);
		bench_free(b);
	}
}

static void options_at_their_limits_are_taken(void)
{
	static const char *const right[] = {
	        "check=tcp:1",
	        "check=tcp:65535,check_address=192.168.2.254",
	        "sessions_max=1,addresses_max=2,owners_max=1,installs_max=1,hold_max=0",
	        "idle_timeout=1s,grace=1s,barrier_timeout=1ms,recoveries_max=0",
	        "vip=192.168.2.2",
	        "vip=192.168.2.2,backends=02:00:00:00:00:02*0+02:00:00:00:00:03*65535",
	};

	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		struct lb *lb = lb_new(right[i]);

		lb_syn(lb, 1, 1);
		lb_free(lb);
	}
}

static void discovery_comes_with_the_balancer(void)
{
	struct bench *b = bench_new();

	bench_add(b, &fb_app_balancer, "");
	CU_ASSERT_EQUAL(bench_counter(b, "discovery", "hosts_new"), 0);
	CU_ASSERT_EQUAL(bench_counter(b, "balancer", "sessions"), 0);
	bench_free(b);
}

UNIT_TESTS("balancer_options", UNIT_TEST(a_balancer_without_options_has_the_defaults),
           UNIT_TEST(wrong_options_are_refused_with_what_would_be_right),
           UNIT_TEST(options_at_their_limits_are_taken),
           UNIT_TEST(discovery_comes_with_the_balancer))
