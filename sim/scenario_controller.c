/* The controller of a scenario: its chain of applications, checked by making it once. See
 * scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum { APPS_MAX = 32, CLASSES_MAX = 64 };

#define CHANNEL_DELAY_NS_DEFAULT (200 * FB_NS_PER_US)

/* --- The applications --- */

static void unknown_class(struct loader *loader, struct position at, const char *name)
{
	const char *names[CLASSES_MAX + 1] = {NULL}, *meant;
	char list[400];
	struct fb_text text = fb_text_make(list, sizeof list);
	const struct fb_app_class *cls;

	for (size_t i = 0; i < CLASSES_MAX && (cls = controller_class_at(i)) != NULL; i++) {
		names[i] = cls->name;
		fb_text_printf(&text, "%s%s", i ? ", " : "", cls->name);
	}
	meant = nearest(name, names);
	if (meant)
		problems_add(loader->problems, at,
		             "no application is named '%.60s': did you mean '%s'?", name, meant);
	else
		problems_add(loader->problems, at, "no application is named '%.60s': there are %s",
		             name, list);
}

/* "balancer,mode=packet" becomes a class and its options. */
static void read_app(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_controller *controller = &loader->scenario->controller;
	const struct fb_app_class *cls;
	struct scenario_app *app;
	const char *text, *comma;
	char *name;

	if (!scenario_read_text(loader, node, "an application", &text))
		return;
	if (controller->apps_count == APPS_MAX) {
		problems_add(loader->problems, node->at,
		             "more than %d applications: leave some out", APPS_MAX);
		return;
	}
	comma = strchr(text, ',');
	name = xstrdup(text);
	if (comma)
		name[comma - text] = 0;
	cls = controller_find_class(name);
	if (!cls)
		unknown_class(loader, node->at, name);
	free(name);
	if (!cls)
		return;
	controller->apps =
	        xrealloc(controller->apps, (controller->apps_count + 1) * sizeof *controller->apps);
	app = &controller->apps[controller->apps_count++];
	*app = (struct scenario_app){
	        .at = node->at, .cls = cls, .options = xstrdup(comma ? comma + 1 : "")};
}

static void read_apps(struct loader *loader, const struct yaml_node *node)
{
	if (node->kind != YAML_SEQUENCE) {
		read_app(loader, node);
		return;
	}
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "an empty list of applications: name at least one, as hub");
	for (size_t i = 0; i < node->count; i++)
		read_app(loader, node->items[i]);
}

/* --- Controllers to try on --- */

static void trial_send(void *conn, const uint8_t *bytes, size_t len)
{
	(void)conn;
	(void)bytes;
	(void)len;
}

static void trial_close(void *conn, const char *reason)
{
	(void)conn;
	(void)reason;
}

static void trial_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	(void)ctx;
	(void)level;
	(void)who;
	(void)line;
}

/* Read the file for good: a run finds it as it was now. */
static void take_file(struct loader *loader, const char *name)
{
	struct scenario *scenario = loader->scenario;
	char buffer[PROBLEM_TEXT_BYTES];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	struct scenario_file *file;

	scenario->files =
	        xrealloc(scenario->files, (scenario->files_count + 1) * sizeof *scenario->files);
	file = &scenario->files[scenario->files_count++];
	*file = (struct scenario_file){.name = xstrdup(name)};
	if (loader->files)
		file->bytes = loader->files->read(loader->files->ctx, name, &file->len, &error);
	else
		fb_text_printf(&error, "%.300s: cannot be read: there are no files here", name);
	if (!file->bytes)
		file->error = xstrdup(buffer);
}

static char *trial_read_file(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	struct loader *loader = ctx;
	const struct scenario *scenario = loader->scenario;
	size_t i = 0;

	while (i < scenario->files_count && strcmp(scenario->files[i].name, name))
		i++;
	if (i == scenario->files_count && i < SCENARIO_FILES_MAX)
		take_file(loader, name);
	return scenario_read_file(scenario, name, len, error);
}

static struct controller *trial_new(struct loader *loader, const struct controller_config *config)
{
	const struct controller_ops ops = {.send = trial_send,
	                                   .close = trial_close,
	                                   .log = trial_log,
	                                   .read_file = trial_read_file,
	                                   .ctx = loader};

	return controller_new(config, &ops);
}

/* True when an application of 'cls' takes 'options'; what is wrong is in 'error' otherwise. */
static bool options_hold(struct loader *loader, const struct fb_app_class *cls,
                         const char *options, struct fb_text *error)
{
	struct controller_config config;
	struct controller *trial;
	bool hold;

	controller_config_default(&config);
	trial = trial_new(loader, &config);
	hold = !controller_add_app(trial, cls, options, error);
	controller_free(trial);
	return hold;
}

/* --- Settings from the command line --- */

/* 'options' ("mode=flows,idle=5") with the option of 'setting' ("mode=packet") set; the caller's. */
static char *with_option(const char *options, const char *setting)
{
	size_t name_len = (size_t)(strchr(setting, '=') - setting) + 1;
	char *new = xmalloc(strlen(options) + strlen(setting) + 2), *out = new;

	for (const char *option = options; *option;) {
		size_t len = strcspn(option, ",");

		if (strncmp(option, setting, name_len)) {
			memcpy(out, option, len);
			out += len;
			*out++ = ',';
		}
		option += len + (option[len] == ',');
	}
	strcpy(out, setting);
	return new;
}

/* Set 'option' ("mode=packet") of 'app', as 'setting' asks. What is wrong with it is told as the
 * setting's, what the file says wrong is told as the file's: so a wrong setting is left out. */
static void set_option(struct loader *loader, struct scenario_app *app, const char *setting,
                       const char *option)
{
	char *options = with_option(app->options, option), buffer[PROBLEM_TEXT_BYTES], ignored[PROBLEM_TEXT_BYTES];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	struct fb_text other = fb_text_make(ignored, sizeof ignored);
	bool wrong = !options_hold(loader, app->cls, options, &error);

	if (wrong && !options_hold(loader, app->cls, app->options, &other)) {
		/* The file's may be to blame: look at this one alone. */
		error = fb_text_make(buffer, sizeof buffer);
		wrong = !options_hold(loader, app->cls, option, &error);
	}
	if (wrong) {
		problems_add(loader->problems, (struct position){0, 0}, "--set '%.80s': %s",
		             setting, buffer);
		free(options);
		return;
	}
	free(app->options);
	app->options = options;
}

/* "balancer.mode=packet": to every application of that name in the chain. */
static void apply_setting(struct loader *loader, const char *setting)
{
	struct scenario_controller *controller = &loader->scenario->controller;
	const char *point = strchr(setting, '.'), *equals = strchr(setting, '=');
	const struct position nowhere = {0, 0};
	bool found = false;

	if (!point || !equals || point > equals || point == setting || equals == point + 1) {
		problems_add(loader->problems, nowhere,
		             "--set '%.80s': write app.option=value, as balancer.mode=packet",
		             setting);
		return;
	}
	if (strchr(equals, ',')) {
		problems_add(
		        loader->problems, nowhere,
		        "--set '%.80s': a value holds no comma: write one --set for each option",
		        setting);
		return;
	}
	for (size_t i = 0; i < controller->apps_count; i++) {
		const char *name = controller->apps[i].cls->name;

		if (strlen(name) != (size_t)(point - setting) ||
		    strncmp(name, setting, strlen(name)))
			continue;
		set_option(loader, &controller->apps[i], setting, point + 1);
		found = true;
	}
	if (!found)
		problems_add(loader->problems, nowhere,
		             "--set '%.80s': the controller has no application '%.*s': name one of "
		             "the scenario",
		             setting, (int)(point - setting), setting);
}

/* --- The trial --- */

static void trial_counter(void *ctx, const char *app, const char *name, uint64_t value)
{
	struct loader *loader = ctx;

	(void)value;
	loader->counters =
	        xrealloc(loader->counters, (loader->counters_count + 1) * sizeof *loader->counters);
	loader->counters[loader->counters_count].app = xstrdup(app);
	loader->counters[loader->counters_count].name = xstrdup(name);
	loader->counters_count++;
}

/* Make the controller of the file once: that checks the options as a run would, and tells the counters there
 * are. */
static void try_controller(struct loader *loader)
{
	struct scenario_controller *controller = &loader->scenario->controller;
	struct controller *trial = trial_new(loader, &controller->config);
	char buffer[PROBLEM_TEXT_BYTES];

	for (size_t i = 0; i < controller->apps_count; i++) {
		const struct scenario_app *app = &controller->apps[i];
		struct fb_text error = fb_text_make(buffer, sizeof buffer);

		if (controller_add_app(trial, app->cls, app->options, &error))
			problems_add(loader->problems, app->at, "%s", buffer);
	}
	controller_app_counters(trial, trial_counter, loader);
	controller_free(trial);
}

/* --- The whole --- */

static void read_controller_map(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_controller *controller = &loader->scenario->controller;
	struct controller_config *config = &controller->config;
	const struct yaml_node *value;
	uint64_t number;

	if (!scenario_read_map(loader, node, "'controller'", scenario_keys_controller))
		return;
	if ((value = yaml_get(node, "apps")) != NULL)
		read_apps(loader, value);
	else
		scenario_lacks(loader, node, scenario_keys_controller,
		               "'controller' has no 'apps': name at least one, as apps: balancer");
	if ((value = yaml_get(node, "echo_idle")) != NULL)
		scenario_read_duration(loader, value, "'echo_idle'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &config->liveness.echo_idle_ns);
	if ((value = yaml_get(node, "echo_timeout")) != NULL)
		scenario_read_duration(loader, value, "'echo_timeout'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &config->liveness.echo_timeout_ns);
	if ((value = yaml_get(node, "handshake_timeout")) != NULL)
		scenario_read_duration(loader, value, "'handshake_timeout'", FB_NS_PER_MS,
		                       SCENARIO_TIME_NS_MAX, &config->liveness.handshake_timeout_ns);
	if ((value = yaml_get(node, "delay")) != NULL)
		scenario_read_duration(loader, value, "'delay'", 0, 60 * FB_NS_PER_S,
		                       &controller->delay_ns);
	if ((value = yaml_get(node, "miss_send_len")) != NULL &&
	    scenario_read_number(loader, value, "'miss_send_len'", 0, 65535, &number))
		config->miss_send_len = (uint16_t)number;
}

void scenario_read_controller(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_controller *controller = &loader->scenario->controller;
	size_t problems_before = loader->problems->count;

	controller->at = node->at;
	controller->delay_ns = CHANNEL_DELAY_NS_DEFAULT;
	controller_config_default(&controller->config);
	controller->config.sessions_max = SCENARIO_SWITCHES_MAX;
	if (node->kind == YAML_MAPPING)
		read_controller_map(loader, node);
	else
		read_apps(loader, node);
	for (const char *const *setting = loader->settings; setting && *setting; setting++)
		apply_setting(loader, *setting);
	if (controller->apps_count)
		try_controller(loader);
	loader->controller_wrong = loader->problems->count != problems_before;
}
