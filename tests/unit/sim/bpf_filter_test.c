/* Filters with names of hosts. */
#include <string.h>

#include "sim/bpf_filter.h"
#include "tests/unit/harness.h"

static char out_buffer[1000], error_buffer[400];

static bool find(void *ctx, const char *name, uint32_t *ip, uint8_t mac[FB_MAC_BYTES])
{
	(void)ctx;
	if (strlen(name) < 2 || name[0] != 'h' || name[1] < '1' || name[1] > '9')
		return false;
	*ip = 0x0a000000U + (uint32_t)(name[1] - '0');
	fb_mac_from_u64(mac, UINT64_C(0x020000000000) + (uint64_t)(name[1] - '0'));
	return true;
}

static void becomes(const char *filter, const char *wanted)
{
	struct fb_text out = fb_text_make(out_buffer, sizeof out_buffer);
	struct fb_text error = fb_text_make(error_buffer, sizeof error_buffer);

	CU_ASSERT_TRUE(bpf_filter_translate(filter, find, NULL, &out, &error));
	CU_ASSERT_STRING_EQUAL(out_buffer, wanted);
	if (strcmp(out_buffer, wanted))
		printf("# %s: %s, not %s; %s\n", filter, out_buffer, wanted, error_buffer);
}

static void is_refused(const char *filter, const char *part)
{
	struct fb_text error = fb_text_make(error_buffer, sizeof error_buffer);
	struct bpf_program program;

	CU_ASSERT_FALSE_FATAL(bpf_filter_compile(filter, find, NULL, &program, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error_buffer, part));
	if (!strstr(error_buffer, part))
		printf("# %s: %s\n", filter, error_buffer);
}

static void hosts_become_ip_addresses(void)
{
	becomes("src h1", "src 10.0.0.1");
	becomes("host h1 and not host h2", "host 10.0.0.1 and not host 10.0.0.2");
	becomes("tcp port 22 and src h1 or h2", "tcp port 22 and src 10.0.0.1 or 10.0.0.2");
	becomes("(dst host h3)", "(dst host 10.0.0.3)");
	becomes("arp src host h4", "arp src host 10.0.0.4");
}

static void after_ether_they_become_mac_addresses(void)
{
	becomes("ether src h1", "ether src 02:00:00:00:00:01");
	becomes("ether host h1 or h2", "ether host 02:00:00:00:00:01 or 02:00:00:00:00:02");
	becomes("ether src or dst host h1", "ether src or dst host 02:00:00:00:00:01");
	becomes("ether host h1 and src h2", "ether host 02:00:00:00:00:01 and src 10.0.0.2");
	becomes("ether host h1 and tcp and host h1",
	        "ether host 02:00:00:00:00:01 and tcp and host 10.0.0.1");
}

static void ports_and_protocols_come_from_a_table(void)
{
	becomes("tcp port ssh", "tcp port 22");
	becomes("dst port http", "dst port 80");
	becomes("ip proto \\tcp", "ip proto 6");
	becomes("ip proto udp", "ip proto 17");
	becomes("ether proto arp", "ether proto 2054");
	becomes("tcp", "tcp");
}

static void literals_stay_as_they_are(void)
{
	becomes("host 192.168.2.2 and net 10.0/16", "host 192.168.2.2 and net 10.0/16");
	becomes("portrange 20-25", "portrange 20-25");
	becomes("tcp[13] & 0x02 != 0", "tcp[13] & 0x02 != 0");
	becomes("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
	        "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn");
	becomes("ip[2:2]-20 > 100", "ip[2:2]-20 > 100");
	becomes("ether src aa:bb:cc:dd:ee:ff or ether dst 02:00:00:00:00:01",
	        "ether src aa:bb:cc:dd:ee:ff or ether dst 02:00:00:00:00:01");
}

static void no_other_name_reaches_the_compiler(void)
{
	is_refused("host example.org", "'example.org' is no host of this file");
	is_refused("host localhost", "'localhost' is no host");
	is_refused("src h0", "'h0' is no host");
	is_refused("net loopback", "'loopback' is no host");
	is_refused("net h1", "'h1' is no host");
	is_refused("port gopher", "'gopher' is no port known here");
	is_refused("ip proto ospf", "'ospf' is no protocol known here");
	is_refused("gateway h1", "'gateway' is no host");
	is_refused("tcp prot 22", "did you mean 'port'");
	is_refused("host 10.0.0.999", "neither a number nor an address");
	is_refused("host 1.2.3.4.5", "neither a number nor an address");
	is_refused("host 1abc", "neither a number nor an address");
	is_refused("port 22; reboot", "';' has no place");
	is_refused("\xc3\xb6", "'?' has no place");
}

static void a_filter_that_is_no_filter_is_refused(void)
{
	char longest[BPF_FILTER_BYTES_MAX + 2];

	is_refused("tcp port 22 and", "syntax error");
	is_refused("((tcp)", "syntax error");
	is_refused("ip and arp", "rejects all");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	is_refused(longest, "longer than 1000 characters");
	longest[100] = 0;
	is_refused(longest, "a word of more than 64 letters");
}

static void a_compiled_filter_selects_frames(void)
{
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	const struct fb_eth_spec eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, false, 0};
	const struct fb_ipv4_spec ip = {.nw_src = 0x0a000001, .nw_dst = 0x0a000002};
	struct fb_text error = fb_text_make(error_buffer, sizeof error_buffer);
	struct bpf_program program;
	struct pcap_pkthdr header;

	CU_ASSERT_TRUE_FATAL(fb_build_udp(&out, &eth, &ip, 5000, 7, "x", 1));
	header = (struct pcap_pkthdr){.caplen = (uint32_t)out.len, .len = (uint32_t)out.len};
	CU_ASSERT_TRUE_FATAL(
	        bpf_filter_compile("udp port echo and src h1", find, NULL, &program, &error));
	CU_ASSERT_NOT_EQUAL(pcap_offline_filter(&program, &header, bytes), 0);
	pcap_freecode(&program);
	CU_ASSERT_TRUE_FATAL(bpf_filter_compile("ether src h2", find, NULL, &program, &error));
	CU_ASSERT_EQUAL(pcap_offline_filter(&program, &header, bytes), 0);
	pcap_freecode(&program);
}

UNIT_TESTS("bpf_filter", UNIT_TEST(hosts_become_ip_addresses),
           UNIT_TEST(after_ether_they_become_mac_addresses),
           UNIT_TEST(ports_and_protocols_come_from_a_table), UNIT_TEST(literals_stay_as_they_are),
           UNIT_TEST(no_other_name_reaches_the_compiler),
           UNIT_TEST(a_filter_that_is_no_filter_is_refused),
           UNIT_TEST(a_compiled_filter_selects_frames))
