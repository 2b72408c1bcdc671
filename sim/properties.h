/* What must hold in every run, whatever the scenario expects: the network is sound.
 *
 * Frames run in no loop and come to nobody twice (lives.h), connections are not split (affinity.h),
 * no switch sends an error, no buffer expires; and at the end of the run, when the network is quiet,
 * no switch that has a controller keeps a packet in a buffer or an entry for a port that is down. A
 * scenario that breaks one of these on purpose switches it off by its name.
 *
 * What a fault excuses (excuses.h) is counted, and no failure. */
#ifndef SIM_PROPERTIES_H
#define SIM_PROPERTIES_H

#include "sim/affinity.h"
#include "sim/excuses.h"
#include "sim/trace.h"

struct properties;

struct properties_ops {
	/* The first time that 'property' does not hold: what was expected, what happened, and what
	 * the story is about. */
	void (*broken)(void *ctx, enum scenario_property property, const char *expected,
	               const char *happened, const struct trace_relation *relation);
	/* When the network must have converged, as faults_converged_at(). NULL: never. */
	uint64_t (*converged_at)(void *ctx);
	void *ctx;
};

/* 'scenario' must outlive it. */
struct properties *properties_new(const struct scenario *scenario,
                                  const struct properties_ops *ops);
void properties_free(struct properties *properties); /* takes NULL */
/* Properties watch a network as observers; they are told which one it is. */
struct network_observer properties_observer(struct properties *properties);
void properties_watch(struct properties *properties, struct network *network);

/* A step is about to disturb the network: it has to converge again. */
void properties_disturbed(struct properties *properties);
/* Packet buffers may still be given back: somebody could wait a little. */
bool properties_await_buffers(const struct properties *properties);
/* The run is at its end, and quiet: judge what is judged then. */
void properties_judge_end(struct properties *properties);
/* All else is judged, and everything counted: see whether hosts reach each other. Time passes as long as
 * 'goes_on'. False: there was nobody to ask. */
bool properties_judge_reach(struct properties *properties, bool (*goes_on)(void *ctx), void *ctx);

/* Nothing kept the property from being judged, as far as it could be. */
bool properties_is_judged(const struct properties *properties, enum scenario_property property);
/* How often a property was found broken, and how often that was excused. */
uint64_t properties_count(const struct properties *properties, enum scenario_property property);
uint64_t properties_excused(const struct properties *properties, enum scenario_property property);
/* What a property demands, in a line. */
const char *properties_text(enum scenario_property property);
/* The scenario has not switched it off. */
bool properties_is_on(const struct properties *properties, enum scenario_property property);
const struct affinity *properties_affinity(const struct properties *properties);

/* --- For the parts that judge --- */

/* A property was found broken: true when this is the first time, and somebody wants to know; then
 * properties_tell() what happened. */
bool properties_is_news(struct properties *properties, enum scenario_property property);
void properties_tell(struct properties *properties, enum scenario_property property,
                     const char *happened, const struct trace_relation *relation);
/* Where a violation has an excuse it is counted as excused, and the answer is true. */
bool properties_excuse(struct properties *properties, const struct excuses_violation *violation);
void properties_count_excused(struct properties *properties, enum scenario_property property);
/* When the network has converged, or will have; 0: nothing ever disturbed it. */
uint64_t properties_converged_at(const struct properties *properties);
/* The network must have converged by now. */
bool properties_converged(const struct properties *properties);

#endif
