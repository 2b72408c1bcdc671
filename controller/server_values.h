/* Values of an answer as texts for people. Each function writes into the caller's 'text' where it
 * needs to, and returns what is to be shown: printable ASCII only, whatever a peer has said. */
#ifndef CONTROLLER_SERVER_VALUES_H
#define CONTROLLER_SERVER_VALUES_H

#include "controller/server_json.h"

enum { SERVER_VALUES_BYTES = 256 }; /* of a text */

/* 1234567 as "1,234,567". */
const char *server_values_grouped(uint64_t number, char text[SERVER_VALUES_BYTES]);
/* "12.345" seconds as "12s", "1.2s", "3m05s", "1h02m", "3d04h". */
const char *server_values_duration(const char *seconds, char text[SERVER_VALUES_BYTES]);
/* "812 B", "12.3 kB", "1.2 MB". */
const char *server_values_size(uint64_t bytes, char text[SERVER_VALUES_BYTES]);
/* What a peer may have said, harmless for a terminal and not too long. */
const char *server_values_harmless(const char *from, char text[SERVER_VALUES_BYTES]);
/* The items of a plain list, with 'separator' between them. */
const char *server_values_joined(struct fy_node *list, const char *separator,
                                 char text[SERVER_VALUES_BYTES]);

/* A key that ends in "_s" is a time. */
bool server_values_is_time(const char *key);
/* A switch's port: "port", "in_port". */
bool server_values_is_port(const char *key);
/* The value of 'key'; "" for what there is not. A place, {dpid, port}, is "0000000000000001:3". */
const char *server_values_text(const char *key, struct fy_node *value,
                               char text[SERVER_VALUES_BYTES]);
/* The key as the header of a column: "has_flows" as "HAS FLOWS", and a time without its unit. */
const char *server_values_header(const char *key, char text[SERVER_VALUES_BYTES]);

#endif
