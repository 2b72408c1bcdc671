/* Answers to "flowbed-controller status": what server_status.c, server_status_answer.c and
 * server_tell.c share. */
#ifndef CONTROLLER_SERVER_STATUS_H
#define CONTROLLER_SERVER_STATUS_H

#include "controller/controller_report.h"
#include "controller/server_private.h"

/* So that no loop is held up for long, and memory is bounded whatever is asked. Lists are cut there,
 * and the answer says so. */
enum {
	SERVER_STATUS_ANSWER_BYTES_MAX = 4 << 20,     /* of one answer, shared by its parts */
	SERVER_STATUS_PART_BYTES_MIN = 256 << 10,     /* but each part gets so much */
	SERVER_STATUS_UNDER_WAY_BYTES_MAX = 16 << 20, /* of all answers that have not left */
	SERVER_STATUS_PART_BYTES_LEFT = 64 << 10,     /* for a part when that is used up */
};

struct server_status_asker;
struct server_status_question;

/* What one loop tells. It is in that loop's hands until it arrives in the first loop. */
struct server_status_part {
	struct server_task task; /* first: it is a task */
	struct server_status_question *question;
	struct server_loop *loop;
	TAILQ_ENTRY(server_status_part) link; /* among those that wait for switches in the loop */
	struct event *wait;                   /* of the loop: until then */

	struct controller_report_wish wish;
	struct controller_report report;
	uint32_t conns_count; /* of the loop */
	uint64_t not_reading;
};

struct server_status_question {
	struct server *server;
	struct server_status_asker *asker; /* NULL: gone; the first loop's, as 'number' is */
	unsigned number;                   /* for controller_report.h */
	uint64_t wait_ns;                  /* for the answers of switches */
	uint32_t list_max;
	bool one_switch;
	uint64_t dpid;             /* of it */
	_Atomic uint32_t parts_on; /* parts that have neither arrived nor been given up */
	uint32_t parts_count;
	struct server_status_part parts[];
};

/* What the status itself counts. */
struct server_status_counters {
	uint64_t questions;
	uint64_t commands; /* that were let through */
	uint64_t commands_denied;
	uint64_t askers_refused; /* too many at once */
	uint64_t askers_dropped; /* they said nothing, did not read, or said too much */
	uint64_t answers_cut;    /* lists have fewer items than were wanted */
};

/* Write the answer to 'question', whose parts have all arrived; an answer that is cut counts. */
void server_status_answer(const struct server_status_question *question,
                          struct server_status_counters *counters, uint64_t uptime_ns,
                          struct fb_report *answer);
/* The command of 'asker' (server_tell.h) is over, and '*answer' for it. */
void server_status_told(struct server_status_asker *asker, const struct fb_report *answer);

#endif
