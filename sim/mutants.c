/* The list of mutants. See mutants.h; what each does is in mutation_controller.c,
 * mutation_syns.c and mutation_switch.c. */
#include "sim/mutation.h"

#include <string.h>

static const struct mutant mutants[] = {
        /* Controllers. */
        {"leaked-buffer", MUTANT_CONTROLLER,
         "never says what becomes of every fifth buffered packet-in",
         .message = mutation_controller_leaked_buffer},
        {"no-reverse-entry", MUTANT_CONTROLLER,
         "installs no entry for what comes back from a TCP server",
         .message = mutation_controller_no_reverse_entry},
        {"late-flow-mod", MUTANT_CONTROLLER,
         "sends flow-mods 5 ms late, after the packets that need them",
         .message = mutation_controller_late_flow_mod},
        {"round-robin-on-retransmission", MUTANT_CONTROLLER,
         "takes a SYN that comes again for a new connection", .message = mutation_syns_round_robin},
        {"wrong-server-mac", MUTANT_CONTROLLER,
         "installs every third rewriting entry with the MAC address of another server",
         .message = mutation_controller_wrong_server_mac},
        {"no-barriers", MUTANT_CONTROLLER, "never waits for a barrier",
         .message = mutation_controller_no_barriers},
        {"packet-out-twice", MUTANT_CONTROLLER, "sends every packet-out that carries a frame twice",
         .message = mutation_controller_packet_out_twice},
        {"output-to-ingress", MUTANT_CONTROLLER,
         "floods out of the port where the frame came in, too",
         .message = mutation_controller_output_to_ingress},
        {"wrong-output-port", MUTANT_CONTROLLER, "sends every tenth packet-out to the next port",
         .message = mutation_controller_wrong_output_port},
        {"entries-for-ever", MUTANT_CONTROLLER, "installs entries without timeouts",
         .message = mutation_controller_entries_for_ever},
        {"ports-wildcarded", MUTANT_CONTROLLER, "installs entries that match any TCP or UDP port",
         .message = mutation_controller_ports_wildcarded},
        {"no-deletes", MUTANT_CONTROLLER, "never deletes an entry",
         .message = mutation_controller_no_deletes},
        {"deletes-too-much", MUTANT_CONTROLLER,
         "deletes strictly what it should, and loosely what is alike",
         .message = mutation_controller_deletes_too_much},
        {"deaf-to-port-status", MUTANT_CONTROLLER, "does not hear that a port went down",
         .message = mutation_controller_deaf_to_port_status},
        {"deaf-to-flow-removed", MUTANT_CONTROLLER, "does not hear that an entry expired",
         .message = mutation_controller_deaf_to_flow_removed},
        {"lost-packet-in", MUTANT_CONTROLLER, "does not hear every seventh packet-in",
         .message = mutation_controller_lost_packet_in},
        {"no-echo-reply", MUTANT_CONTROLLER, "never answers an echo request",
         .message = mutation_controller_no_echo_reply},
        /* Switches. */
        {"wrong-checksum", MUTANT_SWITCH,
         "spoils the IPv4 header checksum of every twentieth frame that it forwards",
         .output = mutation_switch_wrong_checksum},
        {"ignores-adds", MUTANT_SWITCH, "forgets every fourth entry that it is told to add",
         .message = mutation_switch_ignores_adds},
        {"ignores-deletes", MUTANT_SWITCH, "keeps entries that it is told to delete",
         .message = mutation_switch_ignores_deletes},
        {"buffer-sent-twice", MUTANT_SWITCH, "sends the frame of a released buffer twice",
         .output = mutation_switch_buffer_sent_twice},
        {"ignores-rewrites", MUTANT_SWITCH, "forwards without changing Ethernet addresses",
         .output = mutation_switch_ignores_rewrites},
        {"no-flow-removed", MUTANT_SWITCH, "never tells that an entry expired",
         .message = mutation_switch_no_flow_removed},
        {"no-port-status", MUTANT_SWITCH, "never tells that a port went down",
         .message = mutation_switch_no_port_status},
        {"early-barrier-reply", MUTANT_SWITCH,
         "answers barriers at once, and applies flow-mods 3 ms late",
         .message = mutation_switch_early_barrier_reply},
        {"wrong-in-port", MUTANT_SWITCH, "tells the next port in every fifth packet-in",
         .message = mutation_switch_wrong_in_port},
        {"reversed-frames", MUTANT_SWITCH,
         "forwards every eighth frame after the one that follows it",
         .output = mutation_switch_reversed_frames},
        {"truncated-frames", MUTANT_SWITCH, "forwards every twentieth frame without its last byte",
         .output = mutation_switch_truncated_frames},
};

enum { MUTANTS = sizeof mutants / sizeof mutants[0] };

const struct mutant *mutants_at(size_t place)
{
	return place < MUTANTS ? &mutants[place] : NULL;
}

const struct mutant *mutants_find(const char *name)
{
	for (size_t i = 0; i < MUTANTS; i++)
		if (!strcmp(mutants[i].name, name))
			return &mutants[i];
	return NULL;
}
