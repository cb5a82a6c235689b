/*
 * a * b + c, rounded once. fmaf of newlib and of picolibc rounds twice, so it is used where the
 * processor has an instruction for it, and computed with integers elsewhere.
 */
#if defined(__FP_FAST_FMAF)
#define fused(a, b, c) __builtin_fmaf(a, b, c)
#else
typedef union {
    float number;
    uint32_t bits;
} Float;

/* A number as one whose highest bit is bit 61, and an exponent. */
static uint64_t raised(uint64_t v, int *exponent)
{
    if (!v) return 0;
    while (!(v >> 46)) {
        v <<= 16;
        *exponent -= 16;
    }
    while (!(v >> 61)) {
        v <<= 1;
        *exponent -= 1;
    }
    return v;
}

static uint32_t whole(uint32_t bits, int *exponent)
{
    const uint32_t field = bits >> 23 & 255u;
    *exponent = field ? (int)field - 150 : -149;
    return field ? (bits & 0x7fffffu) | 0x800000u : bits & 0x7fffffu;
}

static float fused(float a, float b, float c)
{
    Float x, y, z;
    int ex, ey, ez, shift;
    uint64_t p, q, sum;
    uint32_t negative, other;
    x.number = a;
    y.number = b;
    z.number = c;
    negative = (x.bits ^ y.bits) >> 31;
    other = z.bits >> 31;
    p = (uint64_t)whole(x.bits, &ex) * whole(y.bits, &ey);
    ex += ey;
    q = whole(z.bits, &ez);
    if (!p) {
        z.number = q ? c : (negative == other ? c : 0.0f);
        return z.number;
    }
    p = raised(p, &ex);
    if (!q) {
        q = 0;
        ez = ex;
    } else q = raised(q, &ez);
    if (ex < ez) { /* p is the one with the higher exponent */
        const uint64_t t = p;
        const int e = ex;
        const uint32_t s = negative;
        p = q;
        q = t;
        ex = ez;
        ez = e;
        negative = other;
        other = s;
    }
    shift = ex - ez;
    if (shift > 62) q = q != 0;
    else if (shift) q = q >> shift | ((q & (((uint64_t)1 << shift) - 1u)) != 0);
    if (negative == other) sum = p + q;
    else if (p >= q) sum = p - q;
    else {
        sum = q - p;
        negative = other;
    }
    if (!sum) {
        z.bits = 0;
        return z.number;
    }
    /* To 24 bits, or as many as a number below the normal ones has. */
    shift = 0;
    while (sum >> (shift + 24)) shift++;
    if (ex + shift < -149) shift = -149 - ex;
    if (shift > 63) shift = 63;
    if (shift > 0) {
        const uint64_t half = (uint64_t)1 << (shift - 1), rest = sum & ((half << 1) - 1u);
        sum >>= shift;
        ex += shift;
        if (rest > half || (rest == half && (sum & 1u))) sum++;
        if (sum >> 24) {
            sum >>= 1;
            ex++;
        }
    }
    while (!(sum >> 23) && ex > -149) {
        sum <<= 1;
        ex--;
    }
    z.bits = negative << 31;
    if (!(sum >> 23)) z.bits |= (uint32_t)sum;
    else if (ex > 104) z.bits |= 0x7f800000u;
    else z.bits |= (uint32_t)(ex + 150) << 23 | ((uint32_t)sum & 0x7fffffu);
    return z.number;
}
#endif
