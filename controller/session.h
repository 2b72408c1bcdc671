/* One connection of the controller with a switch: framing, HELLO and version negotiation
 * (section 5.5.1 of the specification), features, configuration, liveness, and the hand-over of
 * messages to the controller. */
#ifndef CONTROLLER_SESSION_H
#define CONTROLLER_SESSION_H

#include "controller/controller.h"

/* Bytes came in. The session may be gone afterwards (ops->close was called). */
void session_receive(struct session *session, const uint8_t *bytes, size_t len, uint64_t now_ns);
/* Bytes that waited for the peer have left (ops->backlog tells how many still wait). */
void session_drained(struct session *session, uint64_t now_ns);
/* The peer closed the connection, or it broke: frees the session, without ops->close. */
void session_closed(struct session *session, const char *reason, uint64_t now_ns);

#endif
