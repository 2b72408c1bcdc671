/* The options of the balancer. */
#ifndef BALANCER_OPTIONS_H
#define BALANCER_OPTIONS_H

#include <flowbed/app.h>

#include "controller/apps/balancer_schedulers.h"

enum balancer_mode { BALANCER_MODE_FLOWS, BALANCER_MODE_PACKET };
enum balancer_entries { BALANCER_ENTRIES_TUPLE, BALANCER_ENTRIES_EXACT };
enum balancer_arp_mode { BALANCER_ARP_PROXY, BALANCER_ARP_FLOOD };
enum balancer_failure { BALANCER_FAILURE_RESET, BALANCER_FAILURE_LEAVE };

struct balancer_config {
	enum balancer_mode mode;
	enum balancer_entries entries;
	enum balancer_arp_mode arp;
	enum balancer_failure on_failure;
	enum balancer_scheduler scheduler;
	uint16_t priority;         /* of flow entries */
	uint16_t idle_timeout_s;   /* of flow entries */
	uint64_t grace_ns;         /* a session is kept so long without entries */
	uint32_t sessions_max;
	uint32_t addresses_max;
	uint32_t owners_max;       /* by address */
	uint64_t owner_timeout_ns; /* an unprobed owner is forgotten after so long a silence */
	uint64_t probe_interval_ns;
	uint32_t probes_lost_max; /* an owner leaves after so many probes in a row without answer */
	uint64_t hold_ns;         /* a packet waits so long for the owner of its address */
	uint32_t hold_max;        /* packets that wait */
	uint64_t arp_settle_ns;   /* owners of an address that was just asked for have so long to
	                             answer, all of them */
	uint64_t barrier_timeout_ns; /* entries wait so long for those further on */
	uint32_t installs_max;    /* sessions whose entries are being installed on several switches */
	uint64_t recall_timeout_ns; /* a switch has so long to tell its entries */
	uint32_t probes_max;      /* unknown sessions whose backend is being found out */
	uint64_t reset_timeout_ns; /* a client has so long to answer before it is asked again */
	uint32_t reset_tries;
	uint32_t check_port;      /* TCP checks of all shared addresses; 0: none */
	uint32_t check_ip;        /* from which checks come; 0: chosen */
	uint64_t check_interval_ns, check_timeout_ns;
	uint32_t check_down, check_up; /* checks in a row that make a backend so */
};

/* Texts, valid as long as the instance. */
struct balancer_texts {
	const char *vip, *ports, *backends, *services, *check, *check_address;
};

enum { BALANCER_OPTIONS_COUNT = 33 };
extern const struct fb_option balancer_options[BALANCER_OPTIONS_COUNT];

/* What 'values', one for each option in their order, say. False with a text in 'error'. */
bool balancer_options_read(const uint64_t *values, struct balancer_config *config,
                           struct balancer_texts *texts, struct fb_text *error);

#endif
