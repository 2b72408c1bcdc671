/* What the ethtool ioctls tell of an interface and change in it: receive offloads and speeds. */
#ifndef SOFTSWITCH_PCAP_ETHTOOL_H
#define SOFTSWITCH_PCAP_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <flowbed/message.h>

/* Offloads that join frames on their way in. */
enum {
	PCAP_OFFLOAD_GRO = 1 << 0,
	PCAP_OFFLOAD_GRO_HW = 1 << 1,
	PCAP_OFFLOAD_LRO = 1 << 2,
	PCAP_OFFLOADS_COUNT = 3,
};

struct pcap_ethtool {
	int fd;                               /* a socket for ioctls */
	uint32_t features;                    /* that the kernel knows; 0: not asked yet */
	int feature_bit[PCAP_OFFLOADS_COUNT]; /* by place of the PCAP_OFFLOAD_* bit; -1: unknown */
};

/* False with errno when there is no socket to be had. */
bool pcap_ethtool_init(struct pcap_ethtool *ethtool);
void pcap_ethtool_destroy(struct pcap_ethtool *ethtool);

/* Set the administrative state of 'name' to up, or to down. False with errno. */
bool pcap_ethtool_bring_up(struct pcap_ethtool *ethtool, const char *name);
bool pcap_ethtool_bring_down(struct pcap_ethtool *ethtool, const char *name);
/* Turn off what joins frames; '*turned_off' are those that were on and are off now, '*still_on'
 * those that are on yet, both PCAP_OFFLOAD_*. False with errno when the interface cannot be asked
 * at all. */
bool pcap_ethtool_offloads_off(struct pcap_ethtool *ethtool, const char *name, uint32_t *turned_off,
                               uint32_t *still_on);
/* Turn 'offloads' on again. False with errno. */
bool pcap_ethtool_offloads_on(struct pcap_ethtool *ethtool, const char *name, uint32_t offloads);
/* Fill curr, advertised, supported and peer of 'desc' (OFPPF_*); zero where the interface does not
 * say, and as it was when it went away meanwhile. */
void pcap_ethtool_describe(struct pcap_ethtool *ethtool, const char *name,
                           struct fb_phy_port *desc);

#endif
