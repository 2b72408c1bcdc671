/* What whoever runs the controller may tell the balancer.
 *
 *     drain VIP MAC       no new connections to this backend; its sessions go on
 *     undrain VIP MAC     again some
 *     weight VIP MAC N    its share with the schedulers that know weights; 0: none
 *     reload              read the services file again; with a mistake in it nothing changes
 *
 * VIP is an address, as 192.168.2.2, or one of a VLAN, as 192.168.2.2@7.
 *
 * What a command has set lasts until the next reload, or until the backend is forgotten where it is
 * not configured. No session is touched by any of them. */
#include "controller/apps/balancer_commands.h"

#include <stdlib.h>
#include <string.h>

#include "controller/apps/balancer.h"

static const char usage[] =
        "drain VIP MAC, undrain VIP MAC, weight VIP MAC N, or reload; as in drain 192.168.2.2 "
        "02:00:00:00:00:03; VIP in VLAN 7: 192.168.2.2@7";

enum {
	VLAN_MAX = 4095,
	VIP_BYTES = 16, /* of its address: 255.255.255.255 and the end */
};

/* --- Configuring --- */

/* The services that options and file name; NULL with a text in 'error'. */
static struct balancer_services *read_services(struct balancer *b, const struct balancer_texts *texts,
                                               struct fb_text *error)
{
	struct balancer_services *services = balancer_services_new();
	char *text = NULL;
	size_t len = 0;
	bool ok = services && balancer_services_parse_options(services, texts->vip, texts->ports,
	                                                      texts->backends, error);

	if (ok && b->services_file) {
		text = fb_app_read_file(b->app, b->services_file, &len, error);
		ok = text && balancer_services_parse_file(services, text, len, b->services_file,
		                                          error);
	}
	free(text);
	if (ok)
		return services;
	balancer_services_free(services);
	return NULL;
}

static char *copy_of(const char *text)
{
	return *text ? strdup(text) : NULL;
}

bool balancer_commands_configure(struct balancer *b, const struct balancer_texts *texts,
                                 struct fb_text *error)
{
	b->services_file = copy_of(texts->services);
	b->texts = *texts;
	b->services = read_services(b, texts, error);
	return b->services != NULL;
}

/* --- Commands --- */

/* The address and VLAN that 'vip' names: "192.168.2.2", "192.168.2.2@7". */
static bool parse_vip(const char *vip, uint32_t *ip, uint16_t *vlan, struct fb_text *error)
{
	const char *at = strchr(vip, '@');
	char address[VIP_BYTES];
	unsigned long number;
	char *end;

	*vlan = OFP_VLAN_NONE;
	if (!at)
		return fb_parse_ip(vip, ip, error) == 0;
	number = strtoul(at + 1, &end, 10);
	if (*end || at[1] < '0' || at[1] > '9' || number < 1 || number > VLAN_MAX ||
	    (size_t)(at - vip) >= sizeof address) {
		fb_text_printf(error, "%s: expected an address, and after @ a VLAN, 1 to %d", vip,
		               VLAN_MAX);
		return false;
	}
	*vlan = (uint16_t)number;
	memcpy(address, vip, (size_t)(at - vip));
	address[at - vip] = 0;
	return fb_parse_ip(address, ip, error) == 0;
}

/* The owner that 'vip' and 'mac' name; NULL with a text in 'answer'. */
static struct balancer_owner *find_owner(const struct balancer_call *call, const char *vip,
                                         const char *mac_text, struct balancer_address **address,
                                         struct fb_text *answer)
{
	struct balancer_owner *owner;
	uint8_t mac[FB_MAC_BYTES];
	uint16_t vlan;
	uint32_t ip;

	if (!parse_vip(vip, &ip, &vlan, answer) || fb_parse_mac(mac_text, mac, answer) < 0)
		return NULL;
	*address = balancer_owners_find(call, ip, vlan);
	owner = *address ? balancer_owners_by_mac(*address, mac) : NULL;
	if (!*address)
		fb_text_printf(answer, "nobody was heard under %s", vip);
	else if (!owner)
		fb_text_printf(answer, "%s is no backend of %s; see the backends in the status",
		               mac_text, vip);
	return owner;
}

static void put_owner(struct fb_text *answer, const char *vip, const struct balancer_owner *owner)
{
	fb_text_mac(answer, owner->mac);
	fb_text_printf(answer, " of %s: weight %u, %s, %u sessions, %u silent ones", vip,
	               (unsigned)owner->as.weight, owner->drained ? "drained" : "not drained",
	               (unsigned)owner->as.sessions, (unsigned)owner->silent_sessions);
}

static int set_drained(const struct balancer_call *call, const char *const *words, bool drained,
                       struct fb_text *answer)
{
	struct balancer_address *address;
	struct balancer_owner *owner = find_owner(call, words[1], words[2], &address, answer);

	if (!owner)
		return -1;
	balancer_owners_command(call, address, owner, drained, owner->as.weight);
	put_owner(answer, words[1], owner);
	return 0;
}

static int set_weight(const struct balancer_call *call, const char *const *words,
                      struct fb_text *answer)
{
	struct balancer_address *address;
	struct balancer_owner *owner;
	unsigned long weight;
	char *end;

	weight = strtoul(words[3], &end, 10);
	if (*end || words[3][0] < '0' || words[3][0] > '9' || weight > BALANCER_WEIGHT_MAX) {
		fb_text_printf(answer, "%s: expected a weight, 0 to %d", words[3],
		               BALANCER_WEIGHT_MAX);
		return -1;
	}
	owner = find_owner(call, words[1], words[2], &address, answer);
	if (!owner)
		return -1;
	balancer_owners_command(call, address, owner, owner->drained, (uint32_t)weight);
	put_owner(answer, words[1], owner);
	return 0;
}

static int reload(const struct balancer_call *call, struct fb_text *answer)
{
	struct balancer *b = call->b;
	struct balancer_services *old = b->services, *services;

	if (!b->services_file) {
		fb_text_puts(answer, "there is no file to read: the option services names one");
		return -1;
	}
	services = read_services(b, &b->texts, answer);
	if (!services)
		return -1;
	b->services = services;
	balancer_owners_configure(call);
	balancer_services_free(old);
	fb_text_printf(answer, "%s: read again", b->services_file);
	return 0;
}

int balancer_commands_run(void *state, const char *const *words, size_t count,
                          struct fb_text *answer, uint64_t now_ns)
{
	const struct balancer_call call = {.b = state, .now_ns = now_ns};

	if (count == 3 && strcmp(words[0], "drain") == 0)
		return set_drained(&call, words, true, answer);
	if (count == 3 && strcmp(words[0], "undrain") == 0)
		return set_drained(&call, words, false, answer);
	if (count == 4 && strcmp(words[0], "weight") == 0)
		return set_weight(&call, words, answer);
	if (count == 1 && strcmp(words[0], "reload") == 0)
		return reload(&call, answer);
	fb_text_printf(answer, "expected %s", usage);
	return -1;
}
