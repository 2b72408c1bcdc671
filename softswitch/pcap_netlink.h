/* What the system says of interfaces, through a netlink socket on a libevent loop: events as they
 * happen and answers to questions. It knows nothing of ports. */
#ifndef SOFTSWITCH_PCAP_NETLINK_H
#define SOFTSWITCH_PCAP_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <flowbed/bytes.h>

struct pcap_netlink;

/* An interface. */
struct pcap_link {
	char name[IFNAMSIZ];
	int ifindex;
	uint16_t type;  /* ARPHRD_* */
	uint32_t flags; /* IFF_* */
	uint32_t mtu_bytes;
	uint8_t mac[FB_MAC_BYTES];
	bool answer;    /* to a question; else something has changed */
	bool has_stats; /* 'stats' were told */
	struct rtnl_link_stats64 stats;
};

struct pcap_netlink_ops {
	/* 'link' is there. */
	void (*there)(void *ctx, const struct pcap_link *link);
	/* The interface 'name' is not there; 'ifindex' was its number, or 0 in an answer. */
	void (*gone)(void *ctx, const char *name, int ifindex);
	/* All that waited was told. 'lost': events went lost before, so that only questions bring
	 * the present state. */
	void (*settled)(void *ctx, bool lost);
	void *ctx;
};

/* NULL with errno where that fails. 'ops' are called from 'base''s loop and from
 * pcap_netlink_read(). */
struct pcap_netlink *pcap_netlink_new(struct event_base *base, const struct pcap_netlink_ops *ops);
void pcap_netlink_free(struct pcap_netlink *netlink);
/* Ask about the interface 'name': there() or gone() will be called. False where that cannot be
 * asked now. The system's answer is ready to be read when this returns. */
bool pcap_netlink_ask(struct pcap_netlink *netlink, const char *name);
/* Tell what waits. */
void pcap_netlink_read(struct pcap_netlink *netlink);

#endif
