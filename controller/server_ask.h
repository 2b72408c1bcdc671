/* Asks a running controller what it knows: the program's subcommand "status". */
#ifndef CONTROLLER_SERVER_ASK_H
#define CONTROLLER_SERVER_ASK_H

/* 'argv' begins with the subcommand: {"status", "--json", ...}. Prints the answer and returns the
 * program's exit status: 0, 2 for a wrong command line, 3 where no controller answers. */
int server_ask_main(int argc, char **argv);

#endif
