/* The event stream of recorder 0.3, played from a trace: what CodeTracer expects, in its order,
 * with ids before their use and every call returned from.
 *
 *     Path, Function <toplevel>, Call, Type None, Step      the frame around everything
 *     call      arguments {Type, VariableName}, Function, Value each, Step (its def line), Call
 *     resume    the same without arguments; a throw has the exception as its argument
 *     line      Event of what was written, Step, Value of every local, then of every global
 *     return    Event of what was written, Return; so do yields and exceptions that leave
 *     end       Return of <toplevel>: the exit status
 *
 * The format has one stack and no threads: their events follow thread by thread. */
#ifndef CT_EXPORT_STREAM_H
#define CT_EXPORT_STREAM_H

#include "export/export.h"
#include "export/writer.h"

int export_stream(struct ctr_trace *trace, struct export_writer *writer,
                  const struct export_options *options, struct ct_error *error);

#endif
