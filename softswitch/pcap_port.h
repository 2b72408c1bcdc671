/* The real interfaces of a switch: frames in and out through libpcap, what the system says of the
 * interfaces through netlink.
 *
 * An interface is opened in promiscuous mode for frames that come in (no own frames back), and
 * GRO and LRO are turned off, because a switch must see frames as they were on the wire. A
 * frame longer than the interface's MTU allows is counted and told (rate-limited): it says that an
 * offload is on at the sender's end. It is treated as any other where it fits the buffers that were
 * made for frames of the MTU, and dropped where it does not. An interface that vanishes is told as
 * removed, one that is there (again) as added, under the port number that its place in the list
 * gives it, counted from 1; carrier, address and speed are told as they change. An interface that
 * is down when it is taken is brought up; one that is brought down later stays so.
 *
 * pcap_port.c keeps the ports, pcap_claim.c keeps other switches away from them, pcap_capture.c has
 * libpcap, pcap_local.c the TAP interface,
 * pcap_netlink.c the news of the system, pcap_ethtool.c offloads and speeds. */
#ifndef SOFTSWITCH_PCAP_PORT_H
#define SOFTSWITCH_PCAP_PORT_H

#include <event2/event.h>

#include <flowbed/message.h>

#include "lib/base/frame.h"
#include "lib/io/log.h"
#include "softswitch/datapath.h"

struct pcap_ports;

struct pcap_ports_config {     /* pcap_ports_config_default() fills it */
	uint32_t buffer_bytes; /* of the kernel's ring of each interface: 4 MiB; 256 MiB of all */
	uint32_t batch_max;    /* frames of one interface before the others get their turn: 64 */
	uint64_t stats_ns;     /* how often devices' error counters are read: 1 s */
	uint64_t warn_ns;      /* least time between two warnings of one kind and port: 10 s */
	const char *local;     /* a TAP interface to make for OFPP_LOCAL; NULL: none. Copied */
};

struct pcap_ports_ops {
	/* A frame came in; takes over the reference. */
	void (*frame)(void *ctx, uint16_t port_no, struct frame *frame);
	/* A port is there, is there no more, has changed. */
	void (*added)(void *ctx, const struct fb_phy_port *port);
	void (*removed)(void *ctx, uint16_t port_no);
	void (*updated)(void *ctx, const struct fb_phy_port *port);
	/* What the device counted since the last time. */
	void (*counted)(void *ctx, uint16_t port_no, const struct fb_port_stats *more);
	void (*log)(void *ctx, enum log_level level, const char *line);
	void *ctx;
};

void pcap_ports_config_default(struct pcap_ports_config *config);
/* 'ops' are called from 'base''s loop, and added() for each interface from pcap_ports_start(). None
 * of them may free the ports. 'config' and 'ops' are copied. */
struct pcap_ports *pcap_ports_new(struct event_base *base, const struct pcap_ports_config *config,
                                  const struct pcap_ports_ops *ops, struct frame_pool *pool);
/* Add the interface 'name' as the next port, before the start. -1 with a text in 'error' that says
 * what to do: the name is too long, or was added before. */
int pcap_ports_add(struct pcap_ports *ports, const char *name, char *error, size_t error_size);
/* The name of a port's interface, before the start too; NULL: there is no such port. */
const char *pcap_ports_name(const struct pcap_ports *ports, uint16_t port_no);
/* Open all. -1 with a text in 'error' when an interface is not there or may not be opened: a switch
 * does not start with less than it was asked for; later it lives with what is there. */
int pcap_ports_start(struct pcap_ports *ports, char *error, size_t error_size);
/* Send 'frame', which is borrowed, by a port. Calls nothing back but log(). */
enum datapath_sent pcap_ports_send(struct pcap_ports *ports, uint16_t port_no, struct frame *frame);
/* A controller takes the port down, or up again: so is its interface, which is told as it happens.
 * Calls nothing back but log(). */
void pcap_ports_set_down(struct pcap_ports *ports, uint16_t port_no, bool down);
/* Close all, turn on again the offloads that were turned off, and log what was counted; NULL is
 * taken. */
void pcap_ports_free(struct pcap_ports *ports);

#endif
