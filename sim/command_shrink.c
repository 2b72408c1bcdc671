/* flowbed shrink: makes a scenario that fails small. See command.h.
 *
 * First what the seed decided is written down: the faults that it drew in place of their rates.
 * Then the links' own chance, and the cuts of the control channel, are taken away, where the
 * failure does without them, or else become faults too. What remains is made small by shrink.h,
 * and asked for by command_shrink_judge.h with several seeds at once: what fails with all of
 * them needs no seed. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/command_output.h"
#include "sim/command_shrink_files.h"
#include "sim/command_shrink_judge.h"
#include "sim/printable.h"
#include "sim/shrink.h"
#include "sim/yaml_edit.h"
#include "sim/yaml_write.h"

enum { RUNS_MAX = 20000, TEXT_COLUMNS = 100, WHY_BYTES = 5000 };

struct arguments {
	bool has_seed;
	uint64_t seed, runs_max;
	struct command_settings settings;
	const struct mutant *mutant; /* NULL: none */
	const char *key;             /* NULL: of the first failure */
	const char *out;             /* NULL: standard output */
	const char *file;
};

struct shrinking {
	const struct arguments *arguments;
	struct judge judge;
	struct yaml_tree tree;
	struct judge_sight seen; /* of the whole */
	bool terminal;           /* standard error is one: progress is told */
	unsigned told;
};

/* Which seeds what is written fails with. */
enum seeds_tried { SEEDS_ALL, SEEDS_SOME, SEEDS_UNKNOWN };

static void help(FILE *out)
{
	fprintf(out,
	        "usage: flowbed shrink [OPTION...] FILE\n"
	        "\n"
	        "Makes the scenario FILE, which fails with a seed, small: writes a scenario that "
	        "fails in "
	        "the same way, with few\n"
	        "steps, hosts, switches and faults, and with what chance decided written down in "
	        "place of "
	        "the seed. It begins\n"
	        "with a comment that tells what fails, ready to be kept as a test.\n"
	        "\n"
	        "  -s, --seed N            the seed (the file's)\n"
	        "  -o, --output FILE       write to FILE, another than the scenario's, not to "
	        "standard "
	        "output\n"
	        "      --key KEY           the failure to look for, as flowbed sweep names it (the "
	        "first of "
	        "the run)\n"
	        "      --budget RUNS       end after so many runs with what is small by then (%d)\n"
	        "      --set APP.OPT=VAL   as for flowbed run; becomes part of what is written\n"
	        "      --mutant NAME       as for flowbed run; without it the scenario must hold\n"
	        "  -h, --help              this text\n"
	        "\n"
	        "Exit code: 0 it was written, 2 a file or the command line is wrong, or nothing "
	        "fails, 3 it was\n"
	        "interrupted (Ctrl-C), with what is small by then if it is known what fails, or "
	        "another error.\n",
	        RUNS_MAX);
}

/* --- Signals --- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* SIGINT and SIGTERM come to jobs_run() while it runs, and here between two of its runs. */
static void take_signals(void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Why it ended early, and what of it there is. */
static void tell_stop(const struct judge *judge, const char *result)
{
	if (judge->error)
		fprintf(stderr, "flowbed: a process for a job cannot be had: %s: %s\n",
		        strerror(judge->error), result);
	else
		fprintf(stderr, "flowbed: interrupted: %s\n", result);
}

/* --- Questions --- */

static void clear_progress(const struct shrinking *shrinking)
{
	if (shrinking->terminal)
		fputs("\r\033[K", stderr);
}

static bool fails(void *ctx, const char *text, size_t len)
{
	struct shrinking *shrinking = ctx;
	bool yes;

	shrinking->judge.stopped |= interrupted;
	yes = command_shrink_judge_fails(&shrinking->judge, text, len);
	if (shrinking->terminal && (yes || shrinking->judge.runs - shrinking->told >= 20)) {
		shrinking->told = (unsigned)shrinking->judge.runs;
		clear_progress(shrinking);
		fprintf(stderr, "%llu runs of at most %llu",
		        (unsigned long long)shrinking->judge.runs,
		        (unsigned long long)shrinking->judge.runs_max);
	}
	return yes;
}

static bool over(void *ctx)
{
	struct shrinking *shrinking = ctx;

	shrinking->judge.stopped |= interrupted;
	return command_shrink_judge_over(&shrinking->judge);
}

static bool tree_fails(struct shrinking *shrinking, const struct yaml_tree *tree, bool any_seed)
{
	size_t len;
	char *text = yaml_write_text(tree->root, &len);
	bool yes;

	shrinking->judge.seeds_count = any_seed ? JUDGE_SEEDS : 1;
	yes = fails(shrinking, text, len);
	free(text);
	return yes;
}

static bool look_at(struct shrinking *shrinking, bool mutated, struct judge_sight *sight)
{
	size_t len;
	char *text = yaml_write_text(shrinking->tree.root, &len);
	const bool seen = command_shrink_judge_look(&shrinking->judge, text, len, mutated, sight);

	free(text);
	shrinking->judge.stopped |= interrupted;
	return seen;
}

static void adopt(struct shrinking *shrinking, struct yaml_tree *tree)
{
	yaml_tree_destroy(&shrinking->tree);
	shrinking->tree = *tree;
}

/* --- Chance becomes decisions --- */

/* The ways in which chance can be taken away, the best first. */
static const struct {
	struct shrink_chance without;
	bool recorded; /* what it did are faults */
} ways[] = {
        {{.links = true, .splits = true}, false},
        {{.splits = true}, false},
        {{.links = true}, false},
        {{.links = false}, false},
        {{.links = true, .splits = true}, true},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

/* The faults that the seed draws from rates, with those that have times, as a list of YAML, which the
 * caller frees. NULL: there are no rates. */
static char *drawn_faults(const struct shrinking *shrinking)
{
	const struct yaml_node *faults = yaml_get(shrinking->tree.root, "faults");
	size_t len;
	char *text, *items;

	if (!faults || !yaml_get(faults, "rates"))
		return NULL;
	text = yaml_write_text(shrinking->tree.root, &len);
	items = command_shrink_judge_faults(&shrinking->judge, text, len);
	free(text);
	return items;
}

/* The faults that the seed drew, in place of their rates. */
static void write_faults_down(struct shrinking *shrinking)
{
	const struct shrink_chance rates = {.rates = true};
	char *items = drawn_faults(shrinking);
	struct yaml_tree tree;

	if (!items)
		return;
	yaml_edit_copy(&tree, shrinking->tree.root);
	shrink_without_chance(&tree, rates);
	if (shrink_set_faults(&tree, items, strlen(items)) && tree_fails(shrinking, &tree, false))
		adopt(shrinking, &tree);
	else
		yaml_tree_destroy(&tree);
	free(items);
}

static bool try_way(struct shrinking *shrinking, size_t way, const struct judge_sight *sight,
                    bool any_seed)
{
	struct yaml_tree tree;

	if (ways[way].recorded && (!sight->chance || !sight->chance[0]))
		return false;
	yaml_edit_copy(&tree, shrinking->tree.root);
	shrink_without_chance(&tree, ways[way].without);
	if ((!ways[way].recorded ||
	     shrink_set_faults(&tree, sight->chance, strlen(sight->chance))) &&
	    tree_fails(shrinking, &tree, any_seed)) {
		adopt(shrinking, &tree);
		return true;
	}
	yaml_tree_destroy(&tree);
	return false;
}

/* True when it fails with all of the seeds now. */
static bool take_chance_away(struct shrinking *shrinking)
{
	static const size_t order[WAYS] = {0, 4, 1, 2, 3}; /* with the one seed */
	struct judge_sight sight;
	bool any_seed = false;

	if (!look_at(shrinking, true, &sight))
		return false;
	for (size_t way = 0; way < WAYS && !any_seed; way++)
		any_seed = try_way(shrinking, way, &sight, true);
	for (size_t i = 0; i < WAYS && !any_seed; i++)
		if (try_way(shrinking, order[i], &sight, false))
			break;
	command_shrink_judge_forget(&sight);
	return any_seed;
}

/* --- What is written --- */

/* A paragraph of the comment, in which no line ends but where we end it. */
static void write_comment(const char *paragraph, FILE *out)
{
	char *printable = printable_copy(paragraph, false);
	const char *text = printable;
	size_t column = 0;

	while (*text) {
		const size_t len = strcspn(text, " ");

		if (column && column + 1 + len > TEXT_COLUMNS) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column ? " " : "# ", (int)len, text);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
	free(printable);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The command that shows the failure, as a line of the comment. */
static void write_command(const struct arguments *arguments, FILE *out)
{
	char *text = NULL, *printable;
	size_t len;
	FILE *command = open_memstream(&text, &len);

	if (!command)
		xalloc_failed("a comment");
	fputs("flowbed run ", command);
	if (arguments->mutant)
		fprintf(command, "--mutant %s ", arguments->mutant->name);
	if (arguments->out)
		command_put_file(command, base_of(arguments->out));
	else
		fputs("FILE", command);
	fclose(command);
	printable = printable_copy(text, false);
	fprintf(out, "#\n#     %s\n#\n", printable);
	free(printable);
	free(text);
}

static void write_seeds_tried(enum seeds_tried tried, FILE *out)
{
	if (tried == SEEDS_ALL)
		fprintf(out, "It fails with all %d seeds that were tried.", JUDGE_SEEDS);
	else if (tried == SEEDS_SOME)
		fputs("It fails with this seed, but not with every one.", out);
	else
		fputs("It fails with this seed; whether it does with others was not seen.", out);
}

/* What fails, how to see it, and where it came from. */
static void write_head(const struct shrinking *shrinking, const struct judge_sight *sight,
                       enum seeds_tried tried, FILE *out)
{
	const struct arguments *arguments = shrinking->arguments;
	char *text = NULL;
	size_t len;
	FILE *paragraph = open_memstream(&text, &len);

	if (!paragraph)
		xalloc_failed("a comment");
	fprintf(paragraph, "Fails: %s%s%s.", shrinking->judge.key, sight->line ? ": " : "",
	        sight->line ? sight->line : "");
	fclose(paragraph);
	write_comment(text, out);
	free(text);
	write_command(arguments, out);
	paragraph = open_memstream(&text, &len);
	if (!paragraph)
		xalloc_failed("a comment");
	fprintf(paragraph, "Made by flowbed shrink of %s with seed %llu%s%s%s. ",
	        command_file_name(arguments->file), (unsigned long long)shrinking->judge.seeds[0],
	        arguments->mutant ? " and the mutant " : "",
	        arguments->mutant ? arguments->mutant->name : "",
	        arguments->mutant ? ", without which it holds" : "");
	write_seeds_tried(tried, paragraph);
	fclose(paragraph);
	write_comment(text, out);
	free(text);
}

/* Nobody could run it from there: it is told, and written all the same. */
static void tell_if_wrong_there(const char *path, const char *text, size_t len)
{
	struct problems problems;
	struct scenario *scenario;

	problems_init(&problems);
	scenario = command_load_text(path, text, len, NULL, &problems);
	if (!scenario) {
		fprintf(stderr, "%s: what is written cannot be loaded there:\n", path);
		problems_print(&problems, path, stderr);
	}
	problems_destroy(&problems);
	scenario_free(scenario);
}

static int write_out(struct shrinking *shrinking, const struct scenario *scenario,
                     enum seeds_tried tried)
{
	const struct arguments *arguments = shrinking->arguments;
	const char *path = arguments->out ? arguments->out : "-";
	char buffer[WHY_BYTES], *text = NULL;
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	struct judge_sight sight;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool written;

	if (!out)
		xalloc_failed("a text");
	look_at(shrinking, true, &sight);
	write_head(shrinking, &sight, tried, out);
	command_shrink_judge_forget(&sight);
	if (arguments->out)
		command_shrink_files_move(&shrinking->tree, scenario, arguments->file, path);
	yaml_write(shrinking->tree.root, out);
	if (fclose(out))
		xalloc_failed("a text");
	tell_if_wrong_there(arguments->out ? path : arguments->file, text, len);
	written = command_output_write(path, text, len, &why);
	if (!written)
		fprintf(stderr, "flowbed: %s\n", buffer);
	free(text);
	return written ? EXIT_HELD : EXIT_INTERNAL;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		count++;
	}
	return count;
}

/* With the faults that are drawn: they are what will be made fewer. */
static void tell_size(const struct shrinking *shrinking, const char *what)
{
	struct shrink_size size = shrink_size_of(shrinking->tree.root);
	char *drawn = drawn_faults(shrinking);

	if (drawn)
		size.faults = count_lines(drawn);
	free(drawn);
	fprintf(stderr, "%s: %zu steps, %zu faults, %zu switches, %zu hosts\n", what, size.steps,
	        size.faults, size.switches, size.hosts);
}

/* --- The whole --- */

static void find_small(struct shrinking *shrinking)
{
	const struct shrink_ops ops = {.fails = fails, .over = over, .ctx = shrinking};
	const bool any_seed = take_chance_away(shrinking);

	shrinking->judge.seeds_count = any_seed ? JUDGE_SEEDS : 1;
	shrink_tree(&shrinking->tree, &ops);
	/* Something small may do without its seed where the whole did not. */
	if (any_seed || over(shrinking) || !take_chance_away(shrinking))
		return;
	shrinking->judge.seeds_count = JUDGE_SEEDS;
	shrink_tree(&shrinking->tree, &ops);
}

/* See whether it can be written without a seed: 1 is a file's seed that says none. This is asked also
 * when the budget is used up, or somebody stopped the search; but who stops this too does not wait. */
static enum seeds_tried try_seeds(struct shrinking *shrinking)
{
	struct judge *judge = &shrinking->judge;
	const bool was_stopped = judge->stopped;
	enum seeds_tried tried = SEEDS_SOME;

	judge->runs_max = UINT64_MAX;
	judge->stopped = false;
	interrupted = 0;
	if (tree_fails(shrinking, &shrinking->tree, true))
		tried = SEEDS_ALL;
	else if (judge->stopped)
		tried = SEEDS_UNKNOWN;
	shrink_set_seed(&shrinking->tree, tried == SEEDS_ALL ? NULL : &judge->seeds[0]);
	judge->stopped |= was_stopped;
	return tried;
}

/* The first seed is the one that was asked for, the others are small numbers. */
static void choose_seeds(struct judge *judge, uint64_t seed)
{
	uint64_t other = 1;

	judge->seeds[0] = seed;
	for (unsigned i = 1; i < JUDGE_SEEDS; i++) {
		if (other == seed)
			other++;
		judge->seeds[i] = other++;
	}
}

/* See that it fails, and with what. False after telling that it does not. */
static bool find_failure(struct shrinking *shrinking)
{
	const struct arguments *arguments = shrinking->arguments;
	struct judge *judge = &shrinking->judge;
	size_t len;
	char *text;
	bool holds;

	judge->key = arguments->key;
	judge->any = arguments->key != NULL;
	if (!look_at(shrinking, true, &shrinking->seen) || judge->stopped) {
		if (!judge->stopped)
			fprintf(stderr,
			        "%s: as flowbed shrink would write it, it cannot be loaded again\n",
			        command_file_name(arguments->file));
		return false;
	}
	if (!shrinking->seen.key) {
		fprintf(stderr, "%s: %s%s with seed %llu: there is nothing to make small\n",
		        command_file_name(arguments->file),
		        arguments->key ? "no failure is " : "nothing fails",
		        arguments->key ? arguments->key : "", (unsigned long long)judge->seeds[0]);
		return false;
	}
	judge->key = shrinking->seen.key;
	judge->control = judge->mutant ? JUDGE_WITHOUT_MUTANT : JUDGE_WITHOUT_FAULTS;
	text = yaml_write_text(shrinking->tree.root, &len);
	holds = command_shrink_judge_control_holds(judge, text, len);
	free(text);
	judge->stopped |= interrupted;
	if (judge->stopped || holds)
		return !judge->stopped;
	if (judge->mutant)
		fprintf(stderr, "%s: it fails without the mutant too: shrink that first\n",
		        command_file_name(arguments->file));
	judge->control = JUDGE_NOTHING;
	return !judge->mutant;
}

static int shrink_loaded(struct shrinking *shrinking, const struct scenario *scenario)
{
	struct judge *judge = &shrinking->judge;
	enum seeds_tried tried;
	int code;

	if (!find_failure(shrinking)) {
		if (judge->stopped)
			tell_stop(judge, "nothing is written");
		return judge->stopped ? EXIT_INTERNAL : EXIT_WRONG_INPUT;
	}
	tell_size(shrinking, "before");
	write_faults_down(shrinking);
	find_small(shrinking);
	tried = try_seeds(shrinking);
	clear_progress(shrinking);
	code = write_out(shrinking, scenario, tried);
	if (judge->stopped && code == EXIT_HELD) {
		tell_stop(judge, "what is written is what was small by then");
		code = EXIT_INTERNAL;
	}
	tell_size(shrinking, "after");
	fprintf(stderr, "%llu runs%s%s\n", (unsigned long long)judge->runs,
	        tried == SEEDS_SOME ? "; it needs its seed" : "",
	        judge->control != JUDGE_NOTHING ? "" : "; it fails without its faults too");
	return code;
}

/* Options of applications become part of the file. */
static bool take_settings(struct yaml_tree *tree, const struct command_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++)
		if (!shrink_set_option(tree, settings->list[i])) {
			fprintf(stderr, "flowbed: --set '%s' has no place in the file\n",
			        settings->list[i]);
			return false;
		}
	return true;
}

/* What is made small is not what it was made of: that would be lost. */
static bool output_spares_file(const struct arguments *arguments)
{
	if (!arguments->out || !strcmp(arguments->file, "-") ||
	    !command_output_same(arguments->out, arguments->file))
		return true;
	fprintf(stderr,
	        "flowbed: --output %s: that is the scenario itself: name another file for what is "
	        "small.\n",
	        arguments->out);
	return false;
}

/* Before the long work. */
static bool output_may_be_written(const char *path)
{
	char buffer[WHY_BYTES];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);

	if (!path || command_output_try(path, &why))
		return true;
	fprintf(stderr, "flowbed: --output: %s\n", buffer);
	return false;
}

static int shrink_file(const struct arguments *arguments)
{
	struct shrinking shrinking = {.arguments = arguments,
	                              .judge = {.path = arguments->file,
	                                        .mutant = arguments->mutant,
	                                        .seeds_count = 1,
	                                        .runs_max = arguments->runs_max},
	                              .terminal = isatty(STDERR_FILENO)};
	struct scenario *scenario;
	struct problems problems;
	size_t len;
	char *text;
	int code = EXIT_WRONG_INPUT;

	if (!output_spares_file(arguments))
		return code;
	if (!output_may_be_written(arguments->out))
		return EXIT_INTERNAL;
	text = command_read_file(arguments->file, &len);
	if (!text)
		return code;
	problems_init(&problems);
	scenario =
	        command_load_text(arguments->file, text, len, arguments->settings.list, &problems);
	problems_print(&problems, command_file_name(arguments->file), stderr);
	if (scenario && yaml_tree_parse(&shrinking.tree, text, len, &problems) &&
	    take_settings(&shrinking.tree, &arguments->settings)) {
		choose_seeds(&shrinking.judge,
		             arguments->has_seed ? arguments->seed : scenario->seed);
		take_signals(note_interrupt);
		code = shrink_loaded(&shrinking, scenario);
	}
	problems_destroy(&problems);
	command_shrink_judge_forget(&shrinking.seen);
	yaml_tree_destroy(&shrinking.tree);
	scenario_free(scenario);
	free(text);
	return code;
}

enum { OPTION_SET = 256, OPTION_MUTANT, OPTION_KEY, OPTION_BUDGET };

static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                        {"output", required_argument, NULL, 'o'},
                                        {"key", required_argument, NULL, OPTION_KEY},
                                        {"budget", required_argument, NULL, OPTION_BUDGET},
                                        {"set", required_argument, NULL, OPTION_SET},
                                        {"mutant", required_argument, NULL, OPTION_MUTANT},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

/* Take one option; false after a complaint. */
static bool take_option(struct arguments *arguments, int option, const char *word)
{
	switch (option) {
	case 's':
		arguments->has_seed = true;
		return command_take_number("--seed", optarg, &arguments->seed);
	case 'o':
		arguments->out = strcmp(optarg, "-") != 0 ? optarg : NULL;
		return true;
	case OPTION_KEY:
		arguments->key = optarg;
		return true;
	case OPTION_BUDGET:
		return command_take_number("--budget", optarg, &arguments->runs_max);
	case OPTION_SET:
		return command_take_setting(&arguments->settings, optarg);
	case OPTION_MUTANT:
		return command_take_mutant(optarg, &arguments->mutant);
	default:
		command_bad_option(command_shrink.name, options, option, word);
		return false;
	}
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {.runs_max = RUNS_MAX};
	int option;

	while ((option = getopt_long(argc, argv, ":s:o:h", options, NULL)) != -1) {
		if (option == 'h') {
			help(stdout);
			return EXIT_HELD;
		}
		if (!take_option(&arguments, option, argv[optind - 1]))
			return EXIT_WRONG_INPUT;
	}
	if (!command_needs_files(command_shrink.name, argc - optind))
		return EXIT_WRONG_INPUT;
	if (argc - optind > 1) {
		fprintf(stderr, "flowbed: shrink takes one file\n");
		return command_see_help(command_shrink.name);
	}
	arguments.file = argv[optind];
	return shrink_file(&arguments);
}

const struct command command_shrink = {
        "shrink", "make a scenario that fails with a seed small, and independent of it", run};
