/* A controller that takes a SYN that comes again for a new connection. See mutation.h.
 *
 * Our controller knows a retransmission by its sequence number, so it is shown another one: the SYN that
 * comes again to the port where it came first begins at another number, and so, from then on, does all
 * that the controller sees of the connection. In the frames that it sends, which go to hosts that know
 * nothing of this, the numbers are as they were. What a switch has in a buffer it never was.
 *
 * Numbers are shifted as one who translates them would: those of the client, and what is acknowledged of
 * them on the way back (not in SACK options, which no controller of ours reads). */
#include "sim/mutation.h"

enum { SHIFT = 1 << 24, SEQ_OFS = 4, ACK_OFS = 8, CHECKSUM_OFS = 16 };

/* A connection, by its client's side. */
struct connection {
	uint32_t client_ip, server_ip; /* these and the ports: key */
	uint16_t client_port, server_port;

	uint32_t first_seq;
	uint32_t shift; /* of the numbers as the controller sees them */
	uint32_t sw;    /* where the first SYN came in */
	uint16_t in_port;
};

enum { KEY_BYTES = offsetof(struct connection, first_seq) };

static bool is_first(const struct fb_packet *packet)
{
	return (packet->tcp_flags & (FB_TCP_SYN | FB_TCP_ACK)) == FB_TCP_SYN;
}

static struct connection key_of(const struct fb_packet *packet, bool back)
{
	return (struct connection){.client_ip = back ? packet->nw_dst : packet->nw_src,
	                           .server_ip = back ? packet->nw_src : packet->nw_dst,
	                           .client_port = back ? packet->tp_dst : packet->tp_src,
	                           .server_port = back ? packet->tp_src : packet->tp_dst};
}

/* A SYN comes to the controller: the first, or again. */
static void see_syn(struct mutation *mutation, const struct mutation_passing *passing,
                    const struct fb_of_packet_in *pi, const struct fb_packet *packet)
{
	const struct connection key = key_of(packet, false);
	const bool known = mutation_find(mutation, &key);
	struct connection *connection =
	        mutation_remember(mutation, &key, KEY_BYTES, sizeof *connection);

	if (!known || connection->first_seq != packet->tcp_seq) {
		connection->first_seq = packet->tcp_seq;
		connection->shift = 0;
		connection->sw = passing->sw;
		connection->in_port = pi->in_port;
	} else if (connection->sw == passing->sw && connection->in_port == pi->in_port) {
		connection->shift += SHIFT;
		mutation_act(mutation);
	}
}

/* Add 'shift' to a number in the TCP header at 'tcp'. */
static void shift_number(uint8_t *tcp, size_t offset, uint32_t shift)
{
	const uint32_t before = fb_get32(tcp + offset);

	fb_set32(tcp + offset, before + shift);
	fb_set16(tcp + CHECKSUM_OFS,
	         fb_checksum_update32(fb_get16(tcp + CHECKSUM_OFS), before, before + shift));
}

/* Shift the numbers of a segment, which is at 'frame' and may be changed, as the controller sees it, or
 * back. */
static void shift_segment(struct mutation *mutation, uint8_t *frame, const struct fb_packet *packet,
                          bool seen)
{
	struct connection key = key_of(packet, false);
	struct connection *connection = mutation_find(mutation, &key);
	uint32_t shift;

	if (connection) {
		shift = seen ? connection->shift : -connection->shift;
		if (!seen && is_first(packet))
			shift = connection->first_seq - packet->tcp_seq;
		shift_number(frame + packet->l4_ofs, SEQ_OFS, shift);
		return;
	}
	key = key_of(packet, true);
	connection = mutation_find(mutation, &key);
	if (connection && packet->tcp_flags & FB_TCP_ACK)
		shift_number(frame + packet->l4_ofs, ACK_OFS,
		             seen ? connection->shift : -connection->shift);
}

/* The frame that is in a message, if it is a TCP segment. */
static bool carries_tcp(struct fb_view data, struct fb_packet *packet)
{
	return data.len && !fb_packet_parse(packet, data.data, data.len) && packet->is_tcp;
}

void mutation_syns_round_robin(struct mutation *mutation, const struct mutation_passing *passing)
{
	uint8_t bytes[UINT16_MAX];
	struct fb_view *data = NULL;
	struct fb_packet packet;
	struct fb_msg msg;
	const bool seen = passing->point == CONTROLLER_HEARS;

	if (seen && mutation_is(passing, OFPT_PACKET_IN, &msg))
		data = &msg.packet_in.data;
	else if (!seen && mutation_is(passing, OFPT_PACKET_OUT, &msg))
		data = &msg.packet_out.data;
	if (!data || !carries_tcp(*data, &packet)) {
		mutation_pass(mutation, passing);
		return;
	}
	if (seen && is_first(&packet))
		see_syn(mutation, passing, &msg.packet_in, &packet);
	memcpy(bytes, data->data, data->len);
	shift_segment(mutation, bytes, &packet, seen);
	data->data = bytes;
	mutation_pass_as(mutation, passing, &msg);
}
