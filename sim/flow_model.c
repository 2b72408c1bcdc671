/* The reference model of a flow table. See flow_model.h. */
#include "sim/flow_model.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>
#include <flowbed/time.h>

#include "lib/base/xalloc.h"

#define COOKIE_KEPT UINT64_MAX /* of a MODIFY: the entry keeps its own */

enum { EXACT_PRIORITY = 0xffff };

struct flow_model {
	struct fb_table *entries;
};

struct flow_model *flow_model_new(void)
{
	struct flow_model *model = xcalloc(1, sizeof *model);

	model->entries = fb_table_new(FLOW_MODEL_KEY_BYTES, sizeof(struct flow_model_entry),
	                              FLOW_MODEL_ENTRIES_MAX);
	if (!model->entries)
		abort();
	return model;
}

void flow_model_free(struct flow_model *model)
{
	if (!model)
		return;
	flow_model_clear(model, true);
	fb_table_free(model->entries);
	free(model);
}

size_t flow_model_count(const struct flow_model *model)
{
	return fb_table_count(model->entries);
}

/* --- Entries --- */

static bool is_emergency(const struct fb_flow_mod *mod)
{
	return mod->flags & OFPFF_EMERG;
}

/* The priority of an exact entry means nothing. */
static uint16_t canonical_priority(const struct fb_match *match, uint16_t priority)
{
	return fb_match_is_exact(match) ? EXACT_PRIORITY : priority;
}

static uint8_t *put16(uint8_t *p, uint16_t value)
{
	fb_set16(p, value);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
	fb_set32(p, value);
	return p + 4;
}

/* Field by field: structures have holes. 'match' and 'priority' are canonical. */
static void make_key(const struct fb_match *match, uint16_t priority, bool emergency,
                     uint8_t key[FLOW_MODEL_KEY_BYTES])
{
	uint8_t *p = key;

	memset(key, 0, FLOW_MODEL_KEY_BYTES);
	p = put32(p, match->wildcards);
	p = put16(p, match->in_port);
	memcpy(p, match->dl_src, FB_MAC_BYTES);
	memcpy(p + FB_MAC_BYTES, match->dl_dst, FB_MAC_BYTES);
	p = put16(p + 2 * FB_MAC_BYTES, match->dl_vlan);
	*p++ = match->dl_vlan_pcp;
	p = put16(p, match->dl_type);
	*p++ = match->nw_tos;
	*p++ = match->nw_proto;
	p = put32(p, match->nw_src);
	p = put32(p, match->nw_dst);
	p = put16(p, match->tp_src);
	p = put16(p, match->tp_dst);
	p = put16(p, priority);
	*p++ = emergency;
}

static struct flow_model_entry *find(const struct flow_model *model, const struct fb_flow_mod *mod)
{
	uint8_t key[FLOW_MODEL_KEY_BYTES];

	make_key(&mod->match, mod->priority, is_emergency(mod), key);
	return fb_table_find(model->entries, key);
}

struct flow_model_entry *flow_model_find(const struct flow_model *model,
                                         const struct fb_match *match, uint16_t priority,
                                         bool emergency)
{
	struct fb_flow_mod mod = {.match = *match, .flags = emergency ? OFPFF_EMERG : 0};

	fb_match_normalize(&mod.match);
	mod.priority = canonical_priority(&mod.match, priority);
	return find(model, &mod);
}

struct flow_model_entry *flow_model_oldest(const struct flow_model *model)
{
	return fb_table_oldest(model->entries);
}

struct flow_model_entry *flow_model_newer(const struct flow_model *model,
                                          const struct flow_model_entry *entry)
{
	return fb_table_newer(model->entries, entry);
}

static void set_actions(struct flow_model_entry *entry, struct fb_view actions)
{
	uint8_t *bytes = NULL;

	if (actions.len) {
		bytes = xmalloc(actions.len);
		memcpy(bytes, actions.data, actions.len);
	}
	free((void *)(uintptr_t)entry->mod.actions.data);
	entry->mod.actions = (struct fb_view){bytes, actions.len};
}

void flow_model_remove(struct flow_model *model, struct flow_model_entry *entry)
{
	free((void *)(uintptr_t)entry->mod.actions.data);
	fb_table_remove(model->entries, entry);
}

void flow_model_clear(struct flow_model *model, bool emergency)
{
	struct flow_model_entry *entry = flow_model_oldest(model), *next;

	for (; entry; entry = next) {
		next = flow_model_newer(model, entry);
		if (emergency || !is_emergency(&entry->mod))
			flow_model_remove(model, entry);
	}
}

bool flow_model_may_be_gone(const struct flow_model_entry *entry, uint64_t now_ns)
{
	const uint64_t age_ns = now_ns - entry->since_ns;
	const uint16_t idle = entry->mod.idle_timeout, hard = entry->mod.hard_timeout;

	return (idle && age_ns >= idle * FB_NS_PER_S) || (hard && age_ns >= hard * FB_NS_PER_S);
}

/* --- Commands --- */

static bool outputs_to(const struct fb_flow_mod *mod, uint16_t port_no)
{
	struct fb_action action;
	size_t offset = 0;

	while (fb_action_next(mod->actions.data, mod->actions.len, &offset, &action))
		if ((action.type == OFPAT_OUTPUT && action.output.port == port_no) ||
		    (action.type == OFPAT_ENQUEUE && action.enqueue.port == port_no))
			return true;
	return false;
}

/* Some frame could meet both at equal rank. An entry that may have expired forbids nothing. */
static bool rivals(const struct flow_model_entry *entry, const struct fb_flow_mod *mod,
                   uint64_t now_ns)
{
	if (is_emergency(&entry->mod) != is_emergency(mod) || entry->undone || entry->doubtful ||
	    flow_model_may_be_gone(entry, now_ns) || entry->mod.priority != mod->priority ||
	    fb_match_is_exact(&entry->mod.match) != fb_match_is_exact(&mod->match))
		return false;
	return fb_match_overlaps(&entry->mod.match, &mod->match);
}

static bool overlaps(const struct flow_model *model, const struct fb_flow_mod *mod, uint64_t now_ns)
{
	struct flow_model_entry *entry = flow_model_oldest(model);

	while (entry && !rivals(entry, mod, now_ns))
		entry = flow_model_newer(model, entry);
	return entry != NULL;
}

static enum flow_model_done add(struct flow_model *model, const struct fb_flow_mod *mod,
                                uint64_t now_ns, bool undone)
{
	struct flow_model_entry *entry = find(model, mod);
	uint8_t key[FLOW_MODEL_KEY_BYTES];

	if (mod->flags & OFPFF_CHECK_OVERLAP && !undone && overlaps(model, mod, now_ns))
		return FLOW_MODEL_OVERLAPS;
	if (entry && undone) {
		entry->undone = true; /* as it was, or as it would be now */
		return FLOW_MODEL_DONE;
	}
	if (entry)
		flow_model_remove(model, entry);
	make_key(&mod->match, mod->priority, is_emergency(mod), key);
	entry = fb_table_add(model->entries, key);
	if (!entry)
		return FLOW_MODEL_FULL;
	entry->mod = *mod;
	entry->mod.actions = (struct fb_view){NULL, 0};
	set_actions(entry, mod->actions);
	entry->since_ns = now_ns;
	entry->undone = undone;
	return FLOW_MODEL_DONE;
}

/* 'mod' means 'entry': non-strict commands all that its match contains. */
static bool means(const struct fb_flow_mod *mod, const struct flow_model_entry *entry)
{
	return is_emergency(mod) == is_emergency(&entry->mod) &&
	       fb_match_contains(&mod->match, &entry->mod.match);
}

/* Calls 'change' for each entry that 'mod' means. */
static void each_meant(struct flow_model *model, const struct fb_flow_mod *mod, bool strict,
                       void (*change)(struct flow_model *model, struct flow_model_entry *entry,
                                      void *ctx),
                       void *ctx)
{
	struct flow_model_entry *entry, *next;

	if (strict || fb_match_is_exact(&mod->match)) {
		entry = find(model, mod);
		if (entry)
			change(model, entry, ctx);
		return;
	}
	for (entry = flow_model_oldest(model); entry; entry = next) {
		next = flow_model_newer(model, entry);
		if (means(mod, entry))
			change(model, entry, ctx);
	}
}

/* A flow-mod that is being done. */
struct change {
	const struct fb_flow_mod *mod;
	uint64_t now_ns;
	bool undone;
	bool met; /* an entry that is there for sure */
};

static void modify(struct flow_model *model, struct flow_model_entry *entry, void *ctx)
{
	struct change *change = ctx;

	(void)model;
	if (flow_model_may_be_gone(entry, change->now_ns))
		entry->doubtful = true;
	if (!entry->doubtful)
		change->met = true;
	if (change->undone) {
		entry->undone = true;
		return;
	}
	set_actions(entry, change->mod->actions);
	if (change->mod->cookie != COOKIE_KEPT)
		entry->mod.cookie = change->mod->cookie;
}

static void delete (struct flow_model *model, struct flow_model_entry *entry, void *ctx)
{
	const struct change *change = ctx;

	if (change->mod->out_port != OFPP_NONE && !outputs_to(&entry->mod, change->mod->out_port))
		return;
	if (change->undone)
		entry->undone = true;
	else
		flow_model_remove(model, entry);
}

/* A MODIFY that met nothing adds; one that may have met nothing may have added. */
static enum flow_model_done modify_or_add(struct flow_model *model, const struct fb_flow_mod *mod,
                                          bool strict, struct change *change)
{
	struct flow_model_entry *entry;
	enum flow_model_done done;

	each_meant(model, mod, strict, modify, change);
	entry = find(model, mod);
	if (change->met || entry)
		return FLOW_MODEL_DONE;
	done = add(model, mod, change->now_ns, change->undone);
	if (done == FLOW_MODEL_DONE && !strict) {
		/* Others that it means may have been there instead. */
		for (entry = flow_model_oldest(model); entry;
		     entry = flow_model_newer(model, entry))
			if (entry->doubtful && means(mod, entry))
				find(model, mod)->doubtful = true;
	}
	return done;
}

enum flow_model_done flow_model_apply(struct flow_model *model, const struct fb_flow_mod *mod,
                                      uint64_t now_ns, bool undone)
{
	struct fb_flow_mod canonical = *mod;
	struct change change = {.mod = &canonical, .now_ns = now_ns, .undone = undone};
	const bool strict =
	        mod->command == OFPFC_MODIFY_STRICT || mod->command == OFPFC_DELETE_STRICT;

	fb_match_normalize(&canonical.match);
	canonical.priority = canonical_priority(&canonical.match, mod->priority);
	switch ((enum ofp_flow_mod_command)mod->command) {
	case OFPFC_ADD:
		return add(model, &canonical, now_ns, undone);
	case OFPFC_MODIFY:
	case OFPFC_MODIFY_STRICT:
		return modify_or_add(model, &canonical, strict, &change);
	case OFPFC_DELETE:
	case OFPFC_DELETE_STRICT:
		each_meant(model, &canonical, strict, delete, &change);
		break;
	}
	return FLOW_MODEL_DONE;
}
