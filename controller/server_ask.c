/* Asks a running controller what it knows; see server_ask.h. */
#include "controller/server_ask.h"

#include <stdio.h>

int server_ask_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs("flowbed-controller: status: no controller answers\n", stderr);
	return 3;
}
