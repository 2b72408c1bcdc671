/* Which port of a switch a MAC address is behind. */
#ifndef BALANCER_STATIONS_H
#define BALANCER_STATIONS_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/port_lists.h"

struct balancer_call;

struct balancer_stations {
	struct fb_table *table; /* struct station */
	struct port_lists at_ports;
};

/* False when memory is short. */
bool balancer_stations_init(struct balancer_stations *stations, uint32_t seed);
void balancer_stations_free(struct balancer_stations *stations);
/* The stations that the first BALANCER_BATCH_MAX of 'count' frames come from, NULL: unknown. They
 * are good while fb_table_changes() of the table is the same. */
void balancer_stations_find_many(const struct balancer_stations *stations,
                                 const struct fb_packet_in *packet_ins, size_t count, void **found);
/* The one that 'pi' comes from. */
void *balancer_stations_find(const struct balancer_stations *stations,
                             const struct fb_packet_in *pi);
/* The frame 'pi' was heard: its source, which is no multicast address and has the station 'known'
 * or none, is behind its port. False when that is no news to be believed: the balancer itself put
 * that source there. */
bool balancer_stations_hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                            void *known);
/* The port behind which 'mac' was heard lately; 0 when it was not. */
uint16_t balancer_stations_port(const struct balancer_call *call, const uint8_t mac[FB_MAC_BYTES],
                                uint16_t vlan);
/* Forget who is behind 'port'. */
void balancer_stations_port_down(struct balancer_stations *stations, uint16_t port);

#endif
