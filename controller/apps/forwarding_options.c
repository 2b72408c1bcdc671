/* The options of the application forwarding, and what it tells of itself. */
#include "controller/apps/forwarding_private.h"

enum { IDLE_TIMEOUT, HARD_TIMEOUT, PRIORITY, FLOWS_MAX, WAITING_MAX, FLIGHT };

const struct fb_option forwarding_options_table[FORWARDING_OPTIONS_COUNT] = {
        [IDLE_TIMEOUT] =
                {
                        .name = "idle_timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "60s",
                        .min = 0,
                        .max = UINT16_MAX * FB_NS_PER_S,
                        .help = "flow entries go after this time without a frame, in whole "
                                "seconds; 0: never",
                },
        [HARD_TIMEOUT] =
                {
                        .name = "hard_timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "0s",
                        .min = 0,
                        .max = UINT16_MAX * FB_NS_PER_S,
                        .help = "flow entries go after this time in any case, in whole seconds; 0: "
                                "never",
                },
        [PRIORITY] =
                {
                        .name = "priority",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "100",
                        .min = 0,
                        .max = UINT16_MAX,
                        .help = "priority of the flow entries",
                },
        [FLOWS_MAX] =
                {
                        .name = "flows_max",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "131072",
                        .min = 1,
                        .max = 1 << 24,
                        .help = "pairs of hosts with flow entries; the oldest goes for a new one",
                },
        [WAITING_MAX] =
                {
                        .name = "waiting_max",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "64",
                        .min = 1,
                        .max = 65536,
                        .help = "frames of a pair that wait until its entries are installed",
                },
        [FLIGHT] =
                {
                        .name = "flight",
                        .type = FB_OPTION_DURATION,
                        .default_text = "100ms",
                        .min = 0,
                        .max = 60 * FB_NS_PER_S,
                        .help = "a frame that is flooded over several switches is under way for at "
                                "most so long; entries for its pair of hosts wait for that",
                },
};

bool forwarding_options_take(struct forwarding_options *options, const uint64_t *values,
                             struct fb_text *error)
{
	for (int i = IDLE_TIMEOUT; i <= HARD_TIMEOUT; i++) {
		if (values[i] % FB_NS_PER_S) {
			fb_text_printf(error, "forwarding: %s must be whole seconds",
			               forwarding_options_table[i].name);
			return false;
		}
	}
	*options = (struct forwarding_options){
	        .idle_timeout_s = (uint16_t)(values[IDLE_TIMEOUT] / FB_NS_PER_S),
	        .hard_timeout_s = (uint16_t)(values[HARD_TIMEOUT] / FB_NS_PER_S),
	        .priority = (uint16_t)values[PRIORITY],
	        .flows_max = (uint32_t)values[FLOWS_MAX],
	        .waiting_max = (uint32_t)values[WAITING_MAX],
	        .flight_ns = values[FLIGHT],
	};
	return true;
}

void forwarding_options_counters(const void *state,
                                 void (*tell)(void *ctx, const char *name, uint64_t value),
                                 void *ctx)
{
	const struct forwarding *f = state;
	const struct forwarding_counters *c = &f->counters;

	tell(ctx, "flows", c->flows);
	tell(ctx, "flows_moved", c->flows_moved);
	tell(ctx, "flows_removed", c->flows_removed);
	tell(ctx, "flows_evicted", c->flows_evicted);
	tell(ctx, "entries_sent", c->entries_sent);
	tell(ctx, "entries_deleted", c->entries_deleted);
	tell(ctx, "entries_refused", c->entries_refused);
	tell(ctx, "tables_full", c->tables_full);
	tell(ctx, "adopted", c->adopted);
	tell(ctx, "adopted_deleted", c->adopted_deleted);
	tell(ctx, "floods", c->floods);
	tell(ctx, "floods_off_tree", c->floods_off_tree);
	tell(ctx, "floods_full", c->floods_full);
	tell(ctx, "forwarded", c->forwarded);
	tell(ctx, "transit", c->transit);
	tell(ctx, "mended", c->mended);
	tell(ctx, "turned_back", c->turned_back);
	tell(ctx, "unlinked", c->unlinked);
	tell(ctx, "same_port", c->same_port);
	tell(ctx, "no_path", c->no_path);
	tell(ctx, "waited", c->waited);
	tell(ctx, "waiting_full", c->waiting_full);
	tell(ctx, "waiting_dropped", c->waiting_dropped);
	tell(ctx, "barriers_late", c->barriers_late);
	tell(ctx, "barriers_skipped", c->barriers_skipped);
	tell(ctx, "frames_cut", c->frames_cut);
}

static void report_host(struct fb_report *report, const char *key, uint64_t host)
{
	uint8_t mac[FB_MAC_BYTES];

	fb_mac_from_u64(mac, host >> 16);
	fb_report_mac(report, key, mac);
}

static void report_way(const struct forwarding *f, const struct forwarding_flow *flow,
                       struct fb_report *report)
{
	fb_report_begin_plain_list(report, "way");
	for (size_t i = 0; i < flow->hops_count; i++) {
		const struct fb_hop *hop = &flow->hops[i];

		fb_report_begin_map(report, NULL);
		fb_report_dpid(report, "dpid", fb_discovery_dpid(f->discovery, hop->node));
		fb_report_u64(report, "in_port", hop->in_port);
		fb_report_u64(report, "out_port", hop->out_port);
		fb_report_end_map(report);
	}
	fb_report_end_plain_list(report);
}

static const char *state_of(const struct forwarding_flow *flow)
{
	if (flow->adopted)
		return "adopted";
	if (flow->hops_count == 0)
		return "leaving";
	return flow->established ? "established" : "installing";
}

/* Those that came last come first. */
void forwarding_options_report(const void *state, struct fb_report *report, uint64_t now_ns)
{
	const struct forwarding *f = state;
	const struct forwarding_flow *flow = fb_table_newest(f->flows);

	(void)now_ns;
	fb_report_u64(report, "entries", f->entries_present);
	fb_report_u64(report, "barriers_unanswered", fb_table_count(f->barriers));
	fb_report_begin_list(report, "flows", fb_table_count(f->flows), fb_table_limit(f->flows));
	for (; flow && fb_report_more(report); flow = fb_table_older(f->flows, flow)) {
		fb_report_begin_map(report, NULL);
		report_host(report, "src", flow->pair.src);
		report_host(report, "dst", flow->pair.dst);
		fb_report_vlan(report, "vlan", flow->pair.src & 0xffff);
		fb_report_text(report, "state", state_of(flow));
		report_way(f, flow, report);
		fb_report_u64(report, "waiting", flow->waiting.count);
		fb_report_end_map(report);
	}
	fb_report_end_list(report);
}
