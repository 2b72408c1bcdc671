/* Addresses that are configured: first cut, without a parser. */
#include "controller/apps/balancer_services.h"
#include <stdlib.h>
struct balancer_services { int none; };
bool balancer_service_names_backends(const struct balancer_service *service) { return service->backends_count > 0; }
const struct balancer_service_backend *balancer_service_backend(const struct balancer_service *service, const uint8_t *mac) { (void)service; (void)mac; return NULL; }
const struct balancer_service *balancer_services_find(const struct balancer_services *set, uint32_t ip, uint16_t vlan) { (void)set; (void)ip; (void)vlan; return NULL; }
const struct balancer_service *balancer_services_at(const struct balancer_services *set, size_t i) { (void)set; (void)i; return NULL; }
bool balancer_service_serves(const struct balancer_service *service, uint8_t proto, uint16_t port) { (void)service; (void)proto; (void)port; return true; }
struct balancer_services *balancer_services_new(void) { return calloc(1, sizeof(struct balancer_services)); }
void balancer_services_free(struct balancer_services *set) { free(set); }
bool balancer_services_parse_options(struct balancer_services *set, const char *vip, const char *ports, const char *backends, struct fb_text *error) { (void)set; (void)vip; (void)ports; (void)backends; (void)error; return true; }
bool balancer_services_parse_file(struct balancer_services *set, const char *text, size_t len, const char *name, struct fb_text *error) { (void)set; (void)text; (void)len; (void)name; (void)error; return true; }
