/* libevent asks for functions that glibc has since 2.36, and `ct` runs with older ones. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void arc4random_buf(void *buffer, size_t size)
{
    uint8_t *at = buffer;
    while (size > 0) {
        ssize_t count = getrandom(at, size, 0);
        if (count > 0) {
            at += count;
            size -= (size_t)count;
        }
    }
}

uint32_t arc4random(void)
{
    uint32_t number;
    arc4random_buf(&number, sizeof number);
    return number;
}
