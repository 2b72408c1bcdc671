/* What was wrong, and how long answers took; see controller_load.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/bench/controller_load.h"

void tally_wrong(const struct fake *fake, enum wrong wrong, uint64_t count, const char *format, ...)
{
	struct tally *tally = &fake->load->tally;
	va_list args;
	int len;

	if (!tally->is_wrong) {
		len = snprintf(tally->first, sizeof tally->first, "switch %" PRIu32 ": ",
		               fake->index);
		va_start(args, format);
		vsnprintf(tally->first + len, sizeof tally->first - (size_t)len, format, args);
		va_end(args);
	}
	tally->is_wrong = true;
	tally->wrong[wrong] += count;
}

void tally_tell_wrong(const struct tally *tally)
{
	static const char *const texts[WRONG_KINDS] = {
	        [WRONG_BUFFER] = "answers with a wrong buffer id",
	        [WRONG_TWICE] = "second answers to one packet-in",
	        [WRONG_MATCH] = "answers with a match that does not fit",
	        [WRONG_PORT] = "answers to a wrong port",
	        [WRONG_KIND] = "answers of a wrong kind",
	        [WRONG_MISSING] = "packet-ins without an answer",
	        [WRONG_MALFORMED] = "wrong messages",
	        [WRONG_CLOSED] = "connections that ended",
	};

	if (!tally->is_wrong)
		return;
	fprintf(stderr, "controller_load: WRONG, after %" PRIu64 " right answers: %s\n",
	        tally->answers, tally->first);
	for (int i = 0; i < WRONG_KINDS; i++)
		if (tally->wrong[i])
			fprintf(stderr, "controller_load: %" PRIu64 " %s\n", tally->wrong[i],
			        texts[i]);
}

/* Buckets: 64 to each power of two, so that each is known to 1.6 percent. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned exponent;

	if (ns < 1 << LATENCY_SUB_BITS)
		return (unsigned)ns;
	exponent = 63 - LATENCY_SUB_BITS - (unsigned)__builtin_clzll(ns);
	return (exponent << LATENCY_SUB_BITS) + (unsigned)(ns >> exponent);
}

/* The middle of a bucket. */
static uint64_t bucket_ns(unsigned bucket)
{
	unsigned exponent = bucket >> LATENCY_SUB_BITS;
	uint64_t ns = bucket & ((1 << LATENCY_SUB_BITS) - 1);

	if (!exponent)
		return ns;
	exponent--;
	return ((ns | 1 << LATENCY_SUB_BITS) << exponent) + ((UINT64_C(1) << exponent) >> 1);
}

void tally_latency(struct tally *tally, uint64_t ns)
{
	tally->latencies[bucket_of(ns)]++;
	tally->latencies_count++;
	if (ns > tally->latency_max_ns)
		tally->latency_max_ns = ns;
}

uint64_t tally_percentile(const struct tally *tally, uint64_t per_100000)
{
	uint64_t wanted = (tally->latencies_count * per_100000 + 99999) / 100000, count = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		count += tally->latencies[i];
		if (count >= wanted && count)
			return fb_time_min(bucket_ns(i), tally->latency_max_ns);
	}
	return tally->latency_max_ns;
}
