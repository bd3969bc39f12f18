/** Takes a plugin's descriptor over: checks it, and copies it into tables of the host's own
 *  size. */
#ifndef CHY_PLUGIN_DESCRIPTOR_H
#define CHY_PLUGIN_DESCRIPTOR_H

#include "plugin/loader.h"
#include "plugin/refusal.h"
#include "plugin/view.h"

/**
 * chy_descriptor_copy checks that the descriptor is for this host and makes sense, and fills the
 * tables of `plugin`. What an older plugin does not have is zero; what a newer one has besides
 * stays behind.
 */
CHY_MUST_USE chy_status chy_descriptor_copy(const struct chy_candidate *candidate,
                                            const struct chy_plugin *descriptor,
                                            struct chy_loaded_plugin *plugin);

/** What an array is expected to be. */
struct chy_array_rule {
    const char *what;  /**< for messages: "options" */
    uint64_t size_1_0; /**< of an element in ABI 1.0: the least stride */
    uint64_t size;     /**< of an element here */
    uint64_t max;      /**< how many there may be */
};

/** chy_descriptor_array replaces a view by a copy whose elements have room for what either side
 *  takes them to be. */
CHY_MUST_USE chy_status chy_descriptor_array(const struct chy_candidate *candidate,
                                             struct chy_arena *arena,
                                             const struct chy_array_rule *rule,
                                             struct chy_view *view);

/** chy_descriptor_text checks a text: clean UTF-8, not longer than `max`, not empty if
 *  `required`. */
CHY_MUST_USE chy_status chy_descriptor_text(const struct chy_candidate *candidate, const char *what,
                                            struct chy_slice text, uint64_t max, bool required);

/** chy_descriptor_options copies and checks an option table.  `what` is "option". */
CHY_MUST_USE chy_status chy_descriptor_options(const struct chy_candidate *candidate,
                                               struct chy_arena *arena, const char *what,
                                               struct chy_view *options);

/** chy_enrollment_tables copies and checks what an enrollment interface declares. */
CHY_MUST_USE chy_status chy_enrollment_tables(const struct chy_candidate *candidate,
                                              struct chy_arena *arena,
                                              struct chy_enrollment_ops *ops);

/** chy_notifier_tables copies and checks what a notifier interface declares. */
CHY_MUST_USE chy_status chy_notifier_tables(const struct chy_candidate *candidate,
                                            struct chy_arena *arena, struct chy_notifier_ops *ops);

#endif
