/* Text: flows. A flow-mod is written so that fb_parse_flow() and ovs-ofctl's add-flow read the same
 * again, an entry as ovs-ofctl's dump-flows prints it.
 *
 * The parts of a flow come in the order of dump-flows: cookie, timeouts, flags, priority and match,
 * and after a blank the actions. What has its default is not written. */
#include "lib/wire/text_parts.h"

/* "priority=10,tcp,nw_dst=10.0.0.1", nothing for a match of everything at the default priority. */
static void priority_and_match(struct fb_text *t, uint16_t priority, const struct fb_match *match)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text fields = fb_text_make(buf, sizeof buf);

	fb_text_match(&fields, match);
	if (priority != OFP_DEFAULT_PRIORITY)
		fb_text_printf(t, "priority=%u%s", priority, fields.len ? "," : "");
	fb_text_puts(t, buf);
}

void fb_text_flow_stats(struct fb_text *t, const struct fb_flow_stats *stats)
{
	size_t before;

	fb_text_printf(t, "cookie=0x%llx, duration=", (unsigned long long)stats->cookie);
	text_duration(t, stats->duration_sec, stats->duration_nsec);
	fb_text_printf(t, ", table=%u, n_packets=", stats->table_id);
	text_counter(t, stats->packet_count);
	fb_text_puts(t, ", n_bytes=");
	text_counter(t, stats->byte_count);
	fb_text_puts(t, ", ");
	if (stats->idle_timeout)
		fb_text_printf(t, "idle_timeout=%u, ", stats->idle_timeout);
	if (stats->hard_timeout)
		fb_text_printf(t, "hard_timeout=%u, ", stats->hard_timeout);
	before = t->len;
	priority_and_match(t, stats->priority, &stats->match);
	fb_text_puts(t, t->len > before ? " actions=" : "actions=");
	fb_text_actions(t, stats->actions);
}

/* A comma, unless nothing was written since 'start'. */
static void comma(struct fb_text *t, size_t start)
{
	if (t->len > start)
		fb_text_puts(t, ",");
}

static void number(struct fb_text *t, size_t start, const char *name, unsigned value)
{
	if (!value)
		return;
	comma(t, start);
	fb_text_printf(t, "%s=%u", name, value);
}

static void flag(struct fb_text *t, size_t start, const char *name, bool set)
{
	if (!set)
		return;
	comma(t, start);
	fb_text_puts(t, name);
}

/* All but the actions. */
static void flow_mod_head(struct fb_text *t, const struct fb_flow_mod *fm, bool deletes)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text rest = fb_text_make(buf, sizeof buf);
	size_t start = t->len;

	if (fm->cookie)
		fb_text_printf(t, "cookie=0x%llx", (unsigned long long)fm->cookie);
	number(t, start, "idle_timeout", fm->idle_timeout);
	number(t, start, "hard_timeout", fm->hard_timeout);
	flag(t, start, "send_flow_rem", fm->flags & OFPFF_SEND_FLOW_REM);
	flag(t, start, "check_overlap", fm->flags & OFPFF_CHECK_OVERLAP);
	flag(t, start, "emerg", fm->flags & OFPFF_EMERG);
	if (deletes && fm->out_port != OFPP_NONE) {
		comma(t, start);
		fb_text_puts(t, "out_port=");
		fb_text_port(t, fm->out_port);
	}
	priority_and_match(&rest, fm->priority, &fm->match);
	if (rest.len) {
		comma(t, start);
		fb_text_puts(t, buf);
	}
}

void fb_text_flow_mod(struct fb_text *t, const struct fb_flow_mod *fm)
{
	bool deletes = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	size_t start = t->len;

	flow_mod_head(t, fm, deletes);
	if (deletes && !fm->actions.len)
		return;
	fb_text_puts(t, t->len > start ? " actions=" : "actions=");
	fb_text_actions(t, fm->actions);
}
