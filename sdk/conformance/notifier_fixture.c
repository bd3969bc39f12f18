#include "notifier_fixture.h"

#include "internal.h"

#include <stdlib.h>

const struct chy_channel_type *conf_channel_type(const struct chy_notifier_ops *ops,
                                                 const char *name)
{
    for (uint64_t i = 0; i < ops->channel_types.count; i++) {
        const struct chy_channel_type *type = chy_view_at(ops->channel_types, i);
        if (chy_slice_is(type->name, name)) {
            return type;
        }
    }
    return NULL;
}

bool conf_channel_open(struct conf_channel *channel, const struct chy_channel_type *type,
                       const struct conf_arguments *pairs, const char *tag)
{
    // A channel's options are read as an instance's are: an instance that is never created.
    struct chy_plugin *shape = conf_must(calloc(1, sizeof *shape));
    struct chy_instance *owner = conf_must(calloc(1, sizeof *owner));
    shape->options = type->options;
    owner->descriptor = shape;
    owner->name = conf_must(strdup(tag));
    owner->data_directory = conf_must(strdup("/"));
    owner->values = conf_must(calloc(type->options.count + 1, sizeof *owner->values));
    channel->type = type;
    channel->values_owner = owner;
    channel->values = (struct chy_view){owner->values, type->options.count, sizeof *owner->values};
    if (!conf_options_parse(owner, pairs)) {
        conf_channel_close(channel);
        return false;
    }
    return true;
}

void conf_channel_close(struct conf_channel *channel)
{
    if (channel->values_owner != NULL) {
        void *shape = (void *)(uintptr_t)channel->values_owner->descriptor;
        conf_instance_free(channel->values_owner);
        free(shape);
    }
    *channel = (struct conf_channel){0};
}

struct chy_notification conf_notification(const struct conf_channel *channel)
{
    struct chy_notification notification = {
        .struct_size = sizeof notification,
        .attempt = 1,
        .channel_type = channel->type->name,
        .values = channel->values,
        .id = chy_text("0190c3a1-7a00-7000-8000-000000000001"),
        .type = chy_text("com.example.certificate.expiration"),
        .source = chy_text("/projects/one"),
        .subject = chy_text("certificates"),
        .time = 1768478400123456,
        .data = chy_text("{\"certificates\":[{\"commonName\":\"a.example\"}],\"total\":1}"),
        .title = chy_text("A certificate ends"),
        .text = chy_text("a.example ends on 2026-02-01.\nRenew it.\n"),
    };
    return notification;
}
