/* When a connection has been silent, or stuck, for too long; see liveness.h. */
#include "controller/liveness.h"

#include <flowbed/time.h>

void liveness_config_default(struct liveness_config *config)
{
	*config = (struct liveness_config){
	        .echo_idle_ns = 5 * FB_NS_PER_S,
	        .echo_timeout_ns = 5 * FB_NS_PER_S,
	        .handshake_timeout_ns = 10 * FB_NS_PER_S,
	        .stall_timeout_ns = 10 * FB_NS_PER_S,
	        .pause_bytes = 1 << 20,
	};
}

void liveness_start(struct liveness *live, uint64_t now_ns)
{
	*live = (struct liveness){
	        .connected_ns = now_ns, .handshake_ns = now_ns, .heard_ns = now_ns};
}

void liveness_up(struct liveness *live)
{
	live->up = true;
}

/* What may wait before a peer is not read any more. */
static size_t pause_bytes(const struct liveness *live, const struct liveness_config *config)
{
	if (live->up || config->pause_bytes < LIVENESS_HANDSHAKE_PAUSE_BYTES)
		return config->pause_bytes;
	return LIVENESS_HANDSHAKE_PAUSE_BYTES;
}

bool liveness_backlog(struct liveness *live, const struct liveness_config *config, size_t bytes,
                      bool taken, uint64_t now_ns)
{
	bool waited = live->backlog_bytes > 0, paused = live->paused;

	live->backlog_bytes = bytes;
	if (taken || !waited)
		live->progress_ns = now_ns;
	if (taken && waited)
		liveness_heard(live, now_ns);
	if (bytes > pause_bytes(live, config))
		live->paused = true;
	else if (bytes <= pause_bytes(live, config) / 2)
		live->paused = false;
	if (paused && !live->paused)
		liveness_heard(live, now_ns);
	return paused != live->paused || waited != (bytes > 0) || (taken && waited);
}

static uint64_t stall_deadline(const struct liveness *live, const struct liveness_config *config)
{
	if (!live->up || live->backlog_bytes == 0 || config->stall_timeout_ns == 0)
		return FB_NEVER;
	return fb_time_after(live->progress_ns, config->stall_timeout_ns);
}

/* Of the echo rule. */
static uint64_t echo_deadline(const struct liveness *live, const struct liveness_config *config)
{
	if (!live->up || live->paused || config->echo_idle_ns == 0)
		return FB_NEVER;
	if (live->echo_sent)
		return fb_time_after(live->echo_sent_ns, config->echo_timeout_ns);
	return fb_time_after(live->heard_ns, config->echo_idle_ns);
}

static uint64_t handshake_deadline(const struct liveness *live,
                                   const struct liveness_config *config)
{
	if (live->up)
		return FB_NEVER;
	return fb_time_after(live->handshake_ns, config->handshake_timeout_ns);
}

uint64_t liveness_deadline(const struct liveness *live, const struct liveness_config *config)
{
	return fb_time_min(
	        stall_deadline(live, config),
	        fb_time_min(handshake_deadline(live, config), echo_deadline(live, config)));
}

enum liveness_due liveness_run(struct liveness *live, const struct liveness_config *config,
                               uint64_t now_ns)
{
	if (fb_time_due(handshake_deadline(live, config), now_ns))
		return LIVENESS_HANDSHAKE_TIMEOUT;
	if (fb_time_due(stall_deadline(live, config), now_ns))
		return LIVENESS_STALLED;
	if (!fb_time_due(echo_deadline(live, config), now_ns))
		return LIVENESS_NOTHING;
	if (live->echo_sent)
		return LIVENESS_ECHO_TIMEOUT;
	live->echo_sent = true;
	live->echo_sent_ns = now_ns;
	return LIVENESS_ASK;
}

void liveness_spare(struct liveness *live, enum liveness_due due, uint64_t now_ns)
{
	switch (due) {
	case LIVENESS_NOTHING:
	case LIVENESS_ASK:
		break;
	case LIVENESS_HANDSHAKE_TIMEOUT:
		live->handshake_ns = now_ns;
		break;
	case LIVENESS_ECHO_TIMEOUT:
		live->echo_sent_ns = now_ns;
		break;
	case LIVENESS_STALLED:
		live->progress_ns = now_ns;
		break;
	}
}
