/* What happens to a TCP segment. */
#ifndef BALANCER_TCP_H
#define BALANCER_TCP_H

#include <flowbed/app.h>

struct balancer_address;
struct balancer_call;
struct balancer_owner;
struct balancer_rewrite;
struct balancer_session;
struct fb_place;

/* Handle the TCP segment in 'pi', which may have been held: it is released, refused, dropped or
 * held again. */
void balancer_tcp_segment(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Nobody answered for the address of 'pi', a packet of any protocol that was held. */
void balancer_tcp_not_found(const struct balancer_call *call, const struct fb_packet_in *pi);
/* A packet of no session: fill '*rewrite' when only one station can be meant. It points into tables
 * and into 'p'. */
bool balancer_tcp_one_meant(const struct balancer_call *call, const struct fb_packet *p,
                            struct balancer_rewrite *rewrite);

/* Install again the entries of sessions about which a switch could not tell, as many as are due; a
 * few at a time. */
void balancer_tcp_rearm(const struct balancer_call *call);

/* For those who handle other protocols, and sessions that are not known yet: */

/* The owner of 'address' that gets the next connection, whose first packet is 'pi': one to which
 * there is a way. NULL: none takes connections. */
const struct balancer_owner *balancer_tcp_choose(const struct balancer_call *call,
                                                 const struct fb_packet_in *pi,
                                                 struct balancer_address *address);

/* Find out where the ends of 'session' are now, and move its entries where they stand elsewhere.
 * False when that end is known to be gone: others, or nobody, own its address. */
bool balancer_tcp_backend_lives(const struct balancer_call *call, struct balancer_session *session);
bool balancer_tcp_client_lives(const struct balancer_call *call, struct balancer_session *session);
/* Release 'pi', a packet of 'session', to the other end, rewritten. Entries are installed first when
 * it is time for that and 'lives' says that its backend, or client, is there. */
void balancer_tcp_pass_to_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                                  struct balancer_session *session, bool lives);
void balancer_tcp_pass_to_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                                 struct balancer_session *session, bool lives);
/* Fill in a new 'session' whose first packet 'pi' came from its client: the ends, what was seen. The
 * backend is 'mac' at 'at'. */
void balancer_tcp_begin(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session, const uint8_t mac[FB_MAC_BYTES],
                        struct fb_place at);
/* Remember what the frames of a direction look like, and follow the end of the connection. */
void balancer_tcp_note(struct balancer_session *session, int direction, const struct fb_packet *p);

#endif
