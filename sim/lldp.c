/* Telling discovery from traffic. See lldp.h. */
#include "sim/lldp.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/message.h>
#include <flowbed/packet.h>

#include "lib/base/xalloc.h"

/* Where things are in the messages (sections 5.3.6 and 5.4.1). */
enum {
	HEADER_BYTES = 8,
	BUFFER_ID_AT = 8,
	PACKET_IN_DATA_AT = 18,
	PACKET_OUT_ACTIONS_LEN_AT = 14,
	PACKET_OUT_ACTIONS_AT = 16,
};

bool lldp_is_frame(const uint8_t *frame, size_t len)
{
	return len >= FB_ETH_HEADER_BYTES && fb_get16(frame + 2 * FB_MAC_BYTES) == FB_ETH_LLDP;
}

/* The bytes of the frame in a packet-in or packet-out; NULL: none. */
static const uint8_t *carried_frame(const uint8_t *msg, size_t len, size_t *frame_len)
{
	size_t at = len;

	if (msg[1] == OFPT_PACKET_IN && len >= PACKET_IN_DATA_AT)
		at = PACKET_IN_DATA_AT;
	else if (msg[1] == OFPT_PACKET_OUT && len >= PACKET_OUT_ACTIONS_AT)
		at = PACKET_OUT_ACTIONS_AT + (size_t)fb_get16(msg + PACKET_OUT_ACTIONS_LEN_AT);
	if (at >= len)
		return NULL;
	*frame_len = len - at;
	return msg + at;
}

bool lldp_is_message(const uint8_t *msg, size_t len)
{
	size_t frame_len;
	const uint8_t *frame = carried_frame(msg, len, &frame_len);

	return frame && lldp_is_frame(frame, frame_len);
}

bool lldp_is_echo(const uint8_t *msg)
{
	return msg[1] == OFPT_ECHO_REQUEST || msg[1] == OFPT_ECHO_REPLY;
}

static void remember(struct lldp_buffers *buffers, uint32_t id)
{
	if (id == OFP_NO_BUFFER)
		return;
	if (buffers->count == LLDP_BUFFERS_MAX)
		memmove(buffers->ids, buffers->ids + 1, --buffers->count * sizeof *buffers->ids);
	if (buffers->count == buffers->size) {
		buffers->size = buffers->size ? 2 * buffers->size : 16;
		buffers->ids = xrealloc(buffers->ids, buffers->size * sizeof *buffers->ids);
	}
	buffers->ids[buffers->count++] = id;
}

/* True when the buffer was one of them, which it is no more. */
static bool let_go(struct lldp_buffers *buffers, uint32_t id)
{
	for (uint32_t i = 0; i < buffers->count; i++) {
		if (buffers->ids[i] != id)
			continue;
		buffers->count--;
		memmove(buffers->ids + i, buffers->ids + i + 1,
		        (buffers->count - i) * sizeof *buffers->ids);
		return true;
	}
	return false;
}

static bool is_discovery(struct lldp_buffers *buffers, const uint8_t *msg, size_t len)
{
	if (msg[1] == OFPT_PACKET_IN && lldp_is_message(msg, len)) {
		remember(buffers, fb_get32(msg + BUFFER_ID_AT));
		return true;
	}
	if (msg[1] != OFPT_PACKET_OUT || len < PACKET_OUT_ACTIONS_AT)
		return false;
	return let_go(buffers, fb_get32(msg + BUFFER_ID_AT)) || lldp_is_message(msg, len);
}

struct channel_load lldp_weigh(struct lldp_buffers *buffers, const uint8_t *bytes, size_t len)
{
	struct channel_load load = {0};
	size_t msg_len;

	for (; len >= HEADER_BYTES; bytes += msg_len, len -= msg_len) {
		msg_len = fb_get16(bytes + 2);
		if (msg_len < HEADER_BYTES || msg_len > len)
			break;
		load.messages++;
		load.background += is_discovery(buffers, bytes, msg_len);
		load.echoes += lldp_is_echo(bytes);
	}
	load.messages += len > 0;
	return load;
}

void lldp_buffers_forget(struct lldp_buffers *buffers)
{
	free(buffers->ids);
	*buffers = (struct lldp_buffers){0};
}
