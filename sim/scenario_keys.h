/* The keys that a scenario file may hold, by the kind of map: NULL-terminated lists. */
#ifndef SIM_SCENARIO_KEYS_H
#define SIM_SCENARIO_KEYS_H

extern const char *const scenario_keys_file[];
extern const char *const scenario_keys_properties[]; /* by enum scenario_property */
extern const char *const scenario_keys_controller[];
extern const char *const scenario_keys_switch[];
extern const char *const scenario_keys_queue[];
extern const char *const scenario_keys_host[];
extern const char *const scenario_keys_link[];

extern const char *const scenario_keys_step[];
extern const char *const scenario_keys_ping[];
extern const char *const scenario_keys_arp[];
extern const char *const scenario_keys_udp[];
extern const char *const scenario_keys_tcp[];
extern const char *const scenario_keys_change[];
extern const char *const scenario_keys_switch_change[];
extern const char *const scenario_keys_move[];
extern const char *const scenario_keys_faults[];
extern const char *const scenario_keys_app[];
extern const char *const scenario_keys_ping_expect[];
extern const char *const scenario_keys_arp_expect[];
extern const char *const scenario_keys_udp_expect[];
extern const char *const scenario_keys_tcp_expect[];

extern const char *const scenario_keys_expect[];
extern const char *const scenario_keys_bounds[];
extern const char *const scenario_keys_flows[];
extern const char *const scenario_keys_frames[];
extern const char *const scenario_keys_queues[];
extern const char *const scenario_keys_backends[];
extern const char *const scenario_keys_per_connection[];
extern const char *const scenario_keys_dump[];

/* Words that are values. */
extern const char *const scenario_keys_services[];   /* by enum host_service */
extern const char *const scenario_keys_orders[];     /* by enum scenario_order */
extern const char *const scenario_keys_fail_modes[]; /* by enum agent_fail_mode */
extern const char *const scenario_keys_fragments[];  /* by OFPC_FRAG_* */
extern const char *const scenario_keys_up[];
extern const char *const scenario_keys_answers[];
/* As the balancer tells them; none: it is no backend. */
extern const char *const scenario_keys_backend_states[];
extern const char *const scenario_keys_sessions[];       /* the same of its sessions */
extern const char *const scenario_keys_directions[];

#endif
