/* The server in this process, with an adapter that waits and tells as it is asked to: what depends
 * on time, on order, and on many clients at once. Run it under ThreadSanitizer, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json_find.h"
#include "server/server_internal.h"
#include "trace_builder.h"

enum { REPLY_BYTES = 1 << 20, STRESS_CLIENTS = 8, STRESS_ROUNDS = 15 };

/* ---- A running server ---- */

struct running {
    struct sv_server *server;
    char *path; /* of the trace */
    pthread_t thread;
};

static void *serve(void *server)
{
    assert_int_equal(sv_server_run(server, NULL), CT_OK);
    return NULL;
}

static void start(struct running *running, time_t request_seconds, time_t session_seconds)
{
    struct tb tb;
    struct ct_error error;
    running->path = tb_path();
    tb_open(&tb, running->path, 2, 1);
    tb_random(&tb, 20);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct sv_options options = {.directory = running->path};
    assert_int_equal(sv_server_new(&running->server, &options, &error), CT_OK);
    running->server->connections.request_seconds = request_seconds;
    running->server->session_seconds = session_seconds;
    assert_int_equal(pthread_create(&running->thread, NULL, serve, running->server), 0);
}

static void end(struct running *running)
{
    kill(getpid(), SIGTERM); /* libevent's handler wakes the loop */
    pthread_join(running->thread, NULL);
    assert_int_equal(running->server->session_count, 0);
    sv_server_free(running->server);
    tb_remove(running->path);
}

/* ---- A client ---- */

static int connect_to(const struct running *running)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(running->server->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_head(const struct running *running, int fd, const char *method, const char *path,
                      const char *body)
{
    char text[2048];
    int size = snprintf(text, sizeof text,
                        "%s /api%s HTTP/1.1\r\nHost: localhost:%u\r\nX-CT-Token: %s\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                        method, path, (unsigned)running->server->port, running->server->token,
                        strlen(body), body);
    assert_int_equal(write(fd, text, (size_t)size), size);
}

/* All that comes until the connection ends; the caller frees. */
static char *receive_all(int fd)
{
    char *text = malloc(REPLY_BYTES + 1);
    size_t size = 0;
    ssize_t count;
    while (size < REPLY_BYTES && (count = read(fd, text + size, REPLY_BYTES - size)) > 0) {
        size += (size_t)count;
    }
    text[size] = '\0';
    close(fd);
    return text;
}

static char *ask(const struct running *running, const char *method, const char *path,
                 const char *body)
{
    int fd = connect_to(running);
    send_head(running, fd, method, path, body);
    return receive_all(fd);
}

static int status_of(char *reply)
{
    int status = strncmp(reply, "HTTP/1.1 ", 9) == 0 ? (int)strtol(reply + 9, NULL, 10) : 0;
    free(reply);
    return status;
}

static void open_session(const struct running *running, char id[64])
{
    char *reply = ask(running, "POST", "/sessions", "{\"recording\":\"\"}");
    assert_true(ct_json_find_text(reply, "session", id, 64));
    free(reply);
}

static int send_request(const struct running *running, const char *id, int seq, const char *command,
                        const char *arguments)
{
    char path[128], body[512];
    snprintf(path, sizeof path, "/sessions/%s/dap", id);
    snprintf(body, sizeof body,
             "{\"seq\":%d,\"type\":\"request\",\"command\":\"%s\",\"arguments\":{%s}}", seq,
             command, arguments);
    int fd = connect_to(running);
    send_head(running, fd, "POST", path, body);
    return fd;
}

static int request(const struct running *running, const char *id, int seq, const char *command,
                   const char *arguments)
{
    return status_of(receive_all(send_request(running, id, seq, command, arguments)));
}

static int open_stream(const struct running *running, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "/sessions/%s/events", id);
    int fd = connect_to(running);
    send_head(running, fd, "GET", path, "");
    return fd;
}

static int close_session(const struct running *running, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "/sessions/%s", id);
    return status_of(ask(running, "DELETE", path, ""));
}

/* ---- Tests ---- */

static void test_a_cancel_passes_the_requests_that_wait(void **state)
{
    (void)state;
    struct running running;
    char id[64];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    open_session(&running, id);
    int waiting = send_request(&running, id, 1, "wait", "");
    int next = send_request(&running, id, 2, "echo", "");
    assert_int_equal(request(&running, id, 3, "cancel", "\"requestId\":1"), 200);
    char *first = receive_all(waiting);
    assert_non_null(strstr(first, "\"success\":false"));
    free(first);
    assert_int_equal(status_of(receive_all(next)), 200);
    end(&running);
}

static void test_sessions_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct running running;
    char busy[64], other[64];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    open_session(&running, busy);
    open_session(&running, other);
    int waiting = send_request(&running, busy, 1, "wait", "");
    assert_int_equal(request(&running, other, 1, "echo", ""), 200);
    assert_int_equal(close_session(&running, busy), 200); /* ends what runs */
    assert_int_equal(status_of(receive_all(waiting)), 200);
    assert_int_equal(request(&running, busy, 2, "echo", ""), 404);
    end(&running);
}

/* The count is the server's thread's own; nothing is answered that this could be about. */
__attribute__((no_sanitize("thread"))) static void pretend_to_wait(struct sv_session *session,
                                                                   int requests)
{
    session->pending += (unsigned)requests;
}

static void test_requests_of_a_session_that_wait_are_limited(void **state)
{
    (void)state;
    struct running running;
    char id[64];
    int waiting[SV_MAX_PENDING - 20];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    open_session(&running, id);
    struct sv_session *session = running.server->sessions;
    pretend_to_wait(session, 20); /* no more connections than the server lets in */
    waiting[0] = send_request(&running, id, 1, "wait", "");
    for (int i = 1; i < SV_MAX_PENDING - 20; i++) {
        waiting[i] = send_request(&running, id, i + 1, "echo", "");
    }
    int refused = request(&running, id, 100, "echo", "");
    while (refused == 200) {
        refused = request(&running, id, 100, "echo", "");
    }
    assert_int_equal(refused, 429);
    assert_int_equal(request(&running, id, 101, "cancel", "\"requestId\":1"), 200);
    pretend_to_wait(session, -20);
    for (int i = 0; i < SV_MAX_PENDING - 20; i++) {
        assert_int_equal(status_of(receive_all(waiting[i])), 200);
    }
    end(&running);
}

static void test_events_that_are_gone_are_counted(void **state)
{
    (void)state;
    struct running running;
    char id[64];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    open_session(&running, id);
    assert_int_equal(request(&running, id, 1, "tell", "\"count\":3000"), 200);
    int stream = open_stream(&running, id);
    assert_int_equal(request(&running, id, 2, "disconnect", ""), 200);
    char *events = receive_all(stream);
    char lost[32], first[64];
    snprintf(lost, sizeof lost, "{\"count\":%d}", 3000 - SV_MAX_EVENTS);
    snprintf(first, sizeof first, "id: %d\n", 3000 - SV_MAX_EVENTS + 1);
    const char *at = strstr(events, "ct/events-lost");
    assert_non_null(at);
    assert_non_null(strstr(at, lost));
    assert_non_null(strstr(at, first));
    assert_non_null(strstr(at, "{\"number\":2999}"));
    free(events);
    end(&running);
}

static void test_a_slow_client_is_let_go(void **state)
{
    (void)state;
    struct running running;
    start(&running, 1, SV_SESSION_SECONDS);
    int fd = connect_to(&running);
    /* One byte now and then: libevent alone would wait for ever. */
    ssize_t sent = 1;
    int bytes = 0;
    while (sent == 1 && bytes < 200) {
        sent = send(fd, "G", 1, MSG_NOSIGNAL);
        bytes++;
        usleep(50 * 1000);
    }
    assert_true(bytes < 200);
    close(fd);
    end(&running);
}

static void test_a_slow_answer_is_no_slow_client(void **state)
{
    (void)state;
    struct running running;
    char id[64];
    start(&running, 1, SV_SESSION_SECONDS);
    open_session(&running, id);
    int stream = open_stream(&running, id);
    int waiting = send_request(&running, id, 1, "wait", "");
    usleep(2500 * 1000);
    assert_int_equal(request(&running, id, 2, "cancel", "\"requestId\":1"), 200);
    assert_int_equal(status_of(receive_all(waiting)), 200);
    assert_int_equal(request(&running, id, 3, "tell", "\"count\":1"), 200);
    assert_int_equal(close_session(&running, id), 200);
    char *events = receive_all(stream);
    assert_non_null(strstr(events, "\"event\":\"told\""));
    free(events);
    end(&running);
}

static void test_a_session_left_alone_ends(void **state)
{
    (void)state;
    struct running running;
    char alone[64], heard[64];
    start(&running, SV_REQUEST_SECONDS, 1);
    open_session(&running, alone);
    open_session(&running, heard);
    int stream = open_stream(&running, heard);
    usleep(2500 * 1000);
    assert_int_equal(request(&running, alone, 1, "echo", ""), 404);
    assert_int_equal(request(&running, heard, 1, "echo", ""), 200);
    close(stream);
    end(&running);
}

static void test_the_end_does_not_wait_for_what_runs(void **state)
{
    (void)state;
    struct running running;
    char id[64];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    open_session(&running, id);
    int stream = open_stream(&running, id);
    int waiting = send_request(&running, id, 1, "wait", "");
    int behind = send_request(&running, id, 2, "wait", "");
    assert_int_equal(request(&running, "0123456789abcdef0123456789abcdef", 1, "echo", ""), 404);
    usleep(100 * 1000); /* so that the first one runs, mostly */
    end(&running);
    char *events = receive_all(stream);
    assert_non_null(strstr(events, "ct/server-ending"));
    free(events);
    free(receive_all(waiting));
    free(receive_all(behind));
}

/* ---- Many at once ---- */

static void *use_at_random(void *context)
{
    struct running *running = context;
    uint64_t seed = (uint64_t)pthread_self();
    for (int round = 0; round < STRESS_ROUNDS; round++) {
        char id[64];
        open_session(running, id);
        int stream = tb_next_random(&seed) % 2 == 0 ? open_stream(running, id) : -1;
        int waiting =
            tb_next_random(&seed) % 2 == 0 ? send_request(running, id, 1, "wait", "") : -1;
        int telling = send_request(running, id, 2, "tell", "\"count\":50");
        bool is_waiting = waiting >= 0 && tb_next_random(&seed) % 2 == 0;
        if (waiting >= 0 && !is_waiting) {
            request(running, id, 3, "cancel", "\"requestId\":1");
        }
        if (stream >= 0 && tb_next_random(&seed) % 2 == 0) {
            close(stream); /* in the middle */
            stream = -1;
        }
        if (is_waiting || tb_next_random(&seed) % 3 > 0) { /* or no thread would be left */
            close_session(running, id);
        }
        close(telling);
        close(waiting);
        close(stream);
    }
    return NULL;
}

static void test_many_clients_that_come_and_go(void **state)
{
    (void)state;
    struct running running;
    pthread_t threads[STRESS_CLIENTS];
    start(&running, SV_REQUEST_SECONDS, SV_SESSION_SECONDS);
    for (int i = 0; i < STRESS_CLIENTS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_at_random, &running), 0);
    }
    for (int i = 0; i < STRESS_CLIENTS; i++) {
        pthread_join(threads[i], NULL);
    }
    end(&running);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    char home[] = "/tmp/ct_server_XXXXXX"; /* no list of recordings */
    assert_non_null(mkdtemp(home));
    setenv("XDG_DATA_HOME", home, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cancel_passes_the_requests_that_wait),
        cmocka_unit_test(test_sessions_do_not_wait_for_each_other),
        cmocka_unit_test(test_requests_of_a_session_that_wait_are_limited),
        cmocka_unit_test(test_events_that_are_gone_are_counted),
        cmocka_unit_test(test_a_slow_client_is_let_go),
        cmocka_unit_test(test_a_slow_answer_is_no_slow_client),
        cmocka_unit_test(test_a_session_left_alone_ends),
        cmocka_unit_test(test_the_end_does_not_wait_for_what_runs),
        cmocka_unit_test(test_many_clients_that_come_and_go),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(home);
    return failed;
}
