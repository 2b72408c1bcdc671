/* Who answered whom: the latest reply that each host got from each address and port, over all steps
 * of a run, so that a step can expect the same one again, or only so many others. */
#ifndef SIM_REPLIES_H
#define SIM_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replies;

enum {
	REPLIES_MAX = 1 << 20, /* remembered; the oldest goes for the next, and is counted */
	REPLIES_BYTES = 48,    /* of a reply */
};

/* A service as a host asks it. */
struct replies_key {
	uint32_t host;
	uint32_t ip;
	uint16_t port;
	uint16_t proto;
};

/* What a reply is beside those before it. */
struct replies_news {
	char before[REPLIES_BYTES]; /* the latest one, "" for none */
	bool known; /* in this step the first one, and there was one in an earlier step */
	bool moved; /* in this step the first one that differs from the latest of those */
};

struct replies *replies_new(void);
void replies_free(struct replies *replies); /* takes NULL */

/* A host got the reply 'text' in step 'step'. */
void replies_note(struct replies *replies, const struct replies_key *key, uint32_t step,
                  const char *text, struct replies_news *news);
uint64_t replies_forgotten(const struct replies *replies);

#endif
