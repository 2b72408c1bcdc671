/* The datapath: ports, flow table, packet buffers, actions. Pure: frames and time in, frames and
 * events out.
 *
 * It knows nothing of connections; the agent (agent.h) turns OpenFlow messages into calls of this
 * header and its events into messages. */
#ifndef SOFTSWITCH_DATAPATH_H
#define SOFTSWITCH_DATAPATH_H

#include <flowbed/message.h>
#include <flowbed/packet.h>
#include <flowbed/time.h>

#include "lib/base/frame.h"

struct datapath;

/* How frames are matched. */
enum datapath_mode {
	DATAPATH_NORMAL,     /* the flow table; a miss goes to a controller */
	DATAPATH_STANDALONE, /* the flow table; a miss is forwarded as by OFPP_NORMAL */
	DATAPATH_EMERGENCY,  /* the emergency entries (section 4.3); a miss is dropped */
};

/* What became of a frame that was to leave by a port. */
enum datapath_sent {
	DATAPATH_SENT,    /* it left or waits to leave */
	DATAPATH_DROPPED, /* no room in a queue: counts as tx_dropped, and as the queue's tx_errors */
	DATAPATH_FAILED,  /* the port failed: counts as tx_errors, also the queue's */
};

enum { DATAPATH_QUEUES_MAX = 64 }; /* of a port */

/* A queue of a port, and what went through it. */
struct datapath_queue {
	uint32_t queue_id;          /* not OFPQ_ALL */
	uint16_t min_rate_permille; /* of the port's bandwidth, guaranteed: 0 to 1,000; more: none */
	struct fb_queue_stats stats;
};

struct datapath_config { /* datapath_config_default() fills it */
	uint64_t dpid;
	uint32_t buffers_max;      /* packet buffers: 256; at most 65,536; 0: none, frames go whole */
	uint64_t buffer_expiry_ns; /* a buffer is let go after this: 10 s */
	uint32_t entries_max;      /* flow entries in all: 1,000,000 */
	uint32_t macs_max;         /* NORMAL's table: 4,096; 0: NORMAL floods */
	uint64_t mac_idle_ns;      /* NORMAL forgets after: 300 s */
	uint32_t reassembly_max;   /* datagrams being reassembled: 256 */
	uint64_t reassembly_ns;    /* fragments are let go after: 30 s */
	const char *mfr_desc, *hw_desc, *sw_desc; /* copied; NULL: defaults */
	const char *serial_num, *dp_desc;
};

struct datapath_ops {
	/* Send 'frame' by the physical port 'port_no' (or OFPP_LOCAL), by its queue 'queue_id'
	 * (OFPQ_ALL: by none; only queues that were added are named). Borrowed: take a reference to
	 * keep it, do not change it. Must not call back. */
	enum datapath_sent (*output)(void *ctx, uint16_t port_no, uint32_t queue_id,
				     struct frame *frame);
	/* Events for controllers. Must not call back. A packet-in of a 'miss' carries the whole
	 * frame: when it has a buffer, each connection gets as much of it as its miss_send_len
	 * says. One that an action made is cut already. */
	void (*packet_in)(void *ctx, const struct fb_of_packet_in *pi, bool miss);
	void (*flow_removed)(void *ctx, const struct fb_flow_removed *fr);
	void (*port_status)(void *ctx, const struct fb_port_status *ps);
	/* False while nobody takes packet-ins: then none is made and no buffer is used up. NULL:
	 * always. */
	bool (*packet_in_wanted)(void *ctx);
	/* A port-mod changed the port's configuration to 'config' (OFPPC_*): who drives a real
	 * interface takes it down and up with OFPPC_PORT_DOWN, and tells the link's state as it
	 * becomes. Must not call back. NULL: nobody cares. */
	void (*port_configured)(void *ctx, uint16_t port_no, uint32_t config);
	/* The packet in the buffer 'id', kept at 'kept_ns', is let go unused. Must not call back.
	 * NULL: nobody cares. */
	void (*buffer_expired)(void *ctx, uint32_t id, uint64_t kept_ns);
	void *ctx;
};

struct datapath_counters {
	uint64_t frames_in;      /* frames that came in by ports */
	uint64_t frames_out;     /* frames that left by ports, each port counted */
	uint64_t frames_dropped; /* of those that came in: led to no frame out and no packet-in */
	uint64_t lookups, matched, packet_ins;
	uint64_t buffers_full; /* packet-ins that went whole because no buffer was free */
	uint64_t buffers_expired;
	uint64_t table_full;          /* flow-mods refused */
	uint64_t fragments_held;      /* taken for reassembly */
	uint64_t fragments_malformed; /* refused by it: cut short, or of a wrong header checksum */
	uint64_t reassembled;         /* datagrams put together */
	uint64_t reassembly_failed;   /* datagrams given up: time, room, or not to be put together */
	uint64_t loops_stopped;       /* OFPP_TABLE inside OFPP_TABLE and the like */
	uint64_t frames_oversized;    /* too long for a tag (dropped) or for a packet-in (cut) */
	uint64_t fragments_dropped;   /* by SET_CONFIG's wish */
	uint64_t macs_evicted;        /* stations that NORMAL forgot for want of room */
};

void datapath_config_default(struct datapath_config *config);
struct datapath *datapath_new(const struct datapath_config *config, const struct datapath_ops *ops,
			      struct frame_pool *pool);
void datapath_free(struct datapath *dp);

/* --- Ports: numbers 1 to OFPP_MAX - 1, or OFPP_LOCAL; state carries OFPPS_LINK_DOWN --- */
/* -1 when the number is taken or impossible. Tells port_status (OFPPR_ADD). */
int datapath_add_port(struct datapath *dp, const struct fb_phy_port *port, uint64_t now_ns);
int datapath_remove_port(struct datapath *dp, uint16_t port_no, uint64_t now_ns);
/* The link came up or went down: port_status (OFPPR_MODIFY) when that is news. */
void datapath_set_link(struct datapath *dp, uint16_t port_no, bool up, uint64_t now_ns);
/* The port 'desc->port_no' has another name, address, link state or features now: port_status
 * (OFPPR_MODIFY) when that is news. Its configuration (OFPPC_*) stays. -1: no such port. */
int datapath_update_port(struct datapath *dp, const struct fb_phy_port *desc, uint64_t now_ns);
/* What the port's device counted beyond what the datapath sees (rx_errors, rx_over_err, collisions
 * and so on): each counter of 'more' is added. */
void datapath_count_port(struct datapath *dp, uint16_t port_no, const struct fb_port_stats *more);
/* -1: no such port, queue there already, a queue too many or more than all bandwidth guaranteed. */
int datapath_add_queue(struct datapath *dp, uint16_t port_no, uint32_t queue_id,
		       uint16_t min_rate_permille);
/* By place from 0 in rising order of queue id; NULL past the last. */
const struct datapath_queue *datapath_queue_at(const struct datapath *dp, uint16_t port_no,
					       size_t place);
/* By place from 0 in rising order of number; NULL past the last. */
const struct fb_phy_port *datapath_port_at(const struct datapath *dp, size_t place);
const struct fb_phy_port *datapath_port(const struct datapath *dp, uint16_t port_no);

/* --- Frames --- */
/* 'frame' came in by 'port_no'; takes over the caller's reference. */
void datapath_receive(struct datapath *dp, uint16_t port_no, struct frame *frame, uint64_t now_ns);

/* --- What the agent asks. Those with 'error' return 0, or -1 with the error that the specification
 * asks for. --- */
int datapath_packet_out(struct datapath *dp, const struct fb_packet_out *po, uint64_t now_ns,
			struct fb_of_error *error);
int datapath_flow_mod(struct datapath *dp, const struct fb_flow_mod *fm, uint64_t now_ns,
		      struct fb_of_error *error);
int datapath_port_mod(struct datapath *dp, const struct fb_port_mod *pm, uint64_t now_ns,
		      struct fb_of_error *error);
/* How fragments are treated: OFPC_FRAG_NORMAL, _DROP or _REASM of 'flags'; what was held for
 * reassembly is let go when that ends. Both bits (OFPC_FRAG_MASK) are told as they were set, and
 * mean NORMAL. */
void datapath_set_fragments(struct datapath *dp, uint16_t flags);
uint16_t datapath_fragments(const struct datapath *dp);
/* From now on nothing is added to 'entries_max' flow entries, or kept beside 'buffers_max' packets; what
 * is there stays. What 'config' said holds, too, and is what messages tell. */
void datapath_set_entries_max(struct datapath *dp, uint32_t entries_max);
void datapath_set_buffers_max(struct datapath *dp, uint32_t buffers_max);
/* Entering DATAPATH_EMERGENCY removes all normal entries, without flow-removed. Emergency entries
 * stay whatever the mode. */
void datapath_set_mode(struct datapath *dp, enum datapath_mode mode, uint64_t now_ns);
enum datapath_mode datapath_mode(const struct datapath *dp);
void datapath_features(const struct datapath *dp, struct fb_features_reply *fr); /* without ports */
void datapath_desc(const struct datapath *dp, struct fb_desc_stats *desc);

/* Flow statistics (table_id 0xff: all tables, 0xfe: the emergency entries): calls 'visit' for each
 * entry that 'request' selects, in the order of addition; stops when it returns false. The views are
 * valid during the call; 'visit' must not change the table. */
void datapath_flows(const struct datapath *dp, const struct fb_flow_stats_request *request,
		    uint64_t now_ns, bool (*visit)(void *ctx, const struct fb_flow_stats *stats),
		    void *ctx);
void datapath_aggregate(const struct datapath *dp, const struct fb_flow_stats_request *request,
			struct fb_aggregate_stats *out);
/* Flow entries in all, emergency entries too. */
uint32_t datapath_entries(const struct datapath *dp);
/* Tables by place from 0; false past the last. */
bool datapath_table_stats(const struct datapath *dp, size_t place, struct fb_table_stats *out);
bool datapath_port_stats(const struct datapath *dp, uint16_t port_no, struct fb_port_stats *out);

/* --- Time --- */
uint64_t datapath_deadline(const struct datapath *dp);
void datapath_run(struct datapath *dp, uint64_t now_ns);

const struct datapath_counters *datapath_counters(const struct datapath *dp);
/* Packet buffers in use now. */
uint32_t datapath_buffers_in_use(const struct datapath *dp);
/* Each of them, the oldest first, and when it was kept; until 'visit' returns false. */
void datapath_buffers(const struct datapath *dp,
		      bool (*visit)(void *ctx, uint32_t id, uint64_t kept_ns), void *ctx);

#endif
