/* An answer to "status" for people. */
#ifndef CONTROLLER_SERVER_ASK_TEXT_H
#define CONTROLLER_SERVER_ASK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Print the document of 'len' bytes at 'json', which belongs to 'socket'. 'dpid' is the switch that
 * was asked for, or NULL. False, with a text in 'error' of 'error_size' bytes, when it is no answer
 * or tells of an error. */
bool server_ask_text_print(const char *json, size_t len, const char *dpid, char *error,
                           size_t error_size);
#endif
