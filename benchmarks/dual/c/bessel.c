/* J_0 by its power series; the derivative of every term goes along with it. */
#include "common.h"

KERNEL(bessel_primal)
{
    double q = -0.25 * x[0] * x[0], term = 1.0, total = 1.0, k = 1.0;
    while (fabs(term) > 1e-17 * fabs(total)) {
        term *= q / (k * k);
        total += term;
        k += 1.0;
    }
    return total;
}

KERNEL(bessel_gradient)
{
    double q = -0.25 * x[0] * x[0], dq = -0.5 * x[0];
    double term = 1.0, total = 1.0, d = 0.0, slope = 0.0, k = 1.0;
    while (fabs(term) > 1e-17 * fabs(total)) {
        double w = 1.0 / (k * k);
        d = (d * q + term * dq) * w;
        term = term * q * w;
        total += term;
        slope += d;
        k += 1.0;
    }
    out[0] = slope;
    return total;
}
