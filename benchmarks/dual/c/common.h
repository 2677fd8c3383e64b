/* Every kernel has one signature: variables, room for derivatives, data, a size; it returns f.
   A primal leaves `out` alone (escape: one value a point); a Hessian returns 0. */
#include <math.h>

#define LOG_2PI 1.8378770664093454836
#define SQRT1_2 0.70710678118654752440
#define TWO_OVER_SQRT_PI 1.12837916709551257390
#define KERNEL(name) double name(const double *restrict x, double *restrict out, const double *restrict data, long n)
