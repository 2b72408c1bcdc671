/* The list of mutants. See mutants.h; what each does is in mutation.c and its sisters. */
#include "sim/mutants.h"

#include <string.h>

static const struct mutant mutants[] = {
        /* Controllers. */
        {"leaked-buffer", MUTANT_CONTROLLER,
         "never says what becomes of every fifth buffered packet-in"},
        {"no-reverse-entry", MUTANT_CONTROLLER,
         "installs no entry for what comes back from a TCP server"},
        {"late-flow-mod", MUTANT_CONTROLLER,
         "sends flow-mods 5 ms late, after the packets that need them"},
        {"round-robin-on-retransmission", MUTANT_CONTROLLER,
         "takes a SYN that comes again for a new connection"},
        {"wrong-server-mac", MUTANT_CONTROLLER,
         "installs every third rewriting entry with the MAC address of another"},
        {"no-barriers", MUTANT_CONTROLLER, "never waits for a barrier"},
        {"packet-out-twice", MUTANT_CONTROLLER,
         "sends every packet-out that carries a frame twice"},
        {"output-to-ingress", MUTANT_CONTROLLER,
         "floods out of the port where the frame came in, too"},
        {"wrong-output-port", MUTANT_CONTROLLER, "sends every tenth packet-out to the next port"},
        {"entries-for-ever", MUTANT_CONTROLLER, "installs entries without timeouts"},
        {"ports-wildcarded", MUTANT_CONTROLLER, "installs entries that match any TCP or UDP port"},
        {"no-deletes", MUTANT_CONTROLLER, "never deletes an entry"},
        {"deletes-too-much", MUTANT_CONTROLLER,
         "deletes strictly what it should, and loosely what is alike"},
        {"deaf-to-port-status", MUTANT_CONTROLLER, "does not hear that a port went down"},
        {"deaf-to-flow-removed", MUTANT_CONTROLLER, "does not hear that an entry expired"},
        {"lost-packet-in", MUTANT_CONTROLLER, "does not hear every seventh packet-in"},
        {"no-echo-reply", MUTANT_CONTROLLER, "never answers an echo request"},
        /* Switches. */
        {"wrong-checksum", MUTANT_SWITCH,
         "spoils the IPv4 header checksum of every twentieth frame that it forwards"},
        {"ignores-adds", MUTANT_SWITCH, "forgets every fourth entry that it is told to add"},
        {"ignores-deletes", MUTANT_SWITCH, "keeps entries that it is told to delete"},
        {"buffer-sent-twice", MUTANT_SWITCH, "sends the frame of a released buffer twice"},
        {"ignores-rewrites", MUTANT_SWITCH, "forwards without changing Ethernet addresses"},
        {"no-flow-removed", MUTANT_SWITCH, "never tells that an entry expired"},
        {"no-port-status", MUTANT_SWITCH, "never tells that a port went down"},
        {"early-barrier-reply", MUTANT_SWITCH,
         "answers barriers at once, and applies flow-mods 3 ms late"},
        {"wrong-in-port", MUTANT_SWITCH, "tells the next port in every fifth packet-in"},
        {"reversed-frames", MUTANT_SWITCH,
         "forwards two frames that follow each other in the wrong order"},
        {"truncated-frames", MUTANT_SWITCH, "forwards every twentieth frame without its last byte"},
};

enum { MUTANTS = sizeof mutants / sizeof mutants[0] };

const struct mutant *mutant_at(size_t place)
{
	return place < MUTANTS ? &mutants[place] : NULL;
}

const struct mutant *mutant_find(const char *name)
{
	for (size_t i = 0; i < MUTANTS; i++)
		if (!strcmp(mutants[i].name, name))
			return &mutants[i];
	return NULL;
}
