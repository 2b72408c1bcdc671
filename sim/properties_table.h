/* The properties and their excuses as text, for who wants to know what a run is judged by. */
#ifndef SIM_PROPERTIES_TABLE_H
#define SIM_PROPERTIES_TABLE_H

#include <stdio.h>

/* Each property with what it demands, then each excuse with what it excuses and what gives it. */
void properties_table_print(FILE *out);

#endif
