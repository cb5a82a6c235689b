/* A convolution, or a linear layer, of any weights: sum by sum, one product after the other. */
typedef struct {
    Decision decision;
    const FLASH uint8_t *weights; /* codes of `bits` bits, each output's from a new byte on */
//if weight_table
    const FLASH int16_t *levels; /* the weight of each code */
//end
//if input_table
    const FLASH int16_t *table; /* what each input enters with; or none */
//end
    int height, width, channels; /* of the input */
    int rows, columns, outputs;  /* of the result */
    int inputs, each;            /* channels of a group: of the input, of the result */
    uint32_t row_bytes;          /* of the weights of an output */
    int16_t kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
    int16_t pool_y, pool_x, pool_stride_y, pool_stride_x;
    uint8_t bits;                /* of a weight: 1, 2, 4, 8 or 16 */
    uint8_t input_offset;        /* taken off an input */
    uint8_t decides;             /* 1 if the result is codes, 0 if it is the sums */
} Plain;

INLINE int32_t plain_weight(const FLASH Plain *l, const FLASH uint8_t *w, unsigned i)
{
//if bits16
    if (l->bits == 16)
        return (int16_t)(uint16_t)(w[2u * i] | (unsigned)w[2u * i + 1u] << 8);
//end
//if bits8
    if (l->bits == 8) return (int8_t)w[i];
//end
//if weight_table
    {
        const unsigned at = i * l->bits;
        const unsigned code = (unsigned)w[at >> 3] >> (at & 7u) & ((1u << l->bits) - 1u);
        return l->levels[code];
    }
//else
    return 0;
//end
}

INLINE int32_t plain_input(const FLASH Plain *l, unsigned x)
{
//if input_table
    if (l->table) return l->table[x];
//end
    return (int32_t)x - (int32_t)l->input_offset;
}

/* The sum of output n at one place of the image, before pooling. */
INLINE int32_t plain_sum(const FLASH Plain *l, const uint8_t *x, int row, int column, int n)
{
    const FLASH uint8_t *w = l->weights + (uint32_t)n * l->row_bytes;
    const uint8_t *group = x + (n / l->each) * l->inputs;
    int32_t sum = 0;
    unsigned i = 0;
    int ky, kx, c;
    for (ky = 0; ky < l->kernel_y; ky++) {
        const int y = row * l->stride_y + ky * l->dilation_y - l->padding_y;
        for (kx = 0; kx < l->kernel_x; kx++) {
            const int across = column * l->stride_x + kx * l->dilation_x - l->padding_x;
            if (y < 0 || y >= l->height || across < 0 || across >= l->width) {
                i += (unsigned)l->inputs;
                continue;
            }
            {
                const uint8_t *p = group + ((int32_t)y * l->width + across) * l->channels;
                for (c = 0; c < l->inputs; c++, i++)
                    sum += plain_input(l, p[c]) * plain_weight(l, w, i);
            }
        }
    }
    return sum;
}

STEP void plain(const FLASH Plain *l, const uint8_t *x, void *result)
{
    int row, column, n, py, px;
    uint32_t at = 0;
    for (row = 0; row < l->rows; row++)
        for (column = 0; column < l->columns; column++)
            for (n = 0; n < l->outputs; n++, at++) {
                int32_t best = 0;
                for (py = 0; py < l->pool_y; py++)
                    for (px = 0; px < l->pool_x; px++) {
                        const int32_t sum = turned_sum(
                            &l->decision,
                            plain_sum(
                                l, x, row * l->pool_stride_y + py, column * l->pool_stride_x + px, n
                            ),
                            (unsigned)n
                        );
                        if ((py | px) == 0 || sum > best) best = sum;
                    }
                if (l->decides) ((uint8_t *)result)[at] = decided(&l->decision, best, (unsigned)n);
                else ((int32_t *)result)[at] = best;
            }
}
