/* Steps of a scenario that wait, break things and bring them back, move hosts, and tell the
 * controller's applications what to do. See scenario_loader.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum { WORDS_MAX = 64, CLASSES_MAX = 64 };

#define MOVE_NS_DEFAULT    (10 * FB_NS_PER_MS)
#define RESTART_NS_DEFAULT FB_NS_PER_S

/* --- Up and down --- */

/* {down: "h2 -- s1"} or {up: h2}. */
static void read_change(struct loader *loader, const struct yaml_node *node,
                        struct scenario_step *step, const char *what, const char *example,
                        bool (*read)(struct loader *, const struct yaml_node *, uint32_t *))
{
	const struct yaml_node *down, *up;

	if (!scenario_read_map(loader, node, what, scenario_keys_change))
		return;
	down = yaml_get(node, "down");
	up = yaml_get(node, "up");
	if (!down == !up) {
		problems_add(loader->problems, node->at,
		             "%s needs one of 'down' and 'up': write one, as {down: %s}", what,
		             example);
		return;
	}
	step->change.up = up != NULL;
	read(loader, up ? up : down, &step->change.index);
}

/* A step that needs a controller. */
static bool has_controller(struct loader *loader, const struct yaml_node *key)
{
	if (loader->scenario->controller.at.line)
		return true;
	problems_add(loader->problems, key->at,
	             "'%s' needs a controller: name one, as controller: learning", key->text);
	return false;
}

/* A step that changes nothing is refused where that is certain: where nothing is repeated or goes on
 * at the same time. */
static void check_controller_change(struct loader *loader, const struct yaml_node *node, bool up)
{
	if (!loader->in_parallel && !loader->controller_unknown && up != loader->controller_down) {
		char since[40] = "from the start";

		if (loader->controller_line)
			snprintf(since, sizeof since, "since line %u", loader->controller_line);
		problems_add(loader->problems, node->at,
		             "the controller is %s already, %s: leave this step out", node->text,
		             since);
		return;
	}
	loader->controller_unknown = loader->in_parallel;
	loader->controller_down = !up;
	loader->controller_line = node->at.line;
}

/* down, or up. */
static void read_controller_change(struct loader *loader, const struct yaml_node *node,
                                   const struct yaml_node *repeat, struct scenario_step *step)
{
	unsigned choice;

	step->kind = STEP_CONTROLLER;
	if (!scenario_read_choice(loader, node, "'controller'", scenario_keys_up, &choice))
		return;
	step->change.up = choice;
	check_controller_change(loader, node, step->change.up);
	if (step->repeat > 1)
		problems_add(loader->problems, repeat->at,
		             "the controller goes %s once: leave 'repeat' out", node->text);
}

/* {down: s1}, {up: s1}, or {restart: s1, after: 1s}. */
static void read_switch_change(struct loader *loader, const struct yaml_node *node,
                               struct scenario_step *step)
{
	const struct yaml_node *restart, *after;

	step->kind = STEP_SWITCH;
	if (!scenario_read_map(loader, node, "'switch'", scenario_keys_switch_change))
		return;
	restart = yaml_get(node, "restart");
	after = yaml_get(node, "after");
	if ((yaml_get(node, "down") != NULL) + (yaml_get(node, "up") != NULL) + (restart != NULL) !=
	    1) {
		scenario_lacks(loader, node, scenario_keys_switch_change,
		               "'switch' needs one of 'down', 'up' and 'restart': write one, as "
		               "{restart: s1}");
		return;
	}
	if (after && !restart)
		problems_add(loader->problems, after->at,
		             "'after' is how long a switch that restarts is off: leave it out");
	step->change.restart_ns = restart ? RESTART_NS_DEFAULT : 0;
	if (after)
		scenario_read_duration(loader, after, "'after'", 1, SCENARIO_TIME_NS_MAX,
		                       &step->change.restart_ns);
	step->change.up = yaml_get(node, "up") != NULL;
	for (size_t i = 0; i < node->count; i++)
		if (yaml_value(node, i) != after)
			scenario_read_switch(loader, yaml_value(node, i), &step->change.index);
}

/* --- Moving hosts --- */

/* What the port of the host's switch is on, as the file has it. */
static const struct scenario_end *home_of(const struct scenario *scenario, uint32_t host)
{
	const struct scenario_host *h = &scenario->hosts[host];

	return &scenario->links[h->link].ends[!h->link_end];
}

bool scenario_may_move(struct loader *loader, const struct yaml_node *at, uint32_t host)
{
	const struct scenario *scenario = loader->scenario;
	const struct scenario_end *home;
	const struct scenario_switch *sw;

	if (scenario->hosts[host].link == SCENARIO_NONE) {
		if (at && !loader->links_wrong)
			problems_add(loader->problems, at->at,
			             "host '%s' is on no link, so that it has no cable to move",
			             scenario->hosts[host].name);
		return false;
	}
	home = home_of(scenario, host);
	if (!home->is_switch) {
		if (at)
			problems_add(
			        loader->problems, at->at,
			        "host '%s' is linked to a host: only what hangs on a switch moves",
			        scenario->hosts[host].name);
		return false;
	}
	sw = &scenario->switches[home->index];
	for (size_t i = 0; i < sw->queues_count; i++) {
		if (sw->queues[i].port != home->port)
			continue;
		if (at)
			problems_add(loader->problems, at->at,
			             "port %u of switch '%s' has queues, which would go along with "
			             "the cable of '%s': move another host",
			             home->port, sw->name, scenario->hosts[host].name);
		return false;
	}
	return true;
}

bool scenario_take_spare(struct loader *loader, const struct yaml_node *at, uint32_t host,
                         uint32_t sw, uint16_t port)
{
	struct scenario *scenario = loader->scenario;
	const char *name = scenario->switches[sw].name;

	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_link *link = &scenario->links[i / 2];
		const struct scenario_end *end = &link->ends[i % 2];

		if (!end->is_switch || end->index != sw || end->port != port)
			continue;
		if (end == home_of(scenario, host))
			return true;
		problems_add(loader->problems, at->at,
		             "port %u of switch '%s' is used by the link in line %u: name one that "
		             "'links' leave free",
		             port, name, link->at.line);
		return false;
	}
	for (size_t i = 0; i < scenario->spares_count; i++) {
		const struct scenario_spare *spare = &scenario->spares[i];

		if (spare->sw != sw || spare->port != port)
			continue;
		if (spare->host == host)
			return true;
		problems_add(loader->problems, at->at,
		             "port %u of switch '%s' is where '%s' moves to, in line %u: name "
		             "another",
		             port, name, scenario->hosts[spare->host].name, spare->at.line);
		return false;
	}
	scenario->spares =
	        xrealloc(scenario->spares, (scenario->spares_count + 1) * sizeof *scenario->spares);
	scenario->spares[scenario->spares_count++] =
	        (struct scenario_spare){.at = at->at, .sw = sw, .host = host, .port = port};
	return true;
}

/* {host: h1, to: s2:5, after: 10ms, announce: no} */
static void read_move(struct loader *loader, const struct yaml_node *node,
                      struct scenario_step *step)
{
	const struct yaml_node *host, *to, *value;

	step->kind = STEP_MOVE;
	step->move.after_ns = MOVE_NS_DEFAULT;
	step->move.announce = false;
	if (!scenario_read_map(loader, node, "'move'", scenario_keys_move))
		return;
	if ((value = yaml_get(node, "after")) != NULL)
		scenario_read_duration(loader, value, "'after'", 1, SCENARIO_TIME_NS_MAX,
		                       &step->move.after_ns);
	if ((value = yaml_get(node, "announce")) != NULL)
		scenario_read_bool(loader, value, "'announce'", &step->move.announce);
	host = yaml_get(node, "host");
	to = yaml_get(node, "to");
	if (!host || !to) {
		scenario_lacks(loader, node, scenario_keys_move,
		               "'move' needs a host and a port: write both, as {host: h1, to: "
		               "s2:5}");
		return;
	}
	if (scenario_read_host(loader, host, &step->move.host) &&
	    scenario_read_port(loader, to, &step->move.sw, &step->move.port) &&
	    scenario_may_move(loader, host, step->move.host))
		scenario_take_spare(loader, to, step->move.host, step->move.sw, step->move.port);
}

/* --- Commands --- */

/* True when the chain has an instance of 'cls', for itself or for another's needs. */
static bool chain_has(const struct scenario_controller *controller, const struct fb_app_class *cls)
{
	for (size_t i = 0; i < controller->apps_count; i++) {
		const struct fb_app_class *one = controller->apps[i].cls;

		for (; one; one = one->needs)
			if (one == cls)
				return true;
	}
	return false;
}

/* 'name' is an application of the chain, and takes commands. The second of its class and those after
 * it have a number behind '#', which is not looked at here. */
static bool check_app(struct loader *loader, const struct yaml_node *at, const char *name)
{
	const struct scenario_controller *controller = &loader->scenario->controller;
	const char *names[CLASSES_MAX + 1] = {NULL}, *meant;
	const struct fb_app_class *cls;
	size_t len = strcspn(name, "#"), count = 0;

	if (loader->controller_wrong)
		return false;
	for (size_t i = 0; i < CLASSES_MAX && (cls = controller_class_at(i)) != NULL; i++) {
		if (!chain_has(controller, cls))
			continue;
		names[count++] = cls->name;
		if (strlen(cls->name) != len || strncmp(cls->name, name, len))
			continue;
		if (!cls->command)
			problems_add(loader->problems, at->at, "'%s' takes no commands", cls->name);
		return cls->command != NULL;
	}
	meant = nearest(name, names);
	if (meant)
		problems_add(loader->problems, at->at,
		             "the controller has no application '%.60s': did you mean '%s'?", name,
		             meant);
	else
		problems_add(loader->problems, at->at,
		             "the controller has no application '%.60s': name one of the chain",
		             name);
	return false;
}

/* A word of a command: the name of a host stands for its MAC address. */
static char *read_word(const struct loader *loader, const char *word, size_t len)
{
	char name[SCENARIO_NAME_BYTES_MAX + 1], mac[32];
	struct fb_text text = fb_text_make(mac, sizeof mac);
	const struct scenario_name *entry;
	char *copy;

	if (len <= SCENARIO_NAME_BYTES_MAX) {
		memcpy(name, word, len);
		name[len] = 0;
		entry = scenario_find_name(loader, name);
		if (entry && !entry->is_switch) {
			fb_text_mac(&text, loader->scenario->hosts[entry->index].mac);
			return xstrdup(mac);
		}
	}
	copy = xmalloc(len + 1);
	memcpy(copy, word, len);
	copy[len] = 0;
	return copy;
}

static void read_words(struct loader *loader, const struct yaml_node *at, const char *command,
                       struct scenario_command *out)
{
	out->words = xcalloc(WORDS_MAX + 1, sizeof(char *));
	for (const char *word = command + strspn(command, " \t"); *word;) {
		const size_t len = strcspn(word, " \t");

		if (out->words_count == WORDS_MAX) {
			problems_add(loader->problems, at->at,
			             "a command has at most %d words: shorten it", WORDS_MAX);
			return;
		}
		out->words[out->words_count++] = read_word(loader, word, len);
		word += len;
		word += strspn(word, " \t");
	}
	if (!out->words_count)
		problems_add(loader->problems, at->at,
		             "an empty command: write one, as \"drain 192.168.2.2 h3\"");
}

/* {name: balancer, command: "drain 192.168.2.2 h3", expect: ok} */
static void read_app(struct loader *loader, const struct yaml_node *node,
                     struct scenario_step *step)
{
	const struct yaml_node *name, *command, *expect;
	const char *name_text, *text;
	unsigned refused = 0;

	step->kind = STEP_APP;
	if (!scenario_read_map(loader, node, "'app'", scenario_keys_app))
		return;
	name = yaml_get(node, "name");
	command = yaml_get(node, "command");
	if (!name || !command) {
		scenario_lacks(loader, node, scenario_keys_app,
		               "'app' needs a name and a command: write both, as {name: balancer, "
		               "command: \"drain 192.168.2.2 h3\"}");
		return;
	}
	if ((expect = yaml_get(node, "expect")) != NULL)
		scenario_read_choice(loader, expect, "'expect'", scenario_keys_answers, &refused);
	if (!scenario_read_text(loader, name, "'name'", &name_text) ||
	    !scenario_read_text(loader, command, "'command'", &text))
		return;
	check_app(loader, name, name_text);
	step->command = xcalloc(1, sizeof *step->command);
	step->command->app = xstrdup(name_text);
	step->command->text = xstrdup(text);
	step->command->refused = refused;
	read_words(loader, command, text, step->command);
}

void scenario_free_command(struct scenario_command *command)
{
	if (!command)
		return;
	for (size_t i = 0; i < command->words_count; i++)
		free(command->words[i]);
	free(command->words);
	free(command->app);
	free(command->text);
	free(command);
}

/* --- Waiting --- */

/* What goes on at 'end' has failed: a wait that lasts until then can never be over before. */
static void check_wait(struct loader *loader, const struct yaml_node *node, uint64_t wait_ns)
{
	const uint64_t end_ns = loader->scenario->end_ns;
	char buffer[40];
	struct fb_text end = fb_text_make(buffer, sizeof buffer);

	if (wait_ns < end_ns)
		return;
	scenario_duration_text(&end, end_ns);
	problems_add(loader->problems, node->at,
	             "'wait': %.40s can never hold: the run ends at 'end', %s%s: wait for less, or "
	             "write a later 'end'",
	             node->text, buffer,
	             end_ns == SCENARIO_END_NS_DEFAULT ? " unless the file says otherwise" : "");
}

/* A duration, 'ready' or 'converged'. */
static void read_wait(struct loader *loader, const struct yaml_node *key,
                      const struct yaml_node *node, struct scenario_step *step)
{
	const bool converged = node->kind == YAML_SCALAR && !strcmp(node->text, "converged");

	step->kind = converged ? STEP_CONVERGED : STEP_READY;
	if (!converged && (node->kind != YAML_SCALAR || strcmp(node->text, "ready"))) {
		step->kind = STEP_WAIT;
		if (scenario_read_duration(loader, node, "'wait'", 1, SCENARIO_TIME_NS_MAX,
		                           &step->wait_ns))
			check_wait(loader, node, step->wait_ns);
		return;
	}
	if (converged && !loader->scenario->controller.at.line)
		return;
	if (has_controller(loader, key) && !loader->in_parallel && !loader->controller_unknown &&
	    loader->controller_down)
		problems_add(loader->problems, node->at,
		             "the controller is down since line %u, and never ready: bring it up "
		             "before, as controller: up",
		             loader->controller_line);
}

/* --- Faults --- */

static void read_fault(struct loader *loader, const struct yaml_node *node,
                       struct scenario_step *step)
{
	step->kind = STEP_FAULT;
	step->fault = xcalloc(1, sizeof *step->fault);
	scenario_read_fault(loader, node, step->fault);
}

/* --- The whole --- */

void scenario_read_change(struct loader *loader, const struct yaml_node *key,
                          const struct yaml_node *value, const struct yaml_node *repeat,
                          struct scenario_step *step)
{
	if (!strcmp(key->text, "wait")) {
		read_wait(loader, key, value, step);
	} else if (!strcmp(key->text, "fault")) {
		read_fault(loader, value, step);
	} else if (!strcmp(key->text, "link")) {
		step->kind = STEP_LINK;
		read_change(loader, value, step, "'link'", "h2 -- s1", scenario_read_link_name);
	} else if (!strcmp(key->text, "host")) {
		step->kind = STEP_HOST;
		read_change(loader, value, step, "'host'", "h2", scenario_read_host);
	} else if (!strcmp(key->text, "switch")) {
		read_switch_change(loader, value, step);
	} else if (!strcmp(key->text, "move")) {
		read_move(loader, value, step);
	} else if (!strcmp(key->text, "controller")) {
		if (has_controller(loader, key))
			read_controller_change(loader, value, repeat, step);
	} else if (!strcmp(key->text, "control")) {
		step->kind = STEP_CONTROL;
		if (has_controller(loader, key))
			read_change(loader, value, step, "'control'", "s1", scenario_read_switch);
	} else if (!strcmp(key->text, "app")) {
		if (has_controller(loader, key))
			read_app(loader, value, step);
	}
}
