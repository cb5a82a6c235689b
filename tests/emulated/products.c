/* Sums of products of floats. */
#include "driver.h"
#include "float_gemm.h"

PART(products)
{
    static const int64_t SIZES[][3] = {{1, 0, 1}, {1, 1, 1}, {3, 5, 7}, {61, 129, 65}, {64, 512, 128}, {130, 300, 33}};
    random_state = 3;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t rows = SIZES[i][0], terms = SIZES[i][1], columns = SIZES[i][2];
        int64_t *row = whole(rows, 1), *term = whole(terms, 1);
        for (int64_t r = 0; r < rows; r++) row[r] = r * terms;
        for (int64_t t = 0; t < terms; t++) term[t] = t;
        Sums s = {.a = floats(rows * terms, 0), .a_row = row, .a_term = term, .b = floats(terms * columns, 0),
                  .b_stride = columns, .b_panel = PANEL, .c = zeros(4 * (size_t)(rows * columns)), .c_stride = columns,
                  .rows = rows, .terms = terms, .columns = columns, .affine = i % 2, .scale_j = floats(columns, 0),
                  .bias_j = i % 4 == 1 ? floats(columns, 0) : NULL};
        int64_t tasks = (rows + SUM_ROWS - 1) / SUM_ROWS * panels_in(columns);
        for (int64_t task = 0; task < tasks; task++) sums_tasks[path](&s, task);
        tell("sums", rows, terms, columns, s.c, 4 * (size_t)(rows * columns), 1);
        Turn turn = {floats(rows * terms, 0), zeros(4 * (size_t)(PANEL * panels_in(rows) * terms)), rows, terms};
        for (int64_t task = 0; task < (terms + SUM_TERMS - 1) / SUM_TERMS; task++) turn_tasks[path](&turn, task);
        tell("turn", rows, terms, 0, turn.panels, 4 * (size_t)(PANEL * panels_in(rows) * terms), 1);
        Affine f = {turn.panels, floats(columns * terms, 0), floats(columns, 0), i % 2 ? floats(columns, 0) : NULL,
                    zeros(4 * (size_t)(rows * columns)), rows, columns, terms};
        for (int64_t task = 0; task < (columns + SUM_ROWS - 1) / SUM_ROWS * panels_in(rows); task++)
            affine_tasks[path](&f, task);
        tell("affine", rows, columns, terms, f.y, 4 * (size_t)(rows * columns), 1);
    }
}
