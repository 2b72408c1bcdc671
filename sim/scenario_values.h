/* Values of a scenario file as people write them, into integers: "200ms", "100Mbit", "10MB",
 * "1.5%".
 *
 * Decimals are read digit by digit; no floating point is involved, so that each value is exact, and
 * a value that is finer than its unit of storage is refused rather than rounded. Each function
 * returns NULL and fills '*out', or returns what would be right, as constant text. */
#ifndef SIM_SCENARIO_VALUES_H
#define SIM_SCENARIO_VALUES_H

#include <stdbool.h>
#include <stdint.h>

const char *scenario_values_number(const char *text, uint64_t *out); /* 42 or 0x1f */
const char *scenario_values_duration(
        const char *text,
        uint64_t *ns_out); /* 10ns, 200us, 1.5ms, 2s, 3m, 1h; a plain number is seconds */
const char *
scenario_values_rate(const char *text,
                     uint64_t *bps_out); /* 64kbit, 100Mbit, 1.5Gbit, 800bit: a second */
const char *
scenario_values_size(const char *text,
                     uint64_t *bytes_out); /* 1500, 1500B, 10MB (decimal), 4MiB (binary) */
const char *scenario_values_share(const char *text,
                                  uint64_t *ppm_out);          /* 1.5% or 200ppm; at most 100% */
const char *scenario_values_bool(const char *text, bool *out); /* yes, no, true, false, on, off */

/* True when 'text' is a size with a unit ("10MB"): an unquoted 'send' of that kind is so many
 * bytes. */
bool scenario_values_is_size(const char *text);

#endif
