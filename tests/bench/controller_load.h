/* What the parts of controller_load share: a load generator for OpenFlow 1.0 controllers, in the
 * manner of cbench.
 *
 *   controller_load.c              phases and clock, and what is printed
 *   controller_load_options.c      the command line
 *   controller_load_fake.c         a fake switch: its connection, its handshake, its buffers
 *   controller_load_stations.c     traffic between stations, for learning, hub and the null responder
 *   controller_load_connections.c  new TCP connections, for a load balancer
 *   controller_load_answer.c       matches and actions of answers
 *   controller_load_tally.c        what was wrong, latencies
 *
 * One thread does it all. Packet-ins lie ready in each switch's output buffer and only a few fields
 * of them change; all that one turn makes leaves with one write, and answers come in large reads.
 * What a packet-in says is computed from its buffer id, so that nothing needs to be remembered to
 * check the answer but that it is due: one bit. */
#ifndef CONTROLLER_LOAD_H
#define CONTROLLER_LOAD_H

#include <flowbed/message.h>
#include <flowbed/packet.h>
#include <flowbed/time.h>

#include "lib/io/conn_name.h"
#include "tests/bench/controller_null.h"

enum {
	LOAD_PORTS = 8, /* of each switch, numbered from 1; a power of two */
	LOAD_FRAME_BYTES = 60,
	LOAD_PACKET_IN_BYTES = sizeof(struct ofp_packet_in) + LOAD_FRAME_BYTES,
	LOAD_SLOTS = 512, /* packet-ins in an output buffer */
	LOAD_SLICES_MAX = 1000,
	LOAD_FIRST_MAC_MAX = 1 << 23,
};

/* --- Options --- */

enum load_expect {
	EXPECT_LEARNING,  /* a flow-mod for each packet-in */
	EXPECT_FORGETFUL, /* the same, or flooding, as if the destination had been forgotten */
	EXPECT_HUB,
	EXPECT_NULL,
	EXPECT_BALANCER,
	EXPECT_ANY,
};

struct load_options {
	struct conn_name name; /* of the controller */
	uint32_t switches;
	uint32_t macs;   /* stations of each switch */
	uint32_t window; /* packet-ins of a switch that may wait for their answers */
	bool unlimited;  /* 'window' is no more than a bound */
	bool latency;    /* one at a time, each timed */
	bool cyclic;     /* stations take turns; otherwise drawn at random */
	enum load_expect expect;
	uint64_t warm_ns, time_ns;
	uint64_t patience_ns; /* without any answer: then those that are due never come */
	uint32_t slices;
	uint32_t generations; /* times that all stations give way to others */
	uint32_t first_dpid, first_mac, first_buffer_id;

	/* Quirks */
	uint32_t resets; /* times that all connections end by RST before the run */
	bool one_by_one; /* each joins before the next connects */
	bool echo_reply_empty, packet_in_with_features, frame_longer;
};

enum load_options_result { LOAD_OPTIONS_RUN, LOAD_OPTIONS_DONE, LOAD_OPTIONS_WRONG };

enum load_options_result load_options_read(struct load_options *options, int argc, char **argv);

/* --- What was wrong, and how long answers took --- */

enum wrong {
	WRONG_BUFFER,    /* an answer names a buffer that no packet-in had */
	WRONG_TWICE,     /* an answer to what was answered before */
	WRONG_MATCH,     /* a flow-mod whose match does not fit the frame */
	WRONG_PORT,      /* a frame goes where its destination is not */
	WRONG_KIND,      /* not the message that is expected */
	WRONG_MISSING,   /* no answer */
	WRONG_MALFORMED, /* no OpenFlow, or an error message */
	WRONG_CLOSED,    /* the connection ended */
	WRONG_KINDS,
};

enum { LATENCY_SUB_BITS = 6, LATENCY_BUCKETS = 64 << LATENCY_SUB_BITS };

struct tally {
	uint64_t answers;
	uint64_t units; /* what is measured: answers, or connections */
	uint64_t others[OFPT_QUEUE_GET_CONFIG_REPLY + 1]; /* no answers; by type of message */
	uint64_t wrong[WRONG_KINDS];
	bool is_wrong;
	char first[256]; /* what was wrong first */
	uint64_t latencies[LATENCY_BUCKETS];
	uint64_t latencies_count, latency_max_ns;
};

struct fake;

/* Count that something was wrong at 'fake'; the text tells the first time. */
void tally_wrong(const struct fake *fake, enum wrong wrong, uint64_t count, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void tally_tell_wrong(const struct tally *tally);
void tally_latency(struct tally *tally, uint64_t ns);
/* The latency that 'per_100000' of all did not exceed. */
uint64_t tally_percentile(const struct tally *tally, uint64_t per_100000);

/* --- What answers do --- */

struct load_frame {
	uint16_t in_port;
	uint64_t dl_src, dl_dst;
	uint32_t nw_src, nw_dst;
	uint8_t nw_proto;
	uint16_t tp_src, tp_dst;
};

/* The match takes the frame. */
bool answer_fits(const struct ofp_match *match, const struct load_frame *frame);
/* Do to 'frame' what the actions say. Returns the port that it leaves by, which must come last; 0
 * where there is none. */
uint16_t answer_follow(const uint8_t *actions, size_t len, struct load_frame *frame);

/* --- Traffic: which packet-ins a switch sends, and what answers it wants --- */

enum phase {
	PHASE_JOIN,  /* handshakes */
	PHASE_LEARN, /* each station is heard once */
	PHASE_RUN,
	PHASE_DRAIN, /* nothing new is sent */
};

struct traffic {
	/* Get a new connection's output buffer ready. */
	void (*begin)(struct fake *fake);
	/* Put packet-ins into the empty output buffer: at most 'count', which is at most LOAD_SLOTS,
	 * and no more than the window allows. */
	void (*fill)(struct fake *fake, uint32_t count);
	/* Take the answers that 'len' bytes begin with; returns how many bytes they have. */
	size_t (*answers)(struct fake *fake, const uint8_t *bytes, size_t len);
	/* Nothing is due, and nothing is to follow. */
	bool (*is_quiet)(const struct fake *fake);
	void (*destroy)(struct fake *fake);
};

extern const struct traffic stations_traffic, connections_traffic;

struct load {
	struct load_options options;
	const struct traffic *traffic;
	enum phase phase;
	bool measuring;
	uint64_t received_ns; /* latency mode: when the answers came that are being looked at */
	int epoll;
	uint32_t joined;    /* switches whose handshake is done */
	uint32_t first_mac; /* of this generation of stations */
	struct fake *fakes;
	uint8_t *input; /* what is read, of whichever switch */
	uint8_t null_answer[NULL_ANSWER_BYTES];
	struct tally tally;
};

uint64_t load_clock_ns(void);

/* --- A fake switch --- */

#define LOAD_MAC UINT64_C(0x020000000000) /* and the switch's number, and the station's */
#define LOAD_IP  UINT32_C(0x0a000000)     /* and the station's number */

struct fake {
	struct load *load;
	uint32_t index;
	int fd; /* -1: none */
	bool joined;
	bool wants_out; /* the socket took less than there was */

	/* Packet-ins */
	uint32_t next_id;     /* buffer id of the next */
	uint64_t ids;         /* so many were passed */
	uint32_t outstanding; /* answers that are due */
	uint32_t learned;     /* stations heard */
	uint32_t first_id;    /* buffer id of the packet-in by which the first was heard */
	uint32_t ring_mask;
	uint64_t *ring;                  /* a bit for each of the last ids: its answer is due */
	uint64_t sent_ns;                /* latency mode */
	struct connections *connections; /* of connections_traffic */

	/* Output: packet-ins, then what else there is to say */
	uint8_t *packets;
	size_t packets_len, packets_sent;
	struct fb_buf control;
	size_t control_sent;

	/* Input: the beginning of a message whose end is to come */
	uint8_t *rest;
	size_t rest_len;
	uint16_t flags, miss_send_len; /* SET_CONFIG */
};

/* Stations are spread over the ports; what they are is computed, not looked up. */
static inline uint16_t load_port_of(const struct fake *fake, uint32_t station)
{
	return (uint16_t)(1 + (fake->load->first_mac + station) % LOAD_PORTS);
}

static inline uint64_t load_mac_of(const struct fake *fake, uint32_t station)
{
	return LOAD_MAC | (uint64_t)fake->index << 24 | (fake->load->first_mac + station);
}

/* All switches are one network: as long as each has fewer stations than 2^17, and all of them fit
 * into 24 bits, no two have one address. */
static inline uint32_t load_ip_of(const struct fake *fake, uint32_t station)
{
	return LOAD_IP | (((fake->index << 17) + fake->load->first_mac + station) & 0xffffff);
}

/* The Internet checksum of what was added up. */
static inline uint16_t load_checksum(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~((sum >> 16) + sum);
}

void fake_init(struct fake *fake, struct load *load, uint32_t index);
void fake_destroy(struct fake *fake);
/* Connect; false with errno. */
bool fake_connect(struct fake *fake);
void fake_greet(struct fake *fake);
/* End the connection by RST. */
void fake_reset(struct fake *fake);
/* The socket has something, or takes something. */
void fake_handle(struct fake *fake, uint32_t events);
/* Make packet-ins and send them, as far as window and socket allow. */
void fake_send(struct fake *fake);

/* Tell that the packet-in that was here in the ring before 'id' was never answered. */
void fake_never_answered(struct fake *fake, uint32_t id) __attribute__((cold));
/* Tell that an answer to 'id' is not due. */
void fake_not_due(const struct fake *fake, uint32_t id) __attribute__((cold));

/* The id of the next packet-in, whose answer is due from now on. */
static inline uint32_t fake_take_id(struct fake *fake)
{
	uint32_t skipped = fake->next_id == OFP_NO_BUFFER; /* it is no id */
	uint32_t id = fake->next_id + skipped;
	uint64_t bit = UINT64_C(1) << (id & 63);
	uint64_t *word = &fake->ring[(id & fake->ring_mask) / 64];

	if (*word & bit)
		fake_never_answered(fake, id);
	*word |= bit;
	fake->outstanding++;
	fake->ids += 1 + skipped;
	fake->next_id = id + 1;
	return id;
}

/* The answer to 'id' came; false when it is not due, which is told. */
static inline bool fake_answered(struct fake *fake, uint32_t id)
{
	struct load *load = fake->load;
	uint64_t bit = UINT64_C(1) << (id & 63);
	uint64_t *word = &fake->ring[(id & fake->ring_mask) / 64];

	if (fake->next_id - 1 - id > fake->ring_mask || !(*word & bit)) {
		fake_not_due(fake, id);
		return false;
	}
	*word &= ~bit;
	fake->outstanding--;
	load->tally.answers++;
	if (load->options.latency && load->measuring)
		tally_latency(&load->tally, load->received_ns - fake->sent_ns);
	return true;
}

/* The length of the answer at 'bytes', which holds all but its actions; 0 where there is none, or
 * not the whole of it. */
static inline size_t load_answer_len(const uint8_t *bytes, size_t len)
{
	size_t message_len, least;

	if (len < sizeof(struct ofp_packet_out) || bytes[0] != OFP_VERSION)
		return 0;
	if (bytes[1] == OFPT_FLOW_MOD)
		least = sizeof(struct ofp_flow_mod);
	else if (bytes[1] == OFPT_PACKET_OUT)
		least = sizeof(struct ofp_packet_out);
	else
		return 0;
	message_len = fb_get16(bytes + 2);
	return message_len >= least && message_len <= len ? message_len : 0;
}

#endif
