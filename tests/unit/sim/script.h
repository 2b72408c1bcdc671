/* One host and a page of packets, as packetdrill has it: a test injects segments and says what must
 * come out, and when.
 *
 * The host is 192.168.2.1; its peer 192.168.2.2 (02:00:00:00:00:02) is the test. All that the host
 * sends is written down, one line a packet, and script_expect() compares the lines since the last
 * call with what is expected:
 *
 *     1.000000 S 0                 time in seconds, flags (as tcpdump: S, F, R, P, '.' for ACK, E,
 * W), sequence number 0.000000 S. 0 ack 1 0.040000 . 1 ack 9           and acknowledgement, both
 * relative to the initial ones 0.000000 P. 1:9 ack 9        with data: first and last + 1
 *
 * "win N" follows when script.show_window, "sack 21:31" when there are blocks. ARP is answered
 * without a line, unless script.show_arp; other packets are shown as fb_text_packet() does. */
#ifndef UNIT_SIM_SCRIPT_H
#define UNIT_SIM_SCRIPT_H

#include <inttypes.h>
#include <stdio.h>

#include <flowbed/text.h>

#include "tests/unit/sim/two_hosts.h"

enum {
	PEER_PORT = 40000,
	PEER_ISN = 1000000,
	SCRIPT_LOG_BYTES = 65536,
};

struct script {
	struct frame_pool *pool;
	struct host *host;
	uint64_t now_ns;
	uint16_t local_port; /* the host's, of the connection in the script */
	uint32_t iss;        /* the host's initial sequence number, from its last SYN */
	uint16_t peer_port;
	uint32_t peer_isn;
	uint16_t window; /* of what the peer sends: the header's field */
	bool peer_answers_arp;
	bool show_window, show_arp;
	uint32_t arp_owed;  /* requests of the host to be answered */
	uint8_t last[2048]; /* the last frame that the host sent */
	size_t last_len;
	char log_buf[SCRIPT_LOG_BYTES];
	struct fb_text log;
	struct outcome outcome;
};

static const uint8_t script_peer_mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 2};
static const uint8_t script_host_mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 1};

static inline void script_log_sack(struct script *s, const struct fb_packet *p)
{
	for (uint32_t at = p->l4_ofs + FB_TCP_HEADER_BYTES; at < p->payload_ofs;) {
		uint8_t kind = p->data[at];
		uint8_t len = kind > 1 ? p->data[at + 1] : 1;

		for (uint32_t b = at + 2; kind == 5 && b < at + len; b += 8)
			fb_text_printf(&s->log, " sack %u:%u", fb_get32(p->data + b) - s->peer_isn,
			               fb_get32(p->data + b + 4) - s->peer_isn);
		at += len;
	}
}

static inline void script_log_tcp(struct script *s, const struct fb_packet *p)
{
	static const struct {
		uint8_t bit;
		char c;
	} flags[] = {{FB_TCP_SYN, 'S'}, {FB_TCP_FIN, 'F'}, {FB_TCP_RST, 'R'}, {FB_TCP_PSH, 'P'},
	             {FB_TCP_ECE, 'E'}, {FB_TCP_CWR, 'W'}, {FB_TCP_ACK, '.'}};

	if (p->tcp_flags & FB_TCP_SYN)
		s->iss = p->tcp_seq;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (p->tcp_flags & flags[i].bit)
			fb_text_printf(&s->log, "%c", flags[i].c);
	}
	fb_text_printf(&s->log, " %u", p->tcp_seq - s->iss);
	if (p->payload_len)
		fb_text_printf(&s->log, ":%u", p->tcp_seq - s->iss + p->payload_len);
	if (p->tcp_flags & FB_TCP_ACK)
		fb_text_printf(&s->log, " ack %u", p->tcp_ack - s->peer_isn);
	if (s->show_window)
		fb_text_printf(&s->log, " win %u", p->tcp_window);
	script_log_sack(s, p);
	fb_text_puts(&s->log, "\n");
}

static inline void script_transmit(void *ctx, struct frame *frame)
{
	struct script *s = ctx;
	struct fb_packet p;

	fb_packet_parse(&p, frame_data(frame), frame->len);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
	s->last_len = frame->len < sizeof s->last ? frame->len : sizeof s->last;
	memcpy(s->last, frame_data(frame), s->last_len);
	if (p.is_arp && p.arp_op == FB_ARP_REQUEST && s->peer_answers_arp && p.nw_dst == IP_2)
		s->arp_owed++;
	if (!p.is_arp || s->show_arp) {
		fb_text_printf(&s->log, "%" PRIu64 ".%06" PRIu64 " ", s->now_ns / SECOND,
		               s->now_ns % SECOND / 1000);
		if (p.is_tcp) {
			script_log_tcp(s, &p);
		} else {
			fb_text_packet(&s->log, p.data, p.len);
			fb_text_puts(&s->log, "\n");
		}
	}
	frame_unref(frame);
}

static inline void script_receive(struct script *s, struct fb_buf *out)
{
	CU_ASSERT_FALSE_FATAL(out->overflow);
	host_receive(s->host, frame_copy_of(s->pool, out->data, out->len), s->now_ns);
}

/* An ARP packet from 'sha', 'spa' to 'dl_dst'. */
static inline void script_arp(struct script *s, uint16_t op, const uint8_t dl_dst[FB_MAC_BYTES],
                              const uint8_t sha[FB_MAC_BYTES], uint32_t spa,
                              const uint8_t tha[FB_MAC_BYTES], uint32_t tpa)
{
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};

	memcpy(eth.dl_dst, dl_dst, FB_MAC_BYTES);
	memcpy(eth.dl_src, sha, FB_MAC_BYTES);
	fb_build_arp(&out, &eth, op, sha, spa, tha, tpa);
	script_receive(s, &out);
}

static inline void script_settle_arp(struct script *s)
{
	while (s->arp_owed) {
		s->arp_owed--;
		script_arp(s, FB_ARP_REPLY, script_host_mac, script_peer_mac, IP_2, script_host_mac,
		           IP_1);
	}
}

/* Let time pass until 'time_ns'. */
static inline void script_until(struct script *s, uint64_t time_ns)
{
	uint64_t deadline;

	script_settle_arp(s);
	while ((deadline = host_deadline(s->host)) <= time_ns) {
		if (deadline > s->now_ns)
			s->now_ns = deadline;
		host_run(s->host, s->now_ns);
		script_settle_arp(s);
	}
	s->now_ns = time_ns;
}

static inline void script_start_with(struct script *s, const struct host_config *config)
{
	struct host_ops ops = {script_transmit, s};

	memset(s, 0, sizeof *s);
	s->pool = frame_pool_new();
	s->host = host_new(config, &ops, s->pool);
	s->log = fb_text_make(s->log_buf, sizeof s->log_buf);
	s->peer_port = PEER_PORT;
	s->local_port = 22;
	s->peer_isn = PEER_ISN;
	s->window = 65535;
	s->peer_answers_arp = true;
}

static inline void script_start(struct script *s)
{
	struct host_config config = two_hosts_config(0);

	script_start_with(s, &config);
}

static inline void script_stop(struct script *s)
{
	host_free(s->host);
	CU_ASSERT_EQUAL(frame_pool_in_use(s->pool), 0);
	frame_pool_free(s->pool);
}

/* What the host sent since the last call must be 'expected'. */
static inline void script_expect_at(struct script *s, const char *expected, int line)
{
	char name[64];

	if (strcmp(s->log_buf, expected) != 0)
		printf("# line %d: expected:\n%s# seen:\n%s", line, expected, s->log_buf);
	snprintf(name, sizeof name, "packets at line %d", line);
	CU_assertImplementation(strcmp(s->log_buf, expected) == 0, (unsigned)line, name, __FILE__,
	                        "", CU_FALSE);
	s->log = fb_text_make(s->log_buf, sizeof s->log_buf);
}
#define script_expect(script, expected) script_expect_at(script, expected, __LINE__)

/* Forget what was sent so far. */
static inline void script_skip(struct script *s)
{
	s->log = fb_text_make(s->log_buf, sizeof s->log_buf);
}

/* A segment of the peer: 'seq' and 'ack' are relative, 'options' may be NULL; 'len' bytes of data,
 * the byte at relative sequence number n being (uint8_t)n. */
static inline void script_tcp_options(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack,
                                      size_t len, const uint8_t *options, uint8_t options_len)
{
	uint8_t bytes[2048], data[1500] = {0};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1, .dont_fragment = true};
	struct fb_tcp_spec tcp = {.tp_src = s->peer_port,
	                          .tp_dst = s->local_port,
	                          .seq = s->peer_isn + seq,
	                          .ack = flags & FB_TCP_ACK ? s->iss + ack : 0,
	                          .flags = flags,
	                          .window = s->window,
	                          .options = options,
	                          .options_len = options_len};

	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(seq + i);
	fb_build_tcp(&out, &eth, &ip, &tcp, data, len);
	script_receive(s, &out);
	script_settle_arp(s);
}

static inline void script_tcp(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack,
                              size_t len)
{
	script_tcp_options(s, flags, seq, ack, len, NULL, 0);
}

/* The peer's SYN options: an MSS of 1460 and, with 'sack', SACK permitted. No window scale: windows
 * are what they say. */
static inline void script_syn(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack,
                              bool sack)
{
	static const uint8_t options[] = {2, 4, 5, 180, 1, 1, 4, 2};

	script_tcp_options(s, flags, seq, ack, 0, options, sack ? 8 : 4);
}

/* The peer opens a connection to 'service' and forgets what was sent. */
static inline void script_accept(struct script *s, enum host_service service, bool sack)
{
	CU_ASSERT_EQUAL(host_listen_tcp(s->host, s->local_port, service), 0);
	script_syn(s, FB_TCP_SYN, 0, 0, sack);
	script_tcp(s, FB_TCP_ACK, 1, 1, 0);
	script_skip(s);
}

/* The host opens a connection; it is in SYN_SENT, and the SYN has been noted. */
static inline void script_open(struct script *s, const struct host_tcp_request *request)
{
	struct fb_packet p;

	memset(&s->outcome, 0, sizeof s->outcome);
	host_tcp(s->host, request, s->now_ns, outcome_done, &s->outcome);
	script_until(s, s->now_ns);
	fb_packet_parse(&p, s->last, s->last_len);
	s->local_port = p.tp_src;
	s->peer_port = request->port;
}

/* The host opens a connection and the peer takes it; what was sent is forgotten. */
static inline void script_connect(struct script *s, const struct host_tcp_request *request,
                                  bool sack)
{
	script_open(s, request);
	script_syn(s, FB_TCP_SYN | FB_TCP_ACK, 0, 1, sack);
	script_skip(s);
}

#endif
