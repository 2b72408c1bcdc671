/* Which frame had a wrong checksum. See checksums.h. */
#include "sim/checksums.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>

#include "lib/base/xalloc.h"

enum { FRAGMENT_BITS = 0x3fff, IP_ID_AT = 4, IP_FRAGMENT_AT = 6 };

struct host_state {
	uint64_t errors;             /* that are accounted for */
	struct checksums_wrong last; /* the latest frame, were it wrong */
	bool has_last;
};

struct fragment {
	uint64_t time_ns; /* when it was changed */
	uint16_t ip_id;
	bool exists;
};

struct checksums {
	struct checksums_ops ops;
	struct host_state *hosts;
	struct fragment fragments[CHECKSUMS_FRAGMENTS_MAX]; /* the latest */
	unsigned fragments_next;
	bool has_fragments;
};

struct checksums *checksums_new(const struct scenario *scenario, const struct checksums_ops *ops)
{
	struct checksums *checksums = xcalloc(1, sizeof *checksums);

	checksums->ops = *ops;
	checksums->hosts = xcalloc(scenario->hosts_count + 1, sizeof *checksums->hosts);
	return checksums;
}

void checksums_free(struct checksums *checksums)
{
	if (!checksums)
		return;
	free(checksums->hosts);
	free(checksums);
}

/* The frame is a fragment of the datagram '*ip_id'. */
static bool is_fragment(const struct frame *frame, uint16_t *ip_id)
{
	const uint8_t *data = frame->memory + frame->offset;
	size_t at = FB_ETH_HEADER_BYTES;

	if (frame->len >= at + FB_VLAN_TAG_BYTES && fb_get16(data + at - 2) == FB_ETH_VLAN)
		at += FB_VLAN_TAG_BYTES;
	if (frame->len < at + FB_IPV4_HEADER_BYTES || fb_get16(data + at - 2) != FB_ETH_IPV4 ||
	    !(fb_get16(data + at + IP_FRAGMENT_AT) & FRAGMENT_BITS))
		return false;
	*ip_id = fb_get16(data + at + IP_ID_AT);
	return true;
}

void checksums_changed(struct checksums *checksums, const struct frame *frame, uint64_t now_ns)
{
	struct fragment *fragment = &checksums->fragments[checksums->fragments_next];

	if (!is_fragment(frame, &fragment->ip_id))
		return;
	fragment->time_ns = now_ns;
	fragment->exists = true;
	checksums->has_fragments = true;
	checksums->fragments_next = (checksums->fragments_next + 1) % CHECKSUMS_FRAGMENTS_MAX;
}

static bool is_of_changed(const struct checksums *checksums, const struct frame *frame,
                          uint64_t now_ns)
{
	uint16_t ip_id;

	if (!checksums->has_fragments || !is_fragment(frame, &ip_id))
		return false;
	for (unsigned i = 0; i < CHECKSUMS_FRAGMENTS_MAX; i++) {
		const struct fragment *fragment = &checksums->fragments[i];

		if (fragment->exists && fragment->ip_id == ip_id &&
		    now_ns - fragment->time_ns <= CHECKSUMS_FRAGMENT_NS)
			return true;
	}
	return false;
}

void checksums_end(struct checksums *checksums, uint32_t host, uint64_t errors)
{
	struct host_state *state = &checksums->hosts[host];

	if (errors > state->errors && state->has_last)
		checksums->ops.wrong(checksums->ops.ctx, &state->last);
	state->errors = errors;
}

void checksums_got(struct checksums *checksums, uint32_t host, const struct frame *frame,
                   bool changed, uint64_t errors, uint64_t now_ns)
{
	struct host_state *state = &checksums->hosts[host];
	struct checksums_wrong *last = &state->last;

	if (errors != state->errors)
		checksums_end(checksums, host, errors);
	last->host = host;
	last->time_ns = now_ns;
	last->changed = changed;
	last->fragment = is_of_changed(checksums, frame, now_ns);
	last->len = frame->len < CHECKSUMS_FRAME_BYTES ? frame->len : CHECKSUMS_FRAME_BYTES;
	memcpy(last->bytes, frame->memory + frame->offset, last->len);
	state->has_last = true;
}
