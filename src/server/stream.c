#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "server/server_internal.h"

/* ---- The connection ends ---- */

/* By now libevent has taken the request off its connection and left it to us; it ends by a reply.
 * Where it is still on it, libevent frees it. */
static void forget_request(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct sv_session *session = context;
    struct evhttp_request *request = session->stream.request;
    session->stream = (struct sv_stream){0};
    session->used = sv_now();
    if (evhttp_request_get_connection(request) == NULL) {
        evhttp_send_reply_end(request);
    }
}

static struct evbuffer *rest_of_events(struct sv_session *session)
{
    struct ct_bytes bytes = {0};
    sv_events_read(&session->events, session->stream.next, SIZE_MAX, &bytes);
    struct evbuffer *chunk = bytes.failed ? NULL : evbuffer_new();
    if (chunk != NULL) {
        evbuffer_add(chunk, bytes.data, bytes.size);
    }
    ct_bytes_free(&bytes);
    return chunk;
}

void sv_stream_end(struct sv_session *session)
{
    struct evhttp_request *request = session->stream.request;
    if (request == NULL) {
        return;
    }
    struct evbuffer *chunk = rest_of_events(session);
    session->stream = (struct sv_stream){0};
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    if (chunk != NULL && evbuffer_get_length(chunk) > 0) {
        evhttp_send_reply_chunk(request, chunk);
    }
    if (chunk != NULL) {
        evbuffer_free(chunk);
    }
    evhttp_send_reply_end(request);
}

/* ---- Sending ---- */

/* What was sent has left for the client: there is room for more. */
static void go_on(struct evhttp_connection *connection, void *context)
{
    struct sv_session *session = context;
    struct evhttp_request *request = session->stream.request;
    if (request != NULL && evhttp_request_get_connection(request) == connection) {
        session->stream.is_writing = false;
        sv_stream_pump(session);
    }
}

static void send_bytes(struct sv_session *session, const void *data, size_t size)
{
    struct evbuffer *chunk = evbuffer_new();
    if (chunk == NULL || evbuffer_add(chunk, data, size) != 0) {
        sv_stream_end(session); /* the client comes back for what it has not got */
    } else {
        session->stream.is_writing = true;
        session->stream.written = sv_now();
        evhttp_send_reply_chunk_with_cb(session->stream.request, chunk, go_on, session);
    }
    if (chunk != NULL) {
        evbuffer_free(chunk);
    }
}

void sv_stream_pump(struct sv_session *session)
{
    struct sv_stream *stream = &session->stream;
    if (stream->request == NULL || stream->is_writing) {
        return;
    }
    struct ct_bytes bytes = {0};
    uint64_t next = sv_events_read(&session->events, stream->next, SV_STREAM_BYTES, &bytes);
    if (!bytes.failed) {
        stream->next = next;
    }
    if (bytes.size > 0 && !bytes.failed) {
        send_bytes(session, bytes.data, bytes.size);
    }
    ct_bytes_free(&bytes);
}

void sv_stream_ping(struct sv_session *session)
{
    static const char ping[] = ": still here\n\n";
    struct sv_stream *stream = &session->stream;
    if (!stream->is_writing && sv_now() - stream->written >= SV_PING_SECONDS) {
        send_bytes(session, ping, sizeof ping - 1);
    }
}

void sv_stream_start(struct sv_session *session, struct evhttp_request *request, uint64_t after)
{
    static const char hello[] = ": events\n\n";
    sv_stream_end(session); /* there is one client: the later one is it */
    sv_put_headers(request, "text/event-stream");
    session->stream.request = request;
    session->stream.next = after < UINT64_MAX ? after + 1 : after;
    session->used = sv_now();
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), forget_request, session);
    evhttp_send_reply_start(request, 200, "OK");
    send_bytes(session, hello, sizeof hello - 1);
}
