/* Smooth escape counts of n points (data: two numbers each); out: value, d/dre, d/dim of each.
   z is an analytic function of c, so one complex derivative stands for all four. */
#include "common.h"

#define STEPS 50

KERNEL(escape_primal)
{
    double sum = 0.0;
    for (long i = 0; i < n; i++) {
        double re = data[2 * i], im = data[2 * i + 1], u = 0.0, v = 0.0, nu = 0.0;
        for (int k = 0; k < STEPS; k++) {
            double w = u * u - v * v + re;
            v = 2.0 * u * v + im;
            u = w;
            double size = u * u + v * v;
            if (size > 4.0) {
                nu = k + 1.0 - log2(0.5 * log(size));
                break;
            }
        }
        out[i] = nu;
        sum += nu;
    }
    return sum;
}

KERNEL(escape_gradient)
{
    double sum = 0.0;
    for (long i = 0; i < n; i++) {
        double re = data[2 * i], im = data[2 * i + 1], u = 0.0, v = 0.0, nu = 0.0;
        double du = 0.0, dv = 0.0, slope = 0.0;
        for (int k = 0; k < STEPS; k++) {
            double dw = 2.0 * (u * du - v * dv) + 1.0;
            dv = 2.0 * (u * dv + v * du);
            du = dw;
            double w = u * u - v * v + re;
            v = 2.0 * u * v + im;
            u = w;
            double size = u * u + v * v;
            if (size > 4.0) {
                double half = 0.5 * log(size);
                nu = k + 1.0 - log2(half);
                slope = -1.0 / (half * M_LN2 * size);
                break;
            }
        }
        out[3 * i] = nu;
        out[3 * i + 1] = slope * (u * du + v * dv);
        out[3 * i + 2] = slope * (v * du - u * dv);
        sum += nu;
    }
    return sum;
}
