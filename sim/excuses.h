/* Excuses: which single violation of a property a fault excuses.
 *
 * A network in which things break may not be blamed for what nobody could help: a frame that a link
 * doubled comes twice, the buffer of a packet-in that was lost expires. But whoever excuses too much
 * hides mistakes. So there is one table of excuses (excuses_at()), each row of which says which fault
 * excuses which violation, and until when; and a violation is excused by what it is about, a
 * frame, a buffer, a message, a connection, never because some fault was going on.
 *
 * It watches a network as properties do, and remembers what faults did to what: the buffers whose
 * packet-ins were lost, those that were given out on a connection that ended, those that expired
 * while the answer was held up.
 *
 * Which end of a connection is excused? That of the connection there was when its control channel,
 * its switch or the controller went down, by a fault or a step; and of one that was held up so long
 * that somebody had to take it for dead: the hold fell into the silence, at the end that closed, which ended
 * it. A connection that ends without such a cause excuses nothing.
 *
 * When? An excuse is dated by its cause. No cause after the network must have converged excuses
 * anything, save what the scenario says of its links, which is so all the time; what was lost before
 * then is excused to the end that its row tells, be it later.
 *
 * What a peer gave up is dated by when it did. A network that had converged then, and that nothing disturbed
 * for a moment after, is not excused by what disturbs it later. */
#ifndef SIM_EXCUSES_H
#define SIM_EXCUSES_H

#include "sim/network.h"

struct excuses;

enum {
	EXCUSES_BUFFERS_MAX = 1 << 16, /* remembered; beyond it the oldest is forgotten */
	EXCUSES_CALMS_MAX = 4096,      /* times between disturbances, the same */
};
/* A disturbance so long after a RST may have lost that somewhere. */
#define EXCUSES_RESET_NS FB_NS_PER_S
/* Who sends no RST gives up at most so long after he was last heard of. */
#define EXCUSES_UNSAID_NS (60 * FB_NS_PER_S)

/* The rows of the table. */
enum excuse_row {
	EXCUSE_DOUBLED_FRAME,
	EXCUSE_LOST_PACKET_IN,
	EXCUSE_BUFFER_OF_LOST_CONNECTION,
	EXCUSE_LATE_ANSWER,
	EXCUSE_TABLE_FULL,
	EXCUSE_ERROR_OF_LOST_CONNECTION,
	EXCUSE_ERROR_OF_LATE_ANSWER,
	EXCUSE_UNDONE_FLOW_MOD,
	EXCUSE_CHANGED_FRAME,
	EXCUSE_CHANGED_FRAGMENT,
	EXCUSE_PEER_WAS_OFF,
	EXCUSE_LOST_RESET,
	EXCUSE_GIVEN_UP_EARLY,
	EXCUSE_CUT_OFF,
	EXCUSE_ROWS, /* how many there are; also: no excuse */
};

/* A violation, as far as excuses ask about it; what is not of its property is 0. */
struct excuses_violation {
	enum scenario_property property;
	uint64_t now_ns;
	uint32_t sw;
	uint32_t buffer_id;   /* NO_LOST_BUFFERS, */
	uint64_t kept_ns;     /*   and since when it held its packet */
	const uint8_t *error; /* NO_OF_ERRORS: the message */
	size_t error_len;
	bool doubled;  /* NO_DUPLICATES: a link made one more of the frame for this way */
	bool changed;  /* CHECKSUMS: a link changed the frame, */
	bool fragment; /*   or one of the fragments of its datagram */
	bool undone;   /* TABLES_AGREE: the flow-mod may never have been done */
	bool peer_was_off; /* CONNECTIONS_END: as struct connections_half says it, */
	bool reset_lost, cut_off;
	uint64_t given_up_ns; /*   and when the peer sent its RST, */
	bool unsaid;          /*   or it sent none, and when it was last heard */
};

struct excuse {
	enum scenario_property property;
	const char *faults;   /* names of kinds and of other causes */
	const char *sentence; /* which single violation it excuses, and until when */
	bool (*decides)(const struct excuses *excuses, const struct excuses_violation *violation);
};

const struct excuse *excuses_at(enum excuse_row row);
/* Nothing excuses a violation of 'property'. */
bool excuses_are_never(enum scenario_property property);

struct excuses_ops {
	/* A buffer expired whose packet-in or answer a fault held up, and the answer came; or it did
	 * not, and there is no excuse. */
	void (*late_buffer)(void *ctx, uint32_t sw, uint32_t buffer_id, uint64_t expired_ns,
	                    enum excuse_row row);
	/* When the network must have converged, as faults_converged_at(). NULL: never. */
	uint64_t (*converged_at)(void *ctx);
	void *ctx;
};

/* 'scenario' must outlive it. */
struct excuses *excuses_new(const struct scenario *scenario, const struct excuses_ops *ops);
void excuses_free(struct excuses *excuses); /* takes NULL */

/* --- What it is told: as the members of struct network_observer of these names, before the property
 * is judged that may need an excuse. --- */

void excuses_fault(struct excuses *excuses, uint64_t now_ns, const struct fault *fault, bool begins);
void excuses_changed(struct excuses *excuses, uint64_t now_ns, enum network_change change,
                     uint32_t place, bool up);
void excuses_connected(struct excuses *excuses, uint64_t now_ns, uint32_t sw);
void excuses_closed(struct excuses *excuses, uint64_t now_ns, uint32_t sw, unsigned at);
void excuses_message_lost(struct excuses *excuses, uint64_t now_ns, uint32_t sw, const uint8_t *msg,
                          size_t len);
/* A step is about to disturb the network. */
void excuses_disturbed(struct excuses *excuses, uint64_t now_ns);
/* A whole message arrived at the end 'to' of a control channel. */
void excuses_message(struct excuses *excuses, uint64_t now_ns, uint32_t sw, unsigned to,
                     const uint8_t *msg, size_t len);

/* --- What it decides --- */

/* The row that excuses the violation; EXCUSE_ROWS: none does. */
enum excuse_row excuses_find(const struct excuses *excuses, const struct excuses_violation *violation);
/* A buffer expired: the same, but a buffer whose answer is held up is decided later, by
 * ops->late_buffer: then '*later' is true. */
enum excuse_row excuses_expired(struct excuses *excuses, const struct excuses_violation *violation,
                                bool *later);
/* The run is at its end: no answer comes any more. */
void excuses_end(struct excuses *excuses);
/* Messages of this switch may be done late now, or could be a moment ago. */
bool excuses_is_slow(const struct excuses *excuses, uint32_t sw, uint64_t now_ns);
/* The network must have converged by 'now_ns'. */
bool excuses_converged(const struct excuses *excuses, uint64_t now_ns);
/* Buffers that were forgotten at the limit. */
uint64_t excuses_forgotten(const struct excuses *excuses);

#endif
