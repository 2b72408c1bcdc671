/* Configured addresses: what options and files may say, what is refused and how, and that a text
 * with a mistake changes nothing. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "controller/apps/balancer_services.h"

enum { TEXT_BYTES = 16 << 20 };

struct bench {
	struct balancer_services *set;
	char error[FB_TEXT_LINE_BYTES];
	char text[TEXT_BYTES]; /* of a long file */
	size_t text_len;
};

static struct bench *begin(void)
{
	struct bench *b = malloc(sizeof *b);

	b->set = balancer_services_new();
	b->error[0] = '\0';
	b->text_len = 0;
	CU_ASSERT_FATAL(b->set != NULL);
	return b;
}

static void end(struct bench *b)
{
	balancer_services_free(b->set);
	free(b);
}

static bool read_bytes(struct bench *b, const char *text, size_t len)
{
	struct fb_text error = fb_text_make(b->error, sizeof b->error);
	char *copy = malloc(len ? len : 1); /* so that a sanitizer sees its end */
	bool ok;

	memcpy(copy, text, len);
	ok = balancer_services_parse_file(b->set, copy, len, "shop", &error);
	free(copy);
	CU_ASSERT_FALSE(error.cut);
	return ok;
}

static bool read_text(struct bench *b, const char *text)
{
	return read_bytes(b, text, strlen(text));
}

static bool read_options(struct bench *b, const char *vip, const char *ports, const char *backends)
{
	struct fb_text error = fb_text_make(b->error, sizeof b->error);

	return balancer_services_parse_options(b->set, vip, ports, backends, &error);
}

/* The set in the words of a file, one line after the other. */
static const char *told(const struct bench *b)
{
	static char text[4096];
	struct fb_text t = fb_text_make(text, sizeof text);
	const struct balancer_service *service;

	for (size_t i = 0; (service = balancer_services_at(b->set, i)); i++) {
		fb_text_puts(&t, "vip ");
		fb_text_ip(&t, service->ip);
		for (uint32_t k = 0; k < service->ports_count; k++)
			fb_text_printf(&t, "%s%s/%u", k ? "," : " ports=",
			               service->ports[k].proto == FB_IP_TCP ? "tcp" : "udp",
			               service->ports[k].port);
		if (service->has_scheduler)
			fb_text_printf(&t, " scheduler=%s",
			               balancer_scheduler_names[service->scheduler]);
		if (service->check_port)
			fb_text_printf(&t, " check=tcp/%u", service->check_port);
		if (service->vlan != OFP_VLAN_NONE)
			fb_text_printf(&t, " vlan=%u", service->vlan);
		for (uint32_t k = 0; k < service->backends_count; k++) {
			fb_text_puts(&t, "\nbackend ");
			fb_text_mac(&t, service->backends[k].mac);
			fb_text_printf(&t, " weight=%u%s", (unsigned)service->backends[k].weight,
			               service->backends[k].drained ? " drain" : "");
		}
		fb_text_puts(&t, "\n");
	}
	return text;
}

#define EXPECT_TOLD(b, wanted)                                                                     \
	do {                                                                                       \
		CU_ASSERT_STRING_EQUAL(told(b), wanted);                                           \
		if (strcmp(told(b), wanted) != 0)                                                  \
			printf("# got  %s\n# want %s\n", told(b), wanted);                         \
	} while (0)

/* --- Files --- */

static void a_file_says_all_that_there_is_to_say(void)
{
	static const char text[] =
	        "vip 192.168.2.2 ports=tcp/22,tcp/80,udp/53 scheduler=wrr check=tcp/22 vlan=7\n"
	        "backend 02:00:00:00:00:02 weight=3\n"
	        "backend 02:00:00:00:00:03 weight=1 drain\n"
	        "vip 10.0.0.1\n"
	        "vip 192.168.2.2\n"
	        "backend 02:00:00:00:00:02 weight=0\n"
	        "backend 02:00:00:00:00:01 weight=65535\n"
	        "vip 192.168.2.2 vlan=4095\n";
	struct bench *b = begin();

	CU_ASSERT(read_text(b, text));
	CU_ASSERT_STRING_EQUAL(b->error, "");
	EXPECT_TOLD(b, text);
	end(b);
}

static void what_is_left_out_has_a_default(void)
{
	struct bench *b = begin();
	const struct balancer_service *service;

	CU_ASSERT(read_text(b, "vip 192.168.2.2\nbackend 02:00:00:00:00:02"));
	service = balancer_services_at(b->set, 0);
	CU_ASSERT_EQUAL(service->vlan, OFP_VLAN_NONE);
	CU_ASSERT_FALSE(service->has_scheduler);
	CU_ASSERT_EQUAL(service->check_port, 0);
	CU_ASSERT_EQUAL(service->ports_count, 0);
	CU_ASSERT_EQUAL(service->backends_count, 1);
	CU_ASSERT_EQUAL(service->backends[0].weight, 1);
	CU_ASSERT_FALSE(service->backends[0].drained);
	end(b);
}

static void keys_come_in_any_order_and_ports_are_sorted(void)
{
	struct bench *b = begin();

	CU_ASSERT(read_text(b, "vip 10.0.0.1 vlan=1 check=tcp/1 ports=udp/1,tcp/65535,tcp/7,udp/9,"
	                       "tcp/1 scheduler=maglev\n"
	                       "backend 2:0:0:0:0:a drain weight=9\n"));
	EXPECT_TOLD(b, "vip 10.0.0.1 ports=tcp/1,tcp/7,tcp/65535,udp/1,udp/9 scheduler=maglev "
	               "check=tcp/1 vlan=1\n"
	               "backend 02:00:00:00:00:0a weight=9 drain\n");
	end(b);
}

static void comments_blanks_and_ends_of_lines_are_as_people_write_them(void)
{
	static const char *const texts[] = {
	        "# the shop\n\nvip 10.0.0.1\nbackend 02:00:00:00:00:02\n",
	        "vip 10.0.0.1# one\nbackend 02:00:00:00:00:02 # caf\xc3\xa9 \x01",
	        "\t  vip\t 10.0.0.1 \t\r\n\r\n  backend 02:00:00:00:00:02\r\n#\r\n",
	        "vip 10.0.0.1\nbackend 02:00:00:00:00:02\r",
	        "\xef\xbb\xbfvip 10.0.0.1\nbackend 02:00:00:00:00:02 weight=1",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct bench *b = begin();

		CU_ASSERT(read_text(b, texts[i]));
		EXPECT_TOLD(b, "vip 10.0.0.1\nbackend 02:00:00:00:00:02 weight=1\n");
		end(b);
	}
}

static void services_and_backends_know_their_lines(void)
{
	struct bench *b = begin();

	CU_ASSERT(read_options(b, "10.0.0.9", "", "02:00:00:00:00:02"));
	CU_ASSERT(read_text(b, "#\nvip 10.0.0.1\n\nbackend 02:00:00:00:00:02\r\nvip 10.0.0.2"));
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 0)->line, 0);
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 0)->backends[0].line, 0);
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 1)->line, 2);
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 1)->backends[0].line, 4);
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 2)->line, 5);
	end(b);
}

struct refused {
	const char *text, *error;
};

static void expect_refused(const struct refused *refused)
{
	static const char before[] = "vip 10.9.9.9 ports=udp/53\n"
	                             "backend 02:00:00:00:00:02 weight=7\n";
	struct bench *b = begin();

	CU_ASSERT(read_text(b, before));
	CU_ASSERT_FALSE(read_text(b, refused->text));
	CU_ASSERT_STRING_EQUAL(b->error, refused->error);
	if (strcmp(b->error, refused->error) != 0)
		printf("# got  %s\n# want %s\n", b->error, refused->error);
	EXPECT_TOLD(b, before);
	end(b);
}

#define VIP     "vip 10.0.0.1"
#define BACKEND VIP "\nbackend 02:00:00:00:00:02"

static void what_is_wrong_is_told_by_line_and_column_with_what_would_be_right(void)
{
	static const struct refused all[] = {
	        {"", "shop:1:1: there is no address in it: expected a line like vip 192.168.2.2"},
	        {"# vip\n\n",
	         "shop:3:1: there is no address in it: expected a line like vip 192.168.2.2"},
	        {"\n vp 10.0.0.1",
	         "shop:2:2: 'vp' is no first word of a line, did you mean 'vip'?"},
	        {VIP "\nserver x",
	         "shop:2:1: 'server' is no first word of a line: expected vip or backend"},
	        {"vip", "shop:1:4: an address is missing: expected one like vip 192.168.2.2"},
	        {"vip  # x", "shop:1:6: an address is missing: expected one like vip 192.168.2.2"},
	        {"vip 10.0.0.256", "shop:1:5: '10.0.0.256' is no IPv4 address like 192.168.2.2"},
	        {"vip ports=tcp/80",
	         "shop:1:5: 'ports=tcp/80' is no IPv4 address like 192.168.2.2"},
	        {"vip 10.0.0.1/24", "shop:1:5: '10.0.0.1/24' is no IPv4 address like 192.168.2.2"},
	        {"vip 224.0.0.1", "shop:1:5: 224.0.0.1 is no address that hosts can have: expected "
	                          "one like 192.168.2.2"},
	        {"vip 127.0.0.1", "shop:1:5: 127.0.0.1 is no address that hosts can have: expected "
	                          "one like 192.168.2.2"},
	        {"vip 0.0.0.1", "shop:1:5: 0.0.0.1 is no address that hosts can have: expected one "
	                        "like 192.168.2.2"},
	        {"vip 255.255.255.255", "shop:1:5: 255.255.255.255 is no address that hosts can "
	                                "have: expected one like 192.168.2.2"},
	        {VIP " prots=tcp/80",
	         "shop:1:14: 'prots' is no key of this line, did you mean 'ports'?"},
	        {VIP " colour=red", "shop:1:14: 'colour' is no key of this line: expected ports, "
	                            "scheduler, check or vlan"},
	        {VIP " =1", "shop:1:14: '' is no key of this line: expected ports, scheduler, "
	                    "check or vlan"},
	        {VIP " weight=3", "shop:1:14: 'weight' is no key of this line: expected ports, "
	                          "scheduler, check or vlan"},
	        {VIP " ports=tcp/80 ports=tcp/81", "shop:1:27: ports is given twice"},
	        {VIP " ports", "shop:1:14: ports needs a value: expected one like "
	                       "ports=tcp/80,udp/53"},
	        {VIP " check= vlan=3",
	         "shop:1:14: check needs a value: expected one like check=tcp/22"},
	        {VIP " ports=tcp/80,tpc/81",
	         "shop:1:27: 'tpc' is no protocol with ports, did you mean 'tcp'?"},
	        {VIP " ports=icmp/8",
	         "shop:1:20: 'icmp' is no protocol with ports: expected tcp or udp"},
	        {VIP " ports=80", "shop:1:20: '80' is no port: expected one like tcp/80 or udp/53"},
	        {VIP " ports=tcp/80,,tcp/81",
	         "shop:1:27: '' is no port: expected one like tcp/80 or udp/53"},
	        {VIP " ports=tcp/80,",
	         "shop:1:27: '' is no port: expected one like tcp/80 or udp/53"},
	        {VIP " ports=tcp/0",
	         "shop:1:24: '0' is no port: expected a number from 1 to 65535"},
	        {VIP " ports=tcp/", "shop:1:24: '' is no port: expected a number from 1 to 65535"},
	        {VIP " ports=udp/65536",
	         "shop:1:24: '65536' is no port: expected a number from 1 to 65535"},
	        {VIP " ports=tcp/4294967376",
	         "shop:1:24: '4294967376' is no port: expected a number from 1 to 65535"},
	        {VIP " ports=tcp/80x",
	         "shop:1:24: '80x' is no port: expected a number from 1 to 65535"},
	        {VIP " ports=tcp/80,udp/80,tcp/080", "shop:1:34: tcp/080 is given twice"},
	        {VIP " scheduler=wr", "shop:1:24: 'wr' is no scheduler, did you mean 'rr'?"},
	        {VIP " scheduler=random", "shop:1:24: 'random' is no scheduler: expected rr, wrr, "
	                                  "lc, source or maglev"},
	        {VIP " check=22", "shop:1:20: '22' is no port: expected one like tcp/80 or udp/53"},
	        {VIP " check=udp/22", "shop:1:20: udp/22 cannot be checked: expected a port of TCP "
	                              "like tcp/22"},
	        {VIP " vlan=0",
	         "shop:1:19: '0' is no VLAN: expected a number from 1 to 4095, or no "
	         "vlan= for frames without a tag"},
	        {VIP " vlan=4096", "shop:1:19: '4096' is no VLAN: expected a number from 1 to "
	                           "4095, or no vlan= for frames without a tag"},
	        {VIP "\nvip 10.0.0.2\n" VIP " vlan=3\n" VIP,
	         "shop:4:5: 10.0.0.1 is given twice: it is in line 1 already"},
	        {"\n" VIP " vlan=3\n" VIP " vlan=3",
	         "shop:3:5: 10.0.0.1 of VLAN 3 is given twice: it is in line 2 already"},
	        {"backend 02:00:00:00:00:02",
	         "shop:1:1: a backend of which address? expected a line like vip 192.168.2.2 above "
	         "it"},
	        {VIP "\nbackend", "shop:2:8: an Ethernet address is missing: expected one like "
	                          "backend 02:00:00:00:00:02"},
	        {VIP "\nbackend 02:00:00:00:00",
	         "shop:2:9: '02:00:00:00:00' is no Ethernet address like 02:00:00:00:00:02"},
	        {VIP "\nbackend 03:00:00:00:00:02",
	         "shop:2:9: 03:00:00:00:00:02 is no address that one host can have: expected one "
	         "like 02:00:00:00:00:02"},
	        {VIP "\nbackend 00:00:00:00:00:00",
	         "shop:2:9: 00:00:00:00:00:00 is no address that one host can have: expected one "
	         "like 02:00:00:00:00:02"},
	        {BACKEND " wieght=3",
	         "shop:2:27: 'wieght' is no key of this line, did you mean 'weight'?"},
	        {BACKEND " port=3",
	         "shop:2:27: 'port' is no key of this line: expected weight or drain"},
	        {BACKEND " weight=65536",
	         "shop:2:34: '65536' is no weight: expected a whole number "
	         "from 0 to 65535"},
	        {BACKEND " weight=-1",
	         "shop:2:34: '-1' is no weight: expected a whole number from 0 to 65535"},
	        {BACKEND " weight=1.5",
	         "shop:2:34: '1.5' is no weight: expected a whole number from 0 to 65535"},
	        {BACKEND " weight", "shop:2:27: weight needs a value: expected one like weight=3"},
	        {BACKEND " drain=yes", "shop:2:33: drain has no value: expected drain alone"},
	        {BACKEND " drain drain", "shop:2:33: drain is given twice"},
	        {BACKEND "\n\nbackend 2:0:0:0:0:2",
	         "shop:4:9: 2:0:0:0:0:2 is given twice: it is in line 2 already"},
	        {"vip 10.9.9.9", "shop:1:5: 10.9.9.9 is given twice: it is in line 1 already"},
	        {VIP "\rvip 10.0.0.2", "shop:1:13: the byte 0x0d does not belong here: expected a "
	                               "text of printable ASCII characters"},
	        {VIP "\r\r\n", "shop:1:13: the byte 0x0d does not belong here: expected a text of "
	                       "printable ASCII characters"},
	        {"\nvip \xc3\xa9", "shop:2:5: the byte 0xc3 does not belong here: expected a text "
	                           "of printable ASCII characters"},
	        {VIP " \x1b[2J",
	         "shop:1:14: the byte 0x1b does not belong here: expected a text of "
	         "printable ASCII characters"},
	        {VIP " \x7f", "shop:1:14: the byte 0x7f does not belong here: expected a text of "
	                      "printable ASCII characters"},
	        {VIP " \x1f", "shop:1:14: the byte 0x1f does not belong here: expected a text of "
	                      "printable ASCII characters"},
	        {"vip 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.1",
	         "shop:1:5: '1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.1' is no IPv4 address like "
	         "192.168.2.2"},
	        {"vip 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18",
	         "shop:1:5: '1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.1...' is no IPv4 address like "
	         "192.168.2.2"},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		expect_refused(&all[i]);
}

static void a_zero_byte_is_refused_in_a_comment_too(void)
{
	struct bench *b = begin();

	CU_ASSERT_FALSE(read_bytes(b, "vip 10.0.0.1\n# a\0b\n", 19));
	CU_ASSERT_STRING_EQUAL(b->error, "shop:2:4: the byte 0x00 does not belong here: expected a "
	                                 "text of printable ASCII characters");
	CU_ASSERT_FALSE(read_bytes(b, "vip 10.0.0.1\0", 13));
	CU_ASSERT_EQUAL(balancer_services_count(b->set), 0);
	end(b);
}

/* A mistake at the end of it: all that came before it is undone, and nothing else; and what was
 * undone can come again. */
static void a_text_with_a_mistake_changes_nothing(void)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 3};
	struct bench *b = begin();
	const struct balancer_service *service;

	CU_ASSERT(read_text(b, "vip 10.0.0.9\nbackend 02:00:00:00:00:03\n"));
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_FALSE(read_text(b, "vip 10.0.0.1 ports=tcp/1\n"
		                             "backend 02:00:00:00:00:03\n"
		                             "backend 02:00:00:00:00:04\n"
		                             "vip 10.0.0.2\n"
		                             "vip 10.0.0.3\n"
		                             "backend 02:00:00:00:00:03\n"
		                             "vip 10.0.0.4 ports=tcp/1,tcp/2 vlan=x\n"));
		CU_ASSERT_EQUAL(balancer_services_count(b->set), 1);
		CU_ASSERT_PTR_NULL(balancer_services_at(b->set, 1));
		CU_ASSERT_PTR_NULL(balancer_services_find(b->set, 0x0a000001, OFP_VLAN_NONE));
	}
	CU_ASSERT(read_text(b, "vip 10.0.0.2\nvip 10.0.0.1\nbackend 02:00:00:00:00:03\n"));
	EXPECT_TOLD(b, "vip 10.0.0.9\nbackend 02:00:00:00:00:03 weight=1\n"
	               "vip 10.0.0.2\n"
	               "vip 10.0.0.1\nbackend 02:00:00:00:00:03 weight=1\n");
	service = balancer_services_at(b->set, 2);
	CU_ASSERT_PTR_EQUAL(balancer_service_backend(service, mac), &service->backends[0]);
	end(b);
}

/* --- Looking up --- */

static void a_service_is_found_by_address_and_vlan(void)
{
	struct bench *b = begin();

	CU_ASSERT(read_text(b, "vip 10.0.0.1\nvip 10.0.0.1 vlan=7\nvip 10.0.0.2 vlan=7\n"));
	CU_ASSERT_PTR_EQUAL(balancer_services_find(b->set, 0x0a000001, OFP_VLAN_NONE),
	                    balancer_services_at(b->set, 0));
	CU_ASSERT_PTR_EQUAL(balancer_services_find(b->set, 0x0a000001, 7),
	                    balancer_services_at(b->set, 1));
	CU_ASSERT_PTR_EQUAL(balancer_services_find(b->set, 0x0a000002, 7),
	                    balancer_services_at(b->set, 2));
	CU_ASSERT_PTR_NULL(balancer_services_find(b->set, 0x0a000002, OFP_VLAN_NONE));
	CU_ASSERT_PTR_NULL(balancer_services_find(b->set, 0x0a000001, 8));
	CU_ASSERT_PTR_NULL(balancer_services_at(b->set, 3));
	CU_ASSERT_PTR_NULL(balancer_services_at(b->set, SIZE_MAX));
	CU_ASSERT_PTR_NULL(balancer_services_at(b->set, (size_t)1 << 32));
	end(b);
}

static void a_backend_is_found_by_its_service_and_mac(void)
{
	static const uint8_t macs[][FB_MAC_BYTES] = {
	        {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 3}};
	struct bench *b = begin();
	const struct balancer_service *first, *second;

	CU_ASSERT(read_text(b, "vip 10.0.0.1\nbackend 02:00:00:00:00:02\n"
	                       "backend 02:00:00:00:00:01\nvip 10.0.0.2\n"
	                       "backend 02:00:00:00:00:03\nbackend 02:00:00:00:00:02\n"
	                       "vip 10.0.0.3"));
	first = balancer_services_at(b->set, 0);
	second = balancer_services_at(b->set, 1);
	CU_ASSERT_PTR_EQUAL(balancer_service_backend(first, macs[0]), &first->backends[1]);
	CU_ASSERT_PTR_EQUAL(balancer_service_backend(first, macs[1]), &first->backends[0]);
	CU_ASSERT_PTR_NULL(balancer_service_backend(first, macs[2]));
	CU_ASSERT_PTR_NULL(balancer_service_backend(second, macs[0]));
	CU_ASSERT_PTR_EQUAL(balancer_service_backend(second, macs[1]), &second->backends[1]);
	CU_ASSERT_PTR_EQUAL(balancer_service_backend(second, macs[2]), &second->backends[0]);
	CU_ASSERT(balancer_service_names_backends(first));
	CU_ASSERT_FALSE(balancer_service_names_backends(balancer_services_at(b->set, 2)));
	end(b);
}

static void a_port_is_served_where_it_is_listed_or_none_is(void)
{
	struct bench *b = begin();
	const struct balancer_service *some, *all;

	CU_ASSERT(read_text(b, "vip 10.0.0.1 ports=tcp/80,udp/53,tcp/443,tcp/65535,tcp/1\n"
	                       "vip 10.0.0.2\n"));
	some = balancer_services_at(b->set, 0);
	all = balancer_services_at(b->set, 1);
	for (uint32_t port = 0; port < 65536; port++) {
		CU_ASSERT_EQUAL(balancer_service_serves(some, FB_IP_TCP, (uint16_t)port),
		                port == 80 || port == 443 || port == 65535 || port == 1);
		CU_ASSERT_EQUAL(balancer_service_serves(some, FB_IP_UDP, (uint16_t)port),
		                port == 53);
	}
	CU_ASSERT_FALSE(balancer_service_serves(some, FB_IP_ICMP, 80));
	CU_ASSERT(balancer_service_serves(all, FB_IP_TCP, 0));
	CU_ASSERT(balancer_service_serves(all, FB_IP_UDP, 65535));
	CU_ASSERT_FALSE(balancer_service_serves(all, FB_IP_ICMP, 8));
	end(b);
}

/* --- Limits --- */

static void add_text(struct bench *b, const char *format, unsigned a, unsigned c)
{
	int len = snprintf(b->text + b->text_len, TEXT_BYTES - b->text_len, format, a, c);

	CU_ASSERT_FATAL(len > 0 && b->text_len + (size_t)len < TEXT_BYTES);
	b->text_len += (size_t)len;
}

static bool read_long_text(struct bench *b)
{
	bool ok = read_bytes(b, b->text, b->text_len);

	b->text_len = 0;
	return ok;
}

static void there_are_as_many_addresses_as_the_limit_says(void)
{
	for (unsigned count = BALANCER_SERVICES_MAX; count <= BALANCER_SERVICES_MAX + 1; count++) {
		struct bench *b = begin();

		for (unsigned i = 0; i < count; i++)
			add_text(b, "vip 10.1.%u.%u\n", i >> 8, i & 255);
		CU_ASSERT_EQUAL(read_long_text(b), count == BALANCER_SERVICES_MAX);
		if (count > BALANCER_SERVICES_MAX)
			CU_ASSERT_STRING_EQUAL(b->error, "shop:4097:5: more than 4096 addresses");
		end(b);
	}
}

static void add_backends(struct bench *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		add_text(b, "backend 02:00:00:00:%02x:%02x\n", i >> 8, i & 255);
}

static void an_address_has_as_many_backends_as_the_limit_says(void)
{
	struct bench *b = begin();

	add_text(b, "vip 10.0.%u.%u\n", 0, 1);
	add_backends(b, BALANCER_SERVICE_BACKENDS_MAX + 1);
	CU_ASSERT_FALSE(read_long_text(b));
	CU_ASSERT_STRING_EQUAL(b->error, "shop:4098:9: more than 4096 backends of one address");
	add_text(b, "vip 10.0.%u.%u\n", 0, 1);
	add_backends(b, BALANCER_SERVICE_BACKENDS_MAX);
	CU_ASSERT(read_long_text(b));
	CU_ASSERT_EQUAL(balancer_services_at(b->set, 0)->backends_count,
	                BALANCER_SERVICE_BACKENDS_MAX);
	end(b);
}

static void all_addresses_have_as_many_backends_as_the_limit_says(void)
{
	enum { FULL = BALANCER_SERVICES_BACKENDS_MAX / BALANCER_SERVICE_BACKENDS_MAX };
	struct bench *b = begin();

	for (unsigned i = 0; i < FULL; i++) {
		add_text(b, "vip 10.0.%u.%u\n", 0, i);
		add_backends(b, BALANCER_SERVICE_BACKENDS_MAX);
	}
	CU_ASSERT(read_long_text(b));
	CU_ASSERT_FALSE(read_text(b, BACKEND));
	CU_ASSERT_STRING_EQUAL(b->error, "shop:1:5: 10.0.0.1 is given twice: it is in line 4098 "
	                                 "already");
	CU_ASSERT_FALSE(read_text(b, "vip 10.0.1.1\nbackend 02:00:00:00:00:02"));
	CU_ASSERT_STRING_EQUAL(b->error, "shop:2:9: more than 262144 backends of all addresses");
	CU_ASSERT_EQUAL(balancer_services_count(b->set), FULL);
	end(b);
}

static void an_address_has_as_many_ports_as_the_limit_says(void)
{
	for (unsigned count = BALANCER_SERVICE_PORTS_MAX; count <= BALANCER_SERVICE_PORTS_MAX + 1;
	     count++) {
		struct bench *b = begin();

		add_text(b, "vip 10.0.%u.%u ports=tcp/1", 0, 1);
		for (unsigned i = 1; i < count; i++)
			add_text(b, ",udp/%u%03u", 30, i);
		CU_ASSERT_EQUAL(read_long_text(b), count == BALANCER_SERVICE_PORTS_MAX);
		if (count > BALANCER_SERVICE_PORTS_MAX)
			CU_ASSERT_STRING_EQUAL(b->error,
			                       "shop:1:2576: more than 256 ports: give fewer, or "
			                       "none for all ports of TCP and UDP");
		end(b);
	}
}

static void a_line_is_as_long_as_the_limit_says(void)
{
	for (unsigned len = BALANCER_SERVICES_LINE_BYTES_MAX;
	     len <= BALANCER_SERVICES_LINE_BYTES_MAX + 1; len++) {
		struct bench *b = begin();

		add_text(b, "vip 10.0.%u.%u #", 0, 1);
		while (b->text_len < len)
			b->text[b->text_len++] = '-';
		memcpy(b->text + b->text_len, "\r\n", 2);
		b->text_len += 2;
		CU_ASSERT_EQUAL(read_long_text(b), len == BALANCER_SERVICES_LINE_BYTES_MAX);
		if (len > BALANCER_SERVICES_LINE_BYTES_MAX)
			CU_ASSERT_STRING_EQUAL(b->error, "shop:1:4097: the line is too long: "
			                                 "expected at most 4096 bytes");
		end(b);
	}
}

/* --- Options --- */

static void options_say_what_one_address_needs(void)
{
	struct bench *b = begin();

	CU_ASSERT(read_options(b, "", "", ""));
	CU_ASSERT_EQUAL(balancer_services_count(b->set), 0);
	CU_ASSERT(read_options(b, "192.168.2.2", "tcp/80+tcp/443+udp/53",
	                       "02:00:00:00:00:02*3+02:00:00:00:00:03+02:00:00:00:00:04*0"));
	CU_ASSERT(read_options(b, "192.168.2.3", "", ""));
	EXPECT_TOLD(b, "vip 192.168.2.2 ports=tcp/80,tcp/443,udp/53\n"
	               "backend 02:00:00:00:00:02 weight=3\n"
	               "backend 02:00:00:00:00:03 weight=1\n"
	               "backend 02:00:00:00:00:04 weight=0\n"
	               "vip 192.168.2.3\n");
	end(b);
}

static void what_is_wrong_in_options_is_told_by_the_option(void)
{
	static const struct {
		const char *vip, *ports, *backends, *error;
	} all[] = {
	        {"192.168.2", "", "", "vip: '192.168.2' is no IPv4 address like 192.168.2.2"},
	        {"224.0.0.5", "", "",
	         "vip: 224.0.0.5 is no address that hosts can have: expected one like 192.168.2.2"},
	        {"", "tcp/80", "",
	         "vip: an address is missing for ports=: expected one like vip=192.168.2.2"},
	        {"", "", "02:00:00:00:00:02",
	         "vip: an address is missing for backends=: expected one like vip=192.168.2.2"},
	        {"192.168.2.2", "tcp/80+tpc/81", "",
	         "ports: 'tpc' is no protocol with ports, did you mean 'tcp'?"},
	        {"192.168.2.2", "tcp/80+tcp/80", "", "ports: tcp/80 is given twice"},
	        {"192.168.2.2", "tcp/80+", "",
	         "ports: '' is no port: expected one like tcp/80 or udp/53"},
	        {"192.168.2.2", "", "02:00:00:00:00:02*",
	         "backends: '' is no weight: expected a whole number from 0 to 65535"},
	        {"192.168.2.2", "", "02:00:00:00:00:02*3*4",
	         "backends: '3*4' is no weight: expected a whole number from 0 to 65535"},
	        {"192.168.2.2", "tcp/80", "02:00:00:00:00:02+h3",
	         "backends: 'h3' is no Ethernet address like 02:00:00:00:00:02"},
	        {"192.168.2.2", "", "02:00:00:00:00:02+02:00:00:00:00:02*3",
	         "backends: 02:00:00:00:00:02 is given twice"},
	        {"192.168.2.2", "tcp/80#", "",
	         "ports: '80#' is no port: expected a number from 1 to 65535"},
	        {"192.168.2.2", "tcp/80#\x01", "",
	         "ports: the byte 0x01 does not belong here: expected a text of printable ASCII "
	         "characters"},
	        {"192.168.2.2\t", "", "",
	         "vip: the byte 0x09 does not belong here: expected a text of printable ASCII "
	         "characters"},
	        {"192.168.2.2", "", "\x1b",
	         "backends: the byte 0x1b does not belong here: expected a text of printable ASCII "
	         "characters"},
	        {"192.168.2.2\n", "", "",
	         "vip: the byte 0x0a does not belong here: expected a text of printable ASCII "
	         "characters"},
	        {"10.9.9.9", "", "", "vip: 10.9.9.9 is given twice"},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct bench *b = begin();
		char error[FB_TEXT_LINE_BYTES];

		CU_ASSERT(read_options(b, "10.9.9.9", "", ""));
		CU_ASSERT_FALSE(read_options(b, all[i].vip, all[i].ports, all[i].backends));
		snprintf(error, sizeof error, "balancer: %s", all[i].error);
		CU_ASSERT_STRING_EQUAL(b->error, error);
		if (strcmp(b->error, error) != 0)
			printf("# got  %s\n# want %s\n", b->error, error);
		EXPECT_TOLD(b, "vip 10.9.9.9\n");
		end(b);
	}
}

static void an_address_is_given_by_options_or_by_the_file(void)
{
	struct bench *b = begin();

	CU_ASSERT(read_options(b, "10.0.0.1", "", "02:00:00:00:00:02"));
	CU_ASSERT_FALSE(read_text(b, "vip 10.0.0.2\nvip 10.0.0.1\n"));
	CU_ASSERT_STRING_EQUAL(b->error,
	                       "shop:2:5: 10.0.0.1 is given twice: it is an option of the "
	                       "balancer already");
	CU_ASSERT_FALSE(read_text(b, "backend 02:00:00:00:00:03"));
	EXPECT_TOLD(b, "vip 10.0.0.1\nbackend 02:00:00:00:00:02 weight=1\n");
	end(b);
}

UNIT_TESTS("balancer_services", UNIT_TEST(a_file_says_all_that_there_is_to_say),
           UNIT_TEST(what_is_left_out_has_a_default),
           UNIT_TEST(keys_come_in_any_order_and_ports_are_sorted),
           UNIT_TEST(comments_blanks_and_ends_of_lines_are_as_people_write_them),
           UNIT_TEST(services_and_backends_know_their_lines),
           UNIT_TEST(what_is_wrong_is_told_by_line_and_column_with_what_would_be_right),
           UNIT_TEST(a_zero_byte_is_refused_in_a_comment_too),
           UNIT_TEST(a_text_with_a_mistake_changes_nothing),
           UNIT_TEST(a_service_is_found_by_address_and_vlan),
           UNIT_TEST(a_backend_is_found_by_its_service_and_mac),
           UNIT_TEST(a_port_is_served_where_it_is_listed_or_none_is),
           UNIT_TEST(there_are_as_many_addresses_as_the_limit_says),
           UNIT_TEST(an_address_has_as_many_backends_as_the_limit_says),
           UNIT_TEST(all_addresses_have_as_many_backends_as_the_limit_says),
           UNIT_TEST(an_address_has_as_many_ports_as_the_limit_says),
           UNIT_TEST(a_line_is_as_long_as_the_limit_says),
           UNIT_TEST(options_say_what_one_address_needs),
           UNIT_TEST(what_is_wrong_in_options_is_told_by_the_option),
           UNIT_TEST(an_address_is_given_by_options_or_by_the_file))
