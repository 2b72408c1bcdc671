/* Names of files, seen from another folder. See command_shrink_files.h.
 *
 * Folders are compared as the system knows them, without links, so that ".." leads back. */
#include "sim/command_shrink_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/yaml_edit.h"

enum { OPTIONS_BYTES = 2 * PATH_MAX };

/* Where 'path' is, with a '/' at its end; false: nowhere. Standard input is where we are. */
static bool folder_of(const char *path, char folder[PATH_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	char name[PATH_MAX] = ".";

	if (slash &&
	    snprintf(name, sizeof name, "%.*s", (int)(slash - path) + 1, path) >= (int)sizeof name)
		return false;
	if (!realpath(name, folder))
		return false;
	if (strcmp(folder, "/") != 0)
		strcat(folder, "/");
	return true;
}

/* The way from the folder 'to' to the folder 'from': "../a/". */
static bool way_between(const char *from, const char *to, struct fb_text *way)
{
	size_t common = 0;

	for (size_t i = 0; from[i] && from[i] == to[i]; i++)
		if (from[i] == '/')
			common = i + 1;
	for (const char *rest = strchr(to + common, '/'); rest; rest = strchr(rest + 1, '/'))
		fb_text_puts(way, "../");
	fb_text_puts(way, from + common);
	return way->len > 0 && !strchr(from + common, ',');
}

static bool is_read(const struct scenario *scenario, const char *name, size_t len)
{
	for (size_t i = 0; i < scenario->files_count; i++)
		if (strlen(scenario->files[i].name) == len &&
		    !memcmp(scenario->files[i].name, name, len))
			return true;
	return false;
}

/* "balancer,services=shop.txt": what stands behind a '=' may be such a name. */
static void move_options(struct yaml_node *app, const struct scenario *scenario, const char *way)
{
	char buffer[OPTIONS_BYTES];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);
	size_t names = 0;

	if (strlen(app->text) + scenario->files_count * strlen(way) >= sizeof buffer)
		return;
	for (const char *at = app->text; *at;) {
		const size_t len = strcspn(at, ","), key = strcspn(at, "=,");
		const char *name = at + key + (key < len);
		const size_t name_len = len - (size_t)(name - at);

		fb_text_printf(&text, "%.*s", (int)(name - at), at);
		if (key < len && name[0] != '/' && is_read(scenario, name, name_len)) {
			fb_text_puts(&text, way);
			names++;
		}
		fb_text_printf(&text, "%.*s", (int)name_len + (at[len] == ','), name);
		at += len + (at[len] == ',');
	}
	if (!names)
		return;
	yaml_edit_set_text(app, buffer);
	app->plain = false;
}

void command_shrink_files_move(struct yaml_tree *tree, const struct scenario *scenario,
                               const char *from, const char *to)
{
	struct yaml_node *apps = yaml_edit_get(tree->root, "controller");
	char from_folder[PATH_MAX + 1], to_folder[PATH_MAX + 1], buffer[PATH_MAX];
	struct fb_text way = fb_text_make(buffer, sizeof buffer);

	if (apps && apps->kind == YAML_MAPPING)
		apps = yaml_edit_get(apps, "apps");
	if (!apps || !scenario->files_count || !folder_of(from, from_folder) ||
	    !folder_of(to, to_folder) || !way_between(from_folder, to_folder, &way))
		return;
	if (apps->kind == YAML_SCALAR)
		move_options(apps, scenario, buffer);
	for (size_t i = 0; apps->kind == YAML_SEQUENCE && i < apps->count; i++)
		if (apps->items[i]->kind == YAML_SCALAR)
			move_options(apps->items[i], scenario, buffer);
}
