/* search_code of search.h, for a vector. */

INLINE VU FN(search)(const Search *s, VF u)
{
    VF inside = LESSER(GREATER(u, FN(splatf)(s->below)), FN(splatf)(s->last)) + 0.0f;
    VU sign = (VU)((VI)inside >> 31), bits = (VU)inside & 0x7FFFFFFFu;
    float least;
    memcpy(&least, &s->least, sizeof least);
    VU key = ((VU)GREATER((VF)bits, FN(splatf)(least)) - s->least) ^ sign;
    VU entry = GATHER_INTS(s->entry_b, (VI)key >> s->shift);
    VU code = ADD_GE(entry & 0xFFu, (key << (32 - s->shift)) ^ 0x80000000u, entry, 1u);
    /* Rare, where the buckets are many. */
    if (s->half > 0 && SIGNS(entry * (0x80000000u / CROWDED)))
        for (int32_t half = s->half; half > 0; half >>= 1)
            code = ADD_GE_FLOAT(code, u, GATHER(s->bounded_t, code + (uint32_t)half), (uint32_t)half);
    return code;
}
