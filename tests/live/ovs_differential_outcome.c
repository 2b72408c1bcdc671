/* What a switch did in answer to a program: recorded, put into one form, and ordered. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "tests/live/ovs_differential.h"

enum {
	ENTRIES_MAX = 4096, /* in one statistics reply */
	CAUSE_BYTES = 64,   /* of a request that an error must carry (section 5.4.4) */
};

void outcome_clear(struct outcome *o)
{
	o->count = 0;
	o->bytes_len = 0;
}

void outcome_free(struct outcome *o)
{
	free(o->events);
	free(o->bytes);
	*o = (struct outcome){.count = 0};
}

void outcome_add(struct outcome *o, unsigned step, uint16_t port, const void *bytes, size_t len)
{
	if (o->count == o->size) {
		o->size = o->size ? 2 * o->size : 256;
		o->events = xrealloc(o->events, o->size * sizeof *o->events);
	}
	if (o->bytes_size - o->bytes_len < len) {
		o->bytes_size = 2 * o->bytes_size + len + 65536;
		o->bytes = xrealloc(o->bytes, o->bytes_size);
	}
	memcpy(o->bytes + o->bytes_len, bytes, len);
	o->events[o->count++] = (struct event){step, port, o->bytes_len, len};
	o->bytes_len += len;
}

/* --- Messages --- */

/* An element of a statistics reply. */
struct element {
	const uint8_t *bytes;
	size_t len;
};

/* Entries in order of match and priority, tables and ports in that of their numbers: of two
 * elements, what stands from 'flow_match' or 'start' on decides. */
static int compare_flows(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	size_t match = offsetof(struct ofp_flow_stats, match);
	size_t priority = offsetof(struct ofp_flow_stats, priority);
	int order = memcmp(x->bytes + match, y->bytes + match, sizeof(struct ofp_match));

	return order ? order : memcmp(x->bytes + priority, y->bytes + priority, 2);
}

static int compare_ports(const void *a, const void *b)
{
	return memcmp(((const struct element *)a)->bytes, ((const struct element *)b)->bytes, 2);
}

/* Cut 'body' into elements: flows carry their length, ports and tables have one size. */
static size_t cut_elements(uint16_t type, const uint8_t *body, size_t len, struct element *out)
{
	size_t count = 0;

	while (len && count < ENTRIES_MAX) {
		size_t size = type == OFPST_FLOW   ? fb_get16(body)
		              : type == OFPST_PORT ? sizeof(struct ofp_port_stats)
		                                   : sizeof(struct ofp_table_stats);

		out[count++] = (struct element){body, size};
		body += size;
		len -= size;
	}
	return count;
}

/* An exact entry's priority is what a switch likes: it is meaningful only when there are wildcards
 * (sections 5.3.5 and 5.4.3). */
static void level_priority(const uint8_t *match_bytes, uint8_t *priority)
{
	struct fb_match match;

	fb_match_decode(match_bytes, &match);
	fb_match_normalize(&match);
	if (fb_match_is_exact(&match))
		fb_set16(priority, UINT16_MAX);
}

/* The padding of actions means nothing. */
static void level_padding(uint8_t *actions, size_t len)
{
	uint8_t *copy = xmalloc(len);
	struct fb_buf buf = fb_buf_make(actions, len);
	struct fb_action action;
	size_t offset = 0;

	memcpy(copy, actions, len);
	while (fb_action_next(copy, len, &offset, &action))
		fb_action_put(&buf, &action);
	free(copy);
}

/* A table's name and size are its own; counters that a switch does not keep are all ones, and both
 * switches' counters of errors and drops are left out: a dummy port counts none. */
static void level_element(uint16_t type, uint8_t *bytes)
{
	if (type == OFPST_FLOW) {
		level_padding(bytes + sizeof(struct ofp_flow_stats),
		              fb_get16(bytes) - sizeof(struct ofp_flow_stats));
		level_priority(bytes + offsetof(struct ofp_flow_stats, match),
		               bytes + offsetof(struct ofp_flow_stats, priority));
	} else if (type == OFPST_TABLE) {
		struct ofp_table_stats *table = (void *)bytes;

		memset(table->name, 0, sizeof table->name);
		fb_set32(&table->max_entries, 0);
	} else if (type == OFPST_PORT) {
		struct ofp_port_stats *port = (void *)bytes;
		uint8_t *unkept = (uint8_t *)&port->rx_dropped;

		memset(port->pad, 0, sizeof port->pad);
		memset(unkept, 0, (size_t)(bytes + sizeof *port - unkept));
	}
}

/* A statistics reply with its elements in order; of tables only the first, which is the one that
 * OpenFlow 1.0's flow-mods reach. */
static void add_stats_reply(struct outcome *o, unsigned step, const uint8_t *bytes, size_t len)
{
	static struct element elements[ENTRIES_MAX];
	uint16_t type = fb_get16(bytes + sizeof(struct ofp_header));
	size_t head = sizeof(struct ofp_stats_reply);
	size_t count, out_len = head;
	uint8_t *out;

	if (type != OFPST_FLOW && type != OFPST_PORT && type != OFPST_TABLE) {
		outcome_add(o, step, EVENT_MESSAGE, bytes, len);
		return;
	}
	count = cut_elements(type, bytes + head, len - head, elements);
	if (type == OFPST_TABLE && count > 1)
		count = 1;
	else if (type != OFPST_TABLE)
		qsort(elements, count, sizeof *elements,
		      type == OFPST_FLOW ? compare_flows : compare_ports);
	out = xmalloc(len);
	memcpy(out, bytes, head);
	for (size_t i = 0; i < count; i++) {
		memcpy(out + out_len, elements[i].bytes, elements[i].len);
		level_element(type, out + out_len);
		out_len += elements[i].len;
	}
	fb_set16(out + 2, (uint16_t)out_len);
	outcome_add(o, step, EVENT_MESSAGE, out, out_len);
	free(out);
}

/* An error counts by its type, its code, its xid and whether it carries at least 64 bytes of its
 * cause: in their place is one byte that tells this. */
static void add_error(struct outcome *o, unsigned step, const struct step *request,
                      const uint8_t *bytes, size_t len)
{
	uint8_t out[sizeof(struct ofp_error_msg) + 1];
	size_t head = sizeof(struct ofp_error_msg), least;

	if (len < head || !request)
		die("an error that answers nothing");
	least = fb_get16(request->bytes + 2);
	if (least > CAUSE_BYTES)
		least = CAUSE_BYTES;
	memcpy(out, bytes, head);
	fb_set16(out + 2, sizeof out);
	out[head] = len - head >= least && len - head <= request->len &&
	            memcmp(bytes + head, request->bytes, len - head) == 0;
	outcome_add(o, step, EVENT_MESSAGE, out, sizeof out);
}

void outcome_add_message(struct outcome *o, unsigned step, const struct step *request,
                         const uint8_t *bytes, size_t len)
{
	static uint8_t out[65536];

	switch (bytes[1]) {
	case OFPT_HELLO:
	case OFPT_ECHO_REQUEST:
	case OFPT_BARRIER_REPLY:
		return;
	case OFPT_ERROR:
		add_error(o, step, request, bytes, len);
		return;
	case OFPT_STATS_REPLY:
		add_stats_reply(o, step, bytes, len);
		return;
	}
	memcpy(out, bytes, len);
	if (bytes[1] == OFPT_PACKET_IN || bytes[1] == OFPT_FLOW_REMOVED ||
	    bytes[1] == OFPT_PORT_STATUS)
		fb_set32(out + 4, 0);
	if (bytes[1] == OFPT_FLOW_REMOVED)
		level_priority(out + offsetof(struct ofp_flow_removed, match),
		               out + offsetof(struct ofp_flow_removed, priority));
	outcome_add(o, step, EVENT_MESSAGE, out, len);
}

/* --- Order --- */

static bool is_flow_removed(const struct outcome *o, const struct event *e)
{
	return e->port == EVENT_MESSAGE && o->bytes[e->offset + 1] == OFPT_FLOW_REMOVED;
}

static int compare_events(const void *a, const void *b, void *ctx)
{
	const struct outcome *o = ctx;
	const struct event *x = a, *y = b;
	bool x_removed = is_flow_removed(o, x), y_removed = is_flow_removed(o, y);
	int order = 0;

	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x_removed != y_removed)
		return x_removed ? 1 : -1;
	if (x_removed)
		order = memcmp(o->bytes + x->offset, o->bytes + y->offset,
		               x->len < y->len ? x->len : y->len);
	if (order)
		return order;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void outcome_order(struct outcome *o)
{
	if (o->count)
		qsort_r(o->events, o->count, sizeof *o->events, compare_events, o);
}

size_t outcome_first_difference(const struct outcome *a, const struct outcome *b)
{
	size_t count = a->count < b->count ? a->count : b->count;

	for (size_t i = 0; i < count; i++) {
		const struct event *x = &a->events[i], *y = &b->events[i];

		if (x->step != y->step || x->port != y->port || x->len != y->len ||
		    memcmp(a->bytes + x->offset, b->bytes + y->offset, x->len) != 0)
			return i;
	}
	return a->count == b->count ? OUTCOME_SAME : count;
}
