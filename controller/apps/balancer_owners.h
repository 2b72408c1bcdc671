/* Addresses, and who answers to each, over the whole network. */
#ifndef BALANCER_OWNERS_H
#define BALANCER_OWNERS_H

#include <flowbed/discovery.h>

#include "controller/apps/balancer_probes.h"
#include "controller/apps/balancer_queue.h"
#include "controller/apps/balancer_schedulers.h"
#include "controller/apps/port_lists.h"

struct balancer;
struct balancer_call;
struct balancer_service;

/* No padding: it is compared as bytes. Written as a word, as struct balancer_key is. */
struct balancer_address_key {
	union {
		struct {
			uint32_t ip;
			uint16_t vlan; /* balancer_vlan() */
			uint16_t zero;
		};
		uint64_t word;
	};
};

static inline struct balancer_address_key balancer_address_key(uint32_t ip, uint16_t vlan)
{
	return (struct balancer_address_key){.word = ip | (uint64_t)vlan << 32};
}

/* A host that was heard under an address, or is configured to be a backend of it. */
struct balancer_owner {
	struct balancer_candidate as; /* 'as.id' is its MAC as a number; what schedulers see */
	uint8_t mac[FB_MAC_BYTES];
	uint32_t silent_sessions; /* without entries, remembered: beside as.sessions */
	struct fb_place at;  /* port 0: nobody knows where it is */
	uint64_t heard_ns;   /* the last time that it spoke for the address */
	uint32_t unanswered; /* probes since then */
	bool speaks_arp;     /* it was heard by ARP: so silence on probes means something */
	bool recalled;       /* known from a flow entry, and not heard yet: no new connections */
	bool configured;     /* by the address's service or a command: it stays when it is lost */
	bool away;           /* its switch is away: nobody can tell, and nothing can be sent there */
	bool drained;        /* keeps its sessions and gets no new ones */
	bool failed;         /* its TCP checks fail: balancer_health.c */
	uint8_t checks;      /* in a row that say the contrary of 'failed' */
};

/* How an address waits. */
enum balancer_watch {
	BALANCER_IDLE,    /* nobody connects to it: owners are checked for silence now and then */
	BALANCER_PROBED,  /* the next probe is due after the interval */
	BALANCER_CHECKED, /* a probe is out; soon its answers are counted */
	BALANCER_WATCHES,
};

struct balancer_address {
	struct balancer_address_key key;
	struct balancer_link link;
	enum balancer_watch watch;
	uint64_t wanted_ns;            /* the last time that somebody connected to it */
	uint64_t joined_ns;            /* ... that a new owner was heard beside others */
	uint64_t probed_ns;            /* the last probe, or question for it */
	struct balancer_schedule schedule;
	const struct balancer_service *service; /* configured; NULL: whoever owns it is a backend */
	bool shared;                   /* it has, or had, several owners, or is configured */
	struct balancer_owner *owners; /* in the order in which they were found */
	uint32_t owners_count, owners_size;
};

struct balancer_owners {
	struct fb_table *table; /* struct balancer_address */
	struct balancer_queue queues[BALANCER_WATCHES];
	struct fb_table *places;      /* each address and place where it has owners */
	struct port_lists at_places;  /* these, by place */
	struct balancer_probes probes;
	uint64_t probe_not_before_ns; /* probes are spread over time */
	uint64_t asks_since_ns;       /* questions for unknown addresses are counted by second */
	uint32_t asks;
};

/* Why an owner is lost. */
enum balancer_loss {
	BALANCER_LOST_PORT,   /* its port or its switch went down */
	BALANCER_LOST_SILENT, /* it does not answer to probes */
	BALANCER_LOST_CHECK,  /* its TCP checks fail */
};

/* False when memory is short. */
bool balancer_owners_init(struct balancer_owners *owners, const struct balancer *b, uint32_t seed);
void balancer_owners_free(struct balancer_owners *owners);

/* The addresses that the senders of the first BALANCER_BATCH_MAX of 'count' frames speak for, NULL:
 * none, or unknown. They are good while fb_table_changes() of the table is the same. */
void balancer_owners_find_many(const struct balancer_owners *owners,
                               const struct fb_packet_in *packet_ins, size_t count, void **found);
/* The one that the sender of 'pi' speaks for. */
struct balancer_address *balancer_owners_spoken_for(const struct balancer_owners *owners,
                                                    const struct fb_packet_in *pi);
/* 'pi' was heard at an edge: the sender of an ARP packet, or the source of an IPv4 packet, owns its
 * address, which is 'known' or unknown. True when the address, in '*ip', had no owner before. */
bool balancer_owners_hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                          struct balancer_address *known, uint32_t *ip);

/* A flow entry says that 'mac' at 'at' owns the address ('is_backend': that somebody connects to
 * it; 'is_shared': that it has several owners). Learned where it was not known, and probed. */
void balancer_owners_recall(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                            const uint8_t mac[FB_MAC_BYTES], struct fb_place at, bool is_backend,
                            bool is_shared);
/* True when all that is known of who owns the address comes from flow entries. */
bool balancer_owners_is_recalled(const struct balancer_address *address);

/* NULL: nobody was heard under the address. With no owners: there were some, and they are gone. */
struct balancer_address *balancer_owners_find(const struct balancer_call *call, uint32_t ip,
                                              uint16_t vlan);
struct balancer_owner *balancer_owners_by_mac(const struct balancer_address *address,
                                              const uint8_t mac[FB_MAC_BYTES]);
/* The owner that the address's scheduler chooses for 'client_ip'; NULL: none takes connections. */
struct balancer_owner *balancer_owners_choose(struct balancer_address *address, uint32_t client_ip);
/* Another owner that takes connections than 'mac', by 'spread' where there are several; NULL when
 * there is none. Not a turn. */
struct balancer_owner *balancer_owners_other(const struct balancer_address *address,
                                             const uint8_t mac[FB_MAC_BYTES], uint32_t spread);

/* True when 'owner' can be reached, as far as is known: sessions go on there. */
static inline bool balancer_owner_is_there(const struct balancer_owner *owner)
{
	return owner->at.port != 0;
}

/* True when it answers and its service does. */
static inline bool balancer_owner_is_up(const struct balancer_owner *owner)
{
	return balancer_owner_is_there(owner) && !owner->failed;
}

/* 'failed', 'drained' or the weight of 'owner' changed: the scheduler sees it from now on. */
void balancer_owners_update(struct balancer_address *address, struct balancer_owner *owner);
/* 'owner' failed, or its checks are good again (balancer_health.c): connections, and sessions, are
 * dealt with. */
void balancer_owners_set_failed(const struct balancer_call *call, struct balancer_address *address,
                                struct balancer_owner *owner, bool failed);
/* Whoever runs the controller wants 'owner' drained, or not, and with that weight: it is remembered
 * when it is lost, too. */
void balancer_owners_command(const struct balancer_call *call, struct balancer_address *address,
                             struct balancer_owner *owner, bool drained, uint32_t weight);
/* Take over what is configured: services that are new, changed, or gone. */
void balancer_owners_configure(const struct balancer_call *call);

/* True for a configured address of which no owner was ever heard: they may be about to answer. */
bool balancer_owners_await(const struct balancer_address *address);

/* Somebody connects to the address: it is probed from now on. */
void balancer_owners_wanted(const struct balancer_call *call, struct balancer_address *address);
/* An owner of the address was silent: probe at once. */
void balancer_owners_suspect(const struct balancer_call *call, struct balancer_address *address);
/* Ask who owns an address that is not known, or not well. The other one leaves out the edge
 * 'except', where a host has asked for it itself. */
void balancer_owners_ask(const struct balancer_call *call, uint32_t ip, uint16_t vlan);
void balancer_owners_ask_others(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                                struct fb_place except);

/* The switch 'node' went away, or is back: then owners behind ports that it lacks are lost. */
void balancer_owners_switch_down(const struct balancer_call *call, uint16_t node);
void balancer_owners_switch_up(const struct balancer_call *call, uint16_t node);
/* The owners at 'at' are gone. */
void balancer_owners_port_down(const struct balancer_call *call, struct fb_place at);
/* The host 'mac' moved. */
void balancer_owners_host_moved(const struct balancer_call *call, const uint8_t mac[FB_MAC_BYTES],
                                uint16_t vlan, struct fb_place from, struct fb_place to);
/* Probe and age what is due; and when that is to be called again. */
void balancer_owners_run(const struct balancer_call *call);
uint64_t balancer_owners_due(const struct balancer_owners *owners);

#endif
