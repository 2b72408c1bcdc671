/* A datapath with four ports and a record of all that comes out of it, for the tests of this room.
 */
#ifndef UNIT_DATAPATH_FIXTURE_H
#define UNIT_DATAPATH_FIXTURE_H

#include "tests/unit/harness.h"

#include <flowbed/text.h>
#include <stdio.h>
#include <stdlib.h>

#include "softswitch/datapath.h"

enum {
	FX_PORTS = 4,
	FX_RECORDS_MAX = 64,
	FX_FRAME_BYTES = 2048,
};

struct fx_output {
	uint16_t port_no;
	uint32_t queue_id;
	uint32_t len;
	struct frame *frame;           /* held as a link would hold it */
	uint8_t bytes[FX_FRAME_BYTES]; /* as it was sent */
};

struct fx_packet_in {
	struct fb_of_packet_in pi;
	bool miss;
	uint8_t bytes[FX_FRAME_BYTES];
};

struct fx {
	struct frame_pool *pool;
	struct datapath *dp;
	uint64_t now_ns;
	struct fb_of_error error; /* of the last call that failed */
	bool deaf;                /* nobody takes packet-ins */
	bool hold;                /* outputs keep references, as links do */
	enum datapath_sent sent;  /* what becomes of outputs */

	/* What came out since fx_clear(); the counts go on beyond the records. */
	struct fx_output outputs[FX_RECORDS_MAX];
	size_t outputs_count;
	struct fx_packet_in packet_ins[FX_RECORDS_MAX];
	size_t packet_ins_count;
	struct fb_flow_removed removed[FX_RECORDS_MAX];
	size_t removed_count;
	struct fb_port_status statuses[FX_RECORDS_MAX];
	size_t statuses_count;
	uint16_t configured_port; /* of the last port_configured(), and how many there were */
	uint32_t configured_config;
	size_t configured_count;
};

static inline enum datapath_sent fx_on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                              struct frame *frame)
{
	struct fx *fx = ctx;
	struct fx_output *o = &fx->outputs[fx->outputs_count++ % FX_RECORDS_MAX];

	o->port_no = port_no;
	o->len = frame->len;
	memcpy(o->bytes, frame_data(frame),
	       frame->len < FX_FRAME_BYTES ? frame->len : FX_FRAME_BYTES);
	o->queue_id = queue_id;
	o->frame = fx->hold ? frame_ref(frame) : NULL;
	return fx->sent;
}

static inline void fx_on_packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	struct fx *fx = ctx;
	struct fx_packet_in *p = &fx->packet_ins[fx->packet_ins_count++ % FX_RECORDS_MAX];

	p->pi = *pi;
	p->miss = miss;
	memcpy(p->bytes, pi->data.data,
	       pi->data.len < FX_FRAME_BYTES ? pi->data.len : FX_FRAME_BYTES);
	p->pi.data.data = p->bytes;
}

static inline void fx_on_flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	struct fx *fx = ctx;

	fx->removed[fx->removed_count++ % FX_RECORDS_MAX] = *fr;
}

static inline void fx_on_port_status(void *ctx, const struct fb_port_status *ps)
{
	struct fx *fx = ctx;

	fx->statuses[fx->statuses_count++ % FX_RECORDS_MAX] = *ps;
}

static inline void fx_on_port_configured(void *ctx, uint16_t port_no, uint32_t config)
{
	struct fx *fx = ctx;

	fx->configured_port = port_no;
	fx->configured_config = config;
	fx->configured_count++;
}

static inline bool fx_on_wanted(void *ctx)
{
	return !((struct fx *)ctx)->deaf;
}

static inline struct fb_phy_port fx_port(uint16_t port_no)
{
	struct fb_phy_port port = {.port_no = port_no,
	                           .hw_addr = {2, 0, 0, 0, 1, (uint8_t)port_no},
	                           .supported = 0x3f};

	snprintf(port.name, sizeof port.name, "eth%u", port_no);
	return port;
}

/* Forget what was recorded. */
static inline void fx_clear(struct fx *fx)
{
	for (size_t i = 0; i < fx->outputs_count && i < FX_RECORDS_MAX; i++) {
		if (fx->outputs[i].frame)
			frame_unref(fx->outputs[i].frame);
		fx->outputs[i].frame = NULL;
	}
	fx->outputs_count = fx->packet_ins_count = fx->removed_count = fx->statuses_count = 0;
	fx->configured_count = 0;
}

/* 'config' NULL: the default. Ports 1 to 4; the time is one second. */
static inline struct fx *fx_new(const struct datapath_config *config)
{
	struct fx *fx = calloc(1, sizeof *fx);
	struct datapath_config defaults;
	struct datapath_ops ops = {
	        .output = fx_on_output,
	        .packet_in = fx_on_packet_in,
	        .flow_removed = fx_on_flow_removed,
	        .port_status = fx_on_port_status,
	        .packet_in_wanted = fx_on_wanted,
	        .port_configured = fx_on_port_configured,
	        .ctx = fx,
	};

	datapath_config_default(&defaults);
	fx->pool = frame_pool_new();
	fx->now_ns = FB_NS_PER_S;
	fx->dp = datapath_new(config ? config : &defaults, &ops, fx->pool);
	for (uint16_t p = 1; p <= FX_PORTS; p++) {
		struct fb_phy_port port = fx_port(p);

		CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &port, fx->now_ns), 0);
	}
	fx_clear(fx);
	return fx;
}

/* Also checks that no frame is left over. */
static inline void fx_free(struct fx *fx)
{
	fx_clear(fx);
	datapath_free(fx->dp);
	CU_ASSERT_EQUAL(frame_pool_in_use(fx->pool), 0);
	frame_pool_free(fx->pool);
	free(fx);
}

/* --- Flow-mods as ovs-ofctl writes them --- */

static inline int fx_flow_mod_with_buffer(struct fx *fx, uint16_t command, const char *flow,
                                          uint32_t buffer_id)
{
	char text[256];
	uint8_t bytes[16384];
	struct fb_text error = fb_text_make(text, sizeof text);
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_mod fm;

	if (fb_parse_flow(flow, command, &fm, &actions, &error) < 0) {
		printf("# %s: %s\n", flow, text);
		CU_FAIL_FATAL("a flow that does not parse");
	}
	fm.buffer_id = buffer_id;
	return datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error);
}

static inline int fx_flow_mod(struct fx *fx, uint16_t command, const char *flow)
{
	return fx_flow_mod_with_buffer(fx, command, flow, OFP_NO_BUFFER);
}

static inline int fx_add(struct fx *fx, const char *flow)
{
	return fx_flow_mod(fx, OFPFC_ADD, flow);
}

/* --- Flow statistics as text: one entry a line, "priority=1,in_port=1,actions=output:2
 * n_packets=0" --- */

static inline bool fx_dump_one(void *ctx, const struct fb_flow_stats *stats)
{
	struct fb_text *t = ctx;
	char match[256];
	struct fb_text m = fb_text_make(match, sizeof match);

	fb_text_match(&m, &stats->match);
	fb_text_printf(t, "priority=%u%s%s", stats->priority, m.len ? "," : "", match);
	fb_text_puts(t, " actions=");
	fb_text_actions(t, stats->actions);
	fb_text_printf(t, " n_packets=%lu\n", (unsigned long)stats->packet_count);
	return true;
}

static inline const char *fx_dump_table(struct fx *fx, uint8_t table_id, const char *match)
{
	static char text[8192];
	struct fb_text t = fb_text_make(text, sizeof text);
	struct fb_flow_stats_request request = {.table_id = table_id, .out_port = OFPP_NONE};

	text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(fb_parse_match(match, &request.match, NULL), 0);
	datapath_flows(fx->dp, &request, fx->now_ns, fx_dump_one, &t);
	return text;
}

static inline const char *fx_dump(struct fx *fx, const char *match)
{
	return fx_dump_table(fx, 0xff, match);
}

/* --- Frames --- */

struct fx_tcp {
	uint8_t src, dst; /* last bytes of addresses: 02:00:00:00:00:NN and 10.0.0.NN */
	uint16_t tp_src, tp_dst;
	uint16_t vlan; /* tag control field, 0: untagged */
	uint16_t payload_len;
};

static inline struct frame *fx_tcp_frame(struct fx *fx, struct fx_tcp spec)
{
	uint8_t bytes[FX_FRAME_BYTES] = {0}, payload[FX_FRAME_BYTES] = {0};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, spec.dst},
	                          .dl_src = {2, 0, 0, 0, 0, spec.src},
	                          .has_vlan = spec.vlan != 0,
	                          .vlan_tci = spec.vlan};
	struct fb_ipv4_spec ip = {.nw_src = 0x0a000000u | spec.src,
	                          .nw_dst = 0x0a000000u | spec.dst};
	struct fb_tcp_spec tcp = {.tp_src = spec.tp_src,
	                          .tp_dst = spec.tp_dst,
	                          .seq = 1,
	                          .flags = FB_TCP_SYN,
	                          .window = 1000};

	CU_ASSERT_TRUE_FATAL(fb_build_tcp(&out, &eth, &ip, &tcp, payload, spec.payload_len));
	return frame_copy_of(fx->pool, out.data, out.len);
}

static inline void fx_receive(struct fx *fx, uint16_t port_no, struct fx_tcp spec)
{
	datapath_receive(fx->dp, port_no, fx_tcp_frame(fx, spec), fx->now_ns);
}

/* The ports of the recorded outputs, as "2 3 4". */
static inline const char *fx_output_ports(struct fx *fx)
{
	static char text[256];
	struct fb_text t = fb_text_make(text, sizeof text);

	text[0] = '\0';
	for (size_t i = 0; i < fx->outputs_count && i < FX_RECORDS_MAX; i++)
		fb_text_printf(&t, "%s%u", i ? " " : "", fx->outputs[i].port_no);
	return text;
}

/* An error of this type and code came back. */
#define FX_ASSERT_ERROR(fx, result, type_, code_)                                                  \
	do {                                                                                       \
		CU_ASSERT_EQUAL(result, -1);                                                       \
		CU_ASSERT_EQUAL((fx)->error.type, type_);                                          \
		CU_ASSERT_EQUAL((fx)->error.code, code_);                                          \
	} while (0)

#endif
