// The bar on top: which recording this is, the ten moves around the middle, and where to find things.

import { bytes, clip, count, duration, fileName, shellWords, when } from "../lib/format";
import { chordLabel } from "../lib/keys";
import type { Recording } from "../lib/protocol";
import { commandOf } from "../model/commands";
import { useAtom, useModel, useWindow } from "./hooks";
import { Icon } from "./icons";

interface Control {
  command: string;
  icon: string;
  isMirrored?: boolean;
}

// Five each way; what is nearest to the middle moves least.
const BACK: Control[][] = [
  [
    { command: "start", icon: "start" },
    { command: "continue-back", icon: "continue", isMirrored: true },
  ],
  [
    { command: "out-back", icon: "out", isMirrored: true },
    { command: "into-back", icon: "into", isMirrored: true },
    { command: "over-back", icon: "over", isMirrored: true },
  ],
];
const FORTH: Control[][] = [
  [
    { command: "over", icon: "over" },
    { command: "into", icon: "into" },
    { command: "out", icon: "out" },
  ],
  [
    { command: "continue", icon: "continue" },
    { command: "end", icon: "end" },
  ],
];

export function Toolbar() {
  const model = useModel();
  const recording = useAtom(model.recording);
  const state = useAtom(model.player.now);
  return (
    <header class="bar">
      <div class="about">
        <CommandButton command="recordings" class="mark" label="ct: all recordings" content="ct" />
        {recording && <About recording={recording} />}
      </div>
      <div class="controls" role="toolbar" aria-label="Move through the run">
        <Controls groups={BACK} isEnabled={state !== null && !state.atStart} isBack />
        <i />
        <Controls groups={FORTH} isEnabled={state !== null} />
      </div>
      <div class="tools">
        <CommandButton command="keys" class="tool" content={<Icon name="keys" />} />
        <CommandButton command="theme" class="tool" content={<Icon name="theme" />} />
        <button type="button" class="find" onClick={() => model.tabs.overlay.set("commands")}>
          <Icon name="find" />
          <span class="grow">Commands, files, moments</span>
          <kbd>Ctrl K</kbd>
        </button>
      </div>
    </header>
  );
}

function About({ recording }: { recording: Recording }) {
  const { program, args, steps, exitCode } = recording;
  const failed = exitCode !== null && exitCode !== 0;
  const details = [
    shellWords([program, ...args]),
    `in ${recording.workdir}`,
    `Python ${recording.python}, ${when(recording.started)}, ran ${duration(recording.duration)}`,
    `${count(recording.calls)} calls, ${count(recording.events)} events, ${bytes(recording.bytes)}`,
  ].join("\n");
  return (
    <>
      <h1 class="program" title={details}>
        {fileName(program)}
      </h1>
      {args.length > 0 && (
        <span class="args" title={shellWords(args)}>
          {clip(shellWords(args), 60)}
        </span>
      )}
      <span class="chip steps">{count(steps)} steps</span>
      <FailureChip failed={failed} recording={recording} />
    </>
  );
}

/** How the run ended, where that was not well: the last exception, and a way to it. */
function FailureChip({ failed, recording }: { failed: boolean; recording: Recording }) {
  const { exitCode, endSignal } = recording;
  const model = useModel();
  const { items, isAtEnd } = useAtom(model.exceptions.state);
  if (!failed) return null;
  const last = isAtEnd ? items.at(-1) : undefined;
  if (!last) return <span class="chip red">{endSignal > 0 ? `signal ${endSignal}` : `exit status ${exitCode}`}</span>;
  const name = last.content.split(/[:(]/)[0] ?? "exception";
  const go = () => model.goTo({ move: "place", place: last.place, threadId: last.threadId });
  return (
    <button type="button" class="chip red" title={`${last.content}\nGo to where it was raised`} onClick={go}>
      {name}
    </button>
  );
}

function Controls({
  groups,
  isEnabled,
  isBack = false,
}: {
  groups: Control[][];
  isEnabled: boolean;
  isBack?: boolean;
}) {
  return (
    <>
      {groups.map((group, index) => (
        <>
          {index > 0 && <i />}
          {group.map((control) => (
            <CommandButton
              key={control.command}
              command={control.command}
              class={isBack ? "back" : "forth"}
              isEnabled={isEnabled}
              content={<Icon name={control.icon} isMirrored={control.isMirrored ?? false} />}
            />
          ))}
        </>
      ))}
    </>
  );
}

interface CommandButtonProps {
  command: string;
  class: string;
  content: preact.ComponentChildren;
  isEnabled?: boolean;
  label?: string; // where the title will not do
}

export function CommandButton({ command: id, class: name, content, isEnabled = true, label }: CommandButtonProps) {
  const { model, cursor } = useWindow();
  const command = commandOf(id);
  const key = command.keys[0];
  return (
    <button
      type="button"
      class={name}
      title={key ? `${command.title} (${chordLabel(key)})` : command.title}
      aria-label={label ?? command.title}
      aria-keyshortcuts={key?.replace("Ctrl", "Control")}
      aria-disabled={!isEnabled}
      onClick={() => isEnabled && command.run(model, cursor.current)}
    >
      {content}
    </button>
  );
}
