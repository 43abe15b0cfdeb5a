#include "export/export.h"

int export_trace(struct ctr_trace *trace, const char *path, const struct export_options *options,
                 struct ct_error *error)
{
    (void)trace;
    (void)options;
    return ct_fail(error, CT_ESTATE, "cannot export '%s' yet", path);
}
