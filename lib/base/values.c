/* Decimal numbers with units. See values.h. */
#include "lib/base/values.h"

#include <stddef.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

struct unit {
	const char *name;
	uint64_t scale; /* how many of what is stored one unit is */
};

enum { DECIMALS_MAX = 18 };

enum scaled { SCALED_OK, SCALED_SYNTAX, SCALED_TOO_FINE, SCALED_TOO_LARGE };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits, a point and digits: the value is '*mantissa' / 10^'*decimals'. Returns what follows,
 * or NULL. */
static const char *read_decimal(const char *text, uint64_t *mantissa, unsigned *decimals)
{
	bool fraction = false;

	*mantissa = 0;
	*decimals = 0;
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text) || (*text == '.' && !fraction && is_digit(text[1])); text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		if (__builtin_mul_overflow(*mantissa, 10, mantissa) ||
		    __builtin_add_overflow(*mantissa, (uint64_t)(*text - '0'), mantissa))
			return NULL;
		*decimals += fraction;
		if (*decimals > DECIMALS_MAX)
			return NULL;
	}
	return text;
}

/* Read a decimal and one of 'units' (ended by a NULL name; blanks may stand between) into '*out'.
 */
static enum scaled read_scaled(const char *text, const struct unit *units, uint64_t *out)
{
	uint64_t mantissa, divisor = 1;
	unsigned decimals;
	wide product;

	text = read_decimal(text, &mantissa, &decimals);
	if (!text)
		return SCALED_SYNTAX;
	while (*text == ' ')
		text++;
	while (units->name && strcmp(text, units->name))
		units++;
	if (!units->name)
		return SCALED_SYNTAX;
	for (; decimals; decimals--)
		divisor *= 10;
	product = (wide)mantissa * units->scale;
	if (product % divisor)
		return SCALED_TOO_FINE;
	product /= divisor;
	if (product >= UINT64_MAX)
		return SCALED_TOO_LARGE;
	*out = (uint64_t)product;
	return SCALED_OK;
}

/* Choose the text for 'result'. */
static const char *scaled_text(enum scaled result, const char *syntax, const char *too_fine,
                               const char *too_large)
{
	switch (result) {
	case SCALED_OK:
		return NULL;
	case SCALED_SYNTAX:
		return syntax;
	case SCALED_TOO_FINE:
		return too_fine;
	case SCALED_TOO_LARGE:
		return too_large;
	}
	return syntax;
}

const char *values_number(const char *text, uint64_t *out)
{
	static const char right[] = "write a whole number, as 42";
	uint64_t value = 0;
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digit = hex ? text + 2 : text;

	if (!*digit)
		return right;
	for (; *digit; digit++) {
		uint64_t digit_value;

		if (is_digit(*digit))
			digit_value = (uint64_t)(*digit - '0');
		else if (hex && *digit >= 'a' && *digit <= 'f')
			digit_value = (uint64_t)(*digit - 'a') + 10;
		else if (hex && *digit >= 'A' && *digit <= 'F')
			digit_value = (uint64_t)(*digit - 'A') + 10;
		else
			return right;
		if (__builtin_mul_overflow(value, hex ? 16 : 10, &value) ||
		    __builtin_add_overflow(value, digit_value, &value))
			return "write a number of at most 64 bits";
	}
	*out = value;
	return NULL;
}

const char *values_duration(const char *text, uint64_t *ns_out)
{
	static const struct unit units[] = {
	        {"", 1000000000},  {"ns", 1},          {"us", 1000},         {"ms", 1000000},
	        {"s", 1000000000}, {"m", 60000000000}, {"min", 60000000000}, {"h", 3600000000000},
	        {NULL, 0}};

	return scaled_text(read_scaled(text, units, ns_out),
	                   "a duration is a number and a unit, as 200us, 5ms, 1.5s, 2m or 1h",
	                   "a duration is a whole number of nanoseconds",
	                   "a duration is at most 500 years");
}

const char *values_rate(const char *text, uint64_t *bps_out)
{
	static const struct unit units[] = {
	        {"bit", 1},           {"kbit", 1000},          {"Mbit", 1000000},
	        {"Gbit", 1000000000}, {"Tbit", 1000000000000}, {NULL, 0}};

	return scaled_text(read_scaled(text, units, bps_out),
	                   "a rate is a number and a unit, as 64kbit, 100Mbit or 1Gbit (a second)",
	                   "a rate is a whole number of bits a second",
	                   "a rate is at most 10,000,000Tbit");
}

static const struct unit size_units[] = {
        {"B", 1},           {"kB", 1000},          {"MB", 1000000},
        {"GB", 1000000000}, {"TB", 1000000000000}, {"KiB", 1 << 10},
        {"MiB", 1 << 20},   {"GiB", 1 << 30},      {NULL, 0}};

const char *values_size(const char *text, uint64_t *bytes_out)
{
	static const struct unit no_unit[] = {{"", 1}, {NULL, 0}};
	enum scaled result = read_scaled(text, size_units, bytes_out);

	if (result == SCALED_SYNTAX)
		result = read_scaled(text, no_unit, bytes_out);
	return scaled_text(result, "a size is a number and a unit, as 1500B, 64kB, 10MB or 4MiB",
	                   "a size is a whole number of bytes", "a size is at most 10,000,000TB");
}

bool values_is_size(const char *text)
{
	uint64_t bytes;

	return read_scaled(text, size_units, &bytes) != SCALED_SYNTAX;
}

const char *values_share(const char *text, uint64_t *ppm_out)
{
	static const struct unit units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
	enum scaled result = read_scaled(text, units, ppm_out);

	if (result == SCALED_OK && *ppm_out > 1000000)
		result = SCALED_TOO_LARGE;
	return scaled_text(
	        result,
	        "a share is a percentage, as 1.5% or 0.02%, or parts per million, as 200ppm",
	        "a share is a whole number of parts per million, at least 0.0001%",
	        "a share is at most 100%");
}

const char *values_bool(const char *text, bool *out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!strcmp(text, words[i])) {
			*out = i % 2;
			return NULL;
		}
	}
	return "write yes or no";
}
