/* New TCP connections, for a load balancer.
 *
 * Stations 0 and 1 of a switch are servers with one address, the others are clients. Each station
 * says where it is by a gratuitous ARP; ARP requests of the controller are answered, so that it
 * takes nobody for dead. Then clients connect: the SYN must come back as a packet-out to one of the
 * servers, which answers with a SYN-ACK; two flow entries must come, one for each direction, and
 * then the SYN-ACK must be released. That is one connection.
 *
 * A connection has a number, and from it client, ports and buffers follow, so that no 4-tuple is
 * used twice. Those that are open are in a ring. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/bench/controller_load.h"

enum {
	SERVERS = 2, /* the clients address the first, as their ARP tables say */
	CLIENT_TP_MIN = 1024,
	CLIENT_TPS = 60000, /* of each client, then the next port of the server */
	SERVER_TP_MIN = 80,
	ARP_REPLIES_MAX = 64, /* that wait to be sent; a power of two */
	RING_MIN = 1024,
	TCP_WINDOW = 65535,
};

#define SERVER_IP UINT32_C(0xc0a80002) /* of the first switch */
#define BROADCAST UINT64_C(0xffffffffffff)

enum stage { FREE, SYN_SENT, ACKS, ACK_SENT };
enum { FLOW_TO_SERVER = 1, FLOW_TO_CLIENT = 2, FLOWS_BOTH = 3 };

struct connection {
	uint64_t number;
	uint8_t stage;
	uint8_t server; /* which the controller chose */
	uint8_t flows;
};

/* What a buffer holds. */
enum held { HELD_ARP, HELD_SYN, HELD_ACK };

struct buffer {
	uint32_t place; /* of the connection, in its ring */
	enum held held;
};

struct arp_reply {
	uint64_t mac; /* to whom */
	uint32_t ip;
	uint32_t station; /* who says where it is */
};

/* The address that the servers of a switch share. */
static uint32_t server_ip_of(const struct fake *fake)
{
	return SERVER_IP + (fake->index << 8);
}

struct connections {
	struct connection *ring;
	uint32_t ring_mask;
	uint64_t next; /* number of the next connection */
	uint32_t open;
	uint32_t *acks; /* places of connections whose server answers next: a queue in a ring */
	uint32_t acks_head, acks_tail;
	struct buffer *buffers; /* by id, with the switch's mask */
	struct arp_reply arp_replies[ARP_REPLIES_MAX];
	uint32_t arp_head, arp_tail;
};

/* A packet-in with TCP, as it is sent. */
struct packet_in {
	uint8_t head[sizeof(struct ofp_packet_in)];
	uint8_t dl_dst[FB_MAC_BYTES], dl_src[FB_MAC_BYTES];
	fb_be16 dl_type;
	uint8_t ip_before_checksum[10];
	fb_be16 ip_checksum;
	fb_be32 nw_src, nw_dst;
	fb_be16 tp_src, tp_dst;
	fb_be32 seq, ack;
	uint8_t offset, flags;
	fb_be16 window, checksum, urgent;
	uint8_t padding[LOAD_FRAME_BYTES - 14 - 20 - 20];
};
_Static_assert(sizeof(struct packet_in) == LOAD_PACKET_IN_BYTES, "the frame has another length");

/* --- Life --- */

static void destroy(struct fake *fake)
{
	if (!fake->connections)
		return;
	free(fake->connections->ring);
	free(fake->connections->acks);
	free(fake->connections->buffers);
	free(fake->connections);
	fake->connections = NULL;
}

/* Numbers go on when the switch comes again: the controller may remember old connections. */
static void begin(struct fake *fake)
{
	struct connections *c = xcalloc(1, sizeof *c);
	uint32_t size = RING_MIN;

	if (fake->connections)
		c->next = fake->connections->next;
	destroy(fake);
	while (size < 4 * (uint64_t)fake->load->options.window)
		size *= 2;
	c->ring_mask = size - 1;
	c->ring = xcalloc(size, sizeof *c->ring);
	c->acks = xcalloc(size, sizeof *c->acks);
	c->buffers = xcalloc(fake->ring_mask + (size_t)1, sizeof *c->buffers);
	fake->connections = c;
}

/* --- What a number stands for --- */

static uint32_t clients(const struct fake *fake)
{
	return fake->load->options.macs - SERVERS;
}

static uint32_t client_of(const struct fake *fake, uint64_t number)
{
	return SERVERS + (uint32_t)(number % clients(fake));
}

static uint16_t client_tp_of(const struct fake *fake, uint64_t number)
{
	return (uint16_t)(CLIENT_TP_MIN + number / clients(fake) % CLIENT_TPS);
}

static uint16_t server_tp_of(const struct fake *fake, uint64_t number)
{
	return (uint16_t)(SERVER_TP_MIN + number / clients(fake) / CLIENT_TPS);
}

static uint32_t isn_of(uint64_t number, bool of_server)
{
	return (uint32_t)number * 2654435761u + of_server;
}

/* The frame of a connection in one direction, as it comes from its sender. */
static struct load_frame frame_of(const struct fake *fake, const struct connection *connection,
                                  bool to_client)
{
	uint32_t client = client_of(fake, connection->number);
	struct load_frame frame = {
	        .in_port = load_port_of(fake, client),
	        .dl_src = load_mac_of(fake, client),
	        .dl_dst = load_mac_of(fake, 0),
	        .nw_src = load_ip_of(fake, client),
	        .nw_dst = server_ip_of(fake),
	        .nw_proto = FB_IP_TCP,
	        .tp_src = client_tp_of(fake, connection->number),
	        .tp_dst = server_tp_of(fake, connection->number),
	};

	if (!to_client)
		return frame;
	return (struct load_frame){
	        .in_port = load_port_of(fake, connection->server),
	        .dl_src = load_mac_of(fake, connection->server),
	        .dl_dst = frame.dl_src,
	        .nw_src = server_ip_of(fake),
	        .nw_dst = frame.nw_src,
	        .nw_proto = FB_IP_TCP,
	        .tp_src = frame.tp_dst,
	        .tp_dst = frame.tp_src,
	};
}

/* The open connection between a client's address and port and a server's port, or NULL. */
static struct connection *find(const struct fake *fake, uint32_t client_ip, uint16_t client_tp,
                               uint16_t server_tp)
{
	struct connections *c = fake->connections;
	uint64_t client = client_ip - load_ip_of(fake, SERVERS), number;
	struct connection *connection;

	if (client >= clients(fake) || client_tp < CLIENT_TP_MIN || server_tp < SERVER_TP_MIN)
		return NULL;
	number = (uint64_t)(server_tp - SERVER_TP_MIN) * CLIENT_TPS + client_tp - CLIENT_TP_MIN;
	number = number * clients(fake) + client;
	connection = &c->ring[number & c->ring_mask];
	return connection->stage != FREE && connection->number == number ? connection : NULL;
}

/* --- Packet-ins --- */

/* Take the next buffer id for something, and put a packet-in's head. */
static void put_head(struct fake *fake, uint8_t *bytes, uint16_t in_port, enum held held,
                     uint32_t place)
{
	struct ofp_packet_in *head = (struct ofp_packet_in *)bytes;
	uint32_t id = fake_take_id(fake);

	memset(bytes, 0, LOAD_PACKET_IN_BYTES);
	head->header.version = OFP_VERSION;
	head->header.type = OFPT_PACKET_IN;
	fb_set16(&head->header.length, LOAD_PACKET_IN_BYTES);
	fb_set32(&head->buffer_id, id);
	fb_set16(&head->total_len, fake->load->options.frame_longer ? 54 : LOAD_FRAME_BYTES);
	fb_set16(&head->in_port, in_port);
	fake->connections->buffers[id & fake->ring_mask] =
	        (struct buffer){.place = place, .held = held};
}

static uint32_t words(uint32_t value)
{
	return (value >> 16) + (value & 0xffff);
}

static void put_segment(struct fake *fake, struct packet_in *pi, uint32_t place, bool to_client)
{
	static const uint8_t ip[] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, FB_IP_TCP};
	const struct connection *connection = &fake->connections->ring[place];
	struct load_frame frame = frame_of(fake, connection, to_client);
	uint32_t addresses = words(frame.nw_src) + words(frame.nw_dst);
	uint32_t seq = isn_of(connection->number, to_client);
	uint32_t ack = to_client ? isn_of(connection->number, false) + 1 : 0;
	uint8_t flags = to_client ? FB_TCP_SYN | FB_TCP_ACK : FB_TCP_SYN;

	put_head(fake, pi->head, frame.in_port, to_client ? HELD_ACK : HELD_SYN, place);
	fb_mac_from_u64(pi->dl_dst, frame.dl_dst);
	fb_mac_from_u64(pi->dl_src, frame.dl_src);
	fb_set16(&pi->dl_type, FB_ETH_IPV4);
	memcpy(pi->ip_before_checksum, ip, sizeof ip);
	fb_set16(&pi->ip_checksum,
	         load_checksum(0x4500 + 40 + 0x4000 + (64 << 8 | FB_IP_TCP) + addresses));
	fb_set32(&pi->nw_src, frame.nw_src);
	fb_set32(&pi->nw_dst, frame.nw_dst);
	fb_set16(&pi->tp_src, frame.tp_src);
	fb_set16(&pi->tp_dst, frame.tp_dst);
	fb_set32(&pi->seq, seq);
	fb_set32(&pi->ack, ack);
	pi->offset = 5 << 4;
	pi->flags = flags;
	fb_set16(&pi->window, TCP_WINDOW);
	fb_set16(&pi->checksum,
	         load_checksum(addresses + FB_IP_TCP + 20 + frame.tp_src + frame.tp_dst +
	                       words(seq) + words(ack) + (5 << 12 | flags) + TCP_WINDOW));
}

/* 'station' says where it is: to everybody, unasked, or in 'reply'. */
static void put_arp(struct fake *fake, uint8_t *bytes, uint32_t station,
                    const struct arp_reply *reply)
{
	uint32_t ip = station < SERVERS ? server_ip_of(fake) : load_ip_of(fake, station);
	uint8_t *frame = bytes + sizeof(struct ofp_packet_in), *arp = frame + FB_ETH_HEADER_BYTES;

	put_head(fake, bytes, load_port_of(fake, station), HELD_ARP, 0);
	fb_mac_from_u64(frame, reply ? reply->mac : BROADCAST);
	fb_mac_from_u64(frame + 6, load_mac_of(fake, station));
	fb_set16(frame + 12, FB_ETH_ARP);
	fb_set16(arp, 1);
	fb_set16(arp + 2, FB_ETH_IPV4);
	arp[4] = FB_MAC_BYTES;
	arp[5] = 4;
	fb_set16(arp + 6, reply ? FB_ARP_REPLY : FB_ARP_REQUEST);
	memcpy(arp + 8, frame + 6, FB_MAC_BYTES);
	fb_set32(arp + 14, ip);
	fb_mac_from_u64(arp + 18, reply ? reply->mac : 0);
	fb_set32(arp + 24, reply ? reply->ip : ip);
}

/* Open the next connection, where the window and the ring have room. */
static bool open_next(struct fake *fake, struct packet_in *pi)
{
	struct connections *c = fake->connections;
	uint32_t place = (uint32_t)c->next & c->ring_mask;

	if (c->open >= fake->load->options.window || c->ring[place].stage != FREE)
		return false;
	c->ring[place] = (struct connection){.number = c->next++, .stage = SYN_SENT};
	c->open++;
	put_segment(fake, pi, place, false);
	return true;
}

/* Put the packet-in that is next; false when there is none. */
static bool put_next(struct fake *fake, struct packet_in *pi)
{
	struct connections *c = fake->connections;
	enum phase phase = fake->load->phase;

	if (c->arp_head != c->arp_tail) {
		const struct arp_reply *reply = &c->arp_replies[c->arp_head++ % ARP_REPLIES_MAX];

		put_arp(fake, pi->head, reply->station, reply);
		return true;
	}
	if (phase <= PHASE_LEARN) {
		if (fake->learned == fake->load->options.macs || fake->outstanding >= LOAD_SLOTS)
			return false;
		put_arp(fake, pi->head, fake->learned++, NULL);
		return true;
	}
	if (c->acks_head != c->acks_tail) {
		uint32_t place = c->acks[c->acks_head++ & c->ring_mask];

		c->ring[place].stage = ACK_SENT;
		put_segment(fake, pi, place, true);
		return true;
	}
	return phase == PHASE_RUN && open_next(fake, pi);
}

static void fill(struct fake *fake, uint32_t count)
{
	struct packet_in *pi = (struct packet_in *)fake->packets;
	uint32_t filled = 0;

	while (filled < count && put_next(fake, &pi[filled]))
		filled++;
	fake->packets_len = filled * sizeof *pi;
}

static bool is_quiet(const struct fake *fake)
{
	const struct connections *c = fake->connections;

	return !fake->outstanding && !c->open && c->arp_head == c->arp_tail;
}

/* --- Answers --- */

static void wrong_port(const struct fake *fake, const struct connection *connection,
                       const char *what, uint16_t port, const struct load_frame *frame)
{
	tally_wrong(fake, WRONG_PORT, 1,
	            "connection %" PRIu64 ": %s goes to port %u (0: nowhere), from "
	            "%012" PRIx64 " to %012" PRIx64,
	            connection->number, what, port, frame->dl_src, frame->dl_dst);
}

/* What the actions do to a frame must bring it to the end that is meant. */
static void check_path(struct fake *fake, const struct connection *connection, bool to_client,
                       const uint8_t *actions, size_t len, const char *what)
{
	struct load_frame frame = frame_of(fake, connection, to_client);
	uint32_t end = to_client ? client_of(fake, connection->number) : connection->server;
	uint16_t in_port = frame.in_port, port;

	port = answer_follow(actions, len, &frame);
	if (port == in_port)
		port = 0; /* a switch drops what would go where it came from */
	if (port == OFPP_IN_PORT)
		port = in_port;
	if (port == load_port_of(fake, end) && frame.dl_dst == load_mac_of(fake, end) &&
	    (!to_client || frame.dl_src == load_mac_of(fake, 0)))
		return;
	wrong_port(fake, connection, what, port, &frame);
}

/* The SYN comes back, to one of the servers, which will answer. */
static void take_syn(struct fake *fake, uint32_t place, const uint8_t *actions, size_t len)
{
	struct connections *c = fake->connections;
	struct connection *connection = &c->ring[place];
	struct load_frame frame = frame_of(fake, connection, false);

	answer_follow(actions, len, &frame);
	connection->server = frame.dl_dst == load_mac_of(fake, 1);
	check_path(fake, connection, false, actions, len, "the SYN");
	connection->stage = ACKS;
	c->acks[c->acks_tail++ & c->ring_mask] = place;
}

/* The SYN-ACK is released: the connection stands. */
static void take_ack(struct fake *fake, uint32_t place, const uint8_t *actions, size_t len)
{
	struct connections *c = fake->connections;
	struct connection *connection = &c->ring[place];

	check_path(fake, connection, true, actions, len, "the SYN-ACK");
	if (connection->flows != FLOWS_BOTH)
		tally_wrong(fake, WRONG_KIND, 1,
		            "connection %" PRIu64 ": the SYN-ACK is released without %s entry",
		            connection->number, connection->flows ? "the other" : "an");
	connection->stage = FREE;
	c->open--;
	fake->load->tally.units++;
}

/* The match is of one connection: what else a controller installs is its own business. */
static bool is_of_connection(const struct ofp_match *match)
{
	const uint32_t needed = OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK | OFPFW_TP_SRC |
	                        OFPFW_TP_DST | OFPFW_DL_TYPE | OFPFW_NW_PROTO;

	return !(fb_get32(&match->wildcards) & needed);
}

/* Find the connection of a flow-mod, and its direction. */
static struct connection *find_match(const struct fake *fake, const struct ofp_match *match,
                                     bool *to_client)
{
	uint32_t nw_src = fb_get32(&match->nw_src), nw_dst = fb_get32(&match->nw_dst);
	uint16_t tp_src = fb_get16(&match->tp_src), tp_dst = fb_get16(&match->tp_dst);

	*to_client = nw_src == server_ip_of(fake);
	return *to_client ? find(fake, nw_dst, tp_dst, tp_src) : find(fake, nw_src, tp_src, tp_dst);
}

static void take_flow_mod(struct fake *fake, const struct ofp_flow_mod *fm, size_t len)
{
	bool to_client;
	struct connection *connection = find_match(fake, &fm->match, &to_client);
	struct load_frame frame;
	uint8_t bit = to_client ? FLOW_TO_CLIENT : FLOW_TO_SERVER;

	if (!connection || connection->stage != ACK_SENT) {
		tally_wrong(fake, WRONG_MATCH, 1, "a flow-mod of no open connection: port %u to %u",
		            fb_get16(&fm->match.tp_src), fb_get16(&fm->match.tp_dst));
		return;
	}
	frame = frame_of(fake, connection, to_client);
	if (!answer_fits(&fm->match, &frame))
		tally_wrong(fake, WRONG_MATCH, 1,
		            "connection %" PRIu64 ": a flow-mod does not fit its frames",
		            connection->number);
	if (connection->flows & bit)
		tally_wrong(fake, WRONG_TWICE, 1,
		            "connection %" PRIu64 ": a second entry to the %s", connection->number,
		            to_client ? "client" : "server");
	connection->flows |= bit;
	check_path(fake, connection, to_client, fm->actions, len - sizeof *fm,
	           to_client ? "the entry to the client" : "the entry to the server");
}

/* Actions, and 'in_port' where it is told (else 0), release the buffer 'id'. */
static void take_release(struct fake *fake, uint32_t id, uint16_t in_port, const uint8_t *actions,
                         size_t len)
{
	const struct buffer buffer = fake->connections->buffers[id & fake->ring_mask];
	struct connection *connection = &fake->connections->ring[buffer.place];
	struct load_frame frame;

	if (!fake_answered(fake, id) || buffer.held == HELD_ARP)
		return;
	frame = frame_of(fake, connection, buffer.held == HELD_ACK);
	if (in_port && in_port != frame.in_port)
		tally_wrong(fake, WRONG_MATCH, 1, "buffer %" PRIu32 " came in by port %u, not %u",
		            id, frame.in_port, in_port);
	if (buffer.held == HELD_SYN)
		take_syn(fake, buffer.place, actions, len);
	else
		take_ack(fake, buffer.place, actions, len);
}

/* The stations that have 'ip' will reply to who asks. */
static void hear_request(struct fake *fake, const uint8_t *arp)
{
	struct connections *c = fake->connections;
	uint32_t ip = fb_get32(arp + 24), macs = fake->load->options.macs;
	uint32_t first = ip == server_ip_of(fake) ? 0 : ip - load_ip_of(fake, 0), last = first;

	if (ip == server_ip_of(fake))
		last = SERVERS - 1;
	else if (first < SERVERS || first >= macs)
		return;
	for (uint32_t station = first; station <= last; station++) {
		if (c->arp_tail - c->arp_head == ARP_REPLIES_MAX)
			return;
		c->arp_replies[c->arp_tail++ % ARP_REPLIES_MAX] =
		        (struct arp_reply){.mac = fb_mac_to_u64(arp + 8),
		                           .ip = fb_get32(arp + 14),
		                           .station = station};
	}
}

/* A frame that the controller made. */
static void take_frame(struct fake *fake, const uint8_t *frame, size_t len)
{
	const uint8_t *arp = frame + FB_ETH_HEADER_BYTES;

	fake->load->tally.others[OFPT_PACKET_OUT]++;
	if (len >= FB_ETH_HEADER_BYTES + FB_ARP_BYTES && fb_get16(frame + 12) == FB_ETH_ARP &&
	    fb_get16(arp + 6) == FB_ARP_REQUEST)
		hear_request(fake, arp);
}

static void take_packet_out(struct fake *fake, const struct ofp_packet_out *po, size_t len)
{
	size_t actions_len = fb_get16(&po->actions_len), data_len = len - sizeof *po;
	uint32_t id = fb_get32(&po->buffer_id);

	if (actions_len > data_len)
		tally_wrong(fake, WRONG_MALFORMED, 1, "a packet-out with actions beyond its end");
	else if (id == OFP_NO_BUFFER)
		take_frame(fake, po->actions + actions_len, data_len - actions_len);
	else
		take_release(fake, id, fb_get16(&po->in_port), po->actions, actions_len);
}

static void answer(struct fake *fake, const uint8_t *message, size_t len)
{
	const struct ofp_flow_mod *fm = (const struct ofp_flow_mod *)message;
	uint32_t id;

	if (message[1] == OFPT_PACKET_OUT) {
		take_packet_out(fake, (const struct ofp_packet_out *)message, len);
		return;
	}
	if (fb_get16(&fm->command) == OFPFC_ADD && is_of_connection(&fm->match))
		take_flow_mod(fake, fm, len);
	else
		fake->load->tally.others[OFPT_FLOW_MOD]++;
	id = fb_get32(&fm->buffer_id);
	if (id != OFP_NO_BUFFER)
		take_release(fake, id, 0, fm->actions, len - sizeof *fm);
}

static size_t answers(struct fake *fake, const uint8_t *bytes, size_t len)
{
	size_t at = 0, message_len;

	while ((message_len = load_answer_len(bytes + at, len - at))) {
		answer(fake, bytes + at, message_len);
		at += message_len;
	}
	return at;
}

const struct traffic connections_traffic = {
        .begin = begin,
        .fill = fill,
        .answers = answers,
        .is_quiet = is_quiet,
        .destroy = destroy,
};
