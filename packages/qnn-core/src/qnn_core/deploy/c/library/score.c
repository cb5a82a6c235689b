/* Whole numbers of 24 bits with an exponent, as a float32 has: rounded half to even. */
static uint32_t rounded(uint64_t v, int *exponent)
{
    uint32_t t = (uint32_t)(v >> 24);
    int n = 0;
    while (t) {
        t >>= 1;
        n++;
    }
    if (n) {
        const uint64_t half = (uint64_t)1 << (n - 1);
        const uint64_t rest = v & (((uint64_t)1 << n) - 1u);
        v >>= n;
        *exponent += n;
        if (rest > half || (rest == half && (v & 1u))) v++;
        if (v >> 24) {
            v >>= 1;
            *exponent += 1;
        }
    }
    while (v && !(v >> 23)) {
        v <<= 1;
        *exponent -= 1;
    }
    return (uint32_t)v;
}

/*
 * The float32 number (float)sum * scale + bias, computed with integers: its bits, minus them if it
 * is negative. They are ordered as the numbers are. Exponents are those of whole numbers of 24 bits.
 */
static int32_t score(int32_t sum, uint32_t scale, int scale_exponent, int32_t bias, int bias_exponent)
{
    const uint32_t size = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    int exponent = 0, e;
    int64_t total;
    uint64_t magnitude;
    uint32_t m = rounded(size, &exponent);
    e = exponent + scale_exponent;
    m = rounded((uint64_t)m * scale, &e);
    total = sum < 0 ? -(int64_t)m : (int64_t)m;
    if (bias) {
        int apart = e - bias_exponent;
        int64_t other = bias;
        if (!total) {
            total = bias;
            e = bias_exponent;
        } else if (apart >= 0) { /* beyond 30 bits the smaller one only tips the scale */
            total = apart > 30 ? total * ((int64_t)1 << 30) + (other < 0 ? -1 : 1)
                               : total * ((int64_t)1 << apart) + other;
            e -= apart > 30 ? 30 : apart;
        } else {
            apart = -apart;
            total = apart > 30 ? other * ((int64_t)1 << 30) + (total < 0 ? -1 : 1)
                               : other * ((int64_t)1 << apart) + total;
            e = bias_exponent - (apart > 30 ? 30 : apart);
        }
    }
    if (!total) return 0;
    magnitude = total < 0 ? (uint64_t)(-total) : (uint64_t)total;
    m = rounded(magnitude, &e);
    {
        const int32_t bits = (int32_t)(((uint32_t)(e + 150) << 23) | (m & 0x7fffffu));
        return total < 0 ? -bits : bits;
    }
}
