/* x after n steps of x <- r x (1 - x), and dx/dr. */
#include "common.h"

KERNEL(logistic_map_primal)
{
    double r = x[0], y = 0.3;
    for (long i = 0; i < n; i++)
        y = r * y * (1.0 - y);
    return y;
}

KERNEL(logistic_map_gradient)
{
    double r = x[0], y = 0.3, d = 0.0;
    for (long i = 0; i < n; i++) {
        double p = y * (1.0 - y);
        d = p + (r - 2.0 * r * y) * d;
        y = r * p;
    }
    out[0] = d;
    return y;
}
