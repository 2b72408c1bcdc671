/* Gives an application of a running controller a command: the program's subcommand "tell". */
#ifndef CONTROLLER_SERVER_ASK_TELL_H
#define CONTROLLER_SERVER_ASK_TELL_H

/* 'argv' begins with the subcommand: {"tell", "balancer", "drain", ...}. Prints the answer and
 * returns the program's exit status: 0 done, 1 refused by the application, 2 for a wrong command
 * line, 3 where no controller answers. */
int server_ask_tell_main(int argc, char **argv);

#endif
