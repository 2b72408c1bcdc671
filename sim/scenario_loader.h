/* What the files of the scenario loader share: scenario_load.c (the file), scenario_read.c (typed
 * values of nodes), scenario_controller.c, scenario_switches.c, scenario_tables.c, scenario_hosts.c
 * and scenario_links.c (the network), scenario_names.c (what is called how), scenario_steps.c,
 * scenario_changes.c, scenario_expect.c and scenario_backends.c (the steps), scenario_faults.c. */
#ifndef SIM_SCENARIO_LOADER_H
#define SIM_SCENARIO_LOADER_H

#include <flowbed/table.h>

#include "sim/scenario.h"
#include "sim/yaml_tree.h"

/* An entry of the table of names: hosts and switches share one set of names, because links name
 * both. */
struct scenario_name {
	char name[SCENARIO_NAME_BYTES_MAX + 1]; /* zero-padded: the key */
	bool is_switch;
	uint32_t index;
};

struct loader {
	struct scenario *scenario;
	struct problems *problems;
	const char *const *settings;
	const struct scenario_files *files; /* NULL: there are none */
	struct fb_table *names;             /* struct scenario_name */
	const char **name_list; /* of all hosts and switches, NULL-terminated: for "did you mean" */

	struct scenario_app_counter *counters; /* names of the applications' counters */
	size_t counters_count;

	bool controller_wrong;                /* applications are missing because of mistakes */
	bool links_wrong;                     /* links are missing because of mistakes */
	size_t flows;                         /* of all switches */
	bool in_parallel;                     /* reading steps below 'parallel' */
	bool controller_unknown;              /* whether it is up at the step that is read, */
	bool controller_down;                 /*   which is known otherwise, */
	uint32_t controller_line;             /*   since the step in this line; 0: from the start */
	uint64_t multiplier;                  /* how often the groups around multiply a step */
	uint64_t executions;                  /* of all steps so far, repetitions multiplied out */
	unsigned tcp_steps, udp_steps;        /* seen in the file */
	struct scenario_service_asked *asked; /* by tcp and udp steps so far */
	size_t asked_count;
};

/* A service that a step asks. */
struct scenario_service_asked {
	enum step_kind kind;
	uint32_t ip;
	uint16_t port;
};

struct scenario_expect_frame;

struct scenario_app_counter {
	char *app, *name;
};

/* A range of hosts: one, or "h1..h200". */
struct scenario_range {
	uint32_t first, count;
};

/* --- scenario_read.c. 'what' names the value in messages ("'delay'"); each returns false after
 * telling what is wrong and what would be right. --- */

/* A map whose keys are all among 'keys', none twice. Unknown keys and second ones are told, and
 * then passed over: true means that it is a map, to be read with yaml_get(). */
bool scenario_read_map(struct loader *loader, const struct yaml_node *node, const char *what,
                       const char *const *keys);
/* Tell by 'format' that 'map', one with 'keys', lacks a key that it needs; silent when it has an
 * unknown one, which is the one that is meant. */
void scenario_lacks(struct loader *loader, const struct yaml_node *map, const char *const *keys,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A map with any words as keys, none twice; one of new names, which scenario_add_name() looks at.
 */
bool scenario_read_word_map(struct loader *loader, const struct yaml_node *node, const char *what);
bool scenario_read_name_map(struct loader *loader, const struct yaml_node *node, const char *what);
bool scenario_read_list(struct loader *loader, const struct yaml_node *node, const char *what);
bool scenario_read_text(struct loader *loader, const struct yaml_node *node, const char *what,
                        const char **out);
bool scenario_read_number(struct loader *loader, const struct yaml_node *node, const char *what,
                          uint64_t min, uint64_t max, uint64_t *out);
bool scenario_read_bool(struct loader *loader, const struct yaml_node *node, const char *what,
                        bool *out);
bool scenario_read_duration(struct loader *loader, const struct yaml_node *node, const char *what,
                            uint64_t min_ns, uint64_t max_ns, uint64_t *ns_out);
bool scenario_read_rate(struct loader *loader, const struct yaml_node *node, const char *what,
                        uint64_t *bps_out);
bool scenario_read_size(struct loader *loader, const struct yaml_node *node, const char *what,
                        uint64_t min, uint64_t max, uint64_t *bytes_out);
bool scenario_read_share(struct loader *loader, const struct yaml_node *node, const char *what,
                         uint32_t *ppm_out);
bool scenario_read_mac(struct loader *loader, const struct yaml_node *node, const char *what,
                       uint8_t mac[FB_MAC_BYTES]);
bool scenario_read_ip(struct loader *loader, const struct yaml_node *node, const char *what,
                      uint32_t *ip);
/* One of 'words'; '*out' is its place. */
bool scenario_read_choice(struct loader *loader, const struct yaml_node *node, const char *what,
                          const char *const *words, unsigned *out);
/* A count: "5", "never", or {at_least: 2, at_most: 4}; one that says nothing is an error. */
bool scenario_read_bounds(struct loader *loader, const struct yaml_node *node, const char *what,
                          struct scenario_bounds *out);

/* The same of durations: "650us", or {at_most: 2ms}. */
bool scenario_read_time_bounds(struct loader *loader, const struct yaml_node *node,
                               const char *what, struct scenario_bounds *out);

/* --- scenario_controller.c --- */
void scenario_read_controller(struct loader *loader, const struct yaml_node *node);

/* --- scenario_switches.c --- */
void scenario_read_switches(struct loader *loader, const struct yaml_node *node);
void scenario_free_switch(struct scenario_switch *sw);

/* --- scenario_tables.c --- */
/* Once the links are there: hold queues and flows against the network, and try them. */
void scenario_check_tables(struct loader *loader);

/* --- scenario_hosts.c --- */
void scenario_read_hosts(struct loader *loader, const struct yaml_node *node);

/* --- scenario_links.c --- */
void scenario_read_links(struct loader *loader, const struct yaml_node *node);
/* Once all hosts that move have their ports: false after telling of switches with too many. */
bool scenario_check_ports(struct loader *loader);
/* The link that "a -- b" names, or a host's only link by its name. */
bool scenario_read_link_name(struct loader *loader, const struct yaml_node *node, uint32_t *link);
/* "h2" or "s1:2": an end of a link. */
bool scenario_read_link_end(struct loader *loader, const struct yaml_node *node, uint32_t *link,
                            unsigned *end);
/* "s1:2": a port of a switch, whatever is there. */
bool scenario_read_port(struct loader *loader, const struct yaml_node *node, uint32_t *sw,
                        uint16_t *port);

/* --- scenario_names.c --- */
bool scenario_add_name(struct loader *loader, struct position at, const char *name, bool is_switch,
                       uint32_t index);
void scenario_list_names(struct loader *loader);
const struct scenario_name *scenario_find_name(const struct loader *loader, const char *name);
bool scenario_read_host(struct loader *loader, const struct yaml_node *node, uint32_t *host);
bool scenario_read_switch(struct loader *loader, const struct yaml_node *node, uint32_t *sw);
bool scenario_read_range(struct loader *loader, const struct yaml_node *node,
                         struct scenario_range *range);
/* A host's name or an address, with ":PORT" after it when 'port' is not NULL. */
bool scenario_read_target(struct loader *loader, const struct yaml_node *node, uint32_t *ip,
                          uint16_t *port);
/* Split "h1..h200" into "h", 1 and 200. False: it is no such range. */
bool scenario_split_range(const char *text, char prefix[SCENARIO_NAME_BYTES_MAX + 1],
                          uint32_t *first, uint32_t *last);
/* Tell that nothing is called 'name', and what may have been meant. */
void scenario_unknown_name(struct loader *loader, struct position at, const char *what,
                           const char *name);

/* --- scenario_backends.c --- */
void scenario_read_backends(struct loader *loader, struct scenario_expect_frame *frame,
                            const struct yaml_node *node);
void scenario_read_sessions(struct loader *loader, struct scenario_expect_frame *frame,
                            const struct yaml_node *key, const struct yaml_node *node);

/* --- scenario_changes.c --- */
/* A step that is neither traffic nor a group, by its key. */
void scenario_read_change(struct loader *loader, const struct yaml_node *key,
                          const struct yaml_node *value, const struct yaml_node *repeat,
                          struct scenario_step *step);
void scenario_free_command(struct scenario_command *command); /* takes NULL */
/* The host hangs on a switch's port that it may leave; 'at' NULL: without complaint. */
bool scenario_may_move(struct loader *loader, const struct yaml_node *at, uint32_t host);
/* The port is one that 'host' may move to: its own, or one that nobody else uses. */
bool scenario_take_spare(struct loader *loader, const struct yaml_node *at, uint32_t host,
                         uint32_t sw, uint16_t port);

/* --- scenario_reach.c --- */
/* What stands at 'reachability' among the properties: yes, no, or who reaches whom. False: no. */
bool scenario_read_reach(struct loader *loader, const struct yaml_node *node);
void scenario_free_reach(struct scenario *scenario);

/* --- scenario_faults.c --- */
/* What holds where a file has no 'faults'. */
void scenario_faults_default(struct scenario_faults *faults);
/* All but the rates of 'faults', and those, which are read after the steps. */
void scenario_read_faults(struct loader *loader, const struct yaml_node *node);
void scenario_read_fault_rates(struct loader *loader, const struct yaml_node *faults);
/* What the step 'fault' says: {link_down: {link: "h1 -- s1:1", for: 1s}}. */
bool scenario_read_fault(struct loader *loader, const struct yaml_node *node, struct fault *fault);

/* --- scenario_steps.c --- */
void scenario_read_steps(struct loader *loader, const struct yaml_node *node,
                         struct scenario_step **steps, size_t *count);

/* --- scenario_expect.c --- */
/* What one 'expect' says of all its counts. */
struct scenario_expect_frame {
	struct scenario_step *step;
	uint64_t within_ns;
	uint32_t mark;
	bool has_at_end, at_end;
};
/* Add an expectation of 'kind', described by 'format', whose bounds are at 'value' (NULL: exactly
 * 1). NULL when they are wrong. */
struct scenario_expectation *
scenario_add_expectation(struct loader *loader, struct scenario_expect_frame *frame,
                         enum scenario_kind kind, struct position at, const struct yaml_node *value,
                         const char *format, ...) __attribute__((format(printf, 6, 7)));
/* True for a number, "never" and {at_least, at_most}: bounds of one count rather than a map of
 * several. */
bool scenario_is_bounds(const struct yaml_node *node);
void scenario_read_expect(struct loader *loader, const struct yaml_node *node,
                          struct scenario_step *step);
bool scenario_read_mark(struct loader *loader, const struct yaml_node *node, bool is_new,
                        uint32_t *mark);
void scenario_free_expectation(struct scenario_expectation *expectation);

#endif
