/* n RK4 steps of two quadratic equations with 10 parameters: value, and its gradient by the adjoint
   equations of the scheme (its states are kept, with the stages of each step). */
#include "common.h"

#define H 0.01
#define MOST 4096

static inline double du(const double *p, double u, double v)
{
    return p[0] + p[1] * u + p[2] * v + p[3] * u * v + p[4] * u * u;
}

static inline double dv(const double *p, double u, double v)
{
    return p[5] + p[6] * u + p[7] * v + p[8] * u * v + p[9] * v * v;
}

static inline void step(const double *p, double *u, double *v)
{
    double a = du(p, *u, *v), b = dv(p, *u, *v);
    double u2 = *u + 0.5 * H * a, v2 = *v + 0.5 * H * b;
    double a2 = du(p, u2, v2), b2 = dv(p, u2, v2);
    double u3 = *u + 0.5 * H * a2, v3 = *v + 0.5 * H * b2;
    double a3 = du(p, u3, v3), b3 = dv(p, u3, v3);
    double u4 = *u + H * a3, v4 = *v + H * b3;
    double a4 = du(p, u4, v4), b4 = dv(p, u4, v4);
    *u += H / 6.0 * (a + 2.0 * (a2 + a3) + a4);
    *v += H / 6.0 * (b + 2.0 * (b2 + b3) + b4);
}

KERNEL(ode_primal)
{
    double u = 1.0, v = 1.0;
    for (long i = 0; i < n; i++)
        step(x, &u, &v);
    return u * u + v * v;
}

/* Adjoint of one evaluation of the right-hand side at (u, v) with weights (wa, wb): adds to the
   gradient, and to the adjoints of u and v. */
static inline void back(const double *p, double u, double v, double wa, double wb, double *g,
                        double *lu, double *lv)
{
    double uv = u * v;
    g[0] += wa;
    g[1] += wa * u;
    g[2] += wa * v;
    g[3] += wa * uv;
    g[4] += wa * u * u;
    g[5] += wb;
    g[6] += wb * u;
    g[7] += wb * v;
    g[8] += wb * uv;
    g[9] += wb * v * v;
    *lu += wa * (p[1] + p[3] * v + 2.0 * p[4] * u) + wb * (p[6] + p[8] * v);
    *lv += wa * (p[2] + p[3] * u) + wb * (p[7] + p[8] * u + 2.0 * p[9] * v);
}

KERNEL(ode_gradient)
{
    static struct { double u[4], v[4]; } kept[MOST];
    double p[10], g[10] = {0}, u = 1.0, v = 1.0;
    for (int j = 0; j < 10; j++)
        p[j] = x[j];
    for (long i = 0; i < n; i++) {
        double a = du(p, u, v), b = dv(p, u, v);
        double u2 = u + 0.5 * H * a, v2 = v + 0.5 * H * b;
        double a2 = du(p, u2, v2), b2 = dv(p, u2, v2);
        double u3 = u + 0.5 * H * a2, v3 = v + 0.5 * H * b2;
        double a3 = du(p, u3, v3), b3 = dv(p, u3, v3);
        double u4 = u + H * a3, v4 = v + H * b3;
        double a4 = du(p, u4, v4), b4 = dv(p, u4, v4);
        kept[i].u[0] = u, kept[i].u[1] = u2, kept[i].u[2] = u3, kept[i].u[3] = u4;
        kept[i].v[0] = v, kept[i].v[1] = v2, kept[i].v[2] = v3, kept[i].v[3] = v4;
        u += H / 6.0 * (a + 2.0 * (a2 + a3) + a4);
        v += H / 6.0 * (b + 2.0 * (b2 + b3) + b4);
    }
    double result = u * u + v * v, lu = 2.0 * u, lv = 2.0 * v, k = H / 6.0;
    for (long i = n - 1; i >= 0; i--) {
        const double *us = kept[i].u, *vs = kept[i].v;
        double qu = 0.0, qv = 0.0, ru = 0.0, rv = 0.0, tu = 0.0, tv = 0.0, su = 0.0, sv = 0.0;
        back(p, us[3], vs[3], k * lu, k * lv, g, &qu, &qv);
        back(p, us[2], vs[2], 2.0 * k * lu + H * qu, 2.0 * k * lv + H * qv, g, &ru, &rv);
        back(p, us[1], vs[1], 2.0 * k * lu + 0.5 * H * ru, 2.0 * k * lv + 0.5 * H * rv, g, &tu, &tv);
        back(p, us[0], vs[0], k * lu + 0.5 * H * tu, k * lv + 0.5 * H * tv, g, &su, &sv);
        lu += qu + ru + tu + su;
        lv += qv + rv + tv + sv;
    }
    for (int j = 0; j < 10; j++)
        out[j] = g[j];
    return result;
}
