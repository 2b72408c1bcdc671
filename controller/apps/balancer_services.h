/* Addresses that are configured: first cut. */
#ifndef BALANCER_SERVICES_H
#define BALANCER_SERVICES_H
#include <flowbed/bytes.h>
#include <flowbed/text.h>
#include "controller/apps/balancer_schedulers.h"
struct balancer_services;
struct balancer_service_backend { uint8_t mac[6]; uint32_t weight; bool drained; };
struct balancer_service { uint32_t ip; uint16_t vlan; bool has_scheduler; enum balancer_scheduler scheduler; uint16_t check_port; struct balancer_service_backend *backends; uint32_t backends_count; };
bool balancer_service_names_backends(const struct balancer_service *service);
const struct balancer_service_backend *balancer_service_backend(const struct balancer_service *service, const uint8_t *mac);
const struct balancer_service *balancer_services_find(const struct balancer_services *set, uint32_t ip, uint16_t vlan);
const struct balancer_service *balancer_services_at(const struct balancer_services *set, size_t i);
bool balancer_service_serves(const struct balancer_service *service, uint8_t proto, uint16_t port);
struct balancer_services *balancer_services_new(void);
void balancer_services_free(struct balancer_services *set);
bool balancer_services_parse_options(struct balancer_services *set, const char *vip, const char *ports, const char *backends, struct fb_text *error);
bool balancer_services_parse_file(struct balancer_services *set, const char *text, size_t len, const char *name, struct fb_text *error);
#endif
