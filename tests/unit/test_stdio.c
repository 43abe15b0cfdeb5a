/* DAP over a pair of descriptors: whatever pieces the bytes come in, whatever the client does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/framing.h"
#include "server/stdio.h"

/* ---- Framing ---- */

static int next_message(struct sv_framing *framing, char *text, size_t capacity,
                        struct ct_error *error)
{
    const char *json;
    size_t size;
    int status = sv_framing_next(framing, &json, &size, error);
    text[0] = '\0';
    if (status == CT_OK && json != NULL) {
        assert_true(size < capacity);
        memcpy(text, json, size);
        text[size] = '\0';
    }
    return status;
}

static void test_messages_come_in_any_pieces(void **state)
{
    (void)state;
    static const char bytes[] = "Content-Length: 2\r\n\r\n{}"
                                "Content-Type: application/json; charset=utf-8\r\n"
                                "content-length:  4 \r\nX: y\r\n\r\n[12]"
                                "Content-Length: 0\n\n";
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct sv_framing framing = {0};
        struct ct_error error;
        char seen[64] = "";
        for (size_t at = 0; at < sizeof bytes - 1; at += piece) {
            size_t left = sizeof bytes - 1 - at;
            sv_framing_add(&framing, bytes + at, piece < left ? piece : left);
            const char *json;
            size_t size;
            while (sv_framing_next(&framing, &json, &size, &error) == CT_OK && json != NULL) {
                strncat(seen, json, size);
                strcat(seen, ";");
            }
        }
        assert_string_equal(seen, "{};[12];;");
        assert_false(sv_framing_is_partial(&framing));
        sv_framing_clear(&framing);
    }
}

static void test_what_is_no_message_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int status;
    } cases[] = {
        {"\r\n{}", CT_EFORMAT},
        {"Content-Type: x\r\n\r\n{}", CT_EFORMAT},
        {"hello\r\n\r\n", CT_EFORMAT},
        {"Content-Length: two\r\n\r\n", CT_EFORMAT},
        {"Content-Length: -1\r\n\r\n", CT_EFORMAT},
        {"Content-Length: 1 2\r\n\r\n", CT_EFORMAT},
        {"Content-Length:\r\n\r\n", CT_EFORMAT},
        {"Content-Length: 0x10\r\n\r\n", CT_EFORMAT},
        {"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", CT_EFORMAT},
        {"Content-Length: 99999999\r\n\r\n", CT_ELIMIT},
        {"Content-Length: 18446744073709551617\r\n\r\n", CT_ELIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sv_framing framing = {0};
        struct ct_error error;
        char text[64];
        sv_framing_add(&framing, cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(next_message(&framing, text, sizeof text, &error), cases[i].status);
        sv_framing_clear(&framing);
    }
}

static void test_an_endless_header_is_refused(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "a: b\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct sv_framing framing = {0};
        struct ct_error error;
        const char *json;
        size_t size;
        int status = CT_OK;
        for (int n = 0; n < 2 * SV_MAX_FRAME_HEADER && status == CT_OK; n++) {
            sv_framing_add(&framing, pieces[i], strlen(pieces[i]));
            status = sv_framing_next(&framing, &json, &size, &error);
        }
        assert_int_equal(status, CT_ELIMIT);
        assert_true(framing.bytes.size < 2 * SV_MAX_FRAME_HEADER);
        sv_framing_clear(&framing);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Bytes that may be headers, bodies, or neither. */
static size_t make_stream(uint64_t *seed, char bytes[1024])
{
    static const char *const parts[] = {
        "Content-Length: ",
        "content-length:",
        "3",
        "0",
        "12",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        "{}",
        "[1]",
        "X: ",
        ":",
        "Content-Length: 3\r\n\r\n[1]",
        "99999999999999999999",
        "-",
        " ",
        "\xff",
    };
    size_t size = 0;
    bytes[0] = '\0';
    while (next_random(seed) % 20 != 0 && size < 900) {
        const char *part = parts[next_random(seed) % (sizeof parts / sizeof parts[0])];
        size += (size_t)snprintf(bytes + size, 1024 - size, "%s", part);
    }
    if (size > 0 && next_random(seed) % 4 == 0) {
        bytes[next_random(seed) % size] = (char)next_random(seed);
    }
    return size;
}

/* What a stream says, in pieces of random sizes; its messages behind each other, and the status. */
static int read_in_pieces(uint64_t *seed, const char *bytes, size_t size, struct ct_bytes *seen)
{
    struct sv_framing framing = {0};
    struct ct_error error;
    int status = CT_OK;
    size_t at = 0;
    while (at < size && status == CT_OK) {
        size_t piece = 1 + next_random(seed) % 40;
        piece = piece < size - at ? piece : size - at;
        /* Each piece in memory of its own: AddressSanitizer sees a byte too far. */
        char *copy = malloc(piece);
        memcpy(copy, bytes + at, piece);
        sv_framing_add(&framing, copy, piece);
        free(copy);
        at += piece;
        const char *json = "";
        size_t length;
        while (status == CT_OK && json != NULL) {
            status = sv_framing_next(&framing, &json, &length, &error);
            if (json != NULL) {
                ct_bytes_add(seen, json, length);
                ct_bytes_add_byte(seen, ';');
            }
        }
    }
    sv_framing_clear(&framing);
    return status;
}

static void test_any_bytes_mean_the_same_in_any_pieces(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned messages = 0, broken = 0;
    for (int round = 0; round < 20000; round++) {
        char bytes[1024];
        size_t size = make_stream(&seed, bytes);
        struct ct_bytes first = {0}, second = {0};
        int status = read_in_pieces(&seed, bytes, size, &first);
        assert_int_equal(read_in_pieces(&seed, bytes, size, &second), status);
        assert_int_equal(first.size, second.size);
        if (first.size > 0) {
            assert_memory_equal(first.data, second.data, first.size);
        }
        messages += first.size > 0;
        broken += status != CT_OK;
        ct_bytes_free(&first);
        ct_bytes_free(&second);
    }
    assert_true(messages > 1000 && broken > 1000);
}

/* ---- A client ---- */

struct client {
    int to, from; /* the adapter */
    int in, out;  /* the adapter's ends */
    pthread_t thread;
    int status;
    struct ct_error error;
    char *seen; /* everything it sent */
    size_t size;
};

static void *serve(void *context)
{
    struct client *client = context;
    struct sv_stdio_options options = {.in = client->in, .out = client->out};
    client->status = sv_stdio_run(&options, &client->error);
    close(client->in);
    close(client->out);
    return NULL;
}

static int make_pipe(int ends[2])
{
    return pipe(ends);
}

static int make_sockets(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static void start_over(struct client *client, int (*make)(int ends[2]))
{
    int in[2], out[2];
    memset(client, 0, sizeof *client);
    assert_int_equal(make(in), 0);
    assert_int_equal(make(out), 0);
    client->in = in[0];
    client->to = in[1];
    client->from = out[0];
    client->out = out[1];
    client->seen = calloc(1, 1);
    assert_int_equal(pthread_create(&client->thread, NULL, serve, client), 0);
}

static void start(struct client *client)
{
    start_over(client, make_pipe);
}

static void say(struct client *client, const char *json)
{
    char text[1024];
    int size = snprintf(text, sizeof text, "Content-Length: %zu\r\n\r\n%s", strlen(json), json);
    assert_int_equal(write(client->to, text, (size_t)size), size);
}

static void request(struct client *client, int seq, const char *command, const char *arguments)
{
    char json[512];
    snprintf(json, sizeof json,
             "{\"seq\":%d,\"type\":\"request\",\"command\":\"%s\",\"arguments\":{%s}}", seq,
             command, arguments);
    say(client, json);
}

/* Read on; false at the end. */
static bool hear(struct client *client)
{
    char bytes[4096];
    ssize_t count = read(client->from, bytes, sizeof bytes);
    if (count <= 0) {
        return false;
    }
    client->seen = realloc(client->seen, client->size + (size_t)count + 1);
    memcpy(client->seen + client->size, bytes, (size_t)count);
    client->size += (size_t)count;
    client->seen[client->size] = '\0';
    return true;
}

/* Where a text is in what was heard, reading on until it is. */
static const char *hear_text(struct client *client, const char *text)
{
    const char *found;
    while ((found = strstr(client->seen, text)) == NULL && hear(client)) {
    }
    return found;
}

static void leave(struct client *client)
{
    if (client->to >= 0) {
        close(client->to);
        client->to = -1;
    }
}

static int end(struct client *client)
{
    leave(client);
    while (client->from >= 0 && hear(client)) {
    }
    pthread_join(client->thread, NULL);
    if (client->from >= 0) {
        close(client->from);
    }
    free(client->seen);
    client->seen = NULL;
    return client->status;
}

static void test_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct client client;
    start(&client);
    for (int i = 1; i <= 100; i++) {
        request(&client, i, "echo", "");
    }
    leave(&client); /* whoever closes its end still gets all answers */
    const char *at = client.seen;
    while (hear(&client)) {
    }
    at = client.seen;
    for (int i = 1; i <= 100; i++) {
        char text[32];
        snprintf(text, sizeof text, "\"request_seq\":%d,", i);
        at = strstr(at, text);
        assert_non_null(at);
    }
    assert_int_equal(end(&client), CT_OK);
}

static void test_a_cancel_reaches_the_request_that_runs(void **state)
{
    (void)state;
    struct client client;
    start(&client);
    request(&client, 1, "wait", "");
    request(&client, 2, "cancel", "\"requestId\":1");
    assert_non_null(hear_text(&client, "\"request_seq\":1,\"success\":false"));
    assert_non_null(hear_text(&client, "\"request_seq\":2,\"success\":true"));
    assert_int_equal(end(&client), CT_OK);
}

static void test_disconnect_ends_with_the_input_still_open(void **state)
{
    (void)state;
    struct client client;
    start(&client);
    request(&client, 1, "disconnect", "");
    request(&client, 2, "echo", "");
    while (hear(&client)) { /* it closes its end */
    }
    assert_non_null(strstr(client.seen, "\"request_seq\":1,"));
    assert_null(strstr(client.seen, "\"request_seq\":2,"));
    assert_int_equal(end(&client), CT_OK);
}

static void test_a_client_that_is_gone_ends_what_runs(void **state)
{
    (void)state;
    int (*const makes[])(int ends[2]) = {make_pipe, make_sockets};
    for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++) {
        struct client client;
        start_over(&client, makes[i]);
        request(&client, 1, "echo", "");
        request(&client, 2, "wait", "");
        request(&client, 3, "wait", "");
        assert_non_null(hear_text(&client, "\"request_seq\":1,"));
        close(client.from);
        client.from = -1;
        pthread_join(client.thread, NULL); /* ends at all, with its input open */
        assert_int_equal(client.status, CT_OK);
        close(client.to);
        free(client.seen);
    }
}

static void test_what_came_before_the_broken_message_is_answered(void **state)
{
    (void)state;
    static const char *const broken[] = {"Content-Length: x\r\n\r\n", "Content-Length: 10\r\n\r\n{",
                                         "Content-Le"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct client client;
        start(&client);
        request(&client, 1, "echo", "");
        assert_true(write(client.to, broken[i], strlen(broken[i])) > 0);
        leave(&client);
        assert_non_null(hear_text(&client, "\"request_seq\":1,"));
        assert_int_equal(end(&client), CT_EFORMAT);
    }
}

/* Neither side reads for a while: what waits is bounded, and nothing is lost. */
static void test_a_flood_waits_for_its_answers(void **state)
{
    (void)state;
    enum { REQUESTS = 5000 };
    struct client client;
    start(&client);
    pid_t flood = fork();
    assert_true(flood >= 0);
    if (flood == 0) {
        for (int i = 1; i < REQUESTS; i++) {
            request(&client, i, "echo", "");
        }
        request(&client, REQUESTS, "disconnect", "");
        _exit(0);
    }
    for (int i = 1; i <= REQUESTS; i += REQUESTS - 1) {
        char text[32];
        snprintf(text, sizeof text, "\"request_seq\":%d,", i);
        assert_non_null(hear_text(&client, text));
    }
    assert_int_equal(end(&client), CT_OK);
    waitpid(flood, NULL, 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_in_any_pieces),
        cmocka_unit_test(test_what_is_no_message_is_refused),
        cmocka_unit_test(test_an_endless_header_is_refused),
        cmocka_unit_test(test_any_bytes_mean_the_same_in_any_pieces),
        cmocka_unit_test(test_requests_are_answered_in_order),
        cmocka_unit_test(test_a_cancel_reaches_the_request_that_runs),
        cmocka_unit_test(test_disconnect_ends_with_the_input_still_open),
        cmocka_unit_test(test_a_client_that_is_gone_ends_what_runs),
        cmocka_unit_test(test_what_came_before_the_broken_message_is_answered),
        cmocka_unit_test(test_a_flood_waits_for_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
