/* What the files of the load balancer share. What the balancer is for and how it works is told in
 * balancer.c; each other file has its own head comment:
 *
 *     balancer.c            the class: options, events, what happens to a frame, the timer
 *     balancer_tcp.c        what happens to a TCP segment
 *     balancer_sessions.c   the session table and its ageing
 *     balancer_owners.c     addresses, who answers to them, and the probes that find out
 *     balancer_stations.c   which port a MAC address is behind
 *     balancer_held.c       SYNs that wait until somebody owns their address
 *     balancer_related.c    later fragments, and ICMP errors that quote a session
 *     balancer_flows.c      flow entries and their cookies
 *     balancer_send.c       packet-outs: released frames, RSTs, probes
 *     balancer_queue.c      table entries that wait for the same time
 *
 * Imports go down that list. */
#ifndef BALANCER_H
#define BALANCER_H

#include <sys/queue.h>

#include <flowbed/app.h>

#include "controller/apps/balancer_held.h"
#include "controller/apps/balancer_owners.h"
#include "controller/apps/balancer_related.h"
#include "controller/apps/balancer_sessions.h"
#include "controller/apps/balancer_stations.h"

enum balancer_mode { BALANCER_MODE_FLOWS, BALANCER_MODE_PACKET };
enum balancer_entries { BALANCER_ENTRIES_TUPLE, BALANCER_ENTRIES_EXACT };

struct balancer_config {
	enum balancer_mode mode;
	enum balancer_entries entries;
	uint16_t priority;           /* of flow entries */
	uint16_t idle_timeout_s;     /* of flow entries */
	uint64_t grace_ns;           /* a session is kept so long without entries */
	uint32_t sessions_max;       /* by switch */
	uint32_t addresses_max;      /* by switch */
	uint32_t owners_max;         /* by address */
	uint64_t owner_timeout_ns;   /* silence after which an owner that is not probed is forgotten */
	uint64_t probe_interval_ns;
	uint32_t probes_lost_max;    /* an owner leaves after so many probes in a row without answer */
	uint64_t hold_ns;            /* a SYN waits so long for the owner of its address */
	uint32_t hold_max;           /* SYNs that wait, by switch */
};

/* Every counter, with what it counts; all are told by the class's counters(), in this order. */
#define BALANCER_COUNTERS(X)                                                                               \
	X(sessions)              /* connections given to a backend: each advanced a rotation */           \
	X(answered)              /* of them, those whose SYN-ACK was seen */                               \
	X(refused_by_backend)    /* of them, those that the backend answered with RST */                   \
	X(retransmitted_syns)    /* SYNs of a connection that was known */                                 \
	X(moved)                 /* unanswered sessions that got another backend */                       \
	X(followed)              /* new connections that followed the live entries of an old one */       \
	X(refused_all_down)      /* SYNs answered with RST: nobody owns the address any more */            \
	X(refused_sessions_full) /* SYNs answered with RST: the session table is full */                  \
	X(refused_conflict)      /* SYNs answered with RST: another replica uses the same ports */        \
	X(late_synacks)          /* SYN-ACKs of a backend that was given up: answered with RST */         \
	X(strangers)             /* other segments of a session from another than its two ends: dropped */ \
	X(strays_passed)         /* segments of no session, sent to the one owner that can be meant */    \
	X(strays_dropped)        /* segments of no session that several could be meant by */              \
	X(sessions_expired)      /* sessions forgotten after their time */                                \
	X(sessions_evicted)      /* sessions forgotten before, for others */                               \
	X(entries_installed)     /* flow entries sent, each direction */                                   \
	X(entries_removed)       /* flow entries that the switch told of as gone */                       \
	X(entries_failed)        /* flow entries that the switch refused */                                \
	X(entries_deleted)       /* flow-mods sent to delete the entries of a lost or moved owner */      \
	X(flow_removed_ignored)  /* flow-removed of entries that are not the current ones */              \
	X(held)                  /* SYNs that waited for the owner of their address */                    \
	X(held_found)            /* of them, those whose address was found */                              \
	X(held_by_mac)           /* of them, those sent to the MAC they carried: it answers for no address here */ \
	X(held_dropped)          /* of them, those dropped after their time */                             \
	X(held_full)             /* SYNs dropped because as many waited as may */                          \
	X(probes)                /* ARP probes sent */                                                     \
	X(probe_answers)         /* frames to the controller's own MAC: consumed */                       \
	X(asks_limited)          /* questions for an unknown address that were not sent: too many */      \
	X(owners_found)          /* owners of an address: new ones */                                      \
	X(owners_lost)           /* that left: port down, or probes without answer */                     \
	X(owners_moved)          /* that moved to another port */                                          \
	X(owners_forgotten)      /* that were silent too long, or evicted with their address */           \
	X(owners_full)           /* that were not taken: the address has as many as may be */             \
	X(addresses_evicted)     /* addresses forgotten for others */                                      \
	X(addresses_full)        /* addresses not learned: all others are in use */                        \
	X(stations_evicted)      /* MAC addresses forgotten for others */                                  \
	X(rewritten)             /* frames that were no news: their source MAC is of our making */        \
	X(fragments_followed)    /* later fragments that followed their first */                           \
	X(fragments_lost)        /* later fragments dropped: several could be meant */                     \
	X(fragments_evicted)     /* fragmented packets forgotten for others */                             \
	X(icmp_followed)         /* ICMP errors that followed the session they quote */                   \
	X(switches_forgotten)    /* switches that went away and whose state was given up */               \
	X(flooded)               /* frames flooded */                                                      \
	X(unicast)               /* frames sent to the port of their destination MAC */                    \
	X(own_frames)            /* frames of our own that came back: dropped */                           \
	X(invalid)               /* TCP with impossible addresses or headers: dropped */                   \
	X(cut)                   /* frames that came cut and without buffer: lost */

struct balancer_counters {
#define BALANCER_COUNTER(name) uint64_t name;
	BALANCER_COUNTERS(BALANCER_COUNTER)
#undef BALANCER_COUNTER
};

/* What the balancer knows of a switch. It outlives the connection for the grace time, because entries in
 * the switch do. */
struct balancer_switch {
	TAILQ_ENTRY(balancer_switch) link;   /* among all, in the order of their first join */
	struct fb_switch *sw;        /* NULL while it is away */
	uint64_t dpid;
	uint64_t down_ns;            /* since when it is away */
	uint8_t mac[FB_MAC_BYTES];   /* the controller's own on this switch: locally administered */

	struct balancer_stations stations;
	struct balancer_owners owners;
	struct balancer_sessions sessions;
	struct balancer_held held;
	struct balancer_fragments fragments;
};

TAILQ_HEAD(balancer_switches, balancer_switch);

struct balancer {
	struct fb_app *app;
	struct balancer_config config;
	struct balancer_counters counters;
	struct balancer_switches switches;
	uint32_t switches_away;      /* those with 'sw' NULL */
	uint64_t timer_ns;           /* for which the timer is set; FB_NEVER: it is not */
	struct fb_log_limit log_limit;
};

/* What every step of handling one event needs. */
struct balancer_call {
	struct balancer *b;
	struct balancer_switch *s;
	const struct fb_packet_in *cause;    /* the packet-in that is being handled; NULL: another event */
	uint64_t now_ns;
};

/* The VLAN by which addresses, stations and sessions are kept apart: its number, or OFP_VLAN_NONE for a frame
 * without tag and for one whose tag carries a priority only. */
static inline uint16_t balancer_vlan(const struct fb_packet *p)
{
	uint16_t vid = p->vlan_tci & 0x0fff;

	return p->has_vlan && vid != 0 ? vid : OFP_VLAN_NONE;
}

/* Log what a peer caused, within a limit. */
void balancer_log(const struct balancer_call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
