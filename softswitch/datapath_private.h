/* What the files of the datapath share: its state, and the calls between receiving, actions and
 * flow-mods. */
#ifndef SOFTSWITCH_DATAPATH_PRIVATE_H
#define SOFTSWITCH_DATAPATH_PRIVATE_H

#include "softswitch/actions.h"
#include "softswitch/buffers.h"
#include "softswitch/datapath.h"
#include "softswitch/flow_table.h"
#include "softswitch/flow_timeouts.h"
#include "softswitch/mac_learning.h"
#include "softswitch/ports.h"
#include "softswitch/reassembly.h"

/* The table_id of statistics (section 5.3.5). */
enum {
	DATAPATH_TABLE_ID = 0,
	DATAPATH_TABLE_EMERGENCY = 0xfe,
	DATAPATH_TABLE_ALL = 0xff,
};

struct datapath {
	struct datapath_config config; /* without its strings, which are in 'desc' */
	struct datapath_ops ops;
	struct frame_pool *pool;
	struct fb_desc_stats desc;

	struct ports ports;
	struct flow_table *table;      /* the normal entries */
	struct flow_table *emergency;  /* those with OFPFF_EMERG */
	uint32_t entries_max;          /* of both, now */
	struct flow_timeouts timeouts; /* of normal entries */
	struct buffers buffers;
	struct mac_learning macs;
	struct reassembly reassembly;
	uint64_t fragments_noted; /* of those that reassembly dropped, in the counters already */

	enum datapath_mode mode;
	uint16_t frag_flags; /* OFPC_FRAG_*; OFPC_FRAG_MASK counts as NORMAL */
	uint64_t emergency_lookups, emergency_matched; /* of the counters' lookups and matched */
	struct datapath_counters counters;
};

/* Send 'frame' (borrowed) by 'port' and its queue 'queue' (NULL: none), cut into fragments where it
 * was put together of some, unless the port's configuration or link forbids it, which is counted;
 * true when something went. */
bool datapath_transmit(struct datapath *dp, struct port *port, struct datapath_queue *queue,
                       struct frame *frame, struct frame_origin origin);

/* Tell a controller of 'frame' (borrowed): for OFPR_ACTION at most 'max_len' bytes of it when it
 * could be buffered, else all. True when one listens. */
bool datapath_send_packet_in(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                             uint8_t reason, uint16_t max_len, uint64_t now_ns);

/* Look '*frame' up, a reference that stays the caller's, and do what the entry says, or what the mode
 * says of a miss; '*frame' is then as the entry left it. True when something left. */
bool datapath_look_up(struct datapath *dp, struct frame **frame, struct frame_origin origin,
                      uint64_t now_ns);

/* Take the frame out of the packet buffer 'id'; -1 with OFPBRC_BUFFER_EMPTY or
 * OFPBRC_BUFFER_UNKNOWN. */
int datapath_take_buffer(struct datapath *dp, uint32_t id, struct frame **frame,
                         struct frame_origin *origin, struct fb_of_error *error);

/* Remove an entry, and tell the controllers if it asked for that: normal entries only
 * (section 4.6: emergency entries that are deleted generate no flow-removed messages). */
void datapath_remove_entry(struct datapath *dp, struct flow_entry *entry, uint8_t reason,
                           uint64_t now_ns);

/* The table of entries with 'flags' (OFPFF_*). */
static inline struct flow_table *datapath_table_of(const struct datapath *dp, uint16_t flags)
{
	return flags & OFPFF_EMERG ? dp->emergency : dp->table;
}

/* A frame of 'len' bytes met 'entry'. */
static inline void datapath_credit(struct flow_entry *entry, uint32_t len, uint64_t now_ns)
{
	entry->packet_count++;
	entry->byte_count += len;
	entry->used_ns = now_ns;
}

/* The age of 'entry' as messages tell it. */
void datapath_duration(const struct flow_entry *entry, uint64_t now_ns, uint32_t *sec,
                       uint32_t *nsec);

/* Fill '*error' (which may not be NULL); returns -1. */
static inline int datapath_error(struct fb_of_error *error, uint16_t type, uint16_t code,
                                 const char *why)
{
	*error = (struct fb_of_error){type, code, why};
	return -1;
}

#endif
