/* A float as an integer that is ordered as floats are: no arithmetic on floats is needed. */
INLINE int32_t ordered(float x)
{
    union {
        float number;
        int32_t bits;
    } u;
    u.number = x;
    return u.bits < 0 ? -(u.bits & 0x7fffffff) : u.bits;
}
