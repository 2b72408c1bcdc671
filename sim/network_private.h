/* What the files of the network share: network.c (its life, frames, what is asked of it),
 * network_build.c (making it), network_control.c (the control channels), network_messages.c (what stands
 * before them), network_changes.c (what steps break and bring back), network_faults.c (faults) and its
 * parts by place: network_fault_links.c, network_fault_control.c, network_fault_messages.c,
 * network_fault_hosts.c. */
#ifndef SIM_NETWORK_PRIVATE_H
#define SIM_NETWORK_PRIVATE_H

#include "controller/session.h"
#include "lib/wire/framer.h"
#include "lib/base/rng.h"
#include "sim/lldp.h"
#include "sim/mutants.h"
#include "sim/network.h"
#include "softswitch/reconnect.h"

#include <sys/queue.h>

struct network_link;

struct network_host {
	struct event event; /* the host's deadline */
	struct network *network;
	struct host *host;
	struct network_link *link; /* NULL: none */
	unsigned end;
	uint32_t index;
	bool pending; /* it waits for an answer */
	uint64_t changed_ns; /* its link or its power last came or went; 0: never */
	bool off;           /* a step switched it off, */
	uint32_t kept_off;  /*   and so many faults did */
	struct scenario_end home; /* where the steps have plugged its cable in, while faults move it */
};

/* A port of a switch, and where it leads. */
struct network_port {
	bool exists;
	struct network_link *link; /* NULL: nothing is plugged in */
	unsigned end;
	uint64_t rate_bps; /* of what was plugged in at first */
};

/* A fault that lasts, or waits for what it concerns. */
struct network_fault {
	const struct fault *fault;
	uint32_t left; /* of fault->count */
};

/* Those of one place. */
struct network_faults {
	struct network_fault *items;
	size_t count, size;
};

/* The controller's end of a control connection, for as long as it is open there. */
struct network_session {
	struct network_switch *sw;
	struct session *session;
	bool stale; /* the switch has left without a word: what is sent here goes nowhere */
};

struct network_held; /* messages that a fault keeps from the switch */

struct network_switch {
	struct event event;   /* the agent's deadline */
	struct event control; /* its connection ended, or the next attempt is due */
	struct network *network;
	struct agent *agent;        /* another one after each loss of power */
	struct network_port *ports; /* by port number */
	uint32_t ports_count;
	struct channel *channel;
	struct network_session *session; /* the controller's end; NULL: closed */
	struct agent_conn *conn;         /* the switch's end */
	bool unaccepted; /* the controller stands still: it has not noticed the connection */
	struct reconnect reconnect;
	bool off;                /* it has no power: a step or a fault says so */
	bool step_off, fault_off;
	bool control_down; /* attempts fail: a step or a fault says so */
	bool step_control_down, fault_control_down;
	bool with_second; /* the controller that it connects to is the second one */
	struct network_faults faults;
	struct network_held *held; /* NULL: there never was one */
	enum datapath_mode mode; /* as observers know it */
	uint32_t index, place;
	uint64_t connects; /* connections made */

	struct lldp_buffers lldp_buffers;
	uint64_t lldp_packet_ins;            /* sent */
	struct network_switch_counts before; /* of agents that lost power; without discovery */
	struct network_queue_counts *queues_before; /* the same by queue of the file */
	uint64_t errors_told; /* of this agent: of errors_out, told to observers */
	struct framer framers[MUTATION_POINTS]; /* of what passes each point, where that is looked at */
};

/* A counter of an application. */
struct network_app_count {
	char *app, *name;
	uint64_t value;
};

struct network_filters {
	struct network_filter **items;
	size_t count;
};

struct network_link {
	struct link *link;
	struct network *network;
	uint32_t index;
	struct scenario_end ends[2];
	struct network_filters filters[2]; /* by receiving end */
	bool down;                         /* a step took it down, */
	uint32_t kept_down;                /*   and so many faults did */
	bool unplugged;                    /* its host moves */
	bool unplugged_by_step;            /*   and a step has the cable in hand */
};

/* A fault at a link or host that goes on, and that is more than a count. */
struct network_ongoing {
	struct event event; /* FLAP: the next change */
	LIST_ENTRY(network_ongoing) entry;
	struct network *network;
	const struct fault *fault;
	uint32_t left; /* FLAP: how often it will still go down */
	bool down;     /*   it is down now */
};
LIST_HEAD(network_ongoing_list, network_ongoing); /* the latest first */

struct network {
	struct clock clock;
	const struct scenario *scenario;
	uint64_t seed;
	struct frame_pool *pool;
	struct digest *digest;

	struct controller *controller; /* NULL: none, or it is down */
	struct event controller_event; /* its deadline */
	bool step_controller_down, fault_controller_down;
	bool controller_stalled;  /* it stands still */
	uint64_t resumed_ns;      /* when it last went on; FB_NEVER: it never stood still */
	struct network_faults controller_faults;
	struct controller *second; /* beside it; NULL: none */
	struct event second_event;
	struct rng second_rng;
	uint32_t second_switches; /* that are with it */
	uint32_t stale_count;     /* sessions that a switch has left without a word */
	struct rng controller_rng;     /* its run ids */
	enum fb_log_level log_level;
	struct network_controller_counts counts_before; /* of those that went down */
	struct network_app_count *app_counts_before;
	size_t app_counts_before_count;
	struct network_switch *switches;
	struct network_host *hosts;
	struct network_link *links;
	bool closing; /* being freed: nobody reconnects */
	struct mutation *mutation; /* NULL: none */
	bool message_faults;
	struct network_ongoing_list ongoing;

	uint64_t last_activity_ns;
	uint32_t hosts_pending; /* hosts that wait for an answer */
	uint64_t lldp_packet_outs;
	struct network_counters counters;
	struct network_observer observers[NETWORK_OBSERVERS_MAX];
	size_t observers_count;
};

/* Tell all observers that have 'member'. */
#define NETWORK_OBSERVE(network, member, ...)                                                      \
	do {                                                                                       \
		for (size_t o_ = 0; o_ < (network)->observers_count; o_++)                         \
			if ((network)->observers[o_].member)                                       \
				(network)->observers[o_].member((network)->observers[o_].ctx,      \
				                                (network)->clock.now_ns,           \
				                                __VA_ARGS__);                      \
	} while (0)

/* --- network.c: after every call of a core, its deadline may be another --- */

void network_host_fire(struct event *event);
void network_agent_called(struct network_switch *sw);
void network_controller_called(struct network *network); /* either of them */
/* What the links call. */
void network_deliver(void *ctx, unsigned end, struct frame *frame);
void network_observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame);
void network_lost(void *ctx, unsigned end, const struct frame *frame);
void network_duplicated(void *ctx, const struct frame *frame);
void network_corrupted(void *ctx, struct frame *frame);
void network_chance(void *ctx, unsigned end, const struct link_decision *decision);
void network_carrier(void *ctx, unsigned end, bool up);
/* A frame leaves by a port of the switch, whatever stands before it. */
enum datapath_sent network_send_by(struct network_switch *sw, uint16_t port_no, uint32_t queue_id,
                                   struct frame *frame);
/* What hosts and agents call. */
void network_transmit(void *ctx, struct frame *frame);
enum datapath_sent network_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                  struct frame *frame);

/* --- network_build.c --- */

void network_build(struct network *network);
/* A controller, where the scenario has one; and one beside it. */
void network_build_controller(struct network *network);
void network_build_second(struct network *network);
/* An agent for 'sw', with the ports that it has, none of them with a carrier. */
void network_build_agent(struct network_switch *sw);
/* The queues of its ports, and the entries that it begins with. */
void network_build_tables(struct network_switch *sw);

/* --- network_messages.c: what stands between the ends of a control connection and its channel --- */

/* The end 'from' (CHANNEL_*) says, the end 'to' hears these bytes. */
void network_says(struct network_switch *sw, unsigned from, const uint8_t *bytes, size_t len);
void network_hears(struct network_switch *sw, unsigned to, const uint8_t *bytes, size_t len);
void network_messages_init(struct network *network, const struct network_options *options);
void network_messages_free(struct network *network);
/* Forget what is halfway: a connection begins; or the switch's end of one is gone, while what it said
 * may still be under way. */
void network_messages_forget(struct network_switch *sw);
void network_messages_leave(struct network_switch *sw);
/* A message that a fault kept goes on from 'point'. */
void network_message_goes_on(struct network_switch *sw, enum mutation_point point,
                             const uint8_t *msg, size_t len);

/* --- network_fault_control.c --- */

/* Begin or mend a fault at a control channel, a switch or the controller. */
void network_fault_control(struct network *network, const struct fault *fault, bool begins);
/* Have the switch, which has a new agent, as the faults that last want it. */
void network_fault_limits(struct network_switch *sw);
void network_fault_control_free(struct network *network);

/* --- network_fault_messages.c --- */

/* A message passes 'point'. True: a fault has taken it, to lose it or to let it go on later. */
bool network_fault_message(struct network_switch *sw, enum mutation_point point, const uint8_t *msg,
                           size_t len);
/* From now on a flow-mod takes 'slow_ns', and messages take effect up to 'late_ns' late. */
void network_fault_messages_set(struct network_switch *sw, uint64_t slow_ns, uint64_t late_ns);
/* Messages are held that will arrive at the switch, other than those of discovery. */
bool network_fault_holds(const struct network_switch *sw);
/* The close of the connection, which arrived at the switch, waits for messages that came before it:
 * network_control_ended() will be called. */
bool network_fault_holds_close(struct network_switch *sw, const char *reason);
/* What is held takes effect now, or never. */
void network_fault_messages_finish(struct network_switch *sw);
void network_fault_messages_forget(struct network_switch *sw);
void network_fault_messages_free(struct network_switch *sw);

/* --- network_changes.c: have it as steps and faults want it --- */

void network_apply_power(struct network_switch *sw);
void network_apply_control(struct network_switch *sw);
void network_apply_controller(struct network *network);
/* What 'controller', which goes, counted still counts. */
void network_keep_counts(struct network *network, const struct controller *controller);

/* --- network_changes.c --- */

/* A fault begins or ceases to keep a link down, or a host off. */
void network_keep_link_down(struct network *network, uint32_t link, bool begins);
void network_keep_host_off(struct network *network, uint32_t host, bool begins);
/* As network_plug(), by a fault: the host's home stays where it is. */
void network_plug_for_now(struct network *network, uint32_t host, uint32_t sw, uint16_t port_no);

/* --- network_faults.c --- */

/* Note that 'fault' goes on; find it again; and forget it. */
struct network_ongoing *network_ongoing_begin(struct network *network, const struct fault *fault);
struct network_ongoing *network_ongoing_of(struct network *network, const struct fault *fault);
void network_ongoing_end(struct network_ongoing *ongoing);
/* The latest fault of a kind that goes on at a place; NULL: none does. */
const struct fault *network_ongoing_latest(const struct network *network, enum fault_kind kind,
                                           uint32_t place);
void network_ongoing_forget(struct network *network);

/* --- network_fault_links.c, network_fault_hosts.c --- */

void network_fault_link(struct network *network, const struct fault *fault, bool begins);
void network_fault_host(struct network *network, const struct fault *fault, bool begins);

/* --- network_control.c --- */

/* Bytes go into the channel, and come to an end, whatever stands before it. */
void network_control_send(struct network_switch *sw, unsigned from, const uint8_t *bytes, size_t len);
void network_control_receive(struct network_switch *sw, unsigned to, const uint8_t *bytes, size_t len);

/* The switch looks after its control connection. */
void network_control_run(struct network_switch *sw);
/* The connection's close, which arrived at the switch, takes effect there. */
void network_control_ended(struct network_switch *sw, const char *reason);
/* The switch leaves its controller for another one ('second' or not): 'silently', then the end there
 * stays open, or with a close. It connects to the other one at once. */
void network_control_leave(struct network_switch *sw, bool second, bool silently);
/* The controller goes on: it accepts the connections that were made meanwhile. */
void network_control_accept(struct network *network);
/* Bytes, or a close, are to arrive at the controller at this very instant. */
bool network_control_is_due(const struct network *network);
/* Chance cuts what arrives. */
void network_channel_cut(void *ctx, unsigned end, uint32_t skip, uint32_t bytes);
/* What the controller, agents and channels call. */
void network_control_fire(struct event *event);
void network_controller_send(void *conn, const uint8_t *bytes, size_t len);
void network_controller_close(void *conn, const char *reason);
void network_controller_log(void *ctx, enum fb_log_level level, const char *who, const char *line);
void network_second_log(void *ctx, enum fb_log_level level, const char *who, const char *line);
char *network_controller_read_file(void *ctx, const char *name, size_t *len, struct fb_text *error);
void network_agent_send(void *conn, const uint8_t *bytes, size_t len);
void network_agent_close(void *conn, const char *reason);
void network_agent_ready(void *conn);
void network_agent_buffer_expired(void *ctx, uint32_t id, uint64_t kept_ns);
void network_agent_log(void *ctx, enum agent_log_level level, const char *line);
void network_channel_deliver(void *ctx, unsigned end, const uint8_t *bytes, size_t len,
                             bool background);
void network_channel_closed(void *ctx, unsigned end, const char *reason);

#endif
