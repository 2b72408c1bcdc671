/* Printing what a run is judged by. See properties_table.h. */
#include "sim/properties_table.h"

#include <string.h>

#include "sim/properties.h"
#include "sim/scenario_keys.h"

enum { NAME_COLUMNS = 18, LINE_COLUMNS = 100 };

/* The words of 'text' in lines that begin 'indent' columns in; the first does so already. */
static void print_words(const char *text, int indent, FILE *out)
{
	int column = indent;

	while (*text) {
		const int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > LINE_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, (size_t)len, out);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static void print_never(FILE *out)
{
	const char *before = "Nothing ever excuses ";

	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		if (!excuses_are_never(i))
			continue;
		fprintf(out, "%s%s", before, scenario_keys_properties[i]);
		before = ", ";
	}
	fputs(".\nThose that the table does not name are judged when the network has converged, so "
	      "that nothing need be excused.\n",
	      out);
}

static void print_excuses(enum scenario_property property, FILE *out)
{
	for (unsigned i = 0; i < EXCUSE_ROWS; i++) {
		const struct excuse *excuse = excuses_at(i);

		if (excuse->property != property)
			continue;
		fprintf(out, "  %-*s", NAME_COLUMNS, scenario_keys_properties[property]);
		print_words(excuse->sentence, NAME_COLUMNS + 2, out);
		fprintf(out, "  %-*sby ", NAME_COLUMNS, "");
		print_words(excuse->faults, NAME_COLUMNS + 5, out);
	}
}

void properties_table_print(FILE *out)
{
	fputs("Every run must have these properties, unless the scenario switches one off, as in "
	      "'properties: {no_loops: no}':\n\n",
	      out);
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		fprintf(out, "  %-*s", NAME_COLUMNS, scenario_keys_properties[i]);
		print_words(properties_text(i), NAME_COLUMNS + 2, out);
	}
	fputs("\nExcuses: a violation that has one is counted, and no failure. Each excuses a single "
	      "violation, and none comes of\nwhat happens after the network must have converged. ",
	      out);
	print_never(out);
	fputc('\n', out);
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++)
		print_excuses(i, out);
}
