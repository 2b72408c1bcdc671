/* An answer to "status" for people. */
#ifndef CONTROLLER_SERVER_ASK_TEXT_H
#define CONTROLLER_SERVER_ASK_TEXT_H

#include <stddef.h>

enum server_ask_text_result {
	SERVER_ASK_TEXT_SHOWN,
	/* With a text why: */
	SERVER_ASK_TEXT_NO_SWITCH, /* the one that was asked for is not there */
	SERVER_ASK_TEXT_WRONG,     /* it is no answer, or tells of an error */
};

/* Print the document of 'len' bytes at 'json'. 'dpid' is the switch that was asked for, or NULL.
 * What went wrong is put into 'error' of 'error_size' bytes; nothing is printed then. */
enum server_ask_text_result server_ask_text_print(const char *json, size_t len, const char *dpid,
                                                  char *error, size_t error_size);
#endif
