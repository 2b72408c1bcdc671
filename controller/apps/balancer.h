/* What the files of the load balancer share. What the balancer is for and how it works is told in
 * balancer.c; each other file has its own head comment:
 *
 *     balancer.c            the class: events, what happens to a frame, the timer
 *     balancer_options.c    the options
 *     balancer_commands.c   what it can be told to do while it runs
 *     balancer_report.c     what it tells of itself when somebody asks
 *     balancer_sweep.c      sessions brought into line with a network that has changed
 *     balancer_tcp.c        what happens to a TCP segment
 *     balancer_datagrams.c  the same for UDP and ICMP echo
 *     balancer_arp.c        who is told what by ARP
 *     balancer_related.c    later fragments, and ICMP errors that quote a session
 *     balancer_recall.c     sessions rebuilt from the entries that switches have
 *     balancer_recovery.c   segments of sessions that the controller does not know
 *     balancer_reset.c      the end of sessions whose backend failed
 *     balancer_health.c     TCP probes
 *     balancer_self.c       the addresses that these come from
 *     balancer_held.c       packets that wait until somebody owns their address
 *     balancer_paths.c      the entries of a session on all switches between its ends
 *     balancer_sessions.c   the session table and its ageing
 *     balancer_owners.c     addresses, who answers to them, and when probes find out
 *     balancer_probes.c     where these probes go
 *     balancer_services.c   addresses that are configured
 *     balancer_schedulers.c which owner gets the next connection
 *     balancer_routes.c     ways through the network that sessions share
 *     balancer_flows.c      one flow entry and its cookie
 *     balancer_send.c       packet-outs: released frames, RSTs, probes
 *     balancer_queue.c      table entries that wait for the same time */
#ifndef BALANCER_H
#define BALANCER_H

#include <flowbed/app.h>
#include <flowbed/discovery.h>

#include "controller/apps/balancer_arp.h"
#include "controller/apps/balancer_health.h"
#include "controller/apps/balancer_held.h"
#include "controller/apps/balancer_options.h"
#include "controller/apps/balancer_owners.h"
#include "controller/apps/balancer_paths.h"
#include "controller/apps/balancer_recall.h"
#include "controller/apps/balancer_recovery.h"
#include "controller/apps/balancer_related.h"
#include "controller/apps/balancer_reset.h"
#include "controller/apps/balancer_routes.h"
#include "controller/apps/balancer_services.h"
#include "controller/apps/balancer_sessions.h"

/* Every counter, with what it counts; all are told by the class's counters(), in this order. */
#define BALANCER_COUNTERS(X)                                                                       \
	X(sessions)              /* connections given to a backend: each one turn */               \
	X(answered)              /* sessions whose backend answered */                             \
	X(refused_by_backend)    /* sessions whose backend answered with RST */                    \
	X(retransmitted_syns)    /* SYNs of a connection that was known */                         \
	X(moved)                 /* unanswered sessions that got another backend */                \
	X(followed)              /* new connections on live entries of an old one */               \
	X(refused_all_down)      /* SYNs refused: no backend is left */                            \
	X(refused_sessions_full) /* SYNs refused: the session table is full */                     \
	X(refused_conflict)      /* SYNs refused: another replica uses the ports */                \
	X(refused_port)          /* packets to a port that the address does not serve */           \
	X(late_synacks)          /* SYN-ACKs of a backend given up: refused */                     \
	X(strangers)             /* other segments not from a session's ends: dropped */           \
	X(strays_passed)         /* segments of no session that one can be meant by */             \
	X(strays_probed)         /* of several: shown to each candidate */                         \
	X(strays_dropped)        /* of several: dropped */                                         \
	X(strays_waited)         /* packets of unknown sessions that waited */                     \
	X(strays_full)           /* not: as many waited as may */                                  \
	X(recovered)             /* unknown sessions whose backend was found out */                \
	X(recovered_none)        /* of which every candidate refused: reset */                     \
	X(probes_full)           /* not found out: as many were as may be */                       \
	X(recalled)              /* sessions rebuilt from the entries of a switch */               \
	X(recalled_full)         /* not: as many sessions as may be */                             \
	X(overruled)             /* sessions that another controller had given another backend */  \
	X(recalls_lost)          /* switches that did not tell all their entries in time */        \
	X(mended)                /* sessions whose entries were gone, or old: installed again */   \
	X(sessions_expired)      /* sessions forgotten after their time */                         \
	X(sessions_evicted)      /* sessions forgotten before, for others */                       \
	X(failed)                /* sessions whose backend failed */                               \
	X(resets)                /* of them: the client was told */                                \
	X(resets_asked)          /* segments sent to clients to learn their numbers */             \
	X(resets_given_up)       /* clients that did not answer */                                 \
	X(resets_needless)       /* clients that had ended the connection before */                \
	X(resets_full)           /* not told: as many were being told as may */                    \
	X(rerouted)              /* sessions whose entries were moved to another way */            \
	X(no_path)               /* packets dropped: there is no way between two switches */       \
	X(entries_installed)     /* flow entries sent, each direction and switch */                \
	X(entries_removed)       /* flow entries told of as gone by the switch */                  \
	X(entries_failed)        /* flow entries that the switch refused */                        \
	X(entries_deleted)       /* flow-mods that delete */                                       \
	X(flow_removed_ignored)  /* flow-removed of entries that are not current */                \
	X(installs_waited)       /* installed on several switches, with barriers */                \
	X(installs_late)         /* of them: a barrier was not answered in time */                 \
	X(installs_full)         /* not waited for: as many did as may */                          \
	X(routes_full)           /* sessions without entries: too many ways */                     \
	X(held)                  /* packets that waited for the owner of their address */          \
	X(held_found)            /* of them: the address was found */                              \
	X(held_by_mac)           /* of them: it was not, sent to the MAC they name */              \
	X(held_dropped)          /* of them: it was not, dropped */                                \
	X(held_full)             /* packets dropped because as many waited as may */               \
	X(arp_answered)          /* ARP questions answered by the controller */                    \
	X(arp_passed)            /* ARP frames sent to the one they are for */                     \
	X(arp_taken)             /* ARP frames that nobody needs: not passed on */                 \
	X(arp_waited)            /* ARP questions that waited for owners to speak */               \
	X(arp_full)              /* not: as many waited as may */                                  \
	X(probes)                /* ARP probes and questions sent */                               \
	X(probe_answers)         /* frames to the controller's own MAC: consumed */                \
	X(asks_limited)          /* questions for unknown addresses not sent */                    \
	X(edges_full)            /* ports that came up and were not probed at once: too many */    \
	X(wanters_evicted)       /* hosts about to take an address forgotten for others */         \
	X(checks)                /* TCP checks sent */                                             \
	X(checks_failed)         /* of them: refused or not answered */                            \
	X(checks_full)           /* backends not checked: too many */                              \
	X(check_addresses)       /* addresses that checks come from: taken */                      \
	X(check_conflicts)       /* of them: others use them */                                    \
	X(check_addresses_none)  /* not found: none is free, or too many networks */               \
	X(owners_found)          /* owners of an address: new ones */                              \
	X(owners_lost)           /* that left: port down, probes unanswered, checks failed */      \
	X(owners_back)           /* configured or failed ones that are there again */              \
	X(owners_moved)          /* that moved to another port */                                  \
	X(owners_forgotten)      /* that were silent too long, or evicted */                       \
	X(owners_full)           /* not taken: the address has as many as may be */                \
	X(owners_unknown)        /* not taken: the address's backends are configured */            \
	X(addresses_evicted)     /* addresses forgotten for others */                              \
	X(addresses_full)        /* not learned: all others are in use */                          \
	X(udp_sessions)          /* UDP 4-tuples given to a backend */                             \
	X(echo_sessions)         /* ICMP echo identifiers given to a backend */                    \
	X(fragments_followed)    /* later fragments that found their way */                        \
	X(fragments_lost)        /* later fragments dropped: several can be meant */               \
	X(fragments_evicted)     /* fragmented packets forgotten for others */                     \
	X(icmp_followed)         /* ICMP errors that followed a session */                         \
	X(flooded)               /* frames flooded */                                              \
	X(unicast)               /* frames sent to the port of their destination */                \
	X(own_frames)            /* our own frames that came back: dropped */                      \
	X(invalid)               /* TCP, UDP, echoes with impossible addresses: dropped */         \
	X(cut)                   /* frames that came cut and without buffer: lost */

struct balancer_counters {
#define BALANCER_COUNTER(name) uint64_t name;
	BALANCER_COUNTERS(BALANCER_COUNTER)
#undef BALANCER_COUNTER
};

struct balancer {
	struct fb_app *app;
	struct fb_discovery *discovery;
	struct balancer_config config;
	struct balancer_counters counters;
	struct balancer_services *services; /* configured addresses; may be empty */
	char *services_file;                /* their file; NULL: none */
	struct balancer_texts texts;        /* the options they were read from */

	struct balancer_owners owners;
	struct balancer_sessions sessions;
	struct balancer_routes routes;
	struct balancer_paths paths;
	struct balancer_held held;
	struct balancer_fragments fragments;
	struct balancer_arp arp;
	struct balancer_recovery recovery;
	struct balancer_recall recall;
	struct balancer_reset reset;
	struct balancer_health health;

	uint8_t order[FB_NODES_MAX]; /* enum balancer_order of the flow-mods since the last barrier */

	bool ask_again;     /* edges came up that waiting packets were not asked for at */
	uint64_t sweep_ns;  /* when sessions are swept next; FB_NEVER: there is no need */
	uint64_t swept_ns;  /* when they were last */
	uint64_t timer_ns;  /* for which the timer is set; FB_NEVER: it is not */
	struct fb_log_limit log_limit;
};

/* What every step of handling one event needs. */
struct balancer_call {
	struct balancer *b;
	struct fb_switch *sw; /* where the frame that is being handled came in; NULL: nowhere */
	uint16_t node;        /* of 'sw' */
	const struct fb_packet_in
	        *cause; /* the packet-in that is being handled; NULL: another event */
	uint64_t now_ns;
};

enum { BALANCER_BATCH_MAX = 64 }; /* packet-ins for which tables are looked at at once */

/* The controller's own address: locally administered, the source of probes. */
extern const uint8_t balancer_own_mac[FB_MAC_BYTES];

/* The VLAN by which addresses and sessions are kept apart: its number, or OFP_VLAN_NONE for a frame
 * without tag and for one whose tag carries a priority only. */
static inline uint16_t balancer_vlan(const struct fb_packet *p)
{
	uint16_t vid = p->vlan_tci & 0x0fff;

	return p->has_vlan && vid != 0 ? vid : OFP_VLAN_NONE;
}

/* The place where 'pi' came in by the switch of the call. */
static inline struct fb_place balancer_place(const struct balancer_call *call,
                                             const struct fb_packet_in *pi)
{
	return (struct fb_place){.node = call->node, .port = pi->in_port};
}

static inline bool balancer_same_place(struct fb_place a, struct fb_place b)
{
	return a.node == b.node && a.port == b.port;
}

/* Handle 'pi' once more, which had been held: it is released, or held again. */
void balancer_handle_again(const struct balancer_call *call, const struct fb_packet_in *pi);

/* Log what a peer caused, within a limit. */
void balancer_log(const struct balancer_call *call, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#endif
