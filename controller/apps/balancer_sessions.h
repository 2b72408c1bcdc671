/* The session table: which backend has which TCP connection. */
#ifndef BALANCER_SESSIONS_H
#define BALANCER_SESSIONS_H

#include <flowbed/app.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_call;
struct balancer_addressed;
struct balancer_switch;

/* The 4-tuple as the client sees it, and the VLAN. No padding: it is compared as bytes. What is
 * hashed at once is better written as words: a word that was just written in pieces is slow to
 * read. */
struct balancer_key {
	union {
		struct {
			uint32_t client_ip, server_ip;
			uint16_t client_tp, server_tp;
			uint16_t vlan; /* balancer_vlan() */
			uint16_t zero;
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
	BALANCER_LIVE,       /* entries live in the switch: kept until it says that they are gone */
	BALANCER_UNSURE,     /* the same, but the switch was away and may have said so meanwhile */
	BALANCER_CLOSED,     /* FIN from both sides, or RST: forgotten soon */
	BALANCER_STATES,
};

struct balancer_session {
	struct balancer_key sorted; /* see balancer_sessions_key_of() */
	struct balancer_link link;

	/* The two ends */
	uint8_t client_mac[FB_MAC_BYTES];
	uint8_t addressed_mac[FB_MAC_BYTES]; /* the server as the client's first SYN named it */
	uint8_t backend_mac[FB_MAC_BYTES];
	uint16_t client_port, backend_port;
	struct balancer_seen seen[2]; /* by balancer_direction */

	/* The handshake */
	uint64_t syn_ns; /* when the last SYN was counted */
	uint32_t isn;    /* the client's initial sequence number */
	uint8_t syns;    /* SYNs counted with that number */
	bool turned;     /* 'sorted' has the server first */
	bool addressed;  /* 'addressed_mac' is set, and counted among those of all switches */
	bool answered;   /* the backend accepted or refused: it is never changed any more */
	bool moved;      /* the backend was changed: never again for its silence */

	/* The end */
	bool closed;  /* RST, or FIN from both sides */
	uint8_t fins; /* 1 << balancer_direction */

	/* Entries */
	uint8_t entries; /* 1 << balancer_direction: believed to live */
	bool was_installed;
	uint16_t generation;   /* of the cookie of the current entries */
	uint64_t installed_ns; /* last time, when 'was_installed' */

	enum balancer_state state;
};
_Static_assert(sizeof(struct balancer_session) <= 120, "two cache lines with the table's header");

struct balancer_sessions {
	struct fb_table *table;
	struct balancer_queue queues[BALANCER_STATES];
	uint16_t generation;          /* of the entries installed last on this switch */
	uint64_t rearm_not_before_ns; /* when the next unsure sessions may be installed again */
	struct balancer_addressed *addressed;   /* by the clients of all switches */
	const struct balancer_switch *rewriter; /* that sent what came rewritten last; NULL: none */
	uint64_t looks_since_ns; /* looks into sessions of others are counted by second */
	uint32_t looks;
};

/* False when memory is short. */
bool balancer_sessions_init(struct balancer_sessions *sessions, struct balancer *b, uint32_t seed);
void balancer_sessions_free(struct balancer_sessions *sessions);

/* The key of a segment whose sender is the client. */
void balancer_sessions_key(struct balancer_key *key, const struct fb_packet *p);
/* The key of 'session', client and server where they belong. */
struct balancer_key balancer_sessions_key_of(const struct balancer_session *session);

/* The session that a segment with 'key' is of, where its sender is called the client; '*direction'
 * is that of the segment. NULL: there is none. */
struct balancer_session *balancer_sessions_find(const struct balancer_sessions *sessions,
                                                const struct balancer_key *key,
                                                enum balancer_direction *direction);
/* Ask the processor for the sessions of the first BALANCER_BATCH_MAX of 'count' packet-ins. */
void balancer_sessions_prefetch(const struct balancer_sessions *sessions,
                                const struct fb_packet_in *packet_ins, size_t count);
/* A new session, unanswered; NULL when the table is full of sessions that must not go. */
struct balancer_session *balancer_sessions_add(const struct balancer_call *call,
                                               const struct balancer_key *key);
void balancer_sessions_remove(struct balancer_sessions *sessions, struct balancer_session *session);
/* The client of 'session' addresses 'mac'. */
void balancer_sessions_address(struct balancer_sessions *sessions, struct balancer_session *session,
                               const uint8_t mac[FB_MAC_BYTES]);
/* Something happened to 'session': it waits anew, in the queue of what it is now. */
void balancer_sessions_settle(struct balancer_sessions *sessions, struct balancer_session *session,
                              uint64_t now_ns);
/* The switch was away: it may have removed entries and could not tell. */
void balancer_sessions_doubt(struct balancer_sessions *sessions, uint64_t now_ns);

/* True when 'pi' is a frame whose source MAC the balancer itself put there, on whatever switch: no
 * news about where that station is. True as well when that may be and too much was asked to tell. */
bool balancer_sessions_rewrote(const struct balancer_call *call, const struct fb_packet_in *pi);

/* Forget what is due; and when that is to be called again. */
void balancer_sessions_run(const struct balancer_call *call);
uint64_t balancer_sessions_due(const struct balancer_sessions *sessions);

#endif
