/* What the balancer tells of itself when somebody asks. */
#ifndef BALANCER_REPORT_H
#define BALANCER_REPORT_H

#include <flowbed/app.h>

/* struct fb_app_class: report. */
void balancer_report(const void *state, struct fb_report *report, uint64_t now_ns);

#endif
