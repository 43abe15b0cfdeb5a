#include "trace/reading.h"

static int explain(const struct ctr_reading *reading, struct ct_error *error)
{
    uint32_t number = reading->block->number;
    if (reading->status == CT_ENOMEM) {
        return ct_fail(error, CT_ENOMEM, "no memory to look into block %u", number);
    }
    if (reading->status == CT_EFORMAT || reading->scan.cursor.failed) {
        return ct_fail(error, CT_EFORMAT, "block %u is damaged at its byte %u", number,
                       ctr_reading_place(reading));
    }
    return CT_OK;
}

int ctr_reading_open(struct ctr_reading *reading, struct ctr_trace *trace, uint32_t number,
                     struct ct_error *error)
{
    *reading = (struct ctr_reading){.trace = trace};
    int status = ctr_block_acquire(trace, number, &reading->block, error);
    if (status != CT_OK) {
        return status;
    }
    const struct ctr_block *block = reading->block;
    reading->at = block->raw;
    reading->scan = ctr_scan_start(block->raw, block->size, block, NULL);
    reading->status = ctr_running_start(&reading->running, block->raw) ? CT_OK : CT_ENOMEM;
    return reading->status == CT_OK ? CT_OK : ctr_reading_close(reading, error);
}

int ctr_reading_close(struct ctr_reading *reading, struct ct_error *error)
{
    int status = explain(reading, error);
    ctr_running_free(&reading->running);
    ctr_block_release(reading->trace, reading->block);
    return status;
}
