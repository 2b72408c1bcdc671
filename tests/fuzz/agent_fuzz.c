/* Fuzzes the agent of the switch: what several peers send, cut anywhere, among frames, changes of
 * ports and time.
 *
 * The first byte chooses the configuration, the second how bytes are cut; the rest is a list of
 * steps: time passes, a peer connects, leaves, reads what waits for it, or sends raw bytes or
 * well-formed messages; a frame comes in by a port; a port comes, goes or changes; the controllers
 * are given up. Each input runs twice, once with every feed whole and once in small pieces: what
 * each peer gets and what leaves by the ports must be the same. The limits are small, so that all of
 * them are met. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>

#include "softswitch/agent.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PEERS = 3,
	PORTS = 4,
	ENTRIES_MAX = 12,
	BUFFERS = 4,
	PAUSE_BYTES = 3000,
	FEED_BYTES_MAX = 4096,
};

/* A connection, or the place for one. */
struct peer {
	struct run *run;
	struct agent_conn *conn; /* NULL: none */
	bool open;               /* the driver has a connection, though the agent may refuse it */
	bool ready;
	size_t backlog;
	uint8_t *sent; /* all that was sent to this place, by any connection */
	size_t sent_len, sent_size;
	size_t begun; /* where the connection's bytes begin in 'sent' */
};

struct run {
	struct agent *agent;
	struct frame_pool *pool;
	struct peer peers[PEERS];
	uint64_t now_ns;
	uint64_t outputs; /* a digest of all that left by ports */
	size_t piece;     /* bytes of a feed that come at once; 0: all */
	bool busy;        /* in a call of the agent */
};

/* A number of a port: mostly one that is there. */
static uint16_t take_port(struct input *in)
{
	uint8_t what = take(in);

	return what < 0xf0 ? what % (PORTS + 2) : 0xff00 | what;
}

/* --- What the agent asks for --- */

static void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct peer *peer = conn;

	check(peer->run->busy && peer->open && len > 0 && len <= AGENT_OUT_BYTES);
	if (peer->sent_size - peer->sent_len < len) {
		peer->sent_size = 2 * peer->sent_size + len;
		peer->sent = realloc(peer->sent, peer->sent_size);
	}
	memcpy(peer->sent + peer->sent_len, bytes, len);
	peer->sent_len += len;
	peer->backlog += len;
}

static void on_close(void *conn, const char *reason)
{
	struct peer *peer = conn;

	check(peer->run->busy && peer->open && peer->conn && *reason);
	peer->conn = NULL;
	peer->open = false;
}

static size_t on_backlog(void *conn)
{
	return ((struct peer *)conn)->backlog;
}

static void on_ready(void *conn)
{
	struct peer *peer = conn;

	check(peer->open && !peer->ready);
	peer->ready = true;
}

static void on_port_configured(void *ctx, uint16_t port_no, uint32_t config)
{
	struct run *run = ctx;
	const struct fb_phy_port *port = datapath_port(agent_datapath(run->agent), port_no);

	check(run->busy && port && port->config == config);
}

static void on_log(void *ctx, enum agent_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	check(*line && !strchr(line, '\n'));
}

static void digest(struct run *run, uint64_t value)
{
	run->outputs = (run->outputs ^ value) * 0x100000001b3;
}

static bool has_queue(const struct datapath *dp, uint16_t port_no, uint32_t queue_id)
{
	const struct datapath_queue *queue;

	for (size_t i = 0; (queue = datapath_queue_at(dp, port_no, i)) != NULL; i++)
		if (queue->queue_id == queue_id)
			return true;
	return queue_id == OFPQ_ALL;
}

static enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                    struct frame *frame)
{
	struct run *run = ctx;
	const struct datapath *dp = agent_datapath(run->agent);

	check(run->busy && datapath_port(dp, port_no) && has_queue(dp, port_no, queue_id));
	digest(run, port_no);
	digest(run, queue_id);
	for (uint32_t i = 0; i < frame->len; i++)
		digest(run, frame_data(frame)[i]);
	return frame->len % 7 ? DATAPATH_SENT : DATAPATH_DROPPED;
}

/* --- Feeding --- */

/* Bytes come from 'peer', in pieces that are freed at once. */
static void feed(struct run *run, struct peer *peer, const uint8_t *bytes, size_t len)
{
	size_t piece = run->piece ? run->piece : len;

	for (size_t at = 0; at < len && peer->conn; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);

		memcpy(copy, bytes + at, n);
		run->busy = true;
		agent_receive(peer->conn, copy, n, run->now_ns);
		run->busy = false;
		free(copy);
	}
}

static void put_match(struct fb_match *match, struct input *in)
{
	uint8_t what = take(in);

	fb_match_any(match);
	if (what & 1) {
		match->wildcards &= ~(uint32_t)OFPFW_IN_PORT;
		match->in_port = 1 + (what >> 6);
	}
	if (what & 2) {
		match->wildcards &= ~(uint32_t)OFPFW_DL_TYPE;
		match->dl_type = what & 4 ? FB_ETH_IPV4 : FB_ETH_ARP;
	}
	if (what & 8) {
		match->wildcards &= ~(uint32_t)OFPFW_NW_DST_MASK;
		match->wildcards |= (uint32_t)(what >> 4) << OFPFW_NW_DST_SHIFT;
		match->nw_dst = 0x0a000001;
	}
	if (what & 16)
		match->wildcards = take16(in) << 6;
}

/* A list of actions: of every kind, with arguments of the input. */
static struct fb_view put_actions(struct fb_buf *buf, struct input *in)
{
	size_t begin = buf->len, count = take(in) % 5;

	for (size_t i = 0; i < count; i++) {
		uint8_t type = take(in);
		size_t len = type % 12 == OFPAT_SET_DL_SRC || type % 12 == OFPAT_SET_DL_DST ||
		                             type % 12 == OFPAT_ENQUEUE
		                     ? 16
		                     : 8;
		uint8_t *wire = fb_buf_reserve(buf, len);

		if (!wire)
			break;
		memset(wire, 0, len);
		fb_set16(wire, type < 0xf0 ? type % 12 : 0xff00 | type);
		fb_set16(wire + 2, (uint16_t)len);
		if (type % 12 == OFPAT_OUTPUT || type % 12 == OFPAT_ENQUEUE) {
			fb_set16(wire + 4, take_port(in));
			wire[len - 1] = take(in);
		} else {
			wire[4] = take(in);
			wire[5] = take(in);
		}
	}
	return (struct fb_view){buf->data + begin, buf->len - begin};
}

static void fill_flow_mod(struct fb_flow_mod *fm, struct fb_buf *actions, struct input *in)
{
	uint8_t what = take(in);

	put_match(&fm->match, in);
	fm->command = what % 6;
	fm->priority = what >> 6;
	fm->flags = take(in) & 7;
	fm->buffer_id = what & 8 ? take(in) : OFP_NO_BUFFER;
	fm->out_port = what & 16 ? take_port(in) : OFPP_NONE;
	if (what & 32) {
		fm->idle_timeout = take(in) & 3;
		fm->hard_timeout = take(in) & 3;
	}
	fm->actions = put_actions(actions, in);
}

/* A frame between a few hosts: ARP, UDP, a fragment of one of four datagrams, or any bytes. */
static void put_frame(struct fb_buf *out, struct input *in)
{
	uint8_t what = take(in), who = take(in);
	struct fb_eth_spec eth = {.dl_src = {2, 0, 0, 0, 0, who & 3},
	                          .dl_dst = {2, 0, 0, 0, 0, who >> 2 & 3},
	                          .has_vlan = what & 0x40,
	                          .vlan_tci = who};
	struct fb_ipv4_spec ip = {.nw_src = 0x0a000000u | (who & 3), .nw_dst = 0x0a000001};
	uint16_t dl_type = (what & 3) == 3 ? take16(in) : 0;
	size_t len = in->left < (who & 0x3f) ? in->left : who & 0x3f;

	if (what & 0x80)
		memset(eth.dl_dst, 0xff, sizeof eth.dl_dst);
	if ((what & 3) == 2) {
		ip.ip_id = who >> 6;
		ip.more_fragments = what & 4;
		ip.frag_offset = (what >> 3 & 7) * 8u;
		len -= ip.more_fragments ? len % 8 : 0;
	}
	if ((what & 3) == 0)
		fb_build_arp(out, &eth, 1 + (who & 1), eth.dl_src, ip.nw_src, eth.dl_dst,
		             ip.nw_dst);
	else if ((what & 3) == 1)
		fb_build_udp(out, &eth, &ip, who, 53, in->at, len);
	else if ((what & 3) == 2)
		fb_build_ipv4(out, &eth, &ip, FB_IP_UDP, in->at, len);
	else
		fb_build_eth(out, &eth, dl_type, in->at, len);
	in->at += len;
	in->left -= len;
}

static void fill_packet_out(struct fb_packet_out *po, struct fb_buf *actions, struct fb_buf *frame,
                            struct input *in)
{
	uint8_t what = take(in);

	po->buffer_id = what & 1 ? take(in) : OFP_NO_BUFFER;
	po->in_port = what & 2 ? take_port(in) : OFPP_NONE;
	po->actions = put_actions(actions, in);
	if (what & 4)
		put_frame(frame, in);
	po->data = (struct fb_view){frame->data, frame->len};
}

static void fill_port_mod(struct fb_port_mod *pm, struct input *in)
{
	pm->port_no = take_port(in);
	pm->hw_addr[0] = 2;
	pm->hw_addr[5] = (uint8_t)pm->port_no;
	pm->config = take(in);
	pm->mask = take(in);
	pm->advertise = take(in);
}

static void fill_stats_request(struct fb_stats_request *request, struct input *in)
{
	uint8_t what = take(in);

	request->type = what % 7 == 6 ? OFPST_VENDOR : what % 7;
	if (request->type == OFPST_FLOW || request->type == OFPST_AGGREGATE) {
		put_match(&request->flow.match, in);
		request->flow.table_id = what & 0x80 ? 0xfe : 0xff;
		request->flow.out_port = what & 0x40 ? take_port(in) : OFPP_NONE;
	} else if (request->type == OFPST_PORT) {
		request->port_no = what & 0x80 ? OFPP_NONE : take_port(in);
	} else if (request->type == OFPST_QUEUE) {
		request->queue.port_no = what & 0x80 ? OFPP_ALL : take_port(in);
		request->queue.queue_id = what & 0x40 ? OFPQ_ALL : take(in) & 3;
	}
}

static void put_message(struct fb_buf *out, struct input *in)
{
	uint8_t actions_memory[256], frame_memory[256];
	struct fb_buf actions = fb_buf_make(actions_memory, sizeof actions_memory);
	struct fb_buf frame = fb_buf_make(frame_memory, sizeof frame_memory);
	struct fb_msg msg = {.version = OFP_VERSION, .type = take(in) % 24, .xid = 1 + take(in)};

	switch (msg.type) {
	case OFPT_SET_CONFIG:
		msg.config.flags = take(in) & 3;
		msg.config.miss_send_len = take(in);
		break;
	case OFPT_PACKET_OUT:
		fill_packet_out(&msg.packet_out, &actions, &frame, in);
		break;
	case OFPT_PORT_MOD:
		fill_port_mod(&msg.port_mod, in);
		break;
	case OFPT_STATS_REQUEST:
		fill_stats_request(&msg.stats_request, in);
		break;
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		msg.queue_config_request_port = take_port(in);
		break;
	case OFPT_FLOW_MOD:
	case 22:
	case 23:
		msg.type = OFPT_FLOW_MOD;
		fill_flow_mod(&msg.flow_mod, &actions, in);
		break;
	default:
		break;
	}
	fb_msg_encode(out, &msg);
}

/* --- Steps --- */

static void say_hello(struct run *run, struct peer *peer)
{
	static const uint8_t hello[] = {OFP_VERSION, OFPT_HELLO, 0, 8, 0, 0, 0, 1};

	feed(run, peer, hello, sizeof hello);
}

/* The last of the places is a management connection's. */
static void step_connect(struct run *run, struct peer *peer, uint8_t what)
{
	run->busy = true;
	if (peer->conn) {
		agent_closed(peer->conn, "left", run->now_ns);
		peer->conn = NULL;
		peer->open = false;
		run->busy = false;
		return;
	}
	peer->open = true;
	peer->ready = false;
	peer->backlog = 0;
	peer->begun = peer->sent_len;
	peer->conn = agent_connect(
	        run->agent, peer, "fuzz",
	        peer == &run->peers[PEERS - 1] ? AGENT_MANAGEMENT : AGENT_CONTROLLER, run->now_ns);
	run->busy = false;
	check(peer->sent_len > peer->begun && peer->sent[peer->begun + 1] == OFPT_HELLO);
	if (!peer->conn)
		peer->open = false;
	else if (!(what & 0x40))
		say_hello(run, peer);
}

/* The peer reads some or all of what waits for it. */
static void step_read(struct run *run, struct peer *peer, uint8_t what)
{
	size_t bytes = what & 0x80 ? peer->backlog : (what & 0x78) * 8u, sent_len = peer->sent_len;
	bool waits;

	if (!peer->conn)
		return;
	peer->backlog -= bytes < peer->backlog ? bytes : peer->backlog;
	waits = agent_conn_paused(peer->conn) && peer->backlog > PAUSE_BYTES;
	run->busy = true;
	agent_resume(peer->conn, run->now_ns);
	run->busy = false;
	check(!waits || (peer->conn && peer->sent_len == sent_len));
	check(!peer->conn || !agent_conn_paused(peer->conn) || peer->backlog > PAUSE_BYTES);
}

/* Up to 16 well-formed messages in one read. */
static void step_messages(struct run *run, struct peer *peer, struct input *in, uint8_t what)
{
	static uint8_t memory[FEED_BYTES_MAX];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);

	for (unsigned i = 0; i <= (what >> 4) && in->left; i++)
		put_message(&buf, in);
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

static void step_frame(struct run *run, struct input *in, uint8_t what)
{
	uint8_t memory[256];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);

	put_frame(&buf, in);
	if (buf.len == 0)
		return;
	run->busy = true;
	agent_frame(run->agent, 1 + (what >> 5) % (PORTS + 1),
	            frame_copy_of(run->pool, memory, buf.len), run->now_ns);
	run->busy = false;
}

static struct fb_phy_port some_port(uint16_t port_no, uint8_t what)
{
	return (struct fb_phy_port){.port_no = port_no,
	                            .hw_addr = {2, 0, 0, 0, 0, (uint8_t)port_no},
	                            .name = "port",
	                            .state = what >> 7,
	                            .supported = 0x3f,
	                            .curr = what};
}

static void step_port(struct run *run, struct input *in)
{
	uint16_t port_no = take_port(in);
	uint8_t what = take(in);
	struct fb_phy_port port = some_port(port_no, what);

	run->busy = true;
	switch (what % 5) {
	case 0:
		agent_add_port(run->agent, &port, run->now_ns);
		break;
	case 1:
		agent_remove_port(run->agent, port_no, run->now_ns);
		break;
	case 2:
		agent_update_port(run->agent, &port, run->now_ns);
		break;
	case 3:
		agent_set_link(run->agent, port_no, what & 0x80, run->now_ns);
		break;
	default:
		agent_controllers_lost(run->agent, run->now_ns);
		break;
	}
	run->busy = false;
}

/* Let a time pass, in which everything due is done. */
static void step_time(struct run *run, uint8_t what)
{
	uint64_t until_ns = run->now_ns + ((UINT64_C(1) << (what >> 3 & 31)) * 32), deadline_ns;

	for (int i = 0; i < 1000; i++) {
		deadline_ns = agent_deadline(run->agent);
		if (deadline_ns > until_ns)
			break;
		if (deadline_ns > run->now_ns)
			run->now_ns = deadline_ns;
		run->busy = true;
		agent_run(run->agent, run->now_ns);
		run->busy = false;
		check(agent_deadline(run->agent) > run->now_ns);
	}
	run->now_ns = until_ns;
}

static void step(struct run *run, struct input *in)
{
	uint8_t what = take(in);
	struct peer *peer = &run->peers[(what >> 3) % PEERS];

	switch (what & 7) {
	case 0:
		step_time(run, what);
		return;
	case 1:
		step_connect(run, peer, what);
		return;
	case 2:
		step_raw(run, peer, in);
		return;
	case 3:
		step_port(run, in);
		return;
	case 4:
		step_frame(run, in, what);
		return;
	case 5:
		step_read(run, peer, what);
		return;
	default:
		step_messages(run, peer, in, what);
		return;
	}
}

/* --- What must hold --- */

static void check_limits(struct run *run)
{
	const struct datapath *dp = agent_datapath(run->agent);
	const struct agent_counters *counters = agent_counters(run->agent);
	struct fb_table_stats table;
	uint64_t entries = 0, open = 0;

	for (size_t i = 0; datapath_table_stats(dp, i, &table); i++)
		entries += table.active_count;
	for (size_t i = 0; i < PEERS; i++)
		open += run->peers[i].conn != NULL;
	check(entries <= ENTRIES_MAX);
	check(datapath_buffers_in_use(dp) <= BUFFERS);
	check(counters->connects - counters->disconnects == open);
}

/* All that went to 'peer' are messages that a switch sends. */
static void check_sent(const struct peer *peer, uint64_t *messages, uint64_t *errors)
{
	struct fb_of_error error;
	struct fb_msg msg;
	size_t len;

	for (size_t at = 0; at < peer->sent_len; at += len) {
		check(peer->sent_len - at >= sizeof(struct ofp_header));
		len = fb_get16(peer->sent + at + 2);
		check(len <= peer->sent_len - at);
		check(fb_msg_decode(peer->sent + at, len, &msg, &error) == 0);
		check(msg.type != OFPT_FLOW_MOD && msg.type != OFPT_PACKET_OUT &&
		      msg.type != OFPT_PORT_MOD && msg.type != OFPT_STATS_REQUEST &&
		      msg.type != OFPT_SET_CONFIG && msg.type != OFPT_VENDOR);
		++*messages;
		*errors += msg.type == OFPT_ERROR;
	}
}

/* --- Runs --- */

static void begin(struct run *run, uint8_t how)
{
	const struct agent_ops ops = {.send = on_send,
	                              .close = on_close,
	                              .backlog = on_backlog,
	                              .ready = on_ready,
	                              .output = on_output,
	                              .port_configured = on_port_configured,
	                              .log = on_log,
	                              .ctx = run};
	struct agent_config config;

	agent_config_default(&config);
	config.conns_max = how & 1 ? PEERS : PEERS - 1;
	config.fail_mode = how >> 1 & 3 ? (how >> 1 & 3) - 1 : AGENT_FAIL_EMERGENCY;
	config.packet_in_backlog_bytes = PAUSE_BYTES / 2;
	config.pause_backlog_bytes = PAUSE_BYTES;
	config.datapath.entries_max = ENTRIES_MAX;
	config.datapath.buffers_max = how & 8 ? 0 : BUFFERS;
	config.datapath.macs_max = 3;
	config.datapath.reassembly_max = 2;
	run->pool = frame_pool_new();
	run->agent = agent_new(&config, &ops, run->pool);
	for (uint16_t n = 1; n <= PORTS; n++) {
		struct fb_phy_port port = some_port(n, 0);

		agent_add_port(run->agent, &port, run->now_ns);
	}
	datapath_add_queue(agent_datapath(run->agent), 1, 1, 100);
	datapath_add_queue(agent_datapath(run->agent), 2, 2, 0xffff);
}

static void run_input(struct run *run, struct input in)
{
	uint64_t messages = 0, errors = 0;

	for (size_t i = 0; i < PEERS; i++)
		run->peers[i].run = run;
	begin(run, take(&in));
	take(&in);
	for (uint8_t i = 0; i < PEERS - 1; i++)
		step_connect(run, &run->peers[i], 0);
	while (in.left) {
		step(run, &in);
		check_limits(run);
	}
	for (unsigned i = 0; i < PEERS; i++)
		check_sent(&run->peers[i], &messages, &errors);
	check(agent_counters(run->agent)->messages_out == messages);
	check(agent_counters(run->agent)->errors_out == errors);
	run->busy = true;
	agent_free(run->agent);
	for (unsigned i = 0; i < PEERS; i++)
		check(!run->peers[i].open);
	check(frame_pool_in_use(run->pool) == 0);
	frame_pool_free(run->pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole = {.now_ns = FB_NS_PER_S}, cut = {.now_ns = FB_NS_PER_S};

	if (size < 2)
		return 0;
	cut.piece = 1 + data[1] % 32u;
	run_input(&whole, (struct input){data, size});
	run_input(&cut, (struct input){data, size});
	check(whole.outputs == cut.outputs);
	for (unsigned i = 0; i < PEERS; i++) {
		check(whole.peers[i].sent_len == cut.peers[i].sent_len);
		check(!whole.peers[i].sent_len ||
		      !memcmp(whole.peers[i].sent, cut.peers[i].sent, whole.peers[i].sent_len));
		free(whole.peers[i].sent);
		free(cut.peers[i].sent);
	}
	return 0;
}
