/* Fuzzes the controller: sessions and the applications that ship, fed by two switches.
 *
 * The first byte chooses the chain of applications; the rest is a list of steps: time passes, a
 * switch connects or leaves, raw bytes or a well-formed message come from one of them, or it takes
 * more or less of what it is sent. Each input
 * runs twice, once with every feed whole and once in small pieces: what the controller sends must
 * be the same, and messages all of it. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "controller/session.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SWITCHES = 2, FEED_BYTES_MAX = 4096 };

/* A connection, or the place for one. */
struct peer {
	struct session *session; /* NULL: none */
	uint8_t *sent;           /* all that was sent to this place, by any connection */
	size_t sent_len, sent_size;

	/* What the driver says of the place's connection */
	size_t backlog_bytes;
	uint64_t taken_bytes;
	bool left, unread, not_reading;
};

struct run {
	struct controller *ctl;
	struct peer peers[SWITCHES];
	uint64_t now_ns;
	size_t piece; /* bytes of a feed that come at once; 0: all */
};

static void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct peer *peer = conn;

	check(len > 0);
	if (peer->sent_size - peer->sent_len < len) {
		peer->sent_size = 2 * peer->sent_size + len;
		peer->sent = realloc(peer->sent, peer->sent_size);
	}
	memcpy(peer->sent + peer->sent_len, bytes, len);
	peer->sent_len += len;
}

static void on_close(void *conn, const char *reason)
{
	(void)reason;
	((struct peer *)conn)->session = NULL;
}

static void on_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	(void)ctx;
	check(level <= FB_LOG_DEBUG && *who && !strchr(line, '\n'));
}

static size_t on_backlog(void *conn)
{
	return ((struct peer *)conn)->backlog_bytes;
}

static void on_set_reading(void *conn, bool on)
{
	struct peer *peer = conn;

	check(on == peer->not_reading);
	peer->not_reading = !on;
}

static bool on_unread(void *conn)
{
	return ((struct peer *)conn)->unread;
}

static uint64_t on_taken(void *conn, bool *left)
{
	const struct peer *peer = conn;

	*left = peer->left;
	return peer->taken_bytes;
}

/* --- Feeding --- */

/* Bytes come from 'peer', in pieces that are freed at once. */
static void feed(struct run *run, struct peer *peer, const uint8_t *bytes, size_t len)
{
	size_t piece = run->piece ? run->piece : len;

	for (size_t at = 0; at < len && peer->session; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);

		memcpy(copy, bytes + at, n);
		session_receive(peer->session, copy, n, run->now_ns);
		free(copy);
	}
}

static void put_msg(struct fb_buf *out, struct fb_msg *msg)
{
	msg->version = OFP_VERSION;
	fb_msg_encode(out, msg);
}

static void put_hello_and_features(struct fb_buf *out, uint64_t dpid)
{
	uint8_t memory[4 * sizeof(struct ofp_phy_port)];
	struct fb_buf ports = fb_buf_make(memory, sizeof memory);
	struct fb_msg hello = {.type = OFPT_HELLO}, reply = {.type = OFPT_FEATURES_REPLY};

	for (uint16_t n = 1; n <= 4; n++) {
		struct fb_phy_port port = {.port_no = n, .hw_addr = {2, 0xaa, 0, 0, 0, (uint8_t)n}};

		fb_phy_port_put(&ports, &port);
	}
	reply.features_reply.datapath_id = dpid;
	reply.features_reply.n_buffers = 256;
	reply.features_reply.ports = (struct fb_view){memory, ports.len};
	put_msg(out, &hello);
	put_msg(out, &reply);
}

/* A frame between a few hosts, two of which share an address: ARP or TCP. */
static void put_frame(struct fb_buf *out, struct input *in)
{
	uint8_t who = take(in), what = take(in), seq = take(in);
	uint8_t src = 1 + (who & 3), dst = 1 + (who >> 2 & 3);
	struct fb_eth_spec eth = {.dl_src = {2, 0, 0, 0, 0, src}, .dl_dst = {2, 0, 0, 0, 0, dst}};
	struct fb_ipv4_spec ip = {.nw_src = 0x0a000000u | (src == 3 ? 2u : src),
	                          .nw_dst = 0x0a000000u | (dst == 3 ? 2u : dst)};
	struct fb_tcp_spec tcp = {
	        .tp_src = 40000, .tp_dst = 22, .seq = seq, .flags = what & 0x3f, .window = 1000};

	if (who & 0x80)
		memset(eth.dl_dst, 0xff, sizeof eth.dl_dst);
	eth.has_vlan = who & 0x40;
	if (what & 0x80)
		fb_build_arp(out, &eth, 1 + (what & 1), eth.dl_src, what & 2 ? 0 : ip.nw_src,
		             eth.dl_dst, ip.nw_dst);
	else if (what & 0x40)
		fb_build_icmp(out, &eth, &ip, what & 0x0f, 0, 7, "ping", 4);
	else
		fb_build_tcp(out, &eth, &ip, &tcp, NULL, 0);
}

static void put_packet_in(struct fb_buf *out, struct input *in)
{
	uint8_t memory[256], place = take(in);
	struct fb_buf frame = fb_buf_make(memory, sizeof memory);
	struct fb_msg msg = {.type = OFPT_PACKET_IN};

	put_frame(&frame, in);
	msg.packet_in.buffer_id = place & 0x40 ? OFP_NO_BUFFER : place;
	msg.packet_in.in_port = 1 + (place & 3);
	msg.packet_in.total_len = (uint16_t)frame.len;
	msg.packet_in.data = (struct fb_view){memory, frame.len};
	if (place & 0x80)
		msg.packet_in.data.len = frame.len * (place & 0x3f) / 0x40;
	put_msg(out, &msg);
}

/* A message that the controller sent to 'peer' comes back in an error, or a reply to it comes. */
static void put_answer(struct fb_buf *out, struct input *in, const struct peer *peer)
{
	struct fb_msg msg = {.type = OFPT_ERROR};
	uint8_t skip = take(in), what = take(in);
	size_t at = 0;

	while (at < peer->sent_len && skip-- > 0)
		at += fb_get16(peer->sent + at + 2);
	if (at >= peer->sent_len)
		return;
	msg.xid = fb_get32(peer->sent + at + 4);
	if (what & 1) {
		msg.type = what & 2 ? OFPT_BARRIER_REPLY : OFPT_STATS_REPLY;
		msg.stats_reply.type = what & 4 ? OFPST_FLOW : OFPST_DESC;
		msg.stats_reply.flags = what >> 3 & 1;
	} else {
		msg.error.type = what >> 1 & 7;
		msg.error.code = what >> 4;
		msg.error.data = (struct fb_view){peer->sent + at, fb_get16(peer->sent + at + 2)};
	}
	put_msg(out, &msg);
}

static void put_event(struct fb_buf *out, struct input *in)
{
	uint8_t what = take(in);
	struct fb_msg msg = {.type = what & 1 ? OFPT_PORT_STATUS : OFPT_FLOW_REMOVED};

	if (what & 1) {
		msg.port_status.reason = what >> 1 & 3;
		msg.port_status.desc.port_no = 1 + (what >> 3 & 3);
		msg.port_status.desc.state = what >> 5 & 1;
	} else {
		fb_match_any(&msg.flow_removed.match);
		msg.flow_removed.cookie = take(in);
	}
	put_msg(out, &msg);
}

/* --- Steps --- */

static void step_connect(struct run *run, struct peer *peer, uint8_t what)
{
	uint8_t memory[1024];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);

	if (peer->session) {
		session_closed(peer->session, "left", run->now_ns);
		peer->session = NULL;
		return;
	}
	peer->not_reading = false;
	peer->session = controller_connect(run->ctl, peer, "fuzz", run->now_ns);
	if (!peer->session || what & 0x40)
		return;
	put_hello_and_features(&buf, 1 + (what >> 7));
	feed(run, peer, memory, buf.len);
}

/* Up to 16 well-formed messages in one read. */
static void step_messages(struct run *run, struct peer *peer, struct input *in)
{
	static uint8_t memory[FEED_BYTES_MAX];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);
	uint8_t count = take(in);

	for (unsigned i = 0; i <= (count & 15u) && in->left; i++) {
		uint8_t kind = take(in);

		if (kind % 8 == 0)
			put_answer(&buf, in, peer);
		else if (kind % 8 == 1)
			put_event(&buf, in);
		else
			put_packet_in(&buf, in);
	}
	feed(run, peer, memory, buf.len);
}

static void step_raw(struct run *run, struct peer *peer, struct input *in)
{
	size_t len = take(in);

	if (len > in->left)
		len = in->left;
	feed(run, peer, in->at, len);
	in->at += len;
	in->left -= len;
}

/* What waits for the peer changes. */
static void step_backlog(struct run *run, struct peer *peer, struct input *in)
{
	size_t before = peer->backlog_bytes;
	uint8_t what = take(in);

	peer->backlog_bytes = (size_t)take(in) * 16384;
	peer->unread = what & 1;
	peer->left = what & 2;
	peer->taken_bytes += what >> 2;
	if (peer->backlog_bytes < before)
		session_drained(peer->session, run->now_ns);
}

/* Let a time pass, in which everything due is done. */
static void step_time(struct run *run, uint8_t what)
{
	uint64_t until_ns = run->now_ns + ((UINT64_C(1) << (what >> 3 & 31)) * 32), deadline_ns;

	for (int i = 0; i < 1000; i++) {
		deadline_ns = controller_deadline(run->ctl);
		if (deadline_ns > until_ns)
			break;
		if (deadline_ns > run->now_ns)
			run->now_ns = deadline_ns;
		controller_run(run->ctl, run->now_ns);
	}
	run->now_ns = until_ns;
}

static void step(struct run *run, struct input *in)
{
	uint8_t what = take(in);
	struct peer *peer = &run->peers[what & 1];

	switch (what >> 1 & 3) {
	case 0:
		step_time(run, what);
		return;
	case 1:
		step_connect(run, peer, what);
		return;
	case 2:
		if (peer->session && what & 0x20)
			step_raw(run, peer, in);
		else if (peer->session && what & 0x40)
			step_backlog(run, peer, in);
		return;
	default:
		if (peer->session)
			step_messages(run, peer, in);
		return;
	}
}

/* --- Runs --- */

/* An application in front of the others: it has a word to say to some packet-ins, to another switch
 * too, and hands all of them on. */
static void *passer_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	return app;
}

static void passer_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                             size_t count, uint64_t now_ns)
{
	struct fb_app *app = state;

	(void)now_ns;
	for (size_t i = 0; i < count; i++) {
		if (packet_ins[i].buffer_id & 4)
			fb_send_barrier(app, sw, &packet_ins[i]);
		if (packet_ins[i].buffer_id & 8)
			fb_send_barrier(app, fb_app_next_switch(app, NULL), &packet_ins[i]);
	}
}

static const struct fb_app_class passer_class = {
        .name = "passer", .create = passer_create, .packet_in = passer_packet_in};

static void add_apps(struct controller *ctl, uint8_t chain)
{
	static const char *const modes[] = {"mode=flows", "mode=packet"};
	char why[256];
	struct fb_text error = fb_text_make(why, sizeof why);

	if (chain & 16)
		check(controller_add_app(ctl, &passer_class, "", &error) == 0);
	if (chain & 1)
		check(controller_add_app(ctl, &fb_app_balancer, modes[chain >> 3 & 1], &error) ==
		      0);
	if (chain & 2)
		check(controller_add_app(ctl, &fb_app_learning, "macs_max=3,mac_idle=10s",
		                         &error) == 0);
	if (chain & 4)
		check(controller_add_app(ctl, &fb_app_hub, "", &error) == 0);
}

/* All that went to 'peer' must be messages. */
static void check_sent(const struct peer *peer)
{
	struct fb_of_error error;
	struct fb_msg msg;
	size_t len;

	for (size_t at = 0; at < peer->sent_len; at += len) {
		check(peer->sent_len - at >= sizeof(struct ofp_header));
		len = fb_get16(peer->sent + at + 2);
		check(len <= peer->sent_len - at);
		check(fb_msg_decode(peer->sent + at, len, &msg, &error) == 0);
	}
}

static void run_input(struct run *run, struct input in)
{
	const struct controller_ops ops = {.send = on_send,
	                                   .close = on_close,
	                                   .backlog = on_backlog,
	                                   .set_reading = on_set_reading,
	                                   .unread = on_unread,
	                                   .taken = on_taken,
	                                   .log = on_log};
	struct controller_config config;
	uint8_t chain = take(&in);

	controller_config_default(&config);
	config.log_level = chain & 0x80 ? FB_LOG_DEBUG : FB_LOG_ERROR;
	run->ctl = controller_new(&config, &ops);
	add_apps(run->ctl, chain);
	for (unsigned i = 0; i < SWITCHES; i++)
		step_connect(run, &run->peers[i], (uint8_t)(i << 7));
	while (in.left)
		step(run, &in);
	controller_free(run->ctl);
	for (unsigned i = 0; i < SWITCHES; i++)
		check_sent(&run->peers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole = {0}, cut = {0};

	if (size < 2)
		return 0;
	cut.piece = 1 + data[1] % 32u;
	run_input(&whole, (struct input){data, size});
	run_input(&cut, (struct input){data, size});
	for (unsigned i = 0; i < SWITCHES; i++) {
		check(whole.peers[i].sent_len == cut.peers[i].sent_len);
		check(!whole.peers[i].sent_len ||
		      !memcmp(whole.peers[i].sent, cut.peers[i].sent, whole.peers[i].sent_len));
		free(whole.peers[i].sent);
		free(cut.peers[i].sent);
	}
	return 0;
}
