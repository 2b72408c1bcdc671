/* What came of the requests of a traffic step, and whether that is what the step expects. */
#ifndef SIM_TRAFFIC_H
#define SIM_TRAFFIC_H

#include "sim/failures.h"
#include "sim/replies.h"
#include "sim/scenario.h"

enum {
	TRAFFIC_REPLY_BYTES = REPLIES_BYTES, /* kept of each reply, for people */
	TRAFFIC_FAILURES_PER_STEP_MAX = 5,   /* told; further ones are counted */
};

struct traffic_result {
	uint64_t started_ns, connected_ns, ended_ns; /* connected_ns: 0 when never */
	uint64_t sent_bytes;
	uint32_t from; /* the host */
	uint16_t local_port;
	enum host_outcome outcome;
	bool done;
	bool wrong; /* not what the step expects */
	int reply;  /* place among the expected replies, -1: none of them */
	unsigned answered, lost, duplicates; /* ping */
	uint64_t rtt_max_ns;
	char text[TRAFFIC_REPLY_BYTES]; /* the reply's first line */
};

/* All requests of one step, in the order in which they began. */
struct traffic {
	struct traffic_result *results;
	size_t count;
	size_t size;    /* room at 'results' */
	uint64_t wrong; /* requests that failed the step */
	uint64_t known,
	        moved; /* hosts with a reply before the step, and of these with another now */
};

void traffic_destroy(struct traffic *traffic);

/* A request begins: returns its place. */
size_t traffic_begin(struct traffic *traffic, uint32_t from, uint64_t now_ns);
/* It ended as 'result' says: record and judge it, beside the replies before. A failure goes to
 * 'failures'. */
void traffic_end(struct traffic *traffic, size_t place, const struct scenario *scenario,
                 const struct scenario_step *step, const struct host_result *result,
                 struct replies *replies, struct failures *failures, struct trace *trace);
/* All have ended: judge how many hosts got other replies than before the step, and the order. */
void traffic_judge_moved(const struct traffic *traffic, const struct scenario *scenario,
                         const struct scenario_step *step, uint64_t now_ns,
                         struct failures *failures);
void traffic_judge_order(const struct traffic *traffic, const struct scenario *scenario,
                         const struct scenario_step *step, uint64_t now_ns,
                         struct failures *failures, struct trace *trace);

/* "tcp h1 -> 192.168.2.2:22": the step in a few words. */
void traffic_step_text(const struct scenario *scenario, const struct scenario_step *step,
                       struct fb_text *text);
/* "0.650 ms", "1.234 s". */
void traffic_duration_text(struct fb_text *text, uint64_t ns);

#endif
