/* Addresses that were configured: who their backends are, which ports they serve, and how.
 *
 * There are two sources, and one result. Options, for one address:
 *
 *     vip=192.168.2.2,ports=tcp/80+udp/53,backends=02:00:00:00:00:02*3+02:00:00:00:00:03
 *
 * and a file, for many:
 *
 *     # the shop
 *     vip 192.168.2.2 ports=tcp/80,tcp/443 scheduler=wrr check=tcp/80 vlan=7
 *     backend 02:00:00:00:00:02 weight=3
 *     backend 02:00:00:00:00:03 drain
 *
 * A line is a vip, with what follows it in any order, or a backend of the vip above. "#" begins a
 * comment. A vip without backends is one whose backends are found by observation, one without
 * ports= serves all ports of TCP and UDP. A backend without weight= has the weight 1. Lines end as
 * on Unix or on Windows.
 *
 * What is not exactly right is refused as a whole: the set is as before, so that a new version of a
 * file with a mistake in it changes nothing. The error names the first mistake by line and column,
 * and says what would be right.
 *
 * Limits: BALANCER_SERVICES_MAX and the others below. Lookups are O(1). Memory: up to 200 bytes for
 * each service, 100 for each backend, 8 for each port. What the text asks for is carried out by
 * others. */
#ifndef BALANCER_SERVICES_H
#define BALANCER_SERVICES_H

#include <flowbed/text.h>

#include "controller/apps/balancer_schedulers.h"

enum {
	BALANCER_SERVICES_MAX = 4096,
	BALANCER_SERVICE_BACKENDS_MAX = 4096,
	BALANCER_SERVICE_PORTS_MAX = 256,
	BALANCER_SERVICES_BACKENDS_MAX = 1 << 18, /* of all services */
	BALANCER_SERVICES_LINE_BYTES_MAX = 4096,  /* of a file: room for all ports */
};

struct balancer_services;

struct balancer_service_port {
	uint8_t proto; /* FB_IP_TCP or FB_IP_UDP */
	uint16_t port; /* at least 1 */
};

struct balancer_service_backend {
	uint8_t mac[FB_MAC_BYTES];
	bool drained;    /* sessions stay, no new connections come */
	uint32_t weight; /* at most BALANCER_WEIGHT_MAX; 0: no new connections */
	uint32_t line;   /* of the file; 0: it came from options */
};

struct balancer_service {
	/* The key. */
	uint32_t ip;
	uint16_t vlan; /* 1 to 4095, or OFP_VLAN_NONE */
	uint16_t zero;

	uint32_t line; /* of the file; 0: it came from options */
	bool has_scheduler;
	enum balancer_scheduler scheduler;   /* where it has one */
	uint16_t check_port;                 /* of TCP; 0: none */
	struct balancer_service_port *ports; /* in rising order of protocol and number */
	uint32_t ports_count, ports_size;    /* none: all of TCP and UDP */

	const struct balancer_services *set;       /* that it is in */
	struct balancer_service_backend *backends; /* as they were given */
	uint32_t backends_count, backends_size;    /* none: to be observed */
};

/* An empty set; NULL when memory is short. balancer_services_free() takes NULL. */
struct balancer_services *balancer_services_new(void);
void balancer_services_free(struct balancer_services *set);

/* --- From text (balancer_services_text.c). Where something is wrong: false, a text in 'error', and
 * 'set' as before. Pointers into 'set' are not valid afterwards. --- */

/* Add what the options say, "" for one that was not given; without any nothing is added. */
bool balancer_services_parse_options(struct balancer_services *set, const char *vip,
                                     const char *ports, const char *backends,
                                     struct fb_text *error);
/* Add what the 'len' bytes at 'text' say, which are the file 'name'. */
bool balancer_services_parse_file(struct balancer_services *set, const char *text, size_t len,
                                  const char *name, struct fb_text *error);

/* --- Looking up --- */

uint32_t balancer_services_count(const struct balancer_services *set);
/* By place in the order in which they were given, from 0; NULL past the last. */
const struct balancer_service *balancer_services_at(const struct balancer_services *set, size_t i);
/* The service at the address, or NULL. */
const struct balancer_service *balancer_services_find(const struct balancer_services *set,
                                                      uint32_t ip, uint16_t vlan);
/* False: its backends are to be observed. */
bool balancer_service_names_backends(const struct balancer_service *service);
/* The backend with that MAC, or NULL. */
const struct balancer_service_backend *
balancer_service_backend(const struct balancer_service *service, const uint8_t mac[FB_MAC_BYTES]);
/* Whether 'service' serves the port: only TCP and UDP have ports. */
bool balancer_service_serves(const struct balancer_service *service, uint8_t proto, uint16_t port);

/* --- Making, for those who read texts --- */

enum balancer_addition {
	BALANCER_ADDED,
	BALANCER_TWICE, /* it is there already */
	BALANCER_FULL,  /* the limit is reached */
	BALANCER_NO_MEMORY,
};

/* Add to the ports of 'service', which is in no set. */
enum balancer_addition balancer_service_add_port(struct balancer_service *service,
                                                 struct balancer_service_port port);
/* Append 'service', which has no backends. Its ports belong to the set when it was added. */
enum balancer_addition balancer_services_add(struct balancer_services *set,
                                             const struct balancer_service *service);
/* Append to the backends of the service that came last. */
enum balancer_addition
balancer_services_add_backend(struct balancer_services *set,
                              const struct balancer_service_backend *backend);
/* Take out the services that came last, until 'count' are left. */
void balancer_services_truncate(struct balancer_services *set, uint32_t count);

#endif
