/* How the checks of lib/wire/ report an error. */
#ifndef WIRE_OF_ERROR_H
#define WIRE_OF_ERROR_H

#include <flowbed/message.h>

/* Fill '*error'; returns -1, so that a check can end with it. 'why' is constant text. */
static inline int of_error_set(struct fb_of_error *error, uint16_t type, uint16_t code,
                               const char *why)
{
	*error = (struct fb_of_error){.type = type, .code = code, .why = why};
	return -1;
}

/* The commonest: a length that cannot be. */
static inline int of_error_bad_len(struct fb_of_error *error, const char *why)
{
	return of_error_set(error, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, why);
}

#endif
