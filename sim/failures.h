/* What did not hold in a run: the place in the file, what was expected, what happened, and the
 * frames and messages that led there. */
#ifndef SIM_FAILURES_H
#define SIM_FAILURES_H

#include "sim/problems.h"
#include "sim/trace.h"

enum { FAILURES_MAX = 100 }; /* kept; further ones are counted */

/* What it is a failure of. */
enum failure_kind { FAILURE_OF_RUN, FAILURE_OF_STEP, FAILURE_OF_EXPECTATION, FAILURE_OF_PROPERTY };

struct failure_of {
	enum failure_kind kind;
	uint32_t id; /* the step's, the expectation's, or which property: positions are shared by aliases */
};

struct failure {
	struct failure_of of;
	char *key; /* what did not hold, in a few words that stay the same from run to run: the
	              property's name, "answered h2", "tcp h1 -> 192.168.2.2:22", "end" */
	struct position at;
	uint64_t time_ns;
	char *expected, *happened;
	char *story; /* lines of the trace; NULL: none were kept */
};

struct failures {
	struct failure *items;
	size_t count;
	uint64_t total; /* with those that are not kept */
};

void failures_init(struct failures *failures);
void failures_destroy(struct failures *failures);

/* Add one; texts are copied, printable (printable.h). With 'trace' (may be NULL) the events of 'relation' become its story.
 */
void failures_add(struct failures *failures, struct failure_of of, const char *key, struct position at,
                  uint64_t time_ns, const char *expected, const char *happened, struct trace *trace,
                  const struct trace_relation *relation);

/* Add 'text', which may have lines, to what happened in the failure at 'place' of 'items', which may be one beyond those that
 * are kept. */
void failures_append(struct failures *failures, size_t place, const char *text);

/* Print each, naming 'file'. */
void failures_print(const struct failures *failures, const char *file, FILE *out);

#endif
