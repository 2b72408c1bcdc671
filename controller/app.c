/* The functions that applications call (<flowbed/app.h>).
 *
 * Sending encodes straight into the output of the switch's connection, under an xid that names the
 * sender (chain_sender() reads it back). Statistics and barrier requests are remembered until their
 * reply comes, in a bounded table; at its limit the oldest is forgotten and its reply dropped. */
#include <stdarg.h>
#include <stdlib.h>

#include <flowbed/table.h>

#include "controller/core.h"

enum {
	LOG_BURST_LINES = 10,     /* lines at once */
	LOG_LINE_NS = 1000000000, /* and one more in this time */
};

/* --- The instance --- */

void fb_app_set_timer(struct fb_app *app, uint64_t deadline_ns)
{
	app->deadline_ns = deadline_ns;
}

bool fb_app_logs(const struct fb_app *app, enum fb_log_level level)
{
	return controller_logs(app->ctl, level);
}

void fb_app_log(struct fb_app *app, enum fb_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	controller_vlog(app->ctl, level, app->name, format, args);
	va_end(args);
}

bool app_log_limit_allows(struct fb_log_limit *limit, uint64_t now_ns, unsigned burst_lines,
                          uint64_t line_ns, uint64_t *suppressed)
{
	uint64_t from_ns = limit->empty_ns > now_ns ? limit->empty_ns : now_ns;

	if (from_ns - now_ns > (burst_lines - 1) * line_ns) {
		limit->suppressed++;
		return false;
	}
	limit->empty_ns = from_ns + line_ns;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}

bool fb_log_limit_allows(struct fb_log_limit *limit, uint64_t now_ns, uint64_t *suppressed)
{
	return app_log_limit_allows(limit, now_ns, LOG_BURST_LINES, LOG_LINE_NS, suppressed);
}

unsigned fb_app_index(const struct fb_app *app)
{
	return app->index;
}

uint32_t fb_app_run_id(const struct fb_app *app)
{
	return app->ctl->config.run_id;
}

/* --- Others in the chain --- */

char *fb_app_read_file(struct fb_app *app, const char *name, size_t *len, struct fb_text *error)
{
	const struct controller_ops *ops = &app->ctl->ops;

	if (!ops->read_file) {
		fb_text_printf(error, "%s: there are no files here", name);
		return NULL;
	}
	return ops->read_file(ops->ctx, name, len, error);
}

/* 'app' may be in create(), and so not be in the chain yet. */
void *fb_app_before(struct fb_app *app, const struct fb_app_class *cls)
{
	for (unsigned i = app->index; i > 0; i--) {
		if (app->ctl->apps[i - 1]->cls == cls)
			return app->ctl->apps[i - 1]->state;
	}
	return NULL;
}

void fb_app_tell(struct fb_app *app, const struct fb_network_event *event, uint64_t now_ns)
{
	for (unsigned i = app->index + 1; i < app->ctl->apps_count; i++) {
		struct fb_app *other = app->ctl->apps[i];

		if (other->cls->network_event)
			other->cls->network_event(other->state, event, now_ns);
	}
}

void fb_app_redeliver(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *pi,
                      uint64_t now_ns)
{
	chain_redeliver(app->ctl, app, sw, pi, now_ns);
}

/* --- Switches --- */

uint64_t fb_switch_dpid(const struct fb_switch *sw)
{
	return sw->features.datapath_id;
}

const struct fb_features_reply *fb_switch_features(const struct fb_switch *sw)
{
	return &sw->features;
}

const struct fb_phy_port *fb_switch_port(const struct fb_switch *sw, uint16_t port_no)
{
	uint32_t place = controller_port_place(sw, port_no);

	return place < sw->ports_count && sw->ports[place].port_no == port_no ? &sw->ports[place]
	                                                                      : NULL;
}

const struct fb_phy_port *fb_switch_port_at(const struct fb_switch *sw, size_t place)
{
	return place < sw->ports_count ? &sw->ports[place] : NULL;
}

void fb_switch_set_state(struct fb_switch *sw, struct fb_app *app, void *state)
{
	sw->slots[app->index].state = state;
}

void *fb_switch_state(const struct fb_switch *sw, const struct fb_app *app)
{
	return sw->slots[app->index].state;
}

struct fb_switch *fb_app_next_switch(struct fb_app *app, struct fb_switch *sw)
{
	return sw ? TAILQ_NEXT(sw, link) : TAILQ_FIRST(&app->ctl->switches);
}

/* --- Sending --- */

/* One message on its way into the output. */
struct sending {
	struct app_slot *slot;
	struct session *session;
	struct fb_buf *out;
	size_t len_before; /* of 'out' */
	uint32_t xid;
};

/* Begin a message of 'len' bytes of 'app' to 'sw'; false where it cannot be sent. */
static inline bool begin(struct sending *s, struct fb_app *app, struct fb_switch *sw, size_t len)
{
	if (len > UINT16_MAX || sw->down)
		return false;
	s->slot = &sw->slots[app->index];
	s->session = sw->session;
	s->out = session_out(sw->session, len);
	s->len_before = s->out->len;
	s->xid = session_xid_of(app->index + 1, s->slot->sent);
	return true;
}

/* End it: count it and give it its place. 'encoded' is what the encoder returned. */
static inline uint32_t end(struct sending *s, bool encoded, const struct fb_packet_in *cause)
{
	struct controller *ctl = s->session->ctl;

	if (!encoded) {
		s->out->overflow = false;
		return 0;
	}
	s->slot->sent++;
	if (cause && cause->order - ctl->array_order < ctl->array_count)
		ctl->place = cause->order - ctl->array_order;
	session_sent(s->session, s->len_before, ctl->place);
	return s->xid;
}

uint32_t fb_send_packet_out(struct fb_app *app, struct fb_switch *sw,
                            const struct fb_packet_in *cause, const struct fb_packet_out *po)
{
	uint8_t nowhere[OUTPUT_NOWHERE_BYTES];
	struct fb_packet_out drop;
	struct sending s;
	bool encoded;

	if (po->actions.len == 0) {
		drop = *po;
		drop.actions = output_nowhere(nowhere, po->in_port);
		po = &drop;
	}
	if (!begin(&s, app, sw, sizeof(struct ofp_packet_out) + po->actions.len + po->data.len))
		return 0;
	encoded = fb_msg_put_packet_out(s.out, s.xid, po);
	app->ctl->counters.packet_outs += encoded;
	return end(&s, encoded, cause);
}

uint32_t fb_send_flow_mod(struct fb_app *app, struct fb_switch *sw,
                          const struct fb_packet_in *cause, const struct fb_flow_mod *fm)
{
	bool deletes = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	uint8_t nowhere[OUTPUT_NOWHERE_BYTES];
	struct fb_flow_mod delete;
	struct sending s;
	bool encoded;

	if (fm->actions.len == 0 && deletes) {
		delete = *fm;
		delete.actions = output_nowhere(nowhere, OFPP_IN_PORT);
		fm = &delete;
	}
	if (!begin(&s, app, sw, sizeof(struct ofp_flow_mod) + fm->actions.len))
		return 0;
	encoded = fb_msg_put_flow_mod(s.out, s.xid, fm);
	app->ctl->counters.flow_mods += encoded;
	return end(&s, encoded, cause);
}

/* Send '*msg', of at most 'len' bytes, under a new xid. */
static uint32_t send_msg(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *cause,
                         struct fb_msg *msg, size_t len)
{
	struct sending s;
	bool encoded;

	if (!begin(&s, app, sw, len))
		return 0;
	msg->version = OFP_VERSION;
	msg->xid = s.xid;
	encoded = fb_msg_encode(s.out, msg);
	return end(&s, encoded, cause);
}

uint32_t fb_send_port_mod(struct fb_app *app, struct fb_switch *sw,
                          const struct fb_packet_in *cause, const struct fb_port_mod *pm)
{
	struct fb_msg msg = {.type = OFPT_PORT_MOD, .port_mod = *pm};

	return send_msg(app, sw, cause, &msg, sizeof(struct ofp_port_mod));
}

/* Remember the request 'xid', whose reply is a 'msg_type'. */
static void await_reply(struct controller *ctl, struct fb_switch *sw, uint32_t xid,
                        uint16_t msg_type, uint16_t stats_type)
{
	struct request *request;

	if (!sw->requests)
		sw->requests = fb_table_new(sizeof request->xid, sizeof *request, REQUESTS_MAX);
	if (!sw->requests)
		abort();
	request = fb_table_find(sw->requests, &xid);
	if (!request && fb_table_count(sw->requests) == fb_table_limit(sw->requests)) {
		fb_table_remove(sw->requests, fb_table_oldest(sw->requests));
		ctl->counters.requests_forgotten++;
	}
	if (!request)
		request = fb_table_add(sw->requests, &xid);
	if (!request)
		abort();
	request->msg_type = msg_type;
	request->stats_type = stats_type;
}

uint32_t fb_send_stats_request(struct fb_app *app, struct fb_switch *sw,
                               const struct fb_packet_in *cause,
                               const struct fb_stats_request *request)
{
	struct fb_msg msg = {.type = OFPT_STATS_REQUEST, .stats_request = *request};
	size_t len = sizeof(struct ofp_stats_request) + sizeof(struct ofp_flow_stats_request);
	uint32_t xid;

	if (request->type == OFPST_VENDOR)
		len += request->vendor.data.len;
	xid = send_msg(app, sw, cause, &msg, len);
	if (xid)
		await_reply(app->ctl, sw, xid, OFPT_STATS_REPLY, request->type);
	return xid;
}

uint32_t fb_send_barrier(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *cause)
{
	struct fb_msg msg = {.type = OFPT_BARRIER_REQUEST};
	uint32_t xid = send_msg(app, sw, cause, &msg, sizeof(struct ofp_header));

	if (xid)
		await_reply(app->ctl, sw, xid, OFPT_BARRIER_REPLY, 0);
	return xid;
}

uint32_t fb_send_release(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *pi,
                         struct fb_view actions)
{
	struct fb_packet_out po = {
	        .buffer_id = pi->buffer_id, .in_port = pi->in_port, .actions = actions};

	if (pi->buffer_id == OFP_NO_BUFFER) {
		if (actions.len == 0 || pi->packet.len < pi->total_len)
			return 0;
		po.data = (struct fb_view){.data = pi->packet.data, .len = pi->packet.len};
	}
	return fb_send_packet_out(app, sw, pi, &po);
}
