/* Traffic between stations: datagrams from any to any other behind another port, after each was
 * heard once; and the answers that learning switches, hubs and the null responder give.
 *
 * Station 'i' of a switch is behind port 1 + i % LOAD_PORTS; its address has the switch's number and
 * its own in it, so that 16 switches with 100,000 stations each need no memory here. Who speaks to
 * whom in a packet-in is computed from its buffer id, and so computed again when the answer comes. */
#include <inttypes.h>
#include <string.h>

#include <flowbed/packet.h>

#include "tests/bench/controller_load.h"

#define BROADCAST    UINT64_C(0xffffffffffff)
#define BROADCAST_IP UINT32_C(0x0affffff)

/* The sum of the IPv4 headers but for the addresses. */
#define IP_SUM (0x4500 + (LOAD_FRAME_BYTES - 14) + (64 << 8 | FB_IP_UDP))

enum { UDP_PORT = 5001, TOTAL_LEN_SHORT = 42 };

/* A packet-in as it is sent. */
struct packet_in {
	uint8_t head[sizeof(struct ofp_packet_in)];
	uint8_t dl_dst[FB_MAC_BYTES], dl_src[FB_MAC_BYTES];
	fb_be16 dl_type;
	uint8_t ip_before_checksum[10];
	fb_be16 checksum;
	fb_be32 nw_src, nw_dst;
	fb_be16 tp_src, tp_dst, udp_len, udp_checksum;
	uint8_t payload[LOAD_FRAME_BYTES - 14 - 20 - 8];
};
_Static_assert(sizeof(struct packet_in) == LOAD_PACKET_IN_BYTES, "the frame has another length");

/* What all that a switch sends at a time has in common; a copy, so that it can stay in registers. */
struct crowd {
	uint64_t mac; /* of station 0 */
	uint32_t ip, port;
	uint32_t count;
	uint32_t first_id; /* by which station 0 is heard */
	uint32_t salt;
	bool learning, cyclic;
};

/* Who speaks to whom. */
struct talk {
	uint32_t source, target; /* stations; the target UINT32_MAX: everybody */
};

/* --- What a buffer id stands for --- */

static struct crowd crowd_of(const struct fake *fake)
{
	const struct load *load = fake->load;

	return (struct crowd){
	        .mac = load_mac_of(fake, 0),
	        .ip = load_ip_of(fake, 0),
	        .port = load->first_mac,
	        .count = load->options.macs,
	        .first_id = fake->first_id,
	        .salt = fake->index,
	        .learning = load->phase <= PHASE_LEARN,
	        .cyclic = load->options.cyclic,
	};
}

/* 'id' as well mixed as a draw. */
static uint64_t mix(uint32_t id, uint32_t salt)
{
	uint64_t x = ((uint64_t)salt << 32 | id) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static inline struct talk talk_of(const struct crowd *crowd, uint32_t id)
{
	struct talk talk = {.target = UINT32_MAX};
	uint64_t draw;

	if (crowd->learning) {
		/* OFP_NO_BUFFER was left out. */
		talk.source = id - crowd->first_id - (id < crowd->first_id);
		return talk;
	}
	if (crowd->cyclic) {
		talk.source = id % crowd->count;
		talk.target = talk.source + 1 == crowd->count ? 0 : talk.source + 1;
	} else {
		draw = mix(id, crowd->salt);
		talk.source = (uint32_t)((draw & 0xffffffff) * crowd->count >> 32);
		talk.target = (uint32_t)((draw >> 32) * crowd->count >> 32);
	}
	if (talk.source % LOAD_PORTS == talk.target % LOAD_PORTS)
		talk.target = talk.target ? talk.target - 1 : 1;
	return talk;
}

static inline uint16_t port_of(const struct crowd *crowd, uint32_t station)
{
	return (uint16_t)(1 + (crowd->port + station) % LOAD_PORTS);
}

static inline uint64_t mac_of(const struct crowd *crowd, uint32_t station)
{
	return station == UINT32_MAX ? BROADCAST : crowd->mac + station;
}

static inline uint32_t ip_of(const struct crowd *crowd, uint32_t station)
{
	return station == UINT32_MAX ? BROADCAST_IP : crowd->ip + station;
}

/* --- Packet-ins --- */

static struct ofp_packet_in *head(struct packet_in *pi)
{
	return (struct ofp_packet_in *)pi->head;
}

static struct packet_in *slot(struct fake *fake, size_t i)
{
	return (struct packet_in *)fake->packets + i;
}

/* What all packet-ins have in common. */
static void prepare(const struct load_options *options, struct packet_in *pi)
{
	static const uint8_t ip[] = {0x45, 0, 0, LOAD_FRAME_BYTES - 14, 0, 0, 0, 0, 64, FB_IP_UDP};

	memset(pi, 0, sizeof *pi);
	head(pi)->header.version = OFP_VERSION;
	head(pi)->header.type = OFPT_PACKET_IN;
	fb_set16(&head(pi)->header.length, sizeof *pi);
	fb_set16(&head(pi)->total_len, options->frame_longer ? TOTAL_LEN_SHORT : LOAD_FRAME_BYTES);
	fb_set16(&pi->dl_type, FB_ETH_IPV4);
	memcpy(pi->ip_before_checksum, ip, sizeof ip);
	fb_set16(&pi->tp_src, UDP_PORT);
	fb_set16(&pi->tp_dst, UDP_PORT);
	fb_set16(&pi->udp_len, LOAD_FRAME_BYTES - 14 - 20);
}

static void stations_begin(struct fake *fake)
{
	for (size_t i = 0; i < LOAD_SLOTS; i++)
		prepare(&fake->load->options, slot(fake, i));
}

static void stations_destroy(struct fake *fake)
{
	(void)fake;
}

static inline void put_packet_in(const struct crowd *crowd, struct packet_in *pi, uint32_t id)
{
	struct talk talk = talk_of(crowd, id);
	uint32_t nw_src = ip_of(crowd, talk.source), nw_dst = ip_of(crowd, talk.target);

	fb_set32(&head(pi)->buffer_id, id);
	fb_set16(&head(pi)->in_port, port_of(crowd, talk.source));
	fb_mac_from_u64(pi->dl_dst, mac_of(crowd, talk.target));
	fb_mac_from_u64(pi->dl_src, mac_of(crowd, talk.source));
	fb_set16(&pi->checksum, load_checksum(IP_SUM + (nw_src >> 16) + (nw_src & 0xffff) +
	                                      (nw_dst >> 16) + (nw_dst & 0xffff)));
	fb_set32(&pi->nw_src, nw_src);
	fb_set32(&pi->nw_dst, nw_dst);
}

/* How many packet-ins may be sent now, up to 'count'. */
static uint32_t room(const struct fake *fake, uint32_t count)
{
	const struct load *load = fake->load;
	uint32_t window = load->options.window, left = UINT32_MAX;

	if (load->phase <= PHASE_LEARN) {
		window = LOAD_SLOTS;
		left = load->options.macs - fake->learned;
	}
	if (load->phase == PHASE_DRAIN || fake->outstanding >= window)
		return 0;
	if (left > window - fake->outstanding)
		left = window - fake->outstanding;
	return left < count ? left : count;
}

static void stations_fill(struct fake *fake, uint32_t count)
{
	const struct crowd crowd = crowd_of(fake);

	count = room(fake, count);
	for (uint32_t i = 0; i < count; i++)
		put_packet_in(&crowd, slot(fake, i), fake_take_id(fake));
	fake->packets_len = count * sizeof(struct packet_in);
	if (fake->load->phase <= PHASE_LEARN)
		fake->learned += count;
}

static bool stations_is_quiet(const struct fake *fake)
{
	return !fake->outstanding;
}

/* --- Answers --- */

/* Actions that are one output; its port, or 0 for other actions. */
static uint16_t output_port(const uint8_t *actions, size_t len)
{
	if (len != sizeof(struct ofp_action_output) ||
	    fb_get32(actions) != (OFPAT_OUTPUT << 16 | 8))
		return 0;
	return fb_get16(actions + 4);
}

static bool match_fits(const struct crowd *crowd, const struct ofp_match *match, struct talk talk)
{
	const uint32_t usual =
	        OFPFW_ALL & ~(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN);
	const struct load_frame frame = {
	        .in_port = port_of(crowd, talk.source),
	        .dl_src = mac_of(crowd, talk.source),
	        .dl_dst = mac_of(crowd, talk.target),
	        .nw_src = ip_of(crowd, talk.source),
	        .nw_dst = ip_of(crowd, talk.target),
	        .nw_proto = FB_IP_UDP,
	        .tp_src = UDP_PORT,
	        .tp_dst = UDP_PORT,
	};

	if (fb_get32(&match->wildcards) != usual)
		return answer_fits(match, &frame);
	return fb_get16(&match->in_port) == frame.in_port &&
	       fb_mac_to_u64(match->dl_src) == frame.dl_src &&
	       fb_mac_to_u64(match->dl_dst) == frame.dl_dst &&
	       fb_get16(&match->dl_vlan) == OFP_VLAN_NONE;
}

/* The ports to which an answer sends the frame must be right: one, or 'flood'. */
static void check_port(struct fake *fake, const struct crowd *crowd, uint32_t id, struct talk talk,
                       uint16_t port, bool flood)
{
	if (flood ? port == OFPP_FLOOD || port == OFPP_ALL : port == port_of(crowd, talk.target))
		return;
	tally_wrong(fake, WRONG_PORT, 1,
	            "buffer %" PRIu32
	            " from port %u goes to port %u (0: not one output) in place of %u",
	            id, port_of(crowd, talk.source), port,
	            flood ? OFPP_FLOOD : port_of(crowd, talk.target));
}

static void check_flow_mod(struct fake *fake, const struct crowd *crowd, uint32_t id,
                           const struct ofp_flow_mod *fm, size_t len)
{
	struct talk talk = talk_of(crowd, id);

	if (talk.target == UINT32_MAX || fake->load->options.expect == EXPECT_HUB) {
		tally_wrong(fake, WRONG_KIND, 1,
		            "buffer %" PRIu32 " is answered by a flow-mod, not flooded", id);
		return;
	}
	if (fb_get16(&fm->command) != OFPFC_ADD || !match_fits(crowd, &fm->match, talk))
		tally_wrong(fake, WRONG_MATCH, 1,
		            "the flow-mod for buffer %" PRIu32 " does not fit its frame", id);
	check_port(fake, crowd, id, talk, output_port(fm->actions, len - sizeof *fm), false);
}

static void check_packet_out(struct fake *fake, const struct crowd *crowd, uint32_t id,
                             const struct ofp_packet_out *po, size_t len)
{
	struct talk talk = talk_of(crowd, id);
	size_t actions_len = fb_get16(&po->actions_len);

	if (talk.target != UINT32_MAX && fake->load->options.expect == EXPECT_LEARNING) {
		tally_wrong(fake, WRONG_KIND, 1,
		            "buffer %" PRIu32 " is answered by a packet-out without a flow", id);
		return;
	}
	if (fb_get16(&po->in_port) != port_of(crowd, talk.source))
		tally_wrong(fake, WRONG_MATCH, 1, "buffer %" PRIu32 " came in by port %u, not %u",
		            id, port_of(crowd, talk.source), fb_get16(&po->in_port));
	check_port(fake, crowd, id, talk,
	           actions_len == len - sizeof *po ? output_port(po->actions, actions_len) : 0,
	           true);
}

/* All but xid and buffer id is as the null responder has it. */
static void check_null(struct fake *fake, uint32_t id, const uint8_t *message, size_t len)
{
	const size_t buffer_at = offsetof(struct ofp_flow_mod, buffer_id);
	const uint8_t *expected = fake->load->null_answer;

	if (len == NULL_ANSWER_BYTES && !memcmp(message, expected, 4) &&
	    !memcmp(message + 8, expected + 8, buffer_at - 8) &&
	    !memcmp(message + buffer_at + 4, expected + buffer_at + 4, 4 + 8))
		return;
	tally_wrong(fake, WRONG_KIND, 1, "the answer to buffer %" PRIu32 " is another flow-mod",
	            id);
}

/* The answer of 'len' bytes, which is due, to 'id'. */
static void check(struct fake *fake, const struct crowd *crowd, uint32_t id, const uint8_t *message,
                  size_t len)
{
	enum load_expect expect = fake->load->options.expect;

	if (expect == EXPECT_NULL)
		check_null(fake, id, message, len);
	else if (expect != EXPECT_ANY && message[1] == OFPT_FLOW_MOD)
		check_flow_mod(fake, crowd, id, (const struct ofp_flow_mod *)message, len);
	else if (expect != EXPECT_ANY)
		check_packet_out(fake, crowd, id, (const struct ofp_packet_out *)message, len);
}

static size_t stations_answers(struct fake *fake, const uint8_t *bytes, size_t len)
{
	const struct crowd crowd = crowd_of(fake);
	size_t at = 0, message_len;

	while ((message_len = load_answer_len(bytes + at, len - at))) {
		const uint8_t *message = bytes + at;
		uint32_t id =
		        fb_get32(message[1] == OFPT_FLOW_MOD
		                         ? message + offsetof(struct ofp_flow_mod, buffer_id)
		                         : message + offsetof(struct ofp_packet_out, buffer_id));

		at += message_len;
		if (id == OFP_NO_BUFFER) {
			fake->load->tally.others[message[1]]++;
		} else if (fake_answered(fake, id)) {
			fake->load->tally.units++;
			check(fake, &crowd, id, message, message_len);
		}
	}
	return at;
}

const struct traffic stations_traffic = {
        .begin = stations_begin,
        .fill = stations_fill,
        .answers = stations_answers,
        .is_quiet = stations_is_quiet,
        .destroy = stations_destroy,
};
