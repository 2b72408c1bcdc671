/* libxxhash, with its vector code chosen at run time where the library can: XXH3 is then two to
 * three times as fast, and has the same values. */
#ifndef BASE_XXH3_H
#define BASE_XXH3_H

#include <xxhash.h>

#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif

#endif
