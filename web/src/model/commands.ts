// Every command of the window: its name, its keys, what it does. The toolbar, the palette, the help
// and the keyboard all read this one table.

import type { Command } from "./command";
import { MOVES } from "./move_commands";
import { LOOKS, OTHERS, POINTS } from "./other_commands";

export const COMMANDS: readonly Command[] = [...MOVES, ...LOOKS, ...POINTS, ...OTHERS];

const byKey = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));
const byId = new Map(COMMANDS.map((command) => [command.id, command]));

export function commandOfKey(chord: string): Command | undefined {
  return byKey.get(chord);
}

export function commandOf(id: string): Command {
  const command = byId.get(id);
  if (!command) throw new Error(`There is no command ${id}.`);
  return command;
}
