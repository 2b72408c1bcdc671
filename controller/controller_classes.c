/* The list of the applications that ship. A file of its own, so that a program that names its
 * applications itself links those only. */
#include <string.h>

#include "controller/controller.h"

/* In the order in which they are listed to users. */
const struct fb_app_class *controller_class_at(size_t place)
{
	switch (place) {
	case 0:
		return &fb_app_hub;
	case 1:
		return &fb_app_learning;
	case 2:
		return &fb_app_discovery;
	case 3:
		return &fb_app_forwarding;
	case 4:
		return &fb_app_balancer;
	default:
		return NULL;
	}
}

const struct fb_app_class *controller_find_class(const char *name)
{
	const struct fb_app_class *cls;

	for (size_t place = 0; (cls = controller_class_at(place)); place++) {
		if (strcmp(cls->name, name) == 0)
			return cls;
	}
	return NULL;
}
