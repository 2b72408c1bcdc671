/* Flow-mods: the five commands on the flow table (specification 1.0.0, sections 4.6 and 5.3.3).
 *
 * What the specification leaves open:
 * - An identical entry overlaps: with CHECK_OVERLAP it refuses the addition, without it is replaced
 * (counters cleared, no flow-removed) and counts as added now.
 * - MODIFY and MODIFY_STRICT change the actions and the cookie; flags, timeouts, times and counters
 * stay. So the hard timeout runs from the entry's arrival (section 4.7); in Open vSwitch it would
 * begin anew.
 * - The priority of an exact entry has no meaning (section 5.3.3): it is told as the highest, as
 * Open vSwitch does, and strict commands find the entry whatever they say.
 * - out_port restricts DELETE and DELETE_STRICT only.
 * - Wrong actions refuse a DELETE, too, which has no use for them (so does Open vSwitch).
 * - A buffer that is not there is an error, but the entry is in force: a controller that was slow
 * still gets its flow. A refused flow-mod leaves the buffer alone. The message's actions are done on
 * the buffered frame, which counts for the entry that it meets now, if it meets one: MODIFY may
 * change many entries, and ADD one that the frame does not match.
 * - In MODIFY, a cookie of all ones leaves the entries' cookies as they are: so ovs-ofctl says that
 * none was given, and Open vSwitch takes it. An entry that MODIFY adds gets the cookie as it is.
 *
 * Emergency entries (OFPFF_EMERG; sections 4.3 and 4.6) stand in a table of their own, within the
 * same limit. A command with the flag acts on them alone, one without on the normal entries alone.
 * An emergency entry that would be added with a timeout is refused. A buffer that an emergency
 * flow-mod names is left alone: an emergency entry forwards only when the switch has lost the
 * controller (section 5.3.3), so the message's actions are not for a frame of now. No flow-removed
 * tells of an emergency entry. */
#include "softswitch/datapath_private.h"

#define COOKIE_KEPT UINT64_MAX

enum { EXACT_PRIORITY = 0xffff };

static int failed(struct fb_of_error *error, uint16_t code, const char *why)
{
	return datapath_error(error, OFPET_FLOW_MOD_FAILED, code, why);
}

static int table_full(struct datapath *dp, struct fb_of_error *error)
{
	dp->counters.table_full++;
	return failed(error, OFPFMFC_ALL_TABLES_FULL, "the flow table is full");
}

/* What 'fm' asks an entry to be that was added at 'now_ns'. */
static void fill_entry(struct datapath *dp, struct flow_entry *e, const struct fb_flow_mod *fm,
                       uint64_t now_ns)
{
	e->cookie = fm->cookie;
	e->idle_timeout = fm->idle_timeout;
	e->hard_timeout = fm->hard_timeout;
	e->flags = fm->flags;
	e->priority = fm->priority;
	e->packet_count = 0;
	e->byte_count = 0;
	e->created_ns = now_ns;
	e->used_ns = now_ns;
	flow_timeouts_add(&dp->timeouts, e);
}

/* A new entry, or NULL: there is room for none. */
static struct flow_entry *new_entry(struct datapath *dp, const struct fb_flow_mod *fm)
{
	struct flow_table *table = datapath_table_of(dp, fm->flags);
	uint32_t count = flow_table_count(dp->table) + flow_table_count(dp->emergency);
	struct flow_entry *e;

	if (count >= dp->entries_max)
		return NULL;
	e = flow_table_add(table, &fm->match, fm->priority);
	if (e && !flow_table_set_actions(table, e, fm->actions.data, fm->actions.len)) {
		flow_table_remove(table, e);
		return NULL;
	}
	return e;
}

static int add(struct datapath *dp, const struct fb_flow_mod *fm, uint64_t now_ns,
               struct flow_entry **entry, struct fb_of_error *error)
{
	struct flow_table *table = datapath_table_of(dp, fm->flags);
	struct flow_entry *e;

	if (fm->flags & OFPFF_EMERG && (fm->idle_timeout || fm->hard_timeout))
		return failed(error, OFPFMFC_BAD_EMERG_TIMEOUT,
		              "an emergency entry has no timeouts");
	if (fm->flags & OFPFF_CHECK_OVERLAP && flow_table_overlaps(table, &fm->match, fm->priority))
		return failed(error, OFPFMFC_OVERLAP, "an entry of the same priority overlaps");
	e = flow_table_find(table, &fm->match, fm->priority);
	if (e) {
		if (!flow_table_set_actions(table, e, fm->actions.data, fm->actions.len))
			return table_full(dp, error);
		flow_timeouts_remove(&dp->timeouts, e);
		flow_table_renew(table, e);
	} else {
		e = new_entry(dp, fm);
		if (!e)
			return table_full(dp, error);
	}
	fill_entry(dp, e, fm, now_ns);
	*entry = e;
	return 0;
}

/* Change the actions of the selected entries, of which '*entry' is the first (NULL: there was
 * none). All or none. */
static int modify(struct datapath *dp, const struct fb_flow_mod *fm,
                  const struct flow_selection *selection, struct flow_entry **entry,
                  struct fb_of_error *error)
{
	struct flow_table *table = datapath_table_of(dp, fm->flags);
	struct flow_entry *first = flow_table_selected(table, selection, NULL);
	uint64_t count = 0, freed_bytes = 0;

	for (struct flow_entry *e = first; e; e = flow_table_selected(table, selection, e)) {
		count++;
		freed_bytes += flow_entry_long_bytes(e);
	}
	if (!flow_table_has_room(table, count, fm->actions.len, freed_bytes))
		return table_full(dp, error);
	/* Else the first ones might find no room while the others still hold their lists. */
	for (struct flow_entry *e = freed_bytes ? first : NULL; e;
	     e = flow_table_selected(table, selection, e))
		flow_table_set_actions(table, e, NULL, 0);
	for (struct flow_entry *e = first; e; e = flow_table_selected(table, selection, e)) {
		flow_table_set_actions(table, e, fm->actions.data, fm->actions.len);
		if (fm->cookie != COOKIE_KEPT)
			e->cookie = fm->cookie;
	}
	*entry = first;
	return 0;
}

static void delete (struct datapath *dp, const struct fb_flow_mod *fm,
                    const struct flow_selection *selection, uint64_t now_ns)
{
	struct flow_table *table = datapath_table_of(dp, fm->flags);
	struct flow_entry *e, *next;

	for (e = flow_table_selected(table, selection, NULL); e; e = next) {
		next = flow_table_selected(table, selection, e);
		if (fm->out_port == OFPP_NONE ||
		    actions_output_to(flow_entry_actions(e), e->actions_len, fm->out_port))
			datapath_remove_entry(dp, e, OFPRR_DELETE, now_ns);
	}
}

/* Count a buffered frame for the normal entry that it meets. */
static void credit(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                   uint64_t now_ns)
{
	struct flow_entry *entry;
	struct fb_packet packet;
	struct fb_match match;
	struct flow_key key;

	fb_packet_parse_whole(&packet, frame_data(frame), frame->len);
	fb_match_from_packet(&match, &packet, origin.in_port);
	key = flow_key_from_match(&match);
	entry = flow_table_lookup(dp->table, &key);
	if (entry)
		datapath_credit(entry, frame->len, now_ns);
}

/* Do the message's actions on the buffered frame that it names. */
static int release_buffer(struct datapath *dp, const struct fb_flow_mod *fm, uint64_t now_ns,
                          struct fb_of_error *error)
{
	struct frame_origin origin;
	struct frame *frame;

	if (fm->buffer_id == OFP_NO_BUFFER || fm->flags & OFPFF_EMERG)
		return 0;
	if (datapath_take_buffer(dp, fm->buffer_id, &frame, &origin, error) < 0)
		return -1;
	credit(dp, frame, origin, now_ns);
	actions_run(dp, frame, origin, fm->actions.data, fm->actions.len, true, now_ns);
	return 0;
}

/* datapath_flow_mod() of a message whose match and priority are as the table has them. */
static int do_command(struct datapath *dp, const struct fb_flow_mod *fm, uint64_t now_ns,
                      struct fb_of_error *error)
{
	bool strict = fm->command == OFPFC_MODIFY_STRICT || fm->command == OFPFC_DELETE_STRICT;
	const struct flow_table *table = datapath_table_of(dp, fm->flags);
	struct flow_selection selection;
	struct flow_entry *entry = NULL;

	if (fm->command > OFPFC_DELETE_STRICT)
		return failed(error, OFPFMFC_BAD_COMMAND, "the command is not known");
	if (actions_check(dp, fm->actions.data, fm->actions.len, false, error) < 0)
		return -1;
	if (fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT) {
		flow_table_select(table, &fm->match, strict, fm->priority, &selection);
		delete (dp, fm, &selection, now_ns);
		return 0;
	}
	if (fm->command != OFPFC_ADD) {
		flow_table_select(table, &fm->match, strict, fm->priority, &selection);
		if (modify(dp, fm, &selection, &entry, error) < 0)
			return -1;
	}
	if (!entry && add(dp, fm, now_ns, &entry, error) < 0)
		return -1;
	return release_buffer(dp, fm, now_ns, error);
}

int datapath_flow_mod(struct datapath *dp, const struct fb_flow_mod *fm, uint64_t now_ns,
                      struct fb_of_error *error)
{
	struct fb_flow_mod canonical = *fm;

	datapath_run(dp, now_ns);
	fb_match_normalize(&canonical.match);
	if (fb_match_is_exact(&canonical.match))
		canonical.priority = EXACT_PRIORITY;
	return do_command(dp, &canonical, now_ns, error);
}
