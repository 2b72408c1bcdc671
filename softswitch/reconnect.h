/* When a switch tries to connect to its controller, and when it gives up hope (specification 1.0.0,
 * section 4.3: "some number of attempts").
 *
 * Pure: the driver says what happened and when, and asks what is to be done. The first attempt is
 * due at once. After an attempt that failed, or a connection that ended, the next is due after the
 * back-off, which begins at 'backoff_min_ns', doubles with each wait, up to 'backoff_max_ns', and
 * begins anew once a connection was ready (the HELLOs were exchanged). An attempt that has not
 * become ready after 'attempt_timeout_ns' is to be abandoned. Attempts never end: being exhausted is
 * a state that the next ready connection leaves. */
#ifndef SOFTSWITCH_RECONNECT_H
#define SOFTSWITCH_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <flowbed/time.h>

#define RECONNECT_UNLIMITED UINT32_MAX

struct reconnect_config {            /* reconnect_config_default() fills it */
	uint64_t backoff_min_ns;     /* 1 s; at most backoff_max_ns */
	uint64_t backoff_max_ns;     /* 8 s */
	uint64_t attempt_timeout_ns; /* from the beginning of an attempt to readiness: 10 s */
	/* Failures in a row that exhaust: RECONNECT_UNLIMITED. 0: the end of a connection does; at
	 * the start, when nothing is lost yet, the first failure. */
	uint32_t attempts_max;
};

enum reconnect_state { RECONNECT_WAITING, RECONNECT_CONNECTING, RECONNECT_READY };

struct reconnect {
	struct reconnect_config config;
	enum reconnect_state state;
	uint64_t until_ns;   /* WAITING: the next attempt; CONNECTING: the end of patience */
	uint64_t backoff_ns; /* the next wait */
	uint32_t failures;   /* attempts that failed since the start or the last ready connection */
	bool ended;          /* an attempt or a connection has, since the start */
	uint64_t attempts, connects; /* for counters */
};

void reconnect_config_default(struct reconnect_config *config);
void reconnect_init(struct reconnect *r, const struct reconnect_config *config, uint64_t now_ns);

/* When the driver is to ask again; FB_NEVER while a connection is ready. */
uint64_t reconnect_deadline(const struct reconnect *r);
/* True when an attempt is due: it counts as begun. */
bool reconnect_begin(struct reconnect *r, uint64_t now_ns);
/* True when the attempt under way has taken too long: the driver ends it and calls
 * reconnect_ended(). */
bool reconnect_overdue(const struct reconnect *r, uint64_t now_ns);
/* The connection that an attempt brought is ready. */
void reconnect_ready(struct reconnect *r);
/* The attempt under way failed, or the connection that was ready ended. */
void reconnect_ended(struct reconnect *r, uint64_t now_ns);
/* 'attempts_max' attempts in a row have failed, and something was tried at all. */
bool reconnect_exhausted(const struct reconnect *r);

#endif
