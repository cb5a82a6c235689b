/* Print what all kernels give on a path: main PATH. */
#include <stdio.h>
#include <stdlib.h>

void engine(int path);
void products(int path);
void few_terms(int path);
void training(int path);
void convolutions(int path);
void images(int path);
void channel_loops(int path);

int main(int count, char **given)
{
    int path = count > 1 ? atoi(given[1]) : 0;
    engine(path);
    products(path);
    few_terms(path);
    training(path);
    convolutions(path);
    images(path);
    channel_loops(path);
    return fflush(stdout) != 0;
}
