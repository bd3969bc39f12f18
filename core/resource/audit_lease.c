#include "base/buf.h"
#include "resource/audit_state.h"
#include "resource/collections.h"

static chy_status lease_name(struct chy_op *op, struct chy_slice node, struct chy_slice *out_name)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_AUDIT_NODE_SIZE + sizeof CHY_AUDIT_LEASE_PREFIX);
    chy_buf_add_text(&buf, CHY_AUDIT_LEASE_PREFIX);
    chy_buf_add(&buf, node);
    *out_name = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the name of a lease");
}

static chy_status put_lease(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_slice name;
    struct chy_batch batch;
    CHY_TRY(lease_name(op, runtime->node, &name));
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_upsert(&batch, CHY_C_LEASES, CHY_KEY(chy_value_text(name)));
    chy_write_set(write, CHY_LEASE_HOLDER, chy_value_text(runtime->node));
    chy_write_set(write, CHY_LEASE_EPOCH, chy_value_int(1));
    chy_write_set(write, CHY_LEASE_BEAT, chy_value_int(chy_now(op)));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

chy_status chy_audit_lease_drop(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_slice node)
{
    struct chy_slice name;
    struct chy_batch batch;
    CHY_TRY(lease_name(op, node, &name));
    chy_batch_init(&batch, op, 0);
    (void)chy_batch_delete(&batch, CHY_C_LEASES, CHY_KEY(chy_value_text(name)));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

bool chy_audit_lease_held(struct chy_audit *audit)
{
    chy_mutex_lock(&audit->lock);
    bool has = audit->has_lease;
    chy_mutex_unlock(&audit->lock);
    return has;
}

void chy_audit_lease_set(struct chy_audit *audit, bool has)
{
    chy_mutex_lock(&audit->lock);
    audit->has_lease = has;
    chy_mutex_unlock(&audit->lock);
}

chy_status chy_audit_lease_ensure(struct chy_runtime *runtime, struct chy_op *op)
{
    chy_status status = CHY_OK;
    if (chy_audit_lease_held(runtime->audit)) {
        return CHY_OK;
    }
    chy_mutex_lock(&runtime->audit->lease_lock);
    if (!chy_audit_lease_held(runtime->audit)) {
        status = put_lease(runtime, op);
        if (status == CHY_OK) {
            chy_audit_lease_set(runtime->audit, true);
        }
    }
    chy_mutex_unlock(&runtime->audit->lease_lock);
    return status;
}

chy_status chy_audit_beat(struct chy_runtime *runtime, struct chy_op *op)
{
    return chy_audit_lease_held(runtime->audit) ? put_lease(runtime, op) : CHY_OK;
}

chy_status chy_audit_lives(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                           bool *out_lives)
{
    struct chy_slice name;
    struct chy_storage_row row;
    *out_lives = false;
    if (node.len >= CHY_AUDIT_NODE_SIZE) {
        return CHY_OK; // no process has such a name
    }
    CHY_TRY(lease_name(op, node, &name));
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_LEASES,
                                         CHY_KEY(chy_value_text(name)), CHY_NO_FIELDS, &row);
    *out_lives = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}
