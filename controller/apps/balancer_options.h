/* The options of the balancer. */
#ifndef BALANCER_OPTIONS_H
#define BALANCER_OPTIONS_H

#include <flowbed/app.h>

enum balancer_mode { BALANCER_MODE_FLOWS, BALANCER_MODE_PACKET };
enum balancer_entries { BALANCER_ENTRIES_TUPLE, BALANCER_ENTRIES_EXACT };

struct balancer_config {
	enum balancer_mode mode;
	enum balancer_entries entries;
	uint16_t priority;         /* of flow entries */
	uint16_t idle_timeout_s;   /* of flow entries */
	uint64_t grace_ns;         /* a session is kept so long without entries */
	uint32_t sessions_max;     /* by switch */
	uint32_t addresses_max;    /* by switch */
	uint32_t owners_max;       /* by address */
	uint64_t owner_timeout_ns; /* an unprobed owner is forgotten after so long a silence */
	uint64_t probe_interval_ns;
	uint32_t probes_lost_max; /* an owner leaves after so many probes in a row without answer */
	uint64_t hold_ns;         /* a SYN waits so long for the owner of its address */
	uint32_t hold_max;        /* SYNs that wait, by switch */
};

enum { BALANCER_OPTIONS_COUNT = 13 };
extern const struct fb_option balancer_options[BALANCER_OPTIONS_COUNT];

/* What 'values', one for each option in their order, say. */
struct balancer_config balancer_options_read(const uint64_t *values);

#endif
