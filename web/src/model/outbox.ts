// Requests that are made at once travel together: for the browser a message costs more than what is
// in it. Those that may take long go alone: nobody's answer waits for theirs.

import type { DapRequest } from "../api/client";
import type { DapResponse } from "../lib/dap";
import { drawTogether } from "../lib/drawing";

const SLOW = new Set([
  "cancel",
  "ct/draw-history",
  "ct/load-history",
  "ct/load-timeline",
  "ct/search-calltrace",
  "ct/tasks",
]);
const MOST = 64; // requests in a message

interface Letter {
  request: DapRequest;
  resolve: (response: DapResponse) => void;
  reject: (problem: unknown) => void;
}

export class Outbox {
  private waiting: Letter[] = [];
  private readonly bell = new MessageChannel(); // what is asked before it rings goes together

  constructor(
    private readonly send: (request: DapRequest) => Promise<DapResponse>,
    private readonly number: () => number,
  ) {
    this.bell.port1.onmessage = () => this.flush();
  }

  post(request: DapRequest): Promise<DapResponse> {
    if (SLOW.has(request.command)) return this.send(request);
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ request, resolve, reject }) === 1) this.bell.port2.postMessage(null);
    });
  }

  /** What still waits will never be sent. */
  close() {
    this.bell.port1.close();
    for (const { reject } of this.waiting.splice(0)) reject(new Error("The session has ended."));
  }

  /** Send what waits, now. */
  flush() {
    while (this.waiting.length > 0) void this.deliver(this.waiting.splice(0, MOST));
  }

  private async deliver(letters: readonly Letter[]) {
    try {
      const responses = await this.together(letters.map(({ request }) => request));
      drawTogether();
      for (const [index, { resolve, reject }] of letters.entries()) {
        const response = responses[index];
        if (response) resolve(response);
        else reject(new Error("The answer is missing."));
      }
    } catch (problem) {
      for (const { reject } of letters) reject(problem);
    }
  }

  private async together(requests: DapRequest[]): Promise<DapResponse[]> {
    const [first] = requests;
    if (first && requests.length === 1) return [await this.send(first)];
    const batch = { seq: this.number(), type: "request", command: "ct/batch", arguments: { requests } } as const;
    const { body } = await this.send(batch);
    return (body as { responses: DapResponse[] } | undefined)?.responses ?? [];
  }
}
