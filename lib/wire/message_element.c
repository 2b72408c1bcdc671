/* The repeated elements of OpenFlow messages: ports (section 5.2.1), queues (5.2.2) and the entries
 * of statistics replies (5.3.5), checked, walked and made.
 *
 * Most have one size, so that a run of them is checked by its length alone, in message_decode.c.
 * Flow statistics and queues carry their own lengths and hold lists in turn; their checks are here,
 * beside the walkers that rely on them. Messages as a whole are left to message_decode.c and
 * message_encode.c. */
#include "lib/wire/message_element.h"

#include <assert.h>

#include "lib/wire/of_error.h"

void message_element_get_text(char *text, const char *wire, size_t size)
{
	size_t len = strnlen(wire, size);

	memcpy(text, wire, len);
	memset(text + len, 0, size + 1 - len);
}

void message_element_set_text(char *wire, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(wire, text, len);
	memset(wire + len, 0, size - len);
}

/* The element of 'size' bytes at '*offset', which is advanced; NULL at the end. */
static const void *next(struct fb_view view, size_t *offset, size_t size)
{
	const uint8_t *p;

	if (*offset >= view.len)
		return NULL;
	assert(view.len - *offset >= size);
	p = view.data + *offset;
	*offset += size;
	return p;
}

/* Ports. */

void message_element_decode_port(struct fb_phy_port *port, const struct ofp_phy_port *wire)
{
	port->port_no = fb_get16(&wire->port_no);
	memcpy(port->hw_addr, wire->hw_addr, FB_MAC_BYTES);
	message_element_get_text(port->name, wire->name, sizeof wire->name);
	port->config = fb_get32(&wire->config);
	port->state = fb_get32(&wire->state);
	port->curr = fb_get32(&wire->curr);
	port->advertised = fb_get32(&wire->advertised);
	port->supported = fb_get32(&wire->supported);
	port->peer = fb_get32(&wire->peer);
}

void message_element_encode_port(struct ofp_phy_port *wire, const struct fb_phy_port *port)
{
	fb_set16(&wire->port_no, port->port_no);
	memcpy(wire->hw_addr, port->hw_addr, FB_MAC_BYTES);
	message_element_set_text(wire->name, sizeof wire->name, port->name);
	fb_set32(&wire->config, port->config);
	fb_set32(&wire->state, port->state);
	fb_set32(&wire->curr, port->curr);
	fb_set32(&wire->advertised, port->advertised);
	fb_set32(&wire->supported, port->supported);
	fb_set32(&wire->peer, port->peer);
}

bool fb_phy_port_next(struct fb_view view, size_t *offset, struct fb_phy_port *port)
{
	const struct ofp_phy_port *wire = next(view, offset, sizeof *wire);

	if (!wire)
		return false;
	message_element_decode_port(port, wire);
	return true;
}

bool fb_phy_port_put(struct fb_buf *out, const struct fb_phy_port *port)
{
	struct ofp_phy_port *wire = (void *)fb_buf_reserve(out, sizeof *wire);

	if (!wire)
		return false;
	message_element_encode_port(wire, port);
	return true;
}

/* Flow statistics. */

int message_element_check_flow_stats(struct fb_view view, struct fb_of_error *error)
{
	const struct ofp_flow_stats *wire;
	size_t offset, len;

	for (offset = 0; offset < view.len; offset += len) {
		wire = (const void *)(view.data + offset);
		if (view.len - offset < sizeof *wire)
			return of_error_bad_len(error, "the last flow statistics entry is cut off");
		len = fb_get16(&wire->length);
		if (len < sizeof *wire)
			return of_error_bad_len(error,
			                        "a flow statistics entry's length is too small");
		if (len > view.len - offset)
			return of_error_bad_len(error,
			                        "a flow statistics entry is longer than the reply");
		if (fb_actions_check(wire->actions, len - sizeof *wire, true, error) < 0)
			return -1;
	}
	return 0;
}

bool fb_flow_stats_next(struct fb_view view, size_t *offset, struct fb_flow_stats *stats)
{
	const struct ofp_flow_stats *wire = next(view, offset, sizeof *wire);
	size_t len;

	if (!wire)
		return false;
	len = fb_get16(&wire->length);
	assert(len >= sizeof *wire && len - sizeof *wire <= view.len - *offset);
	stats->table_id = wire->table_id;
	fb_match_decode((const uint8_t *)&wire->match, &stats->match);
	stats->duration_sec = fb_get32(&wire->duration_sec);
	stats->duration_nsec = fb_get32(&wire->duration_nsec);
	stats->priority = fb_get16(&wire->priority);
	stats->idle_timeout = fb_get16(&wire->idle_timeout);
	stats->hard_timeout = fb_get16(&wire->hard_timeout);
	stats->cookie = fb_get64(&wire->cookie);
	stats->packet_count = fb_get64(&wire->packet_count);
	stats->byte_count = fb_get64(&wire->byte_count);
	stats->actions = (struct fb_view){wire->actions, len - sizeof *wire};
	*offset += len - sizeof *wire;
	return true;
}

bool fb_flow_stats_put(struct fb_buf *out, const struct fb_flow_stats *stats)
{
	struct ofp_flow_stats *wire = NULL;
	size_t len = sizeof *wire + stats->actions.len;

	if (len <= UINT16_MAX)
		wire = (void *)fb_buf_reserve(out, len);
	if (!wire) {
		out->overflow = true;
		return false;
	}
	memset(wire, 0, sizeof *wire);
	fb_set16(&wire->length, (uint16_t)len);
	wire->table_id = stats->table_id;
	fb_match_encode((uint8_t *)&wire->match, &stats->match);
	fb_set32(&wire->duration_sec, stats->duration_sec);
	fb_set32(&wire->duration_nsec, stats->duration_nsec);
	fb_set16(&wire->priority, stats->priority);
	fb_set16(&wire->idle_timeout, stats->idle_timeout);
	fb_set16(&wire->hard_timeout, stats->hard_timeout);
	fb_set64(&wire->cookie, stats->cookie);
	fb_set64(&wire->packet_count, stats->packet_count);
	fb_set64(&wire->byte_count, stats->byte_count);
	if (stats->actions.len)
		memcpy(wire->actions, stats->actions.data, stats->actions.len);
	return true;
}

/* Table statistics. */

bool fb_table_stats_next(struct fb_view view, size_t *offset, struct fb_table_stats *stats)
{
	const struct ofp_table_stats *wire = next(view, offset, sizeof *wire);

	if (!wire)
		return false;
	stats->table_id = wire->table_id;
	message_element_get_text(stats->name, wire->name, sizeof wire->name);
	stats->wildcards = fb_get32(&wire->wildcards);
	stats->max_entries = fb_get32(&wire->max_entries);
	stats->active_count = fb_get32(&wire->active_count);
	stats->lookup_count = fb_get64(&wire->lookup_count);
	stats->matched_count = fb_get64(&wire->matched_count);
	return true;
}

bool fb_table_stats_put(struct fb_buf *out, const struct fb_table_stats *stats)
{
	struct ofp_table_stats *wire = (void *)fb_buf_reserve(out, sizeof *wire);

	if (!wire)
		return false;
	wire->table_id = stats->table_id;
	memset(wire->pad, 0, sizeof wire->pad);
	message_element_set_text(wire->name, sizeof wire->name, stats->name);
	fb_set32(&wire->wildcards, stats->wildcards);
	fb_set32(&wire->max_entries, stats->max_entries);
	fb_set32(&wire->active_count, stats->active_count);
	fb_set64(&wire->lookup_count, stats->lookup_count);
	fb_set64(&wire->matched_count, stats->matched_count);
	return true;
}

/* Port statistics. */

bool fb_port_stats_next(struct fb_view view, size_t *offset, struct fb_port_stats *stats)
{
	const struct ofp_port_stats *wire = next(view, offset, sizeof *wire);

	if (!wire)
		return false;
	stats->port_no = fb_get16(&wire->port_no);
	stats->rx_packets = fb_get64(&wire->rx_packets);
	stats->tx_packets = fb_get64(&wire->tx_packets);
	stats->rx_bytes = fb_get64(&wire->rx_bytes);
	stats->tx_bytes = fb_get64(&wire->tx_bytes);
	stats->rx_dropped = fb_get64(&wire->rx_dropped);
	stats->tx_dropped = fb_get64(&wire->tx_dropped);
	stats->rx_errors = fb_get64(&wire->rx_errors);
	stats->tx_errors = fb_get64(&wire->tx_errors);
	stats->rx_frame_err = fb_get64(&wire->rx_frame_err);
	stats->rx_over_err = fb_get64(&wire->rx_over_err);
	stats->rx_crc_err = fb_get64(&wire->rx_crc_err);
	stats->collisions = fb_get64(&wire->collisions);
	return true;
}

bool fb_port_stats_put(struct fb_buf *out, const struct fb_port_stats *stats)
{
	struct ofp_port_stats *wire = (void *)fb_buf_reserve(out, sizeof *wire);

	if (!wire)
		return false;
	fb_set16(&wire->port_no, stats->port_no);
	memset(wire->pad, 0, sizeof wire->pad);
	fb_set64(&wire->rx_packets, stats->rx_packets);
	fb_set64(&wire->tx_packets, stats->tx_packets);
	fb_set64(&wire->rx_bytes, stats->rx_bytes);
	fb_set64(&wire->tx_bytes, stats->tx_bytes);
	fb_set64(&wire->rx_dropped, stats->rx_dropped);
	fb_set64(&wire->tx_dropped, stats->tx_dropped);
	fb_set64(&wire->rx_errors, stats->rx_errors);
	fb_set64(&wire->tx_errors, stats->tx_errors);
	fb_set64(&wire->rx_frame_err, stats->rx_frame_err);
	fb_set64(&wire->rx_over_err, stats->rx_over_err);
	fb_set64(&wire->rx_crc_err, stats->rx_crc_err);
	fb_set64(&wire->collisions, stats->collisions);
	return true;
}

/* Queue statistics. */

bool fb_queue_stats_next(struct fb_view view, size_t *offset, struct fb_queue_stats *stats)
{
	const struct ofp_queue_stats *wire = next(view, offset, sizeof *wire);

	if (!wire)
		return false;
	stats->port_no = fb_get16(&wire->port_no);
	stats->queue_id = fb_get32(&wire->queue_id);
	stats->tx_bytes = fb_get64(&wire->tx_bytes);
	stats->tx_packets = fb_get64(&wire->tx_packets);
	stats->tx_errors = fb_get64(&wire->tx_errors);
	return true;
}

bool fb_queue_stats_put(struct fb_buf *out, const struct fb_queue_stats *stats)
{
	struct ofp_queue_stats *wire = (void *)fb_buf_reserve(out, sizeof *wire);

	if (!wire)
		return false;
	fb_set16(&wire->port_no, stats->port_no);
	memset(wire->pad, 0, sizeof wire->pad);
	fb_set32(&wire->queue_id, stats->queue_id);
	fb_set64(&wire->tx_bytes, stats->tx_bytes);
	fb_set64(&wire->tx_packets, stats->tx_packets);
	fb_set64(&wire->tx_errors, stats->tx_errors);
	return true;
}

/* Queues. */

/* Check the properties of one queue; unknown ones pass, their lengths say where the next begins. */
static int check_queue_properties(const uint8_t *bytes, size_t size, struct fb_of_error *error)
{
	const struct ofp_queue_prop_header *property;
	size_t offset, len;

	for (offset = 0; offset < size; offset += len) {
		property = (const void *)(bytes + offset);
		if (size - offset < sizeof *property)
			return of_error_bad_len(error, "a queue's last property is cut off");
		len = fb_get16(&property->len);
		if (len < sizeof *property || len > size - offset)
			return of_error_bad_len(error, "a queue property's length does not fit");
		if (fb_get16(&property->property) == OFPQT_MIN_RATE &&
		    len != sizeof(struct ofp_queue_prop_min_rate))
			return of_error_bad_len(error, "a minimum rate property is not 16 bytes");
	}
	return 0;
}

int message_element_check_queues(struct fb_view view, struct fb_of_error *error)
{
	const struct ofp_packet_queue *wire;
	size_t offset, len;

	for (offset = 0; offset < view.len; offset += len) {
		wire = (const void *)(view.data + offset);
		if (view.len - offset < sizeof *wire)
			return of_error_bad_len(error, "the last queue is cut off");
		len = fb_get16(&wire->len);
		if (len < sizeof *wire)
			return of_error_bad_len(error, "a queue's length is too small");
		if (len > view.len - offset)
			return of_error_bad_len(error, "a queue is longer than the reply");
		if (check_queue_properties(wire->properties, len - sizeof *wire, error) < 0)
			return -1;
	}
	return 0;
}

bool fb_packet_queue_next(struct fb_view view, size_t *offset, struct fb_packet_queue *queue)
{
	const struct ofp_packet_queue *wire = next(view, offset, sizeof *wire);
	const struct ofp_queue_prop_min_rate *min_rate;
	struct fb_view properties;
	size_t at = 0;

	if (!wire)
		return false;
	properties = (struct fb_view){wire->properties, fb_get16(&wire->len) - sizeof *wire};
	assert(properties.len <= view.len - *offset);
	*queue = (struct fb_packet_queue){.queue_id = fb_get32(&wire->queue_id)};
	while (at < properties.len) {
		min_rate = (const void *)(properties.data + at);
		if (fb_get16(&min_rate->prop_header.property) == OFPQT_MIN_RATE) {
			queue->has_min_rate = true;
			queue->min_rate = fb_get16(&min_rate->rate);
		}
		at += fb_get16(&min_rate->prop_header.len);
	}
	*offset += properties.len;
	return true;
}

bool fb_packet_queue_put(struct fb_buf *out, const struct fb_packet_queue *queue)
{
	struct ofp_queue_prop_min_rate *min_rate;
	struct ofp_packet_queue *wire;
	size_t len = sizeof *wire + (queue->has_min_rate ? sizeof *min_rate : 0);

	wire = (void *)fb_buf_reserve(out, len);
	if (!wire)
		return false;
	memset(wire, 0, len);
	fb_set32(&wire->queue_id, queue->queue_id);
	fb_set16(&wire->len, (uint16_t)len);
	if (queue->has_min_rate) {
		min_rate = (void *)wire->properties;
		fb_set16(&min_rate->prop_header.property, OFPQT_MIN_RATE);
		fb_set16(&min_rate->prop_header.len, sizeof *min_rate);
		fb_set16(&min_rate->rate, queue->min_rate);
	}
	return true;
}
