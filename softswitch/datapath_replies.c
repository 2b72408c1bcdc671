/* What the datapath tells those who ask: features, configuration, and the statistics of
 * section 5.3.5. */
#include "softswitch/datapath_private.h"

static const char table_name[] = "flow";

/* No STP. Reassembly is there unless the configuration leaves it no room. */
void datapath_features(const struct datapath *dp, struct fb_features_reply *fr)
{
	*fr = (struct fb_features_reply){
	        .datapath_id = dp->config.dpid,
	        .n_buffers = dp->buffers.slots_max,
	        .n_tables = 1,
	        .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
	                        OFPC_QUEUE_STATS | OFPC_ARP_MATCH_IP,
	        .actions = (1u << (OFPAT_ENQUEUE + 1)) - 1,
	};
	if (dp->config.reassembly_max)
		fr->capabilities |= OFPC_IP_REASM;
}

void datapath_desc(const struct datapath *dp, struct fb_desc_stats *desc)
{
	*desc = dp->desc;
}

/* The entries that 'request' means, before its out_port is looked at: the table they are in, or
 * NULL when it means none for sure. */
static const struct flow_table *select_flows(const struct datapath *dp,
                                             const struct fb_flow_stats_request *request,
                                             struct flow_selection *selection)
{
	struct fb_match match = request->match;
	const struct flow_table *table = NULL;

	if (request->table_id == DATAPATH_TABLE_ID || request->table_id == DATAPATH_TABLE_ALL)
		table = dp->table;
	else if (request->table_id == DATAPATH_TABLE_EMERGENCY)
		table = dp->emergency;
	if (!table)
		return NULL;
	fb_match_normalize(&match);
	flow_table_select(table, &match, false, 0, selection);
	return table;
}

static bool has_out_port(const struct flow_entry *e, uint16_t out_port)
{
	return out_port == OFPP_NONE ||
	       actions_output_to(flow_entry_actions(e), e->actions_len, out_port);
}

static void fill_flow_stats(const struct flow_entry *e, uint64_t now_ns,
                            struct fb_flow_stats *stats)
{
	*stats = (struct fb_flow_stats){
	        .table_id = e->flags & OFPFF_EMERG ? DATAPATH_TABLE_EMERGENCY : DATAPATH_TABLE_ID,
	        .priority = e->priority,
	        .idle_timeout = e->idle_timeout,
	        .hard_timeout = e->hard_timeout,
	        .cookie = e->cookie,
	        .packet_count = e->packet_count,
	        .byte_count = e->byte_count,
	        .actions = {flow_entry_actions(e), e->actions_len},
	};
	flow_key_to_match(&e->key, e->wildcards, &stats->match);
	datapath_duration(e, now_ns, &stats->duration_sec, &stats->duration_nsec);
}

void datapath_flows(const struct datapath *dp, const struct fb_flow_stats_request *request,
                    uint64_t now_ns, bool (*visit)(void *ctx, const struct fb_flow_stats *stats),
                    void *ctx)
{
	struct flow_selection selection;
	const struct flow_table *table = select_flows(dp, request, &selection);
	struct fb_flow_stats stats;
	struct flow_entry *e = NULL;

	if (!table)
		return;
	while ((e = flow_table_selected(table, &selection, e)) != NULL) {
		if (!has_out_port(e, request->out_port))
			continue;
		fill_flow_stats(e, now_ns, &stats);
		if (!visit(ctx, &stats))
			return;
	}
}

void datapath_aggregate(const struct datapath *dp, const struct fb_flow_stats_request *request,
                        struct fb_aggregate_stats *out)
{
	struct flow_selection selection;
	const struct flow_table *table = select_flows(dp, request, &selection);
	struct flow_entry *e = NULL;

	*out = (struct fb_aggregate_stats){.flow_count = 0};
	if (!table)
		return;
	while ((e = flow_table_selected(table, &selection, e)) != NULL) {
		if (!has_out_port(e, request->out_port))
			continue;
		out->packet_count += e->packet_count;
		out->byte_count += e->byte_count;
		out->flow_count++;
	}
}

/* The emergency entries stand in no table that a controller can number, and are told as flow
 * statistics only. */
uint32_t datapath_entries(const struct datapath *dp)
{
	return flow_table_count(dp->table) + flow_table_count(dp->emergency);
}

bool datapath_table_stats(const struct datapath *dp, size_t place, struct fb_table_stats *out)
{
	if (place > 0)
		return false;
	*out = (struct fb_table_stats){
	        .table_id = DATAPATH_TABLE_ID,
	        .wildcards = OFPFW_ALL,
	        .max_entries = dp->config.entries_max,
	        .active_count = flow_table_count(dp->table),
	        .lookup_count = dp->counters.lookups - dp->emergency_lookups,
	        .matched_count = dp->counters.matched - dp->emergency_matched,
	};
	memcpy(out->name, table_name, sizeof table_name);
	return true;
}
