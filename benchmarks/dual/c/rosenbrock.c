/* Rosenbrock's function in n variables; the Hessian is a dense n x n matrix. */
#include "common.h"

KERNEL(rosenbrock_primal)
{
    double total = 0.0;
    for (long i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        total += 100.0 * a * a + b * b;
    }
    return total;
}

KERNEL(rosenbrock_gradient)
{
    double total = 0.0, last = 0.0;
    for (long i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        total += 100.0 * a * a + b * b;
        out[i] = -400.0 * x[i] * a - 2.0 * b;
    }
    for (long i = 1; i < n - 1; i++)
        out[i] += 200.0 * (x[i] - x[i - 1] * x[i - 1]);
    last = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2]);
    out[n - 1] = last;
    return total;
}

KERNEL(rosenbrock_hessian)
{
    for (long i = 0; i < n * n; i++)
        out[i] = 0.0;
    for (long i = 0; i < n - 1; i++) {
        out[i * n + i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
        out[(i + 1) * n + i + 1] += 200.0;
        out[i * n + i + 1] = out[(i + 1) * n + i] = -400.0 * x[i];
    }
    return 0.0;
}
