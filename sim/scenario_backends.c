/* What a scenario expects of the balancer's backends and sessions. See scenario_loader.h. */
#include <string.h>

#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

/* The chain has a balancer, whose report these are read from. */
static bool has_balancer(struct loader *loader, const struct yaml_node *at, const char *what)
{
	const struct scenario_controller *controller = &loader->scenario->controller;

	if (loader->controller_wrong)
		return false;
	for (size_t i = 0; i < controller->apps_count; i++)
		if (!strcmp(controller->apps[i].cls->name, "balancer"))
			return true;
	problems_add(loader->problems, at->at,
	             "'%s' is what the application balancer knows: without it there are none",
	             what);
	return false;
}

/* 'of': an address, or a host, whose address it is. */
static bool read_of(struct loader *loader, const struct yaml_node *node, uint32_t *ip)
{
	const struct yaml_node *of = yaml_get(node, "of");

	if (of)
		return scenario_read_target(loader, of, ip, NULL);
	scenario_lacks(loader, node, scenario_keys_backends,
	               "'backends' without 'of': name their address, as of: 192.168.2.2");
	return false;
}

/* One state or a list of them, as bits. */
static bool read_states(struct loader *loader, const struct yaml_node *node, uint32_t *states)
{
	const size_t count = node->kind == YAML_SEQUENCE ? node->count : 1;
	unsigned state;

	*states = 0;
	for (size_t i = 0; i < count; i++) {
		if (!scenario_read_choice(loader,
		                          node->kind == YAML_SEQUENCE ? node->items[i] : node,
		                          "'state'", scenario_keys_backend_states, &state))
			return false;
		*states |= 1U << state;
	}
	if (!count)
		problems_add(loader->problems, node->at,
		             "an empty list of states: name at least one, as up");
	return count > 0;
}

/* "up or silent" */
static void states_text(struct fb_text *text, uint32_t states)
{
	const char *before = "";

	for (unsigned i = 0; scenario_keys_backend_states[i]; i++) {
		if (!(states >> i & 1))
			continue;
		fb_text_printf(text, "%s%s", before, scenario_keys_backend_states[i]);
		before = " or ";
	}
}

/* How one host stands as a backend. */
static void read_backend(struct loader *loader, struct scenario_expect_frame *frame,
                         const struct yaml_node *node, uint32_t ip)
{
	static const struct {
		const char *key;
		enum scenario_kind kind;
	} counts[] = {{"sessions", EXPECT_BACKEND_SESSIONS}, {"weight", EXPECT_BACKEND_WEIGHT}};
	const struct yaml_node *state = yaml_get(node, "state");
	const char *name = yaml_get(node, "host")->text, *of = yaml_get(node, "of")->text;
	struct scenario_expectation *expectation;
	char buffer[100];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);
	uint32_t host, states;

	if (!scenario_read_host(loader, yaml_get(node, "host"), &host))
		return;
	if (!state && !yaml_get(node, "sessions") && !yaml_get(node, "weight"))
		scenario_lacks(loader, node, scenario_keys_backends,
		               "this expects nothing of '%.60s': write state, sessions or weight",
		               name);
	if (state && read_states(loader, state, &states)) {
		states_text(&text, states);
		expectation = scenario_add_expectation(
		        loader, frame, EXPECT_BACKEND_STATE, state->at, NULL,
		        "backend %.60s of %.60s is %s", name, of, buffer);
		if (expectation) {
			expectation->subject = host;
			expectation->ip = ip;
			expectation->states = states;
		}
	}
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const struct yaml_node *value = yaml_get(node, counts[i].key);

		if (!value)
			continue;
		expectation = scenario_add_expectation(loader, frame, counts[i].kind, value->at,
		                                       value, "%s of backend %.60s of %.60s",
		                                       counts[i].key, name, of);
		if (expectation) {
			expectation->subject = host;
			expectation->ip = ip;
		}
	}
}

/* How many backends there are of each state, and in all. */
static void read_count(struct loader *loader, struct scenario_expect_frame *frame,
                       const struct yaml_node *node, uint32_t ip)
{
	const char *of = yaml_get(node, "of")->text;
	const struct yaml_node *all = yaml_get(node, "count");
	struct scenario_expectation *expectation;

	if (all) {
		expectation = scenario_add_expectation(loader, frame, EXPECT_BACKENDS, all->at, all,
		                                       "backends of %.60s", of);
		if (expectation) {
			expectation->ip = ip;
			expectation->states = UINT32_MAX;
		}
	}
	for (unsigned i = 0; scenario_keys_backend_states[i]; i++) {
		const struct yaml_node *value = yaml_get(node, scenario_keys_backend_states[i]);

		if (!value)
			continue;
		expectation = scenario_add_expectation(loader, frame, EXPECT_BACKENDS, value->at,
		                                       value, "backends of %.60s that are %s", of,
		                                       scenario_keys_backend_states[i]);
		if (expectation) {
			expectation->ip = ip;
			expectation->states = 1U << i;
		}
	}
}

/* The first key of 'node' that belongs to the other form; NULL: none. */
static const struct yaml_node *stray_key(const struct yaml_node *node, bool of_host)
{
	static const char *const host_keys[] = {"state", "sessions", "weight", NULL};

	for (size_t i = 0; i < node->count; i++) {
		const char *key = yaml_key(node, i)->text;
		bool hosts = false;

		if (!strcmp(key, "of") || !strcmp(key, "host"))
			continue;
		for (unsigned j = 0; host_keys[j]; j++)
			hosts |= !strcmp(key, host_keys[j]);
		if (hosts != of_host)
			return yaml_key(node, i);
	}
	return NULL;
}

/* {of: 192.168.2.2, up: 2, down: 0}, or {of: 192.168.2.2, host: h3, state: drained, sessions: 0} */
void scenario_read_backends(struct loader *loader, struct scenario_expect_frame *frame,
                            const struct yaml_node *node)
{
	const struct yaml_node *stray;
	bool of_host;
	uint32_t ip;

	if (!scenario_read_map(loader, node, "'backends'", scenario_keys_backends) ||
	    !has_balancer(loader, node, "backends") || !read_of(loader, node, &ip))
		return;
	of_host = yaml_get(node, "host") != NULL;
	stray = stray_key(node, of_host);
	if (stray)
		problems_add(loader->problems, stray->at,
		             of_host ? "'%s' counts backends: leave 'host' out, or write state, "
		                       "sessions or weight"
		                     : "'%s' is that of one backend: name it, as host: h3",
		             stray->text);
	else if (of_host)
		read_backend(loader, frame, node, ip);
	else if (node->count == 1)
		scenario_lacks(loader, node, scenario_keys_backends,
		               "'backends' without a count expects nothing: write one, as up: 2");
	else
		read_count(loader, frame, node, ip);
}

/* 10, or {live: 10, closed: 0} */
void scenario_read_sessions(struct loader *loader, struct scenario_expect_frame *frame,
                            const struct yaml_node *key, const struct yaml_node *node)
{
	if (!has_balancer(loader, key, "sessions"))
		return;
	if (scenario_is_bounds(node)) {
		scenario_add_expectation(loader, frame, EXPECT_SESSIONS, key->at, node, "sessions");
		return;
	}
	if (!scenario_read_map(loader, node, "'sessions'", scenario_keys_sessions))
		return;
	for (uint32_t i = 0; scenario_keys_sessions[i]; i++) {
		const struct yaml_node *value = yaml_get(node, scenario_keys_sessions[i]);
		struct scenario_expectation *expectation;

		if (!value)
			continue;
		expectation =
		        scenario_add_expectation(loader, frame, EXPECT_SESSIONS, value->at, value,
		                                 "sessions %s", scenario_keys_sessions[i]);
		if (expectation)
			expectation->subject = i;
	}
}
