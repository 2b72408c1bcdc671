/* How fast counters rise; see rates.h. */
#include "controller/rates.h"

#include <string.h>

#include <flowbed/time.h>

__extension__ typedef unsigned __int128 wide;

void rates_sample(struct rates *rates, uint64_t now_ns, const uint64_t counts[RATES_COUNT])
{
	rates->at_ns[rates->next] = now_ns;
	memcpy(rates->samples[rates->next], counts, sizeof rates->samples[0]);
	rates->next = (rates->next + 1) % RATES_SAMPLES;
	if (rates->count < RATES_SAMPLES)
		rates->count++;
}

void rates_per_s(const struct rates *rates, uint64_t start_ns, uint64_t now_ns,
                 const uint64_t counts[RATES_COUNT], uint64_t per_s[RATES_COUNT])
{
	static const uint64_t none[RATES_COUNT];
	const uint64_t *before = none;
	uint64_t from_ns = start_ns, time_ns;

	if (rates && rates->count > 0) {
		uint32_t oldest = rates->count < RATES_SAMPLES ? 0 : rates->next;

		before = rates->samples[oldest];
		from_ns = rates->at_ns[oldest];
	}
	time_ns = now_ns > from_ns + FB_NS_PER_S ? now_ns - from_ns : FB_NS_PER_S;
	for (int i = 0; i < RATES_COUNT; i++)
		per_s[i] = (uint64_t)((wide)(counts[i] - before[i]) * FB_NS_PER_S / time_ns);
}
