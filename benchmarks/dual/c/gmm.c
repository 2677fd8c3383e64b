/* Mixture of K = 5 normals in the plane, 30 parameters; data: n points (two numbers each). */
#include "common.h"

#define K 5

static inline double log_weight(const double *x, double *sum)
{
    double s = 0.0;
    for (int j = 0; j < K; j++)
        s += exp(x[j]);
    *sum = s;
    return log(s);
}

KERNEL(gmm_primal)
{
    const double *centre = x + K, *factor = x + 3 * K;
    double r0[K], r1[K], base[K], sum, total = 0.0;
    for (int j = 0; j < K; j++) {
        r0[j] = exp(factor[3 * j]);
        r1[j] = exp(factor[3 * j + 1]);
        base[j] = x[j] + factor[3 * j] + factor[3 * j + 1];
    }
    for (long i = 0; i < n; i++) {
        double t[K], top = -1e300, density = 0.0;
        for (int j = 0; j < K; j++) {
            double u = data[2 * i] - centre[2 * j], v = data[2 * i + 1] - centre[2 * j + 1];
            double a = r0[j] * u, b = factor[3 * j + 2] * u + r1[j] * v;
            t[j] = base[j] - 0.5 * (a * a + b * b);
            top = t[j] > top ? t[j] : top;
        }
        for (int j = 0; j < K; j++)
            density += exp(t[j] - top);
        total -= top + log(density);
    }
    return total + n * (log_weight(x, &sum) + LOG_2PI);
}

KERNEL(gmm_gradient)
{
    const double *centre = x + K, *factor = x + 3 * K;
    double r0[K], r1[K], base[K], sum, total = 0.0;
    double ga[K] = {0}, gu[K] = {0}, gv[K] = {0}, g0[K] = {0}, g1[K] = {0}, g2[K] = {0};
    for (int j = 0; j < K; j++) {
        r0[j] = exp(factor[3 * j]);
        r1[j] = exp(factor[3 * j + 1]);
        base[j] = x[j] + factor[3 * j] + factor[3 * j + 1];
    }
    for (long i = 0; i < n; i++) {
        double t[K], top = -1e300, density = 0.0;
        for (int j = 0; j < K; j++) {
            double u = data[2 * i] - centre[2 * j], v = data[2 * i + 1] - centre[2 * j + 1];
            double a = r0[j] * u, b = factor[3 * j + 2] * u + r1[j] * v;
            t[j] = base[j] - 0.5 * (a * a + b * b);
            top = t[j] > top ? t[j] : top;
        }
        for (int j = 0; j < K; j++)
            density += t[j] = exp(t[j] - top);
        total -= top + log(density);
        for (int j = 0; j < K; j++) {
            double u = data[2 * i] - centre[2 * j], v = data[2 * i + 1] - centre[2 * j + 1];
            double a = r0[j] * u, b = factor[3 * j + 2] * u + r1[j] * v;
            double w = t[j] / density;
            ga[j] -= w;
            gu[j] -= w * (a * r0[j] + b * factor[3 * j + 2]);
            gv[j] -= w * b * r1[j];
            g0[j] -= w * (1.0 - a * a);
            g1[j] -= w * (1.0 - b * r1[j] * v);
            g2[j] += w * b * u;
        }
    }
    total += n * (log_weight(x, &sum) + LOG_2PI);
    for (int j = 0; j < K; j++) {
        out[j] = ga[j] + n * exp(x[j]) / sum;
        out[K + 2 * j] = gu[j];
        out[K + 2 * j + 1] = gv[j];
        out[3 * K + 3 * j] = g0[j];
        out[3 * K + 3 * j + 1] = g1[j];
        out[3 * K + 3 * j + 2] = g2[j];
    }
    return total;
}
