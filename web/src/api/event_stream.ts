// Server-sent events out of a byte stream. `EventSource` cannot send the token's header.

export interface StreamEvent {
  id: string;
  data: string;
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  let event: StreamEvent = { id: "", data: "" };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end).replace(/\r$/, "");
        text = text.slice(end + 1);
        if (line !== "") event = withLine(event, line);
        else {
          if (event.data !== "") yield event;
          event = { id: "", data: "" };
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function withLine(event: StreamEvent, line: string): StreamEvent {
  if (line.startsWith("data:")) {
    const more = line.slice(5).replace(/^ /, "");
    return { ...event, data: event.data === "" ? more : `${event.data}\n${more}` };
  }
  return line.startsWith("id:") ? { ...event, id: line.slice(3).trim() } : event;
}
