/* The controller as a whole: its sessions, the switches that are up, its notion of time, its log.
 *
 * A dpid names at most one switch that is up. What a connection says is session.c's business, what
 * applications see chain.c's, what they may do app.c's. Everything hangs off struct controller,
 * which belongs to one thread. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/table.h>

#include "controller/core.h"
#include "lib/base/xalloc.h"


/* An element of ctl->dpids; the key comes first. */
struct dpid_entry {
	uint64_t dpid;
	struct fb_switch *sw;
};

/* Fill '*config' with the values that its comments promise. */
void controller_config_default(struct controller_config *config)
{
	*config = (struct controller_config){
	        .miss_send_len = OFP_DEFAULT_MISS_SEND_LEN,
	        .sessions_max = 4096,
	        .log_level = FB_LOG_INFO,
	};
	liveness_config_default(&config->liveness);
}

/* A controller without applications and connections. '*config' and '*ops' are copied. */
struct controller *controller_new(const struct controller_config *config,
                                  const struct controller_ops *ops)
{
	struct controller *ctl = xcalloc(1, sizeof *ctl);

	assert(config->sessions_max > 0);
	ctl->config = *config;
	ctl->ops = *ops;
	ctl->ethernet_only = true;
	TAILQ_INIT(&ctl->sessions);
	TAILQ_INIT(&ctl->switches);
	TAILQ_INIT(&ctl->waiting);
	TAILQ_INIT(&ctl->staged);
	heap_init(&ctl->timers);
	ctl->dpids =
	        fb_table_new(sizeof(uint64_t), sizeof(struct dpid_entry), config->sessions_max);
	if (!ctl->dpids)
		abort();
	fb_table_seed(ctl->dpids, config->dpids_seed);
	return ctl;
}

/* Close all sessions, end the applications (the last one first), free everything. */
void controller_free(struct controller *ctl)
{
	if (!ctl)
		return;
	while (!TAILQ_EMPTY(&ctl->sessions))
		session_end(TAILQ_FIRST(&ctl->sessions), "the controller stops", ctl->now_ns);
	while (ctl->apps_count > 0) {
		struct fb_app *app = ctl->apps[--ctl->apps_count];

		if (app->cls->destroy)
			app->cls->destroy(app->state);
		free(app->texts);
		free(app);
	}
	heap_destroy(&ctl->timers);
	controller_report_free(ctl);
	fb_table_free(ctl->dpids);
	output_pool_destroy(&ctl->outputs);
	free(ctl);
}

/* --- Applications --- */

/* The name of the next instance of 'cls': that of the class, and its number from the second one on.
 */
static void name_instance(const struct controller *ctl, struct fb_app *app)
{
	unsigned same = 1;

	for (unsigned i = 0; i < ctl->apps_count; i++)
		same += ctl->apps[i]->cls == app->cls;
	if (same == 1)
		snprintf(app->name, sizeof app->name, "%s", app->cls->name);
	else
		snprintf(app->name, sizeof app->name, "%.24s#%u", app->cls->name, same);
}

static bool has_class(const struct controller *ctl, const struct fb_app_class *cls)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		if (ctl->apps[i]->cls == cls)
			return true;
	}
	return false;
}

/* An instance of 'cls' for the end of the chain, not made yet; NULL with a text in 'error'. */
static struct fb_app *new_instance(struct controller *ctl, const struct fb_app_class *cls,
                                   const char *options, struct fb_text *error)
{
	struct fb_app *app = xcalloc(1, sizeof *app + cls->options_count * sizeof app->values[0]);

	app->ctl = ctl;
	app->cls = cls;
	app->index = ctl->apps_count;
	app->deadline_ns = FB_NEVER;
	app->texts = xcalloc(1, options ? strlen(options) + 2 : 1);
	name_instance(ctl, app);
	if (app_options_parse(cls, options, app->texts, app->values, error) == 0)
		return app;
	free(app->texts);
	free(app);
	return NULL;
}

/* Append an instance of 'cls' with 'options' to the chain; see controller.h. */
int controller_add_app(struct controller *ctl, const struct fb_app_class *cls, const char *options,
                       struct fb_text *error)
{
	struct fb_app *app;

	if (cls->needs && !has_class(ctl, cls->needs) &&
	    controller_add_app(ctl, cls->needs, NULL, error) < 0)
		return -1;
	if (ctl->sessions_made > 0) {
		fb_text_puts(error, "applications are added before the first connection");
		return -1;
	}
	if (ctl->apps_count == APPS_MAX) {
		fb_text_printf(error, "a chain has at most %d applications", APPS_MAX);
		return -1;
	}
	app = new_instance(ctl, cls, options, error);
	if (!app)
		return -1;
	app->state = cls->create(app, app->values, error);
	if (!app->state) {
		free(app->texts);
		free(app);
		return -1;
	}
	ctl->apps[ctl->apps_count++] = app;
	ctl->ethernet_only &= cls->ethernet_only || !cls->packet_in;
	return 0;
}

/* Tell the counters of all applications in the order of the chain. */
struct teller {
	void (*tell)(void *ctx, const char *app, const char *name, uint64_t value);
	void *ctx;
	const char *app;
};

static void tell_one(void *ctx, const char *name, uint64_t value)
{
	const struct teller *teller = ctx;

	teller->tell(teller->ctx, teller->app, name, value);
}

void controller_app_counters(const struct controller *ctl,
                             void (*tell)(void *ctx, const char *app, const char *name,
                                          uint64_t value),
                             void *ctx)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		const struct fb_app *app = ctl->apps[i];
		struct teller teller = {.tell = tell, .ctx = ctx, .app = app->name};

		if (app->cls->counters)
			app->cls->counters(app->state, tell_one, &teller);
	}
}

int controller_command(struct controller *ctl, const char *name, const char *const *words,
                       size_t count, struct fb_text *answer, uint64_t now_ns)
{
	now_ns = controller_advance(ctl, now_ns);
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		const struct fb_app *app = ctl->apps[i];
		int result;

		if (strcmp(app->name, name) != 0)
			continue;
		if (!app->cls->command) {
			fb_text_printf(answer, "%s takes no commands", name);
			return -1;
		}
		result = app->cls->command(app->state, words, count, answer, now_ns);
		controller_flush(ctl);
		return result;
	}
	fb_text_printf(answer, "no application is named '%s'", name);
	for (unsigned i = 0; i < ctl->apps_count; i++)
		fb_text_printf(answer, "%s%s", i ? ", " : ": there are ", ctl->apps[i]->name);
	return -1;
}

bool controller_ready(const struct controller *ctl)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		const struct fb_app *app = ctl->apps[i];

		if (app->cls->ready && !app->cls->ready(app->state))
			return false;
	}
	return true;
}

const struct controller_counters *controller_counters(const struct controller *ctl)
{
	return &ctl->counters;
}

/* --- Log --- */

/* True when a line of 'level' reaches somebody. */
bool controller_logs(const struct controller *ctl, enum fb_log_level level)
{
	return ctl->ops.log && level <= ctl->config.log_level;
}

void controller_vlog(struct controller *ctl, enum fb_log_level level, const char *who,
                     const char *format, va_list args)
{
	char line[LOG_LINE_BYTES];

	if (!controller_logs(ctl, level))
		return;
	vsnprintf(line, sizeof line, format, args);
	ctl->ops.log(ctl->ops.ctx, level, who, line);
}

void controller_log(struct controller *ctl, enum fb_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	controller_vlog(ctl, level, "controller", format, args);
	va_end(args);
}

/* --- Sessions and time --- */

uint64_t controller_advance(struct controller *ctl, uint64_t now_ns)
{
	if (now_ns > ctl->now_ns)
		ctl->now_ns = now_ns;
	return ctl->now_ns;
}

/* A session for a new connection; NULL where there are too many. */
static struct session *add_session(struct controller *ctl, void *conn, const char *peer)
{
	struct session *session;

	if (ctl->sessions_count >= ctl->config.sessions_max) {
		ctl->counters.sessions_refused++;
		return NULL;
	}
	session = xcalloc(1, sizeof *session);
	session->ctl = ctl;
	session->conn = conn;
	session->number = ++ctl->sessions_made;
	snprintf(session->peer, sizeof session->peer, "%s", peer);
	TAILQ_INSERT_TAIL(&ctl->sessions, session, link);
	ctl->sessions_count++;
	return session;
}

/* A new connection: HELLO goes out at once (section 5.5.1). */
struct session *controller_connect(struct controller *ctl, void *conn, const char *peer,
                                   uint64_t now_ns)
{
	struct session *session = add_session(ctl, conn, peer);

	now_ns = controller_advance(ctl, now_ns);
	if (!session)
		return NULL;
	session_start(session, now_ns);
	controller_flush(ctl);
	return session;
}

struct session *controller_take_over(struct controller *ctl, void *conn, const char *peer,
                                     uint64_t now_ns)
{
	struct session *session = add_session(ctl, conn, peer);

	now_ns = controller_advance(ctl, now_ns);
	if (session)
		session_start_moved(session, now_ns);
	return session;
}

/* The earliest of what sessions and applications wait for. */
uint64_t controller_deadline(const struct controller *ctl)
{
	const struct heap_node *first = heap_min(&ctl->timers);
	uint64_t deadline_ns = first ? first->key : FB_NEVER;

	for (unsigned i = 0; i < ctl->apps_count; i++)
		deadline_ns = fb_time_min(deadline_ns, ctl->apps[i]->deadline_ns);
	return deadline_ns;
}

/* Sessions in the order of their deadlines, then applications in the order of the chain. */
void controller_run(struct controller *ctl, uint64_t now_ns)
{
	struct heap_node *first;

	now_ns = controller_advance(ctl, now_ns);
	while ((first = heap_min(&ctl->timers)) && first->key <= now_ns)
		session_run((struct session *)((char *)first - offsetof(struct session, timer)),
		            now_ns);
	chain_timers(ctl, now_ns);
	controller_flush(ctl);
}

void controller_flush_much(struct controller *ctl)
{
	if (ctl->held_bytes > OUTPUT_HELD_BYTES_MAX)
		controller_flush(ctl);
}

/* One send for each connection that has output. */
void controller_flush(struct controller *ctl)
{
	struct session *session;

	while ((session = TAILQ_FIRST(&ctl->waiting))) {
		TAILQ_REMOVE(&ctl->waiting, session, waiting_link);
		ctl->held_bytes -= session->output.buf.len;
		ctl->ops.send(session->conn, session->output.buf.data, session->output.buf.len);
		session->bytes_out += session->output.buf.len;
		output_clear(&session->output, &ctl->outputs);
		if (ctl->ops.backlog)
			session_backlog(session, false);
	}
}

/* --- Switches --- */

size_t controller_switches_up(const struct controller *ctl)
{
	return ctl->switches_count;
}

struct fb_switch *controller_switch(const struct controller *ctl, uint64_t dpid)
{
	const struct dpid_entry *entry = fb_table_find(ctl->dpids, &dpid);

	return entry ? entry->sw : NULL;
}

uint32_t controller_port_place(const struct fb_switch *sw, uint16_t port_no)
{
	uint32_t low = 0, high = sw->ports_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sw->ports[middle].port_no < port_no)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool controller_port_is_real(uint16_t port_no)
{
	return port_no < OFPP_MAX || port_no == OFPP_LOCAL;
}

bool controller_port_set(struct fb_switch *sw, const struct fb_phy_port *port)
{
	uint32_t place = controller_port_place(sw, port->port_no);

	if (place < sw->ports_count && sw->ports[place].port_no == port->port_no) {
		sw->ports[place] = *port;
		return true;
	}
	if (sw->ports_count == PORTS_MAX)
		return false;
	if (sw->ports_count == sw->ports_size) {
		sw->ports_size = sw->ports_size ? 2 * sw->ports_size : 8;
		sw->ports = xrealloc(sw->ports, sw->ports_size * sizeof *sw->ports);
	}
	memmove(sw->ports + place + 1, sw->ports + place,
	        (sw->ports_count - place) * sizeof *sw->ports);
	sw->ports[place] = *port;
	sw->ports_count++;
	return true;
}

void controller_port_remove(struct fb_switch *sw, uint16_t port_no)
{
	uint32_t place = controller_port_place(sw, port_no);

	if (place == sw->ports_count || sw->ports[place].port_no != port_no)
		return;
	sw->ports_count--;
	memmove(sw->ports + place, sw->ports + place + 1,
	        (sw->ports_count - place) * sizeof *sw->ports);
}

/* Take over the ports of a FEATURES_REPLY; of two with one number the later counts, as with
 * PORT_STATUS. */
static void take_ports(struct controller *ctl, struct fb_switch *sw, struct fb_view view)
{
	struct fb_phy_port port;
	size_t offset = 0;

	while (fb_phy_port_next(view, &offset, &port)) {
		if (!controller_port_is_real(port.port_no) || !controller_port_set(sw, &port))
			ctl->counters.ports_refused++;
	}
}

struct fb_switch *controller_switch_add(struct controller *ctl, struct session *session,
                                        const struct fb_features_reply *features)
{
	struct fb_switch *sw = xcalloc(1, sizeof *sw + ctl->apps_count * sizeof sw->slots[0]);
	struct dpid_entry *entry = fb_table_add(ctl->dpids, &features->datapath_id);

	if (!entry)
		abort();
	entry->sw = sw;
	sw->session = session;
	sw->features = *features;
	sw->features.ports = (struct fb_view){0};
	take_ports(ctl, sw, features->ports);
	TAILQ_INSERT_TAIL(&ctl->switches, sw, link);
	ctl->switches_count++;
	return sw;
}

void controller_switch_remove(struct controller *ctl, struct fb_switch *sw)
{
	fb_table_remove(ctl->dpids, fb_table_find(ctl->dpids, &sw->features.datapath_id));
	TAILQ_REMOVE(&ctl->switches, sw, link);
	controller_report_switch_gone(ctl, sw);
	ctl->switches_count--;
	sw->down = true;
}

void controller_switch_free(struct fb_switch *sw)
{
	fb_table_free(sw->requests);
	free(sw->ports);
	free(sw);
}
