/* When a connection has been silent, or stuck, for too long.
 *
 * Pure rules on time, for one connection each:
 *
 *     handshake  it must be up 'handshake_timeout_ns' after it was made
 *     echo       when nothing was heard for 'echo_idle_ns' it is asked (ECHO_REQUEST), and when
 *                nothing is heard for 'echo_timeout_ns' after that, it is dead. A peer that takes
 *                bytes that waited for it lives, too
 *     stall      it is up, bytes wait for it, and for 'stall_timeout_ns' it took none of them
 *     pause      more than 'pause_bytes' wait for it: nothing more is read from it until they are
 *                less than half of that, so that a peer that asks faster than it takes answers
 *                waits itself. What is not read cannot be heard: only the stall rule counts then.
 *                Before the handshake is done LIVENESS_HANDSHAKE_PAUSE_BYTES are enough: nobody
 *                knows yet who that is
 *
 * The owner says what happened and asks for the deadline and for what is due. What is due may prove
 * to be no fault of the peer's, because the owner has not read yet what came, or because the peer
 * takes bytes more slowly than the owner can see: then its time begins anew (liveness_spare()). */
#ifndef CONTROLLER_LIVENESS_H
#define CONTROLLER_LIVENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIVENESS_HANDSHAKE_PAUSE_BYTES = 64 * 1024 };

struct liveness_config {               /* liveness_config_default() fills it */
	uint64_t echo_idle_ns;         /* 5 s; 0: never ask */
	uint64_t echo_timeout_ns;      /* 5 s */
	uint64_t handshake_timeout_ns; /* 10 s */
	uint64_t stall_timeout_ns;     /* 10 s; 0: never */
	size_t pause_bytes;            /* 1 MiB */
};

enum liveness_due {
	LIVENESS_NOTHING,
	LIVENESS_ASK, /* send an ECHO_REQUEST */
	/* End the connection: */
	LIVENESS_HANDSHAKE_TIMEOUT,
	LIVENESS_ECHO_TIMEOUT,
	LIVENESS_STALLED,
};

struct liveness {
	uint64_t connected_ns;
	uint64_t handshake_ns; /* since then the handshake takes its time */
	uint64_t heard_ns;     /* the last whole message, or bytes taken */
	uint64_t echo_sent_ns; /* when 'echo_sent' */
	uint64_t progress_ns;  /* of 'backlog_bytes': when they began to wait, or fewer became */
	size_t backlog_bytes;  /* that wait for the peer */
	bool up;               /* the handshake is done */
	bool echo_sent;        /* and nothing heard since */
	bool paused;
};

void liveness_config_default(struct liveness_config *config);
/* The connection was made. */
void liveness_start(struct liveness *live, uint64_t now_ns);
/* The handshake is done. */
void liveness_up(struct liveness *live);
/* A whole message came. True when the deadline may be earlier than it was. */
static inline bool liveness_heard(struct liveness *live, uint64_t now_ns)
{
	bool asked = live->echo_sent;

	live->heard_ns = now_ns;
	live->echo_sent = false;
	return asked;
}
/* 'bytes' wait for the peer now; 'taken' says that it took some since the last call. True when the
 * deadline or 'paused' may have changed. */
bool liveness_backlog(struct liveness *live, const struct liveness_config *config, size_t bytes,
                      bool taken, uint64_t now_ns);

uint64_t liveness_deadline(const struct liveness *live, const struct liveness_config *config);
/* What is due at 'now_ns'. After LIVENESS_ASK the request counts as sent. */
enum liveness_due liveness_run(struct liveness *live, const struct liveness_config *config,
                               uint64_t now_ns);
/* The connection is not to be ended for 'due', which liveness_run() has just returned: the time of
 * that rule begins again. */
void liveness_spare(struct liveness *live, enum liveness_due due, uint64_t now_ns);

#endif
