/* The network of a scenario, put together: controller, switches, hosts, links and control channels
 * on one clock.
 *
 * It is the simulated driver of the cores: it hands frames from links to hosts and agents, bytes
 * from channels to sessions and agents, and after each call into a core asks for its deadline and
 * sets its event of the clock. It keeps the digest of all deliveries, counts frames for
 * expectations, and tells observers what happens. What to do in which order is the runner's
 * business.
 *
 * Discovery frames, and the messages that carry them, are counted apart from all others and are no
 * activity (lldp.h). */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "lib/base/digest.h"
#include "sim/channel.h"
#include "sim/scenario.h"

struct network;

/* What goes down and comes up. */
enum network_change { NETWORK_POWER, NETWORK_CONTROL, NETWORK_CONTROLLER };

/* Told of what happens, each thing before its effects; what is NULL is not told. Frames and bytes
 * are borrowed. Everything that is observed costs time: a run without observers tells nobody. */
struct network_observer {
	/* At an end of a link, as in struct link_ops. */
	void (*frame)(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
	              enum link_event event, const struct frame *frame);
	/* At a host's interface: what it sends, whatever becomes of it, and what it gets. */
	void (*host_frame)(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
	                   const struct frame *frame);
	/* 'frame', none of discovery, is about to go over 'link', which has a carrier, to its end
	 * 'to': 'host' sends it, or (SCENARIO_NONE) a switch. frame->tag is the observer's to set. */
	void (*sending)(void *ctx, uint64_t now_ns, uint32_t link, unsigned to, uint32_t host,
	                struct frame *frame);
	/* A link lost 'frame' that its other end than 'to' sent: by chance or a fault, because a queue
	 * was full, or because it went down. */
	void (*lost)(void *ctx, uint64_t now_ns, uint32_t link, unsigned to,
	             const struct frame *frame);
	/* 'link' makes one more frame of 'frame'. */
	void (*duplicated)(void *ctx, uint64_t now_ns, uint32_t link, const struct frame *frame);
	/* The end 'end' of 'link' is at another port from now on. */
	void (*moved)(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
	              const struct scenario_end *at);
	/* The control connection of a switch was made; an end's close arrived at 'at', the other
	 * end (CHANNEL_*); bytes arrived at 'to'. */
	void (*connected)(void *ctx, uint64_t now_ns, uint32_t sw);
	void (*closed)(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at);
	void (*bytes)(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
	              size_t len);
	/* A fault begins, or what it broke is mended (also one that is over at once: right after). */
	void (*fault)(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins);
	/* What chance, rather than a fault of the scenario, did to a frame or to bytes: as the fault
	 * that does the same again, valid during the call. */
	void (*chance)(void *ctx, uint64_t now_ns, const struct fault *fault);
	/* A fault changed the bytes of 'frame', from now on another than the one that was sent: its
	 * tag is the observer's to set. */
	void (*corrupted)(void *ctx, uint64_t now_ns, struct frame *frame);
	/* A fault took away a message that the switch had sent. */
	void (*message_lost)(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len);
	/* A flow-mod arrived at the switch that had not done it when its connection ended, and never does. */
	void (*message_undone)(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len);
	/* The switch sent an OpenFlow error: the message. */
	void (*error)(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len);
	/* The switch let the packet in the buffer 'id', which was kept at 'kept_ns', go unused. */
	void (*buffer_expired)(void *ctx, uint64_t now_ns, uint32_t sw, uint32_t id,
	                       uint64_t kept_ns);
	/* A step or a fault took something down, or brought it up. 'place' is a switch; 0 for the
	 * controller. */
	void (*changed)(void *ctx, uint64_t now_ns, enum network_change change, uint32_t place,
	                bool up);
	/* A log line of the controller's application 'who', or of the switch 'who'. */
	void (*log)(void *ctx, uint64_t now_ns, const char *who, const char *line);
	/* The fail mode of a switch began or ended: it matches frames by 'mode' now. 'line' says so
	 * in words; it is not told as a log line too. */
	void (*mode)(void *ctx, uint64_t now_ns, uint32_t sw, enum datapath_mode mode,
	             const char *line);
	void *ctx;
};

enum { NETWORK_OBSERVERS_MAX = 8 };

/* Counts the frames that 'program' passes (all when it is NULL or empty). The owner's, zeroed but
 * for 'program'. */
struct network_filter {
	const struct bpf_program *program;
	uint64_t count;
};

struct network_counters {
	uint64_t frames_delivered; /* over a link, by links */
	uint64_t lldp_frames;      /* the same of discovery, which are not among those */
	uint64_t held_broken; /* connections that ended because a switch held CHANNEL_BYTES_MAX */
};

/* What the controller counted, those before it that went down, and second ones; all but the messages
 * of discovery, which are apart. */
struct network_controller_counts {
	uint64_t messages; /* both ways */
	uint64_t packet_ins, packet_outs, flow_mods;
	uint64_t lldp_messages;
};

/* What a switch counted since the run began, whatever power it lost; without discovery. */
struct network_switch_counts {
	uint64_t packet_ins;
	uint64_t errors_in, errors_out; /* that the controller sent, that the switch sent */
};

/* The same of one of its queues. */
struct network_queue_counts {
	uint64_t sent, dropped;
};

struct network_options {
	uint64_t seed;
	enum fb_log_level log_level; /* the controller's log lines up to it are formatted */
	const struct network_observer *observers; /* at most NETWORK_OBSERVERS_MAX; copied */
	size_t observers_count;
	const struct mutant *mutant; /* NULL: ours as they are */
	bool message_faults;         /* faults may concern single messages (fault_is_of_messages()) */
};

/* Build the network of 'scenario', which must outlive it, at time 0. Aborts when memory is short. */
struct network *network_new(const struct scenario *scenario, const struct network_options *options);
void network_free(struct network *network);

/* Before network_start(): count frames delivered to 'end' of 'link' in 'filter', which the caller
 * owns. */
void network_add_filter(struct network *network, uint32_t link, unsigned end,
                        struct network_filter *filter);

/* Connect the switches with the controller; where there is none, their fail mode begins. */
void network_start(struct network *network);
/* All switches that have power and a control channel have joined a controller, and what their joining
 * sent has arrived. */
bool network_joined(const struct network *network);
/* And the controller's applications are ready; it does not stand still, no switch is with a second
 * controller, and none that was is still believed to be where it was before. Without a controller both
 * are true. */
bool network_ready(const struct network *network);
/* How many switches the controller knows, or the second one, less those that have left it without its
 * knowledge; and how many have power and a control channel. */
size_t network_switches_up(const struct network *network);
size_t network_switches_expected(const struct network *network);
/* The switch has a connection with a controller; and has never had another. */
bool network_switch_is_connected(const struct network *network, uint32_t sw);
bool network_switch_kept_connected(const struct network *network, uint32_t sw);

struct clock *network_clock(struct network *network);
uint64_t network_now(const struct network *network);

/* A host; whoever calls its functions calls network_host_called() afterwards. */
struct host *network_host(struct network *network, uint32_t host);
void network_host_called(struct network *network, uint32_t host);
/* Where an end of a link is now. */
const struct scenario_end *network_link_end(const struct network *network, uint32_t link,
                                            unsigned end);
/* A command for an application, as controller_command(). -1 too when the controller is down or stands
 * still. A second controller gets none. */
int network_command(struct network *network, const char *app, const char *const *words,
                    size_t count, struct fb_text *answer);

/* Faults. */
void network_set_link(struct network *network, uint32_t link, bool up);
void network_set_host(struct network *network, uint32_t host, bool on);
/* A host's cable, whose other end is at a switch, is pulled out there; it is put into another port,
 * one of the scenario's spare ones or the one that it was in at first. */
void network_unplug(struct network *network, uint32_t host);
void network_plug(struct network *network, uint32_t host, uint32_t sw, uint16_t port_no);
/* Without power a switch forgets its entries, buffers and queues, its links have no carrier, and its
 * connection ends. With power it begins as at the start. */
void network_set_switch(struct network *network, uint32_t sw, bool on);
/* The controller ends, as a process does, with all that it knows and with its connections; or begins
 * anew. Switches try to connect when their back-off lets them. */
void network_set_controller(struct network *network, bool up);
/* Down: the control connection of 'sw' breaks at both ends, and none can be made. */
void network_set_control(struct network *network, uint32_t sw, bool up);

/* Begin a fault, and end it: what it broke is mended, or, if it waits for a frame or message, it waits no
 * longer. Each that began is ended, at the same address, unless the network is freed before. Observers are
 * told. Faults of one place may overlap: what one of them keeps down is down. */
void network_fault_begin(struct network *network, const struct fault *fault);
void network_fault_end(struct network *network, const struct fault *fault);

/* What faults change, as it is now. A link is up as long as no step took it down. */
bool network_link_is_up(const struct network *network, uint32_t link);
bool network_link_has_carrier(const struct network *network, uint32_t link);
bool network_host_is_on(const struct network *network, uint32_t host);
/* It is on, and its link has a carrier. */
bool network_host_is_reachable(const struct network *network, uint32_t host);
/* When it last was not: now, or when that ended; 0: it always was. */
uint64_t network_host_absent_ns(const struct network *network, uint32_t host);
bool network_switch_is_on(const struct network *network, uint32_t sw);
bool network_controller_is_up(const struct network *network);
bool network_control_is_up(const struct network *network, uint32_t sw);

/* When a frame or message last left or arrived, or a host last began or ceased to wait for an
 * answer. */
uint64_t network_last_activity(const struct network *network);
/* Something is under way now: a frame on a link, bytes on a channel, also one that stands still, or
 * messages that a switch holds; or a host waits for an answer.
 * Looks at all of them. 'what', unless NULL, gets the name of the first. */
bool network_busy(const struct network *network, struct fb_text *what);
/* How often the mutant did something wrong so far; 0 without one. */
uint64_t network_mutation_occasions(const struct network *network);

struct agent *network_agent(struct network *network, uint32_t sw);
struct network_switch_counts network_switch_counts(const struct network *network, uint32_t sw);
struct network_queue_counts network_queue_counts(const struct network *network, uint32_t sw,
                                                 uint16_t port, uint32_t queue_id);
struct network_controller_counts network_controller_counts(const struct network *network);
/* The counter 'name' of the application 'app', of all controllers so far, second ones too. */
uint64_t network_app_counter(const struct network *network, const char *app, const char *name);
const struct network_counters *network_counters(const struct network *network);
/* What the application 'app' of the controller tells of itself beside its switches, as JSON; lists
 * have at most 'list_max' items. The caller frees it; NULL: there is no such application now. A second
 * controller is not asked. */
char *network_app_report(struct network *network, const char *app, uint32_t list_max, size_t *len);
/* All that the controller tells of itself and its switches, as pieces of JSON one after another, without
 * the items of lists. The caller frees it; NULL: it is down. */
char *network_controller_report(struct network *network, size_t *len);
const struct link *network_link(const struct network *network, uint32_t link);
const struct channel_counters *network_channel_counters(const struct network *network, uint32_t sw);
void network_digest(const struct network *network, char text[DIGEST_TEXT_BYTES]);

#endif
