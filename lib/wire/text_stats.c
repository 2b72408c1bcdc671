/* Text: statistics (section 5.3.5). Entries of a reply follow each other with semicolons. */
#include "lib/wire/text_parts.h"

enum { VENDOR_BYTES_MAX = 32 }; /* shown of a vendor's data */

/* The name of a type and the flags, which both directions have. */
static void head(struct fb_text *t, uint16_t type, uint16_t flags)
{
	static const struct text_name types[] = {
	        {OFPST_DESC, "DESC"},     {OFPST_FLOW, "FLOW"}, {OFPST_AGGREGATE, "AGGREGATE"},
	        {OFPST_TABLE, "TABLE"},   {OFPST_PORT, "PORT"}, {OFPST_QUEUE, "QUEUE"},
	        {OFPST_VENDOR, "VENDOR"},
	};

	fb_text_puts(t, " ");
	text_name_or_number(t, types, sizeof types / sizeof types[0], type);
	if (flags & OFPSF_REPLY_MORE)
		fb_text_puts(t, " more");
	if (flags & ~OFPSF_REPLY_MORE)
		fb_text_printf(t, " flags=0x%x", flags);
}

static void vendor(struct fb_text *t, uint32_t id, struct fb_view data)
{
	fb_text_printf(t, " vendor=0x%08x data=", id);
	text_hex(t, data.data, data.len, VENDOR_BYTES_MAX);
}

/* "1", "LOCAL", or "all" for the number that asks for all. */
static void port_or_all(struct fb_text *t, uint16_t port_no, uint16_t all)
{
	if (port_no == all)
		fb_text_puts(t, "all");
	else
		fb_text_port(t, port_no);
}

static void flow_request(struct fb_text *t, const struct fb_flow_stats_request *request)
{
	size_t before;

	if (request->table_id != 0xff)
		fb_text_printf(t, " table=%u", request->table_id);
	if (request->out_port != OFPP_NONE) {
		fb_text_puts(t, " out_port=");
		fb_text_port(t, request->out_port);
	}
	fb_text_puts(t, " ");
	before = t->len;
	fb_text_match(t, &request->match);
	if (t->len == before)
		fb_text_puts(t, "any");
}

void text_stats_request(struct fb_text *t, const struct fb_stats_request *request)
{
	head(t, request->type, request->flags);
	switch ((enum ofp_stats_types)request->type) {
	case OFPST_DESC:
	case OFPST_TABLE:
		return;
	case OFPST_FLOW:
	case OFPST_AGGREGATE:
		flow_request(t, &request->flow);
		return;
	case OFPST_PORT:
		fb_text_puts(t, " port=");
		port_or_all(t, request->port_no, OFPP_NONE);
		return;
	case OFPST_QUEUE:
		fb_text_puts(t, " port=");
		port_or_all(t, request->queue.port_no, OFPP_ALL);
		if (request->queue.queue_id == OFPQ_ALL)
			fb_text_puts(t, " queue=all");
		else
			fb_text_printf(t, " queue=%u", request->queue.queue_id);
		return;
	case OFPST_VENDOR:
		vendor(t, request->vendor.vendor, request->vendor.data);
		return;
	}
}

static void desc(struct fb_text *t, const struct fb_desc_stats *d)
{
	const struct {
		const char *name, *value;
	} parts[] = {
	        {"manufacturer", d->mfr_desc}, {"hardware", d->hw_desc}, {"software", d->sw_desc},
	        {"serial", d->serial_num},     {"datapath", d->dp_desc},
	};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		fb_text_printf(t, " %s=", parts[i].name);
		text_quoted(t, parts[i].value, strlen(parts[i].value), DESC_STR_LEN);
	}
}

static void counter(struct fb_text *t, const char *name, uint64_t value)
{
	fb_text_printf(t, " %s=", name);
	text_counter(t, value);
}

static void table(struct fb_text *t, const struct fb_table_stats *s)
{
	fb_text_printf(t, "table=%u name=", s->table_id);
	text_quoted(t, s->name, strlen(s->name), OFP_MAX_TABLE_NAME_LEN);
	fb_text_printf(t, " wildcards=0x%x max=%u active=%u", s->wildcards, s->max_entries,
	               s->active_count);
	counter(t, "lookup", s->lookup_count);
	counter(t, "matched", s->matched_count);
}

static void port(struct fb_text *t, const struct fb_port_stats *s)
{
	fb_text_puts(t, "port=");
	fb_text_port(t, s->port_no);
	fb_text_puts(t, " rx");
	counter(t, "pkts", s->rx_packets);
	counter(t, "bytes", s->rx_bytes);
	counter(t, "drop", s->rx_dropped);
	counter(t, "errs", s->rx_errors);
	counter(t, "frame", s->rx_frame_err);
	counter(t, "over", s->rx_over_err);
	counter(t, "crc", s->rx_crc_err);
	fb_text_puts(t, " tx");
	counter(t, "pkts", s->tx_packets);
	counter(t, "bytes", s->tx_bytes);
	counter(t, "drop", s->tx_dropped);
	counter(t, "errs", s->tx_errors);
	counter(t, "coll", s->collisions);
}

static void queue(struct fb_text *t, const struct fb_queue_stats *s)
{
	fb_text_puts(t, "port=");
	fb_text_port(t, s->port_no);
	fb_text_printf(t, " queue=%u", s->queue_id);
	counter(t, "bytes", s->tx_bytes);
	counter(t, "pkts", s->tx_packets);
	counter(t, "errs", s->tx_errors);
}

/* " " before the first entry, "; " before the others. */
static void between(struct fb_text *t, size_t offset)
{
	fb_text_puts(t, offset ? "; " : " ");
}

static void flow_entries(struct fb_text *t, struct fb_view view)
{
	struct fb_flow_stats s;

	for (size_t at = 0, next = 0; fb_flow_stats_next(view, &next, &s); at = next) {
		between(t, at);
		fb_text_flow_stats(t, &s);
	}
}

static void table_entries(struct fb_text *t, struct fb_view view)
{
	struct fb_table_stats s;

	for (size_t at = 0, next = 0; fb_table_stats_next(view, &next, &s); at = next) {
		between(t, at);
		table(t, &s);
	}
}

static void port_entries(struct fb_text *t, struct fb_view view)
{
	struct fb_port_stats s;

	for (size_t at = 0, next = 0; fb_port_stats_next(view, &next, &s); at = next) {
		between(t, at);
		port(t, &s);
	}
}

static void queue_entries(struct fb_text *t, struct fb_view view)
{
	struct fb_queue_stats s;

	for (size_t at = 0, next = 0; fb_queue_stats_next(view, &next, &s); at = next) {
		between(t, at);
		queue(t, &s);
	}
}

void text_stats_reply(struct fb_text *t, const struct fb_stats_reply *reply)
{
	head(t, reply->type, reply->flags);
	switch ((enum ofp_stats_types)reply->type) {
	case OFPST_DESC:
		desc(t, &reply->desc);
		return;
	case OFPST_FLOW:
		flow_entries(t, reply->entries);
		return;
	case OFPST_AGGREGATE:
		counter(t, "packet_count", reply->aggregate.packet_count);
		counter(t, "byte_count", reply->aggregate.byte_count);
		fb_text_printf(t, " flow_count=%u", reply->aggregate.flow_count);
		return;
	case OFPST_TABLE:
		table_entries(t, reply->entries);
		return;
	case OFPST_PORT:
		port_entries(t, reply->entries);
		return;
	case OFPST_QUEUE:
		queue_entries(t, reply->entries);
		return;
	case OFPST_VENDOR:
		vendor(t, reply->vendor.vendor, reply->vendor.data);
		return;
	}
}
