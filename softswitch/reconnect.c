/* When a switch tries to connect to its controller: see reconnect.h.
 *
 * Three states and two events. 'backoff_ns' is the next wait: each wait doubles it, a ready
 * connection sets it back. Sums saturate, so that a time that cannot be counted never comes. */
#include "softswitch/reconnect.h"

#include <assert.h>

void reconnect_config_default(struct reconnect_config *config)
{
	*config = (struct reconnect_config){
	        .backoff_min_ns = FB_NS_PER_S,
	        .backoff_max_ns = 8 * FB_NS_PER_S,
	        .attempt_timeout_ns = 10 * FB_NS_PER_S,
	        .attempts_max = RECONNECT_UNLIMITED,
	};
}

void reconnect_init(struct reconnect *r, const struct reconnect_config *config, uint64_t now_ns)
{
	assert(config->backoff_min_ns <= config->backoff_max_ns);
	*r = (struct reconnect){
	        .config = *config,
	        .state = RECONNECT_WAITING,
	        .until_ns = now_ns,
	        .backoff_ns = config->backoff_min_ns,
	};
}

uint64_t reconnect_deadline(const struct reconnect *r)
{
	return r->state == RECONNECT_READY ? FB_NEVER : r->until_ns;
}

bool reconnect_begin(struct reconnect *r, uint64_t now_ns)
{
	if (r->state != RECONNECT_WAITING || now_ns < r->until_ns)
		return false;
	r->state = RECONNECT_CONNECTING;
	r->until_ns = fb_time_after(now_ns, r->config.attempt_timeout_ns);
	r->attempts++;
	return true;
}

bool reconnect_overdue(const struct reconnect *r, uint64_t now_ns)
{
	return r->state == RECONNECT_CONNECTING && now_ns >= r->until_ns;
}

void reconnect_ready(struct reconnect *r)
{
	assert(r->state == RECONNECT_CONNECTING);
	r->state = RECONNECT_READY;
	r->backoff_ns = r->config.backoff_min_ns;
	r->failures = 0;
	r->connects++;
}

void reconnect_ended(struct reconnect *r, uint64_t now_ns)
{
	assert(r->state != RECONNECT_WAITING);
	if (r->state == RECONNECT_CONNECTING && r->failures < UINT32_MAX)
		r->failures++;
	r->state = RECONNECT_WAITING;
	r->ended = true;
	r->until_ns = fb_time_after(now_ns, r->backoff_ns);
	r->backoff_ns = r->backoff_ns < r->config.backoff_max_ns / 2 ? 2 * r->backoff_ns
	                                                             : r->config.backoff_max_ns;
}

bool reconnect_exhausted(const struct reconnect *r)
{
	return r->ended && r->state != RECONNECT_READY &&
	       r->config.attempts_max != RECONNECT_UNLIMITED &&
	       r->failures >= r->config.attempts_max;
}
