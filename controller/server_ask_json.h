/* JSON as it came, with a line for each value. */
#ifndef CONTROLLER_SERVER_ASK_JSON_H
#define CONTROLLER_SERVER_ASK_JSON_H

#include <stddef.h>

/* Print the 'len' bytes of JSON at 'json', which has no blanks between its values, on standard
 * output. */
void server_ask_json_print(const char *json, size_t len);

#endif
