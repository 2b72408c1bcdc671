/* A reference model of a switch's flow table (OpenFlow 1.0.0, sections 4.6 and 5.3.3): which entries
 * flow-mods make, told by the specification alone.
 *
 * It has nothing of the switch's own table but the functions of the match: entries are known by their
 * canonical match and priority (an exact one by its match), strict commands find theirs directly, all
 * others look at every entry. Emergency entries are a table of their own beside the normal ones.
 *
 * Time. It removes nothing by itself: which entry expires when depends on the frames that it meets, of
 * which the model knows none. It knows when an entry can have expired at the earliest
 * (flow_model_may_be_gone()). A MODIFY that means such an entry changes it, if it is still there, or adds
 * a new one: both are right, and the entry is 'doubtful' from then on, as to whether it is there, its times
 * and its cookie, until somebody adds it anew.
 *
 * Commands that are wrong are not for the model to refuse, save by CHECK_OVERLAP: the switch says by an
 * error that it did not do one, and then it is not applied. */
#ifndef SIM_FLOW_MODEL_H
#define SIM_FLOW_MODEL_H

#include <flowbed/message.h>

struct flow_model;

enum { FLOW_MODEL_KEY_BYTES = 40, FLOW_MODEL_ENTRIES_MAX = 1 << 22 };

struct flow_model_entry {
	uint8_t key[FLOW_MODEL_KEY_BYTES]; /* what it is known by */
	struct fb_flow_mod mod; /* what it is: match and priority canonical, 'actions' its own */
	uint64_t since_ns;      /* when its flow-mod came */
	uint64_t seen;          /* the owner's */
	bool doubtful;          /* it may have expired and been added again by a MODIFY */
	bool undone;            /* nobody knows whether its latest flow-mod was done */
	bool told_gone;         /* the switch told that it expired */
};

struct flow_model *flow_model_new(void);
void flow_model_free(struct flow_model *model); /* takes NULL */
size_t flow_model_count(const struct flow_model *model);
/* Remove all normal entries, and with 'emergency' those as well. */
void flow_model_clear(struct flow_model *model, bool emergency);

/* What became of a flow-mod: */
enum flow_model_done {
	FLOW_MODEL_DONE,
	FLOW_MODEL_OVERLAPS, /* nothing: CHECK_OVERLAP forbids it */
	FLOW_MODEL_FULL,     /* nothing: there are FLOW_MODEL_ENTRIES_MAX entries */
};
/* Do 'mod', which came at 'now_ns'. With 'undone' it may not be done by the switch: all that it would
 * change is marked so. */
enum flow_model_done flow_model_apply(struct flow_model *model, const struct fb_flow_mod *mod,
                                      uint64_t now_ns, bool undone);

/* The entry of this match and priority; NULL: none. */
struct flow_model_entry *flow_model_find(const struct flow_model *model, const struct fb_match *match,
                                         uint16_t priority, bool emergency);
/* In order of addition, NULL at the end; the present one may be removed after asking for the next. */
struct flow_model_entry *flow_model_oldest(const struct flow_model *model);
struct flow_model_entry *flow_model_newer(const struct flow_model *model,
                                          const struct flow_model_entry *entry);
void flow_model_remove(struct flow_model *model, struct flow_model_entry *entry);

/* A timeout of the entry may be over by 'now_ns'. */
bool flow_model_may_be_gone(const struct flow_model_entry *entry, uint64_t now_ns);

#endif
