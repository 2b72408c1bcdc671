/* What a controller tells of itself when somebody asks for its status.
 *
 * A driver with several controllers (one a thread) asks each and merges what they tell: so the
 * counters come as numbers, and each switch, connection and application as a piece of JSON that the
 * driver puts into the answer (server_status.c, which tells what the whole looks like). */
#ifndef CONTROLLER_CONTROLLER_REPORT_H
#define CONTROLLER_CONTROLLER_REPORT_H

#include <flowbed/report.h>

#include "controller/controller.h"
#include "controller/rates.h"

enum { CONTROLLER_REPORT_QUESTIONS_MAX = 32 }; /* asked at a time, numbered from 0 */

struct controller_report_wish {
	uint32_t loop; /* as pieces tell it */
	bool one_switch;
	uint64_t dpid;     /* of it */
	uint32_t list_max; /* items shown of one list */
	size_t bytes_max;  /* of all pieces together */
};

enum controller_report_kind {
	CONTROLLER_REPORT_SWITCH,     /* key: dpid */
	CONTROLLER_REPORT_CONNECTION, /* one that has no switch yet; key: its number */
	CONTROLLER_REPORT_INSTANCE,   /* what an application knows beside its switches; key: its
	                                 place in the chain */
};

/* A value in JSON. */
struct controller_report_piece {
	enum controller_report_kind kind;
	uint64_t key;
	size_t offset, len; /* in the report's text */
};

/* A counter of an application. */
struct controller_report_counter {
	unsigned app; /* its place in the chain */
	const char *name;
	uint64_t value;
};

struct controller_report {
	struct controller_counters counters;
	uint64_t rates_per_s[RATES_COUNT];          /* by controller_report_rate_names */
	uint64_t switches_count, connections_count; /* there are; pieces may be fewer */
	bool ready;                                 /* controller_ready() */
	struct controller_report_piece *pieces;     /* of a kind in rising order of their keys */
	size_t pieces_count, pieces_size;
	struct controller_report_counter *app_counters; /* in the order of the chain */
	size_t app_counters_count, app_counters_size;
	struct fb_report text; /* what the pieces are made of */
};

/* What 'rates_per_s' are: "packet_ins", ... */
extern const char *const controller_report_rate_names[RATES_COUNT];

/* Once a second: so there are rates. */
void controller_report_sample(struct controller *ctl, uint64_t now_ns);

/* Ask the switches that the report will show for their tables, for the question 'number'. */
void controller_report_ask(struct controller *ctl, const struct controller_report_wish *wish,
                           unsigned number, uint64_t now_ns);
/* True while some of them have not answered. */
bool controller_report_awaits(const struct controller *ctl, unsigned number);
/* Fill '*report', also where answers are missing; the question is over. */
void controller_report_write(struct controller *ctl, const struct controller_report_wish *wish,
                             unsigned number, struct controller_report *report, uint64_t now_ns);
void controller_report_destroy(struct controller_report *report);

/* Applications in the chain; they never change once there are connections, so that any thread may
 * ask. */
unsigned controller_report_apps(const struct controller *ctl);
/* Write name, class and options in force of the one at 'place' into the map that is open. */
void controller_report_app(const struct controller *ctl, unsigned place, struct fb_report *report);

/* A counter of the controller. */
struct controller_report_total {
	const char *name;
	size_t offset; /* in struct controller_counters */
	bool limit;    /* it counts how often a limit was reached */
};

extern const struct controller_report_total controller_report_totals[];
extern const size_t controller_report_totals_count;

static inline uint64_t controller_report_total(const struct controller_counters *counters,
                                               size_t place)
{
	uint64_t value;

	memcpy(&value, (const char *)counters + controller_report_totals[place].offset,
	       sizeof value);
	return value;
}

#endif
