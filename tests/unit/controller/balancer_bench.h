/* A balancer under test, on one fake switch: hosts send frames, and what the controller answers is
 * text.
 *
 *     struct lb *lb = lb_new("mode=packet");   three hosts are known: client, server_a, server_b
 *     lb_syn(lb, 40000, 1000)                  "out #5 in 1: mod_dl_dst::02,output:2\n"
 *     lb_free(lb);
 *
 * The client is 192.168.2.1; the servers share 192.168.2.2. Host N has the MAC 02:00:00:00:00:0N,
 * written ":0N" here, and is behind port N. Each frame takes the next buffer id (#1, #2, ...), or
 * none when 'unbuffered' is set. Lines:
 *
 *     out #5 in 1: ACTIONS          a packet-out of buffer 5 that came in by port 1; "drop" where it
 *                                   leads nowhere
 *     out frame: ACTIONS: FRAME     a packet-out with a frame
 *     add MATCH: ACTIONS            a flow-mod, and so on for the other commands
 *     BARRIER_REQUEST               and any other message by its type; see lb_answer_barriers()
 *
 * Every buffer that was handed out must be released exactly once, by its switch; but for those of a
 * switch that went away. lb_free() checks that, unless 'leaks' is set. */
#ifndef UNIT_CONTROLLER_BALANCER_BENCH_H
#define UNIT_CONTROLLER_BALANCER_BENCH_H

#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

#include <flowbed/packet.h>
#include <flowbed/text.h>

enum { LB_BUFFERS_MAX = 65536, LB_BARRIERS_MAX = 1024, LB_SERVICE = 22 };

/* How a frame of the controller's own goes to all hosts. */
#define LB_EVERYWHERE "out frame: output:1,output:2,output:3,output:4,output:5,output:6: "
#define LB_PROBE                                                                                   \
	LB_EVERYWHERE "0e:fb:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.2 tell "        \
	              "0.0.0.0\n"

struct lb_host {
	uint8_t number; /* last byte of the MAC */
	uint8_t ip;     /* last byte of the address: 192.168.2.x */
	uint16_t port;
};

static const struct lb_host lb_client = {1, 1, 1}, lb_a = {2, 2, 2}, lb_b = {3, 2, 3},
                            lb_c = {4, 2, 4}, lb_other = {5, 5, 5};

/* A barrier that a switch has not answered yet. */
struct lb_barrier {
	struct fake_switch *sw;
	uint32_t xid;
};

/* A flow entry that a switch has. */
struct lb_entry {
	struct fake_switch *sw;
	struct fb_match match;
	uint16_t out_port, priority;
	uint64_t cookie;
	uint64_t made_ns;
	uint8_t actions[64];
	size_t actions_len;
};

struct lb {
	struct bench *bench;
	struct fake_switch *sw;
	char said[1 << 16]; /* of lb_said() */
	uint32_t buffer_id; /* of the last frame */
	uint8_t released[LB_BUFFERS_MAX];
	const struct fake_switch *buffer_of[LB_BUFFERS_MAX]; /* the switch that has it */
	bool unbuffered;                                     /* frames come whole, without buffer */
	bool leaks;                     /* buffers may be lost: the switch went away */
	uint64_t cookie;                /* of the last flow-mod seen */
	struct fb_flow_mod flow_mod;    /* the last one; its views are not valid */
	uint8_t own_mac[FB_MAC_BYTES];  /* the source of the last ARP probe */
	const struct lb_host *alive[8]; /* hosts that answer to probes: all that were announced, see
	                                   lb_silence() */
	size_t probes_at;               /* of sw->sent: probes before this were answered */
	struct lb_barrier barriers[LB_BARRIERS_MAX]; /* seen and not answered, in their order */
	size_t barriers_count;
	struct lb_entry *entries; /* as far as flow-mods were said; see lb_entries() */
	size_t entries_count, entries_size;
};

static inline uint32_t lb_ip(uint8_t last)
{
	return 0xc0a80200u | last;
}

static inline void lb_mac(uint8_t mac[FB_MAC_BYTES], uint8_t number)
{
	fb_mac_from_u64(mac, UINT64_C(0x020000000000) | number);
}

/* 'text' occurs in 'is'. */
static inline bool lb_has(const char *is, const char *text)
{
	return strstr(is, text) != NULL;
}

/* A switch that has no flow entries joins, with its ports as edges. */
static inline struct fake_switch *lb_join(struct bench *b, uint64_t dpid, uint16_t ports)
{
	struct fake_switch *sw = fake_switch_join_keeping(b, dpid, ports, true);
	const struct fb_msg *msg;
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY};

	while ((msg = fake_switch_next(sw))) {
		if (msg->type != OFPT_STATS_REQUEST)
			continue;
		reply.xid = msg->xid;
		reply.stats_reply.type = msg->stats_request.type;
		fake_switch_send(sw, &reply);
	}
	bench_pass(b, 0);
	fake_switch_discard(sw);
	return sw;
}

/* One joins that does not tell which flow entries it has. */
static inline struct fake_switch *lb_join_silent(struct bench *b, uint64_t dpid, uint16_t ports)
{
	struct fake_switch *sw = fake_switch_join(b, dpid, ports);

	bench_pass(b, 0);
	fake_switch_discard(sw);
	return sw;
}

/* --- What the controller says --- */

/* Append 'from' with each "02:00:00:00:00:" written ":". */
static inline void lb_put_short(struct fb_text *t, const char *from)
{
	static const char prefix[] = "02:00:00:00:00:";
	const char *at;

	while ((at = strstr(from, prefix))) {
		fb_text_printf(t, "%.*s:", (int)(at - from), from);
		from = at + sizeof prefix - 1;
	}
	fb_text_puts(t, from);
}

static inline void lb_put_packet_out(struct lb *lb, const struct fake_switch *sw, struct fb_text *t,
                                     const struct fb_packet_out *po)
{
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text lt = fb_text_make(line, sizeof line);

	fb_text_puts(&lt, "out ");
	if (po->buffer_id == OFP_NO_BUFFER) {
		fb_text_puts(&lt, "frame: ");
	} else {
		fb_text_printf(&lt, "#%u in %u: ", po->buffer_id, po->in_port);
		CU_ASSERT_FATAL(po->buffer_id < LB_BUFFERS_MAX);
		CU_ASSERT(!lb->buffer_of[po->buffer_id] || lb->buffer_of[po->buffer_id] == sw);
		lb->released[po->buffer_id]++;
	}
	if (fake_goes_nowhere(po))
		fb_text_puts(&lt, "drop");
	else
		fb_text_actions(&lt, po->actions);
	if (po->buffer_id == OFP_NO_BUFFER) {
		struct fb_packet p;

		fb_text_puts(&lt, ": ");
		fb_text_packet(&lt, po->data.data, po->data.len);
		CU_ASSERT_FATAL(fb_packet_parse(&p, po->data.data, po->data.len) == 0);
		CU_ASSERT(fb_packet_checksums_ok(&p));
	}
	lb_put_short(t, line);
	fb_text_puts(t, "\n");
}

/* The last output of 'actions'. */
static inline uint16_t lb_out_port(struct fb_view actions)
{
	uint16_t port = OFPP_NONE;
	struct fb_action action;
	size_t offset = 0;

	while (fb_action_next(actions.data, actions.len, &offset, &action)) {
		if (action.type == OFPAT_OUTPUT)
			port = action.output.port;
	}
	return port;
}

static inline bool lb_is_deleted(const struct lb_entry *entry, const struct fb_flow_mod *fm)
{
	if (fm->out_port != OFPP_NONE && fm->out_port != entry->out_port)
		return false;
	return fm->command == OFPFC_DELETE ? fb_match_contains(&fm->match, &entry->match)
	                                   : fb_match_equal(&fm->match, &entry->match);
}

/* 'sw' does what 'fm' says, to entries of one priority. */
static inline void lb_apply(struct lb *lb, struct fake_switch *sw, const struct fb_flow_mod *fm)
{
	struct lb_entry *entry;
	size_t left = 0;

	for (size_t i = 0; i < lb->entries_count; i++) {
		if (lb->entries[i].sw != sw || !lb_is_deleted(&lb->entries[i], fm))
			lb->entries[left++] = lb->entries[i];
	}
	lb->entries_count = left;
	if (fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT)
		return;
	CU_ASSERT_FATAL(fm->command == OFPFC_ADD);
	if (lb->entries_count == lb->entries_size) {
		lb->entries_size = 2 * lb->entries_size + 64;
		lb->entries = realloc(lb->entries, lb->entries_size * sizeof lb->entries[0]);
		CU_ASSERT_FATAL(lb->entries != NULL);
	}
	entry = &lb->entries[lb->entries_count++];
	*entry = (struct lb_entry){
	        .sw = sw,
	        .match = fm->match,
	        .out_port = lb_out_port(fm->actions),
	        .priority = fm->priority,
	        .cookie = fm->cookie,
	        .made_ns = lb->bench->now_ns,
	        .actions_len = fm->actions.len,
	};
	CU_ASSERT_FATAL(fm->actions.len <= sizeof entry->actions);
	memcpy(entry->actions, fm->actions.data, fm->actions.len);
}

/* How many flow entries 'sw' has after all that was said. */
static inline size_t lb_entries(const struct lb *lb, const struct fake_switch *sw)
{
	size_t count = 0;

	for (size_t i = 0; i < lb->entries_count; i++)
		count += lb->entries[i].sw == sw;
	return count;
}

static inline void lb_put_flow_mod(struct lb *lb, struct fb_text *t, const struct fb_flow_mod *fm)
{
	static const char *const commands[] = {"add", "modify", "modify-strict", "delete",
	                                       "delete-strict"};
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text lt = fb_text_make(line, sizeof line);

	fb_text_printf(&lt, "%s ", commands[fm->command]);
	fb_text_match(&lt, &fm->match);
	if (fm->out_port != OFPP_NONE) {
		fb_text_puts(&lt, ",out_port=");
		fb_text_port(&lt, fm->out_port);
	}
	if (fm->command <= OFPFC_MODIFY_STRICT) {
		fb_text_puts(&lt, ": ");
		fb_text_actions(&lt, fm->actions);
	}
	CU_ASSERT(fm->buffer_id == OFP_NO_BUFFER);
	lb->flow_mod = *fm;
	lb->cookie = fm->cookie;
	lb_put_short(t, line);
	fb_text_puts(t, "\n");
}

static inline void lb_note_barrier(struct lb *lb, struct fake_switch *sw, uint32_t xid)
{
	CU_ASSERT_FATAL(lb->barriers_count < LB_BARRIERS_MAX);
	lb->barriers[lb->barriers_count++] = (struct lb_barrier){.sw = sw, .xid = xid};
}

/* 'sw' (NULL: each switch) answers the barriers that it was sent, as far as they were read. */
static inline void lb_answer_barriers(struct lb *lb, const struct fake_switch *sw)
{
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_BARRIER_REPLY};
	const size_t count = lb->barriers_count;
	struct lb_barrier asked[LB_BARRIERS_MAX];

	memcpy(asked, lb->barriers, count * sizeof asked[0]);
	lb->barriers_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (sw && asked[i].sw != sw) {
			lb->barriers[lb->barriers_count++] = asked[i];
			continue;
		}
		reply.xid = asked[i].xid;
		if (asked[i].sw->session)
			fake_switch_send(asked[i].sw, &reply);
	}
}

/* Frames by which links are found are not said here. */
static inline bool lb_is_discovery(const struct fb_msg *msg)
{
	return msg->type == OFPT_PACKET_OUT && msg->packet_out.data.len > FB_ETH_HEADER_BYTES &&
	       fb_get16(msg->packet_out.data.data + 12) == FB_ETH_LLDP;
}

/* What the controller sent to 'sw' since the last call. */
static inline const char *lb_said_by(struct lb *lb, struct fake_switch *sw)
{
	struct fb_text t = fb_text_make(lb->said, sizeof lb->said);
	const struct fb_msg *msg;

	while ((msg = fake_switch_next(sw))) {
		if (lb_is_discovery(msg))
			continue;
		if (msg->type == OFPT_PACKET_OUT)
			lb_put_packet_out(lb, sw, &t, &msg->packet_out);
		if (msg->type == OFPT_FLOW_MOD) {
			lb_put_flow_mod(lb, &t, &msg->flow_mod);
			lb_apply(lb, sw, &msg->flow_mod);
		}
		if (msg->type == OFPT_BARRIER_REQUEST)
			lb_note_barrier(lb, sw, msg->xid);
		if (msg->type != OFPT_PACKET_OUT && msg->type != OFPT_FLOW_MOD &&
		    msg->type != OFPT_ECHO_REQUEST)
			fb_text_printf(&t, "%s\n", fb_text_msg_type(msg->type));
	}
	fake_switch_discard(sw);
	if (sw == lb->sw)
		lb->probes_at = 0;
	CU_ASSERT(!t.cut);
	return lb->said;
}

static inline const char *lb_said(struct lb *lb)
{
	return lb_said_by(lb, lb->sw);
}

/* --- Frames --- */

struct lb_segment {
	const struct lb_host *from, *to; /* 'to' gives dl_dst and nw_dst */
	const struct lb_host *to_mac;    /* dl_dst, where it is another's */
	uint16_t tp_src, tp_dst;
	uint8_t flags;
	uint32_t seq, ack;
	uint8_t tos;
	uint16_t in_port; /* 0: that of 'from' */
	bool has_vlan;
	uint16_t vlan_tci;
	uint16_t ip_id, frag_offset;
	bool more_fragments;
	const char *data;
};

/* An ARP packet of 'from': a request for the last byte 'target_ip', or a reply to the MAC 'to'
 * (NULL: broadcast). */
static inline void lb_build_arp(struct fb_buf *out, const struct lb_host *from, uint16_t op,
                                const uint8_t *to, uint8_t target_ip)
{
	struct fb_eth_spec eth = {0};
	uint8_t tha[FB_MAC_BYTES] = {0};

	lb_mac(eth.dl_src, from->number);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	if (to) {
		memcpy(eth.dl_dst, to, FB_MAC_BYTES);
		memcpy(tha, to, FB_MAC_BYTES);
	}
	fb_build_arp(out, &eth, op, eth.dl_src, lb_ip(from->ip), tha,
	             target_ip ? lb_ip(target_ip) : 0);
}

/* The hosts that are alive answer the probe in 'frame'. Their frames take no buffer, so that
 * nothing is said to them. */
static inline void lb_answer(struct lb *lb, const struct fb_view *frame)
{
	uint8_t bytes[64];
	struct fb_packet p;

	if (frame->len == 0 || fb_packet_parse(&p, frame->data, frame->len) < 0 || !p.is_arp ||
	    p.nw_src != 0)
		return;
	memcpy(lb->own_mac, p.dl_src, FB_MAC_BYTES);
	for (size_t i = 0; i < sizeof lb->alive / sizeof lb->alive[0]; i++) {
		struct fb_buf reply = fb_buf_make(bytes, sizeof bytes);
		const struct lb_host *host = lb->alive[i];

		if (!host || lb_ip(host->ip) != p.nw_dst || p.has_vlan)
			continue;
		lb_build_arp(&reply, host, FB_ARP_REPLY, lb->own_mac, 0);
		fake_switch_packet_in(lb->sw, OFP_NO_BUFFER, host->port, reply.data, reply.len);
	}
}

/* Answer the probes that were sent since the last call. */
static inline void lb_answer_probes(struct lb *lb)
{
	struct fake_switch *sw = lb->sw;

	while (sw->session && lb->probes_at < sw->sent_len) {
		size_t len = fb_get16(sw->sent + lb->probes_at + 2);
		uint8_t copy[2048];
		struct fb_of_error error;
		struct fb_msg msg;

		CU_ASSERT_FATAL(len <= sizeof copy);
		memcpy(copy, sw->sent + lb->probes_at, len);
		lb->probes_at += len;
		CU_ASSERT_FATAL(fb_msg_decode(copy, len, &msg, &error) == 0);
		if (msg.type == OFPT_PACKET_OUT && msg.packet_out.in_port == OFPP_NONE)
			lb_answer(lb, &msg.packet_out.data);
	}
}

static inline void lb_frame_in(struct lb *lb, uint16_t in_port, const struct fb_buf *frame)
{
	CU_ASSERT_FATAL(!frame->overflow);
	if (!lb->unbuffered) {
		lb->buffer_id++;
		CU_ASSERT_FATAL(lb->buffer_id < LB_BUFFERS_MAX);
		lb->buffer_of[lb->buffer_id] = lb->sw;
	}
	fake_switch_packet_in(lb->sw, lb->unbuffered ? OFP_NO_BUFFER : lb->buffer_id, in_port,
	                      frame->data, frame->len);
	lb_answer_probes(lb);
}

static inline struct fb_eth_spec lb_eth(const struct lb_segment *s)
{
	struct fb_eth_spec eth = {.has_vlan = s->has_vlan, .vlan_tci = s->vlan_tci};

	lb_mac(eth.dl_src, s->from->number);
	lb_mac(eth.dl_dst, s->to_mac ? s->to_mac->number : s->to->number);
	return eth;
}

static inline void lb_build(struct fb_buf *out, const struct lb_segment *s)
{
	struct fb_eth_spec eth = lb_eth(s);
	struct fb_ipv4_spec ip = {
	        .nw_src = lb_ip(s->from->ip),
	        .nw_dst = lb_ip(s->to->ip),
	        .nw_tos = s->tos,
	        .ip_id = s->ip_id,
	        .frag_offset = s->frag_offset,
	        .more_fragments = s->more_fragments,
	};
	struct fb_tcp_spec tcp = {.tp_src = s->tp_src,
	                          .tp_dst = s->tp_dst,
	                          .seq = s->seq,
	                          .ack = s->ack,
	                          .flags = s->flags,
	                          .window = 65535};
	const char *data = s->data ? s->data : "";

	if (s->frag_offset)
		fb_build_ipv4(out, &eth, &ip, FB_IP_TCP, data, strlen(data));
	else
		fb_build_tcp(out, &eth, &ip, &tcp, data, strlen(data));
}

/* A segment comes in; what the controller says to it. */
static inline const char *lb_tcp(struct lb *lb, const struct lb_segment *s)
{
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build(&frame, s);
	lb_frame_in(lb, s->in_port ? s->in_port : s->from->port, &frame);
	return lb_said(lb);
}

/* The client's SYN to the shared address, addressed to server_a's MAC. */
static inline const char *lb_syn(struct lb *lb, uint16_t tp_src, uint32_t isn)
{
	return lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                       .to = &lb_a,
	                                       .tp_src = tp_src,
	                                       .tp_dst = LB_SERVICE,
	                                       .flags = FB_TCP_SYN,
	                                       .seq = isn});
}

/* 'server' answers the SYN with the number 'isn'. */
static inline const char *lb_syn_ack(struct lb *lb, const struct lb_host *server, uint16_t tp_src,
                                     uint32_t isn)
{
	return lb_tcp(lb, &(struct lb_segment){.from = server,
	                                       .to = &lb_client,
	                                       .tp_src = LB_SERVICE,
	                                       .tp_dst = tp_src,
	                                       .flags = FB_TCP_SYN | FB_TCP_ACK,
	                                       .seq = 7000,
	                                       .ack = isn + 1});
}

/* A segment with 'flags' of the client in mid-connection, and one of 'server'. */
static inline const char *lb_to_server(struct lb *lb, uint16_t tp_src, uint8_t flags)
{
	return lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                       .to = &lb_a,
	                                       .tp_src = tp_src,
	                                       .tp_dst = LB_SERVICE,
	                                       .flags = flags,
	                                       .seq = 1,
	                                       .ack = 7001});
}

static inline const char *lb_to_client(struct lb *lb, const struct lb_host *server, uint16_t tp_src,
                                       uint8_t flags)
{
	return lb_tcp(lb, &(struct lb_segment){.from = server,
	                                       .to = &lb_client,
	                                       .tp_src = LB_SERVICE,
	                                       .tp_dst = tp_src,
	                                       .flags = flags,
	                                       .seq = 7001,
	                                       .ack = 1});
}

/* 'from' speaks ARP; see lb_build_arp(). */
static inline const char *lb_arp(struct lb *lb, const struct lb_host *from, uint16_t op,
                                 const uint8_t *to, uint8_t target_ip)
{
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build_arp(&frame, from, op, to, target_ip);
	lb_frame_in(lb, from->port, &frame);
	return lb_said(lb);
}

/* 'host' does not answer to probes any more. */
static inline void lb_silence(struct lb *lb, const struct lb_host *host)
{
	for (size_t i = 0; i < sizeof lb->alive / sizeof lb->alive[0]; i++) {
		if (lb->alive[i] && lb->alive[i]->number == host->number)
			lb->alive[i] = NULL;
	}
}

/* Nobody answers to probes any more. */
static inline void lb_silence_all(struct lb *lb)
{
	memset(lb->alive, 0, sizeof lb->alive);
}

/* Speak for 'sw' from now on. */
static inline void lb_switch_to(struct lb *lb, struct fake_switch *sw)
{
	lb->sw = sw;
	lb->probes_at = sw->sent_len;
}

/* 'host' answers to probes. */
static inline void lb_revive(struct lb *lb, const struct lb_host *host)
{
	lb_silence(lb, host);
	lb->alive[host->number % (sizeof lb->alive / sizeof lb->alive[0])] = host;
}

/* 'from' announces itself, and is alive. */
static inline const char *lb_announce(struct lb *lb, const struct lb_host *from)
{
	lb_revive(lb, from);
	return lb_arp(lb, from, FB_ARP_REQUEST, NULL, from->ip);
}

/* 'from' answers a probe of the controller. */
static inline const char *lb_answer_probe(struct lb *lb, const struct lb_host *from)
{
	return lb_arp(lb, from, FB_ARP_REPLY, lb->own_mac, 0);
}

/* --- The bench --- */

/* Let time pass; hosts answer to probes meanwhile. */
static inline void lb_pass(struct lb *lb, uint64_t ns)
{
	struct bench *b = lb->bench;
	uint64_t until_ns = b->now_ns + ns, deadline_ns;

	while ((deadline_ns = controller_deadline(b->ctl)) <= until_ns) {
		if (deadline_ns > b->now_ns)
			b->now_ns = deadline_ns;
		controller_run(b->ctl, b->now_ns);
		lb_answer_probes(lb);
	}
	b->now_ns = until_ns;
}

/* Nothing is known yet. The old way of ARP is the default here: most tests are not about it. */
static inline struct lb *lb_new_empty(const char *options)
{
	struct controller_config config;
	struct lb *lb = calloc(1, sizeof *lb);
	char all[256];

	CU_ASSERT_FATAL(lb != NULL);
	controller_config_default(&config);
	config.run_id = 0x1234abcd;
	config.liveness.echo_idle_ns =
	        FB_NEVER / 4; /* time passes here without a peer that answers */
	lb->bench = bench_new_with(&config);
	bench_add(lb->bench, &fb_app_discovery, "edge_after=0,interval=1h,timeout=3h");
	snprintf(all, sizeof all, "%s%s%s", lb_has(options, "arp=") ? "" : "arp=flood",
	         *options && !lb_has(options, "arp=") ? "," : "", options);
	bench_add(lb->bench, &fb_app_balancer, all);
	lb->sw = lb_join(lb->bench, 1, 6);
	return lb;
}

/* Client and both servers were heard, in this order. */
static inline struct lb *lb_new(const char *options)
{
	struct lb *lb = lb_new_empty(options);

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_b);
	return lb;
}

static inline void lb_free(struct lb *lb)
{
	for (uint32_t id = 1; id <= lb->buffer_id && !lb->leaks; id++) {
		const struct fake_switch *sw = lb->buffer_of[id];

		if (lb->released[id] == 0 && sw && !sw->session)
			continue; /* it went with its switch */
		if (lb->released[id] != 1) {
			fprintf(stderr, "buffer %u was released %u times\n", id, lb->released[id]);
			CU_FAIL("a buffer was not released exactly once");
		}
	}
	bench_free(lb->bench);
	free(lb->entries);
	free(lb);
}

static inline uint64_t lb_counter(const struct lb *lb, const char *name)
{
	return bench_counter(lb->bench, "balancer", name);
}

/* Two texts are the same; says how they differ. */
static inline void lb_same(const char *is, const char *must_be, int line)
{
	if (strcmp(is, must_be) == 0)
		return;
	fprintf(stderr, "line %d: the controller said\n%sinstead of\n%s", line, is, must_be);
	CU_FAIL("the controller said something else");
}

#define LB_SAYS(is, must_be) lb_same((is), (must_be), __LINE__)

/* The flow-removed that the switch sends for the entry of 'fm'. */
static inline void lb_flow_removed(struct lb *lb, const struct fb_flow_mod *fm, uint8_t reason)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	msg.flow_removed = (struct fb_flow_removed){.match = fm->match,
	                                            .cookie = fm->cookie,
	                                            .priority = fm->priority,
	                                            .reason = reason,
	                                            .idle_timeout = fm->idle_timeout};
	fake_switch_send(lb->sw, &msg);
}

#endif
