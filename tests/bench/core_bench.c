/* How fast the controller core is by itself: from the bytes of a read to ops->send(), without
 * sockets.
 *
 * A controller with sixteen switches gets packet-ins of 60-byte frames with fresh buffer ids, cut
 * into reads of several sizes; what it answers is added up. Each line is one case with one size of
 * reads: the median and the mean of what one packet-in took, and packet-ins a second by the median.
 * The median is that of whole rounds, so that a machine that does other things meanwhile hardly
 * shows; the mean contains what is rare, such as tables that grow.
 *
 * Packet-ins are made off the clock into one buffer, as a driver's read would put them there; small
 * reads go round the switches. Time goes on by as much as the packet-ins would take at six million
 * a second. Before it is measured a case is run once with every answer checked: an answer for each
 * packet-in, in order, with its buffer id; and a digest of all that is sent is printed, so that a
 * change that must not change behaviour can be seen not to.
 *
 *     core_bench [CASE [READ_BYTES [ROUNDS]]]
 *
 * runs one case with one size of reads a fixed number of rounds, for profilers. Instructions of the
 * core alone (a line tells how many packet-ins were counted):
 *
 *     valgrind --tool=callgrind --toggle-collect=hand_over_timed core_bench hub 65536 100 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "controller/session.h"
#include "lib/base/digest.h"
#include "lib/base/rng.h"
#include "lib/base/xalloc.h"

enum {
	SWITCHES = 16,
	PORTS = 8,
	FRAME_BYTES = 60,
	PACKET_IN_BYTES = 18 + FRAME_BYTES, /* of the message */
	ROUND_BYTES_MIN = 1 << 16,          /* packet-ins between two looks at the clock */
	ROUNDS_WARM = 50,
	ROUNDS = 1000,
	PACKET_NS = 166,       /* virtual time of one packet-in */
	OPEN_CONNECTIONS = 64, /* SYNs of a switch between one and its SYN-ACK */
	BACKENDS = 4,
};

enum kind { HUB, LEARNING, BALANCER };

struct bench_case {
	const char *name;
	enum kind kind;
	uint32_t macs; /* on each switch; a power of two is not needed */
	bool noting;   /* an application that answers some packet-ins stands in front */
	const char *options;
	const char *unit; /* of what is counted */
	uint32_t unit_packet_ins;
};

static const struct bench_case cases[] = {
        {"hub", HUB, 1000, false, "", "packet-in", 1},
        {"learning-1k", LEARNING, 1000, false, "", "packet-in", 1},
        {"learning-100k", LEARNING, 100000, false, "", "packet-in", 1},
        {"chain-1k", LEARNING, 1000, true, "", "packet-in", 1},
        {"balancer", BALANCER, 1000, false, "sessions_max=16777216,recall_timeout=1ms,arp=flood", "connection", 2},
};

struct bench;

/* One of the switches, as far as a generator of packet-ins needs to know it. */
struct fake {
	struct bench *bench;
	struct session *session;
	uint32_t buffer_id;   /* of the next packet-in */
	uint32_t answered_id; /* of the next answer that is checked */
	uint32_t connections; /* SYNs so far */
	bool acks_next;       /* the next packet-in is a SYN-ACK */
};

struct bench {
	const struct bench_case *what;
	struct controller *ctl;
	struct fake fakes[SWITCHES];
	struct rng rng;
	uint64_t now_ns; /* virtual */
	uint64_t sum;    /* of what is sent */
	uint64_t sent_bytes;
	uint64_t answers;
	struct digest *digest; /* NULL: answers are only added up */
	bool stops;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "core_bench: %s\n", why);
	exit(1);
}

/* --- What the controller sends --- */

/* The buffer that a message releases; OFP_NO_BUFFER: none. */
static uint32_t released_by(const uint8_t *bytes, size_t len)
{
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(bytes, len, &msg, &error) < 0)
		die(error.why);
	if (msg.type == OFPT_FLOW_MOD)
		return msg.flow_mod.buffer_id;
	return msg.type == OFPT_PACKET_OUT ? msg.packet_out.buffer_id : OFP_NO_BUFFER;
}

/* Each buffer is released once, in the order of the packet-ins. */
static void check(struct fake *fake, const uint8_t *bytes, size_t len)
{
	struct bench *b = fake->bench;

	for (size_t at = 0; at < len; at += fb_get16(bytes + at + 2)) {
		uint32_t id = released_by(bytes + at, fb_get16(bytes + at + 2));

		if (id == OFP_NO_BUFFER)
			continue;
		if (id != fake->answered_id++)
			die("an answer with a wrong buffer id");
		b->answers++;
	}
	digest_delivery(b->digest, 0, (uint64_t)(fake - b->fakes), bytes, len);
}

static void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct fake *fake = conn;
	struct bench *b = fake->bench;

	b->sent_bytes += len;
	b->sum += bytes[len - 1];
	if (b->digest)
		check(fake, bytes, len);
}

static void on_close(void *conn, const char *reason)
{
	const struct fake *fake = conn;

	if (!fake->bench->stops)
		die(reason);
}

/* --- Applications --- */

/* The application in front: answers every fourth packet-in and stops none. */
struct noting {
	struct fb_app *app;
	uint32_t seen;
};

static void *noting_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct noting *noting = xcalloc(1, sizeof *noting);

	(void)values;
	(void)error;
	noting->app = app;
	return noting;
}

static void noting_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                             size_t count, uint64_t now_ns)
{
	static const uint8_t to_controller[] = {0, 0, 0, 8, 0xff, 0xfd, 0, 128};
	struct noting *noting = state;
	struct fb_flow_mod fm = {
	        .command = OFPFC_ADD,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	        .actions = {.data = to_controller, .len = sizeof to_controller},
	};

	(void)now_ns;
	for (size_t i = 0; i < count; i++) {
		if (noting->seen++ % 4)
			continue;
		fb_match_from_packet(&fm.match, &packet_ins[i].packet, packet_ins[i].in_port);
		fb_send_flow_mod(noting->app, sw, &packet_ins[i], &fm);
	}
}

static const struct fb_app_class noting_class = {
        .name = "noting",
        .summary = "asks to see every fourth flow",
        .scope = FB_SCOPE_SWITCH,
        .create = noting_create,
        .destroy = free,
        .packet_in = noting_packet_in,
};

/* --- Packet-ins --- */

/* Append a packet-in with a fresh buffer id and return its frame, zeroed; its addresses are those
 * of the stations 'source' and 'target', where UINT32_MAX is everybody. */
static uint8_t *put_packet_in(struct fake *fake, struct fb_buf *out, uint16_t in_port,
                              uint32_t source, uint32_t target)
{
	uint64_t nic = UINT64_C(0x020000000000) | (uint64_t)(fake - fake->bench->fakes) << 24;
	uint8_t *p = fb_buf_reserve(out, PACKET_IN_BYTES), *frame;

	if (!p)
		die("no room for a packet-in");
	memset(p, 0, PACKET_IN_BYTES);
	frame = p + PACKET_IN_BYTES - FRAME_BYTES;
	p[0] = OFP_VERSION;
	p[1] = OFPT_PACKET_IN;
	fb_set16(p + 2, PACKET_IN_BYTES);
	fb_set32(p + 8, fake->buffer_id++);
	fb_set16(p + 12, FRAME_BYTES);
	fb_set16(p + 14, in_port);
	fb_mac_from_u64(frame, target == UINT32_MAX ? UINT64_C(0xffffffffffff) : nic | target);
	fb_mac_from_u64(frame + FB_MAC_BYTES, nic | source);
	return frame;
}

/* The port of a station. */
static uint16_t port_of(uint32_t station)
{
	return (uint16_t)(1 + station % PORTS);
}

/* An IPv4 header with a protocol, without what nobody looks at. */
static uint8_t *put_ipv4(uint8_t *frame, uint8_t nw_proto, uint32_t nw_src, uint32_t nw_dst)
{
	uint8_t *ip = frame + FB_ETH_HEADER_BYTES;

	fb_set16(frame + 12, FB_ETH_IPV4);
	ip[0] = 0x45;
	fb_set16(ip + 2, FRAME_BYTES - FB_ETH_HEADER_BYTES);
	ip[8] = 64;
	ip[9] = nw_proto;
	fb_set32(ip + 12, nw_src);
	fb_set32(ip + 16, nw_dst);
	return ip + FB_IPV4_HEADER_BYTES;
}

/* From any station to any other that is behind another port, UDP. */
static void put_datagram(struct fake *fake, struct fb_buf *out)
{
	struct bench *b = fake->bench;
	uint64_t draw = rng_next(&b->rng);
	uint32_t macs = b->what->macs;
	uint32_t source = (uint32_t)((draw & 0xffffffff) * macs >> 32);
	uint32_t target = (uint32_t)((draw >> 32) * macs >> 32);
	uint8_t *frame, *udp;

	if (port_of(source) == port_of(target))
		target = target ? target - 1 : 1;
	frame = put_packet_in(fake, out, port_of(source), source, target);
	udp = put_ipv4(frame, FB_IP_UDP, 0x0a000000 | source, 0x0a000000 | target);
	fb_set16(udp, 5001);
	fb_set16(udp + 2, 5001);
	fb_set16(udp + 4, FRAME_BYTES - FB_ETH_HEADER_BYTES - FB_IPV4_HEADER_BYTES);
}

/* Stations of the balancer: the backends, who share an address, and behind them the clients. */
#define SHARED_IP UINT32_C(0xc0a80001) /* on the first switch */

/* All switches are one network, in which addresses are told apart. */
static uint32_t shared_ip_of(const struct fake *fake)
{
	return SHARED_IP + ((uint32_t)(fake - fake->bench->fakes) << 8);
}

static uint32_t client_ip_of(const struct fake *fake, uint32_t station)
{
	return 0x0a000000 | (uint32_t)(fake - fake->bench->fakes) << 17 | station;
}

static void put_segment(struct fake *fake, struct fb_buf *out, uint32_t connection, bool ack)
{
	uint32_t client = BACKENDS + connection % (fake->bench->what->macs - BACKENDS);
	uint32_t client_ip = client_ip_of(fake, client), backend = connection % BACKENDS;
	uint16_t client_tp = (uint16_t)(1024 + connection / 1000);
	uint32_t source = ack ? backend : client, target = ack ? client : backend;
	uint8_t *frame = put_packet_in(fake, out, port_of(source), source, target);
	uint8_t *tcp = put_ipv4(frame, FB_IP_TCP, ack ? shared_ip_of(fake) : client_ip,
	                        ack ? client_ip : shared_ip_of(fake));

	fb_set16(tcp, ack ? 80 : client_tp);
	fb_set16(tcp + 2, ack ? client_tp : 80);
	fb_set32(tcp + 4, connection);
	fb_set32(tcp + 8, ack ? connection + 1 : 0);
	tcp[12] = 5 << 4;
	tcp[13] = ack ? FB_TCP_SYN | FB_TCP_ACK : FB_TCP_SYN;
}

/* SYNs and SYN-ACKs in turn, the latter of a connection some way back. Backends take turns. */
static void put_handshake(struct fake *fake, struct fb_buf *out)
{
	if (fake->acks_next && fake->connections > OPEN_CONNECTIONS)
		put_segment(fake, out, fake->connections - OPEN_CONNECTIONS - 1, true);
	else
		put_segment(fake, out, fake->connections++, false);
	fake->acks_next = !fake->acks_next;
}

static void put_next(struct fake *fake, struct fb_buf *out)
{
	if (fake->bench->what->kind == BALANCER)
		put_handshake(fake, out);
	else
		put_datagram(fake, out);
}

/* --- Joining --- */

static void receive(struct fake *fake, struct fb_buf *in)
{
	session_receive(fake->session, in->data, in->len, fake->bench->now_ns);
	in->len = 0;
}

static void join(struct bench *b, struct fake *fake, struct fb_buf *in)
{
	uint64_t dpid = 1 + (uint64_t)(fake - b->fakes);
	struct fb_msg msg = {.type = OFPT_FEATURES_REPLY};
	uint8_t memory[PORTS * sizeof(struct ofp_phy_port)];
	struct fb_buf ports = fb_buf_make(memory, sizeof memory);

	fake->bench = b;
	fake->session = controller_connect(b->ctl, fake, "bench", b->now_ns);
	for (uint16_t port_no = 1; port_no <= PORTS; port_no++)
		fb_phy_port_put(&ports, &(struct fb_phy_port){.port_no = port_no});
	msg.features_reply.datapath_id = dpid;
	msg.features_reply.ports = (struct fb_view){.data = ports.data, .len = ports.len};
	fb_msg_put_header_only(in, OFPT_HELLO, 1);
	fb_msg_encode(in, &msg);
	receive(fake, in);
	b->now_ns += FB_NS_PER_MS; /* entries that it had are not waited for any longer */
	controller_run(b->ctl, b->now_ns);
}

/* Each station is heard once: a broadcast, by which the balancer's backends claim their address.
 * All of it takes a second, so that stations are due to be noted as heard again from then on. */
static void teach(struct fake *fake, struct fb_buf *in)
{
	const struct bench_case *what = fake->bench->what;

	for (uint32_t i = 0; i < what->macs; i++) {
		uint8_t *frame = put_packet_in(fake, in, port_of(i), i, UINT32_MAX);
		uint8_t *arp = frame + FB_ETH_HEADER_BYTES;

		fb_set16(frame + 12, FB_ETH_ARP);
		fb_set16(arp, 1);
		fb_set16(arp + 2, FB_ETH_IPV4);
		arp[4] = FB_MAC_BYTES;
		arp[5] = 4;
		fb_set16(arp + 6, FB_ARP_REQUEST);
		memcpy(arp + 8, frame + FB_MAC_BYTES, FB_MAC_BYTES);
		fb_set32(arp + 14, i < BACKENDS ? shared_ip_of(fake) : client_ip_of(fake, i));
		fb_set32(arp + 24, 0x0affffff);
		receive(fake, in);
		fake->bench->now_ns += FB_NS_PER_S / SWITCHES / what->macs;
	}
}

static void add_app(struct controller *ctl, const struct fb_app_class *cls, const char *options)
{
	char memory[256];
	struct fb_text error = fb_text_make(memory, sizeof memory);

	if (controller_add_app(ctl, cls, options, &error) < 0)
		die(memory);
}

static struct bench *bench_new(const struct bench_case *what, struct fb_buf *in)
{
	static const struct fb_app_class *const classes[] = {
	        [HUB] = &fb_app_hub, [LEARNING] = &fb_app_learning, [BALANCER] = &fb_app_balancer};
	const struct controller_ops ops = {.send = on_send, .close = on_close};
	struct controller_config config;
	struct bench *b = xcalloc(1, sizeof *b);

	controller_config_default(&config);
	config.run_id = 1;
	b->what = what;
	b->now_ns = FB_NS_PER_S;
	rng_init(&b->rng, 1, what->name);
	b->ctl = controller_new(&config, &ops);
	if (what->noting)
		add_app(b->ctl, &noting_class, "");
	if (what->kind == BALANCER)
		add_app(b->ctl, &fb_app_discovery, "edge_after=0,interval=1h,timeout=3h");
	add_app(b->ctl, classes[what->kind], what->options);
	for (int i = 0; i < SWITCHES; i++) {
		join(b, &b->fakes[i], in);
		teach(&b->fakes[i], in);
	}
	return b;
}

/* --- Rounds --- */

/* A round: as many packet-ins as fit into a few reads, for one switch or, where reads are small,
 * for all of them in turn. */
struct round {
	size_t read_bytes;
	uint32_t fakes;    /* how many of them take part */
	uint32_t messages; /* of each */
	struct fb_buf in;  /* those of one fake after those of the other */
};

static struct round round_make(size_t read_bytes)
{
	struct round round = {.read_bytes = read_bytes, .fakes = 1};
	size_t bytes = read_bytes > ROUND_BYTES_MIN ? read_bytes : ROUND_BYTES_MIN;

	if (read_bytes < ROUND_BYTES_MIN / SWITCHES)
		round.fakes = SWITCHES;
	round.messages = (uint32_t)(bytes / PACKET_IN_BYTES / round.fakes);
	bytes = (size_t)round.messages * round.fakes * PACKET_IN_BYTES;
	round.in = fb_buf_make(xmalloc(bytes), bytes);
	return round;
}

static void fill(struct bench *b, struct round *round, uint32_t first)
{
	round->in.len = 0;
	for (uint32_t i = 0; i < round->fakes; i++) {
		for (uint32_t j = 0; j < round->messages; j++)
			put_next(&b->fakes[(first + i) % SWITCHES], &round->in);
	}
}

/* Hand the round over in its reads. */
static inline void hand_over(struct bench *b, const struct round *round, uint32_t first)
{
	size_t bytes = (size_t)round->messages * PACKET_IN_BYTES;

	for (size_t at = 0; at < bytes; at += round->read_bytes) {
		size_t len = bytes - at < round->read_bytes ? bytes - at : round->read_bytes;

		for (uint32_t i = 0; i < round->fakes; i++)
			session_receive(b->fakes[(first + i) % SWITCHES].session,
			                round->in.data + i * bytes + at, len, b->now_ns);
	}
}

/* The same for a profiler, which counts what happens in here; returns how long it took. */
static uint64_t __attribute__((noinline))
hand_over_timed(struct bench *b, const struct round *round, uint32_t first)
{
	uint64_t start_ns = clock_ns();

	hand_over(b, round, first);
	return clock_ns() - start_ns;
}

static uint64_t run_round(struct bench *b, struct round *round, uint32_t number)
{
	uint32_t first = number % SWITCHES;
	uint64_t ns = 0;

	fill(b, round, first);
	if (b->digest)
		hand_over(b, round, first);
	else
		ns = hand_over_timed(b, round, first);
	b->now_ns += (uint64_t)round->messages * round->fakes * PACKET_NS;
	if (controller_deadline(b->ctl) <= b->now_ns)
		controller_run(b->ctl, b->now_ns);
	return ns;
}

/* --- A case --- */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One round for each switch, with every answer looked at. */
static void prove(struct bench *b, struct round *round, char text[DIGEST_TEXT_BYTES])
{
	uint64_t asked = (uint64_t)SWITCHES * round->messages * round->fakes;

	b->digest = digest_new();
	for (int i = 0; i < SWITCHES; i++)
		b->fakes[i].answered_id = b->fakes[i].buffer_id;
	for (uint32_t i = 0; i < SWITCHES; i++)
		run_round(b, round, i);
	if (b->answers != asked)
		die("not every packet-in was answered");
	digest_text(b->digest, text);
	digest_free(b->digest);
	b->digest = NULL;
}

static void measure(const struct bench_case *what, size_t read_bytes, uint32_t rounds)
{
	uint64_t *ns = xcalloc(rounds, sizeof *ns), total_ns = 0;
	struct round round = round_make(read_bytes);
	struct bench *b = bench_new(what, &round.in);
	char digest[DIGEST_TEXT_BYTES];
	double count = (double)(round.messages * round.fakes) / what->unit_packet_ins;

	prove(b, &round, digest);
	for (uint32_t i = 0; i < ROUNDS_WARM; i++)
		run_round(b, &round, i);
	for (uint32_t i = 0; i < rounds; i++)
		total_ns += ns[i] = run_round(b, &round, i);
	qsort(ns, rounds, sizeof *ns, compare);
	printf("%-14s reads of %7zu: %7.1f ns a %-10s (mean %7.1f) %6.2f million/s  %.8s\n",
	       what->name, read_bytes, (double)ns[rounds / 2] / count, what->unit,
	       (double)total_ns / rounds / count, count * 1000.0 / (double)ns[rounds / 2], digest);
	if (rounds != ROUNDS)
		printf("%llu packet-ins were counted\n",
		       (unsigned long long)(ROUNDS_WARM + rounds) * round.messages * round.fakes);
	b->stops = true;
	controller_free(b->ctl);
	free(b);
	free(round.in.data);
	free(ns);
}

int main(int argc, char **argv)
{
	static const size_t reads[] = {1 << 18, 1 << 16, 64 * PACKET_IN_BYTES, PACKET_IN_BYTES};
	bool found = false;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
			continue;
		found = true;
		if (argc > 2) {
			measure(&cases[i], strtoul(argv[2], NULL, 10),
			        argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : ROUNDS);
			continue;
		}
		for (size_t j = 0; j < sizeof reads / sizeof reads[0]; j++)
			measure(&cases[i], reads[j], ROUNDS);
	}
	if (!found)
		die("no case has that name");
	return 0;
}
