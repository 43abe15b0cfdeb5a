// The only module that does network: JSON over POST, and events over a stream read with `fetch`.

import type { DapEvent, DapResponse } from "../lib/dap";
import { readEvents } from "./event_stream";

export interface RecordingEntry {
  id: string;
  number: number;
  program: string;
  args: string[];
  directory: string;
  recordedAt: string;
  duration: number | null;
  exitCode: number | null;
  bytes: number;
  state: "ok" | "unfinished" | "moved" | "missing" | "deleted";
}

export interface RecordingList {
  recordings: RecordingEntry[];
  current: string | null;
}

/** Why a request got no good answer. */
export class ApiError extends Error {
  constructor(
    readonly kind: "unreachable" | "forbidden" | "gone" | "refused",
    message: string,
  ) {
    super(message);
  }
}

export interface Api {
  recordings(): Promise<RecordingList>;
  /** The first request is answered with the session: that saves a message. */
  openSession(recording: string, first: DapRequest): Promise<{ session: string; response: DapResponse }>;
  closeSession(session: string): void;
  send(session: string, request: DapRequest): Promise<DapResponse>;
  /** Events behind the cursor, until the signal ends it; resolves when the stream has ended by itself. */
  events(session: string, cursor: EventCursor, take: (event: DapEvent) => void, signal: AbortSignal): Promise<void>;
}

/** The last event that was taken: a stream that broke goes on behind it. */
export interface EventCursor {
  last: string;
}

export interface DapRequest {
  seq: number;
  type: "request";
  command: string;
  arguments?: unknown;
}

export function createApi(token: () => string): Api {
  const headers = () => ({ "X-CT-Token": token() });

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers: { ...headers(), ...init.headers }, cache: "no-store" });
    } catch (problem) {
      if (init.signal?.aborted) throw problem;
      throw new ApiError("unreachable", "The server does not answer.");
    }
    if (response.ok) return response;
    const said: unknown = await response.json().catch(() => null);
    const text = (said as { error?: unknown } | null)?.error;
    const kind = response.status === 403 ? "forbidden" : response.status === 404 ? "gone" : "refused";
    throw new ApiError(kind, typeof text === "string" ? text : `The server answered ${response.status}.`);
  }

  async function post<T>(path: string, body: unknown): Promise<T> {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await ask(path, init);
    return (await response.json().catch(() => {
      throw new ApiError("unreachable", "The server's answer was cut off.");
    })) as T;
  }

  return {
    recordings: async () => (await ask("/api/recordings")).json() as Promise<RecordingList>,
    openSession: (recording, first) => post("/api/sessions", { recording, first }),
    closeSession(session) {
      // Also while the page goes away; whether it arrives is not waited for.
      ask(`/api/sessions/${session}`, { method: "DELETE", keepalive: true }).catch(() => {});
    },
    send: (session, request) => post<DapResponse>(`/api/sessions/${session}/dap`, request),
    async events(session, cursor, take, signal) {
      const headers: Record<string, string> = cursor.last === "" ? {} : { "Last-Event-ID": cursor.last };
      const response = await ask(`/api/sessions/${session}/events`, { signal, headers });
      if (!response.body) return;
      for await (const { id, data } of readEvents(response.body)) {
        cursor.last = id || cursor.last;
        take(JSON.parse(data) as DapEvent);
      }
    },
  };
}
