/* Pipes in the place of descriptors 1 and 2, for what reaches them from outside Python's own
 * functions: children, and libraries written in C. Asked for only: it shows.
 *
 * A process of its own, the relay, reads the pipes, writes all of it to where it was meant to go,
 * and leaves a copy in a file without a name, which the recorder picks up. It is no thread, so that
 * forks stay what they were, and outlives a program that ends before its children. What Python
 * itself writes goes to the original descriptors directly, behind what is on its way. */
#ifndef CT_RECORDER_IO_PIPE_H
#define CT_RECORDER_IO_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put the pipes there. False, and nothing changed: it cannot be done. */
bool io_pipe_start(const char *directory);
bool io_pipe_is_on(void);

/* Put the original descriptors back where the pipes still are. What is on its way is waited for, a
 * quarter of a second when somebody goes on writing; it is there to be taken until the stop. */
void io_pipe_put_back(void);
void io_pipe_stop(void);

/* A forked child leaves everything to its parent. */
void io_pipe_after_fork_in_child(void);

/* The descriptor behind 1 or 2; -1: there is no pipe there. And the other way round. */
int io_pipe_original(int descriptor);
int io_pipe_standard(int descriptor);

/* Is something on its way that was written before now? */
bool io_pipe_is_busy(void);
/* Wait until all of it is where it was meant to go. Needs no lock of the interpreter's. */
void io_pipe_settle(void);

/* The next bytes the relay has seen, at most IO_PIPE_PIECE, and of which descriptor; 0: no more. */
enum { IO_PIPE_PIECE = 4096 };
size_t io_pipe_take(int *descriptor, char bytes[IO_PIPE_PIECE]);
/* Pieces it passed on and could not keep. */
uint64_t io_pipe_lost(void);

#endif
