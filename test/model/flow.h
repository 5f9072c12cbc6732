/* SPDX-License-Identifier: MIT */
#ifndef MODEL_FLOW_H
#define MODEL_FLOW_H

void flow_single(void);
void flow_single_careful(void);
void flow_spin(void);
void flow_batch(void);
void flow_many(void);
void flow_many_up_to(void);
void flow_two_consumers(void);
void flow_chain(void);
void flow_chain_abort(void);
void flow_workers(void);
void flow_workers_two_slots(void);
void flow_workers_stripe(void);
void flow_workers_chain(void);
void flow_release(void);
void flow_workers_release(void);
void flow_last_sequences(void);
void flow_last_sequences_many(void);

#endif
