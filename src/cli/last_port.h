/* The port of the servers before: a browser keeps what it remembers of the window (sizes, theme)
 * and the code it compiled by address, so that the next server takes the same one where it can. */
#ifndef CT_CLI_LAST_PORT_H
#define CT_CLI_LAST_PORT_H

#include <stdint.h>

/* 0: none is known. */
uint16_t last_port(void);

/* Remember a port, if none is; where that is not possible the next server has another one. */
void last_port_keep(uint16_t port);

#endif
