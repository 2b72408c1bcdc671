/* The codec's side of codec_crosscheck.py.
 *
 *     codec_samples          prints every sample: "sample NAME", "hex BYTES", and its fields
 *     codec_samples decode   reads messages in hex, one a line, from standard input and prints
 *                            the fields of each, or "error TYPE CODE WHY"
 *
 * Either way each message ends with an empty line. The fields that the first form prints are those
 * of the sample itself, not of its decoded bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire/codec_fields.h"
#include "tests/unit/wire/codec_samples.h"

enum { MESSAGE_BYTES_MAX = 65535 };

static uint8_t message[MESSAGE_BYTES_MAX];

static int print_samples(void)
{
	static struct codec_samples samples;

	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		struct fb_buf out = fb_buf_make(message, sizeof message);

		if (!fb_msg_encode(&out, &samples.sample[i].msg)) {
			fprintf(stderr, "%s: does not encode\n", samples.sample[i].name);
			return 1;
		}
		printf("sample %s\n", samples.sample[i].name);
		field_bytes(stdout, "", "hex", out.data, out.len);
		codec_fields(stdout, &samples.sample[i].msg);
		putchar('\n');
	}
	return 0;
}

/* Turn the hexadecimal 'line' into bytes at 'message'; returns how many, or -1. */
static long parse_hex(const char *line)
{
	size_t digits = strspn(line, "0123456789abcdef");
	unsigned int byte;

	if (digits % 2 || digits / 2 > sizeof message || strcmp(line + digits, "\n"))
		return -1;
	for (size_t i = 0; i < digits / 2; i++) {
		if (sscanf(line + 2 * i, "%2x", &byte) != 1)
			return -1;
		message[i] = (uint8_t)byte;
	}
	return (long)(digits / 2);
}

static int print_decoded(void)
{
	struct fb_of_error error;
	struct fb_msg msg;
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	while (!result && getline(&line, &size, stdin) > 0) {
		long len = parse_hex(line);

		if (len < 0) {
			fprintf(stderr, "not a message in hex: %s", line);
			result = 1;
		} else if (fb_msg_decode(message, (size_t)len, &msg, &error) < 0) {
			printf("error %u %u %s\n\n", error.type, error.code, error.why);
		} else {
			codec_fields(stdout, &msg);
			putchar('\n');
		}
	}
	free(line);
	return result;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return print_samples();
	if (argc == 2 && !strcmp(argv[1], "decode"))
		return print_decoded();
	fprintf(stderr, "usage: codec_samples [decode]\n");
	return 2;
}
