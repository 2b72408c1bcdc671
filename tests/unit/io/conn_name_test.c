/* Names of connections as Open vSwitch writes them. */
#include "lib/io/conn_name.h"

#include <string.h>

#include "tests/unit/harness.h"

static void assert_name(const char *text, enum conn_kind kind, bool passive, const char *host,
                        unsigned port)
{
	struct conn_name name;
	char error[256] = "";

	CU_ASSERT_TRUE_FATAL(conn_name_parse(text, &name, error, sizeof error));
	CU_ASSERT_EQUAL(name.kind, kind);
	CU_ASSERT_EQUAL(name.passive, passive);
	CU_ASSERT_STRING_EQUAL(kind == CONN_UNIX ? name.path : name.host, host);
	CU_ASSERT_EQUAL(name.port, port);
}

static void names_to_connect_to_have_a_host_and_perhaps_a_port(void)
{
	assert_name("tcp:192.0.2.1", CONN_TCP, false, "192.0.2.1", 6653);
	assert_name("tcp:192.0.2.1:6633", CONN_TCP, false, "192.0.2.1", 6633);
	assert_name("tcp:controller.example:1", CONN_TCP, false, "controller.example", 1);
	assert_name("tcp:[2001:db8::1]:65535", CONN_TCP, false, "2001:db8::1", 65535);
	assert_name("tcp:[::1]", CONN_TCP, false, "::1", 6653);
	assert_name("ssl:192.0.2.1", CONN_SSL, false, "192.0.2.1", 6653);
	assert_name("unix:/run/a b:c", CONN_UNIX, false, "/run/a b:c", 6653);
}

static void names_to_listen_on_have_the_port_first(void)
{
	assert_name("ptcp:", CONN_TCP, true, "", 6653);
	assert_name("ptcp:6634", CONN_TCP, true, "", 6634);
	assert_name("ptcp:0:127.0.0.1", CONN_TCP, true, "127.0.0.1", 0);
	assert_name("ptcp::127.0.0.1", CONN_TCP, true, "127.0.0.1", 6653);
	assert_name("ptcp:6634:[::1]", CONN_TCP, true, "::1", 6634);
	assert_name("pssl:6634", CONN_SSL, true, "", 6634);
	assert_name("punix:s1.mgmt", CONN_UNIX, true, "s1.mgmt", 6653);
}

static void assert_wrong(const char *text, const char *part)
{
	struct conn_name name;
	char error[512] = "";

	CU_ASSERT_FALSE(conn_name_parse(text, &name, error, sizeof error));
	if (!strstr(error, part))
		printf("# for '%s': %s\n", text, error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, part));
}

static void what_is_wrong_is_told_with_what_would_be_right(void)
{
	char long_path[200] = "unix:", long_host[400] = "tcp:";

	memset(long_path + 5, 'x', 108);
	memset(long_host + 4, 'x', 256);
	assert_wrong("", "no known method");
	assert_wrong("192.0.2.1", "write tcp:HOST[:PORT]");
	assert_wrong("TCP:192.0.2.1", "no known method");
	assert_wrong("tcp:", "the host is missing");
	assert_wrong("tcp::6633", "the host is missing");
	assert_wrong("tcp:h:", "no port");
	assert_wrong("tcp:h:0", "from 1 to 65535");
	assert_wrong("tcp:h:65536", "no port");
	assert_wrong("tcp:h:99999999999999999999", "no port");
	assert_wrong("tcp:h:66x", "no port");
	assert_wrong("tcp:h: 66", "no port");
	assert_wrong("tcp:h:-1", "no port");
	assert_wrong("tcp:2001:db8::1", "brackets");
	assert_wrong("tcp:[::1", "no ']'");
	assert_wrong("tcp:[::1]x", "follows the host");
	assert_wrong("tcp:[]", "the host is missing");
	assert_wrong("ptcp:x", "from 0 to 65535");
	assert_wrong("ptcp:127.0.0.1", "no port");
	assert_wrong("ptcp:6633:", "the host is missing");
	assert_wrong("ptcp:6633:127.0.0.1:5", "the port comes first");
	assert_wrong("unix:", "missing");
	assert_wrong(long_path, "at most 107");
	assert_wrong(long_host, "at most 255");
}

static void assert_wrong_for(enum conn_name_use use, const char *text, const char *told)
{
	struct conn_name name;
	char error[512] = "";

	CU_ASSERT_FALSE(conn_name_parse_for(text, use, &name, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, told);
}

static void what_would_be_right_fits_the_place(void)
{
	struct conn_name name;
	char error[512] = "";

	assert_wrong_for(CONN_NAME_CONNECT, "192.0.2.1",
	                 "it begins with no known method: write tcp:HOST[:PORT], ssl:HOST[:PORT] "
	                 "or unix:PATH");
	assert_wrong_for(CONN_NAME_LISTEN, "6634",
	                 "it begins with no known method: write ptcp:[PORT][:HOST], "
	                 "pssl:[PORT][:HOST] or punix:PATH");
	assert_wrong_for(CONN_NAME_CONNECT, "ptcp:6633",
	                 "this listens: write tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:PATH");
	assert_wrong_for(
	        CONN_NAME_LISTEN, "unix:/x",
	        "this connects: write ptcp:[PORT][:HOST], pssl:[PORT][:HOST] or punix:PATH");
	CU_ASSERT_TRUE(conn_name_parse_for("tcp:h", CONN_NAME_CONNECT, &name, error, sizeof error));
	CU_ASSERT_TRUE(conn_name_parse_for("ptcp:", CONN_NAME_LISTEN, &name, error, sizeof error));
}

static void the_longest_path_and_host_fit(void)
{
	char path[200] = "unix:", host[400] = "tcp:";
	struct conn_name name;
	char error[256];

	memset(path + 5, 'x', 107);
	memset(host + 4, 'x', 255);
	CU_ASSERT_TRUE(conn_name_parse(path, &name, error, sizeof error));
	CU_ASSERT_EQUAL(strlen(name.path), 107);
	CU_ASSERT_TRUE(conn_name_parse(host, &name, error, sizeof error));
	CU_ASSERT_EQUAL(strlen(name.host), 255);
}

UNIT_TESTS("conn_name", UNIT_TEST(names_to_connect_to_have_a_host_and_perhaps_a_port),
           UNIT_TEST(names_to_listen_on_have_the_port_first),
           UNIT_TEST(what_is_wrong_is_told_with_what_would_be_right),
           UNIT_TEST(what_would_be_right_fits_the_place), UNIT_TEST(the_longest_path_and_host_fit))
