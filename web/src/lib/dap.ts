// The part of the Debug Adapter Protocol that the window uses. What is ours stands in protocol.ts.

import type { VariableExtra } from "./protocol";

export interface DapResponse {
  type: "response";
  request_seq: number;
  command: string;
  success: boolean;
  message?: string;
  body?: unknown;
}

export interface DapEvent {
  type: "event";
  event: string;
  body?: unknown;
}

export interface Thread {
  id: number;
  name: string;
}

export interface Source {
  name?: string;
  path?: string;
}

export interface StackFrame {
  id: number;
  name: string;
  source?: Source;
  line: number;
  column: number;
  endLine?: number; // of a caller: with `column`, the call it waits in, where that is known
  endColumn?: number;
  ct?: { key: number; isCallSite: boolean };
}

export interface Scope {
  name: string;
  presentationHint?: string;
  variablesReference: number;
  namedVariables?: number;
  indexedVariables?: number;
  variables?: Variable[]; // the first of them, where `scopes` was asked for them
}

export interface Variable {
  name: string;
  value: string;
  type?: string;
  variablesReference: number;
  namedVariables?: number;
  indexedVariables?: number;
  evaluateName?: string;
  ct?: VariableExtra;
}

export interface Evaluated {
  result: string;
  type?: string;
  variablesReference: number;
  namedVariables?: number;
  indexedVariables?: number;
  ct?: VariableExtra;
}

export interface SourceBreakpoint {
  line: number;
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
}

export interface Breakpoint {
  id?: number;
  verified: boolean;
  line?: number;
  message?: string;
}

export interface ProgressBody {
  progressId: string;
  title?: string;
  message?: string;
  percentage?: number;
  requestId?: number;
}
