/* The command line of flowbed-switch. */
#ifndef SOFTSWITCH_CLIENT_OPTIONS_H
#define SOFTSWITCH_CLIENT_OPTIONS_H

#include "lib/io/options.h"
#include "softswitch/client.h"

struct client_options {
	struct client_config config;
	bool has_dpid, has_attempts;
	enum log_level log_level;
	struct options_list interfaces; /* names, one each */
	struct options_list queues, listen, snoop, controllers;
};

/* Read the command line; the texts of 'options' point into 'argv'. */
enum options_result client_options_read(struct client_options *options, int argc, char **argv);
void client_options_destroy(struct client_options *options);

/* Hand what was read to 'client'. False with what is wrong, and the option it was given to, in
 * 'error' (CLIENT_ERROR_BYTES); '*wrong_usage' says whether it is the command line or the system. */
bool client_options_apply(const struct client_options *options, struct client *client, char *error,
                          bool *wrong_usage);

#endif
