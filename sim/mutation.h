/* What the files of the mutants share: mutation.c (a mutant at work: what it knows, what it holds
 * back), mutation_controller.c, mutation_syns.c and mutation_switch.c (what each mutant does).
 *
 * A mutant is one or two functions, named in its line of mutants.c. They get what passes, and send on
 * what it becomes with the functions below: as it is, changed, several times, later or not at all. */
#ifndef SIM_MUTATION_H
#define SIM_MUTATION_H

#include <flowbed/message.h>
#include <flowbed/packet.h>

#include "sim/mutants.h"

/* A whole message at a point of the mutant's side; borrowed. */
struct mutation_passing {
	enum mutation_point point;
	uint32_t sw;
	const uint8_t *bytes;
	size_t len;
};

/* A frame that leaves a switch; borrowed. */
struct mutation_leaving {
	uint32_t sw;
	uint16_t port_no;
	uint32_t queue_id;
	struct frame *frame;
};

enum { MUTATION_ADDRESSES_BYTES = 2 * FB_MAC_BYTES }; /* with which a frame begins */

/* A frame that a switch keeps in a packet buffer, as its packet-in told of it. */
struct mutation_buffer {
	uint32_t key[2]; /* switch, buffer id */
	uint16_t in_port;
	uint8_t addresses[MUTATION_ADDRESSES_BYTES];
	bool marked; /* the mutant's */
};

/* What a switch is about while it handles a frame or a message. */
struct mutation_handled {
	bool known; /* the addresses with which the frame came are: */
	uint8_t addresses[MUTATION_ADDRESSES_BYTES];
	bool released; /* the frame was in a buffer */
};

/* --- What a mutant has --- */

/* True at every 'n'th call, which is an occasion. */
bool mutation_every(struct mutation *mutation, uint64_t n);
/* An occasion. */
void mutation_act(struct mutation *mutation);
/* NULL: it is not known. Buffers of discovery never are. */
struct mutation_buffer *mutation_buffer(struct mutation *mutation, uint32_t sw, uint32_t buffer_id);
/* The physical port after 'port_no', after the last the first; 0: there is no other. */
uint16_t mutation_next_port(const struct mutation *mutation, uint32_t sw, uint16_t port_no);
struct mutation_handled *mutation_handled(struct mutation *mutation, uint32_t sw);
/* A table of the mutant's own, made when it is first asked for; see fb_table_new(). What was used
 * longest ago goes to make room. */
void *mutation_remember(struct mutation *mutation, const void *key, size_t key_bytes,
                        size_t entry_bytes);
void *mutation_find(struct mutation *mutation, const void *key);

/* --- Messages --- */

/* True, and decoded, where the message is of 'type'. */
bool mutation_is(const struct mutation_passing *passing, uint8_t type, struct fb_msg *msg);
/* The same for a flow-mod, but not for one about an entry that no frame can match. */
bool mutation_is_flow_mod(const struct mutation_passing *passing, struct fb_msg *msg);
/* A flow-mod installs entries; deletes some. */
bool mutation_installs(const struct fb_flow_mod *fm);
bool mutation_deletes(const struct fb_flow_mod *fm);
/* It tells that a port went down, or away. */
bool mutation_is_down(const struct fb_port_status *status);

/* It goes on: as it is; as 'msg', which is its own; later, as it is. */
void mutation_pass(struct mutation *mutation, const struct mutation_passing *passing);
void mutation_pass_as(struct mutation *mutation, const struct mutation_passing *passing,
                      const struct fb_msg *msg);
void mutation_pass_later(struct mutation *mutation, const struct mutation_passing *passing,
                         uint64_t delay_ns);
/* What a flow-mod does with a buffer is done at once, by a packet-out; nothing where it names none. */
void mutation_pass_release(struct mutation *mutation, const struct mutation_passing *passing,
                           const struct fb_msg *flow_mod);

/* --- Frames --- */

enum datapath_sent mutation_leave(struct mutation *mutation,
                                  const struct mutation_leaving *leaving);
/* As 'frame', which is taken over. */
enum datapath_sent mutation_leave_as(struct mutation *mutation,
                                     const struct mutation_leaving *leaving, struct frame *frame);
enum datapath_sent mutation_leave_later(struct mutation *mutation,
                                        const struct mutation_leaving *leaving, uint64_t delay_ns);
/* Frames are to leave later by the port; they leave now. */
bool mutation_holds_frame(const struct mutation *mutation, uint32_t sw, uint16_t port_no);
void mutation_leave_held(struct mutation *mutation, uint32_t sw, uint16_t port_no);
/* A copy of a frame that may be changed, with its tag. */
struct frame *mutation_copy(struct mutation *mutation, struct frame *frame);

/* --- What the mutants do --- */

void mutation_controller_leaked_buffer(struct mutation *mutation,
                                       const struct mutation_passing *passing);
void mutation_controller_no_reverse_entry(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_late_flow_mod(struct mutation *mutation,
                                       const struct mutation_passing *passing);
void mutation_controller_wrong_server_mac(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_no_barriers(struct mutation *mutation,
                                     const struct mutation_passing *passing);
void mutation_controller_packet_out_twice(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_output_to_ingress(struct mutation *mutation,
                                           const struct mutation_passing *passing);
void mutation_controller_wrong_output_port(struct mutation *mutation,
                                           const struct mutation_passing *passing);
void mutation_controller_entries_for_ever(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_ports_wildcarded(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_no_deletes(struct mutation *mutation,
                                    const struct mutation_passing *passing);
void mutation_controller_deletes_too_much(struct mutation *mutation,
                                          const struct mutation_passing *passing);
void mutation_controller_deaf_to_port_status(struct mutation *mutation,
                                             const struct mutation_passing *passing);
void mutation_controller_deaf_to_flow_removed(struct mutation *mutation,
                                              const struct mutation_passing *passing);
void mutation_controller_lost_packet_in(struct mutation *mutation,
                                        const struct mutation_passing *passing);
void mutation_controller_no_echo_reply(struct mutation *mutation,
                                       const struct mutation_passing *passing);

void mutation_syns_round_robin(struct mutation *mutation, const struct mutation_passing *passing);

enum datapath_sent mutation_switch_wrong_checksum(struct mutation *mutation,
                                                  const struct mutation_leaving *leaving);
void mutation_switch_ignores_adds(struct mutation *mutation,
                                  const struct mutation_passing *passing);
void mutation_switch_ignores_deletes(struct mutation *mutation,
                                     const struct mutation_passing *passing);
enum datapath_sent mutation_switch_buffer_sent_twice(struct mutation *mutation,
                                                     const struct mutation_leaving *leaving);
enum datapath_sent mutation_switch_ignores_rewrites(struct mutation *mutation,
                                                    const struct mutation_leaving *leaving);
void mutation_switch_no_flow_removed(struct mutation *mutation,
                                     const struct mutation_passing *passing);
void mutation_switch_no_port_status(struct mutation *mutation,
                                    const struct mutation_passing *passing);
void mutation_switch_early_barrier_reply(struct mutation *mutation,
                                         const struct mutation_passing *passing);
void mutation_switch_wrong_in_port(struct mutation *mutation,
                                   const struct mutation_passing *passing);
enum datapath_sent mutation_switch_reversed_frames(struct mutation *mutation,
                                                   const struct mutation_leaving *leaving);
enum datapath_sent mutation_switch_truncated_frames(struct mutation *mutation,
                                                    const struct mutation_leaving *leaving);

#endif
