/* Poisson likelihood of a histogram in (amplitude, mu, sigma); data: n counts, n + 1 edges.
   Loops over edges and over bins are apart, so that gcc can vectorise both. */
#include "common.h"

#define MOST 16384
static double cdf[MOST + 1], pdf[MOST + 1], z[MOST + 1];

KERNEL(histogram_nll_primal)
{
    const double *edges = data + n;
    double w = 1.0 / x[2], total = 0.0;
    for (long i = 0; i <= n; i++)
        cdf[i] = 0.5 * erf((edges[i] - x[1]) * w * SQRT1_2);
    for (long i = 0; i < n; i++) {
        double m = x[0] * (cdf[i + 1] - cdf[i]);
        total += m - data[i] + data[i] * log(data[i] / (m + 1e-100) + 1e-100);
    }
    return total;
}

static inline void at_edges(const double *x, const double *edges, long n)
{
    double w = 1.0 / x[2];
    for (long i = 0; i <= n; i++) {
        double u = (edges[i] - x[1]) * w;
        z[i] = u;
        cdf[i] = 0.5 * erf(u * SQRT1_2);
        pdf[i] = 0.5 * TWO_OVER_SQRT_PI * SQRT1_2 * exp(-0.5 * u * u);
    }
}

/* d/dm of the term of one bin, and d^2/dm^2. The guards count: n / q + e is the logarithm's argument. */
static inline double slope(double count, double m, double *curvature)
{
    double q = m + 1e-100, r = count / q, s = r + 1e-100;
    double g = r / (q * s);
    *curvature = count * g * (2.0 / q - g);
    return 1.0 - count * g;
}

KERNEL(histogram_nll_gradient)
{
    double w = 1.0 / x[2], total = 0.0, g0 = 0.0, g1 = 0.0, g2 = 0.0;
    at_edges(x, data + n, n);
    for (long i = 0; i < n; i++) {
        double p = cdf[i + 1] - cdf[i], m = x[0] * p, curvature;
        double d = slope(data[i], m, &curvature);
        total += m - data[i] + data[i] * log(data[i] / (m + 1e-100) + 1e-100);
        g0 += d * p;
        g1 += d * (pdf[i + 1] - pdf[i]);
        g2 += d * (pdf[i + 1] * z[i + 1] - pdf[i] * z[i]);
    }
    out[0] = g0;
    out[1] = -x[0] * w * g1;
    out[2] = -x[0] * w * g2;
    return total;
}

KERNEL(histogram_nll_hessian)
{
    double w = 1.0 / x[2], a = x[0];
    double h00 = 0, h01 = 0, h02 = 0, h11 = 0, h12 = 0, h22 = 0;
    at_edges(x, data + n, n);
    for (long i = 0; i < n; i++) {
        double z0 = z[i], z1 = z[i + 1], f0 = pdf[i], f1 = pdf[i + 1];
        double p = cdf[i + 1] - cdf[i], c;
        double d = slope(data[i], a * p, &c);
        double p1 = -w * (f1 - f0), p2 = -w * (f1 * z1 - f0 * z0);
        double p11 = -w * w * (f1 * z1 - f0 * z0);
        double p12 = w * w * (f1 * (1.0 - z1 * z1) - f0 * (1.0 - z0 * z0));
        double p22 = w * w * (f1 * z1 * (2.0 - z1 * z1) - f0 * z0 * (2.0 - z0 * z0));
        h00 += c * p * p;
        h01 += c * p * a * p1 + d * p1;
        h02 += c * p * a * p2 + d * p2;
        h11 += c * a * a * p1 * p1 + d * a * p11;
        h12 += c * a * a * p1 * p2 + d * a * p12;
        h22 += c * a * a * p2 * p2 + d * a * p22;
    }
    out[0] = h00;
    out[1] = out[3] = h01;
    out[2] = out[6] = h02;
    out[4] = h11;
    out[5] = out[7] = h12;
    out[8] = h22;
    return 0.0;
}
