/* A fault: something that goes wrong in a network, at one place, at one time.
 *
 * Plain data, and one language for it. The same fault may be a step of a scenario, may stand in its
 * 'faults' with a time, or may be drawn from a seed: it is then told in the words in which a file
 * would say it, so that every drawn fault can be written down.
 *
 *     lose: {link: "h1 -- s1:1", from: h1}
 *     switch_restart: {switch: s1, for: 100ms}
 *
 * Faults that concern a single frame or message mean the next one that comes by (after 'skip' others),
 * and wait for it; the end of such a fault is that it waits no longer. Those with 'for_ns' last so
 * long, and what they broke is mended when they end: a fault and its repair are one thing. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <flowbed/text.h>
#include <flowbed/time.h>

#include "sim/problems.h"

enum fault_kind {
	/* Links: single frames. */
	FAULT_LOSE,
	FAULT_DUPLICATE,
	FAULT_HOLD,    /* it arrives later than those sent after it */
	FAULT_CORRUPT, /* a byte of it changes; the next frame that is no ARP */
	/* Links: for a time. */
	FAULT_LINK_DOWN,
	FAULT_FLAP, /* down and up again 'count' times, 'by_ns' each, down for the first half of it */
	FAULT_ONE_WAY, /* what one end sends is lost; both have a carrier */
	FAULT_IMPAIR, /* other delay, jitter, loss, duplication, reordering, corruption, rate, queue */
	/* Control channels. */
	FAULT_CONTROL_DELAY,
	FAULT_CONTROL_CUT,
	FAULT_CONTROL_STALL,
	FAULT_CONTROL_DRAIN,   /* so many bytes a second arrive, no more */
	FAULT_CONTROL_SPLIT,   /* what arrives next there comes in two pieces */
	FAULT_CONTROL_REORDER, /* messages between barriers take effect late, or in another order */
	/* Switches. */
	FAULT_SWITCH_RESTART,
	FAULT_TABLE_FULL,
	FAULT_SLOW_FLOW_MODS,
	FAULT_NO_BUFFERS,
	FAULT_LOSE_PACKET_INS,
	/* The controller. */
	FAULT_CONTROLLER_RESTART,
	FAULT_CONTROLLER_STALL,
	FAULT_SECOND_CONTROLLER, /* a switch is with another one that runs beside it; in a ring of
	                            switches they make loops: drawn there only by name */
	/* Hosts. */
	FAULT_HOST_DOWN,
	FAULT_HOST_MOVE, /* to another port, and back */
	FAULT_WRONG_ADDRESS,
	FAULT_GRATUITOUS_ARP,
	FAULT_SYN_FLOOD,
	FAULT_KINDS, /* how many there are */
};

/* What 'place' counts. */
enum fault_place { FAULT_AT_LINK, FAULT_AT_SWITCH, FAULT_AT_HOST, FAULT_AT_CONTROLLER };

enum { FAULT_BOTH_ENDS = 2 };
#define FAULT_KEPT UINT64_MAX /* IMPAIR: this stays as it is */

struct fault {
	struct position at; /* in the file; line 0: drawn */
	enum fault_kind kind;
	uint64_t time_ns; /* when, since the first step began; of a step: 0 */
	uint64_t for_ns;  /* how long; FLAP, SYN_FLOOD: count * by_ns; 0: kinds that are over at once,
	                     or when what they wait for has come by */
	uint32_t place;   /* link, switch or host; 0 for the controller's */
	unsigned end;     /* of the link that sends, or CHANNEL_* that receives; FAULT_BOTH_ENDS */

	/* Those of its kind; see fault_keys(). */
	uint32_t skip;  /* frames or batches that are spared first */
	uint32_t count; /* frames, times; LOSE_PACKET_INS: messages, all of them where for_ns is not 0 */
	uint64_t by_ns; /* HOLD, CONTROL_DELAY, SLOW_FLOW_MODS (each): how long; FLAP,
	                           SYN_FLOOD: from one to the next; CONTROL_REORDER: late at most */
	uint64_t rate;  /* CONTROL_DRAIN: bytes a second */
	uint32_t byte;  /* CORRUPT: place in the frame, modulo its length; CONTROL_SPLIT: bytes
	                           in the first piece, modulo as many as there are */
	uint8_t flip;   /* CORRUPT: bits that change, not 0 */
	uint32_t sw;    /* HOST_MOVE: where it goes, */
	uint16_t port;  /*   SYN_FLOOD: the port, */
	uint32_t ip;    /*   and the address; WRONG_ADDRESS: the address */
	bool announce;  /* HOST_MOVE: by gratuitous ARP */
	struct {        /* IMPAIR; FAULT_KEPT: as before */
		uint64_t delay_ns, jitter_ns, rate_bps, queue_bytes, reorder_delay_ns;
		uint64_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
	} impair; /* CONTROL_DELAY uses jitter_ns */
};

/* "lose", "switch_restart": as a file says it. And what its place is. */
extern const char *const fault_names[FAULT_KINDS + 1]; /* NULL-terminated */
enum fault_place fault_place(enum fault_kind kind);
/* It lasts: 'for' may be said of it. */
bool fault_lasts(enum fault_kind kind);
/* It concerns single messages of a control connection. */
bool fault_is_of_messages(enum fault_kind kind);
/* A fault of 'kind' with what a file need not say, at place 0. */
struct fault fault_make(enum fault_kind kind);
/* Where how long it lasts follows from the rest: make it so. */
void fault_set_duration(struct fault *fault);

/* --- What may be said of each kind: one table for reading, writing and drawing --- */

enum fault_value {
	FAULT_VALUE_LINK, /* place */
	FAULT_VALUE_SWITCH,
	FAULT_VALUE_HOST,
	FAULT_VALUE_END,    /* end: of the link, by the name of what is there */
	FAULT_VALUE_TO,     /* end: controller, switch, or both where that is what is not said */
	FAULT_VALUE_PORT,   /* sw and port: s1:4 */
	FAULT_VALUE_TARGET, /* ip and port: 192.168.2.2:22, or h2:22 */
	FAULT_VALUE_IP,
	FAULT_VALUE_DURATION,
	FAULT_VALUE_NUMBER,
	FAULT_VALUE_SHARE,     /* 1.5%, 200ppm */
	FAULT_VALUE_BITS,      /* a second: 10Mbit */
	FAULT_VALUE_BYTES,     /* 64kB */
	FAULT_VALUE_BYTE_RATE, /* 10kB/s */
	FAULT_VALUE_BOOL,
};

enum {
	FAULT_KEY_REQUIRED = 1, /* a file must say it */
	FAULT_KEY_SHOWN = 2,    /* fault_text() says it although it is what is not said */
};

struct fault_key {
	const char *name; /* NULL: the end of the list */
	enum fault_value value;
	unsigned flags;
	uint16_t offset, bytes; /* the member of struct fault; of END to TARGET: not used */
	uint64_t standard;      /* what it is when nothing is said */
	uint64_t min, max;
	/* Drawn are draw_min, draw_min + draw_step and so on, up to draw_max. Step 0: the standard. */
	uint64_t draw_min, draw_max, draw_step;
};

/* The keys of 'kind', in the order in which they are read, written and drawn. */
const struct fault_key *fault_keys(enum fault_kind kind);
uint64_t fault_get(const struct fault *fault, const struct fault_key *key);
void fault_set(struct fault *fault, const struct fault_key *key, uint64_t value);

/* --- Text --- */

enum { FAULT_TEXT_BYTES = 800 }; /* enough for any */

struct scenario;

/* "lose: {link: "h1 -- s1:1", from: h1}": YAML, without the time. */
void fault_text(const struct scenario *scenario, const struct fault *fault, struct fb_text *text);
/* "{at: 1.5s, lose: {link: "h1 -- s1:1", from: h1}}": the same with it, as an item of 'at'. */
void fault_item_text(const struct scenario *scenario, const struct fault *fault,
                     struct fb_text *text);
/* "1.5s", "20ms": exact. */
void fault_time_text(struct fb_text *text, uint64_t ns);

#endif
