/* Does each switch have the entries that it was told to have? For every switch a reference model
 * (flow_model.h) is fed with what arrives on its control connection, and compared with its table.
 *
 * What counts is the order in which flow-mods arrive at the switch. The specification lets a switch do
 * those between two barriers in another order (section 5.3.7), but a controller that wants a certain
 * table and sends no barrier between flow-mods of which one undoes the other leaves it to chance which
 * table it gets. So nothing is excused where a switch does that: it is a mistake of the controller,
 * which the model shows.
 *
 * What is taken from the switch? Which flow-mods it refused, by its errors, known by the bytes of the
 * message that they carry; an error about a buffer refuses nothing, for the entry is in force. When it
 * loses its power, and when it enters emergency mode, which removes the normal entries (section 4.3).
 *
 * Timeouts. An entry may be gone when one of its timeouts can be over, counted from the arrival of its
 * flow-mod: the model sees no frames, and cannot tell when one last met it. But a controller that
 * asked for it (OFPFF_SEND_FLOW_REM), and was connected from then on, must have been told. An entry
 * whose hard timeout is over must be gone.
 *
 * A flow-mod is kept until the reply to a later barrier says that it is done, or the comparison comes,
 * so that it is known by then whether the switch refused it. More than TABLES_WAITING_MAX do not wait;
 * an error that comes later than that makes the entry one of which nothing is known.
 *
 * Not compared are the flags of entries, which flow statistics do not tell. */
#ifndef SIM_TABLES_H
#define SIM_TABLES_H

#include "sim/scenario.h"

struct tables;

enum { TABLES_WAITING_MAX = 1 << 14 }; /* flow-mods of a switch whose fate is not known */

/* What is wrong with an entry: */
enum tables_wrong {
	TABLES_MISSING,    /* the switch does not have it */
	TABLES_UNEXPECTED, /* nobody told it to have it */
	TABLES_OTHER,      /* it is another than it should be */
	TABLES_OVERDUE,    /* its hard timeout is over */
	TABLES_UNTOLD,     /* it is gone, and that should have been told */
};

struct tables_difference {
	enum tables_wrong wrong;
	uint32_t sw;
	const struct fb_flow_mod *should; /* NULL: UNEXPECTED */
	const struct fb_flow_stats *is;   /* NULL: MISSING, UNTOLD */
	bool undone; /* the switch had not done it when its connection ended */
};

/* "s1 lacks priority=10,tcp,actions=output:2": entries as ovs-ofctl writes them. */
void tables_difference_text(struct fb_text *text, const char *switch_name,
                            const struct tables_difference *difference);

struct tables_ops {
	void (*differ)(void *ctx, const struct tables_difference *difference);
	const struct datapath *(*datapath)(void *ctx, uint32_t sw);
	void *ctx;
};

/* Switches begin with the entries of 'scenario', which must outlive it. */
struct tables *tables_new(const struct scenario *scenario, const struct tables_ops *ops);
void tables_free(struct tables *tables); /* takes NULL */

/* --- What happens. --- */

/* A whole message arrived at the end 'to' of a control channel. */
void tables_message(struct tables *tables, uint64_t now_ns, uint32_t sw, unsigned to,
                    const uint8_t *msg, size_t len);
/* The message, a flow-mod that arrived, is never done, and nobody says so. */
void tables_message_undone(struct tables *tables, uint32_t sw, const uint8_t *msg, size_t len);
void tables_error(struct tables *tables, uint32_t sw, const uint8_t *msg, size_t len);
void tables_connected(struct tables *tables, uint64_t now_ns, uint32_t sw);
void tables_power(struct tables *tables, uint64_t now_ns, uint32_t sw, bool on);
void tables_mode(struct tables *tables, uint64_t now_ns, uint32_t sw, enum datapath_mode mode);

/* Compare with the table of 'sw' now; each difference is told by ops->differ. 'quiet': no message is
 * under way, so that what should have been told was. */
void tables_compare(struct tables *tables, uint32_t sw, uint64_t now_ns, bool quiet);

/* Entries that had no place in a model, so that their switches were not compared any more. */
uint64_t tables_given_up(const struct tables *tables);

#endif
