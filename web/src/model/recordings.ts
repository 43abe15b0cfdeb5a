// The list of recordings, for the welcome page.

import type { Api, RecordingEntry } from "../api/client";
import { type Atom, atom } from "../lib/atom";

export interface RecordingsState {
  isLoading: boolean;
  recordings: readonly RecordingEntry[];
  current: string | null;
  error: string;
}

export class RecordingsModel {
  readonly state: Atom<RecordingsState> = atom<RecordingsState>({
    isLoading: true,
    recordings: [],
    current: null,
    error: "",
  });

  constructor(private readonly api: Api) {}

  async load(): Promise<void> {
    this.state.set({ ...this.state.get(), isLoading: true, error: "" });
    try {
      const { recordings, current } = await this.api.recordings();
      this.state.set({ isLoading: false, recordings, current, error: "" });
    } catch (problem) {
      const error = problem instanceof Error ? problem.message : String(problem);
      this.state.set({ ...this.state.get(), isLoading: false, error });
    }
  }
}
