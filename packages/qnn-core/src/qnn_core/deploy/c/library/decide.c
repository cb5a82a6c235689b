/* How the sum of a channel becomes a code. */
typedef struct {
//if line
    const FLASH Multiplier *multiplier; /* code = (sum * multiplier + offset) >> shift, 0 to top */
//if wide
    const FLASH int64_t *wide_offset; /* in the place of offset, where 64 bits are needed */
//end
    const FLASH int32_t *offset;
//if shifts
    const FLASH uint8_t *shifts; /* in the place of shift, where channels differ */
//end
//end
//if thresholds
    const FLASH Threshold *thresholds; /* or: how many of these, `top` of a channel, it reaches */
//end
//if turned
    const FLASH uint8_t *turned; /* 1 where minus the sum decides; or none */
//end
    uint8_t shift, top;
    uint8_t each; /* 1 if every channel has its own numbers, 0 if all share the first */
} Decision;

INLINE int32_t turned_sum(const FLASH Decision *d, int32_t sum, unsigned channel)
{
//if turned
    if (d->turned && d->turned[channel]) return -sum;
//end
    (void)d;
    (void)channel;
    return sum;
}

/* The code of a sum that was turned. */
INLINE uint8_t decided(const FLASH Decision *d, int32_t sum, unsigned channel)
{
    const unsigned n = d->each ? channel : 0u;
//if thresholds
//if line
    if (d->thresholds)
//end
    {
        const FLASH Threshold *t = d->thresholds + (uint32_t)n * d->top;
        unsigned low = 0, high = d->top;
        while (low < high) {
            const unsigned middle = (low + high) >> 1;
            if (sum >= t[middle]) low = middle + 1u;
            else high = middle;
        }
        return (uint8_t)low;
    }
//end
//if line
//if wide
    if (d->wide_offset) {
        int64_t y = (int64_t)sum * d->multiplier[n] + d->wide_offset[n];
//if shifts
        y = y < 0 ? 0 : y >> (d->shifts ? d->shifts[n] : d->shift);
//else
        y = y < 0 ? 0 : y >> d->shift;
//end
        return (uint8_t)(y > d->top ? d->top : y);
    }
//end
    {
        int32_t y = sum * d->multiplier[n] + d->offset[n];
//if shifts
        y = y < 0 ? 0 : y >> (d->shifts ? d->shifts[n] : d->shift);
//else
        y = y < 0 ? 0 : y >> d->shift;
//end
        return (uint8_t)(y > d->top ? d->top : y);
    }
//end
//if line
//else
//if thresholds
//else
    (void)sum;
    return (uint8_t)n;
//end
//end
}
