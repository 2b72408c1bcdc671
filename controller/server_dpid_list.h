/* Lists of the switches that may join: dpids as people write them, on the command line and in a
 * file. */
#ifndef CONTROLLER_SERVER_DPID_LIST_H
#define CONTROLLER_SERVER_DPID_LIST_H

#include "controller/server.h"

struct server_dpid_list { /* starts zeroed */
	uint64_t *dpids;
	size_t count, size;
};

/* Each returns false with what is wrong, and what would be right, in 'error' (SERVER_ERROR_BYTES). */

/* Append the dpids of "DPID[,DPID...]": 1 to 16 hexadecimal digits each, as ovs-vsctl prints them,
 * or with 0x in front, or in pairs with colons. */
bool server_dpid_list_add(struct server_dpid_list *list, const char *text, char *error);
/* Append those of the file 'path', one a line; "#" begins a comment. The error names file and line.
 * '*unreadable' says that the file cannot be read, as opposed to something wrong in it. */
bool server_dpid_list_add_file(struct server_dpid_list *list, const char *path, char *error,
                               bool *unreadable);
void server_dpid_list_destroy(struct server_dpid_list *list);

#endif
