#include "base/clock.h"

const struct chy_clock *chy_clock_system(void)
{
    return chy_clock_real();
}
