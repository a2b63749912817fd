/* SPDX-License-Identifier: MIT */
/* Requests: a function each, named as in wire.h, and what they have in common. */
#ifndef XENSIM_OPS_H
#define XENSIM_OPS_H

#include "broker.h"

/** call_fd() - Send @fd with the answer, and close it then if @close_it */
void call_fd(struct call *call, int fd, bool close_it);

/** call_value() - Answer @value, or fail if it is -errno */
int call_value(struct call *call, int value);

/** call_handle() - The request's handle, if it is of that kind and of a domain that lives
 */
struct handle *call_handle(const struct call *call, enum handle_kind kind);

/** call_domain() - The domain a request names; DOMID_SELF is the caller's */
struct domain *call_domain(const struct call *call);

/** privileged() - May it act on other domains? The operator of the host, and domain 0 */
bool privileged(const struct call *call);

int op_queue_fd(struct call *call);
int op_queue(struct call *call);
int op_bind_unbound(struct call *call);
int op_bind_interdomain(struct call *call);
int op_bind_virq(struct call *call);
int op_unbind(struct call *call);
int op_port_alloc(struct call *call);
int op_port_status(struct call *call);
int op_share(struct call *call);
int op_map(struct call *call);
int op_unmap(struct call *call);
int op_foreign(struct call *call);
int op_create(struct call *call);
int op_destroy(struct call *call);
int op_shutdown(struct call *call);
int op_info(struct call *call);
int op_param(struct call *call);
int op_fault(struct call *call);
int op_fault_hit(struct call *call);

#endif
