/* What a controller application is, and all that it may use.
 *
 * Applications stand in a chain, as in NOX. Each is a class (struct fb_app_class: functions and a
 * table of options) of which a controller makes an instance; all state hangs off the instance and
 * off the slot that it has on each switch, so that several controllers live in one process.
 *
 * Order. A packet-in handler receives the array of packet-ins that one read brought from one switch
 * (often one; any other message ends the array) and sets the verdict of each: FB_CONTINUE hands it
 * to the next application, FB_STOP does not. What handlers send for a packet-in (its 'cause')
 * leaves in the order of the packet-ins, whatever the number of applications and however the array
 * was cut: for each packet-in first what the first application sent, then the second. Results must
 * not depend on how the array was cut: handle its elements in order.
 *
 * Buffers. An application that sets FB_STOP has released the packet-in (by a packet-out or a
 * flow-mod with its buffer id) or will do so itself; one that leaves FB_CONTINUE has not. When the
 * last application continues, the controller drops the packet by a packet-out, so that no buffer of
 * the switch leaks. A frame too short for an Ethernet header is dropped so before any application
 * sees it: packet.dl_src and packet.dl_dst are never NULL.
 *
 * An application whose handling of a packet-in changes what those behind it ask it for, or tells
 * them so, sets FB_LATER instead where others stand before it in the array: those go to the end of
 * the chain first, then it comes again with all behind it, of which nothing may have been handled.
 *
 * In a packet-in handler give every message its cause; one without belongs to the latest packet-in
 * answered (the first of the array before that), and its place depends on that.
 *
 * Time comes as an argument. An instance has one timer (fb_app_set_timer()).
 *
 * Link-layer discovery frames (LLDP, Ethernet type 0x88cc) reach only applications of a class that
 * asks for them ('wants_lldp'); no application ever forwards them.
 *
 * Networks. An application whose class says that it 'needs' another has an instance of that before
 * it in the chain, which the controller adds where the user did not. So those that work on many
 * switches use 'discovery' (<flowbed/discovery.h>), which knows links, paths and hosts and tells
 * those behind it what changes (network_event).
 *
 * All views (frames, messages) are valid until the handler returns. */
#ifndef FLOWBED_APP_H
#define FLOWBED_APP_H

#include <flowbed/message.h>
#include <flowbed/packet.h>
#include <flowbed/report.h>
#include <flowbed/text.h>
#include <flowbed/time.h>

struct fb_network_event; /* <flowbed/discovery.h> */
struct fb_app;    /* an instance's handle, made by the controller */
struct fb_switch; /* a switch from switch_up to switch_down */

enum fb_verdict {
	FB_CONTINUE,
	FB_STOP,
	FB_LATER, /* of a packet-in that is not the first of its array: see above */
};

enum fb_scope {
	FB_SCOPE_SWITCH,  /* decisions for a switch depend on that switch alone */
	FB_SCOPE_NETWORK, /* needs to see all switches of the network in one place */
};

enum fb_log_level { FB_LOG_ERROR, FB_LOG_WARNING, FB_LOG_INFO, FB_LOG_DEBUG };

struct fb_packet_in {
	enum fb_verdict verdict; /* set by the handler; FB_CONTINUE before */
	uint32_t buffer_id;      /* OFP_NO_BUFFER: the switch kept nothing */
	uint16_t in_port;
	uint8_t reason;          /* OFPR_*; not to be relied on */
	uint16_t total_len;      /* of the frame; 'packet' may hold fewer bytes (miss_send_len) */
	uint32_t order;          /* place in what the connection brought; the controller's */
	struct fb_packet packet; /* parsed, where all of the chain are 'ethernet_only' no further
	                          * than that; packet.data and packet.len are the bytes that came */
};

/* An option of a class. */
enum fb_option_type {
	FB_OPTION_INTEGER,  /* decimal in [min, max] */
	FB_OPTION_DURATION, /* "250ms", "5s", "2m", "1h", "30" (seconds); in ns, min and max too */
	FB_OPTION_BOOL,     /* true, false, yes, no, on, off, 1, 0 */
	FB_OPTION_CHOICE,   /* one of 'choices', stored as its place there */
	FB_OPTION_TEXT,     /* anything without a comma; see fb_option_text() */
};

struct fb_option {
	const char *name; /* "idle_timeout" */
	enum fb_option_type type;
	const char *default_text;   /* as a user would write it */
	uint64_t min, max;          /* INTEGER and DURATION; TEXT: its length in bytes */
	const char *const *choices; /* CHOICE: NULL-terminated */
	const char *help;           /* one line */
};

struct fb_app_class {
	const char *name;    /* "learning" */
	const char *summary; /* one line */
	enum fb_scope scope;
	bool wants_lldp;
	bool ethernet_only; /* looks at nothing of a frame beyond its Ethernet header */
	bool takes_all;     /* sets FB_STOP for every packet-in: those behind it see none */
	const struct fb_app_class *needs; /* must be before it in the chain; NULL: none */
	const struct fb_option *options;
	size_t options_count;

	/* Make the instance's state: 'values' has one number for each option in their order
	 * (defaults filled in) and is valid during the call. NULL, with a text in 'error', when the
	 * values do not go together. */
	void *(*create)(struct fb_app *app, const uint64_t *values, struct fb_text *error);
	void (*destroy)(void *state);

	/* Events; NULL where the class does not care. 'now_ns' never goes back. */
	void (*switch_up)(void *state, struct fb_switch *sw, uint64_t now_ns);
	void (*switch_down)(void *state, struct fb_switch *sw, uint64_t now_ns);
	void (*packet_in)(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
	                  size_t count, uint64_t now_ns);
	enum fb_verdict (*flow_removed)(void *state, struct fb_switch *sw,
	                                const struct fb_flow_removed *fr, uint64_t now_ns);
	/* The port as it is now; with OFPPR_DELETE, as it was. fb_switch_port() already knows. */
	enum fb_verdict (*port_status)(void *state, struct fb_switch *sw,
	                               const struct fb_port_status *ps, uint64_t now_ns);
	/* An error of the switch. 'xid' is what fb_*() returned when 'own' (this instance sent the
	 * message). */
	void (*error)(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
	              uint16_t code, struct fb_view data, uint64_t now_ns);
	/* One part of a reply; for the instance that asked only. The last has no OFPSF_REPLY_MORE.
	 * A request that the switch refuses has no reply but an error(); one among thousands of
	 * others without reply (counter requests_forgotten) may have neither. */
	void (*stats_reply)(void *state, struct fb_switch *sw, uint32_t xid,
	                    const struct fb_stats_reply *reply, uint64_t now_ns);
	/* The reply to fb_send_barrier(); for the instance that asked only. */
	void (*barrier_reply)(void *state, struct fb_switch *sw, uint32_t xid, uint64_t now_ns);
	void (*timer)(void *state, uint64_t now_ns);
	/* The application that this one needs says that the network has changed. */
	void (*network_event)(void *state, const struct fb_network_event *event, uint64_t now_ns);

	/* What whoever runs the controller wants done: "drain 192.168.2.2 02:00:00:00:00:03", as
	 * 'count' words. 0: it is done, and 'answer' may say what; -1: it is not, and 'answer' says
	 * why, or how commands are written. */
	int (*command)(void *state, const char *const *words, size_t count, struct fb_text *answer,
	               uint64_t now_ns);
	/* False while the instance still finds out what it needs in order to serve all that is
	 * there: tests and scenarios begin when all are ready. NULL: always ready. */
	bool (*ready)(const void *state);

	/* Tell each counter by name and value, in a fixed order: at least one for every limit. */
	void (*counters)(const void *state,
	                 void (*tell)(void *ctx, const char *name, uint64_t value), void *ctx);

	/* Describe what the instance knows, when somebody asks, into the map that is open in
	 * 'report': of a switch that is up, and beside such switches. Options and counters are told
	 * anyway. NULL: nothing more. */
	void (*report)(const void *state, struct fb_report *report, uint64_t now_ns);
	void (*report_switch)(const void *state, const struct fb_switch *sw,
	                      struct fb_report *report, uint64_t now_ns);
};

/* --- The instance --- */

/* Ask for timer() at 'deadline_ns' or soon after; replaces the earlier wish; FB_NEVER: none. The
 * timer is unset before timer() is called. */
void fb_app_set_timer(struct fb_app *app, uint64_t deadline_ns);

/* Log one line; the controller adds time and the instance's name. */
void fb_app_log(struct fb_app *app, enum fb_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A limit for log lines that a peer can cause: ten at once, then one a second. Starts zeroed. */
struct fb_log_limit {
	uint64_t empty_ns;   /* when it will be unused again */
	uint64_t suppressed; /* lines refused since the last one that was allowed */
};
/* True: log the line, and say that '*suppressed' (where not 0) were left out before it. */
bool fb_log_limit_allows(struct fb_log_limit *limit, uint64_t now_ns, uint64_t *suppressed);
/* False: formatting a line of this level would be in vain. */
bool fb_app_logs(const struct fb_app *app, enum fb_log_level level);

/* Of the value of a FB_OPTION_TEXT: the text, which lives as long as the instance. */
static inline const char *fb_option_text(uint64_t value)
{
	const char *text = (const char *)(uintptr_t)value;

	/* GCC 12 takes a text to be shorter than the array that 'value' was read from, and leaves
	 * out what is to be done with longer ones. This hides where it came from. */
	__asm__("" : "+r"(text));
	return text;
}
/* The bytes of the file 'name', as whoever runs the controller sees it, with a zero behind them; to
 * be freed with free(). NULL with a text in 'error': it cannot be read, or is larger than 16 MiB. */
char *fb_app_read_file(struct fb_app *app, const char *name, size_t *len, struct fb_text *error);

/* The state of the instance of 'cls' that is nearest before 'app' in its chain; NULL: none. */
void *fb_app_before(struct fb_app *app, const struct fb_app_class *cls);
/* Tell 'event' to the applications behind 'app' in its chain. */
void fb_app_tell(struct fb_app *app, const struct fb_network_event *event, uint64_t now_ns);
/* Hand 'pi', which 'app' took with FB_STOP at some time before and kept together with its bytes, to
 * the applications behind it, as if it had come just now. Not while packet-ins are being handled. */
void fb_app_redeliver(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *pi,
                      uint64_t now_ns);

/* The place of the instance in its chain, from 0. Distinct in one controller. */
unsigned fb_app_index(const struct fb_app *app);
/* A number that differs from run to run of a controller (its 'run_id'): for cookies. */
uint32_t fb_app_run_id(const struct fb_app *app);

/* --- Switches --- */

uint64_t fb_switch_dpid(const struct fb_switch *sw);
/* What the switch said of itself; 'ports' is empty: use the functions below. */
const struct fb_features_reply *fb_switch_features(const struct fb_switch *sw);
/* The port with that number, or NULL; ports by place from 0, NULL past the last. In rising order of
 * number. Valid until the handler returns. */
const struct fb_phy_port *fb_switch_port(const struct fb_switch *sw, uint16_t port_no);
const struct fb_phy_port *fb_switch_port_at(const struct fb_switch *sw, size_t place);

/* The instance's own pointer on 'sw' (NULL at first). The instance frees it at switch_down. */
void fb_switch_set_state(struct fb_switch *sw, struct fb_app *app, void *state);
void *fb_switch_state(const struct fb_switch *sw, const struct fb_app *app);

/* All switches that are up, in the order in which they came up: next(NULL) is the first, NULL comes
 * after the last. In switch_down the switch is not among them any more. */
struct fb_switch *fb_app_next_switch(struct fb_app *app, struct fb_switch *sw);

/* --- Sending --- */

/* Each returns the xid of the message, which is never 0, or 0 when the message was not sent because
 * it does not fit into 65,535 bytes, because its type is none or because the switch is in
 * switch_down. 'cause' is the packet-in being answered, or NULL. Nothing is kept of the arguments.
 * xids are counted by instance and switch. A packet-out without actions drops. */

uint32_t fb_send_packet_out(struct fb_app *app, struct fb_switch *sw,
                            const struct fb_packet_in *cause, const struct fb_packet_out *po);
uint32_t fb_send_flow_mod(struct fb_app *app, struct fb_switch *sw,
                          const struct fb_packet_in *cause, const struct fb_flow_mod *fm);
uint32_t fb_send_port_mod(struct fb_app *app, struct fb_switch *sw,
                          const struct fb_packet_in *cause, const struct fb_port_mod *pm);
uint32_t fb_send_stats_request(struct fb_app *app, struct fb_switch *sw,
                               const struct fb_packet_in *cause,
                               const struct fb_stats_request *request);
uint32_t fb_send_barrier(struct fb_app *app, struct fb_switch *sw,
                         const struct fb_packet_in *cause);

/* Release 'pi' through 'actions' (wire form; empty drops it): by its buffer id, or with its bytes
 * where the switch kept none. Nothing is sent, and 0 returned, for a frame that came cut and
 * without buffer, and for dropping what the switch did not keep. */
uint32_t fb_send_release(struct fb_app *app, struct fb_switch *sw, const struct fb_packet_in *pi,
                         struct fb_view actions);

/* --- The classes that ship --- */

extern const struct fb_app_class fb_app_hub;
extern const struct fb_app_class fb_app_learning;
extern const struct fb_app_class fb_app_discovery;
extern const struct fb_app_class fb_app_forwarding;
extern const struct fb_app_class fb_app_balancer;

#endif
