/* Three of the properties: those that a network has once it has converged. No traffic disappears
 * (blackholes.h), all connections end (connections.h), and all reach all (reach.h).
 *
 * This is what lies between these and the properties as a whole (properties.h): it asks them, puts
 * what they found into words, and looks for excuses. */
#ifndef SIM_PROPERTIES_AFTER_H
#define SIM_PROPERTIES_AFTER_H

#include "sim/network.h"

struct properties;
struct properties_after;

/* Both must outlive it. */
struct properties_after *properties_after_new(struct properties *properties,
                                              const struct scenario *scenario);
void properties_after_free(struct properties_after *after); /* takes NULL */
void properties_after_watch(struct properties_after *after, struct network *network);

/* As the members of struct network_observer; 'frame' has the tag of its life, of which 'sender' is. */
void properties_after_sent(struct properties_after *after, uint32_t host, const struct frame *frame,
                           uint64_t now_ns);
void properties_after_got(struct properties_after *after, uint32_t host, uint32_t sender,
                          const struct frame *frame);
void properties_after_lost(struct properties_after *after, const struct frame *frame);
/* The bytes of a frame change, which so does not arrive as it was sent. */
void properties_after_corrupted(struct properties_after *after, const struct frame *frame);
/* A control connection began or ended. */
void properties_after_reconnected(struct properties_after *after, uint64_t now_ns);

/* The run is at its end, and quiet. */
void properties_after_judge_end(struct properties_after *after);
/* The run is over, and all else is judged: let hosts ping each other. 'goes_on' as reach_ask(). False: there was
 * nobody to ask. */
bool properties_after_judge_reach(struct properties_after *after, bool (*goes_on)(void *ctx),
                                  void *ctx);

#endif
