/* Do all hosts reach all others? Asks by ping when all else of a run is over and judged.
 *
 * Who is asked? Each host pings each other one that should be reachable: both are on, there is a way
 * between them (ways.h: so the controller is there, and the switches are connected with it), they have
 * different addresses, and either one subnet, or each has a gateway that has answered it during the
 * run and is no host (hosts forward nothing; a controller may). Of hosts that share an address one
 * must answer. All pings begin at once. One without an answer is sent again a second later, REACH_TRIES
 * times in all; where links lose frames by their settings, up to REACH_TRIES_LOSSY times.
 *
 * More than REACH_ALL_HOSTS hosts are asked in pairs, each with the next in the order of the file that
 * it should reach: so each is asked, or asks, once. Where the address is not yet known a ping costs a
 * broadcast to all; as many pairs are asked as REACH_FRAMES_MAX frames allow, spread over all hosts.
 *
 * What the scenario says. A row of a host in the scenario's 'reachability' takes the place of what was
 * said above: these hosts it must reach, and no others.
 *
 * The outcome is a matrix: of hosts that ping by hosts that are pinged. */
#ifndef SIM_REACH_H
#define SIM_REACH_H

#include "sim/network.h"

enum {
	REACH_ALL_HOSTS = 12,
	REACH_TRIES = 3,
	REACH_TRIES_LOSSY = 100,
	REACH_FRAMES_MAX = 50000,
	REACH_SHOWN_MAX = 16, /* hosts in the matrix that is shown */
	REACH_EVENTS_MAX = 20000000,
};

struct reach;

/* 'scenario' and 'network' must outlive it. */
struct reach *reach_new(const struct scenario *scenario, struct network *network);
void reach_free(struct reach *reach); /* takes NULL */

/* Ping, and let time pass until all is known. 'goes_on' says whether the run may go on. */
void reach_ask(struct reach *reach, bool (*goes_on)(void *ctx), void *ctx);

/* Pings asked (none without a controller that is up), and those whose outcome is not as it must be. */
uint64_t reach_asked(const struct reach *reach);
uint64_t reach_wrong(const struct reach *reach);
/* The first that is wrong: who asked whom. False: there is none. */
bool reach_first_wrong(const struct reach *reach, uint32_t *from, uint32_t *to);
/* "2 of 6 pings are wrong", and the matrix, lines of which begin with 'indent'. */
void reach_text(const struct reach *reach, const char *indent, struct fb_text *text);

#endif
