/* What the files of the real interfaces share: the ports and what they hold. See pcap_port.h. */
#ifndef SOFTSWITCH_PCAP_PRIVATE_H
#define SOFTSWITCH_PCAP_PRIVATE_H

#include <linux/if_link.h>
#include <net/if.h>
#include <pcap/pcap.h>

#include "softswitch/pcap_ethtool.h"
#include "softswitch/pcap_netlink.h"
#include "softswitch/pcap_port.h"

/* Kinds of warnings, each with its own limit of rate on each port. */
enum pcap_warning {
	PCAP_WARNING_OVERSIZED,
	PCAP_WARNING_CHECKSUM,
	PCAP_WARNING_DROPS,
	PCAP_WARNING_SEND,
	PCAP_WARNING_OPEN,
	PCAP_WARNINGS,
};

struct pcap_port {
	struct pcap_ports *ports;
	uint16_t port_no;
	bool local; /* the TAP interface of OFPP_LOCAL */
	char name[IFNAMSIZ];

	/* What the system says; all but 'asked' only while the interface is there. */
	int claim_fd;                    /* keeps other switches away; -1: not taken */
	bool asked;                      /* an answer of netlink is awaited */
	int ifindex;                     /* 0: it is not there */
	uint32_t flags;                  /* IFF_* */
	uint32_t mtu_bytes;              /* of a frame's payload */
	struct rtnl_link_stats64 device; /* its counters when last read */
	uint32_t offloads;               /* those that we turned off, PCAP_OFFLOAD_* */
	struct fb_phy_port desc;         /* as the owner was told */
	bool told;                       /* added() was called */
	bool vanished;                   /* it was there before */
	bool set_down;                   /* by a controller */

	/* The way of frames. */
	pcap_t *pcap;           /* NULL: closed, or the TAP interface */
	int fd;                 /* the packet socket or the TAP; -1: closed */
	struct event *readable; /* 'fd' */
	uint32_t snap_bytes;    /* the longest frame that 'pcap' takes */
	uint32_t drops;         /* of the kernel, as 'pcap' last said */
	char failure[256];      /* why it could not be opened; empty: it could */

	struct {
		uint64_t next_ns; /* no earlier */
		uint64_t count;   /* what happened since the last warning */
	} warned[PCAP_WARNINGS];
};

struct pcap_ports_counters { /* logged in the end */
	uint64_t frames_in, frames_out, send_failed;
	uint64_t oversized;         /* frames above the MTU that came in */
	uint64_t oversized_dropped; /* of those, the ones that were too long for the buffers */
	uint64_t partial_checksums; /* frames whose sender left the checksum to an offload */
	uint64_t kernel_drops;      /* frames that the kernel dropped because we were slow */
	uint64_t vanished;          /* interfaces that went away */
};

struct pcap_ports {
	struct event_base *base;
	struct pcap_ports_config config;
	struct pcap_ports_ops ops;
	struct frame_pool *pool;
	struct pcap_ports_counters counters;
	struct pcap_port **list; /* interfaces by place, port number - 1; then the TAP interface */
	size_t count;
	bool running;      /* the start is over: what goes wrong is told in the log */
	size_t interfaces; /* of 'list', without the TAP interface */
	char local[IFNAMSIZ + 1];
	struct pcap_netlink *netlink;
	struct pcap_ethtool ethtool;
	struct event *tick; /* every 'stats_ns' */
	size_t ask_at;      /* place in 'list' that netlink is asked about next */
};

/* --- pcap_port.c --- */
void pcap_port_log(struct pcap_port *port, enum log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* One of 'warning' happened: tell of it, with how often it did, unless that was done a moment ago.
 */
void pcap_port_warn(struct pcap_port *port, enum pcap_warning warning, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A frame came in. */
void pcap_port_deliver(struct pcap_port *port, const void *bytes, size_t len);
/* Frames are about to be read: returns false when 'port' turns out to be closed. */
bool pcap_port_before_reading(struct pcap_port *port);

/* --- pcap_claim.c --- */
/* Keep other switches away from the port's interface. True, or false with the reason in
 * 'port->failure'. */
bool pcap_claim_take(struct pcap_port *port);
void pcap_claim_give(struct pcap_port *port);
/* Warn when the interface has an address. */
void pcap_claim_look_at_addresses(struct pcap_port *port);

/* --- pcap_capture.c --- */
/* Open 'port->name' for frames of 'port->mtu_bytes'. True, or false with the reason in
 * 'port->failure'. */
bool pcap_capture_open(struct pcap_port *port);
/* False, with what to do in 'port->failure', when we may not capture at all. */
bool pcap_capture_permitted(struct pcap_port *port);
void pcap_capture_close(struct pcap_port *port);
/* Deliver what waits, before closing. */
void pcap_capture_drain(struct pcap_port *port);
/* True when the buffers are of another size than those that the MTU asks for. */
bool pcap_capture_misfits(const struct pcap_port *port);
/* How many frames the kernel dropped since the last time. */
uint32_t pcap_capture_drops(struct pcap_port *port);
enum datapath_sent pcap_capture_send(struct pcap_port *port, struct frame *frame);

/* --- pcap_local.c --- */
/* Make the TAP interface 'port->name', or take it when it is there. True, or false with the reason
 * in 'port->failure'. */
bool pcap_local_open(struct pcap_port *port);
void pcap_local_close(struct pcap_port *port);
enum datapath_sent pcap_local_send(struct pcap_port *port, struct frame *frame);

#endif
