/* What the files of the application discovery share, and nobody else.
 *
 *     discovery.c          the application: switches and ports come and go, packet-ins, time
 *     discovery_links.c    what a port is: discovery frames heard and sent, edges, links
 *     discovery_tree.c     when which tree is in force
 *     discovery_hosts.c    which host is where
 *     discovery_lldp.c     discovery frames as bytes
 *     discovery_service.c  what other applications ask (<flowbed/discovery.h>)
 *     discovery_options.c  its options
 *     discovery_report.c   counters and reports
 *     topology.c           the network as a graph */
#ifndef DISCOVERY_PRIVATE_H
#define DISCOVERY_PRIVATE_H

#include <sys/queue.h>

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/held_frames.h"
#include "controller/apps/port_lists.h"
#include "controller/apps/topology.h"

/* In which list of struct fb_discovery a port is, by what it waits for. */
enum discovery_wait {
	DISCOVERY_WAIT_NOTHING, /* an edge */
	DISCOVERY_WAIT_EDGE,    /* pending: it becomes an edge */
	DISCOVERY_WAIT_PASS,    /* an edge since this moment: the frames that waited go on */
	DISCOVERY_WAIT_SILENCE, /* hears another: what it heard becomes out of date */
	DISCOVERY_WAIT_DOUBT,   /* a link that hears nobody any more: it becomes pending */
	DISCOVERY_WAITS_COUNT,
};

TAILQ_HEAD(discovery_ports, discovery_port);

struct discovery_port {
	struct topology_port at; /* first */
	uint8_t hw_addr[FB_MAC_BYTES];
	uint32_t epoch;         /* of the frames that it sends */
	struct fb_place last;   /* whom it heard last, perhaps not any more */
	uint64_t heard_ns;      /* when */
	uint64_t send_ns;       /* when to send the next frame */
	uint64_t due_ns;        /* when what it waits for happens */
	enum discovery_wait wait;
	uint8_t tries;          /* frames sent in vain while it is pending, but the last */
	TAILQ_ENTRY(discovery_port) sending; /* among all, by send_ns */
	TAILQ_ENTRY(discovery_port) waiting; /* among those with the same wait, by due_ns */
	struct held_frames held;          /* while it is pending */
};

/* Where a port led that was a link when it went down. The key comes first. */
struct discovery_lead {
	uint32_t port; /* node << 16 | port */
	struct fb_place last;
	uint64_t dpid; /* of the switch there */
};

/* Key: fb_host.mac and .vlan as discovery_hosts_key() mixes them. */
struct discovery_host {
	uint64_t key;
	struct fb_host host;
};

struct discovery_hosts {
	struct fb_table *table;
	struct port_lists at_ports; /* by node << 16 | port */
	uint64_t refresh_ns;        /* one heard longer ago than this is noted as heard again */
};

struct discovery_options {
	uint64_t interval_ns, timeout_ns, edge_after_ns, tree_delay_ns, host_timeout_ns;
	uint32_t hosts_max, held_max;
};

struct discovery_counters {
	uint64_t links_up, links_down, links_silent;
	uint64_t lldp_sent, lldp_heard, lldp_foreign, lldp_forged, lldp_stale, lldp_echoed, lldp_cut;
	uint64_t lldp_crowded; /* by a port that hears another already */
	uint64_t ports_up, ports_down, edges, ports_refused;
	uint64_t held, held_passed, held_dropped, held_full;
	uint64_t trees;
	uint64_t hosts_new, hosts_moved, hosts_gone, hosts_expired, hosts_evicted;
	uint64_t switches_refused;
	uint64_t leads_evicted;
};

struct fb_discovery {
	struct fb_app *app;
	struct discovery_options options;
	struct topology *topology;
	struct discovery_hosts hosts;
	struct discovery_ports sending;
	struct discovery_ports waiting[DISCOVERY_WAITS_COUNT]; /* DISCOVERY_WAIT_NOTHING: unused */
	struct fb_table *leads; /* the oldest go for new ones */
	struct held_frames_limits held_limits;
	uint32_t epochs;   /* ports that came up, so far */
	uint64_t timer_ns; /* when the timer is set for; FB_NEVER: unset */

	/* The tree */
	uint64_t planned_version; /* of the topology that the plan is of */
	uint64_t plan_ns;         /* when it may be planned again */
	uint64_t losses;          /* topology.tree_losses when that was looked at last */
	uint64_t settle_ns;       /* when the plan comes into force; FB_NEVER: it is */
	uint64_t calm_ns;         /* no frame is on its way over what left the tree from then on */

	struct discovery_counters counters;
	struct fb_log_limit log_limit;
};

/* --- discovery.c --- */

/* Make sure that the timer comes at 'at_ns' or before. */
void discovery_want_timer(struct fb_discovery *d, uint64_t at_ns);
/* Tell an event to the applications behind this one. */
void discovery_tell(struct fb_discovery *d, enum fb_network_event_type type, struct fb_place at,
                    struct fb_place other, const struct fb_host *host, uint64_t now_ns);

/* --- discovery_links.c --- */

/* 'desc', which frames pass, is a port of 'node' that was not there. */
void discovery_links_port_up(struct fb_discovery *d, struct topology_node *node,
                             const struct fb_phy_port *desc, uint64_t now_ns);
/* Frames do not pass 'port' any more. */
void discovery_links_port_down(struct fb_discovery *d, struct discovery_port *port,
                               uint64_t now_ns);
/* The switch 'node' is away. */
void discovery_links_switch_down(struct fb_discovery *d, struct topology_node *node,
                                 uint64_t now_ns);
/* 'pi' is an LLDP frame. */
void discovery_links_hear(struct fb_discovery *d, struct fb_switch *sw, struct fb_packet_in *pi,
                          uint64_t now_ns);
/* A frame came in by the pending 'port': keep it, or drop it. */
void discovery_links_hold(struct fb_discovery *d, struct discovery_port *port,
                          struct fb_packet_in *pi);
/* What is due at 'now_ns': frames to send, links that are silent, ports that become edges. Returns
 * when something is due next. */
uint64_t discovery_links_run(struct fb_discovery *d, uint64_t now_ns);

/* --- discovery_tree.c --- */

/* Plan or put in force what is due. Returns when something is due next. */
uint64_t discovery_tree_run(struct fb_discovery *d, uint64_t now_ns);
/* The graph may have changed: see to it that discovery_tree_run() looks. */
void discovery_tree_changed(struct fb_discovery *d, uint64_t now_ns);
/* True: the tree in force is that of the network as it is known. */
bool discovery_tree_is_settled(const struct fb_discovery *d);

/* --- discovery_hosts.c --- */

bool discovery_hosts_init(struct fb_discovery *d);
void discovery_hosts_free(struct fb_discovery *d);
static inline uint64_t discovery_hosts_key(const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	return fb_mac_to_u64(mac) << 16 | vlan;
}
/* The VLAN of a frame as a match has it. */
static inline uint16_t discovery_hosts_vlan(const struct fb_packet *packet)
{
	return packet->has_vlan ? packet->vlan_tci & 0x0fff : OFP_VLAN_NONE;
}
/* True: 'packet', heard at 'at', tells nothing that is not known of its source 'host' (NULL: not known
 * at all). False: perhaps. */
static inline bool discovery_hosts_is_old(const struct fb_discovery *d,
                                          const struct discovery_host *host,
                                          const struct fb_packet *packet, struct fb_place at,
                                          uint64_t now_ns)
{
	return host && host->host.at.node == at.node && host->host.at.port == at.port &&
	       now_ns - host->host.heard_ns < d->hosts.refresh_ns &&
	       packet->dl_type != FB_ETH_ARP &&
	       (host->host.ip != 0 || packet->dl_type != FB_ETH_IPV4);
}
/* True: what 'packet' tells of 'host', its source or NULL, heard at 'at', is news. */
bool discovery_hosts_is_news(const struct discovery_host *host, const struct fb_packet *packet,
                             struct fb_place at);
/* The source of 'packet' is heard at the edge 'at'; 'host' is it, or NULL where it is not known. */
void discovery_hosts_hear(struct fb_discovery *d, const struct fb_packet *packet,
                          struct discovery_host *host, struct fb_place at, uint64_t now_ns);
/* 'at' is no edge any more. */
void discovery_hosts_port_down(struct fb_discovery *d, struct fb_place at, uint64_t now_ns);
/* Forget those that were silent for too long; returns when to look again. */
uint64_t discovery_hosts_run(struct fb_discovery *d, uint64_t now_ns);

/* --- discovery_options.c --- */

enum { DISCOVERY_OPTIONS_COUNT = 7 };
extern const struct fb_option discovery_options_table[DISCOVERY_OPTIONS_COUNT];
/* False, with a text in 'error', where they do not go together. */
bool discovery_options_take(struct discovery_options *options, const uint64_t *values,
                            struct fb_text *error);

/* --- discovery_report.c --- */

void discovery_report_counters(const void *state,
                               void (*tell)(void *ctx, const char *name, uint64_t value),
                               void *ctx);
void discovery_report_network(const void *state, struct fb_report *report, uint64_t now_ns);
void discovery_report_switch(const void *state, const struct fb_switch *sw,
                             struct fb_report *report, uint64_t now_ns);

#endif
