/* SPDX-License-Identifier: MIT */
/* The plan in words. */
#include <errno.h>

#include "plan.h"
#include "text.h"

int dsr_plan_text(const struct dsr_plan *plan, char *text, size_t size)
{
	struct dsr_text w = {.text = text, .size = size};

	if (!plan || (!text && size))
		return -EINVAL;
	for (uint32_t i = 0; i < dsr_plan_seats(plan); i++) {
		const struct dsr_seat *seat = dsr_plan_at(plan, i);

		dsr_put(&w, "%s: ", seat->name);
		if (seat->cpu >= 0)
			dsr_put(&w, "CPU %d", seat->cpu);
		else
			dsr_put(&w, "no CPU");
		if (seat->node >= 0)
			dsr_put(&w, ", node %d", seat->node);
		if (seat->spins)
			dsr_put(&w, ", spins");
		dsr_put(&w, " (%s)\n", seat->reason);
	}
	return (int)w.length;
}

void dsr_put_pin(struct dsr_text *w, int pin)
{
	if (dsr_pin_is_cpu(pin))
		dsr_put(w, "\"CPU %d\"", dsr_pin_number(pin));
	else if (dsr_pin_is_node(pin))
		dsr_put(w, "\"node %d\"", dsr_pin_number(pin));
	else if (pin == DSR_AUTOMATIC)
		dsr_put(w, "\"automatic\"");
	else if (pin == DSR_NEAR_PRODUCER)
		dsr_put(w, "\"near producer\"");
	else if (pin == DSR_ISOLATED)
		dsr_put(w, "\"isolated\"");
	else
		dsr_put(w, "\"unpinned\"");
}

int dsr_plan_json(const struct dsr_plan *plan, char *text, size_t size)
{
	struct dsr_text w = {.text = text, .size = size};

	if (!plan || (!text && size))
		return -EINVAL;
	dsr_put(&w, "{\"seats\": [");
	for (uint32_t i = 0; i < dsr_plan_seats(plan); i++) {
		const struct dsr_seat *seat = dsr_plan_at(plan, i);

		dsr_put(&w, "%s{\"name\": ", i ? ", " : "");
		dsr_put_quoted(&w, seat->name);
		dsr_put(&w, ", \"pin\": ");
		dsr_put_pin(&w, seat->pin);
		dsr_put(&w, ", \"cpu\": %d, \"node\": %d, \"spins\": %s, \"reason\": ", seat->cpu,
			seat->node, seat->spins ? "true" : "false");
		dsr_put_quoted(&w, seat->reason);
		dsr_put(&w, "}");
	}
	dsr_put(&w, "]}");
	return (int)w.length;
}
