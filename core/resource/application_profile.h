/** The profiles by which an application enrolls, and how it enrolls by each. */
#ifndef CHY_RESOURCE_APPLICATION_PROFILE_H
#define CHY_RESOURCE_APPLICATION_PROFILE_H

#include "resource/kind.h"

/** CHY_PROFILE_IDS_SHAPE is the JSON Schema of `profileIds`. */
#define CHY_PROFILE_IDS_SHAPE               \
    "{\"type\":\"array\",\"maxItems\":100," \
    "\"items\":" CHY_SHAPE_ID "}"

/** CHY_APPLICATION_PROFILE_ACTIONS stand among those of applications. */
#define CHY_APPLICATION_PROFILE_ACTIONS                                                            \
    {"profiles", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_application_profiles},            \
        {"add-profiles", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_application_add_profiles_shape, \
         chy_application_add_profiles},                                                            \
        {"remove-profile", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_application_profile_shape,    \
         chy_application_remove_profile},                                                          \
        {"enrollment", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, chy_application_profile_shape,        \
         chy_application_enrollment},                                                              \
        {"set-enrollment", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_application_method_shape,     \
         chy_application_set_enrollment},                                                          \
    {                                                                                              \
        "clear-enrollment", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_application_method_shape,    \
            chy_application_clear_enrollment                                                       \
    }

/** CHY_APPLICATION_PROFILE_ANSWERS are what they answer, among those of applications. */
#define CHY_APPLICATION_PROFILE_ANSWERS                                                   \
    {"profiles", CHY_APPLICATION_PROFILE_LIST, NULL},                                     \
        {"add-profiles", CHY_APPLICATION_PROFILE_LIST, NULL},                             \
        {"remove-profile", CHY_APPLICATION_PROFILE_LIST, NULL},                           \
        {"enrollment",                                                                    \
         "{'applicationId': 'id', 'profileId': 'id', 'api?': 'object', 'estConfigured': " \
         "'bool', 'acmeConfigured': 'bool', 'scepConfigured': 'bool'}",                   \
         NULL},                                                                           \
        {"set-enrollment", CHY_APPLICATION_CONFIG, NULL},                                 \
    {                                                                                     \
        "clear-enrollment", CHY_APPLICATION_CONFIG, NULL                                  \
    }
#define CHY_APPLICATION_PROFILE_LIST                                                   \
    "{'profiles': [{'applicationId': 'id', 'profileId': 'id', 'profileSlug': 'text', " \
    "'profileDescription': 'text?', 'apiConfigId': 'id?', 'createdAt': 'time', "       \
    "'updatedAt': 'time'}]}"
#define CHY_APPLICATION_CONFIG "{'applicationId': 'id', 'profileId': 'id', 'api': 'object'}"

extern const char chy_application_add_profiles_shape[];
extern const char chy_application_profile_shape[]; /**< {profileId} */
extern const char chy_application_method_shape[];  /**< {profileId, method, the method's options} */

chy_status chy_application_profiles(struct chy_call *call);
chy_status chy_application_add_profiles(struct chy_call *call);
chy_status chy_application_remove_profile(struct chy_call *call);
chy_status chy_application_enrollment(struct chy_call *call);
chy_status chy_application_set_enrollment(struct chy_call *call);
chy_status chy_application_clear_enrollment(struct chy_call *call);

/** chy_application_attach adds the document's `profileIds`, of a new application, to its batch. */
CHY_MUST_USE chy_status chy_application_attach(struct chy_call *call, struct chy_batch *batch);

/** chy_application_narrow_profiles lets a list of profiles have only those of the document's
 *  `applicationId`, if it names one; of an unknown or foreign one, none. */
CHY_MUST_USE chy_status chy_application_narrow_profiles(struct chy_call *call,
                                                        struct chy_query *query);

/** chy_application_require_profile lets who may read profiles in an application only see those that
 *  it enrolls by; after chy_call_project_partly().  NOT_FOUND else. */
CHY_MUST_USE chy_status chy_application_require_profile(struct chy_call *call,
                                                        const struct chy_uuid *profile_id);

#endif
