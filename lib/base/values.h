/* Values as people write them in files and on command lines, into integers: "200ms", "100Mbit",
 * "10MB", "1.5%".
 *
 * Decimals are read digit by digit; no floating point is involved, so that each value is exact, and
 * a value that is finer than its unit of storage is refused rather than rounded. Each function
 * returns NULL and fills '*out', or returns what would be right, as constant text. */
#ifndef BASE_VALUES_H
#define BASE_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* 42 or 0x1f */
const char *values_number(const char *text, uint64_t *out);
/* 10ns, 200us, 1.5ms, 2s, 3m, 1h; a plain number is seconds */
const char *values_duration(const char *text, uint64_t *ns_out);
/* 64kbit, 100Mbit, 1.5Gbit, 800bit: a second */
const char *values_rate(const char *text, uint64_t *bps_out);
/* 1500, 1500B, 10MB (decimal), 4MiB (binary) */
const char *values_size(const char *text, uint64_t *bytes_out);
/* 1.5% or 200ppm; at most 100% */
const char *values_share(const char *text, uint64_t *ppm_out);
/* yes, no, true, false, on, off */
const char *values_bool(const char *text, bool *out);

/* True when 'text' is a size with a unit ("10MB"), as opposed to a text that is meant as such. */
bool values_is_size(const char *text);

#endif
