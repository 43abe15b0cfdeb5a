// Values as a tree that is opened on demand: what is open stays open while one moves.

import { type Atom, atom } from "../lib/atom";
import type { Variable } from "../lib/dap";
import { plural } from "../lib/format";
import { PAGE } from "./glance";
import type { Link } from "./link";

export interface Root {
  id: string; // names the root while one moves
  title?: string; // of a section; absent: the root's own value is shown
  isOpenAtFirst: boolean;
  value: Variable; // what holds the children
  children?: readonly Variable[]; // the first page of them, where it is known
}

export type TreeRow =
  | { kind: "section"; path: string; title: string; isOpen: boolean }
  /** `holder`: the expression for the value whose part it is. */
  | { kind: "value"; path: string; depth: number; variable: Variable; holder?: string | undefined; isOpen: boolean }
  | { kind: "more"; path: string; depth: number; left: number }
  | { kind: "note"; path: string; depth: number; text: string };

interface Parts {
  holder: Variable;
  variables: readonly Variable[];
}

interface Branch {
  children: Variable[];
  left: number; // children that are not loaded
}

export class ValueTree {
  readonly rows: Atom<readonly TreeRow[]> = atom<readonly TreeRow[]>([]);
  private roots: readonly Root[] = [];
  private branches = new Map<string, Branch | string>(); // or why it could not be loaded
  private readonly toggled = new Map<string, boolean>();
  private readonly sizes = new Map<string, number>(); // children shown, where more than a page
  private round = 0;

  constructor(private readonly link: Link) {}

  /** Show these roots: their open branches are loaded first, so that nothing flickers. */
  async show(roots: readonly Root[]): Promise<void> {
    const round = ++this.round;
    const branches = new Map<string, Branch | string>();
    await Promise.all(roots.map((root) => this.fill(branches, root.id, root.value, this.isOpen(root), root.children)));
    if (round !== this.round) return;
    this.roots = roots;
    this.branches = branches;
    this.rows.set(this.flatten());
  }

  async toggle(path: string): Promise<void> {
    const row = this.rows.get().find((candidate) => candidate.path === path);
    if (!row || (row.kind !== "value" && row.kind !== "section")) return;
    this.toggled.set(path, !row.isOpen);
    await this.reload(path);
  }

  async showMore(path: string): Promise<void> {
    this.sizes.set(path, (this.sizes.get(path) ?? PAGE) + PAGE * 5);
    await this.reload(path);
  }

  private async reload(path: string): Promise<void> {
    const value = this.valueAt(path);
    const round = this.round;
    const root = this.roots.find((candidate) => candidate.id === path);
    const isOpen = root ? this.isOpen(root) : this.toggled.get(path) === true;
    if (value) await this.fill(this.branches, path, value, isOpen);
    if (round === this.round) this.rows.set(this.flatten());
  }

  private isOpen(root: Root): boolean {
    return this.toggled.get(root.id) ?? root.isOpenAtFirst;
  }

  private valueAt(path: string): Variable | undefined {
    const row = this.rows.get().find((candidate) => candidate.path === path);
    return row?.kind === "value" ? row.variable : this.roots.find((root) => root.id === path)?.value;
  }

  private async fill(
    into: Map<string, Branch | string>,
    path: string,
    value: Variable,
    isOpen: boolean,
    known?: readonly Variable[],
  ) {
    if (!isOpen || value.variablesReference === 0) return;
    try {
      const size = this.sizes.get(path) ?? PAGE;
      const branch = known && size === PAGE ? branchOf(value, known, PAGE) : await this.load(value, size);
      into.set(path, branch);
      const open = branch.children.map((child) => ({ child, path: `${path}/${child.name}` }));
      await Promise.all(open.map(({ child, path: at }) => this.fill(into, at, child, this.toggled.get(at) === true)));
    } catch (problem) {
      into.set(path, problem instanceof Error ? problem.message : String(problem));
    }
  }

  private async load(value: Variable, size: number): Promise<Branch> {
    const reference = { variablesReference: value.variablesReference };
    const page = sizeOf(value) > size ? { start: 0, count: size } : {};
    const { variables } = await this.link.request<{ variables: Variable[] }>("variables", { ...reference, ...page });
    return branchOf(value, variables, size);
  }

  private flatten(): TreeRow[] {
    const rows: TreeRow[] = [];
    for (const root of this.roots) {
      const isOpen = this.isOpen(root);
      if (root.title === undefined) {
        rows.push({ kind: "value", path: root.id, depth: 0, variable: root.value, isOpen });
        if (isOpen) this.put(rows, root.id, 1, root.value);
      } else {
        rows.push({ kind: "section", path: root.id, title: root.title, isOpen });
        if (isOpen) this.put(rows, root.id, 0, root.value);
      }
    }
    return rows;
  }

  /** What a value holds. Of the names of a scope those that every module has come last, and folded. */
  private put(rows: TreeRow[], path: string, depth: number, holder: Variable) {
    const branch = this.branches.get(path);
    if (branch === undefined) return;
    if (typeof branch === "string") {
      rows.push({ kind: "note", path: `${path}//`, depth, text: branch });
      return;
    }
    const isFolded = ({ name, ct }: Variable) => depth === 0 && /^__\w+__$/.test(name) && !ct?.isChanged;
    this.putAll(rows, path, depth, { holder, variables: branch.children.filter((variable) => !isFolded(variable)) });
    if (branch.left > 0) rows.push({ kind: "more", path, depth, left: branch.left });
    if (branch.children.length === 0) rows.push({ kind: "note", path: `${path}//`, depth, text: "nothing" });
    const folded = branch.children.filter(isFolded);
    if (folded[0]) {
      const at = `${path}//folded`;
      const isOpen = this.toggled.get(at) === true;
      rows.push({
        kind: "section",
        path: at,
        title: `${plural(folded.length, "name")} like ${folded[0].name}`,
        isOpen,
      });
      if (isOpen) this.putAll(rows, path, depth, { holder, variables: folded });
    }
  }

  private putAll(rows: TreeRow[], path: string, depth: number, { holder, variables }: Parts) {
    for (const variable of variables) {
      const at = `${path}/${variable.name}`;
      const isOpen = this.toggled.get(at) === true && variable.variablesReference !== 0;
      rows.push({ kind: "value", path: at, depth, variable, holder: nameOf(holder, depth), isOpen });
      if (isOpen) this.put(rows, at, depth + 1, variable);
    }
  }
}

function sizeOf({ namedVariables = 0, indexedVariables = 0 }: Variable): number {
  return namedVariables + indexedVariables;
}

function branchOf(value: Variable, variables: readonly Variable[], size: number): Branch {
  const left = Math.max(0, Math.max(sizeOf(value), variables.length) - size);
  return { children: variables.slice(0, size), left };
}

/** How to name a value whose part a row shows: a part that has no such name has no history. Variables
 *  of a scope are no parts. */
function nameOf(holder: Variable, depth: number): string | undefined {
  return depth === 0 ? undefined : (holder.evaluateName ?? "");
}
