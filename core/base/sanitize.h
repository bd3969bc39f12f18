/** Which sanitizer this build has: CHY_ASAN and CHY_TSAN are 0 or 1. */
#ifndef CHY_BASE_SANITIZE_H
#define CHY_BASE_SANITIZE_H

#if defined(__has_feature)
#define CHY_HAS_FEATURE(feature) __has_feature(feature)
#else
#define CHY_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || CHY_HAS_FEATURE(address_sanitizer)
#define CHY_ASAN 1
#else
#define CHY_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || CHY_HAS_FEATURE(thread_sanitizer)
#define CHY_TSAN 1
#else
#define CHY_TSAN 0
#endif

#endif
