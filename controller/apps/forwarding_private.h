/* What the files of the application forwarding share, and nobody else.
 *
 *     forwarding.c           what becomes of a packet-in, and of what happens to the network
 *     forwarding_flows.c     which pairs of hosts have a way through the network, and which way
 *     forwarding_entries.c   their entries in the switches, and what switches say of them
 *     forwarding_adopted.c   entries of an earlier run
 *     forwarding_options.c   options, counters and reports
 *     held_frames.c          packet-ins that wait */
#ifndef FORWARDING_PRIVATE_H
#define FORWARDING_PRIVATE_H

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/held_frames.h"
#include "controller/apps/port_lists.h"

/* For an output to every port that a switch can have. */
enum { FORWARDING_FLOOD_BYTES = 4200 * 8 };

/* From whom to whom: MAC addresses << 16 | VLAN, which is the same in both. */
struct forwarding_pair {
	uint64_t src, dst;
};

/* A flow is one of four: to go a way ('hops_count' > 0), adopted from an earlier run, whose ways
 * nobody knows ('adopted'), or leaving (neither), until the switches have said that its entries are
 * gone. The key comes first. */
struct forwarding_flow {
	struct forwarding_pair pair;
	struct fb_place from, to; /* edges, where it is to go a way */
	struct fb_hop *hops;
	uint16_t hops_count;
	bool adopted;
	bool established;    /* all entries of its way are there, and frames may go it */
	bool listed;         /* in the lists of its hosts */
	bool to_look;        /* among those to look at */
	uint32_t look_next;  /* the next of them */
	uint32_t entry_first; /* of its entries */
	uint32_t buffer_id;  /* that the entry at the first switch took along */
	uint64_t version;    /* of the network for which its way is known to hold */
	uint64_t due_ns;     /* nothing is installed before */
	uint64_t sent_ns;    /* when the entry at the first switch was sent last */
	struct held_frames waiting; /* at the first switch */
};

/* An entry of a flow in a switch: that is there, or was until the switch confirms that it is gone. */
struct forwarding_entry {
	uint32_t flow; /* index; FB_TABLE_NONE: the record is free */
	uint32_t next; /* of the same flow, or free */
	uint16_t node, in_port, out_port;
	bool present; /* there, or on its way */
	uint32_t xid; /* of the barrier that is not answered yet; 0: none */
	uint64_t cookie;
};

struct forwarding_barrier {
	struct {
		uint32_t node, xid;
	} key;
	uint32_t entry;
	uint64_t sent_ns;
};

/* A pair that was flooded: copies of its frames are on their way everywhere until then. */
struct forwarding_flood {
	struct forwarding_pair pair;
	uint64_t until_ns;
};

struct forwarding_delay {
	uint32_t flow;
	uint64_t due_ns;
};

/* What is kept of a switch. */
struct forwarding_switch {
	uint16_t node;
	uint64_t full_until_ns; /* its tables are taken for full until then */
	uint32_t barriers;      /* that it has not answered */
};

struct forwarding_options {
	uint16_t idle_timeout_s, hard_timeout_s, priority;
	uint32_t flows_max, waiting_max;
	uint64_t flight_ns;
};

struct forwarding_counters {
	uint64_t flows, flows_moved, flows_removed, flows_evicted;
	uint64_t entries_sent, entries_deleted, entries_refused, tables_full;
	uint64_t adopted, adopted_deleted;
	uint64_t floods, floods_off_tree, floods_full;
	uint64_t forwarded; /* to a known host, by packet-out */
	uint64_t transit;   /* those of them that were under way */
	uint64_t mended;    /* entries that were missing under way */
	uint64_t turned_back, unlinked, same_port, no_path;
	uint64_t waited, waiting_full, waiting_dropped;
	uint64_t barriers_late, barriers_skipped;
	uint64_t frames_cut;
};

struct forwarding {
	struct fb_app *app;
	struct fb_discovery *discovery;
	struct forwarding_options options;
	struct forwarding_counters counters;

	struct fb_table *flows;
	struct port_lists by_src, by_dst; /* flows, by host */
	uint32_t look_first;              /* of the flows to look at */
	struct held_frames_limits waiting_limits;

	struct forwarding_entry *entries;
	uint32_t entries_count, entries_size; /* records, free ones too */
	uint32_t entries_free;                /* the first of these */
	uint32_t entries_present;
	struct port_lists by_out; /* those that are present, by node << 16 | out_port */
	uint16_t generation;      /* of the latest entry */
	struct fb_table *barriers; /* not answered, in the order in which they were sent */

	struct fb_table *floods, *delays;
	uint64_t timer_ns;
	uint64_t full_until_ns; /* the latest of all switches */
	uint64_t sweep_ns;    /* when to look next whether flows have a better way; FB_NEVER: not */
	uint32_t sweep_at;    /* the flow to look at next; FB_TABLE_NONE: the oldest */

	uint8_t flood_memory[FORWARDING_FLOOD_BYTES];
	struct fb_log_limit log_limit;
};

/* What is being done: 'cause' is the packet-in that led to it, or NULL; 'rider' the one that is to
 * go the way of the flow at hand, NULL when it has gone. */
struct forwarding_call {
	struct forwarding *f;
	const struct fb_packet_in *cause, *rider;
	uint64_t now_ns;
};

#define FORWARDING_RESEND_NS FB_NS_PER_S /* an entry that should be there is sent again then */

/* --- forwarding.c --- */

void forwarding_want_timer(struct forwarding *f, uint64_t at_ns);
/* Handle 'pi', which came to 'sw' and waited, anew. */
void forwarding_again(struct forwarding_call *call, struct fb_switch *sw,
                      const struct fb_packet_in *pi);
/* Send 'pi', which came to 'sw', to 'out_port'. */
void forwarding_send_on(struct forwarding_call *call, struct fb_switch *sw,
                        const struct fb_packet_in *pi, uint16_t out_port);
/* Drop 'pi', which came to 'sw'. */
void forwarding_drop(struct forwarding_call *call, struct fb_switch *sw,
                     const struct fb_packet_in *pi);

/* --- forwarding_flows.c --- */

bool forwarding_flows_init(struct forwarding *f);
void forwarding_flows_free(struct forwarding *f);
struct forwarding_flow *forwarding_flows_find(const struct forwarding *f,
                                              const struct forwarding_pair *pair);
/* A new flow for 'pair', which has none; the oldest goes for it where there are enough. It neither
 * has a way nor is adopted yet. */
struct forwarding_flow *forwarding_flows_add(struct forwarding_call *call,
                                             const struct forwarding_pair *pair);
/* 'flow' is to go from 'from' to 'to' by a shortest path. False: there is none, and it leaves. */
bool forwarding_flows_aim(struct forwarding_call *call, struct forwarding_flow *flow,
                          struct fb_place from, struct fb_place to);
/* 'flow' is to leave. */
void forwarding_flows_leave(struct forwarding_call *call, struct forwarding_flow *flow);
/* The same for an adopted one; what comes in at 'from' meanwhile may wait for it. */
void forwarding_flows_leave_from(struct forwarding_call *call, struct forwarding_flow *flow,
                                 struct fb_place from);
/* Its entries may all be gone: they are to be sent again. */
void forwarding_flows_renew(struct forwarding_call *call, struct forwarding_flow *flow);
/* call->rider goes the way of 'flow', at once or when that is ready. */
void forwarding_flows_ride(struct forwarding_call *call, struct forwarding_flow *flow);
/* 'flow' was used just now. */
void forwarding_flows_touch(struct forwarding *f, struct forwarding_flow *flow);
/* 'flow' may have become able to go on: forwarding_flows_finish() looks. */
void forwarding_flows_look(struct forwarding *f, struct forwarding_flow *flow);
/* Look at all that are to be looked at. The end of whatever changes flows. */
void forwarding_flows_finish(struct forwarding_call *call);
/* The port or link at 'at', out of which entries lead, is gone. */
void forwarding_flows_lose(struct forwarding_call *call, struct fb_place at);
/* What is due; returns when something is due next. */
uint64_t forwarding_flows_run(struct forwarding_call *call);
/* True: frames of 'pair' that were flooded may still be under way. '*until_ns': no more then. */
bool forwarding_flows_is_flooded(const struct forwarding *f, const struct forwarding_pair *pair,
                                 uint64_t now_ns, uint64_t *until_ns);
/* They will be. False: too many pairs are. */
bool forwarding_flows_note_flood(struct forwarding *f, const struct forwarding_pair *pair,
                                 uint64_t now_ns);

/* --- forwarding_entries.c --- */

bool forwarding_entries_init(struct forwarding *f);
void forwarding_entries_free(struct forwarding *f);
static inline struct forwarding_entry *forwarding_entries_at(const struct forwarding *f,
                                                             uint32_t index)
{
	return index == FB_TABLE_NONE ? NULL : &f->entries[index];
}
/* The entry of 'flow' for what comes in by 'in_port' of 'node', present or leaving; NULL: none. */
struct forwarding_entry *forwarding_entries_find(const struct forwarding *f,
                                                 const struct forwarding_flow *flow, uint16_t node,
                                                 uint16_t in_port);
/* A record for it, not present. The pointers to other entries are not valid any more. */
struct forwarding_entry *forwarding_entries_add(struct forwarding *f, struct forwarding_flow *flow,
                                                uint16_t node, uint16_t in_port);
/* Take the record out of 'flow'. */
void forwarding_entries_forget(struct forwarding *f, struct forwarding_flow *flow,
                               struct forwarding_entry *entry);
/* Install or replace 'entry' so that it leads to 'out_port'; it takes the buffer of 'pi' along,
 * where that is not NULL. 'first': it is the one at the first switch of its flow. */
void forwarding_entries_send(struct forwarding_call *call, const struct forwarding_flow *flow,
                             struct forwarding_entry *entry, uint16_t out_port, bool first,
                             const struct fb_packet_in *pi);
/* 'entry' leads to 'out_port', as its switch says. */
void forwarding_entries_set_present(struct forwarding *f, struct forwarding_entry *entry,
                                    uint16_t out_port);
/* It is not in its switch any more. */
void forwarding_entries_set_absent(struct forwarding *f, struct forwarding_entry *entry);
/* Delete 'entry' in its switch, and 'wait' until that has confirmed it. The record goes then. */
void forwarding_entries_delete(struct forwarding_call *call, struct forwarding_flow *flow,
                               struct forwarding_entry *entry, bool wait);
/* Have all that was sent for 'entry' confirmed. */
void forwarding_entries_confirm(struct forwarding_call *call, struct forwarding_entry *entry);
/* The flow to which the match of 'flow' stats or flow-removed belongs, and '*entry' of it on 'sw';
 * false: there is none. */
bool forwarding_entries_match(struct forwarding *f, const struct fb_switch *sw,
                              const struct fb_match *match, struct forwarding_flow **flow,
                              struct forwarding_entry **entry);
/* True for the cookie of an entry of ours, of whatever run. */
bool forwarding_entries_is_ours(uint64_t cookie);
/* True for a match as ours are. */
bool forwarding_entries_is_match(const struct fb_match *match);
struct forwarding_pair forwarding_entries_pair(const struct fb_match *match);
void forwarding_entries_delete_found(struct forwarding_call *call, struct fb_switch *sw,
                                     const struct fb_match *match, uint16_t priority);
void forwarding_entries_barrier_reply(struct forwarding_call *call, struct fb_switch *sw,
                                      uint32_t xid);
/* 'sw' is gone, and with it all that it would have confirmed. */
void forwarding_entries_switch_down(struct forwarding_call *call, uint16_t node);
void forwarding_entries_removed(struct forwarding_call *call, struct fb_switch *sw,
                                const struct fb_flow_removed *fr);
/* A flow-mod, of which 'data' quotes the beginning, was refused. */
void forwarding_entries_refused(struct forwarding_call *call, struct fb_switch *sw, bool full,
                                struct fb_view data);
/* Take barriers that are not answered for answered after a while; returns when the next is. */
uint64_t forwarding_entries_run(struct forwarding_call *call);

/* --- forwarding_adopted.c --- */

/* Ask 'sw', which has just come up, for its entries. */
void forwarding_adopted_ask(struct forwarding *f, struct fb_switch *sw);
void forwarding_adopted_reply(struct forwarding_call *call, struct fb_switch *sw,
                              const struct fb_stats_reply *reply);
/* It is known now where 'host' is: look at the adopted flows from it and to it. */
void forwarding_adopted_host(struct forwarding_call *call, const struct fb_host *host);

/* --- forwarding_options.c --- */

enum { FORWARDING_OPTIONS_COUNT = 6 };
extern const struct fb_option forwarding_options_table[FORWARDING_OPTIONS_COUNT];
bool forwarding_options_take(struct forwarding_options *options, const uint64_t *values,
                             struct fb_text *error);
void forwarding_options_counters(const void *state,
                                 void (*tell)(void *ctx, const char *name, uint64_t value),
                                 void *ctx);
void forwarding_options_report(const void *state, struct fb_report *report, uint64_t now_ns);

static inline uint64_t forwarding_host_key(const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	return fb_mac_to_u64(mac) << 16 | vlan;
}
/* Which of several equal ways a pair takes. */
static inline uint64_t forwarding_hash(const struct forwarding_pair *pair)
{
	return (pair->src * UINT64_C(0x9fb21c651e98df25)) ^
	       (pair->dst * UINT64_C(0xc2b2ae3d27d4eb4f));
}
static inline bool forwarding_is_leaving(const struct forwarding_flow *flow)
{
	return flow->hops_count == 0 && !flow->adopted;
}
static inline bool forwarding_is_place(struct fb_place a, struct fb_place b)
{
	return a.node == b.node && a.port == b.port;
}

#endif
