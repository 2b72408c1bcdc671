/* The session table: which backend has which connection, over the whole network. */
#ifndef BALANCER_SESSIONS_H
#define BALANCER_SESSIONS_H

#include <flowbed/discovery.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_call;

/* The 4-tuple as the client sees it, the protocol and the VLAN. With ICMP echo 'client_tp' is the
 * identifier and 'server_tp' 0. No padding: it is compared as bytes. What is hashed at once is
 * better written as words: a word that was just written in pieces is slow to read. */
struct balancer_key {
	union {
		struct {
			uint32_t client_ip, server_ip;
			uint16_t client_tp, server_tp;
			uint16_t vlan; /* balancer_vlan() */
			uint16_t proto; /* FB_IP_TCP, FB_IP_UDP or FB_IP_ICMP */
		};
		uint64_t words[2];
	};
};
_Static_assert(sizeof(struct balancer_key) == 16, "no padding");

enum balancer_direction { BALANCER_TO_BACKEND, BALANCER_TO_CLIENT };

/* What the frames of one direction looked like when the controller saw the last one: for entries.
 */
struct balancer_seen {
	uint8_t dl_dst[FB_MAC_BYTES];
	uint16_t dl_vlan; /* number, or OFP_VLAN_NONE */
	uint8_t vlan_pcp;
	uint8_t nw_tos; /* DSCP: the upper six bits */
};

/* Where a session stands, and so in which queue it waits. */
enum balancer_state {
	BALANCER_UNANSWERED, /* no SYN-ACK was seen: forgotten when the client must have given up */
	BALANCER_OPEN,       /* answered, without entries: forgotten after the grace time */
	BALANCER_LIVE,       /* entries live in switches: kept until they say that they are gone */
	BALANCER_UNSURE,     /* the same, but a switch was away and may have said so meanwhile */
	BALANCER_CLOSED,     /* FIN from both sides, or RST: forgotten soon */
	BALANCER_STATES,
};

struct balancer_session {
	struct balancer_key sorted; /* see balancer_sessions_key_of() */
	struct balancer_link link;

	/* The two ends */
	uint8_t client_mac[FB_MAC_BYTES];
	uint8_t addressed_mac[FB_MAC_BYTES]; /* the server as the client's first packet named it */
	uint8_t backend_mac[FB_MAC_BYTES];
	uint16_t generation; /* of the cookie of the current entries */
	struct fb_place client_at, backend_at;
	struct balancer_seen seen[2]; /* by balancer_direction */

	/* The handshake */
	uint32_t syn_ms; /* when the last SYN was counted; balancer_ms() */
	uint32_t isn;    /* the client's initial sequence number */
	uint8_t syns;    /* SYNs counted with that number; UDP: see balancer_datagrams.c */
	bool turned : 1;    /* 'sorted' has the server first */
	bool answered : 1;  /* the backend accepted or refused: it is never changed any more */
	bool moved : 1;     /* the backend was changed: never again for its silence */
	bool closed : 1;    /* RST, or FIN from both sides */
	bool counted : 1;   /* among the sessions of its owner */
	bool silent : 1;    /* or among those that have no entries and may go on */
	bool was_installed : 1;
	bool refused : 1;   /* a switch did not take an entry: whatever goes, the next install waits */
	bool rebuilt : 1;   /* from entries of another run, which are not replaced yet */
	bool probing : 1;   /* the backend is being found out: balancer_recovery.c */
	bool shown : 1;     /* it was: segments may be on their way to others */
	bool crossed : 1;   /* the backend answered a SYN of other numbers than the last one's */
	bool unheard : 1;   /* made by a segment of its backend: the client has not spoken yet */
	bool resetting : 1; /* its backend failed: balancer_reset.c */
	bool abandoned : 1; /* its backend was lost, and that was dealt with; until it is heard again */
	uint8_t fins; /* 1 << balancer_direction */

	/* Entries */
	uint8_t entries;       /* 1 << balancer_direction: believed to live, on every hop */
	enum balancer_state state : 8;
	uint32_t installed_ms; /* last time, when 'was_installed' */
	uint32_t route;        /* of the entries; BALANCER_DIRECT: both ends are on one switch */
	uint32_t install;      /* that is under way; FB_TABLE_NONE: none (balancer_paths.c) */
};
_Static_assert(sizeof(struct balancer_session) <= 120, "two cache lines with the table's header");

#define BALANCER_DIRECT FB_TABLE_NONE

/* Times of which only differences count, in 32 bits. */
static inline uint32_t balancer_ms(uint64_t now_ns)
{
	return (uint32_t)(now_ns / FB_NS_PER_MS);
}

struct balancer_sessions {
	struct fb_table *table;
	struct balancer_queue queues[BALANCER_STATES];
	uint16_t generation;          /* of the entries installed last */
	uint64_t rearm_not_before_ns; /* when the next unsure sessions may be installed again */
};

/* False when memory is short. */
bool balancer_sessions_init(struct balancer_sessions *sessions, const struct balancer *b,
                            uint32_t seed);
void balancer_sessions_free(struct balancer_sessions *sessions);

/* The key of a TCP segment, UDP datagram or ICMP echo whose sender is the client. */
void balancer_sessions_key(struct balancer_key *key, const struct fb_packet *p);
/* The key of 'session', client and server where they belong. */
struct balancer_key balancer_sessions_key_of(const struct balancer_session *session);

/* The session that a packet with 'key' is of, where its sender is called the client; '*direction'
 * is that of the packet. NULL: there is none. */
struct balancer_session *balancer_sessions_find(const struct balancer_sessions *sessions,
                                                const struct balancer_key *key,
                                                enum balancer_direction *direction);
/* Ask the processor for the sessions of the first BALANCER_BATCH_MAX of 'count' packet-ins. */
void balancer_sessions_prefetch(const struct balancer_sessions *sessions,
                                const struct fb_packet_in *packet_ins, size_t count);
/* A new session, unanswered; NULL when the table is full of sessions that must not go. */
struct balancer_session *balancer_sessions_add(const struct balancer_call *call,
                                               const struct balancer_key *key);
/* Forget 'session', which has no entries, or whose entries are somebody else's business. */
void balancer_sessions_remove(const struct balancer_call *call, struct balancer_session *session);
/* Its backend is 'mac' at 'at' now; entries of another backend are no longer its own. */
void balancer_sessions_set_backend(const struct balancer_call *call,
                                   struct balancer_session *session,
                                   const uint8_t mac[FB_MAC_BYTES], struct fb_place at);
/* Something happened to 'session': it waits anew, in the queue of what it is now. */
void balancer_sessions_settle(const struct balancer_call *call, struct balancer_session *session);
/* True when entries of 'session' are on 'node'. */
bool balancer_sessions_is_on(const struct balancer *b, const struct balancer_session *session,
                             uint16_t node);
/* The entries of 'session', which was in doubt, are all there. */
void balancer_sessions_trust(const struct balancer_call *call, struct balancer_session *session);
/* 'session' is still in doubt. With 'is_told' some switch will say when its entries are gone; without
 * it is forgotten after the grace time, unless a switch that has them comes back. */
void balancer_sessions_wait(const struct balancer_call *call, struct balancer_session *session,
                            bool is_told);
/* The switch 'node' went away, or was: it may have removed entries and could not tell. TCP sessions
 * there that nobody has answered are forgotten. */
void balancer_sessions_doubt(const struct balancer_call *call, uint16_t node);

/* Forget what is due; and when that is to be called again. */
void balancer_sessions_run(const struct balancer_call *call);
uint64_t balancer_sessions_due(const struct balancer_sessions *sessions);

#endif
