/* Negative log-likelihood of a normal sample in (mu, sigma); data: n numbers. */
#include "common.h"

static inline void moments(double mu, const double *data, long n, double *first, double *second)
{
    double s1 = 0.0, s2 = 0.0;
    for (long i = 0; i < n; i++) {
        double d = data[i] - mu;
        s1 += d;
        s2 += d * d;
    }
    *first = s1;
    *second = s2;
}

KERNEL(gauss_nll_primal)
{
    double total = 0.0, w = 1.0 / x[1];
    for (long i = 0; i < n; i++) {
        double z = (data[i] - x[0]) * w;
        total += z * z;
    }
    return 0.5 * total + n * (log(x[1]) + 0.5 * LOG_2PI);
}

KERNEL(gauss_nll_gradient)
{
    double s1, s2, w = 1.0 / x[1];
    moments(x[0], data, n, &s1, &s2);
    out[0] = -s1 * w * w;
    out[1] = (n - s2 * w * w) * w;
    return 0.5 * s2 * w * w + n * (log(x[1]) + 0.5 * LOG_2PI);
}

KERNEL(gauss_nll_hessian)
{
    double s1, s2, w = 1.0 / x[1];
    moments(x[0], data, n, &s1, &s2);
    out[0] = n * w * w;
    out[1] = out[2] = 2.0 * s1 * w * w * w;
    out[3] = (3.0 * s2 * w * w - n) * w * w;
    return 0.0;
}

/* The same function as minus the sum of log(density), and its gradient in that form. */

KERNEL(gauss_log_primal)
{
    double total = 0.0, w = 1.0 / x[1], scale = 1.0 / (sqrt(2.0 * M_PI) * x[1]);
    for (long i = 0; i < n; i++) {
        double z = (data[i] - x[0]) * w;
        total -= log(exp(-0.5 * z * z) * scale);
    }
    return total;
}

KERNEL(gauss_log_gradient)
{
    double total = 0.0, s1 = 0.0, s2 = 0.0, w = 1.0 / x[1];
    double scale = 1.0 / (sqrt(2.0 * M_PI) * x[1]);
    for (long i = 0; i < n; i++) {
        double z = (data[i] - x[0]) * w;
        total -= log(exp(-0.5 * z * z) * scale);
        s1 += z;
        s2 += z * z;
    }
    out[0] = -s1 * w;
    out[1] = (n - s2) * w;
    return total;
}
