/* Which backend gets the next connection.
 *
 * Five rules, over the candidates that are eligible and have a weight:
 *
 *     rr      round robin: one after the other, in their order: the candidate 'turn mod number of
 *             them'. Weights do not count (save 0).
 *     wrr     smooth weighted round robin: of any 'sum of the weights' connections in a row each
 *             gets exactly as many as its weight, spread out evenly: 3:1 is A A B A.
 *     lc      least connections: the smallest number of sessions for its weight; among equals the
 *             next after the one chosen last.
 *     source  by the client's address, in proportion to the weights. A change of the candidates
 *             moves most clients.
 *     maglev  by the client's address, in proportion to the weights, through a table that moves few
 *             clients but those of the candidate that went or came (Eisenbud and others: "Maglev: A
 *             Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4).
 *
 * All is integer arithmetic with a fixed hash, so that the same candidates and connections give the
 * same choices on every machine; source and maglev do not depend on the order of the candidates
 * either, so that clients keep their backend when the controller starts anew. The price: who knows
 * the hash can choose addresses that go to one backend.
 *
 * Costs, for n candidates. rr and maglev: one look at a table. source: log n steps. wrr and lc: n
 * steps. After balancer_schedule_changed() the first connection pays for a new list (rr: n steps;
 * source and maglev: n log n), and maglev for a new table where who is in it has changed: some
 * milliseconds. Memory: 24 bytes for each candidate of rr, source and maglev; maglev 131,074 bytes
 * for its table and 16 for each candidate more, once there were two to choose from; while a table
 * is made 20 bytes more for each candidate.
 *
 * It is left to the owner of the candidates to say who is eligible and how many sessions there
 * are. */
#ifndef BALANCER_SCHEDULERS_H
#define BALANCER_SCHEDULERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nobody is eligible. */
#define BALANCER_NOBODY UINT32_MAX

enum {
	BALANCER_CANDIDATES_MAX = 65534, /* more than any address has: their weights fit 32 bits */
	BALANCER_WEIGHT_MAX = 65535,
	BALANCER_MAGLEV_SLOTS = 65537, /* a prime */
};

/* A backend, as schedulers see it. */
struct balancer_candidate {
	uint64_t id;       /* its MAC as a number: no two of an address have the same */
	int64_t credit;    /* wrr: the connections that it is owed; starts as 0 */
	uint32_t weight;   /* at most BALANCER_WEIGHT_MAX; 0: it gets no connections */
	uint32_t sessions; /* lc: now */
	bool eligible;
};

/* The candidates of an address, wherever they are: 'count' of them, from 'first' on, each 'stride'
 * bytes behind the one before. */
struct balancer_candidates {
	struct balancer_candidate *first;
	size_t stride;
	uint32_t count; /* at most BALANCER_CANDIDATES_MAX */
};

enum balancer_scheduler {
	BALANCER_ROUND_ROBIN,
	BALANCER_WEIGHTED,
	BALANCER_LEAST,
	BALANCER_SOURCE,
	BALANCER_MAGLEV,
	BALANCER_SCHEDULERS,
};

/* "rr", "wrr", "lc", "source", "maglev", NULL: by enum balancer_scheduler, and the choices of an
 * option. */
extern const char *const balancer_scheduler_names[BALANCER_SCHEDULERS + 1];

struct balancer_entry;
struct balancer_maglev;

/* The state of one address. */
struct balancer_schedule {
	enum balancer_scheduler scheduler;
	bool is_listed;   /* 'entries' tell of the candidates as they are */
	uint32_t last;    /* lc: the one chosen last */
	uint64_t turn;    /* connections so far */
	uint64_t weights; /* wrr: the sum by which the credits are measured; 0: none yet */

	/* rr, source, maglev: those who can be chosen. */
	struct balancer_entry *entries;
	uint32_t entries_count, entries_size;
	uint32_t listed_count; /* candidates when they were listed */
	struct balancer_maglev *maglev;

	uint64_t short_of_memory; /* choices made by walking through the candidates instead */
};

/* A new schedule. Nothing is allocated before the first connection. */
void balancer_schedule_init(struct balancer_schedule *schedule, enum balancer_scheduler scheduler);
void balancer_schedule_free(struct balancer_schedule *schedule);

/* To be called whenever a candidate came, went, moved to another place, became eligible or got
 * another weight, and when it stopped being eligible: before the next choice. (Nobody who is not
 * eligible is ever chosen, said or not.) */
void balancer_schedule_changed(struct balancer_schedule *schedule);

/* The number of the candidate that gets the next connection, which comes from 'client_ip'; it is
 * this one's turn. BALANCER_NOBODY when none can be chosen, and then it was no turn. The caller
 * counts the session. */
uint32_t balancer_schedule_pick(struct balancer_schedule *schedule,
                                const struct balancer_candidates *candidates, uint32_t client_ip);

/* Another one than the candidate 'except' (BALANCER_NOBODY: any), for a connection that did not get
 * on there: by the number 'spread', in proportion to the weights, with rr evenly. Not a turn.
 * BALANCER_NOBODY when there is no other. */
uint32_t balancer_schedule_other(const struct balancer_schedule *schedule,
                                 const struct balancer_candidates *candidates, uint32_t except,
                                 uint32_t spread);

#endif
