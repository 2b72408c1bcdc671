/* Whole files are read as they are, and what is none is refused at once. */
#include "lib/io/read_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

/* A folder of the test's with one thing in it. */
struct place {
	char folder[64], path[96];
	char text[512];
	struct fb_text error;
	size_t len;
};

static void place_init(struct place *p)
{
	snprintf(p->folder, sizeof p->folder, "/tmp/read_file_test.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->folder));
	snprintf(p->path, sizeof p->path, "%s/thing", p->folder);
	p->error = fb_text_make(p->text, sizeof p->text);
	p->len = 4711;
}

static void place_destroy(struct place *p)
{
	remove(p->path);
	rmdir(p->folder);
}

static void write_thing(const struct place *p, const void *bytes, size_t len, off_t size)
{
	int fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, bytes, len), (ssize_t)len);
	CU_ASSERT_EQUAL(ftruncate(fd, size), 0);
	close(fd);
}

static void assert_refused(struct place *p, const char *name, const char *why)
{
	p->error = fb_text_make(p->text, sizeof p->text);
	CU_ASSERT_PTR_NULL(read_file_in(p->folder, name, &p->len, &p->error));
	CU_ASSERT_PTR_NOT_NULL(strstr(p->text, name));
	CU_ASSERT_PTR_NOT_NULL(strstr(p->text, why));
	if (!strstr(p->text, why))
		fprintf(stderr, "'%s' does not say '%s'\n", p->text, why);
}

static void all_bytes_come_with_a_zero_behind_them(void)
{
	static const char bytes[] = "one\0two\n";
	struct place p;
	char *read;

	place_init(&p);
	write_thing(&p, bytes, sizeof bytes - 1, sizeof bytes - 1);
	read = read_file_in(p.folder, "thing", &p.len, &p.error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT_EQUAL(p.len, sizeof bytes - 1);
	CU_ASSERT_EQUAL(memcmp(read, bytes, sizeof bytes), 0);
	CU_ASSERT_STRING_EQUAL(p.text, "");
	free(read);
	write_thing(&p, "", 0, 0);
	read = read_file_in(p.folder, "thing", &p.len, &p.error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT_EQUAL(p.len, 0);
	CU_ASSERT_STRING_EQUAL(read, "");
	free(read);
	place_destroy(&p);
}

static void a_name_that_begins_with_a_slash_is_in_no_folder(void)
{
	struct place p;
	char *read;

	place_init(&p);
	write_thing(&p, "here", 4, 4);
	read = read_file_in("/nowhere", p.path, &p.len, &p.error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT_STRING_EQUAL(read, "here");
	free(read);
	CU_ASSERT_PTR_NULL(read_file_in("/nowhere", "thing", &p.len, &p.error));
	CU_ASSERT_PTR_NOT_NULL(strstr(p.text, "/nowhere/thing: cannot be read: No such file"));
	place_destroy(&p);
}

static void without_a_folder_it_is_the_one_that_the_program_works_in(void)
{
	char before[4096];
	struct place p;
	char *read;

	place_init(&p);
	write_thing(&p, "here", 4, 4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
	CU_ASSERT_EQUAL_FATAL(chdir(p.folder), 0);
	read = read_file_in(NULL, "thing", &p.len, &p.error);
	CU_ASSERT_EQUAL_FATAL(chdir(before), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT_STRING_EQUAL(read, "here");
	free(read);
	place_destroy(&p);
}

static void files_are_read_to_the_limit_and_not_beyond(void)
{
	struct place p;
	char *read;

	place_init(&p);
	write_thing(&p, "begin", 5, READ_FILE_BYTES_MAX);
	read = read_file_in(p.folder, "thing", &p.len, &p.error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT_EQUAL(p.len, READ_FILE_BYTES_MAX);
	CU_ASSERT_EQUAL(memcmp(read, "begin", 6), 0);
	CU_ASSERT_EQUAL(read[READ_FILE_BYTES_MAX], '\0');
	free(read);
	write_thing(&p, "begin", 5, READ_FILE_BYTES_MAX + 1);
	assert_refused(&p, "thing", "it is larger than 16 MiB");
	place_destroy(&p);
}

/* The system tells no size of these, before they are read. */
static void files_without_a_size_are_read_to_their_end(void)
{
	char text[256];
	struct fb_text error = fb_text_make(text, sizeof text);
	size_t len;
	char *read = read_file_in("/proc/self", "status", &len, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	CU_ASSERT(len > 100);
	CU_ASSERT_EQUAL(strlen(read), len);
	CU_ASSERT_EQUAL(strncmp(read, "Name:\tread_file_test\n", 21), 0);
	free(read);
}

static void what_is_no_file_is_refused_at_once(void)
{
	struct place p;

	place_init(&p);
	assert_refused(&p, "thing", "No such file or directory");
	assert_refused(&p, "", "a file without a name");
	assert_refused(&p, "/dev/zero", "it is no plain file");
	CU_ASSERT_EQUAL(mkdir(p.path, 0700), 0);
	assert_refused(&p, "thing", "it is a folder");
	rmdir(p.path);
	CU_ASSERT_EQUAL(mkfifo(p.path, 0600), 0);
	assert_refused(&p, "thing", "it is no plain file");
	place_destroy(&p);
}

UNIT_TESTS("read_file", UNIT_TEST(all_bytes_come_with_a_zero_behind_them),
           UNIT_TEST(a_name_that_begins_with_a_slash_is_in_no_folder),
           UNIT_TEST(without_a_folder_it_is_the_one_that_the_program_works_in),
           UNIT_TEST(files_are_read_to_the_limit_and_not_beyond),
           UNIT_TEST(files_without_a_size_are_read_to_their_end),
           UNIT_TEST(what_is_no_file_is_refused_at_once))
