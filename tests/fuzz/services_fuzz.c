/* Any bytes as a file of configured addresses, and any three lines as options: they are refused
 * with a text that says where, and the set is as before; or what the set holds, written down again,
 * is read as the same. */
#include <stdio.h>
#include <string.h>

#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "controller/apps/balancer_services.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOLD_BYTES = 1 << 22 };

static char told_memory[2][TOLD_BYTES];

static void tell_service(struct fb_text *t, const struct balancer_service *service)
{
	fb_text_puts(t, "vip ");
	fb_text_ip(t, service->ip);
	for (uint32_t i = 0; i < service->ports_count; i++)
		fb_text_printf(t, "%s%s/%u", i ? "," : " ports=",
		               service->ports[i].proto == FB_IP_TCP ? "tcp" : "udp",
		               service->ports[i].port);
	if (service->has_scheduler)
		fb_text_printf(t, " scheduler=%s", balancer_scheduler_names[service->scheduler]);
	if (service->check_port)
		fb_text_printf(t, " check=tcp/%u", service->check_port);
	if (service->vlan != OFP_VLAN_NONE)
		fb_text_printf(t, " vlan=%u", service->vlan);
	fb_text_puts(t, "\n");
	for (uint32_t i = 0; i < service->backends_count; i++) {
		fb_text_puts(t, "backend ");
		fb_text_mac(t, service->backends[i].mac);
		fb_text_printf(t, " weight=%u%s\n", (unsigned)service->backends[i].weight,
		               service->backends[i].drained ? " drain" : "");
	}
}

/* The set as a file, in 'memory'. */
static struct fb_text tell(const struct balancer_services *set, char *memory)
{
	struct fb_text t = fb_text_make(memory, TOLD_BYTES);
	const struct balancer_service *service;

	for (size_t i = 0; (service = balancer_services_at(set, i)); i++) {
		check(balancer_services_find(set, service->ip, service->vlan) == service);
		for (uint32_t k = 0; k < service->backends_count; k++)
			check(balancer_service_backend(service, service->backends[k].mac) ==
			      &service->backends[k]);
		for (uint32_t k = 0; k < service->ports_count; k++)
			check(balancer_service_serves(service, service->ports[k].proto,
			                              service->ports[k].port));
		tell_service(&t, service);
	}
	check(!t.cut);
	return t;
}

/* "fuzz:2:14: what is wrong", or "balancer: ports: what is wrong"; in one line. */
static void check_error(const struct fb_text *error, bool is_file)
{
	unsigned line, column;

	check(error->len > 0 && !error->cut);
	for (size_t i = 0; i < error->len; i++)
		check(error->buf[i] >= ' ' && error->buf[i] <= '~');
	if (is_file)
		check(sscanf(error->buf, "fuzz:%u:%u: ", &line, &column) == 2 && line && column);
	else
		check(strncmp(error->buf, "balancer: ", 10) == 0);
}

static void read_again(const struct balancer_services *set)
{
	struct fb_text told = tell(set, told_memory[0]), again;
	struct balancer_services *other = balancer_services_new();

	check(balancer_services_parse_file(other, told.buf, told.len, "fuzz", NULL));
	again = tell(other, told_memory[1]);
	check(told.len == again.len && memcmp(told.buf, again.buf, told.len) == 0);
	balancer_services_free(other);
}

static void run_file(struct balancer_services *set, const char *text, size_t len)
{
	uint32_t count = balancer_services_count(set);
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text error = fb_text_make(buf, sizeof buf);

	if (balancer_services_parse_file(set, text, len, "fuzz", &error)) {
		check(error.len == 0 && balancer_services_count(set) > count);
		return;
	}
	check_error(&error, true);
	check(balancer_services_count(set) == count);
}

static void run_options(struct balancer_services *set, const char *const *options)
{
	uint32_t count = balancer_services_count(set);
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text error = fb_text_make(buf, sizeof buf);

	if (balancer_services_parse_options(set, options[0], options[1], options[2], &error)) {
		check(error.len == 0 && balancer_services_count(set) <= count + 1);
		return;
	}
	check_error(&error, false);
	check(balancer_services_count(set) == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct balancer_services *set = balancer_services_new();
	char *text = malloc(size + 1), *rest = text;
	const char *options[3];

	memcpy(text, data, size);
	text[size] = '\0';
	check(balancer_services_parse_options(set, "10.0.0.1", "", "02:00:00:00:00:02", NULL));
	run_file(set, (const char *)data, size);
	for (int i = 0; i < 3; i++)
		options[i] = rest ? strsep(&rest, "\n") : "";
	run_options(set, options);
	read_again(set);
	free(text);
	balancer_services_free(set);
	return 0;
}
