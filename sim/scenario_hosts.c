/* Hosts of a scenario. See scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum { PREFIX_LEN_DEFAULT = 24 };

/* "192.168.2.1/24". */
static void read_host_ip(struct loader *loader, const struct yaml_node *node,
                         struct scenario_host *host)
{
	char text[40];
	const char *whole;
	uint64_t prefix_len = PREFIX_LEN_DEFAULT;
	char *slash;
	uint32_t mask, first;

	if (!scenario_read_text(loader, node, "'ip'", &whole))
		return;
	if (strlen(whole) >= sizeof text)
		whole = "";
	strcpy(text, whole);
	slash = strchr(text, '/');
	if (slash)
		*slash = 0;
	if (fb_parse_ip(text, &host->ip, NULL) ||
	    (slash &&
	     (values_number(slash + 1, &prefix_len) || !prefix_len || prefix_len > 32))) {
		problems_add(loader->problems, node->at,
		             "'ip' is '%.60s': write an address and the length of its prefix, as "
		             "192.168.2.1/24",
		             node->text);
		return;
	}
	host->prefix_len = (unsigned)prefix_len;
	mask = ~(uint32_t)((UINT64_C(1) << (32 - prefix_len)) - 1);
	first = host->ip >> 24;
	if (!first || first == 127 || first >= 224)
		problems_add(loader->problems, node->at,
		             "'ip' is '%s', which no host can have: write one as 192.168.2.1",
		             node->text);
	else if (prefix_len <= 30 && (!(host->ip & ~mask) || (host->ip & ~mask) == ~mask))
		problems_add(loader->problems, node->at,
		             "'ip' is '%s', the %s address of that network: write another",
		             node->text, host->ip & ~mask ? "broadcast" : "first");
}

static void add_listener(struct scenario_listener **listeners, size_t *count, uint16_t port,
                         enum host_service service)
{
	for (size_t i = 0; i < *count; i++) {
		if ((*listeners)[i].port == port) {
			(*listeners)[i].service = service;
			return;
		}
	}
	*listeners = xrealloc(*listeners, (*count + 1) * sizeof **listeners);
	(*listeners)[(*count)++] = (struct scenario_listener){port, service};
}

/* {22: hostname, 80: echo, 7: none}. */
static void read_listeners(struct loader *loader, const struct yaml_node *node, const char *what,
                           struct scenario_listener **listeners, size_t *count)
{
	if (!scenario_read_word_map(loader, node, what))
		return;
	for (size_t i = 0; i < node->count; i++) {
		uint64_t port;
		unsigned service;

		if (scenario_read_number(loader, yaml_key(node, i), "a port", 1, 65535, &port) &&
		    scenario_read_choice(loader, yaml_value(node, i), "a service",
		                         scenario_keys_services, &service))
			add_listener(listeners, count, (uint16_t)port, (enum host_service)service);
	}
}

static void read_host_values(struct loader *loader, const struct yaml_node *node,
                             struct scenario_host *host, bool *has_mac)
{
	const struct yaml_node *value;
	const char *text;

	if ((value = yaml_get(node, "ip")) != NULL)
		read_host_ip(loader, value, host);
	else
		scenario_lacks(loader, node, scenario_keys_host,
		               "host '%s' has no 'ip': write one, as ip: 192.168.2.1/24",
		               host->name);
	if ((value = yaml_get(node, "mac")) != NULL)
		*has_mac = scenario_read_mac(loader, value, "'mac'", host->mac);
	if ((value = yaml_get(node, "hostname")) != NULL &&
	    scenario_read_text(loader, value, "'hostname'", &text)) {
		if (strlen(text) > 64)
			problems_add(loader->problems, value->at,
			             "'hostname' is longer than 64 bytes: shorten it");
		host->hostname = xstrdup(text);
	}
	if ((value = yaml_get(node, "gateway")) != NULL &&
	    scenario_read_ip(loader, value, "'gateway'", &host->gateway) && host->prefix_len &&
	    (host->gateway ^ host->ip) >> (32 - host->prefix_len))
		problems_add(loader->problems, value->at,
		             "'gateway' is '%s', which is not in the host's own network",
		             value->text);
	if ((value = yaml_get(node, "listen")) != NULL)
		read_listeners(loader, value, "'listen'", &host->tcp, &host->tcp_count);
	if ((value = yaml_get(node, "listen_udp")) != NULL)
		read_listeners(loader, value, "'listen_udp'", &host->udp, &host->udp_count);
}

static struct scenario_host *append_host(struct loader *loader, struct position at,
                                         const char *name)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_host *host;

	if (scenario->hosts_count == SCENARIO_HOSTS_MAX) {
		problems_add(loader->problems, at, "more than %d hosts: leave some out",
		             SCENARIO_HOSTS_MAX);
		return NULL;
	}
	if (!scenario_add_name(loader, at, name, false, (uint32_t)scenario->hosts_count))
		return NULL;
	if (!(scenario->hosts_count & (scenario->hosts_count - 1)))
		scenario->hosts = xrealloc(scenario->hosts,
		                           (scenario->hosts_count ? 2 * scenario->hosts_count : 1) *
		                                   sizeof *scenario->hosts);
	host = &scenario->hosts[scenario->hosts_count++];
	*host = (struct scenario_host){.at = at, .name = xstrdup(name), .link = SCENARIO_NONE};
	fb_mac_from_u64(host->mac, UINT64_C(0x020000000000) + scenario->hosts_count);
	add_listener(&host->tcp, &host->tcp_count, 22, HOST_SERVICE_HOSTNAME);
	add_listener(&host->tcp, &host->tcp_count, 7, HOST_SERVICE_ECHO);
	add_listener(&host->tcp, &host->tcp_count, 9, HOST_SERVICE_DISCARD);
	add_listener(&host->udp, &host->udp_count, 7, HOST_SERVICE_ECHO);
	return host;
}

/* Make '*to' the host 'offset' places after '*from' in a range: the addresses count up. */
static void continue_range(struct loader *loader, struct scenario_host *to,
                           const struct scenario_host *from, uint32_t offset, bool has_mac)
{
	uint32_t room = from->prefix_len ? (uint32_t)((UINT64_C(1) << (32 - from->prefix_len)) - 1)
	                                 : UINT32_MAX;

	to->ip = from->ip + offset;
	to->prefix_len = from->prefix_len;
	to->gateway = from->gateway;
	if (from->prefix_len && (from->ip & room) + (uint64_t)offset >= room &&
	    from->prefix_len <= 30)
		problems_add(loader->problems, from->at,
		             "the addresses of this range leave the network: shorten the prefix");
	if (has_mac)
		fb_mac_from_u64(to->mac, fb_mac_to_u64(from->mac) + offset);
	to->tcp_count = to->udp_count = 0;
	for (size_t i = 0; i < from->tcp_count; i++)
		add_listener(&to->tcp, &to->tcp_count, from->tcp[i].port, from->tcp[i].service);
	for (size_t i = 0; i < from->udp_count; i++)
		add_listener(&to->udp, &to->udp_count, from->udp[i].port, from->udp[i].service);
}

/* One entry of 'hosts': a host, or a range of them. */
static void read_host_entry(struct loader *loader, const struct yaml_node *key,
                            const struct yaml_node *value)
{
	struct scenario *scenario = loader->scenario;
	char prefix[SCENARIO_NAME_BYTES_MAX + 1] = "", name[SCENARIO_NAME_BYTES_MAX + 12];
	const bool is_range = strstr(key->text, "..") != NULL;
	uint32_t first = 0, last = 0;
	bool has_mac = false;
	struct scenario_host *host;
	size_t place = scenario->hosts_count;

	if (is_range && !scenario_split_range(key->text, prefix, &first, &last)) {
		problems_add(loader->problems, key->at,
		             "'%.60s' is no range of hosts: write it as h1..h200", key->text);
		return;
	}
	for (uint32_t i = first; i <= last; i++) {
		struct fb_text text = fb_text_make(name, sizeof name);

		fb_text_printf(&text, "%s%u", prefix, i);
		host = append_host(loader, key->at, is_range ? name : key->text);
		if (!host)
			return;
		if (i > first)
			continue_range(loader, host, &scenario->hosts[place], i - first, has_mac);
		else if (scenario_read_map(loader, value, "a host", scenario_keys_host))
			read_host_values(loader, value, host, &has_mac);
		if (is_range && i == first && host->hostname)
			problems_add(
			        loader->problems, key->at,
			        "the hosts of a range cannot share a 'hostname': leave it out");
	}
}

static void check_macs(struct loader *loader)
{
	struct scenario *scenario = loader->scenario;
	struct fb_table *macs = fb_table_new(FB_MAC_BYTES, FB_MAC_BYTES, SCENARIO_HOSTS_MAX);

	for (size_t i = 0; i < scenario->hosts_count; i++) {
		const struct scenario_host *host = &scenario->hosts[i];
		char mac[24];
		struct fb_text text = fb_text_make(mac, sizeof mac);

		fb_text_mac(&text, host->mac);
		if (fb_table_find(macs, host->mac))
			problems_add(loader->problems, host->at,
			             "host '%s' has the MAC address %s of another: give it its own",
			             host->name, mac);
		else
			fb_table_add(macs, host->mac);
	}
	fb_table_free(macs);
}

void scenario_read_hosts(struct loader *loader, const struct yaml_node *node)
{
	if (!scenario_read_name_map(loader, node, "'hosts'"))
		return;
	for (size_t i = 0; i < node->count; i++)
		read_host_entry(loader, yaml_key(node, i), yaml_value(node, i));
	check_macs(loader);
}
