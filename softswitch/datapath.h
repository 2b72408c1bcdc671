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

struct datapath_config { /* datapath_config_default() fills it */
	uint64_t dpid;
	uint32_t buffers_max;      /* packet buffers: 256; at most 65,536; 0: none, frames go whole */
	uint64_t buffer_expiry_ns; /* a buffer is let go after this: 10 s */
	uint32_t entries_max;      /* flow entries in all: 1,000,000 */
	uint32_t macs_max;         /* NORMAL's table: 4,096; 0: NORMAL floods */
	uint64_t mac_idle_ns;      /* NORMAL forgets after: 300 s */
	const char *mfr_desc, *hw_desc, *sw_desc; /* copied; NULL: defaults */
	const char *serial_num, *dp_desc;
};

struct datapath_ops {
	/* Send 'frame' by the physical port 'port_no' (or OFPP_LOCAL). Borrowed: take a reference
	 * to keep it, do not change it. Must not call back. */
	void (*output)(void *ctx, uint16_t port_no, struct frame *frame);
	/* Events for controllers. Must not call back. */
	void (*packet_in)(void *ctx, const struct fb_of_packet_in *pi);
	void (*flow_removed)(void *ctx, const struct fb_flow_removed *fr);
	void (*port_status)(void *ctx, const struct fb_port_status *ps);
	/* False while nobody takes packet-ins: then none is made and no buffer is used up. NULL:
	 * always. */
	bool (*packet_in_wanted)(void *ctx);
	void *ctx;
};

struct datapath_counters {
	uint64_t frames_in;      /* frames that came in by ports */
	uint64_t frames_out;     /* frames that left by ports, each port counted */
	uint64_t frames_dropped; /* of those that came in: led to no frame out and no packet-in */
	uint64_t lookups, matched, packet_ins;
	uint64_t buffers_full; /* packet-ins that went whole because no buffer was free */
	uint64_t buffers_expired;
	uint64_t table_full;        /* flow-mods refused */
	uint64_t loops_stopped;     /* OFPP_TABLE inside OFPP_TABLE and the like */
	uint64_t frames_oversized;  /* too long for a tag (dropped) or for a packet-in (cut) */
	uint64_t fragments_dropped; /* by SET_CONFIG's wish */
	uint64_t macs_evicted;      /* stations that NORMAL forgot for want of room */
};

void datapath_config_default(struct datapath_config *config);
struct datapath *datapath_new(const struct datapath_config *config, const struct datapath_ops *ops,
			      struct frame_pool *pool);
void datapath_free(struct datapath *dp);

/* --- Ports: numbers 1 to OFPP_MAX, or OFPP_LOCAL; state carries OFPPS_LINK_DOWN --- */
/* -1 when the number is taken or impossible. Tells port_status (OFPPR_ADD). */
int datapath_add_port(struct datapath *dp, const struct fb_phy_port *port, uint64_t now_ns);
int datapath_remove_port(struct datapath *dp, uint16_t port_no, uint64_t now_ns);
/* The link came up or went down: port_status (OFPPR_MODIFY) when that is news. */
void datapath_set_link(struct datapath *dp, uint16_t port_no, bool up, uint64_t now_ns);
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
int datapath_set_config(struct datapath *dp, const struct fb_switch_config *sc,
			struct fb_of_error *error);
void datapath_get_config(const struct datapath *dp, struct fb_switch_config *sc);
void datapath_features(const struct datapath *dp, struct fb_features_reply *fr); /* without ports */
void datapath_desc(const struct datapath *dp, struct fb_desc_stats *desc);

/* Flow statistics: calls 'visit' for each entry that 'request' selects, in the order of addition;
 * stops when it returns false. The views are valid during the call; 'visit' must not change the
 * table. */
void datapath_flows(const struct datapath *dp, const struct fb_flow_stats_request *request,
		    uint64_t now_ns, bool (*visit)(void *ctx, const struct fb_flow_stats *stats),
		    void *ctx);
void datapath_aggregate(const struct datapath *dp, const struct fb_flow_stats_request *request,
			struct fb_aggregate_stats *out);
/* Tables by place from 0; false past the last. */
bool datapath_table_stats(const struct datapath *dp, size_t place, struct fb_table_stats *out);
bool datapath_port_stats(const struct datapath *dp, uint16_t port_no, struct fb_port_stats *out);

/* --- Time --- */
uint64_t datapath_deadline(const struct datapath *dp);
void datapath_run(struct datapath *dp, uint64_t now_ns);

const struct datapath_counters *datapath_counters(const struct datapath *dp);
/* Packet buffers in use now. */
uint32_t datapath_buffers_in_use(const struct datapath *dp);

#endif
