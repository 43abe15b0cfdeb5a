#include "export/utf8.h"

#include "base/utf8.h"

bool export_is_utf8(struct ctr_text text)
{
    return ct_utf8_prefix((const uint8_t *)text.bytes, text.size) == text.size;
}

struct ctr_text export_clean_text(struct ctr_text text, struct ct_bytes *scratch)
{
    const uint8_t *at = (const uint8_t *)text.bytes;
    size_t clean = ct_utf8_prefix(at, text.size);
    if (clean == text.size) {
        return text;
    }
    scratch->size = 0;
    size_t left = text.size;
    while (left > 0) {
        ct_bytes_add(scratch, at, clean);
        at += clean;
        left -= clean;
        if (left > 0) {
            ct_bytes_add_text(scratch, "\xef\xbf\xbd");
            at++;
            left--;
        }
        clean = ct_utf8_prefix(at, left);
    }
    return (struct ctr_text){(const char *)scratch->data, scratch->failed ? 0 : scratch->size};
}
