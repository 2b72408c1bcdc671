/* What the files of the load balancer share. What the balancer is for and how it works is told in
 * balancer.c; each other file has its own head comment:
 *
 *     balancer.c            the class: events, what happens to a frame, the timer
 *     balancer_options.c    the options
 *     balancer_report.c     what it tells of itself when somebody asks
 *     balancer_tcp.c        what happens to a TCP segment
 *     balancer_sessions.c   the session table and its ageing
 *     balancer_addressed.c  which MACs clients have addressed
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

#include "controller/apps/balancer_addressed.h"
#include "controller/apps/balancer_held.h"
#include "controller/apps/balancer_options.h"
#include "controller/apps/balancer_owners.h"
#include "controller/apps/balancer_related.h"
#include "controller/apps/balancer_sessions.h"
#include "controller/apps/balancer_stations.h"

/* Every counter, with what it counts; all are told by the class's counters(), in this order. */
#define BALANCER_COUNTERS(X)                                                                       \
	X(sessions)              /* connections given to a backend: each one turn */               \
	X(decided)               /* connections whose backend another switch has chosen */         \
	X(answered)              /* sessions whose backend answered */                             \
	X(refused_by_backend)    /* sessions whose backend answered with RST */                    \
	X(retransmitted_syns)    /* SYNs of a connection that was known */                         \
	X(moved)                 /* unanswered sessions that got another backend */                \
	X(followed)              /* new connections on live entries of an old one */               \
	X(refused_all_down)      /* SYNs refused: no owner is left */                              \
	X(refused_sessions_full) /* SYNs refused: the session table is full */                     \
	X(refused_conflict)      /* SYNs refused: another replica uses the ports */                \
	X(late_synacks)          /* SYN-ACKs of a backend given up: refused */                     \
	X(strangers)             /* other segments not from a session's ends: dropped */           \
	X(strays_passed)         /* segments of no session that one can be meant by */             \
	X(strays_dropped)        /* segments of no session that several can be */                  \
	X(sessions_expired)      /* sessions forgotten after their time */                         \
	X(sessions_evicted)      /* sessions forgotten before, for others */                       \
	X(entries_installed)     /* flow entries sent, each direction */                           \
	X(entries_removed)       /* flow entries told of as gone by the switch */                  \
	X(entries_failed)        /* flow entries that the switch refused */                        \
	X(entries_deleted)       /* flow-mods that delete: an owner is lost or moved */            \
	X(flow_removed_ignored)  /* flow-removed of entries that are not current */                \
	X(held)                  /* SYNs that waited for the owner of their address */             \
	X(held_found)            /* of them: the address was found */                              \
	X(held_by_mac)           /* of them: it was not, sent to the MAC they name */              \
	X(held_dropped)          /* of them: it was not, dropped */                                \
	X(held_full)             /* SYNs dropped because as many waited as may */                  \
	X(probes)                /* ARP probes and questions sent */                               \
	X(probe_answers)         /* frames to the controller's own MAC: consumed */                \
	X(asks_limited)          /* questions for unknown addresses not sent */                    \
	X(owners_found)          /* owners of an address: new ones */                              \
	X(owners_lost)           /* that left: port down, or probes unanswered */                  \
	X(owners_moved)          /* that moved to another port */                                  \
	X(owners_forgotten)      /* that were silent too long, or evicted */                       \
	X(owners_full)           /* not taken: the address has as many as may be */                \
	X(addresses_evicted)     /* addresses forgotten for others */                              \
	X(addresses_full)        /* not learned: all others are in use */                          \
	X(stations_evicted)      /* MAC addresses forgotten for others */                          \
	X(rewritten)             /* frames that were no news: we wrote their source */             \
	X(rewritten_unsure)      /* frames that may be such, when too many came to tell */         \
	X(rewriters_asked)       /* switches asked whether a frame is such */                      \
	X(fragments_followed)    /* later fragments that found their way */                        \
	X(fragments_lost)        /* later fragments dropped: several can be meant */               \
	X(fragments_evicted)     /* fragmented packets forgotten for others */                     \
	X(icmp_followed)         /* ICMP errors that followed a session */                         \
	X(switches_forgotten)    /* switches that stayed away: state given up */                   \
	X(flooded)               /* frames flooded */                                              \
	X(unicast)               /* frames sent to the port of their destination */                \
	X(own_frames)            /* our own frames that came back: dropped */                      \
	X(invalid)               /* TCP with impossible addresses: dropped */                      \
	X(cut)                   /* frames that came cut and without buffer: lost */

struct balancer_counters {
#define BALANCER_COUNTER(name) uint64_t name;
	BALANCER_COUNTERS(BALANCER_COUNTER)
#undef BALANCER_COUNTER
};

enum { BALANCER_SWITCHES_AWAY_MAX = 64 }; /* switches that went away and are remembered */

/* What the balancer knows of a switch. It outlives the connection for the grace time, because
 * entries in the switch do. */
struct balancer_switch {
	TAILQ_ENTRY(balancer_switch) link; /* among all, in the order of their first join */
	struct fb_switch *sw;              /* NULL while it is away */
	uint64_t dpid;
	uint64_t down_ns;          /* since when it is away */
	uint8_t mac[FB_MAC_BYTES]; /* the controller's own on this switch: locally administered */
	uint8_t switch_behind[OFPP_MAX / 8]; /* a bit for each port: another switch is behind it */

	bool is_rewriter; /* the sessions of another name it as such */

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
	struct balancer_addressed addressed;
	uint32_t switches_away; /* those with 'sw' NULL */
	uint64_t timer_ns;      /* for which the timer is set; FB_NEVER: it is not */
	struct fb_log_limit log_limit;
};

/* What every step of handling one event needs. */
struct balancer_call {
	struct balancer *b;
	struct balancer_switch *s;
	const struct fb_packet_in
	        *cause; /* the packet-in that is being handled; NULL: another event */
	uint64_t now_ns;
};

enum { BALANCER_BATCH_MAX = 64 }; /* packet-ins for which tables are looked at at once */

/* The VLAN by which addresses, stations and sessions are kept apart: its number, or OFP_VLAN_NONE
 * for a frame without tag and for one whose tag carries a priority only. */
static inline uint16_t balancer_vlan(const struct fb_packet *p)
{
	uint16_t vid = p->vlan_tci & 0x0fff;

	return p->has_vlan && vid != 0 ? vid : OFP_VLAN_NONE;
}

/* Log what a peer caused, within a limit. */
void balancer_log(const struct balancer_call *call, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#endif
