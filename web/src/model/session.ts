// A session of the server's. Its first message opens it; those made before that is done wait.

import type { Api, DapRequest } from "../api/client";
import type { DapResponse } from "../lib/dap";

export class Session {
  /** "" until it is open. */
  id = "";
  private opened: Promise<unknown> | null = null;
  private isClosed = false;

  constructor(
    private readonly api: Api,
    private readonly recording: string,
  ) {}

  async send(request: DapRequest): Promise<DapResponse> {
    if (!this.opened) {
      const opened = this.api.openSession(this.recording, request);
      this.opened = opened;
      const { session, response } = await opened;
      this.id = session;
      if (this.isClosed) this.close();
      return response;
    }
    await this.opened;
    return this.api.send(this.id, request);
  }

  /** Also when the page goes away. */
  close() {
    this.isClosed = true;
    if (this.id !== "") this.api.closeSession(this.id);
  }
}
