/* OpenFlow 1.0 messages (specification 1.0.0, section 5), decoded and encoded.
 *
 * fb_msg_decode() checks a whole message, every length and count of it, before a byte is used, and
 * fills a struct fb_msg in host order whose variable parts are views into the message's bytes: no
 * copy, no allocation, nothing to free; the views live as long as the bytes. fb_msg_encode() is its
 * inverse and writes into the caller's buffer.
 *
 * Repeated elements (ports, flow statistics, queues, ...) stay in wire form in a view; they are
 * walked with the fb_*_next() functions, which return false at the end, and made with fb_*_put().
 * All views of a decoded message have been checked, so that walking them cannot fail. */
#ifndef FLOWBED_MESSAGE_H
#define FLOWBED_MESSAGE_H

#include <flowbed/action.h>
#include <flowbed/bytes.h>
#include <flowbed/match.h>
#include <flowbed/openflow.h>

/* An error as OFPT_ERROR reports it, and what was wrong in words. */
struct fb_of_error {
	uint16_t type;   /* OFPET_* */
	uint16_t code;   /* OFPHFC_*, OFPBRC_*, OFPBAC_*, OFPFMFC_*, OFPPMFC_*, OFPQOFC_* */
	const char *why; /* constant text, never NULL */
};

/* A run of bytes inside a message. */
struct fb_view {
	const uint8_t *data;
	size_t len;
};

/* A port (struct ofp_phy_port). */
struct fb_phy_port {
	uint16_t port_no;
	uint8_t hw_addr[FB_MAC_BYTES];
	char name[OFP_MAX_PORT_NAME_LEN + 1];       /* always terminated */
	uint32_t config;                            /* OFPPC_* */
	uint32_t state;                             /* OFPPS_* */
	uint32_t curr, advertised, supported, peer; /* OFPPF_* */
};

struct fb_features_reply {
	uint64_t datapath_id;
	uint32_t n_buffers;
	uint8_t n_tables;
	uint32_t capabilities; /* OFPC_* */
	uint32_t actions;      /* bitmap of 1 << OFPAT_* */
	struct fb_view ports;  /* fb_phy_port_next() */
};

struct fb_switch_config { /* GET_CONFIG_REPLY and SET_CONFIG */
	uint16_t flags;   /* OFPC_FRAG_* */
	uint16_t miss_send_len;
};

struct fb_of_packet_in {
	uint32_t buffer_id; /* OFP_NO_BUFFER: none */
	uint16_t total_len; /* bytes of the whole frame */
	uint16_t in_port;
	uint8_t reason;      /* OFPR_* */
	struct fb_view data; /* what was sent of the frame */
};

struct fb_flow_removed {
	struct fb_match match;
	uint64_t cookie;
	uint16_t priority;
	uint8_t reason; /* OFPRR_* */
	uint32_t duration_sec, duration_nsec;
	uint16_t idle_timeout; /* seconds */
	uint64_t packet_count, byte_count;
};

struct fb_port_status {
	uint8_t reason; /* OFPPR_* */
	struct fb_phy_port desc;
};

struct fb_packet_out {
	uint32_t buffer_id; /* OFP_NO_BUFFER: the frame is in 'data' */
	uint16_t in_port;   /* OFPP_NONE: none */
	struct fb_view actions;
	struct fb_view data;
};

struct fb_flow_mod {
	struct fb_match match;
	uint64_t cookie;
	uint16_t command;                    /* OFPFC_* */
	uint16_t idle_timeout, hard_timeout; /* seconds, 0: never */
	uint16_t priority;
	uint32_t buffer_id;
	uint16_t out_port; /* DELETE*: only entries that output there; OFPP_NONE: all */
	uint16_t flags;    /* OFPFF_* */
	struct fb_view actions;
};

struct fb_port_mod {
	uint16_t port_no;
	uint8_t hw_addr[FB_MAC_BYTES];
	uint32_t config, mask; /* OFPPC_* */
	uint32_t advertise;    /* OFPPF_*, 0: no change */
};

/* Statistics (section 5.3.5). */
struct fb_flow_stats_request { /* OFPST_FLOW and OFPST_AGGREGATE */
	struct fb_match match;
	uint8_t table_id;  /* 0xff: all */
	uint16_t out_port; /* OFPP_NONE: no restriction */
};

struct fb_desc_stats { /* all terminated, cut to the wire's sizes */
	char mfr_desc[DESC_STR_LEN + 1];
	char hw_desc[DESC_STR_LEN + 1];
	char sw_desc[DESC_STR_LEN + 1];
	char serial_num[SERIAL_NUM_LEN + 1];
	char dp_desc[DESC_STR_LEN + 1];
};

struct fb_flow_stats {
	uint8_t table_id;
	struct fb_match match;
	uint32_t duration_sec, duration_nsec;
	uint16_t priority, idle_timeout, hard_timeout;
	uint64_t cookie, packet_count, byte_count;
	struct fb_view actions;
};

struct fb_aggregate_stats {
	uint64_t packet_count, byte_count;
	uint32_t flow_count;
};

struct fb_table_stats {
	uint8_t table_id;
	char name[OFP_MAX_TABLE_NAME_LEN + 1];
	uint32_t wildcards; /* OFPFW_* that the table supports */
	uint32_t max_entries, active_count;
	uint64_t lookup_count, matched_count;
};

struct fb_port_stats { /* a counter of all ones is not supported */
	uint16_t port_no;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped;
	uint64_t rx_errors, tx_errors, rx_frame_err, rx_over_err, rx_crc_err, collisions;
};

struct fb_queue_stats {
	uint16_t port_no;
	uint32_t queue_id;
	uint64_t tx_bytes, tx_packets, tx_errors;
};

struct fb_stats_request {
	uint16_t type; /* OFPST_* */
	uint16_t flags;
	union {
		struct fb_flow_stats_request flow; /* OFPST_FLOW, OFPST_AGGREGATE */
		uint16_t port_no;                  /* OFPST_PORT; OFPP_NONE: all */
		struct {
			uint16_t port_no;  /* OFPP_ALL: all */
			uint32_t queue_id; /* OFPQ_ALL: all */
		} queue;                   /* OFPST_QUEUE */
		struct {
			uint32_t vendor;
			struct fb_view data;
		} vendor; /* OFPST_VENDOR */
	};
};

struct fb_stats_reply {
	uint16_t type;  /* OFPST_* */
	uint16_t flags; /* OFPSF_REPLY_MORE */
	union {
		struct fb_desc_stats desc;           /* OFPST_DESC */
		struct fb_aggregate_stats aggregate; /* OFPST_AGGREGATE */
		struct fb_view entries; /* OFPST_FLOW, _TABLE, _PORT, _QUEUE: fb_*_stats_next() */
		struct {
			uint32_t vendor;
			struct fb_view data;
		} vendor; /* OFPST_VENDOR */
	};
};

/* Queues (sections 5.2.2 and 5.3.4). */
struct fb_packet_queue {
	uint32_t queue_id;
	bool has_min_rate;
	uint16_t min_rate; /* tenths of a per cent; over 1000: disabled */
};

struct fb_queue_config_reply {
	uint16_t port;
	struct fb_view queues; /* fb_packet_queue_next() */
};

struct fb_msg {
	uint8_t version; /* of the header; 1 for all but HELLO and ERROR; encoding takes 0 for 1 */
	uint8_t type;    /* OFPT_* */
	uint16_t length; /* of the whole message; set by decoding, ignored by encoding */
	uint32_t xid;
	union {
		struct fb_view data; /* HELLO, ECHO_REQUEST, ECHO_REPLY: what follows the header */
		struct {
			uint16_t type, code;
			struct fb_view data;
		} error; /* ERROR */
		struct {
			uint32_t vendor;
			struct fb_view data;
		} vendor;                                        /* VENDOR */
		struct fb_features_reply features_reply;         /* FEATURES_REPLY */
		struct fb_switch_config config;                  /* GET_CONFIG_REPLY, SET_CONFIG */
		struct fb_of_packet_in packet_in;                /* PACKET_IN */
		struct fb_flow_removed flow_removed;             /* FLOW_REMOVED */
		struct fb_port_status port_status;               /* PORT_STATUS */
		struct fb_packet_out packet_out;                 /* PACKET_OUT */
		struct fb_flow_mod flow_mod;                     /* FLOW_MOD */
		struct fb_port_mod port_mod;                     /* PORT_MOD */
		struct fb_stats_request stats_request;           /* STATS_REQUEST */
		struct fb_stats_reply stats_reply;               /* STATS_REPLY */
		uint16_t queue_config_request_port;              /* QUEUE_GET_CONFIG_REQUEST */
		struct fb_queue_config_reply queue_config_reply; /* QUEUE_GET_CONFIG_REPLY */
		/* FEATURES_REQUEST, GET_CONFIG_REQUEST, BARRIER_REQUEST, BARRIER_REPLY: nothing */
	};
};

/* Decode the one message of 'len' bytes at 'bytes' (its header's length must be 'len').
 *
 * Returns 0 and fills '*msg', or returns -1 and fills '*error' with the error that the
 * specification asks a receiver to answer with: OFPET_BAD_REQUEST with OFPBRC_BAD_VERSION,
 * _BAD_TYPE, _BAD_STAT, _BAD_VENDOR (never raised here for well-formed VENDOR messages, which the
 * receiver judges), _BAD_LEN; OFPET_BAD_ACTION with OFPBAC_BAD_TYPE, _BAD_LEN;
 * OFPET_FLOW_MOD_FAILED with OFPFMFC_BAD_COMMAND. HELLO and ERROR are taken in any version, HELLO
 * with any body. On -1, version, type, length and xid of '*msg' are filled where the bytes hold
 * them (all-zero otherwise), so that the answer can carry the xid. */
int fb_msg_decode(const uint8_t *bytes, size_t len, struct fb_msg *msg, struct fb_of_error *error);

/* A shortcut for what is received most: fills '*pi' from a message of 'len' bytes that is a
 * well-formed PACKET_IN; false for any other, which fb_msg_decode() judges. */
static inline bool fb_msg_get_packet_in(const uint8_t *bytes, size_t len,
                                        struct fb_of_packet_in *pi)
{
	const struct ofp_packet_in *wire = (const struct ofp_packet_in *)bytes;

	if (len < sizeof *wire || wire->header.version != OFP_VERSION ||
	    wire->header.type != OFPT_PACKET_IN || fb_get16(&wire->header.length) != len)
		return false;
	pi->buffer_id = fb_get32(&wire->buffer_id);
	pi->total_len = fb_get16(&wire->total_len);
	pi->in_port = fb_get16(&wire->in_port);
	pi->reason = wire->reason;
	pi->data = (struct fb_view){.data = wire->data, .len = len - sizeof *wire};
	return true;
}

/* Append 'msg' in its wire form to 'out'. Views must hold well-formed elements; texts are cut so
 * that they are terminated on the wire. Returns false when it does not fit into 'out' or into a
 * message (65,535 bytes), or when its type or statistics type is not one; 'out' is then as before,
 * with 'overflow' set. */
bool fb_msg_encode(struct fb_buf *out, const struct fb_msg *msg);

/* Shortcuts for what is sent most; each appends one message, as fb_msg_encode() does. */
bool fb_msg_put_header_only(struct fb_buf *out, uint8_t type, uint32_t xid);
bool fb_msg_put_packet_out(struct fb_buf *out, uint32_t xid, const struct fb_packet_out *po);
bool fb_msg_put_flow_mod(struct fb_buf *out, uint32_t xid, const struct fb_flow_mod *fm);
bool fb_msg_put_packet_in(struct fb_buf *out, uint32_t xid, const struct fb_of_packet_in *pi);
/* An ERROR that answers the message 'cause' of 'cause_len' bytes: carries its xid and as many of
 * its bytes as are useful, at least 64 where there are so many (section 5.4.4). OFPET_HELLO_FAILED
 * carries the text 'error->why' instead, as the specification asks. */
bool fb_msg_put_error(struct fb_buf *out, const struct fb_of_error *error, const uint8_t *cause,
                      size_t cause_len);

/* Walkers: read the element at '*offset' of a checked 'view' and advance '*offset'; false at its
 * end. */
bool fb_phy_port_next(struct fb_view view, size_t *offset, struct fb_phy_port *port);
bool fb_flow_stats_next(struct fb_view view, size_t *offset, struct fb_flow_stats *stats);
bool fb_table_stats_next(struct fb_view view, size_t *offset, struct fb_table_stats *stats);
bool fb_port_stats_next(struct fb_view view, size_t *offset, struct fb_port_stats *stats);
bool fb_queue_stats_next(struct fb_view view, size_t *offset, struct fb_queue_stats *stats);
bool fb_packet_queue_next(struct fb_view view, size_t *offset, struct fb_packet_queue *queue);

/* Makers: append one element; false where it does not fit. */
bool fb_phy_port_put(struct fb_buf *out, const struct fb_phy_port *port);
bool fb_flow_stats_put(struct fb_buf *out, const struct fb_flow_stats *stats);
bool fb_table_stats_put(struct fb_buf *out, const struct fb_table_stats *stats);
bool fb_port_stats_put(struct fb_buf *out, const struct fb_port_stats *stats);
bool fb_queue_stats_put(struct fb_buf *out, const struct fb_queue_stats *stats);
bool fb_packet_queue_put(struct fb_buf *out, const struct fb_packet_queue *queue);

/* struct ofp_match (40 bytes) to and from host order. The decoder does not normalise. */
void fb_match_decode(const uint8_t *bytes, struct fb_match *match);
void fb_match_encode(uint8_t *bytes, const struct fb_match *match);

#endif
