/* Simulated hosts under noise: packets that make no sense, connections that are pulled about, bytes
 * turned over on the way. Nothing is asserted but that a host keeps its books: no crash, no frame
 * lost, no memory beyond the limits, time that goes on, and that it still serves afterwards. */
#include "lib/base/rng.h"
#include "tests/unit/sim/script.h"

enum {
	ROUNDS = 200,
	PACKETS = 400,
	SERVICE_PORTS = 3,
};

static const uint16_t ports[SERVICE_PORTS] = {7, 9, 22};
static const enum host_service services[SERVICE_PORTS] = {HOST_SERVICE_ECHO, HOST_SERVICE_DISCARD,
                                                          HOST_SERVICE_HOSTNAME};

static uint32_t below(struct rng *rng, uint32_t bound)
{
	return (uint32_t)rng_below(rng, bound);
}

/* A number near 0, or anywhere. */
static uint32_t near(struct rng *rng)
{
	switch (below(rng, 4)) {
	case 0:
		return below(rng, 4);
	case 1:
		return below(rng, 5000);
	case 2:
		return (uint32_t)-below(rng, 70000);
	default:
		return below(rng, 8) ? below(rng, 100000) : (uint32_t)rng_next(rng);
	}
}

/* A segment of the peer with a bit of everything; the addresses and the port are such that it often
 * hits. */
static void noise_tcp(struct script *s, struct rng *rng)
{
	static const uint8_t flags[] = {FB_TCP_SYN,
	                                FB_TCP_ACK,
	                                FB_TCP_ACK,
	                                FB_TCP_ACK,
	                                FB_TCP_ACK | FB_TCP_PSH,
	                                FB_TCP_ACK | FB_TCP_FIN,
	                                FB_TCP_SYN | FB_TCP_ACK,
	                                FB_TCP_RST,
	                                FB_TCP_RST | FB_TCP_ACK,
	                                FB_TCP_FIN,
	                                0};
	uint8_t options[40];
	uint8_t options_len = (uint8_t)(below(rng, 3) ? 0 : 4 * below(rng, 11));
	uint8_t flag = flags[below(rng, sizeof flags)];
	uint32_t seq = near(rng), ack = near(rng), len = below(rng, 3) ? 0 : below(rng, 1400);

	for (unsigned i = 0; i < options_len; i++)
		options[i] = (uint8_t)below(rng, below(rng, 2) ? 12 : 256);
	if (below(rng, 20) == 0)
		flag = (uint8_t)rng_next(rng);
	s->window = (uint16_t)(below(rng, 4) ? rng_next(rng) : below(rng, 3));
	s->local_port = ports[below(rng, SERVICE_PORTS)];
	s->peer_port = (uint16_t)(PEER_PORT + below(rng, 5));
	script_tcp_options(s, flag, seq, ack, len, options, options_len);
}

/* What came last from the host comes back with some bytes turned over, cut or whole; checksums made
 * right or not. */
static void noise_reflection(struct script *s, struct rng *rng)
{
	uint8_t bytes[2048];
	struct fb_packet p;
	size_t len = s->last_len;

	if (!len)
		return;
	memcpy(bytes, s->last, len);
	memcpy(bytes, script_host_mac, FB_MAC_BYTES);
	memcpy(bytes + FB_MAC_BYTES, script_peer_mac, FB_MAC_BYTES);
	if (fb_packet_parse(&p, bytes, len) == 0 && p.is_ipv4) {
		fb_set32(bytes + p.l3_ofs + 12, IP_2);
		fb_set32(bytes + p.l3_ofs + 16, IP_1);
	}
	for (uint32_t turned = below(rng, 6); turned; turned--) {
		uint32_t at = FB_ETH_HEADER_BYTES + below(rng, (uint32_t)len - FB_ETH_HEADER_BYTES);

		bytes[at] ^= (uint8_t)(1u << below(rng, 8));
	}
	if (below(rng, 4) == 0)
		len = FB_ETH_HEADER_BYTES + below(rng, (uint32_t)len - FB_ETH_HEADER_BYTES + 1);
	host_receive(s->host, frame_copy_of(s->pool, bytes, len), s->now_ns);
}

/* An IPv4 packet of any protocol with any fragment offset. */
static void noise_ip(struct script *s, struct rng *rng)
{
	static const uint8_t protocols[] = {FB_IP_ICMP, FB_IP_ICMP, FB_IP_UDP, FB_IP_TCP, 89};
	uint8_t bytes[2048], payload[1400];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = below(rng, 10) == 0};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1, .ip_id = (uint16_t)below(rng, 3)};
	uint32_t len = below(rng, 1400);

	ip.more_fragments = below(rng, 2);
	ip.frag_offset = (uint16_t)(8 * below(rng, below(rng, 10) ? 300 : 8192));
	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)rng_next(rng);
	if (len)
		payload[0] = (uint8_t)below(rng, 12);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_ipv4(&out, &eth, &ip, protocols[below(rng, sizeof protocols)], payload, len);
	script_receive(s, &out);
}

static void noise_arp(struct script *s, struct rng *rng)
{
	static const uint8_t broadcast[FB_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, (uint8_t)below(rng, 4)};
	uint32_t spa = IP_1 + below(rng, 4), tpa = IP_1 + below(rng, 4);

	script_arp(s, (uint16_t)below(rng, 4), below(rng, 2) ? broadcast : script_host_mac, mac,
	           spa, mac, tpa);
}

/* The host wants something itself. */
static void noise_request(struct script *s, struct rng *rng)
{
	struct host_tcp_request tcp = tcp_pattern(22, below(rng, 100000), HOST_SERVICE_NONE);
	struct host_ping_request ping = {
	        .ip = IP_2, .count = 1 + below(rng, 3), .payload_bytes = below(rng, 5000)};
	struct host_udp_request udp = {.ip = IP_2, .port = 9, .wait_reply = below(rng, 2)};

	tcp.timeout_ns = below(rng, 2) * 10 * SECOND;
	switch (below(rng, 4)) {
	case 0:
		host_tcp(s->host, &tcp, s->now_ns, NULL, NULL);
		break;
	case 1:
		host_ping(s->host, &ping, s->now_ns, NULL, NULL);
		break;
	case 2:
		host_udp(s->host, &udp, s->now_ns, NULL, NULL);
		break;
	default:
		host_arp(s->host, IP_1 + below(rng, 4), below(rng, 2), s->now_ns, NULL, NULL);
		break;
	}
}

static void noise(struct script *s, struct rng *rng)
{
	switch (below(rng, 16)) {
	case 0:
		noise_ip(s, rng);
		break;
	case 1:
		noise_arp(s, rng);
		break;
	case 2:
	case 3:
		noise_reflection(s, rng);
		break;
	case 4:
		noise_request(s, rng);
		break;
	case 5:
		script_until(s, s->now_ns + rng_below(rng, 3 * SECOND));
		break;
	case 6:
		if (below(rng, 50) == 0) {
			host_set_power(s->host, false, s->now_ns);
			host_set_power(s->host, true, s->now_ns);
		}
		break;
	default:
		noise_tcp(s, rng);
		break;
	}
	script_skip(s);
}

static void a_host_keeps_its_books_under_noise(void)
{
	struct rng rng;

	rng_init(&rng, 1, "noise");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct host_config config = two_hosts_config(0);
		struct script s;

		config.conns_max = 20;
		config.arp_entries_max = 3;
		config.window_bytes = 1000 + below(&rng, 100000);
		script_start_with(&s, &config);
		for (unsigned i = 0; i < SERVICE_PORTS; i++)
			host_listen_tcp(s.host, ports[i], services[i]);
		for (unsigned i = 0; i < PACKETS; i++)
			noise(&s, &rng);
		/* Silence: all comes to its end. */
		s.peer_answers_arp = false;
		script_until(&s, s.now_ns + 3600 * SECOND);
		CU_ASSERT_EQUAL(host_deadline(s.host), FB_NEVER);
		/* And it still answers. */
		script_skip(&s);
		s.local_port = 22;
		s.peer_port = 5;
		s.peer_answers_arp = true;
		script_syn(&s, FB_TCP_SYN, 0, 0, true);
		CU_ASSERT_PTR_NOT_NULL(strstr(s.log_buf, "S. 0 ack 1"));
		script_stop(&s);
	}
}

/* Bytes are turned over on the way: checksums catch them, TCP sends again. */
static bool corrupt(void *ctx, unsigned end, const struct fb_packet *p)
{
	struct rng *rng = ctx;

	(void)end;
	if (!p->is_arp && rng_below(rng, 20) == 0)
		((uint8_t *)(uintptr_t)p->data)[FB_ETH_HEADER_BYTES +
		                                rng_below(rng, p->len - FB_ETH_HEADER_BYTES)] ^= 4;
	return true;
}

static void bytes_turned_over_on_the_way_do_not_arrive(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_pattern(7, 300000, HOST_SERVICE_ECHO);
	struct rng rng;

	rng_init(&rng, 1, "corruption");
	two_hosts_start_plain(&t);
	t.filter = corrupt;
	t.filter_ctx = &rng;
	host_listen_tcp(t.host[1], 7, HOST_SERVICE_ECHO);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 1000 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(outcome.result.intact);
	CU_ASSERT_TRUE(host_counters(t.host[0])->checksum_errors > 5);
	CU_ASSERT_TRUE(host_counters(t.host[1])->checksum_errors > 5);
	two_hosts_stop(&t);
}

UNIT_TESTS("host_noise", UNIT_TEST(a_host_keeps_its_books_under_noise),
           UNIT_TEST(bytes_turned_over_on_the_way_do_not_arrive))
