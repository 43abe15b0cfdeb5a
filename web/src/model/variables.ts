// Locals, globals and watches of the selected frame.

import { type Atom, atom } from "../lib/atom";
import type { Evaluated, Scope, StackFrame, Variable } from "../lib/dap";
import { PAGE } from "./glance";
import { type Link, refusal } from "./link";
import type { Settings } from "./settings";
import { type Root, ValueTree } from "./value_tree";

export class VariablesModel {
  readonly tree: ValueTree;
  readonly watchTree: ValueTree;
  readonly watches: Atom<readonly string[]> = atom<readonly string[]>([]);
  readonly error: Atom<string> = atom("");
  private frame: StackFrame | undefined;
  private keep: Atom<readonly string[]> | null = null;

  constructor(
    private readonly link: Link,
    private readonly settings: Settings,
  ) {
    this.tree = new ValueTree(link);
    this.watchTree = new ValueTree(link);
    this.watches.watch(() => {
      this.keep?.set(this.watches.get());
      void this.refreshWatches();
    });
  }

  /** A session is new: what was watched in this program is watched again. */
  begin(program: string) {
    this.keep = this.settings.kept<readonly string[]>(`watches-${program}`, []);
    this.watches.set(this.keep.get());
  }

  /** `scopes`: those of the frame, where they are known already. */
  async refresh(frame: StackFrame | undefined, scopes?: readonly Scope[]): Promise<void> {
    this.frame = frame;
    if (!frame) {
      await Promise.all([this.tree.show([]), this.watchTree.show([])]);
      return;
    }
    await Promise.all([this.refreshScopes(frame, scopes), this.refreshWatches()]);
  }

  addWatch(expression: string) {
    const text = expression.trim();
    if (text !== "" && !this.watches.get().includes(text)) this.watches.set([...this.watches.get(), text]);
  }

  removeWatch(expression: string) {
    this.watches.set(this.watches.get().filter((watch) => watch !== expression));
  }

  /** The value of an expression in the selected frame. */
  evaluate(expression: string, context: "hover" | "watch" | "clipboard"): Promise<Evaluated> {
    const frameId = this.frame ? { frameId: this.frame.id } : {};
    return this.link.request<Evaluated>("evaluate", { expression, context, ...frameId });
  }

  private async refreshScopes(frame: StackFrame, known?: readonly Scope[]) {
    try {
      const scopes = known ?? (await this.scopes(frame));
      if (this.frame !== frame) return;
      await this.tree.show(scopes.map((scope) => rootOf(scope, frame)));
      this.error.set("");
    } catch (problem) {
      if (this.frame === frame) this.error.set(refusal(problem) ?? "");
    }
  }

  private async scopes(frame: StackFrame): Promise<readonly Scope[]> {
    return (await this.link.request<{ scopes: Scope[] }>("scopes", { frameId: frame.id, count: PAGE })).scopes;
  }

  private async refreshWatches() {
    const frame = this.frame;
    const watches = this.watches.get();
    const roots = await Promise.all(watches.map((watch) => this.watchRoot(watch)));
    if (this.frame === frame && this.watches.get() === watches) await this.watchTree.show(roots);
  }

  private async watchRoot(expression: string): Promise<Root> {
    return { id: `watch ${expression}`, isOpenAtFirst: false, value: await this.answer(expression, "watch") };
  }

  /** The value of an expression, or why there is none. */
  async answer(expression: string, context: "hover" | "watch"): Promise<Variable> {
    try {
      return variableOf(expression, await this.evaluate(expression, context));
    } catch (problem) {
      const value = problem instanceof Error ? problem.message : String(problem);
      return { name: expression, value, variablesReference: 0, ct: { kind: "error" } };
    }
  }
}

function variableOf(name: string, value: Evaluated): Variable {
  const { result, ...rest } = value;
  return { name, evaluateName: name, ...rest, value: result };
}

function rootOf({ variables, ...scope }: Scope, frame: StackFrame): Root {
  const isLocals = scope.presentationHint === "locals";
  return {
    id: scope.presentationHint ?? scope.name,
    title: isLocals ? frame.name : scope.name,
    isOpenAtFirst: isLocals || scope.presentationHint === "returnValue",
    value: { ...scope, value: "" },
    ...(variables ? { children: variables } : {}),
  };
}
