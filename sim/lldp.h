/* What is no traffic: link-layer discovery frames (LLDP, Ethernet type 0x88cc), and the messages
 * that carry them between controller and switch.
 *
 * A controller that discovers links sends some out of every port for as long as it runs. They take
 * part in the run as everything does (they take time, get lost, are in captures and in the digest),
 * but nobody counts them as traffic: expectations do not, hosts do not, and a network in which
 * nothing else happens is quiet.
 *
 * A message is one of discovery when it is a packet-in or packet-out with the bytes of such a
 * frame, or a packet-out that lets go the packet buffer of such a packet-in; struct lldp_buffers
 * remembers which buffers those are.
 *
 * Nor are the echoes traffic by which the ends of a control connection learn that the other is still
 * there: a network in which they alone come and go, however often, is quiet. They are counted. */
#ifndef SIM_LLDP_H
#define SIM_LLDP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/frame.h"
#include "sim/channel.h"

/* Buffers of one switch that hold a discovery frame, as far as messages told. */
struct lldp_buffers {
	uint32_t *ids;
	uint32_t count, size;
};

enum { LLDP_BUFFERS_MAX = 1024 }; /* remembered; beyond it the oldest is taken for traffic */

bool lldp_is_frame(const uint8_t *frame, size_t len);
/* The message, which is whole, carries a discovery frame. */
bool lldp_is_message(const uint8_t *msg, size_t len);
/* The message is an ECHO_REQUEST or an ECHO_REPLY. */
bool lldp_is_echo(const uint8_t *msg);

/* How many messages there are in 'bytes', which a switch or its controller sends at once, all of
 * them whole, and how many of them are of discovery (the background of the load), and echoes. */
struct channel_load lldp_weigh(struct lldp_buffers *buffers, const uint8_t *bytes, size_t len);
void lldp_buffers_forget(struct lldp_buffers *buffers); /* all; frees what it holds */

#endif
