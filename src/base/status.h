/* Status codes and the caller-owned error message every fallible function fills.
 *
 * A function that can fail returns an int: CT_OK (0) or one of the codes below. When the code is
 * not CT_OK and the caller passed an error, `message` holds one sentence for a person: what
 * happened, to what, and where possible what to do next. */
#ifndef CT_BASE_STATUS_H
#define CT_BASE_STATUS_H

enum ct_status {
    CT_OK = 0,
    CT_EIO,      /* the operating system refused: see the message for errno's text */
    CT_ENOMEM,   /* an allocation failed */
    CT_EFORMAT,  /* bytes that are not what they should be */
    CT_EVERSION, /* a newer format than this program reads */
    CT_ELIMIT,   /* a named limit was reached */
    CT_EUSAGE,   /* the caller asked for something that makes no sense */
    CT_ESTATE,   /* right request, wrong moment */
    CT_ECANCEL,  /* whoever asked wants no answer any more */
};

enum { CT_ERROR_MESSAGE_BYTES = 1024 };

struct ct_error {
    int code;
    char message[CT_ERROR_MESSAGE_BYTES];
};

/* Fill `error` (may be NULL) and return `code`, so that callers can write `return ct_fail(...)`. */
int ct_fail(struct ct_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As ct_fail with CT_EIO; appends ": " and the text of errno. */
int ct_fail_errno(struct ct_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A short name of a status code, for logs and tests; never NULL. */
const char *ct_status_name(int code);

#endif
