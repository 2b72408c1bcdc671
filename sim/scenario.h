/* A scenario: what a file says, checked and resolved, ready to be run any number of times.
 *
 * Plain structures. Names of hosts, switches and links have become indices into the arrays of
 * struct scenario; texts are owned by it; each thing that can turn out wrong later carries its
 * place in the file. Nothing here changes during a run.
 *
 * The format, key by key, is described in README.md and by the comments of scenarios/. The loader
 * is scenario_load.c and its sisters. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <pcap/pcap.h>

#include <flowbed/match.h>
#include <flowbed/time.h>

#include "controller/controller.h"
#include "sim/fault.h"
#include "sim/host.h"
#include "sim/link.h"
#include "sim/problems.h"
#include "softswitch/agent.h"
#include "softswitch/reconnect.h"

/* Limits of a file. */
enum {
	SCENARIO_NAME_BYTES_MAX = 31,
	SCENARIO_HOSTS_MAX = 100000,
	SCENARIO_SWITCHES_MAX = 10000,
	SCENARIO_LINKS_MAX = 200000,
	SCENARIO_FLOWS_MAX = 1000000, /* of all switches */
	SCENARIO_STEPS_MAX = 10000,   /* as written */
	SCENARIO_REPEAT_MAX = 1000000,
	SCENARIO_EXECUTIONS_MAX = 10000000, /* steps with all repetitions multiplied out */
	SCENARIO_EXPECTATIONS_MAX = 10000,
	SCENARIO_REPLIES_MAX = 100,
	SCENARIO_TEXT_BYTES_MAX = 65536,
	SCENARIO_MARKS_MAX = 100,
	SCENARIO_FILES_MAX = 100, /* that applications name */
	SCENARIO_REACH_HOSTS_MAX = 1000, /* hosts of a file that says who reaches whom */
};
#define SCENARIO_END_NS_DEFAULT    (3600 * FB_NS_PER_S)
#define SCENARIO_TIME_NS_MAX       (UINT64_C(100) * 365 * 24 * 3600 * FB_NS_PER_S)
#define SCENARIO_WITHIN_NS_DEFAULT (10 * FB_NS_PER_S)

#define SCENARIO_NONE UINT32_MAX /* "no host", "no link", "all switches" */

struct scenario_app {
	struct position at;
	const struct fb_app_class *cls;
	char *options; /* "mode=packet,...", may be empty */
};

struct scenario_controller {
	struct position at; /* line 0: the scenario has none */
	struct scenario_app *apps;
	size_t apps_count;
	struct controller_config config;
	uint64_t delay_ns; /* of the control channel, one way */
};

/* A queue of a switch's port. */
struct scenario_queue {
	struct position at;
	uint16_t port;
	uint32_t id;
	uint16_t min_rate_permille; /* 65535: none */
};

/* An entry that a switch begins with. */
struct scenario_flow {
	struct position at;
	struct fb_flow_mod mod; /* its actions are at 'actions' */
	uint8_t *actions;
};

struct scenario_switch {
	struct position at;
	char *name;
	struct agent_config config;
	struct reconnect_config reconnect;
	uint64_t delay_ns;  /* of its control channel */
	uint16_t fragments; /* OFPC_FRAG_*, until a controller says otherwise */
	struct scenario_queue *queues;
	struct scenario_flow *flows;
	size_t queues_count, flows_count;
	/* While a file is read: it says something of these that cannot be read. */
	bool queues_wrong, fail_mode_wrong;
};

/* A port that is free at first, and that the steps move a host to. */
struct scenario_spare {
	struct position at;
	uint32_t sw, host;
	uint16_t port;
};

/* A file that an application named when the scenario was read: its bytes, or why it has none. */
struct scenario_file {
	char *name;
	char *bytes; /* NULL: it cannot be read */
	size_t len;
	char *error;
};

/* Where files that applications name come from. */
struct scenario_files {
	/* As fb_app_read_file(). */
	char *(*read)(void *ctx, const char *name, size_t *len, struct fb_text *error);
	void *ctx;
};

struct scenario_listener {
	uint16_t port;
	enum host_service service;
};

struct scenario_host {
	struct position at;
	char *name;
	char *hostname; /* NULL: its name */
	uint8_t mac[FB_MAC_BYTES];
	uint32_t ip, gateway;
	unsigned prefix_len;
	struct scenario_listener *tcp, *udp;
	size_t tcp_count, udp_count;
	uint32_t link; /* that it is on, SCENARIO_NONE: none */
	unsigned link_end;
};

struct scenario_end {
	bool is_switch;
	uint32_t index; /* of the host or switch */
	uint16_t port;  /* of the switch */
};

struct scenario_link {
	struct position at;
	struct scenario_end ends[2];
	struct link_config config;
	char *name; /* "h1 -- s1:1" */
};

/* What a count must be. An exact one has min == max. */
struct scenario_bounds {
	bool has_min, has_max;
	uint64_t min, max;
	bool is_time; /* they count nanoseconds */
};

enum scenario_kind {
	EXPECT_ANSWERED,    /* server connections answered by host 'subject' */
	EXPECT_ACCEPTED,    /* server connections established on it */
	EXPECT_CONNECTIONS, /* the steps' TCP connections that ended with outcome 'subject', or all
	                     */
	EXPECT_SPLIT_CONNECTIONS,
	EXPECT_PACKET_INS, /* of switch 'subject', or all */
	EXPECT_PACKET_OUTS,
	EXPECT_FLOW_MODS,
	EXPECT_ERRORS, /* OpenFlow errors, either way */
	EXPECT_FRAMES,
	EXPECT_COUNTER,        /* of an application */
	EXPECT_FLOWS,          /* entries now */
	EXPECT_BUFFERS_IN_USE, /* packet buffers now, of switch 'subject', or all */
	EXPECT_QUEUE_SENT,     /* frames of queue 'queue_id' at 'port' of switch 'subject' */
	EXPECT_QUEUE_DROPPED,
	EXPECT_BACKENDS,         /* the balancer's backends of 'ip' now that are in one of 'states' */
	EXPECT_BACKEND_STATE,    /* 1: host 'subject' is one of them */
	EXPECT_BACKEND_SESSIONS, /* sessions now of host 'subject' as backend of 'ip' */
	EXPECT_BACKEND_WEIGHT,
	EXPECT_SESSIONS, /* the balancer's sessions now: in state 'subject', or all */
	EXPECT_CONTROL_BYTES,         /* on control channels, of switch 'subject' or all */
	EXPECT_CONNECTION_PACKET_INS, /* these four of each TCP connection of a step; see budget.h */
	EXPECT_CONNECTION_FLOW_MODS,
	EXPECT_CONNECTION_FLOWS, /* entries now */
	EXPECT_CONNECTION_SETUP, /* nanoseconds from SYN to established */
	EXPECT_DUMP,             /* 1: what switch 'subject' has now is as written in 'dump' */
};

/* What a dump is to be; see dump.h. */
struct scenario_dump {
	bool ports;    /* of the ports, not of the flow entries */
	bool counters; /* what changes with every frame is shown too */
	bool unwritten; /* nothing is written yet: it never holds, until it is updated */
	char **lines;
	size_t lines_count;
	struct position key_at, at; /* of the key 'is' and its value */
};

/* One thing that is expected of the run's counts. */
struct scenario_expectation {
	struct position at;
	enum scenario_kind kind;
	uint32_t id; /* place among all expectations of the file */
	char *text;  /* "answered h2": for messages */
	struct scenario_bounds bounds;
	uint64_t within_ns; /* how long a lower bound may take to come true */
	uint32_t mark;      /* counted from there; SCENARIO_NONE: from the start */
	bool at_end;        /* an upper bound is judged again at the end of the run */

	uint32_t subject;           /* host, switch or outcome, by kind; SCENARIO_NONE: all */
	struct fb_match match;      /* FLOWS, */
	bool emergency;             /*   of the emergency entries, not of the others */
	uint32_t link;              /* FRAMES: counted on this link, */
	bool ends[2];               /* where delivered to these ends, */
	char *filter;               /* as written, NULL: all frames */
	struct bpf_program program; /* compiled, empty without a filter */
	char *app, *counter;        /* COUNTER */
	uint16_t port;              /* QUEUE_*; 'link' is the one there */
	uint32_t queue_id;
	uint32_t ip;     /* BACKEND*: the shared address */
	uint32_t states; /* BACKENDS, BACKEND_STATE: bits by scenario_keys_backend_states */
	struct scenario_dump *dump;
};

/* What must hold in every run; see properties.h. */
enum scenario_property {
	NO_LOOPS,
	NO_DUPLICATES,
	NO_BLACKHOLES,
	REACHABILITY,
	SESSION_AFFINITY,
	NO_LOST_BUFFERS,
	NO_OF_ERRORS,
	TABLES_AGREE,
	NO_DEAD_ENTRIES,
	CONNECTIONS_END,
	CHECKSUMS,
	BOUNDED,
	SCENARIO_PROPERTIES, /* how many there are */
};

/* What 'reachability' says of a host: it reaches these, and no others. */
struct scenario_reach {
	struct position at;
	uint32_t host;
	uint32_t *to; /* hosts */
	size_t to_count;
};

/* Rates at which faults of a kind are drawn from the seed. */
struct scenario_fault_rate {
	struct position at;
	uint64_t mean_ns;               /* from one to the next, on average; 0: none are drawn */
	uint64_t for_min_ns, for_max_ns; /* how long they last, where they do */
	uint32_t *places; /* links, switches or hosts, by kind: among which is drawn; of HOST_MOVE:
	                     ports, by their places among 'spares' */
	size_t places_count;
};

/* 'faults': what breaks while the steps go on. Times count from the beginning of the first step. */
struct scenario_faults {
	struct position at;   /* line 0: the scenario has none */
	uint64_t until_ns;    /* by then all that was drawn is over */
	uint64_t converge_ns; /* after the last fault: then all that should work works */
	bool splits;          /* control bytes are cut at places that chance chooses, always */
	struct fault *list;   /* 'at': these, in the order of their times */
	size_t count;
	struct scenario_fault_rate rates[FAULT_KINDS];
};
#define SCENARIO_UNTIL_NS_DEFAULT    (10 * FB_NS_PER_S)
#define SCENARIO_CONVERGE_NS_DEFAULT (5 * FB_NS_PER_S)

enum scenario_order { ORDER_ANY, ORDER_EXACT, ORDER_ALTERNATING };

/* What a traffic step expects of each of its requests and of all of them together. */
struct scenario_replies {
	struct position at; /* of 'expect', or of the step */
	uint32_t outcomes;  /* allowed ones, bits of 1 << enum host_outcome */
	char **texts;       /* allowed replies; none: any */
	size_t count;
	enum scenario_order order;
	bool intact;
	bool sticky;                  /* the reply that the host got from there before */
	struct scenario_bounds moved; /* hosts that get another reply than before the step */
	struct scenario_bounds answered, duplicates; /* ping: of each */
	struct scenario_bounds setup_time;           /* tcp: of each that was established */
	bool has_mac;
	uint8_t mac[FB_MAC_BYTES]; /* arp: the address learned; others: source of the last answer */
};

enum step_kind {
	STEP_WAIT,
	STEP_READY, /* wait until all switches have joined and the controller is ready */
	STEP_CONVERGED,  /* wait until no fault is left, and converge_ns more */
	STEP_FAULT,      /* a fault begins */
	STEP_PING,
	STEP_ARP,
	STEP_UDP,
	STEP_TCP,
	STEP_LINK,       /* a link goes up or down */
	STEP_HOST,       /* a host is switched on or off */
	STEP_SWITCH,     /* the same of a switch */
	STEP_MOVE,       /* a host's cable goes to another port */
	STEP_CONTROLLER, /* the controller ends or begins */
	STEP_CONTROL,    /* a switch's control channel goes up or down */
	STEP_APP,        /* a command for an application */
	STEP_MARK,       /* counts of expectations that name the mark start here */
	STEP_EXPECT,
	STEP_PARALLEL, /* all of 'steps' at once */
	STEP_GROUP,    /* all of 'steps' in order */
};

/* A command for an application of the controller. */
struct scenario_command {
	char *app;    /* the instance's name */
	char *text;   /* as written */
	char **words; /* with MAC addresses in place of hosts */
	size_t words_count;
	bool refused; /* it is to be refused */
};

struct scenario_step {
	struct position at;
	enum step_kind kind;
	uint32_t id;     /* place among all steps of the file */
	uint32_t repeat; /* 1: once */

	/* Traffic: 'from_count' hosts from index 'from' on, each 'repeat' times. */
	uint32_t from, from_count;
	uint32_t ip;  /* destination */
	char *send;   /* text; NULL: 'send_bytes' of a pattern */
	char *target; /* "192.168.2.2:22": for messages */
	union {
		struct host_tcp_request tcp;
		struct host_udp_request udp;
		struct host_ping_request ping;
		bool gratuitous; /* arp */
		uint64_t wait_ns;
		struct {
			uint32_t index; /* of the link, host or switch */
			bool up;
			uint64_t restart_ns; /* SWITCH: down and, after that, up; 0: not */
		} change;
		struct {
			uint32_t host, sw;
			uint16_t port;
			bool announce; /* by gratuitous ARP, when it is there */
			uint64_t after_ns; /* from pulling the cable to putting it in */
		} move;
		uint32_t mark;
	};
	struct scenario_replies replies;
	struct scenario_command *command; /* APP */
	struct fault *fault;              /* FAULT */

	struct scenario_expectation *expectations; /* EXPECT */
	size_t expectations_count;
	struct scenario_step *steps; /* PARALLEL, GROUP */
	size_t steps_count;
};

struct scenario {
	char *file; /* as messages name it */
	char *name;
	char *description; /* NULL: none */
	uint64_t seed;     /* 1 when the file says nothing */
	uint64_t end_ns;
	uint32_t properties_off; /* bits of 1 << enum scenario_property */

	struct scenario_controller controller;
	struct scenario_file *files; /* that its applications read */
	size_t files_count;
	struct scenario_switch *switches;
	size_t switches_count;
	struct scenario_host *hosts;
	size_t hosts_count;
	struct scenario_link *links;
	size_t links_count;
	struct scenario_spare *spares;
	size_t spares_count;
	struct scenario_faults faults;
	struct scenario_reach *reach; /* in the order of the file */
	size_t reach_count;

	struct scenario_step *steps;
	size_t steps_count;
	uint32_t step_ids; /* steps, nested ones too */
	uint32_t expectation_ids;
	uint32_t marks_count;
	char **marks; /* names */
};

/* Read a scenario from 'len' bytes at 'text', which messages call 'file'. 'settings' are
 * "app.option=value" texts that change the controller's applications (NULL-terminated list, may be
 * NULL). 'files' gives the files that applications name, all of which are read now (NULL: there are
 * none). Returns NULL when anything is wrong; all that is wrong is in 'problems' then, sorted. */
struct scenario *scenario_load_text(const char *text, size_t len, const char *file,
                                    const char *const *settings,
                                    const struct scenario_files *files, struct problems *problems);
void scenario_free(struct scenario *scenario); /* takes NULL */

/* The file 'name' as it was when the scenario was read; as fb_app_read_file(). */
char *scenario_read_file(const struct scenario *scenario, const char *name, size_t *len,
                         struct fb_text *error);

/* The service behind 'ip' and 'port': of the first host that has both; HOST_SERVICE_NONE when
 * nobody listens. */
enum host_service scenario_service(const struct scenario *scenario, uint32_t ip, uint16_t port);

/* "at least 2", "exactly 5", "from 2 to 4". */
void scenario_bounds_text(struct fb_text *text, const struct scenario_bounds *bounds);
bool scenario_bounds_hold(const struct scenario_bounds *bounds, uint64_t value);
/* A duration as a file would say it: "1h", "90s", "1.504224ms". */
void scenario_duration_text(struct fb_text *text, uint64_t ns);
/* A value that bounds are of: "5", or "650us"; "never" for FB_NEVER. */
void scenario_value_text(struct fb_text *text, const struct scenario_bounds *bounds,
                         uint64_t value);
/* What is expected is a count, not that something is so. */
bool scenario_expectation_counts(const struct scenario_expectation *expectation);
/* "answered h2: exactly 5", "backend h2 of 192.168.2.2 is up". */
void scenario_expectation_text(struct fb_text *text,
                               const struct scenario_expectation *expectation);

#endif
