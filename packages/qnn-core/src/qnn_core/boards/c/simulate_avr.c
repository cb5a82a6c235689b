/* Runs avr.c in simavr: PROGRAM CHIP, addresses of GPIOR0, input, its size, answer, its size, end of
 * static data. Reads inputs until there are no more; writes cycles, stack (4 bytes each), answer. */
#include <simavr/avr_ioport.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEXT_INPUT = 1, BEGIN = 2, END = 3, SUMS_ARE_THERE = 4 };
enum { CUT_INPUT = 3, CRASHED = 4, OVERFLOWN = 5, CANNOT_WRITE = 6 };
enum { SPL = 0x5D, PAINT = 0xA5 };

static struct { unsigned input, input_size, answer, answer_size, end_of_data; } at;
static avr_cycle_count_t begin;
static unsigned top;
static uint32_t measured[2]; /* cycles, stack */
static int status, done;

static void stop(int why)
{
    status = why;
    done = 1;
}

static void take(avr_t *avr)
{
    size_t size = fread(avr->data + at.input, 1, at.input_size, stdin);
    if (size != at.input_size) stop(size ? CUT_INPUT : 0);
}

static void paint(avr_t *avr)
{
    top = avr->data[SPL] + 256u * avr->data[SPL + 1];
    memset(avr->data + at.end_of_data, PAINT, top + 1 - at.end_of_data);
    begin = avr->cycle;
}

static void measure(avr_t *avr)
{
    unsigned lowest = at.end_of_data;
    measured[0] = (uint32_t)(avr->cycle - begin);
    while (lowest <= top && avr->data[lowest] == PAINT) lowest++;
    measured[1] = top + 1 - lowest;
    if (lowest == at.end_of_data) stop(OVERFLOWN);
}

static void give(avr_t *avr)
{
    if (fwrite(measured, sizeof measured, 1, stdout) != 1) stop(CANNOT_WRITE);
    if (fwrite(avr->data + at.answer, at.answer_size, 1, stdout) != 1) stop(CANNOT_WRITE);
}

static void mark(avr_t *avr, avr_io_addr_t address, uint8_t value, void *unused)
{
    (void)address, (void)unused;
    if (value == NEXT_INPUT) take(avr);
    if (value == BEGIN) paint(avr);
    if (value == END) measure(avr);
    if (value == SUMS_ARE_THERE) give(avr);
}

static void quiet(avr_t *avr, const int level, const char *format, va_list values)
{
    (void)avr, (void)level, (void)format, (void)values;
}

int main(int argc, char **argv)
{
    static elf_firmware_t firmware;
    avr_global_logger_set(quiet); /* it writes to standard output */
    if (argc != 9 || elf_read_firmware(argv[1], &firmware)) return 2;
    firmware.frequency = 16000000;
    avr_t *avr = avr_make_mcu_by_name(argv[2]);
    if (!avr) return 2;
    at.input = (unsigned)atoi(argv[4]), at.input_size = (unsigned)atoi(argv[5]);
    at.answer = (unsigned)atoi(argv[6]), at.answer_size = (unsigned)atoi(argv[7]);
    at.end_of_data = (unsigned)atoi(argv[8]);
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr_register_io_write(avr, (avr_io_addr_t)atoi(argv[3]), mark, NULL);
    while (!done) {
        int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed) stop(CRASHED);
    }
    return status;
}
