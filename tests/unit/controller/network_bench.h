/* A balancer under test, on several fake switches that links connect.
 *
 *     struct nb *nb = nb_new("mode=flows");
 *     struct fake_switch *s1 = nb_join(nb, 1), *s2 = nb_join(nb, 2);     six ports each
 *     nb_link(nb, s1, 5, s2, 5);
 *     nb_begin(nb);                                links and edges are known from here on
 *     nb_host(nb, &lb_client, s1);                 behind its port there; it announces itself
 *     nb_host(nb, &lb_a, s2);
 *     nb_tcp(nb, s1, &segment)                     "s2 out frame: mod_dl_dst::02,output:2: ...\n"
 *     nb_free(nb);
 *
 * Hosts, segments and lines are those of balancer_bench.h; what a switch was told stands behind its
 * number. Discovery frames pass over links; hosts answer to probes, and probes are not said; switches
 * tell their entries when they join. They answer barriers when lb_answer_barriers() says so. */
#ifndef UNIT_CONTROLLER_NETWORK_BENCH_H
#define UNIT_CONTROLLER_NETWORK_BENCH_H

#include "tests/unit/controller/balancer_bench.h"
#include "tests/unit/controller/fake_network.h"

enum { NB_PORTS = 6, NB_HOSTS_MAX = 32, NB_FRAME_BYTES = 256 };

struct nb_host {
	const struct lb_host *host;
	struct fake_switch *sw;
	bool silent; /* it does not answer to probes */
};

struct nb {
	struct lb *lb;
	struct fake_network net;
	struct nb_host hosts[NB_HOSTS_MAX];
	size_t hosts_count;
	char said[1 << 16]; /* of nb_said() */
};

static inline struct nb *nb_new_with(const char *discovery_options, const char *options)
{
	struct nb *nb = calloc(1, sizeof *nb);
	char all[256];

	CU_ASSERT_FATAL(nb != NULL);
	nb->lb = calloc(1, sizeof *nb->lb);
	CU_ASSERT_FATAL(nb->lb != NULL);
	snprintf(all, sizeof all, "%s%s%s", lb_has(options, "arp=") ? "" : "arp=flood",
	         *options && !lb_has(options, "arp=") ? "," : "", options);
	nb->net = fake_network_begin(discovery_options, &fb_app_balancer, all);
	nb->lb->bench = nb->net.b;
	return nb;
}

/* Links are lost with their ports only. */
static inline struct nb *nb_new(const char *options)
{
	return nb_new_with("edge_after=50ms,interval=1h,timeout=3h", options);
}

static inline void nb_free(struct nb *nb)
{
	lb_free(nb->lb);
	free(nb);
}

/* --- What the network does by itself --- */

/* The hosts behind 'sw' answer the probe 'p'. */
static inline void nb_answer_probe(struct nb *nb, struct fake_switch *sw, const struct fb_packet *p)
{
	uint8_t bytes[64], asker[FB_MAC_BYTES];
	const uint32_t asked = p->nw_dst;

	memcpy(asker, p->dl_src, FB_MAC_BYTES);
	for (size_t i = 0; i < nb->hosts_count; i++) {
		struct fb_buf reply = fb_buf_make(bytes, sizeof bytes);
		const struct nb_host *at = &nb->hosts[i];

		if (at->silent || at->sw != sw || lb_ip(at->host->ip) != asked || !sw->session)
			continue;
		lb_build_arp(&reply, at->host, FB_ARP_REPLY, asker, 0);
		fake_switch_packet_in(sw, OFP_NO_BUFFER, at->host->port, reply.data, reply.len);
	}
}

/* Take the first message to 'sw' that the network deals with by itself out of what was sent, into
 * 'bytes'; its length, 0: there is none. */
static inline size_t nb_take(struct fake_switch *sw, uint8_t *bytes, size_t size)
{
	struct fb_of_error error;
	struct fb_packet p;
	struct fb_msg msg;
	size_t len;

	for (size_t at = 0; at < sw->sent_len; at += len) {
		const struct fb_packet_out *po = &msg.packet_out;

		len = fb_get16(sw->sent + at + 2);
		CU_ASSERT_FATAL(len <= size);
		memcpy(bytes, sw->sent + at, len);
		CU_ASSERT_FATAL(fb_msg_decode(bytes, len, &msg, &error) == 0);
		if (msg.type != OFPT_STATS_REQUEST &&
		    (msg.type != OFPT_PACKET_OUT || po->data.len == 0 ||
		     fb_packet_parse(&p, po->data.data, po->data.len) < 0 ||
		     (p.dl_type != FB_ETH_LLDP && !(p.is_arp && p.nw_src == 0))))
			continue;
		memmove(sw->sent + at, sw->sent + at + len, sw->sent_len - at - len);
		sw->sent_len -= len;
		if (sw->read_at > at)
			sw->read_at -= len;
		return len;
	}
	return 0;
}

/* 'sw' tells the entries that it has. */
static inline void nb_tell_entries(struct nb *nb, struct fake_switch *sw,
                                   const struct fb_msg *request)
{
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY};
	static uint8_t memory[1 << 15];
	struct fb_buf entries = fb_buf_make(memory, sizeof memory);

	for (size_t i = 0; i < nb->lb->entries_count; i++) {
		const struct lb_entry *entry = &nb->lb->entries[i];
		const uint64_t age_ns = nb->net.b->now_ns - entry->made_ns;
		const struct fb_flow_stats stats = {
		        .match = entry->match,
		        .duration_sec = (uint32_t)(age_ns / FB_NS_PER_S),
		        .duration_nsec = (uint32_t)(age_ns % FB_NS_PER_S),
		        .priority = entry->priority,
		        .cookie = entry->cookie,
		        .actions = {.data = entry->actions, .len = entry->actions_len},
		};

		if (entry->sw == sw)
			CU_ASSERT_FATAL(fb_flow_stats_put(&entries, &stats));
	}
	reply.xid = request->xid;
	reply.stats_reply.type = request->stats_request.type;
	reply.stats_reply.entries = (struct fb_view){.data = entries.data, .len = entries.len};
	fake_switch_send(sw, &reply);
}

static inline void nb_deal_with(struct nb *nb, struct fake_switch *sw, const uint8_t *bytes,
                                size_t len)
{
	struct fb_of_error error;
	struct fb_packet p;
	struct fb_msg msg;

	CU_ASSERT_FATAL(fb_msg_decode(bytes, len, &msg, &error) == 0);
	if (msg.type == OFPT_STATS_REQUEST) {
		if (sw->session)
			nb_tell_entries(nb, sw, &msg);
		return;
	}
	CU_ASSERT_FATAL(fb_packet_parse(&p, msg.packet_out.data.data, msg.packet_out.data.len) ==
	                0);
	if (p.dl_type == FB_ETH_LLDP)
		fake_network_carry(&nb->net, sw, fake_only_output(msg.packet_out.actions), p.data,
		                   p.len);
	else
		nb_answer_probe(nb, sw, &p);
}

static inline void nb_settle(struct nb *nb)
{
	struct bench *b = nb->net.b;
	uint8_t bytes[4096];
	bool again = true;
	size_t len;

	while (again) {
		again = false;
		for (size_t i = 0; i < b->switches_count; i++) {
			while ((len = nb_take(b->switches[i], bytes, sizeof bytes)) > 0) {
				again = true;
				nb_deal_with(nb, b->switches[i], bytes, len);
			}
		}
	}
}

static inline void nb_pass(struct nb *nb, uint64_t ns)
{
	struct bench *b = nb->net.b;
	uint64_t until_ns = b->now_ns + ns, deadline_ns;

	nb_settle(nb);
	while ((deadline_ns = controller_deadline(b->ctl)) <= until_ns) {
		if (deadline_ns > b->now_ns)
			b->now_ns = deadline_ns;
		controller_run(b->ctl, b->now_ns);
		nb_settle(nb);
	}
	b->now_ns = until_ns;
}

/* --- What the controller says --- */

/* What it sent to all switches since the last call, a switch after the other in the order in which
 * they joined. */
static inline const char *nb_said(struct nb *nb)
{
	struct fb_text t = fb_text_make(nb->said, sizeof nb->said);
	struct bench *b = nb->net.b;

	nb_settle(nb);
	for (size_t i = 0; i < b->switches_count; i++) {
		const char *line = lb_said_by(nb->lb, b->switches[i]);

		while (*line) {
			size_t len = strcspn(line, "\n") + 1;

			fb_text_printf(&t, "s%u %.*s", (unsigned)b->switches[i]->dpid, (int)len,
			               line);
			line += len;
		}
	}
	CU_ASSERT(!t.cut);
	return nb->said;
}

/* --- Switches and hosts --- */

static inline struct fake_switch *nb_join(struct nb *nb, uint64_t dpid)
{
	return fake_network_join(&nb->net, dpid, NB_PORTS);
}

/* The switch that was 'old' joins again, with its links and hosts: it was restarted, and has no
 * entries. */
static inline struct fake_switch *nb_join_again(struct nb *nb, const struct fake_switch *old)
{
	struct fake_switch *sw = nb_join(nb, old->dpid);

	for (size_t i = 0; i < nb->net.wires_count; i++) {
		struct fake_wire *wire = &nb->net.wires[i];

		if (wire->from == old)
			wire->from = sw;
		if (wire->to == old)
			wire->to = sw;
	}
	for (size_t i = 0; i < nb->hosts_count; i++) {
		if (nb->hosts[i].sw == old)
			nb->hosts[i].sw = sw;
	}
	return sw;
}

static inline void nb_link(struct nb *nb, struct fake_switch *a, uint16_t a_port,
                           struct fake_switch *b, uint16_t b_port)
{
	fake_network_wire(&nb->net, a, a_port, b, b_port);
}

/* The same for one that has lost its connection only. */
static inline struct fake_switch *nb_connect_again(struct nb *nb, const struct fake_switch *old)
{
	struct fake_switch *sw = nb_join_again(nb, old);

	for (size_t i = 0; i < nb->lb->entries_count; i++) {
		if (nb->lb->entries[i].sw == old)
			nb->lb->entries[i].sw = sw;
	}
	return sw;
}

/* All links and edges are known from here on. Links are wired before the first time that passes. */
static inline void nb_begin(struct nb *nb)
{
	nb_pass(nb, FB_NS_PER_S);
	CU_ASSERT(controller_ready(nb->net.b->ctl));
	nb_said(nb);
}

/* Both ends of a link go up or down, one after the other. */
static inline void nb_set_link(struct fake_switch *a, uint16_t a_port, struct fake_switch *b,
                               uint16_t b_port, bool up)
{
	fake_switch_set_link(a, a_port, up);
	fake_switch_set_link(b, b_port, up);
}

/* 'host' speaks ARP behind its port on 'sw': about itself. */
static inline const char *nb_announce(struct nb *nb, const struct lb_host *host,
                                      struct fake_switch *sw)
{
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build_arp(&frame, host, FB_ARP_REQUEST, NULL, host->ip);
	fake_switch_packet_in(sw, OFP_NO_BUFFER, host->port, frame.data, frame.len);
	return nb_said(nb);
}

/* 'host' is behind its port on 'sw' from now on. */
static inline void nb_host(struct nb *nb, const struct lb_host *host, struct fake_switch *sw)
{
	size_t i = 0;

	while (i < nb->hosts_count && nb->hosts[i].host->number != host->number)
		i++;
	CU_ASSERT_FATAL(i < NB_HOSTS_MAX);
	nb->hosts[i] = (struct nb_host){.host = host, .sw = sw};
	nb->hosts_count += i == nb->hosts_count;
	nb_announce(nb, host, sw);
}

static inline void nb_silence(struct nb *nb, const struct lb_host *host)
{
	for (size_t i = 0; i < nb->hosts_count; i++) {
		if (nb->hosts[i].host->number == host->number)
			nb->hosts[i].silent = true;
	}
}

/* --- Segments --- */

/* A segment comes in at 's->in_port', or the port of its sender, of 'sw'. */
static inline const char *nb_tcp(struct nb *nb, struct fake_switch *sw, const struct lb_segment *s)
{
	uint8_t bytes[NB_FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_switch_to(nb->lb, sw);
	lb_build(&frame, s);
	lb_frame_in(nb->lb, s->in_port ? s->in_port : s->from->port, &frame);
	return nb_said(nb);
}

/* The client's segment to the shared address, named as server_a; and one of 'server'. */
static inline const char *nb_to_server(struct nb *nb, struct fake_switch *sw, uint16_t tp_src,
                                       uint8_t flags)
{
	return nb_tcp(nb, sw,
	              &(struct lb_segment){.from = &lb_client,
	                                   .to = &lb_a,
	                                   .tp_src = tp_src,
	                                   .tp_dst = LB_SERVICE,
	                                   .flags = flags,
	                                   .seq = 1,
	                                   .ack = 7001});
}

static inline const char *nb_syn(struct nb *nb, struct fake_switch *sw, uint16_t tp_src)
{
	return nb_to_server(nb, sw, tp_src, FB_TCP_SYN);
}

static inline const char *nb_to_client(struct nb *nb, struct fake_switch *sw,
                                       const struct lb_host *server, uint16_t tp_dst, uint8_t flags)
{
	return nb_tcp(nb, sw,
	              &(struct lb_segment){.from = server,
	                                   .to = &lb_client,
	                                   .tp_src = LB_SERVICE,
	                                   .tp_dst = tp_dst,
	                                   .flags = flags,
	                                   .seq = 7000,
	                                   .ack = 2});
}

static inline const char *nb_syn_ack(struct nb *nb, struct fake_switch *sw,
                                     const struct lb_host *server, uint16_t tp_dst)
{
	return nb_to_client(nb, sw, server, tp_dst, FB_TCP_SYN | FB_TCP_ACK);
}

/* Session 'tp_src' between the client on 'at' and 'server' on 'server_at', with all its entries. */
static inline void nb_open(struct nb *nb, struct fake_switch *at, const struct lb_host *server,
                           struct fake_switch *server_at, uint16_t tp_src)
{
	nb_syn(nb, at, tp_src);
	nb_syn_ack(nb, server_at, server, tp_src);
	lb_answer_barriers(nb->lb, NULL);
	nb_said(nb);
}

/* --- Walking --- */

/* The entry of 'sw' that takes what 'match' says of a frame; NULL: none does. */
static inline const struct lb_entry *nb_entry(const struct nb *nb, const struct fake_switch *sw,
                                              const struct fb_match *match)
{
	for (size_t i = 0; i < nb->lb->entries_count; i++) {
		const struct lb_entry *entry = &nb->lb->entries[i];

		if (entry->sw == sw && fb_match_contains(&entry->match, match))
			return entry;
	}
	return NULL;
}

/* How far the frames like 's', which comes in by 'sw', get by the entries alone: "s1 s2:2" for those
 * that leave s2 by its port 2, "s1 s2?" where s2 has no entry for them. */
static inline const char *nb_walk(struct nb *nb, const struct fake_switch *sw,
                                  const struct lb_segment *s)
{
	static char way[256];
	struct fb_text t = fb_text_make(way, sizeof way);
	uint8_t bytes[NB_FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	uint16_t in_port = s->in_port ? s->in_port : s->from->port;
	struct fb_packet p;

	lb_build(&frame, s);
	CU_ASSERT_FATAL(fb_packet_parse(&p, frame.data, frame.len) == 0);
	for (int hops = 0; hops < 32; hops++) {
		const struct fake_wire *wire = NULL;
		const struct lb_entry *entry;
		struct fb_match match;
		uint16_t out_port;

		fb_match_from_packet(&match, &p, in_port);
		entry = nb_entry(nb, sw, &match);
		fb_text_printf(&t, "%ss%u", hops ? " " : "", (unsigned)sw->dpid);
		if (!entry) {
			fb_text_puts(&t, "?");
			return way;
		}
		out_port = entry->out_port == OFPP_IN_PORT ? in_port : entry->out_port;
		for (size_t i = 0; i < nb->net.wires_count; i++) {
			if (nb->net.wires[i].from == sw && nb->net.wires[i].from_port == out_port)
				wire = &nb->net.wires[i];
		}
		if (!wire) {
			fb_text_printf(&t, ":%u", (unsigned)out_port);
			return way;
		}
		sw = wire->to;
		in_port = wire->to_port;
	}
	return "for ever";
}

/* The frames of session 'tp_src' from the client on 'sw', and those of 'server'. */
static inline const char *nb_walk_up(struct nb *nb, const struct fake_switch *sw, uint16_t tp_src)
{
	return nb_walk(
	        nb, sw,
	        &(struct lb_segment){
	                .from = &lb_client, .to = &lb_a, .tp_src = tp_src, .tp_dst = LB_SERVICE});
}

static inline const char *nb_walk_down(struct nb *nb, const struct fake_switch *sw,
                                       const struct lb_host *server, uint16_t tp_dst)
{
	return nb_walk(
	        nb, sw,
	        &(struct lb_segment){
	                .from = server, .to = &lb_client, .tp_src = LB_SERVICE, .tp_dst = tp_dst});
}

static inline uint64_t nb_counter(const struct nb *nb, const char *name)
{
	return lb_counter(nb->lb, name);
}

#endif
